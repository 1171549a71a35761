//! The checks of `load.events`: what is done while a load goes on.

use aws_stand_in::faults::SERVICES;

use super::{
    super::{
        action::{Action, Event, Trouble},
        file::{EventFile, LoadFile, ShareText, Time},
        near::nearest,
        quantity::{self, Refusal},
        schedule::{Schedule, Timetable},
    },
    values::Check,
};

const EVENTS: &str = "load.events";
const KINDS: [&str; 10] =
    ["rate", "reshard", "hot_key", "mode", "throttle", "errors", "slow", "expire", "kill", "stall"];
const KINDS_LISTED: &str = "one of `rate`, `reshard`, `hot_key`, `mode`, and in the stand-in `throttle`, `errors`, `slow`, `expire`, `kill` and `stall`";

impl Check<'_> {
    /// The events in the order of their times, and the schedule with the rates that they set.
    pub(super) fn events(&mut self, load: &LoadFile, schedule: Schedule) -> Option<(Vec<Event>, Schedule)> {
        let Some(written) = &load.events else {
            return (!self.written(EVENTS)).then_some((Vec::new(), schedule));
        };
        let before = self.complaints();
        let read = written.0.iter().enumerate().filter_map(|(position, event)| {
            let path = format!("{EVENTS}.{position}");
            Some((self.event(&path, event)?, path))
        });
        let mut read: Vec<(Event, String)> = read.collect();
        read.sort_by_key(|(event, _)| event.at);
        let mut schedule = schedule;
        for (Event { at, action }, path) in &read {
            if let Action::Rate(rate) = action {
                schedule = self.with_rate(path, schedule, *at, *rate, load.records)?;
            }
        }
        self.within_the_load(&read, &schedule);
        self.one_way_to_scale(&read);
        let events = read.into_iter().map(|(event, _)| event).filter(|event| !matches!(event.action, Action::Rate(_)));
        (self.complaints() == before).then(|| (events.collect(), schedule))
    }

    fn event(&mut self, path: &str, event: &EventFile) -> Option<Event> {
        let at = event.at.as_ref().and_then(|at| self.time(&format!("{path}.at"), at, "s"));
        let kind = self.one_of(path, &KINDS, "what happens", KINDS_LISTED)?;
        let of_kind = format!("{path}.{kind}");
        let action = match kind {
            "throttle" | "errors" | "slow" | "expire" | "kill" | "stall" => self.fault(kind, &of_kind, event)?,
            "rate" => {
                let rate = quantity::open_rate(&event.rate.as_ref()?.0);
                Action::Rate(self.keep(&format!("{path}.rate"), rate)?)
            }
            "reshard" => Action::Reshard(event.reshard?),
            "hot_key" => {
                let spell = event.hot_key.as_ref()?;
                let seconds = self.lasts(&of_kind, spell.lasts.as_ref(), "a key that is hot for no time");
                let hot = self.hot_share(&of_kind, spell.key.as_deref(), spell.share.as_ref());
                Action::HotKey { hot: hot?, seconds: seconds? }
            }
            _ => {
                event.mode?;
                Action::OnDemand
            }
        };
        Some(Event { at: at?, action })
    }

    fn fault(&mut self, kind: &str, path: &str, event: &EventFile) -> Option<Action> {
        const NO_TIME: &str = "a fault of no length";
        if self.written("target.aws") {
            let problem = "nothing goes wrong on purpose in AWS";
            self.refuse_key(path, Refusal::new(problem, "`target: local`, or no such event"));
            return None;
        }
        let (trouble, seconds) = match kind {
            "throttle" => {
                let throttle = event.throttle.as_ref()?;
                let seconds = self.lasts(path, throttle.lasts.as_ref(), NO_TIME);
                let share = self.share(path, throttle.share.as_ref());
                (Trouble::Throttle { shards: throttle.shards.unwrap_or(1), share: share? }, seconds?)
            }
            "errors" => {
                let errors = event.errors.as_ref()?;
                let seconds = self.lasts(path, errors.lasts.as_ref(), NO_TIME);
                let share = self.share(path, errors.share.as_ref());
                let service = self.service(path, errors.service.as_deref()?);
                (Trouble::Errors { service: service?, share: share? }, seconds?)
            }
            "slow" => {
                let slow = event.slow.as_ref()?;
                let seconds = self.lasts(path, slow.lasts.as_ref(), NO_TIME);
                let by = slow.by.as_ref().and_then(|by| self.lasting(&format!("{path}.by"), by, "not later at all"));
                let service = self.service(path, slow.service.as_deref()?);
                (Trouble::Slow { service: service?, millis: by?.as_millis() as u64 }, seconds?)
            }
            _ => {
                let (trouble, lasts) = match kind {
                    "expire" => (Trouble::Expire, &event.expire),
                    "kill" => (Trouble::Kill, &event.kill),
                    _ => (Trouble::Stall, &event.stall),
                };
                (trouble, self.lasting(path, lasts.as_ref()?, NO_TIME)?.as_secs_f64())
            }
        };
        let fault = Action::Fault { trouble, seconds };
        let checked = fault
            .check()
            .map_err(|problem| Refusal::new(problem, "faults of at most a day, answers late by at most 1m"));
        self.keep(path, checked).map(|()| fault)
    }

    fn service(&mut self, path: &str, service: &str) -> Option<String> {
        if SERVICES.contains(&service) {
            return Some(service.to_owned());
        }
        let refusal = Refusal::new(format!("`{service}` is no service of the stand-in"), SERVICES.join(", "));
        let near = nearest(service, SERVICES.iter().copied());
        self.refuse(&format!("{path}.service"), refusal.suggest(near));
        None
    }

    fn share(&mut self, path: &str, share: Option<&ShareText>) -> Option<f64> {
        self.keep(&format!("{path}.share"), quantity::share(&share?.0))
    }

    fn lasts(&mut self, path: &str, lasts: Option<&Time>, no_time: &str) -> Option<f64> {
        Some(self.lasting(&format!("{path}.for"), lasts?, no_time)?.as_secs_f64())
    }

    fn with_rate(
        &mut self,
        path: &str,
        schedule: Schedule,
        at: std::time::Duration,
        rate: f64,
        records: Option<u64>,
    ) -> Option<Schedule> {
        let Schedule::Open(Timetable::Stages(stages)) = schedule else {
            let problem = "a load as fast as it can go, or by its documents' own times, has no rate to change";
            self.refuse(
                &format!("{path}.rate"),
                Refusal::new(problem, "`load.rate`, such as `2000/s`, or no such event"),
            );
            return None;
        };
        Some(Schedule::Open(Timetable::Stages(stages.with_rate_from(at, rate, records))))
    }

    fn within_the_load(&mut self, events: &[(Event, String)], schedule: &Schedule) {
        let Some(ends) = schedule.duration() else { return };
        for (event, path) in events.iter().filter(|(event, _)| event.at >= ends) {
            let problem = format!("{} comes when the load is over, after {:.1} s", event.action, ends.as_secs_f64());
            self.refuse(&format!("{path}.at"), Refusal::new(problem, "a time before that, or a longer load"));
        }
    }

    /// What AWS scales has no number of shards to set.
    fn one_way_to_scale(&mut self, events: &[(Event, String)]) {
        let by_aws = self.root.at("stream.mode").is_some_and(|mode| mode.shown() == "on-demand");
        let mut on_demand = by_aws.then_some("the stream is `on-demand`");
        for (event, path) in events {
            let key = match (&event.action, on_demand) {
                (Action::Reshard(_), Some(_)) => "reshard",
                (Action::OnDemand, Some(_)) => "mode",
                (Action::OnDemand, None) => {
                    on_demand = Some("the stream is `on-demand` by then");
                    continue;
                }
                _ => continue,
            };
            let problem = on_demand.unwrap_or_default();
            self.refuse(&format!("{path}.{key}"), Refusal::new(problem, "a `provisioned` stream, or no such event"));
        }
    }
}
