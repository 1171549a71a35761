//! What a test of your own program looks like: start the stand-in, point any AWS SDK at it, and use it as AWS.
//!
//! ```text
//! cargo run --release --package aws-stand-in --example own_test
//! ```

use std::error::Error;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_kinesis::{Client, primitives::Blob, types::ShardIteratorType};
use aws_stand_in::{REGION, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start().await?;
    let config = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(server.url())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::from(server.access_key()))
        .load()
        .await;
    let kinesis = Client::new(&config);

    kinesis.create_stream().stream_name("orders").shard_count(1).send().await?;
    loop {
        let stream = kinesis.describe_stream_summary().stream_name("orders").send().await?;
        if stream.stream_description_summary().is_some_and(|stream| stream.stream_status().as_str() == "ACTIVE") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let put = kinesis.put_record().stream_name("orders").partition_key("customer-1").data(Blob::new("{\"order\":1}"));
    let put = put.send().await?;

    let shard = kinesis.get_shard_iterator().stream_name("orders").shard_id(put.shard_id());
    let shard = shard.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await?;
    let got = kinesis.get_records().set_shard_iterator(shard.shard_iterator).send().await?;
    assert_eq!(got.records().len(), 1);
    assert_eq!(got.records()[0].sequence_number(), put.sequence_number());
    println!("{} holds what was put: {}", put.shard_id(), String::from_utf8_lossy(got.records()[0].data().as_ref()));

    server.shutdown().await?;
    Ok(())
}
