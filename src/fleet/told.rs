//! What a coordinator tells of its load: progress, the rows of its record, a line for each worker.

use std::time::Duration;

use super::{
    event::{FleetEvent, Tell},
    figures::Sum,
    message::{Stage, Status},
    seat::{PartOfLoad, WorkerState},
};
use crate::load::Progress;

/// A row of the record waits so much longer than it takes to hear of its second.
const ROW_WAITS: f64 = 0.5;

/// What was told last.
#[derive(Default)]
pub(super) struct Told {
    /// How long a row waits for what workers did in its second.
    waits: f64,
    rows: u64,
    row_at: f64,
    row: Sum,
    places: Vec<Box<str>>,
    read: u64,
    workers: Vec<WorkerState>,
}

impl Told {
    /// Nothing, of workers whose figures come so late.
    pub(super) fn waiting(late: Duration) -> Self {
        Self { waits: ROW_WAITS + late.as_secs_f64(), ..Self::default() }
    }

    /// Nothing of what these had done after so many seconds: another process has told that.
    pub(super) fn nothing_before(self, parts: &[PartOfLoad], elapsed: f64) -> Self {
        let row = Sum::of(parts.iter().flat_map(PartOfLoad::figures));
        Self { rows: elapsed as u64, row_at: elapsed, row, ..self }
    }

    /// Tells what is new, so many seconds after the load began, which has so many documents.
    pub(super) fn tell(&mut self, parts: &[PartOfLoad], (elapsed, documents): (f64, u64), tell: Tell<'_>) {
        let states: Vec<_> = parts.iter().map(PartOfLoad::state).collect();
        if states != self.workers {
            tell(FleetEvent::Workers(&states));
            self.workers = states;
        }
        if elapsed <= 0.0 {
            return;
        }
        let sum = Sum::of(parts.iter().flat_map(PartOfLoad::figures));
        tell(FleetEvent::Progress(&progress(&sum, parts, Duration::from_secs_f64(elapsed), documents)));
        let read = parts.iter().filter_map(|part| part.status.as_ref()?.figures.read.as_ref()).next();
        if let Some(read) = read.filter(|read| read.number > self.read) {
            self.read = read.number;
            tell(FleetEvent::Read(read));
        }
        if elapsed >= (self.rows + 1) as f64 + self.waits {
            self.rows = (elapsed - self.waits) as u64;
            self.row(sum, self.rows as f64, tell);
        }
    }

    /// Tells the last row, and how each worker ended.
    pub(super) fn tell_end(&mut self, parts: &[PartOfLoad], elapsed: f64, tell: Tell<'_>) {
        self.row(Sum::of(parts.iter().flat_map(PartOfLoad::figures)), elapsed, tell);
        let states: Vec<_> = parts.iter().map(PartOfLoad::state).collect();
        tell(FleetEvent::Workers(&states));
    }

    /// Ends a row of the record.
    fn row(&mut self, sum: Sum, at: f64, tell: Tell<'_>) {
        if at <= self.row_at {
            return;
        }
        let row = sum.since(&self.row, (self.row_at, at), &mut self.places);
        (self.row, self.row_at) = (sum.at_least(&self.row), at);
        tell(FleetEvent::Second(&row));
    }
}

fn progress(sum: &Sum, parts: &[PartOfLoad], elapsed: Duration, documents: u64) -> Progress {
    let sending = || parts.iter().filter(|part| part.stage() == Stage::Sending);
    let statuses = || sending().filter_map(|part| part.status.as_ref());
    let are_all = |is: fn(&Status) -> bool| sending().next().is_some() && statuses().all(is);
    let silences = statuses().filter_map(|status| status.figures.silence.clone());
    let silence = silences.min_by_key(|silence| silence.lasts);
    Progress {
        silence: silence.filter(|_| are_all(|status| status.figures.silence.is_some())),
        is_paused: are_all(|status| status.figures.is_paused),
        ..sum.told(elapsed, documents)
    }
}
