//! How many tasks and shards a rate takes, and what an hour of it costs.

use kinesis_demo::{
    aws::cost::{Prices, prices_in},
    spec::{BUSY, SHARD_BYTES, SHARD_RECORDS},
};

/// The mean of a full document.
const DOCUMENT_BYTES: f64 = 8_170.0;
/// CPU-seconds for a document, made and sent in CBOR over TLS (docs/benchmarks.md).
const CPU: f64 = 11.6e-6;
/// How much of a shard is planned with, as `shards: auto` does.
const OF_SHARD: f64 = 0.95;
/// Records of a request (Kinesis API reference, PutRecords); 500 of these are 4.1 MB of the 5 MiB that it takes.
const RECORDS: f64 = 500.0;
/// From a request until its answer, with 4.1 MB on the way.
const REQUEST: f64 = 0.1;
/// A PUT payload unit (Kinesis pricing); each of these documents is one.
const UNIT_BYTES: f64 = 25.0 * 1_024.0;
/// Requests to the bucket of a worker and of its coordinator for it in a second: `cargo bench --bench fleet -- workers`.
const GETS: f64 = 2.0;
const PUTS: f64 = 1.2;
/// vCPUs of a task with its least memory in GB (ECS developer guide, "Task CPU and memory").
const SIZES: [(f64, f64); 5] = [(0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0)];

/// For each rate, by what a task's link carries: nobody publishes that.
pub fn print() {
    let prices = prices_in("us-east-1");
    println!("Full documents of {DOCUMENT_BYTES} bytes in CBOR, us-east-1, an hour\n");
    println!(
        "| documents a second | GB a second | shards | requests a second | a task carries | tasks | vCPU each | connections \
         each | shards $ | PUT units $ | tasks $ | bucket $ | all $ | all, stream on demand $ |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for rate in [1e5, 1e6, 1e7] {
        for gigabits in [1.0, 5.0] {
            row(rate, gigabits, prices);
        }
    }
}

fn row(rate: f64, gigabits: f64, prices: &Prices) {
    let by_bytes = SHARD_BYTES / DOCUMENT_BYTES;
    let shards = (rate / by_bytes.min(SHARD_RECORDS) / OF_SHARD).ceil();
    let carried = gigabits * 1e9 / 8.0 * BUSY / DOCUMENT_BYTES;
    let tasks = (rate / carried).ceil();
    let needed = rate / tasks * CPU / BUSY;
    let (vcpus, memory) = SIZES.into_iter().find(|(vcpus, _)| *vcpus >= needed).expect("a size that is enough");
    let connections = (rate / tasks / RECORDS * REQUEST).ceil();
    let units = (DOCUMENT_BYTES / UNIT_BYTES).ceil() * rate * 3_600.0 / 1e6;
    let task = vcpus * prices.vcpu_hour + memory * prices.memory_gb_hour + prices.ipv4_hour;
    let bucket = tasks * 3.6 * (GETS * prices.thousand_gets + PUTS * prices.thousand_puts);
    let parts = [shards * prices.shard_hour, units * prices.million_put_units, tasks * task, bucket];
    let on_demand =
        rate * (DOCUMENT_BYTES / 1_024.0).ceil() * 1_024.0 * 3_600.0 / f64::from(1_u32 << 30) * prices.gb_in;
    println!(
        "| {} | {:.2} | {} | {} | {gigabits} Gbit/s | {} | {vcpus} | {connections} | {} | {:.2} | {:.0} |",
        grouped(rate),
        rate * DOCUMENT_BYTES / 1e9,
        grouped(shards),
        grouped(rate / RECORDS),
        grouped(tasks),
        parts.map(|dollars| format!("{dollars:.2}")).join(" | "),
        parts.iter().sum::<f64>(),
        parts[2] + parts[3] + on_demand,
    );
}

fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let from_end = digits.len();
    digits.chars().enumerate().fold(String::new(), |mut text, (place, digit)| {
        if place > 0 && (from_end - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
        text
    })
}
