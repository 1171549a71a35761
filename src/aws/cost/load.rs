//! What the load of a stack file costs, by its rate, its length and how long its documents are.

use serde::Serialize;

use super::prices::{self, Prices};
use crate::{
    aws::redshift::workgroup::BASE_CAPACITY,
    spec::{
        Aggregation, Deliver, Format, Length, ON_DEMAND_SHARDS, Rate, RedshiftAt, SHARD_BYTES, SHARD_RECORDS, Stack,
        StreamMode,
    },
};

/// A PUT payload unit (Kinesis Data Streams pricing, provisioned mode).
const PUT_UNIT_BYTES: f64 = 25.0 * 1_024.0;
/// What a record into an on-demand stream is rounded up to (Kinesis Data Streams pricing, on-demand mode).
const ON_DEMAND_BYTES: f64 = 1_024.0;
/// What a record into Firehose is rounded up to (Amazon Data Firehose pricing).
const FIREHOSE_BYTES: f64 = 5.0 * 1_024.0;
/// A write request unit (DynamoDB pricing, on-demand capacity).
const WRITE_UNIT_BYTES: f64 = 1_024.0;
const GB: f64 = (1 << 30) as f64;
const MIB: f64 = (1 << 20) as f64;

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

/// One thing that is paid by how much of it is used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Used {
    /// For example `Kinesis PUT payload units`.
    pub what: &'static str,
    /// How many.
    pub quantity: f64,
    /// Of what, for example `GB`.
    pub unit: &'static str,
    /// US dollars.
    pub dollars: f64,
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
    let rate = rate(stack, mean_bytes);
    let (documents, seconds) = match stack.load.length {
        Length::Records(records) => (records as f64, records as f64 / rate),
        Length::Duration(time) => (rate * time.as_secs_f64(), time.as_secs_f64()),
    };
    let load = Sent { documents, mean_bytes };
    let mut used = into_stream(stack, load, prices);
    used.extend(through_firehose(stack, load, prices));
    if let Some(to) = &stack.deliver.dynamodb {
        used.push(million("DynamoDB write units", load.units(WRITE_UNIT_BYTES), "units", prices.million_write_units));
        let batches = documents / f64::from(to.mapping.batch);
        used.push(million("Lambda invocations, at least", batches.ceil(), "calls", prices.million_requests));
    }
    if stack.deliver.redshift.as_ref().is_some_and(|to| to.at == RedshiftAt::Created) {
        let hours = f64::from(BASE_CAPACITY) * seconds / 3_600.0;
        used.push(each("Redshift while it loads", hours, "RPU-hours", prices.rpu_hour));
    }
    LoadCost { documents, mean_bytes, seconds, at_most: stack.load.rate == Rate::Max, used }
}

/// What else is paid by use, which nobody can tell beforehand.
pub fn by_use(stack: &Stack) -> Vec<&'static str> {
    let deliver = &stack.deliver;
    let catalog = deliver.s3.as_ref().is_some_and(|s3| s3.catalog.is_some());
    let all = [
        (!deliver.is_empty(), "S3 storage and requests"),
        (catalog, "Athena, by what a query scans"),
        (deliver.dynamodb.is_some(), "Lambda's time, DynamoDB's storage and reads, logs"),
        (deliver.redshift.is_some(), "Redshift's storage and queries"),
    ];
    all.into_iter().filter(|(has, _)| *has).map(|(_, what)| what).collect()
}

#[derive(Clone, Copy)]
struct Sent {
    documents: f64,
    mean_bytes: f64,
}

impl Sent {
    /// The records that they are sent in.
    fn records(self, aggregation: Aggregation) -> Self {
        let together = aggregation.documents_per_record(self.mean_bytes);
        Self { documents: self.documents / together, mean_bytes: self.mean_bytes * together }
    }

    /// Units of so many bytes, each document rounded up.
    fn units(self, bytes: f64) -> f64 {
        self.documents * (self.mean_bytes / bytes).ceil().max(1.0)
    }

