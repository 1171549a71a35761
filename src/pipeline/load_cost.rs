//! What the load of a stack file costs, by its rate, its length and how long its documents are.

use serde::Serialize;

use crate::{
    aws::prices::{self, Prices},
    deliveries::{
        self,
        usage::{Sent, Used},
    },
    spec::{Aggregation, Fargate, ON_DEMAND_SHARDS, SHARD_BYTES, SHARD_RECORDS, Stack, StreamMode, Workers},
};

/// A PUT payload unit (Kinesis Data Streams pricing, provisioned mode).
const PUT_UNIT_BYTES: f64 = 25.0 * 1_024.0;
/// What a record into an on-demand stream is rounded up to (Kinesis Data Streams pricing, on-demand mode).
const ON_DEMAND_BYTES: f64 = 1_024.0;

/// What a task is paid for at least, in seconds (AWS Fargate pricing).
const LEAST_SECONDS: f64 = 60.0;
/// Requests to the bucket of a worker, and of its coordinator for it, in a second (docs/scale.md).
const GETS: f64 = 2.0;
const PUTS: f64 = 1.2;

/// What a load costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoadCost {
    /// Documents that it sends.
    pub documents: f64,
    /// The mean length of one.
    pub mean_bytes: f64,
    /// How long it takes.
    pub seconds: f64,
    /// The rate is `max`: so many at most, as many as the stream takes.
    pub at_most: bool,
    /// What it uses.
    pub used: Vec<Used>,
}

impl LoadCost {
    /// US dollars.
    pub fn dollars(&self) -> f64 {
        self.used.iter().map(|used| used.dollars).sum()
    }
}

/// What a stack's load costs in a region, its documents being `mean_bytes` long.
pub fn of_load(stack: &Stack, mean_bytes: f64, region: &str) -> LoadCost {
    let (_, prices) = prices::of(region);
    let rate = stack.load.schedule.mean().unwrap_or_else(|| taken_by_stream(stack, mean_bytes));
    let schedule = &stack.load.schedule;
    let (documents, seconds) = match (schedule.documents(), schedule.duration()) {
        (Some(documents), _) => (documents as f64, documents as f64 / rate),
        (None, duration) => {
            let seconds = duration.expect("a load ends by time or by count").as_secs_f64();
            (rate * seconds, seconds)
        }
    };
    let used = used(stack, Sent { documents, mean_bytes }, seconds, prices);
    LoadCost { documents, mean_bytes, seconds, at_most: schedule.peak().is_none(), used }
}

/// What a stack uses for what is sent in so many seconds.
pub(super) fn used(stack: &Stack, sent: Sent, seconds: f64, prices: &Prices) -> Vec<Used> {
    let deliveries = deliveries::of(&stack.deliver);
    let mut used = into_stream(stack, sent, prices);
    used.extend(deliveries.iter().flat_map(|delivery| delivery.used(sent, prices)));
    used.extend(deliveries.iter().filter_map(|delivery| delivery.used_meanwhile(seconds, prices)));
    used.extend(
        stack.load.workers.as_ref().and_then(Workers::fargate).into_iter().flat_map(|of| tasks(of, seconds, prices)),
    );
    used
}

/// What tasks use while they send for so many seconds; the time in which they start is not in it.
fn tasks(Fargate { tasks, size, .. }: &Fargate, seconds: f64, prices: &Prices) -> [Used; 4] {
    let tasks = f64::from(*tasks);
    let hours = tasks * seconds.max(LEAST_SECONDS) / 3_600.0;
    let requests = tasks * seconds * (GETS * prices.thousand_gets + PUTS * prices.thousand_puts) / 1e3;
    let thousands = tasks * seconds * (GETS + PUTS) / 1e3;
    [
        Used::each("Fargate CPU", hours * size.vcpus(), "vCPU-hours", prices.vcpu_hour),
        Used::each("Fargate memory", hours * size.memory_gb(), "GB-hours", prices.memory_gb_hour),
        Used::each("Public IPv4 addresses of tasks", hours, "hours", prices.ipv4_hour),
        Used::each("S3 requests of tasks", thousands, "thousand", requests / thousands),
    ]
}

/// What else is paid by use, which nobody can tell beforehand.
pub fn by_use(stack: &Stack) -> Vec<&'static str> {
    let deliveries = deliveries::of(&stack.deliver);
    let mut all: Vec<_> = deliveries.iter().filter_map(|delivery| delivery.by_use()).collect();
    all.sort_unstable();
    if !deliveries.is_empty() {
        all.insert(0, "S3 storage and requests");
    }
    all
}

/// The records that documents are sent in.
fn records(sent: Sent, aggregation: Aggregation) -> Sent {
    let together = aggregation.documents_per_record(sent.mean_bytes);
    Sent { documents: sent.documents / together, mean_bytes: sent.mean_bytes * together }
}

/// Documents a second that a stream takes.
fn taken_by_stream(stack: &Stack, mean_bytes: f64) -> f64 {
    match stack.stream.mode {
        StreamMode::Provisioned { shards } => taken(f64::from(shards), mean_bytes),
        StreamMode::OnDemand => taken(ON_DEMAND_SHARDS, mean_bytes),
    }
}

