//! A statement by itself: on threads of its own with a stack that its depth has been measured against, with a time limit,
//! and gone with all its tasks as soon as nobody waits for it.

use std::{future::Future, io, num::NonZeroUsize, thread, time::Duration};

use procfs::process::Process;
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::{JoinError, spawn_blocking},
    time::{interval, sleep},
};

/// How long a statement may take (Athena user guide, "Service Quotas": DML query timeout, 30 minutes by default).
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(30 * 60);

/// Address space: memory only as far as a statement is nested.
pub(super) const STACK: usize = 256 << 20;

/// By how much the process may grow while a statement runs: what allocates outside the memory pool is found by this.
const GROWTH: u64 = 2 << 30;
const MEMORY_LOOK: Duration = Duration::from_millis(100);

/// Why a statement has no result of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// It ran for too long.
    #[error("the statement ran for more than {} minutes, the longest that the stand-in lets one run", .0.as_secs_f64() / 60.0)]
    Late(Duration),
    /// It took the machine's memory.
    #[error("the statement was ended because the stand-in has grown by more than {GROWTH} bytes meanwhile")]
    Memory,
    /// It panicked, or was stopped.
    #[error("the statement broke off: {0}; the log has more")]
    Broken(#[from] JoinError),
    /// There are no threads for it, or its memory cannot be measured.
    #[error("the statement cannot be run by itself: {0}")]
    NotAlone(#[from] io::Error),
}

/// Runs `work` to its end, for `limit` at most. Where the future that this returns is dropped, the work ends at its next
/// pause.
///
/// # Errors
/// The work panicked, or took too long, took too much memory, or cannot be run by itself.
pub(crate) async fn run_isolated<T: Send + 'static>(
    limit: Duration,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Ended> {
    let (waiting, nobody_waits) = oneshot::channel::<()>();
    // A blocking task, because a clock that tests pause stands still meanwhile.
    let result = spawn_blocking(move || {
        let runtime = runtime()?;
        let task = runtime.spawn(work);
        let result = runtime.block_on(async {
            tokio::select! {
                ended = task => ended.map_err(Ended::from),
                () = sleep(limit) => Err(Ended::Late(limit)),
                grown = grown_too_much() => Err(grown.map_or_else(Ended::NotAlone, |()| Ended::Memory)),
                _ = nobody_waits => Err(Ended::Late(Duration::ZERO)),
            }
        });
        runtime.shutdown_background();
        result
    })
    .await?;
    drop(waiting);
    result
}

/// Waits until the process has grown too much.
async fn grown_too_much() -> io::Result<()> {
    let begun = resident()?;
    let mut looks = interval(MEMORY_LOOK);
    while resident()?.saturating_sub(begun) <= GROWTH {
        looks.tick().await;
    }
    Ok(())
}

/// The process's memory, in bytes.
fn resident() -> io::Result<u64> {
    let pages = Process::myself().and_then(|process| process.statm()).map_err(io::Error::other)?.resident;
    Ok(pages * procfs::page_size())
}

fn runtime() -> io::Result<Runtime> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(cores).thread_stack_size(STACK).thread_name("sql").enable_all().build()
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        time::Instant,
    };

    use tokio::task::yield_now;

    use super::*;

    /// Runs for ever; `ended` is raised where it is dropped.
    async fn endless(ended: Raised) {
        loop {
            yield_now().await;
            std::hint::black_box(&ended);
        }
    }

    struct Raised(Arc<AtomicBool>);

    impl Drop for Raised {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    async fn is_raised(flag: &AtomicBool) -> bool {
        let begun = Instant::now();
        while !flag.load(Ordering::SeqCst) && begun.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        flag.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn what_takes_too_long_is_ended() {
        let flag = Arc::new(AtomicBool::new(false));
        let ended = run_isolated(Duration::from_millis(50), endless(Raised(flag.clone()))).await;
        assert!(matches!(ended, Err(Ended::Late(_))), "{ended:?}");
        assert!(is_raised(&flag).await);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_ended() {
        let flag = Arc::new(AtomicBool::new(false));
        let running = tokio::spawn(run_isolated(TIME_LIMIT, endless(Raised(flag.clone()))));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!flag.load(Ordering::SeqCst));
        running.abort();
        assert!(is_raised(&flag).await);
    }

    #[tokio::test]
    async fn a_panic_is_the_works_own() {
        let ended = run_isolated::<()>(TIME_LIMIT, async { panic!("on purpose") }).await;
        assert!(matches!(ended, Err(Ended::Broken(_))), "{ended:?}");
        assert_eq!(run_isolated(TIME_LIMIT, async { 7 }).await.expect("a result"), 7);
    }
}
