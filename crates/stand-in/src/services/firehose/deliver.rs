//! One delivery stream at work: reads, buffers, puts objects, remembers how far it came.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use demo_formats::prefix::{Prefix, Use};
use tokio::{sync::watch, task::spawn_blocking, time::sleep};

use super::{
    Durable, Glue, S3, ServiceError,
    buffer::{Block, Buffer},
    failure,
    progress::{Intended, Progress},
    recipe::{Group, RenderedObject, Sorted},
    records::Records,
    settings::S3Settings,
    source::RecordSource,
    stream::{Ledger, Status},
};

/// How long a new delivery stream is CREATING.
const CREATING: Duration = Duration::from_millis(200);
/// Between two reads of a source that had no records.
const POLL: Duration = Duration::from_millis(100);
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// Characters of a UUID.
const UUID: usize = 36;

/// One delivery stream at work.
pub(super) struct Delivery {
    name: String,
    ledger: Arc<Durable<Ledger>>,
    progress: Arc<Durable<Progress>>,
    source: RecordSource,
    s3: Arc<S3>,
    glue: Arc<Glue>,
    deleted: watch::Receiver<bool>,
    buffer: Buffer,
    /// The shard that was read last, so that one far behind does not keep the others waiting.
    last_shard: String,
    backoff: Duration,
    /// The last error that was logged.
    trouble: Option<String>,
}

impl Delivery {
    pub(super) fn new(
        name: String,
        ledger: Arc<Durable<Ledger>>,
        progress: Arc<Durable<Progress>>,
        source: RecordSource,
        (s3, glue): (Arc<S3>, Arc<Glue>),
        deleted: watch::Receiver<bool>,
    ) -> Self {
        Self {
            name,
            ledger,
            progress,
            source,
            s3,
            glue,
            deleted,
            buffer: Buffer::default(),
            last_shard: String::new(),
            backoff: FIRST_BACKOFF,
            trouble: None,
        }
    }

    /// Delivers until the delivery stream is deleted. What is buffered then is put in one attempt, as AWS promises no more.
    pub(super) async fn run(mut self) {
        self.activate().await;
        while !self.is_deleted() {
            match self.turn().await {
                Ok(true) => self.recover(),
                Ok(false) => {
                    self.recover();
                    self.rest(POLL).await;
                }
                Err(error) => self.suffer(error).await,
            }
        }
        if let Err(error) = self.finish().await {
            tracing::warn!(delivery = self.name, %error, "what was buffered is not delivered: the delivery stream is deleted");
        }
    }

    async fn activate(&mut self) {
        while self.status() == Some(Status::Creating) {
            self.rest(CREATING).await;
            let active = self.ledger.change(|ledger| {
                if let Some(stream) = ledger.get_mut(&self.name) {
                    stream.status = Status::Active;
                }
                Ok::<_, ServiceError>(())
            });
            if let Err(error) = active {
                self.suffer(error).await;
            }
        }
    }

    /// Reads once, and puts an object if one is due. Says whether there was anything to do.
    async fn turn(&mut self) -> Result<bool, ServiceError> {
        if self.source.is_stalled(&self.name) {
            return Ok(false);
        }
        self.land_intended(None).await?;
        let Some((settings, version)) = self.settings() else { return Ok(false) };
        let read = self.fill(&settings).await?;
        let is_due = self.buffer.is_due(settings.buffer_bytes(), settings.buffer_interval());
        if is_due {
            self.deliver(&settings, version).await?;
        }
        Ok(read || is_due)
    }

    async fn finish(&mut self) -> Result<(), ServiceError> {
        self.land_intended(None).await?;
        match self.settings() {
            Some((settings, version)) if self.buffer.bytes() > 0 => self.deliver(&settings, version).await,
            _ => Ok(()),
        }
    }

    /// Reads each shard once, within what the buffer still takes.
    async fn fill(&mut self, settings: &S3Settings) -> Result<bool, ServiceError> {
        let source = self.source.clone();
        let positions = self.progress.read().delivered.clone();
        let buffered: Vec<(String, u64)> = self.buffer.ranges().into_iter().map(|r| (r.shard, r.to)).collect();
        let (last, room) = (self.last_shard.clone(), settings.buffer_bytes().saturating_sub(self.buffer.bytes()));
        let delimiter = settings.delimiter();
        let blocks = spawn_blocking(move || {
            let mut next = positions;
            next.extend(buffered);
            let mut shards = source.shards()?;
            let first = shards.iter().position(|shard| *shard > last).unwrap_or(0);
            shards.rotate_left(first);
            let (mut blocks, mut room) = (Vec::new(), room);
            for shard in shards {
                if room == 0 {
                    break;
                }
                let position = next.get(&shard).copied().unwrap_or(0);
                if let Some(block) = Block::read(&source, &shard, position, room, delimiter.as_bytes())? {
                    room = room.saturating_sub(block.bytes());
                    blocks.push(block);
                }
            }
            Ok::<_, ServiceError>(blocks)
        });
        let blocks = blocks.await.map_err(ServiceError::internal)??;
        if let Some(block) = blocks.last() {
            self.last_shard.clone_from(&block.range.shard);
        }
        let read = !blocks.is_empty();
        blocks.into_iter().for_each(|block| self.buffer.push(block));
        Ok(read)
    }

