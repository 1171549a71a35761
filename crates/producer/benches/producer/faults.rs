//! `producer faults`: whether all records arrive, and once, whatever share of the positions is refused.

use std::error::Error;

use crate::{
    children::Sink,
    rows::Program,
    work::{Format, Work},
};

const PERCENTAGES: [u32; 3] = [0, 1, 20];

/// Prints a line for each share and kind of body.
pub fn run() -> Result<(), Box<dyn Error>> {
    let sink = Sink::start()?;
    let program = Program::Own("ours").command()?;
    println!("| refused | records | body | lost | doubled | refused positions | requests | CPU-s a million |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut sound = true;
    for percent in PERCENTAGES {
        for work in works() {
            sink.reset(&format!("shards=8&fail={percent}"))?;
            let figures = sink.client(&program, &work)?;
            let counts = sink.counts(work.warmup + work.records)?;
            let told = |name: &str| counts.get(name).copied().unwrap_or(f64::NAN);
            let kind = if work.aggregate == 1 { "plain" } else { "aggregated" };
            let cpu = figures.get("cpu_s").copied().unwrap_or(f64::NAN) / (work.records as f64 / 1e6);
            println!(
                "| {percent} % | {kind} | {} | {} | {} | {} | {} | {cpu:.2} |",
                work.format,
                told("lost") + told("unreadable"),
                told("doubled"),
                told("refused"),
                told("requests"),
            );
            sound &= told("lost") + told("unreadable") + told("doubled") == 0.0;
        }
    }
    if sound { Ok(()) } else { Err("records were lost or doubled".into()) }
}

fn works() -> [Work; 3] {
    let plain = Work { records: 300_000, warmup: 20_000, size: 1024, format: Format::Json, aggregate: 1, send: true };
    [plain.clone(), Work { format: Format::Cbor, ..plain.clone() }, Work { aggregate: 0, ..plain }]
}
