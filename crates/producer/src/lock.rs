//! The one policy for locks: a lock that a panic has poisoned is taken as any other.
//!
//! Nothing of the producer's own panics while it holds a lock, and what it calls there of others (a tracing subscriber, a
//! metrics recorder) comes before or after a change, never in its middle. So the data is whole, and records that
//! are in flight go on instead of failing with a panic in every thread that puts.

use std::sync::PoisonError;
pub(super) use std::sync::{Mutex, MutexGuard};

/// Locks a mutex, poisoned or not.
pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_poisoned_lock_is_taken() {
        let mutex = Arc::new(Mutex::new(1));
        let poisoner = mutex.clone();
        let panicked = std::thread::spawn(move || {
            let _guard = lock(&poisoner);
            panic!("while the lock is held");
        });
        assert!(panicked.join().is_err() && mutex.is_poisoned());
        assert_eq!(*lock(&mutex), 1);
    }
}
