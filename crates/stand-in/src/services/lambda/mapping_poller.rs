//! One mapping at work: from state to state, and which shards are read.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet, time::sleep};

use super::{
    Durable, Kinesis, S3, ServiceError,
    functions::Functions,
    last_result::LastResult,
    mapping::{Ledger, Mapping, MappingState},
    progress::Progress,
    shard_poller::{ShardPoller, Work},
};

/// How long a mapping is on its way from one state to another.
const BETWEEN: Duration = Duration::from_millis(200);
/// Between two listings of the stream's shards.
const LOOK: Duration = Duration::from_millis(200);
/// Before another attempt at what the disk refused.
const AGAIN: Duration = Duration::from_secs(1);

pub(super) struct MappingPoller {
    pub(super) id: String,
    pub(super) ledger: Arc<Durable<Ledger>>,
    pub(super) progress: Arc<Durable<Progress>>,
    pub(super) kinesis: Arc<Kinesis>,
    pub(super) s3: Arc<S3>,
    pub(super) functions: Arc<Functions>,
    /// Told when the mapping is changed or deleted.
    pub(super) changes: watch::Receiver<()>,
    pub(super) last_result: LastResult,
}

impl MappingPoller {
    /// Works until the mapping is deleted. What is under way then is given up, and its processes end.
    pub(super) async fn run(mut self) {
        loop {
            let Some(mapping) = self.mapping() else { return };
            match mapping.state {
                MappingState::Deleting => return self.functions.end_idle(&mapping.function),
                MappingState::Enabled => {
                    let mut changes = self.changes.clone();
                    tokio::select! {
                        _ = changes.changed() => {}
                        () = self.serve(Arc::new(mapping)) => {}
                    }
                    self.changes = changes;
                }
                // An error means that the service is gone, and this task is about to be aborted.
                MappingState::Disabled => drop(self.changes.changed().await),
                _ => self.arrive().await,
            }
        }
    }

    /// Comes out of a state that lies between two others.
    async fn arrive(&self) {
        sleep(BETWEEN).await;
        let arrived = self.ledger.change(|ledger| {
            if let Some(mapping) = ledger.get_mut(&self.id)
                && mapping.state != MappingState::Deleting
            {
                mapping.state = if mapping.enabled { MappingState::Enabled } else { MappingState::Disabled };
            }
            Ok::<_, ServiceError>(())
        });
        if let Err(error) = arrived {
            tracing::warn!(mapping = self.id, %error, "the mapping's state is not kept; it is tried again");
            sleep(AGAIN).await;
        }
    }

    /// Reads while the stand-in answers.
    async fn serve(&self, mapping: Arc<Mapping>) {
        let mut address = self.functions.address.subscribe();
        loop {
            if address.wait_for(Option::is_some).await.is_err() {
                return;
            }
            tokio::select! {
                _ = address.wait_for(Option::is_none) => {}
                () = self.read(&mapping) => {}
            }
        }
    }

    /// Reads every shard whose parents are read, until a poller breaks or the stream is another one under the same name.
    async fn read(&self, mapping: &Arc<Mapping>) {
        let (mut pollers, mut begun) = (JoinSet::new(), BTreeSet::new());
        let mut trouble = None;
        loop {
            match self.readable(&mapping.stream_arn) {
                Ok(None) => {
                    pollers.shutdown().await;
                    return self.follow(&mapping.stream_arn);
                }
                Ok(Some(shards)) => {
                    trouble = None;
                    for shard in shards {
                        if begun.insert(shard.clone()) {
                            (0..mapping.settings.pollers()).for_each(|poller| {
                                pollers.spawn(self.poller(mapping, &shard, poller).run());
                            });
                        }
                    }
                }
                Err(error) if trouble.as_ref() != Some(&error) => {
                    tracing::warn!(mapping = self.id, %error, "the mapping waits for its stream");
                    self.last_result.set(&format!("PROBLEM: {}", error.message));
                    trouble = Some(error);
                }
                Err(_) => {}
            }
            sleep(LOOK).await;
            while let Some(ended) = pollers.try_join_next() {
                if let Err(e) = ended {
                    tracing::error!(
                        mapping = self.id,
                        "a poller of the mapping broke; all go on from their checkpoints: {e}"
                    );
                    return;
                }
            }
        }
    }

    /// Goes over to the stream that bears the name now.
    fn follow(&self, stream_arn: &str) {
        let followed = self.kinesis.stream_id(stream_arn).and_then(|stream| {
            self.progress.change(|progress| {
                progress.follow(stream);
                Ok(())
            })
        });
        if let Err(error) = followed {
            tracing::warn!(mapping = self.id, %error, "the mapping does not follow its stream yet; it is tried again");
        }
    }

    /// The shards that have something left, and whose parents have nothing; `None` where they are another stream's than the
    /// positions are.
    fn readable(&self, stream_arn: &str) -> Result<Option<Vec<String>>, ServiceError> {
        let shards = self.kinesis.shards(stream_arn)?;
        if !self.progress.read().is_of(self.kinesis.stream_id(stream_arn)?) {
            return Ok(None);
        }
        let mut left = BTreeSet::new();
        for shard in &shards {
            let behind = self.progress.read().behind(&shard.id);
            if !shard.closed || behind < self.kinesis.end(stream_arn, &shard.id)? {
                left.insert(shard.id.clone());
            }
        }
        let waits = |parents: &[String]| parents.iter().any(|parent| left.contains(parent));
        let readable = shards.iter().filter(|shard| left.contains(&shard.id) && !waits(&shard.parents));
        Ok(Some(readable.map(|shard| shard.id.clone()).collect()))
    }

    fn poller(&self, mapping: &Arc<Mapping>, shard: &str, poller: usize) -> ShardPoller {
        ShardPoller::new(Work {
            mapping_id: self.id.clone(),
            mapping: mapping.clone(),
            shard: shard.to_owned(),
            poller,
            kinesis: self.kinesis.clone(),
            s3: self.s3.clone(),
            functions: self.functions.clone(),
            progress: self.progress.clone(),
            last_result: self.last_result.clone(),
        })
    }

    fn mapping(&self) -> Option<Mapping> {
        self.ledger.read().get(&self.id).cloned()
    }
}
