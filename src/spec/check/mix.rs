//! The checks of `load.workload.mix`: its kinds, and how they go together.

use demo_workload::mix::{self, At, Kind, Mistake, Part, Status};

use super::{
    super::{
        file::{KindFile, MixFile, ShareText, StatusFile},
        load::Workload,
        quantity::{self, Refusal},
        schedule::Schedule,
    },
    template::Written,
    values::Check,
};

const KINDS: &str = "load.workload.mix.kinds";
const THOUSAND: f64 = 1_000.0;
/// A share is that near to whole thousandths, as floats go.
const NEAR: f64 = 1e-6;

impl Check<'_> {
    pub(super) fn mix(&mut self, mix: &MixFile) -> Option<Workload> {
        let before = self.complaints();
        let written = &mix.kinds.as_ref()?.0;
        let kinds = written.iter().enumerate().map(|(position, kind)| self.kind(&path_of(position), kind));
        let kinds = kinds.collect::<Vec<_>>().into_iter().collect::<Option<Vec<Kind>>>()?;
        for mistake in mix::mistakes(&kinds) {
            self.refuse_mistake(mistake, &kinds);
        }
        // A name that only a mix knows is explained better by its own mistakes.
        if self.complaints() == before {
            for (position, kind) in kinds.iter().enumerate() {
                self.well_formed(&Written { path: &path_of(position), text: &kind.template });
            }
        }
        (self.complaints() == before).then_some(Workload::Mix { kinds, seed: mix.seed.unwrap_or(1) })
    }

    fn kind(&mut self, path: &str, kind: &KindFile) -> Option<Kind> {
        let template = self.template_of(path, kind.file.as_deref(), kind.text.as_deref());
        let key = self.identity(&format!("{path}.key"), kind.key.as_ref());
        let part = self.part_of(path, kind);
        Some(Kind { name: kind.kind.clone()?, template: template?, key: key??, part: part? })
    }

    fn part_of(&mut self, path: &str, kind: &KindFile) -> Option<Part> {
        let expected = "either `share`, such as `10%`, or `follows`, such as `{kind: orders}`";
        match self.one_of(path, &["share", "follows"], "how many documents it has", expected)? {
            "share" => {
                let thousandths = self.thousandths(&format!("{path}.share"), kind.share.as_ref()?);
                let statuses = self.statuses(path, kind);
                Some(Part::Share { thousandths: thousandths?, statuses: statuses? })
            }
            _ => {
                let problem = "a kind that follows another has one document for each of its entities";
                self.idle(path, &["statuses"], problem, "`statuses` of a kind with a share")?;
                let follows = kind.follows.as_ref()?;
                Some(Part::Follows { kind: follows.kind.clone()?, status: follows.status.clone() })
            }
        }
    }

    fn thousandths(&mut self, path: &str, share: &ShareText) -> Option<u64> {
        let thousandths = self.keep(path, quantity::share(&share.0))? * THOUSAND;
        let whole = thousandths.round();
        if whole >= 1.0 && (thousandths - whole).abs() < NEAR {
            return Some(whole as u64);
        }
        let problem = format!("`{}` is no whole number of thousandths", share.0);
        self.refuse(path, Refusal::new(problem, "at most one decimal, such as `12.5%`"));
        None
    }

    fn statuses(&mut self, path: &str, kind: &KindFile) -> Option<Vec<Status>> {
        let Some(written) = &kind.statuses else {
            return (!self.written(&format!("{path}.statuses"))).then(Vec::new);
        };
        let statuses = written.0.iter().enumerate().map(|(position, status)| {
            let StatusFile { status: name, after } = status;
            let after = after.as_ref().map_or(Some(0), |after| {
                let after = self.time(&format!("{path}.statuses.{position}.after"), after, "s")?;
                u64::try_from(after.as_millis()).ok()
            });
            Some(Status { name: name.clone()?, after_ms: after? })
        });
        statuses.collect::<Vec<_>>().into_iter().collect()
    }

    fn refuse_mistake(&mut self, mistake: Mistake, kinds: &[Kind]) {
        let Mistake { kind, at, problem, expected, near } = mistake;
        let refusal = Refusal::new(problem, expected).suggest(near);
        let path = path_of(kind);
        let within = match at {
            At::Template { offset, text } => {
                let template = Written { path: &path, text: &kinds[kind].template };
                return self.refuse_in(&template, offset, &text, refusal);
            }
            At::Name => "kind".to_owned(),
            At::Share => "share".to_owned(),
            At::Status(position) => format!("statuses.{position}.status"),
            At::After(position) => format!("statuses.{position}.after"),
            At::Follows => "follows.kind".to_owned(),
            At::FollowedStatus => "follows.status".to_owned(),
            At::Key(position) => format!("key.{position}"),
        };
        self.refuse(&format!("{path}.{within}"), refusal);
    }

    /// What templates and statuses say of times needs a schedule.
    pub(super) fn times_of_kinds(&mut self, kinds: &[Kind], schedule: &Schedule) -> Option<()> {
        let before = self.complaints();
        for (position, kind) in kinds.iter().enumerate() {
            let path = path_of(position);
            self.event_times(&Written { path: &path, text: &kind.template }, schedule);
            let late = kind.statuses().iter().position(|status| status.after_ms > 0);
            if let Some(late) = late.filter(|_| matches!(schedule, Schedule::Max(_))) {
                let problem = "at rate `max` nobody knows how many documents that is";
                let refusal = Refusal::new(problem, "a rate such as `2000/s`, or no `after`");
                self.refuse(&format!("{path}.statuses.{late}.after"), refusal);
            }
        }
        (self.complaints() == before).then_some(())
    }
}

fn path_of(position: usize) -> String {
    format!("{KINDS}.{position}")
}