fn taken(shards: f64, mean_bytes: f64) -> f64 {
    shards * SHARD_RECORDS.min(SHARD_BYTES / mean_bytes)
}

fn into_stream(stack: &Stack, sent: Sent, prices: &Prices) -> Vec<Used> {
    let sent = records(sent, stack.load.sending.aggregation);
    match stack.stream.mode {
        StreamMode::Provisioned { .. } => {
            let units = sent.units(PUT_UNIT_BYTES);
            vec![Used::million("Kinesis PUT payload units", units, "units", prices.million_put_units)]
        }
        StreamMode::OnDemand => {
            let gb = sent.gb(ON_DEMAND_BYTES);
            // Each delivery reads the whole stream.
            let out = gb * deliveries::of(&stack.deliver).len() as f64;
            vec![Used::each("Kinesis in", gb, "GB", prices.gb_in), Used::each("Kinesis out", out, "GB", prices.gb_out)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    fn load(file: &str, sets: &[&str]) -> LoadCost {
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        let checked = spec::read(file.as_ref(), &[], &sets).unwrap_or_else(|errors| panic!("{errors}"));
        of_load(&checked.stack, spec::MEAN_DOCUMENT_BYTES as f64, "us-east-1")
    }

    fn of(load: &LoadCost, what: &str) -> (f64, f64) {
        let used = load.used.iter().find(|used| used.what == what).unwrap_or_else(|| panic!("{what}: {load:?}"));
        (used.quantity, used.dollars)
    }

    fn near((quantity, dollars): (f64, f64), expected: (f64, f64)) {
        let close = |is: f64, wanted: f64| (is - wanted).abs() <= wanted * 1e-3;
        assert!(close(quantity, expected.0) && close(dollars, expected.1), "{quantity} {dollars}, not {expected:?}");
    }

    #[test]
    fn five_minutes_of_sixty_thousand_a_second() {
        let sets = ["stream.shards=540", "load={rate: 60000/s, duration: 5m}"];
        let load = load("stacks/store-sales-s3.yaml", &sets);
        assert_eq!((load.documents, load.seconds, load.at_most), (18e6, 300.0, false));
        // A document of 8,170 bytes is one unit of 25 KB, and two of 5 KB.
        near(of(&load, "Kinesis PUT payload units"), (18e6, 0.252));
        near(of(&load, "Firehose to S3"), (171.66, 4.978));
    }

    #[test]
    fn aggregated_documents_share_payload_units() {
        let sets = ["load={rate: 1000/s, records: 6000000, duration: null, aggregation: on}"];
        let load = load("stacks/store-sales-s3.yaml", &sets);
        // Six documents of 8,170 bytes are a record of two units.
        near(of(&load, "Kinesis PUT payload units"), (2e6, 0.028));
    }

    #[test]
    fn each_way_is_paid_for() {
        let sets = ["load={rate: 100/s, records: 100000, duration: null}"];
        let everything = load("stacks/store-sales-everything.yaml", &sets);
        near(of(&everything, "DynamoDB write units"), (800_000.0, 0.5));
        near(of(&everything, "Firehose to Redshift"), of(&everything, "Firehose to S3"));
        let parquet = load("stacks/store-sales-parquet.yaml", &sets);
        near(of(&parquet, "Firehose to Parquet"), (0.9537, 0.017166));
        let created = ["deliver.redshift.create=true", "deliver.redshift={workgroup: null, role: null}", sets[0]];
        near(of(&load("stacks/store-sales-redshift.yaml", &created), "Redshift while it loads"), (2.2222, 0.8333));
    }

    #[test]
    fn tasks_are_paid_by_what_they_have_and_for_a_minute_at_least() {
        let of_tasks = |duration: &str| {
            let workers = "load.workers={fargate: {tasks: 4, cpu: 4, memory: 8GiB}}";
            let timed = format!("load={{rate: 100/s, records: null, duration: {duration}}}");
            load("stacks/stream-only.yaml", &[&timed, workers])
        };
        let hour = of_tasks("1h");
        near(of(&hour, "Fargate CPU"), (16.0, 0.64768));
        near(of(&hour, "Fargate memory"), (32.0, 0.14224));
        near(of(&hour, "Public IPv4 addresses of tasks"), (4.0, 0.02));
        near(of(&hour, "S3 requests of tasks"), (46.08, 4.0 * 3.6 * (2.0 * 0.0004 + 1.2 * 0.005)));
        near(of(&of_tasks("6s"), "Fargate CPU"), (16.0 / 60.0, 0.64768 / 60.0));
    }

    #[test]
    fn on_demand_is_paid_by_the_gigabyte_and_max_by_what_the_stream_takes() {
        let sets = ["stream={mode: on-demand, shards: null}", "load.rate=max", "load={records: null, duration: 10s}"];
        let load = load("stacks/store-sales-s3.yaml", &sets);
        assert!(load.at_most);
        let gb = ON_DEMAND_SHARDS * SHARD_BYTES / 8_170.0 * 10.0 * 8_192.0 / (1_u64 << 30) as f64;
        near(of(&load, "Kinesis in"), (gb, gb * 0.08));
        near(of(&load, "Kinesis out"), (gb, gb * 0.04));
    }
}
