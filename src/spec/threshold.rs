//! Thresholds: limits for the figures of a run, and the names that these have.

use super::quantity::{self, Refusal};

/// A figure of a run that a threshold can limit.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its key under `thresholds`.
    pub name: &'static str,
    /// Where the JSON of a run has it, as a JSON pointer.
    pub json: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// What it is, to stand after "a limit for".
    pub about: &'static str,
    /// Whether more of it is better, so that its limit is the least.
    pub more_is_better: bool,
    /// Whether it is known while the load goes on.
    pub is_live: bool,
    /// Whether the parts of a run that workers share add up to it.
    pub adds_up: bool,
    /// The delivery without which a stack has none of it.
    pub delivery: Option<Needs>,
}

/// What a stack must deliver to for a figure to exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: the stream itself is read.
    NoDelivery,
    /// `deliver.s3`.
    S3,
    /// `deliver.s3.catalog`.
    Catalog,
    /// `deliver.redshift`.
    Redshift,
    /// `deliver.dynamodb`.
    DynamoDb,
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Documents, records or times, whole ones.
    Count,
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
    /// Records a second.
    PerSecond,
    /// Bytes a second.
    BytesPerSecond,
    /// A number without a unit.
    Ratio,
    /// US dollars.
    Dollars,
}

/// Which figures a limit lets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `<`.
    Below,
    /// `<=`.
    AtMost,
    /// `>=`.
    AtLeast,
    /// `>`.
    Above,
}

/// A limit for one figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// The figure.
    pub metric: &'static Metric,
    /// On which side of the limit it must be.
    pub side: Side,
    /// The limit, in the metric's unit.
    pub limit: f64,
    /// Whether the load stops when the limit is crossed.
    pub aborts: bool,
    /// Whether it is what the load comes to by its schedule, which says nothing once that is changed by hand.
    pub is_of_schedule: bool,
}

const fn count(name: &'static str, json: &'static str, about: &'static str) -> Metric {
    Metric {
        name,
        json,
        unit: Unit::Count,
        about,
        more_is_better: false,
        is_live: false,
        adds_up: true,
        delivery: None,
    }
}

const fn time(name: &'static str, json: &'static str, unit: Unit, about: &'static str) -> Metric {
    Metric { unit, adds_up: false, ..count(name, json, about) }
}

const fn millis(name: &'static str, json: &'static str, about: &'static str) -> Metric {
    time(name, json, Unit::Millis, about)
}

const fn seconds(name: &'static str, json: &'static str, about: &'static str) -> Metric {
    time(name, json, Unit::Seconds, about)
}

impl Metric {
    const fn live(self) -> Self {
        Self { is_live: true, ..self }
    }

    const fn least(self) -> Self {
        Self { more_is_better: true, ..self }
    }

    const fn of(self, delivery: Needs) -> Self {
        Self { delivery: Some(delivery), ..self }
    }
}

/// The name of the one threshold that a stack has without writing it.
pub(super) const THROUGHPUT: &str = "throughput";

