//! The group of outcomes that callers, the dispatcher and requests in flight share, under loom.

#![cfg(test)]

/// Loom's locks in place of the standard library's; they are poisoned only where the model has failed.
mod lock {
    pub(super) use loom::sync::{Mutex, MutexGuard};

    pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().expect("not poisoned")
    }
}

#[expect(dead_code, reason = "the producer uses the rest")]
#[path = "../../../crates/producer/src/group.rs"]
mod group;

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use loom::{future::block_on, sync::atomic::AtomicBool, thread};

use self::group::Group;

/// Completes records with their own numbers, as a request's answer does; whether the group is over with them.
fn complete(group: &Group<u32>, indexes: &[u32]) -> bool {
    let mut wakers = Vec::new();
    let is_over = group.complete(&mut indexes.iter().map(|index| (*index, *index)).collect(), &mut wakers);
    wakers.into_iter().for_each(Waker::wake);
    is_over
}

fn outcome(group: &Group<u32>, index: u32) -> u32 {
    block_on(poll_fn(|context| group.poll(index, context)))
}

/// Loom fails if a thread waits for ever.
#[test]
fn whoever_waits_is_woken() {
    loom::model(|| {
        let group = Group::new(0);
        let callers = [0, 1].map(|index| {
            let group = group.clone();
            thread::spawn(move || assert_eq!(outcome(&group, index), index))
        });
        complete(&group, &[0, 1]);
        for caller in callers {
            caller.join().expect("an outcome");
        }
    });
}

/// A barrier that ends twice, or never, would let a flush return early, or hang it.
#[test]
fn the_end_of_a_group_is_told_once() {
    loom::model(|| {
        let group = Group::new(0);
        let completers = [0, 1].map(|index| {
            let group = group.clone();
            thread::spawn(move || complete(&group, &[index]))
        });
        let told = usize::from(group.close(2));
        let told = completers
            .into_iter()
            .fold(told, |told, completer| told + usize::from(completer.join().expect("completed")));
        assert_eq!(told, 1);
    });
}

struct Flag(AtomicBool);

impl std::task::Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, loom::sync::atomic::Ordering::SeqCst);
    }
}

/// A future that moves to another task is woken there.
#[test]
fn the_last_waker_is_the_one_that_is_woken() {
    loom::model(|| {
        let group = Group::new(0);
        let completing = group.clone();
        let completer = thread::spawn(move || complete(&completing, &[0]));
        let wakers = [(); 2].map(|()| Arc::new(Flag(AtomicBool::new(false))));
        let polled = wakers.clone().map(|flag| group.poll(0, &mut Context::from_waker(&Waker::from(flag))));
        completer.join().expect("completed");
        let is_woken = |flag: &Arc<Flag>| flag.0.load(loom::sync::atomic::Ordering::SeqCst);
        match polled {
            [Poll::Pending, Poll::Pending] => assert!(is_woken(&wakers[1])),
            [Poll::Pending, Poll::Ready(_)] => assert!(is_woken(&wakers[0])),
            [Poll::Ready(_), Poll::Pending] => {}
            [Poll::Ready(_), Poll::Ready(_)] => panic!("given twice"),
        }
    });
}