    /// Makes objects of all that is buffered and puts them. What fails on the way is read from the source once more.
    async fn deliver(&mut self, settings: &S3Settings, version: u32) -> Result<(), ServiceError> {
        let recipe = settings.recipe(&self.glue)?;
        let (ranges, oldest) = (self.buffer.ranges(), self.buffer.oldest().map_or_else(Utc::now, DateTime::from));
        let records = self.buffer.take();
        let sorter = recipe.clone();
        let sorted = spawn_blocking(move || sorter.sort(records)).await.map_err(ServiceError::internal)??;
        let keys = recipe.groups(&sorted).into_iter();
        let keys = keys.map(|group| Ok((group.clone(), self.key(settings, version, oldest, &group)?)));
        let intended = Intended { keys: keys.collect::<Result<_, ServiceError>>()?, recipe, ranges };
        self.progress.change(|progress| {
            progress.intended = Some(intended);
            Ok::<_, ServiceError>(())
        })?;
        self.land_intended(Some(sorted)).await
    }

    /// Puts the objects that are intended, if any are; without their records, from the source once more.
    async fn land_intended(&mut self, sorted: Option<Sorted>) -> Result<(), ServiceError> {
        let Some(intended) = self.progress.read().intended.clone() else { return Ok(()) };
        let mut sorted = match sorted {
            Some(sorted) => sorted,
            None => self.sort_again(intended.clone()).await?,
        };
        let mut unconverted = Vec::new();
        for (group, key) in &intended.keys {
            let rendered = match sorted.remove(group) {
                Some(records) => pack(&intended, group, key, records).await?,
                None if *group == Group::Failed(failure::Kind::FormatConversion) => left_over(&mut unconverted),
                None => continue,
            };
            unconverted.extend(rendered.unconverted);
            if let Some(object) = rendered.object {
                self.s3.put(&intended.recipe.bucket, key, object).await?;
            }
        }
        self.progress.change(|progress| {
            progress.land();
            Ok::<_, ServiceError>(())
        })?;
        intended.ranges.iter().try_for_each(|range| self.source.done_with(range.to))
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

    /// `<prefix><delivery stream>-<version>-<time>-<uuid><extension>` (Firehose developer guide, "Configure Amazon S3 object
    /// name format"); what failed has no extension.
    fn key(
        &self,
        settings: &S3Settings,
        version: u32,
        at: DateTime<Utc>,
        group: &Group,
    ) -> Result<String, ServiceError> {
        let (prefix, extension) = match group {
            Group::Partition(values) => {
                let prefix = Prefix::parse(settings.prefix(), Use::Data).map_err(ServiceError::internal)?;
                (prefix.render_partition(at, values), settings.extension())
            }
            Group::Failed(kind) => {
                let prefix = Prefix::parse(settings.error_prefix(), Use::Error).map_err(ServiceError::internal)?;
                (prefix.render(at, Some(kind.output_type())), "")
            }
        };
        let time = at.format("%Y-%m-%d-%H-%M-%S");
        Ok(format!("{prefix}{}-{version}-{time}-{}{extension}", self.name, super::uuid()))
    }

    fn settings(&self) -> Option<(S3Settings, u32)> {
        self.ledger.read().get(&self.name).map(|stream| (stream.settings.clone(), stream.version))
    }

    fn status(&self) -> Option<Status> {
        self.ledger.read().get(&self.name).map(|stream| stream.status)
    }

    fn is_deleted(&self) -> bool {
        *self.deleted.borrow()
    }

    /// Waits, but no longer than until the delivery stream is deleted.
    async fn rest(&mut self, time: Duration) {
        tokio::select! {
            () = sleep(time) => {}
            // An error means that the service is gone, and this task is about to be aborted.
            _ = self.deleted.wait_for(|deleted| *deleted) => {}
        }
    }

    /// Tells of a trouble once, however often it comes back, and waits longer each time.
    async fn suffer(&mut self, error: ServiceError) {
        let text = error.to_string();
        if self.trouble.as_ref() != Some(&text) {
            tracing::warn!(delivery = self.name, error = text, "delivery waits and tries again");
            self.trouble = Some(text);
        }
        self.rest(self.backoff).await;
        self.backoff = (self.backoff * 2).min(LONGEST_BACKOFF);
    }

    fn recover(&mut self) {
        if self.trouble.take().is_some() {
            tracing::info!(delivery = self.name, "delivery goes on");
        }
        self.backoff = FIRST_BACKOFF;
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
