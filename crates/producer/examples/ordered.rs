//! Events of a hundred accounts, each account's in their order whatever has to be sent again, with a look at the producer
//! on the way and a close that waits.
//!
//! ```text
//! demo local start; eval "$(demo local env)"
//! cargo run --package kinesis-producer --example ordered -- "$(demo up stacks/stream-only.yaml)"
//! ```

#![expect(unreachable_pub, reason = "nothing outside a program can reach it; here `pub` means: for the other modules")]

mod shared;

use std::{error::Error, time::Duration};

use kinesis_producer::{Producer, Record};

const EVENTS: u32 = 20_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let producer = Producer::builder(&shared::config()?, shared::stream()?).ordered(true).build().await?;

    for event in 0..EVENTS {
        let account = format!("account-{}", event % 100);
        // Nobody waits for this one: what becomes of it is counted, and `close` gives back what did not arrive.
        producer.put(Record::new(format!("{{\"event\":{event}}}\n"), account)).await?;
        if event % 5_000 == 0 {
            tell(&producer);
        }
    }

    let closed = producer.close(Duration::from_secs(60)).await;
    println!("{} of {EVENTS} acknowledged", closed.metrics.acknowledged);
    for unsent in closed.unsent {
        println!("not sent: {} bytes of {}", unsent.record.data.len(), unsent.record.partition_key);
    }
    Ok(())
}

fn tell(producer: &Producer) {
    let now = producer.metrics();
    println!("{} put, {} acknowledged, {} throttled", now.offered, now.acknowledged, now.throttled);
    for key in producer.hot_keys() {
        println!("  hot: {} with at least {}", key.partition_key, key.at_least);
    }
}
