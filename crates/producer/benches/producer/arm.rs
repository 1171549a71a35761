//! `producer arm NAME`: one run of one client in a process of its own.

use std::error::Error;

use crate::{
    ours,
    payload::Payload,
    rate,
    sdk::{self, Completion},
    usage::Meter,
    work::Work,
};

/// Runs the client that is called so.
pub fn run(name: &str) -> Result<(), Box<dyn Error>> {
    let work = Work::from_env()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match name {
        "ours" => runtime.block_on(ours::run(&work)),
        "sdk" => runtime.block_on(sdk::run(&work, Completion::Positions)),
        "sdk-futures" => runtime.block_on(sdk::run(&work, Completion::Futures)),
        "rate" => runtime.block_on(rate::client(&work)),
        "generate" => {
            generate(&work);
            Ok(())
        }
        other => Err(format!("there is no arm `{other}`").into()),
    }
}

/// Documents alone, into one buffer.
fn generate(work: &Work) {
    let mut payload = Payload::new(work);
    let mut buffer = Vec::with_capacity(64 * 1024);
    let mut made = 0;
    let mut meter = Meter::start();
    while payload.next_into(&mut buffer).is_some() {
        made += 1;
        if made == work.warmup {
            meter = Meter::start();
        }
        std::hint::black_box(&buffer);
        buffer.clear();
    }
    meter.print();
}
