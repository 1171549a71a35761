//! All that a page shows of a run, put together from its record.

use std::collections::VecDeque;

use bytes::Bytes;
use serde::Serialize;

use super::{
    frame::frame,
    outcome::Outcome,
    plan::Plan,
    row::{Phase, Row},
    series::{Point, Series},
    shards::{Shards, capacity},
};
use crate::{
    load::Part,
    record::follower::News,
    report::{
        recorded::{About, Hourly},
        second::{Moment, MomentKind, Second},
    },
    spec::{self, Action},
};

/// Of what happened, the latest so many are shown.
const MOMENTS: usize = 200;

/// A run as far as it is known. It takes as much memory however long the run is.
#[derive(Default)]
pub(super) struct Board {
    run: Option<Run>,
    series: Series,
    shards: Shards,
    moments: VecDeque<Moment>,
    latest: Row,
    outcome: Option<Outcome>,
}

/// What was known when the run began.
struct Run {
    about: Intro,
    /// Why there is none is a moment.
    plan: Option<Plan>,
}

/// The part of it that everybody may see.
#[derive(Clone, Serialize)]
struct Intro {
    run: String,
    stack: String,
    worker: Option<String>,
    target: String,
    started: String,
    version: String,
    destinations: Vec<String>,
    hourly: Option<Hourly>,
    expires: Option<String>,
}

/// The whole state, for a browser that connects.
#[derive(Serialize)]
struct State<'a> {
    run: Option<&'a Intro>,
    plan: Option<&'a Plan>,
    series: &'a Series,
    moments: &'a VecDeque<Moment>,
    latest: Row,
    outcome: Option<&'a Outcome>,
}

impl Board {
    /// Takes what is new in the record, and returns the event that tells it to browsers.
    pub(super) fn take(&mut self, news: News) -> Option<Bytes> {
        match news {
            News::Second(second) => Some(self.second(&second)),
            News::Moment(moment) => Some(self.moment(moment)),
            News::Torn(torn) => Some(self.warn(format!("left out of the record: {torn}"))),
            News::Run(recorded) => {
                let outcome = Outcome::of(&recorded);
                let is_new = self.run.is_none();
                if is_new {
                    self.begin(&recorded.about);
                }
                if outcome.is_some() {
                    self.latest.phase = if recorded.is_under_way { Phase::Closing } else { Phase::Over };
                    self.outcome = outcome;
                }
                (is_new || self.outcome.is_some()).then(|| self.state())
            }
        }
    }

    /// Begins with what is known of a run beforehand.
    pub(super) fn begin(&mut self, about: &About) {
        let plan = match spec::from_value(&about.spec) {
            Ok(stack) => {
                let part = about.worker.as_ref().and_then(|part| part.parse().ok()).unwrap_or(Part::WHOLE);
                Some(Plan::of(&stack, part))
            }
            Err(errors) => {
                self.warn(format!("no schedule is shown: {errors}"));
                None
            }
        };
        let about = about.clone();
        let intro = Intro {
            run: about.run,
            stack: about.stack,
            worker: about.worker,
            target: about.target,
            started: about.started,
            version: about.version,
            destinations: about.destinations,
            hourly: about.hourly,
            expires: about.expires,
        };
        self.run = Some(Run { about: intro, plan });
    }

    /// The run's stack, once it is known.
    pub(super) fn stack(&self) -> Option<&str> {
        self.run.as_ref().map(|run| run.about.stack.as_str())
    }

    pub(super) fn is_over(&self) -> bool {
        self.outcome.as_ref().is_some_and(|outcome| outcome.is_over)
    }

    /// Tells something that did not stop the run.
    pub(super) fn warn(&mut self, text: String) -> Bytes {
        self.moment(Moment { at: self.latest.at, kind: MomentKind::Warning, text, done: None })
    }

    /// The event that tells everything.
    pub(super) fn state(&self) -> Bytes {
        let mut latest = self.latest.clone();
        if let Some(shards) = &mut latest.shards {
            shards.first_seen = self.shards.ids().to_vec();
        }
        let run = self.run.as_ref();
        let (about, plan) = (run.map(|run| &run.about), run.and_then(|run| run.plan.as_ref()));
        let (series, moments, outcome) = (&self.series, &self.moments, self.outcome.as_ref());
        frame("state", &State { run: about, plan, series, moments, latest, outcome })
    }

    fn second(&mut self, second: &Second) -> Bytes {
        let Second { at, load, destinations, cost, demo, stand_in } = second;
        let latest = &mut self.latest;
        (latest.at, latest.dollars, latest.demo, latest.stand_in) = (*at, *cost, *demo, *stand_in);
        latest.destinations.clone_from(destinations);
        if let Some(load) = load {
            let point = Point::of(load, capacity(load));
            self.series.push(point.clone());
            (latest.phase, latest.point, latest.in_flight) = (Phase::Load, Some(point), load.in_flight);
            (latest.totals, latest.service_ms) = (load.so_far, load.service_ms);
            latest.shards = Some(self.shards.row(load));
        } else {
            (latest.phase, latest.point, latest.in_flight) = (Phase::Verification, None, 0);
        }
        let mut row = self.latest.clone();
        if load.is_none() {
            row.shards = None;
        }
        frame("row", &row)
    }

    fn moment(&mut self, moment: Moment) -> Bytes {
        match moment.done.as_ref().map(|done| &done.action) {
            Some(Action::Pause) => self.latest.is_paused = true,
            Some(Action::Resume) => self.latest.is_paused = false,
            _ => {}
        }
        if self.moments.len() == MOMENTS {
            self.moments.pop_front();
        }
        let event = frame("moment", &moment);
        self.moments.push_back(moment);
        event
    }
}
