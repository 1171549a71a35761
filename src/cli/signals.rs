//! The first Ctrl-C ends a command in order; the second exits at once. SIGTERM counts as a Ctrl-C. SIGHUP counts as the
//! first Ctrl-C, never as the second, because a terminal may send it more than once.

use std::{
    fs, io, process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::signal::unix::{SignalKind, signal};

use super::{errors::interrupted, exit::Exit, screen::Screen, stack_status};
use crate::engine::{Cancel, Home, StackId};

/// Handles the signals of one command from start to end.
#[derive(Clone)]
pub struct Signals(Arc<Inner>);

struct Inner {
    screen: Screen,
    cancel: Cancel,
    stage: Mutex<Stage>,
}

enum Stage {
    /// There is nothing to finish: the first signal exits.
    Untouched,
    /// The first signal prints `answer`; the second prints what `farewell` returns and exits.
    Begun { answer: &'static str, farewell: Arc<dyn Fn() -> String + Send + Sync> },
}

/// The usual answer to the first signal.
const STOPPING: &str = "stopping in order";

impl Signals {
    /// Starts to watch. Until [`begun`](Self::begun), the first signal exits.
    pub fn watch(screen: &Screen) -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = if is_ignored(SignalKind::hangup()) { None } else { Some(signal(SignalKind::hangup())?) };
        let (screen, cancel, stage) = (screen.clone(), Cancel::new(), Mutex::new(Stage::Untouched));
        let signals = Self(Arc::new(Inner { screen, cancel, stage }));
        let arriving = signals.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => arriving.arrived(true),
                    _ = terminate.recv() => arriving.arrived(true),
                    Some(_) = async { hangup.as_mut()?.recv().await } => arriving.arrived(false),
                }
            }
        });
        Ok(signals)
    }

    /// From here on there is work to finish. `farewell` describes what an exit at once leaves behind; it is called on
    /// exit.
    pub fn begun(&self, farewell: impl Fn() -> String + Send + Sync + 'static) {
        *self.stage() = Stage::Begun { answer: STOPPING, farewell: Arc::new(farewell) };
    }

    /// [`begun`](Self::begun) with a stack: an exit at once prints the stack's status.
    pub fn begun_with(&self, home: &Home, id: &StackId) {
        let (home, id) = (home.clone(), id.clone());
        self.begun(move || stack_status::text(&home, &id));
    }

    /// From here on the first signal stops nothing, but prints `what`.
    pub fn goes_on(&self, what: &'static str) {
        if let Stage::Begun { answer, .. } = &mut *self.stage() {
            *answer = what;
        }
    }

    /// Whether a signal has arrived.
    pub fn is_stopped(&self) -> bool {
        self.0.cancel.is_raised()
    }

    /// The flag that the first signal raises.
    pub fn cancel(&self) -> &Cancel {
        &self.0.cancel
    }

    /// Awaits a future unless a signal comes first. Then the future is dropped, so it must change nothing.
    pub async fn unless_stopped<T>(&self, future: impl Future<Output = T>) -> anyhow::Result<T> {
        self.0.cancel.unless_raised(future).await.map_err(|_| interrupted().into())
    }

    fn arrived(&self, may_leave: bool) {
        let stage = self.stage();
        match &*stage {
            Stage::Untouched => self.leave("interrupted; nothing was touched"),
            Stage::Begun { answer, .. } if !self.is_stopped() => {
                self.0.screen.say(&format!("\n{answer}; press Ctrl-C again to exit at once"));
                self.0.cancel.raise();
            }
            Stage::Begun { farewell, .. } if may_leave => self.leave(&farewell()),
            Stage::Begun { .. } => {}
        }
    }

    fn leave(&self, farewell: &str) {
        self.0.screen.say(&format!("\n{farewell}"));
        process::exit(Exit::Interrupted as i32);
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the parent set the signal to be ignored, as nohup does; known on Linux only (proc(5), SigIgn).
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (kind.as_raw_value() - 1)) != 0
}
