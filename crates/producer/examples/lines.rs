//! The lines of a file through the producer's sink, many in one Kinesis record.
//!
//! ```text
//! demo local start; eval "$(demo local env)"; demo sample -n 1000 > documents.jsonl
//! cargo run --package kinesis-producer --example lines -- \
//!     "$(demo up stacks/stream-only.yaml)" documents.jsonl
//! ```

#![expect(unreachable_pub, reason = "nothing outside a program can reach it; here `pub` means: for the other modules")]

mod shared;

use std::{
    env,
    error::Error,
    fs::File,
    io::{BufRead, BufReader},
    time::Duration,
};

use futures::{StreamExt, stream};
use kinesis_producer::{Producer, Record};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = File::open(env::args().nth(2).ok_or("which file? It is the second argument")?)?;
    let producer = Producer::builder(&shared::config()?, shared::stream()?).aggregation(true).build().await?;

    let lines = BufReader::new(file).lines().collect::<Result<Vec<_>, _>>()?;
    let records = lines.into_iter().enumerate().map(|(number, line)| Ok(Record::new(line + "\n", number.to_string())));
    // The sink takes a record when there is room for it, and is closed when every record has ended.
    stream::iter(records).forward(producer.sink()).await?;

    let closed = producer.close(Duration::from_secs(30)).await;
    println!("{} lines acknowledged, {} failed", closed.metrics.acknowledged, closed.metrics.failed);
    Ok(())
}
