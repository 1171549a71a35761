//! From what is written to what is meant: `StackFile` to `Stack`, with every remaining mistake, not the first only.

pub(crate) mod firehose;
mod events;
mod imperfect;
mod load;
mod mix;
mod partition_key;
pub(super) mod schedule;
mod sending;
mod stream;
mod template;
mod thresholds;
pub(crate) mod values;
mod workers;

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use super::{
    file, names,
    quantity::{self, Refusal},
    stack::{Budget, Stack, Target},
    tree::{Found, Node},
};
use crate::deliveries::spec::Deliver;
use values::{Check, Sent};

/// A resource takes 50 tags; the rest is for the stack's own.
const MAX_TAGS: usize = 40;

/// Seconds; EventBridge Scheduler is exact to the minute (EventBridge Scheduler user guide, "Schedule types").
const TTL: RangeInclusive<u64> = 60..=30 * 86_400;

/// The stack, if nothing is wrong with it, and what is.
pub(super) fn stack(root: &Node, file: file::StackFile) -> (Option<Stack>, Vec<Found>) {
    let mut check = Check { root, found: Vec::new() };
    let stack = check.stack(file);
    (stack, check.found)
}

impl Check<'_> {
    fn stack(&mut self, file: file::StackFile) -> Option<Stack> {
        let name = file.name.and_then(|name| self.keep("name", names::STACK.exact(&name)));
        let target = self.target(file.target);
        let tags = self.tags(file.tags.unwrap_or_default());
        let ttl = file.ttl.map_or(Some(None), |ttl| self.ttl(&ttl).map(Some));
        let (workload, schedule) = match &file.load {
            Some(load) => {
                let workload = self.workload(load.workload.as_ref());
                let schedule = self.schedule(load, workload.as_ref());
                (workload, schedule)
            }
            None => (None, None),
        };
        let planned = file.load.as_ref().zip(schedule).and_then(|(load, schedule)| self.events(load, schedule));
        let (events, schedule) = planned.unzip();
        let sent = Sent { workload: workload.as_ref(), schedule: schedule.as_ref() };
        let stream = file.stream.and_then(|stream| self.stream(stream, name.as_deref(), sent));
        let deliver = match file.deliver {
            Some(deliver) => deliver.check(self, name.as_deref(), sent, file.mirror.unwrap_or_default()),
            None => Some(Deliver::default()),
        };
        let load = file.load.and_then(|load| {
            let imperfect =
                self.imperfect(load.imperfect.as_ref(), (workload.as_ref(), schedule.as_ref()), deliver.as_ref());
            self.load(&load, workload, (events, schedule), imperfect?)
        });
        let budget = file.budget.map_or(Some(None), |budget| self.budget(&budget).map(Some));
        let thresholds = self.thresholds(&file.thresholds.unwrap_or_default(), load.as_ref(), deliver.as_ref());
        Some(Stack {
            name: name?,
            target: target?,
            tags: tags?,
            ttl: ttl?,
            stream: stream?,
            deliver: deliver?,
            mirror: file.mirror.unwrap_or_default(),
            load: load?,
            budget: budget?,
            thresholds: thresholds?,
        })
    }

    fn target(&mut self, target: Option<file::TargetFile>) -> Option<Target> {
        let aws = match target {
            // Also where something else than a target is written, which has been complained of.
            None | Some(file::TargetFile::Word(file::TargetWord::Local)) => return Some(Target::Local),
            Some(file::TargetFile::Aws(target)) => target.aws?,
        };
        let profile = match aws.profile {
            Some(profile) if profile.trim().is_empty() => {
                self.refuse(
                    "target.aws.profile",
                    Refusal::new("the profile has no name", "a profile of `~/.aws/config`"),
                );
                None
            }
            profile => profile,
        };
        let region = aws.region.and_then(|region| self.keep("target.aws.region", names::region(&region)));
        Some(Target::Aws { region: region?, profile })
    }

    fn tags(&mut self, tags: BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
        let before = self.complaints();
        for (key, value) in &tags {
            let Some(node) = self.root.get("tags").and_then(|tags| tags.get(key)) else { continue };
            let of_key = (node.key.as_ref().unwrap_or(&node.span), names::tag_key(key));
            for (span, verdict) in [of_key, (&node.span, names::tag_value(value))] {
                if let Err(refusal) = verdict {
                    let found = span.problem(&format!("tags.{key}"), refusal.problem);
                    self.found.push(found.expected(refusal.expected));
                }
            }
        }
        if tags.len() > MAX_TAGS {
            let problem = format!("{} tags", tags.len());
            self.refuse_key(
                "tags",
                Refusal::new(problem, format!("at most {MAX_TAGS}, as AWS takes 50 and some are the stack's own")),
            );
        }
        (self.complaints() == before).then_some(tags)
    }

    fn budget(&mut self, budget: &file::BudgetFile) -> Option<Budget> {
        let (path, limit, takes_down) = match budget {
            file::BudgetFile::Dollars(limit) => ("budget", limit, false),
            file::BudgetFile::Map(file::BudgetMap { limit, then }) => {
                ("budget.limit", limit.as_ref()?, matches!(then, Some(file::ThenWord::Down)))
            }
        };
        let dollars = self.keep(path, quantity::dollars(&limit.0))?;
        if dollars > 0.0 {
            return Some(Budget { dollars, takes_down });
        }
        self.refuse(path, Refusal::new("a budget of nothing lets nothing be sent", "more than `$0`, or no `budget`"));
        None
    }

    fn ttl(&mut self, text: &file::Time) -> Option<Duration> {
        let ttl = self.time("ttl", text, "h")?;
        if ttl.subsec_millis() == 0 && TTL.contains(&ttl.as_secs()) {
            return Some(ttl);
        }
        let expected = "whole seconds from 1m to 30d (`--set ttl=null` lets it live until `demo down`)";
        self.refuse("ttl", Refusal::new(format!("a stack cannot live for {}", text.0), expected));
        None
    }
}
