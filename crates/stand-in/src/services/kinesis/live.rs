//! A stream as the calls see it: a snapshot of what is known of it, and the logs of its shards.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    limits::{Limits, ReadThrottle},
    log::ShardLog,
    stream::{StreamMeta, shard_id},
};

/// A snapshot; a change of the stream makes another that shares the shards.
pub(super) struct Live {
    pub(super) meta: StreamMeta,
    shards: Vec<Arc<OpenShard>>,
    /// First hash key and number of each open shard, in order.
    routes: Vec<(u128, u32)>,
}

/// A shard's records, and what its readers have left; `None` where they may have everything.
struct OpenShard {
    log: ShardLog,
    readers: Option<Mutex<ReadThrottle>>,
}

impl Live {
    /// The snapshot of `meta`, whose records lie under `folder`; shards that `before` has open are taken over.
    pub(super) fn open(
        meta: StreamMeta,
        folder: &Path,
        before: Option<&Live>,
        limits: &Limits,
        now: u64,
    ) -> io::Result<Self> {
        let mut shards: Vec<Arc<OpenShard>> = before.map(|live| live.shards.clone()).unwrap_or_default();
        for number in shards.len()..meta.shards.len() {
            let folder = folder.join(shard_id(number as u32));
            let log = ShardLog::open(&folder, limits.segment_bytes, limits.shard_write, now)?;
            let readers = limits.shard_read.map(|rate| Mutex::new(ReadThrottle::new(rate, now)));
            shards.push(Arc::new(OpenShard { log, readers }));
        }
        let routes = meta.open_shards().into_iter().map(|n| (meta.shards[n as usize].first_key, n)).collect();
        Ok(Self { meta, shards, routes })
    }

    /// The open shard that takes `hash_key`.
    pub(super) fn route(&self, hash_key: u128) -> u32 {
        let after = self.routes.partition_point(|&(first, _)| first <= hash_key);
        self.routes[after - 1].1
    }

    /// Closes the logs of closed shards, or all of them when the stream is being deleted.
    pub(super) fn close_logs(&self, all: bool) {
        for (open, shard) in self.shards.iter().zip(&self.meta.shards) {
            if all || shard.closed.is_some() {
                open.log.close();
            }
        }
    }

    /// The log of a shard.
    pub(super) fn log(&self, shard: u32) -> &ShardLog {
        &self.shards[shard as usize].log
    }

    /// What the readers of a shard have left; `None` where they may have everything.
    pub(super) fn readers(&self, shard: u32) -> Option<MutexGuard<'_, ReadThrottle>> {
        let readers = self.shards[shard as usize].readers.as_ref()?;
        Some(readers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
