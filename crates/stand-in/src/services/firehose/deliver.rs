//! One delivery stream at work: reads, buffers, puts objects, remembers how far it came.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use demo_formats::prefix::{Prefix, Use};
use tokio::{sync::watch, task::spawn_blocking, time::sleep};

use super::{
    Durable, Glue, S3, ServiceError,
    buffer::{Block, Buffer},
    landing::{Landing, Landings},
    progress::{Intended, Progress},
    recipe::Group,
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

/// One delivery stream at work.
pub(super) struct Delivery {
    name: String,
    ledger: Arc<Durable<Ledger>>,
    progress: Arc<Durable<Progress>>,
    source: RecordSource,
    landings: Landings,
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
        let landing = Landing { progress: progress.clone(), source: source.clone(), s3 };
        Self {
            name,
            ledger,
            progress,
            source,
            landings: Landings::new(landing),
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
        self.landings.go_on().await?;
        let Some((settings, version)) = self.settings() else { return Ok(false) };
        let read = self.fill(&settings).await?;
        let is_due = self.buffer.is_due(settings.buffer_bytes(), settings.buffer_interval());
        if is_due {
            self.deliver(&settings, version).await?;
        }
        Ok(read || is_due)
    }

    async fn finish(&mut self) -> Result<(), ServiceError> {
        self.landings.end().await?;
        if let Some((settings, version)) = self.settings()
            && self.buffer.bytes() > 0
        {
            self.deliver(&settings, version).await?;
        }
        self.landings.end().await
    }

    /// Reads each shard once, within what the buffer still takes.
    async fn fill(&mut self, settings: &S3Settings) -> Result<bool, ServiceError> {
        let source = self.source.clone();
        let taken = self.progress.read().taken();
        let buffered: Vec<(String, u64)> = self.buffer.ranges().into_iter().map(|r| (r.shard, r.to)).collect();
        let (last, room) = (self.last_shard.clone(), settings.buffer_bytes().saturating_sub(self.buffer.bytes()));
        let delimiter = settings.delimiter();
        let blocks = spawn_blocking(move || {
            let mut next = taken;
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
        let keys = keys.collect::<Result<_, ServiceError>>()?;
        self.landings.begin(Intended { keys, recipe, ranges, landed: false }, sorted).await
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
