//! Puts one record and waits for its receipt.
//!
//! ```text
//! demo local start; eval "$(demo local env)"
//! cargo run --package kinesis-producer --example put -- "$(demo up stacks/stream-only.yaml)"
//! ```

#![expect(unreachable_pub, reason = "nothing outside a program can reach it; here `pub` means: for the other modules")]

mod shared;

use std::{error::Error, time::Duration};

use kinesis_producer::{Producer, Record};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let producer = Producer::builder(&shared::config()?, shared::stream()?).build().await?;

    // Taken here, acknowledged later: between the two, a program may put thousands more.
    let pending = producer.put(Record::new("{\"order\":1}\n", "customer-1")).await?;
    let receipt = pending.await?;
    println!("in {} as {}, after {} attempts", receipt.shard_id(), receipt.sequence_number(), receipt.attempts());

    producer.close(Duration::from_secs(30)).await;
    Ok(())
}
