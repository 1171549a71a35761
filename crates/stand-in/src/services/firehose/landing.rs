//! Objects on their way into the bucket, some at the same time: while one is compressed, the next is gathered.

use std::{sync::Arc, thread::available_parallelism};

use bytes::Bytes;
use tokio::task::{JoinError, JoinSet, spawn_blocking};

use super::{
    Durable, S3, ServiceError,
    buffer::Block,
    failure,
    progress::{Intended, Progress},
    recipe::{Group, RenderedObject, Sorted},
    records::Records,
    source::RecordSource,
};

/// As many flushes at a time, if there are cores for them: each has its records in memory.
const MOST: usize = 4;
/// Characters of a UUID.
const UUID: usize = 36;

/// Where objects land, and what they are made from.
#[derive(Clone)]
pub(super) struct Landing {
    pub(super) progress: Arc<Durable<Progress>>,
    pub(super) source: RecordSource,
    pub(super) s3: Arc<S3>,
}

/// The objects of a delivery that are being put.
pub(super) struct Landings {
    to: Landing,
    most: usize,
    running: JoinSet<Result<(), ServiceError>>,
}

impl Landings {
    pub(super) fn new(to: Landing) -> Self {
        let most = available_parallelism().map_or(1, |cores| cores.get().min(MOST));
        Self { to, most, running: JoinSet::new() }
    }

    /// Looks after those that have ended. What a crash or a failure left is put first of all, from the source once more.
    pub(super) async fn go_on(&mut self) -> Result<(), ServiceError> {
        while let Some(ended) = self.running.try_join_next() {
            self.bear(ended).await?;
        }
        if self.running.is_empty() { self.land_left().await } else { Ok(()) }
    }

    /// Begins to put the objects of one flush, once there is room for them.
    pub(super) async fn begin(&mut self, intended: Intended, sorted: Sorted) -> Result<(), ServiceError> {
        while self.running.len() >= self.most
            && let Some(ended) = self.running.join_next().await
        {
            self.bear(ended).await?;
        }
        self.to.progress.change(|progress| {
            progress.landing.push(intended.clone());
            Ok::<_, ServiceError>(())
        })?;
        let to = self.to.clone();
        self.running.spawn(async move { to.land(&intended, sorted).await });
        Ok(())
    }

    /// Waits until all have landed.
    pub(super) async fn end(&mut self) -> Result<(), ServiceError> {
        while let Some(ended) = self.running.join_next().await {
            self.bear(ended).await?;
        }
        self.land_left().await
    }

    /// Where one has failed, the others end before anything is tried again.
    async fn bear(&mut self, ended: Result<Result<(), ServiceError>, JoinError>) -> Result<(), ServiceError> {
        let ended = ended.map_err(ServiceError::internal).flatten();
        if ended.is_err() {
            while self.running.join_next().await.is_some() {}
        }
        ended
    }

    async fn land_left(&self) -> Result<(), ServiceError> {
        let left: Vec<_> = self.to.progress.read().landing.iter().filter(|objects| !objects.landed).cloned().collect();
        for intended in left {
            let sorted = self.to.sort_again(intended.clone()).await?;
            self.to.land(&intended, sorted).await?;
        }
        Ok(())
    }
}

impl Landing {
    /// Puts the objects that are intended, and notes it.
    async fn land(&self, intended: &Intended, mut sorted: Sorted) -> Result<(), ServiceError> {
        let mut unconverted = Vec::new();
        for (group, key) in &intended.keys {
            let rendered = match sorted.remove(group) {
                Some(records) => pack(intended, group, key, records).await?,
                None if *group == Group::Failed(failure::Kind::FormatConversion) => left_over(&mut unconverted),
                None => continue,
            };
            unconverted.extend(rendered.unconverted);
            if let Some(object) = rendered.object {
                self.s3.put(&intended.recipe.bucket, key, object).await?;
            }
        }
        let delivered = self.progress.change(|progress| Ok::<_, ServiceError>(progress.land(&intended.keys)))?;
        delivered.iter().try_for_each(|range| self.source.done_with(range.to))
    }

    async fn sort_again(&self, intended: Intended) -> Result<Sorted, ServiceError> {
        let source = self.source.clone();
        let again = spawn_blocking(move || {
            let mut records = Vec::new();
            for range in &intended.ranges {
                records.extend(Block::read_again(&source, range, intended.recipe.delimiter.as_bytes())?);
            }
            intended.recipe.sort(records)
        });
        again.await.map_err(ServiceError::internal)?
    }
}

/// Makes the object of a group.
async fn pack(
    intended: &Intended,
    group: &Group,
    key: &str,
    records: Vec<Records>,
) -> Result<RenderedObject, ServiceError> {
    let (recipe, group) = (intended.recipe.clone(), group.clone());
    // An archive's one file is named by a UUID, as the object is.
    let name = key.rsplit('/').next().unwrap_or(key);
    let name = name.strip_suffix(recipe.codec.extension()).unwrap_or(name);
    let entry = name[name.len().saturating_sub(UUID)..].to_owned();
    spawn_blocking(move || recipe.pack(&group, records, &entry)).await.map_err(ServiceError::internal)?
}

/// The object of the records that conversion left.
fn left_over(unconverted: &mut Vec<u8>) -> RenderedObject {
    let lines = Bytes::from(std::mem::take(unconverted));
    RenderedObject { object: Some(lines).filter(|lines| !lines.is_empty()), unconverted: Vec::new() }
}
