//! The one policy for locks: a lock that a panic has poisoned is taken as any other.
//!
//! Nothing of the producer's own panics while it holds a lock, and what it calls there of others (a tracing subscriber, a
//! metrics recorder) comes before or after a change, never in its middle. So the data is whole, and records that
//! are in flight go on instead of failing with a panic in every thread that puts.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex, poisoned or not.
pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
