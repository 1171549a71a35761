//! The lines of the workers that share a load.

use super::screen::{Bar, Screen};
use crate::{
    fleet::{Stage, WorkerState},
    report::numbers::grouped,
};

/// More workers than so many have no line of their own.
const MOST_LINES: usize = 16;

/// A line for each worker, with what it said last.
#[derive(Default)]
pub struct WorkerLines(Vec<(Bar, Vec<String>)>);

impl WorkerLines {
    /// Shows what they do.
    pub fn show(&mut self, states: &[WorkerState], screen: &Screen) {
        if states.len() > MOST_LINES {
            return;
        }
        for state in &states[self.0.len()..] {
            self.0.push((screen.bar(&format!("  {}", state.part), Some(state.total)), Vec::new()));
        }
        for ((bar, said), state) in self.0.iter_mut().zip(states) {
            *said = parts(state);
            bar.set(state.acknowledged, said);
        }
    }

    /// Ends them, each with what its worker came to.
    pub fn finish(&mut self) {
        self.0.drain(..).for_each(|(bar, said)| bar.finish(&said));
    }
}

/// Such as `sending`, `1,200 acknowledged`, `400/s`.
fn parts(state: &WorkerState) -> Vec<String> {
    let stage = match (state.stage, state.is_lost) {
        (_, true) => "gone",
        (Stage::Preparing, _) => "preparing",
        (Stage::Ready, _) => "ready",
        (Stage::Sending, _) => "sending",
        (Stage::Ended, _) => "done",
    };
    let mut parts = vec![stage.to_owned()];
    if matches!(state.stage, Stage::Sending | Stage::Ended) || state.is_lost {
        parts.push(format!("{} acknowledged", grouped(state.acknowledged)));
    }
    if state.stage == Stage::Sending {
        parts.push(format!("{}/s", grouped(state.records_per_second.round() as u64)));
    }
    match state.replaced {
        0 => {}
        1 => parts.push("replaced once".to_owned()),
        times => parts.push(format!("replaced {times} times")),
    }
    parts.extend(state.silent.map(|silent| format!("no heartbeat for {} s", silent.as_secs())));
    parts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::Part;

    #[test]
    fn a_line_says_what_a_worker_does_and_what_became_of_others() {
        let state = WorkerState {
            part: Part { worker: 2, of: 3 },
            total: 2_000,
            acknowledged: 1_200,
            records_per_second: 399.7,
            stage: Stage::Sending,
            silent: None,
            replaced: 0,
            is_lost: false,
        };
        let text = |state: &WorkerState| parts(state).join("   ");
        assert_eq!(text(&state), "sending   1,200 acknowledged   400/s");
        let silent = WorkerState { silent: Some(Duration::from_secs(12)), replaced: 1, ..state.clone() };
        assert_eq!(text(&silent), "sending   1,200 acknowledged   400/s   replaced once   no heartbeat for 12 s");
        assert_eq!(text(&WorkerState { stage: Stage::Ended, ..state.clone() }), "done   1,200 acknowledged");
        assert_eq!(text(&WorkerState { stage: Stage::Ended, is_lost: true, ..state }), "gone   1,200 acknowledged");
    }
}