/// Every figure of a run that a threshold can limit: every number of its JSON that is a result.
pub static METRICS: [Metric; 42] = [
    count("offered", "/offered", "the documents that were due and handed to the producer").live().least(),
    count("acknowledged", "/acknowledged", "the documents that the stream acknowledged").live().least(),
    count("failed", "/failed", "the documents that the producer gave up").live(),
    count("refused", "/refused", "the documents too long on purpose, which the producer refused"),
    count("retried", "/retried", "the times that a document was sent again").live(),
    count("throttled", "/throttled", "the times that a shard was full and a document was sent again").live(),
    count("possible_duplicates", "/possible_duplicates", "the copies that the stream may have"),
    count("duplicated", "/duplicated", "the documents found more often than they were sent"),
    count("lost", "/lost", "the acknowledged documents that are missing"),
    count("landed_stream", "/landed_stream", "the documents found in the stream").least().of(Needs::NoDelivery),
    count("landed_s3", "/landed_s3", "the documents found in S3").least().of(Needs::S3),
    count("landed_sql", "/landed_sql", "the documents that SQL counts through the catalog").least().of(Needs::Catalog),
    count("landed_redshift", "/landed_redshift", "the documents found in Redshift").least().of(Needs::Redshift),
    count("landed_dynamodb", "/landed_dynamodb", "the documents found in DynamoDB").least().of(Needs::DynamoDb),
    Metric {
        unit: Unit::PerSecond,
        ..count(THROUGHPUT, "/records_per_second", "the acknowledged documents a second").least()
    },
    Metric {
        unit: Unit::BytesPerSecond,
        ..count("bytes_per_second", "/bytes_per_second", "the acknowledged bytes a second").least()
    },
    millis("p50_ack", "/ack_latency_ms/p50", "the median time to the acknowledgement").live(),
    millis("p90_ack", "/ack_latency_ms/p90", "the 90th percentile of the time to the acknowledgement").live(),
    millis("p99_ack", "/ack_latency_ms/p99", "the 99th percentile of the time to the acknowledgement").live(),
    millis("max_ack", "/ack_latency_ms/max", "the longest time to an acknowledgement").live(),
    Metric {
        unit: Unit::Ratio,
        adds_up: false,
        ..count("shard_imbalance", "/imbalance/over_mean", "the documents of the hottest shard over the mean").live()
    },
    count("hottest_shard", "/imbalance/documents", "the documents of the hottest shard"),
    count("hot.documents", "/hot/documents", "the acknowledged documents that have a hot key"),
    millis("hot.p50_ack", "/hot/ack_latency_ms/p50", "the median time to the acknowledgement with a hot key"),
    millis("hot.p90_ack", "/hot/ack_latency_ms/p90", "the 90th percentile of that time"),
    millis("hot.p99_ack", "/hot/ack_latency_ms/p99", "the 99th percentile of that time"),
    millis("hot.max_ack", "/hot/ack_latency_ms/max", "the longest such time"),
    millis("freshness.dynamodb.p50", "/freshness_ms/p50", "the median time until a document can be read in DynamoDB")
        .of(Needs::DynamoDb),
    millis("freshness.dynamodb.p90", "/freshness_ms/p90", "the 90th percentile of that time").of(Needs::DynamoDb),
    millis("freshness.dynamodb.p99", "/freshness_ms/p99", "the 99th percentile of that time").of(Needs::DynamoDb),
    millis("freshness.dynamodb.max", "/freshness_ms/max", "the longest such time").of(Needs::DynamoDb),
    millis("freshness.s3.p50", "/freshness_s3_ms/p50", "the median time until a document can be read in S3")
        .of(Needs::S3),
    millis("freshness.s3.p90", "/freshness_s3_ms/p90", "the 90th percentile of that time").of(Needs::S3),
    millis("freshness.s3.p99", "/freshness_s3_ms/p99", "the 99th percentile of that time").of(Needs::S3),
    millis("freshness.s3.max", "/freshness_s3_ms/max", "the longest such time").of(Needs::S3),
    Metric { unit: Unit::Dollars, ..count("cost", "/cost/dollars", "the estimated cost of the run").live() },
    Metric {
        unit: Unit::Dollars,
        adds_up: false,
        ..count("cost.an_hour", "/cost/an_hour", "the estimated cost of the stack by the hour")
    },
    seconds("seconds.up", "/seconds/up", "the time to create the stack"),
    seconds("seconds.load", "/seconds/load", "the time of the load"),
    seconds("seconds.verify", "/seconds/verify", "the time from the end of the load until every document is found"),
    seconds("seconds.down", "/seconds/down", "the time to remove the stack"),
    count("leftovers", "/leftovers", "the resources that are left after the removal"),
];

/// The metric of this name.
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

impl Unit {
    /// Limits of it as examples, for a figure of which less is better, or more.
    pub fn example(self, more_is_better: bool) -> &'static str {
        match (self, more_is_better) {
            (Self::Count, false) => "`0` or `< 10`",
            (Self::Count, true) => "`\">= 1000\"`",
            (Self::Millis, _) => "`500ms` or `< 2s`",
            (Self::Seconds, _) => "`30s` or `< 2m`",
            (Self::PerSecond, _) => "`\">= 1900/s\"`",
            (Self::BytesPerSecond, _) => "`\">= 10MB/s\"`",
            (Self::Ratio, _) => "`1.5` or `< 2`",
            (Self::Dollars, _) => "`$5` or `< $0.50`",
        }
    }

    fn parse(self, text: &str) -> Result<f64, Refusal> {
        match self {
            Self::Count => quantity::count(text),
            Self::Millis => quantity::time(text, "ms").map(|time| time.as_secs_f64() * 1e3),
            Self::Seconds => quantity::time(text, "s").map(|time| time.as_secs_f64()),
            Self::PerSecond => quantity::open_rate(text),
            Self::BytesPerSecond => quantity::byte_rate(text),
            Self::Ratio => quantity::ratio(text),
            Self::Dollars => quantity::dollars(text),
        }
    }
}

