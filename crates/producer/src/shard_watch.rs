//! Reads the shard map again while the producer runs: one look at a time, and not too often.

use std::{future, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use super::{
    shard_map::{DescribeError, ShardMap},
    transport::Transport,
};

/// The shard map is read no more often than that.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// What a look finds; no map where the transport does not tell the shards.
pub(super) type Looked = Result<Option<ShardMap>, DescribeError>;

#[derive(Default)]
pub(super) struct ShardWatch {
    looking: Option<BoxFuture<'static, Looked>>,
    last: Option<Instant>,
}

impl ShardWatch {
    /// Looks soon, unless it does already.
    pub(super) fn look(&mut self, transport: &Arc<dyn Transport>, now: Instant) {
        if self.looking.is_none() {
            let at = self.last.map_or(now, |last| (last + BETWEEN_LOOKS).max(now));
            let transport = transport.clone();
            self.looking = Some(Box::pin(async move {
                sleep_until(at).await;
                transport.shards().await
            }));
        }
    }

    /// What the look finds; never, while there is none. Dropping this future loses nothing.
    pub(super) async fn looked(&mut self) -> Looked {
        let Some(looking) = &mut self.looking else { return future::pending().await };
        let looked = looking.await;
        (self.looking, self.last) = (None, Some(Instant::now()));
        looked
    }
}
