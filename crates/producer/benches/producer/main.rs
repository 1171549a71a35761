//! What our producer costs, as ratios to what others cost, against one sink that remembers every record.
//!
//! ```text
//! cargo bench --bench producer                          the table
//! cargo bench --bench producer -- json cbor             some rows of it
//! cargo bench --bench producer -- --rounds 11           7 by default
//! cargo bench --bench producer -- rate                  60,000 full documents a second for 60 s
//! cargo bench --bench producer -- faults                0 %, 1 % and 20 % of the positions refused
//! cargo bench --bench producer -- simulation            500 shards, in simulated time
//! benches/peers/run.sh                                  builds the peers and runs their rows
//! ```
//!
//! Each client is a process pinned to core 0, the sink one pinned to core 1; TLS between them. What counts is the
//! client's CPU, user and system, from when it is warm to when all is acknowledged, and what it takes to make the same
//! records without sending them is taken off (not for full documents). The clients of a row take turns, A B B A; the
//! ratio is the median of the rounds' own ratios, with the smallest and the largest. Every record of ours has its own
//! future, awaited; the SDK's side looks at its answers by position, but for the row that says otherwise. Each record
//! begins with its number in 16 hexadecimal digits: the sink tells what was lost and doubled, and a row with either is
//! void. Loops are bounded; only 127.0.0.1 is spoken to.

#![expect(unreachable_pub, reason = "nothing outside a program can reach it; here `pub` means: for the other modules")]

mod arm;
mod children;
mod faults;
mod machine;
mod ours;
mod payload;
mod rate;
mod rows;
mod sdk;
mod simulation;
mod sink;
#[expect(dead_code, unused_imports, reason = "tests use the rest")]
#[path = "../stream_model/mod.rs"]
mod stream_model;
mod table;
mod usage;
mod work;

use std::{error::Error, path::Path};

use self::children::Sink;

const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["sink", authority] => sink::serve(Path::new(authority)),
        ["arm", name] => arm::run(name),
        ["rate"] => rate::run(),
        ["simulation"] => {
            simulation::run();
            Ok(())
        }
        ["faults"] => faults::run(),
        _ => run_table(args),
    }
}

fn run_table(mut args: Vec<String>) -> Result<(), Box<dyn Error>> {
    let rounds = take_rounds(&mut args)?;
    let rows = rows::all();
    if let Some(unknown) = args.iter().find(|arg| rows.iter().all(|row| row.name != **arg)) {
        let known: Vec<_> = rows.iter().map(|row| row.name).collect();
        return Err(format!("there is no row `{unknown}`; there are {}", known.join(", ")).into());
    }
    machine::print();
    println!("rounds: {rounds}, clients in alternation; median (smallest to largest)\n");
    table::head();
    let sink = Sink::start()?;
    let wanted = rows.iter().filter(|row| args.is_empty() || args.iter().any(|arg| arg == row.name));
    let failed = wanted.filter(|row| !table::run(row, rounds, &sink)).count();
    if failed == 0 { Ok(()) } else { Err(format!("{failed} rows failed").into()) }
}

fn take_rounds(args: &mut Vec<String>) -> Result<usize, Box<dyn Error>> {
    let Some(at) = args.iter().position(|arg| arg == "--rounds") else { return Ok(ROUNDS) };
    let number = args.drain(at..(at + 2).min(args.len())).nth(1).and_then(|text| text.parse().ok());
    number.filter(|&rounds| rounds > 0).ok_or_else(|| "--rounds takes a number from 1".into())
}
