//! From what is written to what is meant: `StackFile` to `Stack`, with every remaining mistake, not the first only.

mod apart;
mod dynamodb;
mod firehose;
mod load;
mod redshift;
mod s3;
mod sending;
mod stream;

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use demo_formats::schema::{self, Field, Schema, Type};

use super::{
    file,
    names::{self, Rules},
    quantity::{self, Refusal},
    stack::{Deliver, Length, Load, Name, Rate, Stack, Target, Thresholds, Workload},
    tree::{Found, Node, Value},
};

const MIB: u64 = 1 << 20;

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

/// Checks one value after the other; each gives `None` where something is wrong that has been, or is now, complained of.
pub(super) struct Check<'a> {
    root: &'a Node,
    found: Vec<Found>,
}

/// What is known of the load when the deliveries are checked.
#[derive(Clone, Copy)]
struct Sent<'a> {
    workload: Option<&'a Workload>,
    rate: Option<Rate>,
}

impl Sent<'_> {
    /// The documents' schema, where it is known before they are made.
    fn schema(&self) -> Option<&'static Schema> {
        matches!(self.workload, Some(Workload::StoreSales { .. })).then(schema::store_sales)
    }
}

impl Check<'_> {
    fn stack(&mut self, file: file::StackFile) -> Option<Stack> {
        let name = file.name.and_then(|name| self.keep("name", names::STACK.exact(&name)));
        let target = self.target(file.target);
        let tags = self.tags(file.tags.unwrap_or_default());
        let ttl = file.ttl.map_or(Some(None), |ttl| self.ttl(&ttl).map(Some));
        let (workload, rate) = match &file.load {
            Some(load) => (self.workload(load.workload.as_ref()), self.rate(load.rate.as_ref())),
            None => (None, None),
        };
        let sent = Sent { workload: workload.as_ref(), rate };
        let stream = file.stream.and_then(|stream| self.stream(stream, name.as_deref(), sent));
        let deliver = match file.deliver {
            Some(deliver) => self.deliver(deliver, name.as_deref(), sent, file.mirror.unwrap_or_default()),
            None => Some(Deliver::default()),
        };
        let load = file.load.and_then(|load| self.load(&load, workload, rate));
        let thresholds = self.thresholds(file.thresholds.unwrap_or_default(), load.as_ref());
        Some(Stack {
            name: name?,
            target: target?,
            tags: tags?,
            ttl: ttl?,
            stream: stream?,
            deliver: deliver?,
            mirror: file.mirror.unwrap_or_default(),
            load: load?,
            thresholds: thresholds?,
        })
    }

    fn deliver(
        &mut self,
        deliver: file::DeliverFile,
        stack: Option<&str>,
        sent: Sent<'_>,
        mirror: bool,
    ) -> Option<Deliver> {
        let s3 = deliver.s3.map(|s3| self.s3(s3, stack, sent.schema()));
        let redshift = deliver.redshift.map(|redshift| self.redshift(redshift));
        let dynamodb = deliver.dynamodb.map(|dynamodb| self.dynamodb(dynamodb, stack, sent));
        let deliver = Deliver {
            s3: s3.map_or(Some(None), |s3| s3.map(Some))?,
            redshift: redshift.map_or(Some(None), |redshift| redshift.map(Some))?,
            dynamodb: dynamodb.map_or(Some(None), |dynamodb| dynamodb.map(Some))?,
        };
        self.apart(&deliver, mirror).map(|()| deliver)
    }

    /// Takes a good value, or complains of a bad one where it is written.
    pub(super) fn keep<T>(&mut self, path: &str, value: Result<T, Refusal>) -> Option<T> {
        value.map_err(|refusal| self.refuse(path, refusal)).ok()
    }

    pub(super) fn refuse(&mut self, path: &str, refusal: Refusal) {
        let found = self.root.nearest(path).problem(path, refusal.problem);
        self.found.push(found.expected(refusal.expected).suggest(refusal.suggestion));
    }

    /// Complains of a part of a text value, by bytes from its start.
    pub(super) fn refuse_part(&mut self, path: &str, value: &str, offset: usize, part: &str, problem: String) {
        let skip = value.get(..offset).map_or(0, |before| before.chars().count());
        let span = self.root.nearest(path);
        let exact = (0..2).map(|quote| span.part(quote + skip, part.chars().count())).find(|span| span.text() == part);
        let span = exact.filter(|_| !part.is_empty()).unwrap_or_else(|| span.clone());
        self.found.push(span.problem(path, problem));
    }

    /// Complains of a key rather than of its value.
    fn refuse_key(&mut self, path: &str, refusal: Refusal) {
        let span = self.root.at(path).and_then(|node| node.key.as_ref()).unwrap_or_else(|| self.root.nearest(path));
        let found = span.problem(path, refusal.problem);
        self.found.push(found.expected(refusal.expected).suggest(refusal.suggestion));
    }

    fn written(&self, path: &str) -> bool {
        self.root.at(path).is_some()
    }

    /// The one of several keys that is written, `false` counting as not written; complains of none, and of a second.
    fn one_of<'k>(&mut self, parent: &str, keys: &[&'k str], says: &str, expected: &str) -> Option<&'k str> {
        let chosen = keys.iter().copied().filter(|key| {
            let node = self.root.at(&format!("{parent}.{key}"));
            node.is_some_and(|node| !matches!(node.value, Value::Bool(false)))
        });
        match chosen.collect::<Vec<_>>().as_slice() {
            [] => {
                self.refuse_key(parent, Refusal::new(format!("nothing says {says}"), expected));
                None
            }
            [one] => Some(one),
            [one, other, ..] => {
                let problem = format!("`{one}` and `{other}` both say {says}");
                let expected = format!("{expected} (`--set {parent}.{one}=null` takes one away)");
                self.refuse_key(&format!("{parent}.{other}"), Refusal::new(problem, expected));
                None
            }
        }
    }

    /// Complains of keys that say nothing beside what else is written.
    fn idle(&mut self, parent: &str, keys: &[&str], problem: &str, expected: &str) -> Option<()> {
        let before = self.found.len();
        for key in keys {
            let path = format!("{parent}.{key}");
            if self.written(&path) {
                self.refuse_key(&path, Refusal::new(problem, expected));
            }
        }
        (self.found.len() == before).then_some(())
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
        let before = self.found.len();
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
        (self.found.len() == before).then_some(tags)
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

    /// A name as it is written, else the stack's.
    pub(super) fn name(
        &mut self,
        path: &str,
        rules: &Rules,
        name: Option<file::NameFile>,
        stack: Option<&str>,
    ) -> Option<Name> {
        match name {
            None => stack.map(|stack| Name::Stem(stack.to_owned())),
            Some(file::NameFile::Stem(stem)) => self.keep(path, rules.stem(&stem)),
            Some(file::NameFile::Exact(name)) => {
                self.keep(&format!("{path}.exact"), rules.exact(&name.exact?)).map(Name::Exact)
            }
        }
    }

    pub(super) fn time(&mut self, path: &str, time: &file::Time, unit: &str) -> Option<Duration> {
        self.keep(path, quantity::time(&time.0, unit))
    }

    pub(super) fn size(&mut self, path: &str, size: &file::Size) -> Option<u64> {
        self.keep(path, quantity::size(&size.0))
    }

    /// Whole seconds of a range, else a complaint.
    fn seconds(&mut self, path: &str, text: &file::Time, range: RangeInclusive<u64>, does: &str) -> Option<Duration> {
        let time = self.time(path, text, "s")?;
        if time.subsec_millis() == 0 && range.contains(&time.as_secs()) {
            return Some(time);
        }
        let expected = format!("whole seconds from {} to {}", shown(*range.start()), shown(*range.end()));
        self.refuse(path, Refusal::new(format!("{does} {}", text.0), expected));
        None
    }

    /// Whole MiB of a range, else a complaint.
    fn mib(&mut self, path: &str, text: &file::Size, range: RangeInclusive<u64>, does: &str) -> Option<u32> {
        let bytes = self.size(path, text)?;
        if bytes.is_multiple_of(MIB) && range.contains(&(bytes / MIB)) {
            return u32::try_from(bytes / MIB).ok();
        }
        let expected = format!("whole MiB from {}MiB to {}MiB", range.start(), range.end());
        self.refuse(path, Refusal::new(format!("{does} {}", text.0), expected));
        None
    }

    fn thresholds(&mut self, limits: file::ThresholdsFile, load: Option<&Load>) -> Option<Thresholds> {
        let before = self.found.len();
        let p99_ack = limits.p99_ack.and_then(|text| self.time("thresholds.p99_ack", &text, "ms"));
        let throughput = match limits.throughput {
            Some(text) => self.keep("thresholds.throughput", quantity::at_least(&text.0)).flatten(),
            None => load.and_then(least_throughput),
        };
        (self.found.len() == before).then_some(Thresholds { lost: limits.lost, p99_ack, throughput })
    }
}

/// What a load reaches that keeps its rate, by and large: a tenth more time than the rate needs, and a little for the last
/// answers.
fn least_throughput(load: &Load) -> Option<f64> {
    const SHARE: f64 = 0.9;
    const GRACE: Duration = Duration::from_secs(2);
    let Rate::PerSecond(rate) = load.rate else { return None };
    let (records, seconds) = match load.length {
        Length::Duration(time) => (rate * time.as_secs_f64(), time.as_secs_f64()),
        Length::Records(records) => (records as f64, records as f64 / rate),
    };
    Some(records / (seconds / SHARE + GRACE.as_secs_f64()))
}

/// Seconds as a person would write them, from an hour on.
fn shown(seconds: u64) -> String {
    match seconds {
        86_400.. if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        3_600.. if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ => format!("{seconds}s"),
    }
}

/// The field of a schema at a path of keys.
fn field_at<'s>(schema: &'s Schema, path: &[String]) -> Option<&'s Field> {
    let (first, inner) = path.split_first()?;
    inner.iter().try_fold(schema.column(first)?, |field, key| match &field.kind {
        Type::Struct(fields) => fields.iter().find(|field| field.name == *key),
        _ => None,
    })
}
