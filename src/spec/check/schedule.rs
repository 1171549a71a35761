//! The checks of `load.rate` and `load.stages`: when documents are offered.

use std::time::Duration;

use demo_workload::{
    Identity,
    json_lines::{JsonLines, LineRules, Rules},
};

use super::{
    super::{
        file::{LoadFile, ReplayFile, StageFile, Time},
        load::{Broken, Workload},
        mean::RECORD_BYTES,
        quantity::{self, Refusal},
        schedule::{Length, Replay, Schedule, Shape, Stage, Stages, Timetable, Wave, time_in},
        tree::Node,
    },
    values::Check,
};

const STAGES: &str = "load.stages";
const REPLAY: &str = "load.replay";
/// Times that are not read, which are told one by one.
const TOLD: usize = 3;

/// Where the highest rate is written.
pub(in super::super) fn path_of_peak(root: &Node, schedule: &Schedule) -> String {
    match (root.at(STAGES), schedule) {
        (Some(_), Schedule::Open(Timetable::Stages(stages))) => format!("{STAGES}.{}", stages.highest()),
        (_, Schedule::Open(Timetable::Replay(_))) => REPLAY.to_owned(),
        _ => "load.rate".to_owned(),
    }
}

impl Check<'_> {
    /// Complains of the highest rate.
    pub(crate) fn refuse_peak(&mut self, schedule: &Schedule, refusal: Refusal) {
        self.refuse(&path_of_peak(self.root, schedule), refusal);
    }

    pub(super) fn schedule(&mut self, load: &LoadFile, workload: Option<&Workload>) -> Option<Schedule> {
        const KINDS: [&str; 3] = ["rate", "stages", "replay"];
        let expected = "one of `rate`, such as `2000/s`, `stages`, a list of rates, and `replay`";
        match self.one_of("load", &KINDS, "how many documents are offered", expected)? {
            "rate" => self.constant(load),
            "replay" => {
                let problem = "the documents' own times say how long a replay is";
                self.idle("load", &["duration", "records"], problem, "no such key beside `replay`")?;
                self.replay(load.replay.as_ref()?, workload?)
            }
            _ => {
                let problem = "each of the stages has a length of its own";
                self.idle("load", &["duration", "records"], problem, "no such key beside `stages`")?;
                self.stages(&load.stages.as_ref()?.0)
            }
        }
    }

    /// Each line of a file once, at the distances of their own times.
    fn replay(&mut self, replay: &ReplayFile, workload: &Workload) -> Option<Schedule> {
        let field = replay.field.as_ref().and_then(|field| self.field_path(&format!("{REPLAY}.field"), field))?;
        let Workload::JsonLines { file, key, broken } = workload else {
            let problem = "only the lines of a file have times of their own";
            self.refuse_key(REPLAY, Refusal::new(problem, "`workload: {json_lines: …}` beside it, or `rate`"));
            return None;
        };
        if self.root.nearest(REPLAY).source.folder.is_none() {
            return Some(Schedule::Open(Timetable::Replay(Replay::recorded())));
        }
        let (mut times, mut wrong) = (Vec::new(), Vec::new());
        let document = Rules { identity: Identity::declared(key.as_deref()), max_bytes: RECORD_BYTES };
        let rules = LineRules { document, unique_keys: *broken == Broken::Skip };
        let read = JsonLines::open_with(file, rules, &mut |line, document| match time_in(document, &field) {
            Ok(time) => times.push(time),
            Err(why) if wrong.len() < TOLD => wrong.push(format!("line {line} {why}")),
            Err(_) => {}
        });
        let problem = match read {
            Err(error) => error.to_string(),
            Ok(_) if !wrong.is_empty() => wrong.join("; "),
            Ok(_) => {
                return Some(Schedule::Open(Timetable::Replay(Replay::new(&times, replay.speedup.unwrap_or(1.0)))));
            }
        };
        let expected = "a field with a time in each line: RFC 3339, or seconds, milliseconds and so on since 1970";
        self.refuse(&format!("{REPLAY}.field"), Refusal::new(problem, expected));
        None
    }

    fn constant(&mut self, load: &LoadFile) -> Option<Schedule> {
        let rate = load.rate.as_ref().and_then(|rate| self.keep("load.rate", quantity::rate(&rate.0)));
        let length = self.length(load.duration.as_ref(), load.records);
        let schedule = Schedule::constant(rate?, length?);
        if schedule.is_none() {
            // A run of no documents proves nothing; better said before anything is made.
            let problem = format!("at {} not one document is sent within it", load.rate.as_ref()?.0);
            self.refuse("load.duration", Refusal::new(problem, "a longer one, or `records`, a number"));
        }
        schedule
    }

    fn length(&mut self, duration: Option<&Time>, records: Option<u64>) -> Option<Length> {
        let expected = "either `duration`, such as `30s`, or `records`, a number";
        let duration = duration.and_then(|text| self.lasting("load.duration", text, "a load of no length"));
        match self.one_of("load", &["duration", "records"], "when the load ends", expected)? {
            "duration" => duration.map(Length::Duration),
            _ => records.map(Length::Records),
        }
    }

    /// More than no time.
    pub(super) fn lasting(&mut self, path: &str, text: &Time, problem: &str) -> Option<Duration> {
        let time = self.time(path, text, "s")?;
        if time > Duration::ZERO {
            return Some(time);
        }
        self.refuse(path, Refusal::new(problem, "more than nothing, such as `30s`"));
        None
    }

    fn stages(&mut self, written: &[StageFile]) -> Option<Schedule> {
        let before = self.complaints();
        let mut stages: Vec<Stage> = Vec::with_capacity(written.len());
        for (position, stage) in written.iter().enumerate() {
            // A stage that is refused hides from where the next begins.
            let from = stages.last().map_or(0.0, |last| last.shape.last(last.lasts.as_secs_f64()));
            stages.extend(self.stage(&format!("{STAGES}.{position}"), stage, from));
        }
        if self.complaints() > before {
            return None;
        }
        let schedule = Stages::new(&stages);
        if schedule.is_none() {
            let problem = "not one document is sent in all of these stages";
            self.refuse(STAGES, Refusal::new(problem, "higher rates, or longer stages"));
        }
        schedule.map(Timetable::Stages).map(Schedule::Open)
    }

    fn stage(&mut self, path: &str, stage: &StageFile, from: f64) -> Option<Stage> {
        const KINDS: [&str; 5] = ["rate", "ramp", "spike", "wave", "pause"];
        let expected = "one of `rate`, `ramp`, `spike`, `wave` and `pause`";
        let kind = self.one_of(path, &KINDS, "what the stage is", expected)?;
        if kind != "wave" {
            self.idle(path, &["period"], "only a wave has a period", "no `period`, or a `wave`")?;
        }
        let of_kind = format!("{path}.{kind}");
        if kind == "pause" {
            self.idle(path, &["for"], "a pause has its length already", "no `for`")?;
            let lasts = self.lasting(&of_kind, stage.pause.as_ref()?, "a stage of no length")?;
            return Some(Stage { shape: Shape::Ramp { from: 0.0, to: 0.0 }, lasts });
        }
        let lasts = self.stage_length(path, stage.lasts.as_ref());
        let shape = match kind {
            "rate" => {
                let rate = self.keep(&of_kind, quantity::open_rate(&stage.rate.as_ref()?.0))?;
                Shape::Ramp { from: rate, to: rate }
            }
            "ramp" => {
                let (first, to) = self.keep(&of_kind, quantity::rate_range(&stage.ramp.as_ref()?.0))?;
                Shape::Ramp { from: first.unwrap_or(from), to }
            }
            "spike" => {
                let peak = self.keep(&of_kind, quantity::open_rate(&stage.spike.as_ref()?.0))?;
                if peak <= from {
                    let problem = format!("a spike of {peak}/s is none where the stage before ends with {from}/s");
                    self.refuse(&of_kind, Refusal::new(problem, "a higher rate, or `ramp`"));
                    return None;
                }
                Shape::Spike { base: from, peak }
            }
            _ => Shape::Wave(self.wave(path, stage)?),
        };
        Some(Stage { shape, lasts: lasts? })
    }

    fn stage_length(&mut self, path: &str, lasts: Option<&Time>) -> Option<Duration> {
        match lasts {
            Some(lasts) => self.lasting(&format!("{path}.for"), lasts, "a stage of no length"),
            None if self.written(&format!("{path}.for")) => None,
            None => {
                let problem = "nothing says how long the stage lasts";
                self.refuse(path, Refusal::new(problem, "`for`, such as `for: 1m`"));
                None
            }
        }
    }

    fn wave(&mut self, path: &str, stage: &StageFile) -> Option<Wave> {
        let of_wave = format!("{path}.wave");
        let period = match &stage.period {
            Some(period) => self.lasting(&format!("{path}.period"), period, "a period of no length"),
            None if self.written(&format!("{path}.period")) => None,
            None => {
                self.refuse(path, Refusal::new("nothing says how long a wave is", "`period`, such as `period: 30s`"));
                None
            }
        };
        let (low, high) = self.keep(&of_wave, quantity::rate_range(&stage.wave.as_ref()?.0))?;
        let Some(low) = low.filter(|low| *low < high) else {
            let problem = format!("`{}` does not go up", stage.wave.as_ref()?.0);
            self.refuse(&of_wave, Refusal::new(problem, "a lower rate and a higher one, such as `1000/s..3000/s`"));
            return None;
        };
        Some(Wave { low, high, period: period?.as_secs_f64() })
    }
}
