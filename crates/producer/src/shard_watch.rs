//! Reads the shard map again while the producer runs: one call at a time, and not too often.

use std::{future, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use super::{
    shard_map::{DescribeError, ShardMap},
    transport::Transport,
};

/// The shard map is read no more often than that.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The map that was read; none where the transport does not know the shards.
pub(super) type Refreshed = Result<Option<ShardMap>, DescribeError>;

#[derive(Default)]
pub(super) struct ShardWatch {
    reading: Option<BoxFuture<'static, Refreshed>>,
    last: Option<Instant>,
}

impl ShardWatch {
    /// Looks soon, unless it does already.
    pub(super) fn refresh(&mut self, transport: &Arc<dyn Transport>, now: Instant) {
        if self.reading.is_none() {
            let at = self.last.map_or(now, |last| (last + MIN_INTERVAL).max(now));
            let transport = transport.clone();
            self.reading = Some(Box::pin(async move {
                sleep_until(at).await;
                transport.shards().await
            }));
        }
    }

    /// Returns what a refresh has read; stays pending while there is no refresh. Dropping this future loses nothing.
    pub(super) async fn refreshed(&mut self) -> Refreshed {
        let Some(reading) = &mut self.reading else { return future::pending().await };
        let refreshed = reading.await;
        (self.reading, self.last) = (None, Some(Instant::now()));
        refreshed
    }
}
