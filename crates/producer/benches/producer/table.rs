//! Runs a row in rounds, the two clients in alternation, and prints what came of it.

use std::error::Error;

use crate::{
    children::Sink,
    rows::{Arm, Reach, Row},
    work::Work,
};

/// Of the peak of each client, in KiB.
const MOST_MEMORY: f64 = 256.0 * 1024.0;

/// CPU-seconds for a million records, and what else a run showed.
#[derive(Clone, Copy, Default)]
struct Run {
    seconds: f64,
    per_second: f64,
    peak_kb: f64,
    lost: f64,
    doubled: f64,
}

/// Median, smallest and largest.
pub struct Spread {
    pub median: f64,
    pub from: f64,
    pub to: f64,
}

impl Spread {
    pub fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let middle = numbers.len() / 2;
        let median =
            if numbers.len() % 2 == 1 { numbers[middle] } else { (numbers[middle - 1] + numbers[middle]) / 2.0 };
        Self { median, from: numbers[0], to: numbers[numbers.len() - 1] }
    }

    fn text(&self, decimals: usize) -> String {
        format!("{:.*} ({:.*} to {:.*})", decimals, self.median, decimals, self.from, decimals, self.to)
    }
}

/// Prints the table's head.
pub fn head() {
    println!(
        "| row | work | against | ours, CPU-s a million | theirs | ratio | reach | records/s: ours, theirs | peak MB: ours, theirs | lost, doubled |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
}

/// Runs one row and prints it; false if a client of it failed.
pub fn run(row: &Row, rounds: usize, sink: &Sink) -> bool {
    if let Some(Err(reason)) = row.peer.as_ref().map(|peer| peer.program.command()) {
        println!("| {} | {} | {} | not run: {reason} |||||||", row.name, row.work, label(row));
        return true;
    }
    let run: Result<Vec<_>, _> = (0..rounds).map(|round| both(row, round % 2 == 1, sink)).collect();
    match &run {
        Ok(rounds) => print(row, rounds),
        Err(error) => println!("| {} | {} | {} | FAILED: {error} |||||||", row.name, row.work, label(row)),
    }
    run.is_ok()
}

/// One round; every other one begins with the peer.
fn both(row: &Row, peer_first: bool, sink: &Sink) -> Result<(Run, Option<Run>), Box<dyn Error>> {
    let theirs = |sink| row.peer.as_ref().map(|peer| measured(peer, sink)).transpose();
    if peer_first {
        let theirs = theirs(sink)?;
        return Ok((measured(&row.ours, sink)?, theirs));
    }
    let ours = measured(&row.ours, sink)?;
    Ok((ours, theirs(sink)?))
}

fn measured(arm: &Arm, sink: &Sink) -> Result<Run, Box<dyn Error>> {
    let program = arm.program.command()?;
    let run = |send| -> Result<_, Box<dyn Error>> {
        sink.reset(&format!("shards={}", arm.shards))?;
        let figures = sink.client(&program, &Work { send, ..arm.work.clone() })?;
        let all = ["cpu_s", "wall_s", "peak_kb"].map(|name| figures.get(name).copied());
        let [Some(cpu), Some(wall), Some(peak)] = all else {
            return Err(format!("{} told no figures", arm.label).into());
        };
        Ok((cpu, wall, peak))
    };
    let making = if arm.net { run(false)?.0 } else { 0.0 };
    let (cpu, wall, peak_kb) = run(true)?;
    let millions = arm.work.records as f64 / 1e6;
    let mut measured = Run {
        seconds: (cpu - making) / millions,
        per_second: arm.work.records as f64 / wall,
        peak_kb,
        ..Run::default()
    };
    if arm.sends() {
        let counts = sink.counts(arm.work.warmup + arm.work.records)?;
        let told = |name: &str| counts.get(name).copied().unwrap_or(f64::NAN);
        (measured.lost, measured.doubled) = (told("lost") + told("unreadable"), told("doubled"));
    }
    Ok(measured)
}

fn print(row: &Row, rounds: &[(Run, Option<Run>)]) {
    let ours: Vec<_> = rounds.iter().map(|(ours, _)| *ours).collect();
    let theirs: Vec<_> = rounds.iter().filter_map(|(_, theirs)| *theirs).collect();
    let seconds = Spread::of(ours.iter().map(|run| run.seconds).collect());
    let ratio = (!theirs.is_empty())
        .then(|| Spread::of(ours.iter().zip(&theirs).map(|(ours, theirs)| ours.seconds / theirs.seconds).collect()));
    let cells = [
        row.name.to_owned(),
        row.work.to_owned(),
        label(row).to_owned(),
        seconds.text(3),
        of(&theirs, |run| run.seconds, 3),
        ratio.as_ref().map_or_else(|| "–".to_owned(), |ratio| ratio.text(3)),
        reached(row.reach, &seconds, ratio.as_ref()),
        format!("{}, {}", middle(&ours, |run| run.per_second, 0), middle(&theirs, |run| run.per_second, 0)),
        memory(&ours, &theirs),
        accounts(&ours, &theirs),
    ];
    println!("| {} |", cells.join(" | "));
}

fn label(row: &Row) -> &'static str {
    row.peer.as_ref().map_or("–", |peer| peer.label)
}

fn of(runs: &[Run], figure: impl Fn(&Run) -> f64, decimals: usize) -> String {
    if runs.is_empty() { "–".to_owned() } else { Spread::of(runs.iter().map(figure).collect()).text(decimals) }
}

fn middle(runs: &[Run], figure: impl Fn(&Run) -> f64, decimals: usize) -> String {
    if runs.is_empty() {
        "–".to_owned()
    } else {
        format!("{:.*}", decimals, Spread::of(runs.iter().map(figure).collect()).median)
    }
}

fn reached(reach: Reach, seconds: &Spread, ratio: Option<&Spread>) -> String {
    let (limit, figure) = match reach {
        Reach::Ratio(limit) => (limit, ratio.map_or(f64::NAN, |ratio| ratio.median)),
        Reach::Seconds(limit) => (limit, seconds.median),
        Reach::None => return "–".to_owned(),
    };
    format!("≤ {limit:.2}: {}", if figure <= limit { "yes" } else { "NO" })
}

fn memory(ours: &[Run], theirs: &[Run]) -> String {
    let peak = |runs: &[Run]| runs.iter().map(|run| run.peak_kb).fold(0.0, f64::max);
    let excess = if peak(ours) > MOST_MEMORY { " OVER 256" } else { "" };
    format!("{:.0}{excess}, {:.0}", peak(ours) / 1024.0, peak(theirs) / 1024.0)
}

/// A client that loses or doubles records has not done the work.
fn accounts(ours: &[Run], theirs: &[Run]) -> String {
    let sum = |figure: fn(&Run) -> f64| ours.iter().chain(theirs).map(figure).sum::<f64>();
    let (lost, doubled) = (sum(|run| run.lost), sum(|run| run.doubled));
    let void = if lost == 0.0 && doubled == 0.0 { "" } else { ": ROW VOID" };
    format!("{lost:.0}, {doubled:.0}{void}")
}
