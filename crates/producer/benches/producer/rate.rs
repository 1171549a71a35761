//! `producer rate`: full documents at a rate that is fixed beforehand, and how late they are acknowledged.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use kinesis_producer::Pending;
use tokio::sync::mpsc;

use crate::{
    children::Sink,
    ours::{self, Records},
    rows::Program,
    usage,
    work::{Format, Work},
};

const PER_SECOND: u64 = 60_000;
const SECONDS: u64 = 60;
/// How far the rate may be off.
const ACCURACY: f64 = 0.01;
/// The schedule is looked at so often.
const TICK: Duration = Duration::from_millis(1);
/// Records whose outcome is waited for; a second's worth.
const WINDOW: usize = 60_000;

/// Runs it for CBOR and JSON, on a core of its own each time.
pub fn run() -> Result<(), Box<dyn Error>> {
    let sink = Sink::start()?;
    let program = Program::Own("rate").command()?;
    println!("open loop: {PER_SECOND} full documents a second for {SECONDS} s; latency from when each was to be sent");
    println!(
        "| body | put a second | acknowledged a second | p50 ms | p99 | p99.9 | most | core used | peak MB | lost | doubled |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut sound = true;
    for format in [Format::Cbor, Format::Json] {
        let work = Work { records: PER_SECOND * SECONDS, warmup: 0, size: 0, format, aggregate: 1, send: true };
        sink.reset("")?;
        let figures = sink.client(&program, &work)?;
        let counts = sink.counts(work.records)?;
        let told = |name: &str| figures.get(name).or(counts.get(name)).copied().unwrap_or(f64::NAN);
        let lost = told("lost") + told("unreadable");
        println!(
            "| {format} | {:.0} | {:.0} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} % | {:.0} | {lost} | {} |",
            told("put_s"),
            told("acknowledged_s"),
            told("p50_ms"),
            told("p99_ms"),
            told("p999_ms"),
            told("max_ms"),
            100.0 * told("cpu_s") / told("wall_s"),
            told("peak_kb") / 1024.0,
            told("doubled"),
        );
        let exact = (told("put_s") / PER_SECOND as f64 - 1.0).abs() <= ACCURACY;
        sound &= exact && lost + told("doubled") == 0.0;
    }
    if sound { Ok(()) } else { Err("the rate was off by more than 1 %, or records were lost or doubled".into()) }
}

/// The client's side: puts each document when it is due, as late as the producer may take it.
pub async fn client(work: &Work) -> Result<(), Box<dyn Error>> {
    let producer = ours::producer(work).await?;
    let mut records = Records::new(work).peekable();
    records.peek();
    let (sender, receiver) = mpsc::channel(WINDOW);
    let start = Instant::now() + Duration::from_millis(200);
    let latencies = tokio::spawn(latencies(receiver));
    tokio::time::sleep_until(start.into()).await;
    let cpu = usage::cpu_seconds();
    for (number, record) in records.enumerate() {
        let due = start + Duration::from_nanos(number as u64 * 1_000_000_000 / PER_SECOND);
        while Instant::now() < due {
            tokio::time::sleep(TICK).await;
        }
        sender.send((due, producer.put(record).await?)).await?;
    }
    let put = start.elapsed().as_secs_f64();
    drop(sender);
    producer.flush().await;
    let latencies = latencies.await??;
    let wall = start.elapsed().as_secs_f64();
    let milliseconds = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e3;
    println!(
        "cpu_s={:.3} wall_s={wall:.3} peak_kb={} put_s={:.1} acknowledged_s={:.1} p50_ms={} p99_ms={} p999_ms={} max_ms={}",
        usage::cpu_seconds() - cpu,
        usage::peak_kb(),
        work.records as f64 / put,
        work.records as f64 / wall,
        milliseconds(0.5),
        milliseconds(0.99),
        milliseconds(0.999),
        milliseconds(1.0),
    );
    Ok(())
}

/// In microseconds.
async fn latencies(mut receiver: mpsc::Receiver<(Instant, Pending)>) -> Result<Histogram<u64>, String> {
    let mut histogram = Histogram::new(3).map_err(|error| error.to_string())?;
    while let Some((due, pending)) = receiver.recv().await {
        let receipt = pending.await.map_err(|error| error.to_string())?;
        let late = receipt.acknowledged_at().into_std().saturating_duration_since(due);
        histogram.record(late.as_micros() as u64).map_err(|error| error.to_string())?;
    }
    Ok(histogram)
}
