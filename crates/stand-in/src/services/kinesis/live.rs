//! A stream as the calls see it: a snapshot of what is known of it, and the logs of its shards.

use std::{io, path::Path, sync::Arc};

use super::{
    limits::Limits,
    log::ShardLog,
    stream::{StreamMeta, shard_id},
};

/// A snapshot; a change of the stream makes another that shares the logs.
pub(super) struct Live {
    pub(super) meta: StreamMeta,
    pub(super) logs: Vec<Arc<ShardLog>>,
    /// First hash key and number of each open shard, in order.
    routes: Vec<(u128, u32)>,
}

impl Live {
    /// The snapshot of `meta`, whose records lie under `folder`; logs that `before` has open are taken over.
    pub(super) fn open(
        meta: StreamMeta,
        folder: &Path,
        before: Option<&Live>,
        limits: &Limits,
        now: u64,
    ) -> io::Result<Self> {
        let mut logs: Vec<Arc<ShardLog>> = before.map(|live| live.logs.clone()).unwrap_or_default();
        for number in logs.len()..meta.shards.len() {
            let folder = folder.join(shard_id(number as u32));
            logs.push(Arc::new(ShardLog::open(&folder, limits.segment_bytes, limits.shard_write, now)?));
        }
        let routes = meta.open_shards().into_iter().map(|n| (meta.shards[n as usize].first_key, n)).collect();
        Ok(Self { meta, logs, routes })
    }

    /// The open shard that takes `hash_key`.
    pub(super) fn route(&self, hash_key: u128) -> u32 {
        let after = self.routes.partition_point(|&(first, _)| first <= hash_key);
        self.routes[after - 1].1
    }

    /// Closes the logs of closed shards, or all of them when the stream is being deleted.
    pub(super) fn close_logs(&self, all: bool) {
        for (log, shard) in self.logs.iter().zip(&self.meta.shards) {
            if all || shard.closed.is_some() {
                log.close();
            }
        }
    }

    /// The log of a shard.
    pub(super) fn log(&self, shard: u32) -> &ShardLog {
        &self.logs[shard as usize]
    }
}
