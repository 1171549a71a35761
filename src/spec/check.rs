//! From what is written to what is meant: `StackFile` to `Stack`, with every remaining mistake, not the first only.

use std::{collections::BTreeMap, time::Duration};

use super::{
    capacity, file,
    names::{self, Rules},
    quantity::{self, Refusal},
    stack::{Deliver, Length, Load, Name, PartitionKey, Rate, Stack, Stream, StreamMode, Target, Thresholds, Workload},
    tree::{Found, Node},
};

const HOUR: Duration = Duration::from_secs(3_600);
const MIB: u64 = 1 << 20;

/// Kinesis API reference, IncreaseStreamRetentionPeriod.
const RETENTION_HOURS: std::ops::RangeInclusive<u64> = 24..=8_760;
/// Kinesis API reference, UpdateMaxRecordSize.
const MAX_RECORD_KIB: std::ops::RangeInclusive<u64> = 1_024..=10_240;
/// A resource takes 50 tags; the rest is for the stack's own.
const MAX_TAGS: usize = 40;

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

impl Check<'_> {
    fn stack(&mut self, file: file::StackFile) -> Option<Stack> {
        let name = file.name.and_then(|name| self.keep("name", names::STACK.exact(&name)));
        let target = self.target(file.target);
        let tags = self.tags(file.tags.unwrap_or_default());
        let load = file.load.and_then(|load| self.load(load));
        let stream = file.stream.and_then(|stream| self.stream(stream, name.as_deref(), load.as_ref()));
        let s3 = file.deliver.and_then(|deliver| deliver.s3).map(|s3| self.s3(s3, name.as_deref()));
        let thresholds = file.thresholds.map_or(Some(Thresholds::default()), |limits| self.thresholds(limits));
        Some(Stack {
            name: name?,
            target: target?,
            tags: tags?,
            stream: stream?,
            deliver: Deliver { s3: s3.map_or(Some(None), |s3| s3.map(Some))?, ..Deliver::default() },
            load: load?,
            thresholds: thresholds?,
        })
    }

    /// Takes a good value, or complains of a bad one where it is written.
    pub fn keep<T>(&mut self, path: &str, value: Result<T, Refusal>) -> Option<T> {
        value.map_err(|refusal| self.refuse(path, refusal)).ok()
    }

    pub fn refuse(&mut self, path: &str, refusal: Refusal) {
        let found = self.root.nearest(path).problem(path, refusal.problem);
        self.found.push(found.expected(refusal.expected).suggest(refusal.suggestion));
    }

    /// Complains of a part of a text value, by bytes from its start.
    pub fn refuse_part(&mut self, path: &str, value: &str, offset: usize, part: &str, problem: String) {
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

    /// A name as it is written, else the stack's.
    pub fn name(
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

    pub fn time(&mut self, path: &str, time: &file::Time, unit: &str) -> Option<Duration> {
        self.keep(path, quantity::time(&time.0, unit))
    }

    pub fn size(&mut self, path: &str, size: &file::Size) -> Option<u64> {
        self.keep(path, quantity::size(&size.0))
    }

    fn stream(&mut self, stream: file::StreamFile, stack: Option<&str>, load: Option<&Load>) -> Option<Stream> {
        let name = self.name("stream.name", &names::STREAM, stream.name, stack);
        let mode = match stream.mode {
            Some(file::StreamModeFile::OnDemand) if self.written("stream.shards") => {
                let expected =
                    "no shards in mode `on-demand`, where AWS sets them (an overlay takes them away by `shards: null`)";
                self.refuse_key("stream.shards", Refusal::new("an on-demand stream has no shards to set", expected));
                None
            }
            Some(file::StreamModeFile::OnDemand) => Some(StreamMode::OnDemand),
            _ => self.shards(stream.shards, load).map(|shards| StreamMode::Provisioned { shards }),
        };
        let retention = match stream.retention {
            Some(text) => self.retention(&text),
            None => Some(24 * HOUR),
        };
        let max_record_kib = match stream.max_record {
            Some(text) => self.max_record(&text),
            None => Some(1_024),
        };
        Some(Stream { name: name?, mode: mode?, retention: retention?, max_record_kib: max_record_kib? })
    }

    fn shards(&mut self, shards: Option<file::ShardsFile>, load: Option<&Load>) -> Option<u32> {
        if let Some(file::ShardsFile::Number(shards)) = shards {
            return Some(shards);
        }
        match load?.rate {
            Rate::PerSecond(rate) => Some(capacity::shards_for(rate)),
            Rate::Max => {
                let expected = "a number of shards, or a rate such as `2000/s` to size them by";
                let problem = "at rate `max` shards cannot be sized by themselves";
                self.refuse("stream.shards", Refusal::new(problem, expected));
                None
            }
        }
    }

    fn retention(&mut self, text: &file::Time) -> Option<Duration> {
        let retention = self.time("stream.retention", text, "h")?;
        let whole = retention.as_millis() % HOUR.as_millis() == 0;
        if whole && RETENTION_HOURS.contains(&(retention.as_secs() / 3_600)) {
            return Some(retention);
        }
        let problem = format!("Kinesis does not keep records for {}", text.0);
        self.refuse("stream.retention", Refusal::new(problem, "whole hours from 24h to 8760h"));
        None
    }

    fn max_record(&mut self, text: &file::Size) -> Option<u32> {
        let bytes = self.size("stream.max_record", text)?;
        let kib = u32::try_from(bytes / 1_024).ok().filter(|kib| MAX_RECORD_KIB.contains(&u64::from(*kib)));
        if kib.is_none() {
            let problem = format!("a record of {} is over the limit of Kinesis", text.0);
            let problem = if bytes < MIB { format!("{} is less than every stream takes", text.0) } else { problem };
            self.refuse("stream.max_record", Refusal::new(problem, "1MiB to 10MiB"));
        }
        kib
    }

    fn load(&mut self, load: file::LoadFile) -> Option<Load> {
        let workload = match load.workload {
            Some(file::WorkloadFile::Map(file::WorkloadMap { store_sales: Some(sizes) })) => {
                Workload::StoreSales { scale: sizes.scale.unwrap_or(1), seed: sizes.seed.unwrap_or(1) }
            }
            _ => Workload::StoreSales { scale: 1, seed: 1 },
        };
        let rate = load.rate.and_then(|rate| self.keep("load.rate", quantity::rate(&rate.0)));
        let length = self.length(load.duration.as_ref(), load.records);
        let partition_key = match load.partition_key {
            Some(file::PartitionKeyFile::Ticket) => PartitionKey::Ticket,
            _ => PartitionKey::Uniform,
        };
        Some(Load { workload, rate: rate?, length: length?, partition_key })
    }

    fn length(&mut self, duration: Option<&file::Time>, records: Option<u64>) -> Option<Length> {
        const EXPECTED: &str = "either `duration`, such as `30s`, or `records`, a number";
        let duration = duration.and_then(|text| self.time("load.duration", text, "s"));
        if duration == Some(Duration::ZERO) {
            self.refuse("load.duration", Refusal::new("a load of no length", "more than nothing, such as `30s`"));
            return None;
        }
        match (self.written("load.duration"), self.written("load.records")) {
            (true, true) => {
                let problem = "`duration` and `records` both say when the load ends";
                let expected = format!("{EXPECTED} (`--set load.duration=null` takes one away)");
                self.refuse_key("load.records", Refusal::new(problem, expected));
                None
            }
            (false, false) => {
                self.refuse("load.duration", Refusal::new("nothing says when the load ends", EXPECTED));
                None
            }
            (true, false) => duration.map(Length::Duration),
            (false, true) => records.map(Length::Records),
        }
    }

    fn thresholds(&mut self, limits: file::ThresholdsFile) -> Option<Thresholds> {
        let before = self.found.len();
        let p99_ack = limits.p99_ack.and_then(|text| self.time("thresholds.p99_ack", &text, "ms"));
        let throughput =
            limits.throughput.and_then(|text| self.keep("thresholds.throughput", quantity::at_least(&text.0)));
        (self.found.len() == before).then_some(Thresholds { lost: limits.lost, p99_ack, throughput })
    }
}