    /// GB of documents, each rounded up to a whole number of so many bytes.
    fn gb(self, bytes: f64) -> f64 {
        self.units(bytes) * bytes / GB
    }
}

/// Documents a second: as it is set, or as many as the stream takes.
fn rate(stack: &Stack, mean_bytes: f64) -> f64 {
    match (stack.load.rate, stack.stream.mode) {
        (Rate::PerSecond(rate), _) => rate,
        (Rate::Max, StreamMode::Provisioned { shards }) => taken(f64::from(shards), mean_bytes),
        (Rate::Max, StreamMode::OnDemand) => taken(ON_DEMAND_SHARDS, mean_bytes),
    }
}

fn taken(shards: f64, mean_bytes: f64) -> f64 {
    shards * SHARD_RECORDS.min(SHARD_BYTES / mean_bytes)
}

fn into_stream(stack: &Stack, load: Sent, prices: &Prices) -> Vec<Used> {
    let load = load.records(stack.load.sending.aggregation);
    match stack.stream.mode {
        StreamMode::Provisioned { .. } => {
            let units = load.units(PUT_UNIT_BYTES);
            vec![million("Kinesis PUT payload units", units, "units", prices.million_put_units)]
        }
        StreamMode::OnDemand => {
            let gb = load.gb(ON_DEMAND_BYTES);
            let readers = readers(stack);
            vec![each("Kinesis in", gb, "GB", prices.gb_in), each("Kinesis out", gb * readers, "GB", prices.gb_out)]
        }
    }
}

/// How many read the whole stream.
fn readers(stack: &Stack) -> f64 {
    let Deliver { s3, redshift, dynamodb } = &stack.deliver;
    let readers = [s3.is_some(), redshift.is_some(), dynamodb.is_some()];
    readers.iter().filter(|reads| **reads).count() as f64
}

fn through_firehose(stack: &Stack, load: Sent, prices: &Prices) -> Vec<Used> {
    let gb = load.gb(FIREHOSE_BYTES);
    let objects = |mib: u32| (load.documents * load.mean_bytes / (f64::from(mib) * MIB)).ceil();
    let puts = |mib| Used {
        dollars: objects(mib) / 1e3 * prices.thousand_puts,
        ..each("S3 objects, at least", objects(mib), "puts", 0.0)
    };
    let mut used = Vec::new();
    if let Some(s3) = &stack.deliver.s3 {
        used.push(each("Firehose to S3", gb, "GB", prices.firehose_gb));
        if s3.format == Format::Parquet {
            used.push(each("Firehose to Parquet", gb, "GB", prices.firehose_gb_converted));
        }
        if !s3.partition_by.is_empty() {
            used.push(each("Firehose by fields", gb, "GB", prices.firehose_gb_partitioned));
        }
        used.push(puts(s3.buffer.mib));
    }
    if let Some(redshift) = &stack.deliver.redshift {
        used.push(each("Firehose to Redshift", gb, "GB", prices.firehose_gb));
        used.push(puts(redshift.buffer.mib));
    }
    used
}

fn each(what: &'static str, quantity: f64, unit: &'static str, price: f64) -> Used {
    Used { what, quantity, unit, dollars: quantity * price }
}

fn million(what: &'static str, quantity: f64, unit: &'static str, price: f64) -> Used {
    each(what, quantity, unit, price / 1e6)
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
    fn on_demand_is_paid_by_the_gigabyte_and_max_by_what_the_stream_takes() {
        let sets = ["stream={mode: on-demand, shards: null}", "load.rate=max", "load={records: null, duration: 10s}"];
        let load = load("stacks/store-sales-s3.yaml", &sets);
        assert!(load.at_most);
        let gb = ON_DEMAND_SHARDS * SHARD_BYTES / 8_170.0 * 10.0 * 8_192.0 / (1_u64 << 30) as f64;
        near(of(&load, "Kinesis in"), (gb, gb * 0.08));
        near(of(&load, "Kinesis out"), (gb, gb * 0.04));
    }
}
