//! Turns at a key: a condition on what lies there and the write that it admits are one step.

use std::{
    array,
    hash::{BuildHasher, RandomState},
};

use tokio::sync::{Mutex, MutexGuard};

/// How many keys can be written at once; more share a turn by chance.
const TURNS: usize = 64;

/// A turn for each key, some of which share one.
pub(super) struct Turns {
    turns: [Mutex<()>; TURNS],
    hasher: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        Self { turns: array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl Turns {
    /// Waits for the turn at a key; it ends with what is returned.
    pub(super) async fn take(&self, bucket: &str, key: &str) -> MutexGuard<'_, ()> {
        let turn = self.hasher.hash_one((bucket, key)) as usize % TURNS;
        self.turns[turn].lock().await
    }
}