impl Side {
    /// In words, before the limit.
    pub fn words(self) -> &'static str {
        match self {
            Self::Below => "below",
            Self::AtMost => "at most",
            Self::AtLeast => "at least",
            Self::Above => "above",
        }
    }

    /// Whether it lets small figures pass.
    pub fn is_upper(self) -> bool {
        matches!(self, Self::Below | Self::AtMost)
    }

    /// Whether a figure is on this side of a limit.
    pub fn admits(self, figure: f64, limit: f64) -> bool {
        match self {
            Self::Below => figure < limit,
            Self::AtMost => figure <= limit,
            Self::AtLeast => figure >= limit,
            Self::Above => figure > limit,
        }
    }
}

/// The side of a limit that begins with an operator, and the rest of it.
fn split(text: &str) -> (Option<Side>, &str) {
    // A sign of two characters comes before the one that it begins with.
    let sides = [("<=", Side::AtMost), ("<", Side::Below), (">=", Side::AtLeast), (">", Side::Above)];
    let found = sides.into_iter().find_map(|(sign, side)| Some((side, text.strip_prefix(sign)?)));
    found.map_or((None, text), |(side, rest)| (Some(side), rest.trim_start()))
}

/// What `500ms` or `< 500ms` says of a metric; a limit without an operator is the most.
pub(super) fn limit(metric: &Metric, text: &str) -> Result<(Side, f64), Refusal> {
    parse(metric, text).map_err(|refusal| refusal.suggest_only(|text| parse(metric, text)))
}

fn parse(metric: &Metric, text: &str) -> Result<(Side, f64), Refusal> {
    let expected = expected(metric);
    let (side, bare) = split(text.trim());
    let sign = match side {
        None if metric.more_is_better => ">= ",
        _ => &text.trim()[..text.trim().len() - bare.len()],
    };
    let limit = metric.unit.parse(bare).map_err(|refusal| {
        let meant = refusal.suggestion.map(|meant| format!("{sign}{meant}"));
        Refusal::new(refusal.problem, &expected).suggest(meant)
    })?;
    match side {
        None if metric.more_is_better => {
            let problem = format!("`{text}` does not say `>=`");
            Err(Refusal::new(problem, &expected).suggest(Some(format!(">= {bare}"))))
        }
        side => Ok((side.unwrap_or(Side::AtMost), limit)),
    }
}

fn expected(metric: &Metric) -> String {
    let off = if metric.name == THROUGHPUT { ", or `off`" } else { "" };
    format!("a limit for {}, such as {}{off}", metric.about, metric.unit.example(metric.more_is_better))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<(Side, f64), Option<String>> {
        limit(metric(name).expect(name), text).map_err(|refusal| refusal.suggestion)
    }

    #[test]
    fn a_limit_has_a_side_and_the_unit_of_its_figure() {
        assert_eq!(read("p99_ack", "500ms"), Ok((Side::AtMost, 500.0)));
        assert_eq!(read("p99_ack", "< 2s"), Ok((Side::Below, 2_000.0)));
        assert_eq!(read("seconds.up", "<=2m"), Ok((Side::AtMost, 120.0)));
        assert_eq!(read("throughput", ">= 59000/s"), Ok((Side::AtLeast, 59_000.0)));
        assert_eq!(read("bytes_per_second", "> 10MB/s"), Ok((Side::Above, 10e6)));
        assert_eq!(read("shard_imbalance", "1.5"), Ok((Side::AtMost, 1.5)));
        assert_eq!(read("cost", "< $0.50"), Ok((Side::Below, 0.5)));
        assert_eq!(read("lost", "0"), Ok((Side::AtMost, 0.0)));
        assert_eq!(read("acknowledged", "<= 10"), Ok((Side::AtMost, 10.0)), "a limit may be the unusual one");
    }

    #[test]
    fn what_was_meant_is_told() {
        let near = |name: &str, text: &str| read(name, text).expect_err(text);
        assert_eq!(near("p99_ack", "< 500").as_deref(), Some("< 500ms"));
        assert_eq!(near("throughput", "1900/s").as_deref(), Some(">= 1900/s"));
        assert_eq!(near("throughput", ">= 1900").as_deref(), Some(">= 1900/s"));
        assert_eq!(near("throughput", "1900").as_deref(), Some(">= 1900/s"));
        assert_eq!(near("cost", "5").as_deref(), Some("$5"));
        assert_eq!(near("bytes_per_second", ">= 10").as_deref(), Some(">= 10MB/s"));
        assert_eq!(near("lost", "none"), None);
        assert_eq!(near("lost", "= 0"), None);
        assert_eq!(near("p99_ack", "<"), None);
    }

    #[test]
    fn names_are_told_apart() {
        for (position, metric) in METRICS.iter().enumerate() {
            let others = &METRICS[position + 1..];
            assert!(others.iter().all(|other| other.name != metric.name && other.json != metric.json), "{metric:?}");
            assert!(!metric.more_is_better || metric.unit.example(true).contains(">="), "{metric:?}");
        }
    }
}
