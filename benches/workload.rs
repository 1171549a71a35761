//! How fast one core makes documents, how large they are, and what that costs in memory.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use demo_workload::store_sales::StoreSales;

const ROUNDS: u64 = 7;
const TICKETS: u64 = 20_000;

fn main() {
    let before = Instant::now();
    let sales = StoreSales::new(1, 0);
    println!("start            {:>12.3} s", before.elapsed().as_secs_f64());
    let rounds: Vec<_> = (0..ROUNDS).map(|round| documents(&sales, round * TICKETS + 1)).collect();
    report("documents/s", rounds.iter().map(|round| round.documents as f64 / round.took.as_secs_f64()).collect());
    report("MB/s", rounds.iter().map(|round| round.bytes as f64 / 1e6 / round.took.as_secs_f64()).collect());
    let (made, bytes) = rounds.iter().fold((0, 0), |sum, round| (sum.0 + round.documents, sum.1 + round.bytes));
    println!("mean size        {:>12.1} bytes", bytes as f64 / made as f64);
    println!("largest          {:>12} bytes", rounds.iter().map(|round| round.largest).max().unwrap_or(0));
    report("keys/s", (0..ROUNDS).map(|round| keys(&sales, round * TICKETS + 1)).collect());
    if let Some(memory) = resident() {
        println!("resident, peak   {memory:>12}");
    }
}

struct Round {
    documents: u64,
    bytes: u64,
    largest: u64,
    took: Duration,
}

fn documents(sales: &Arc<StoreSales>, first: u64) -> Round {
    let mut documents = sales.documents(first..=first + TICKETS - 1);
    let mut out = Vec::with_capacity(64 * 1024);
    let mut round = Round { documents: 0, bytes: 0, largest: 0, took: Duration::ZERO };
    let before = Instant::now();
    while documents.next_into(&mut out).is_some() {
        let size = out.len() as u64;
        out.clear();
        round.documents += 1;
        round.bytes += size;
        round.largest = round.largest.max(size);
    }
    round.took = before.elapsed();
    round
}

fn keys(sales: &Arc<StoreSales>, first: u64) -> f64 {
    let before = Instant::now();
    let keys = sales.keys(first..=first + TICKETS - 1).fold(0_u64, |count, key| count + u64::from(key.item > 0));
    keys as f64 / before.elapsed().as_secs_f64()
}

fn report(what: &str, mut rounds: Vec<f64>) {
    rounds.sort_by(f64::total_cmp);
    let median = rounds[rounds.len() / 2];
    println!("{what:<16} {median:>12.0} median, {:.0} to {:.0}", rounds[0], rounds[rounds.len() - 1]);
}

fn resident() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.trim_start_matches("VmHWM:").trim().to_owned())
}
