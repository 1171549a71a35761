//! Ctrl-C once: come to an orderly end. Twice: leave at once. SIGTERM is one Ctrl-C.

use std::process;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::exit::Exit;
use crate::engine::Cancel;

/// Turns true at the first signal; at the second the process says `farewell` and is gone.
pub fn watch(farewell: String) -> std::io::Result<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        let mut first = true;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if !first {
                eprintln!("\n{farewell}");
                process::exit(Exit::Interrupted as i32);
            }
            first = false;
            eprintln!("\nstopping in good order; once more to leave at once");
            stop.send_replace(true);
        }
    });
    Ok(stopped)
}

/// The engine's flag, raised at the first signal.
pub fn cancel(mut stop: watch::Receiver<bool>) -> Cancel {
    let cancel = Cancel::new();
    let raised = cancel.clone();
    tokio::spawn(async move {
        if stop.wait_for(|stopped| *stopped).await.is_ok() {
            raised.raise();
        }
    });
    cancel
}
