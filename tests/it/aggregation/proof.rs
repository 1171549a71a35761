//! The proof of a stack that delivers nowhere, over a stream that holds aggregated records.

use std::{sync::Arc, time::Duration};

use aws_sdk_kinesis::{Client, primitives::Blob, types::StreamStatus};
use demo_workload::Identity;
use kinesis_demo::{
    aws::Clients,
    spec::FieldPath,
    verify::{
        Expected, KeyBag, Scope,
        destination::DestinationReader,
        stream::{Stream, StreamReading},
    },
};
use tokio::time::{sleep, timeout};

use super::*;
use crate::stand_in::Running;

pub const STREAM: &str = "sales";

pub async fn make_stream(kinesis: &Client) {
    kinesis.create_stream().stream_name(STREAM).shard_count(4).send().await.expect("created");
    let active = async {
        loop {
            let summary = kinesis.describe_stream_summary().stream_name(STREAM).send().await.expect("there");
            if summary.stream_description_summary.expect("described").stream_status == StreamStatus::Active {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), active).await.expect("the stream is ACTIVE");
}

async fn put(kinesis: &Client, data: Vec<u8>) -> String {
    let put = kinesis.put_record().stream_name(STREAM).partition_key("a").data(Blob::new(data)).send().await;
    put.expect("put").sequence_number
}

fn packed(documents: &[String]) -> Vec<u8> {
    encode(&documents.iter().map(|document| record(document, None, document.as_bytes())).collect::<Vec<_>>())
}

#[tokio::test]
async fn what_the_stream_holds_packed_is_found() {
    for in_cbor in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let running = Running::over(folder.path()).await;
        let clients = Clients::connect(running.place()).await;
        make_stream(&clients.kinesis).await;
        let documents: Vec<String> = (0..60).map(|id| format!("{{\"id\": {id}}}\n")).collect();
        put(&clients.kinesis, packed(&documents[..40])).await;

        let identity = Identity::declared(Some(&[FieldPath(vec!["id".to_owned()])]));
        let ids = documents.iter().map(|document| identity.of_document(document.as_bytes()).expect("an id"));
        let mut acknowledged: KeyBag = ids.collect();
        acknowledged.settle();
        let mut reading = StreamReading::new(STREAM, &clients, identity.clone(), in_cbor);
        reading.catch_up().await.expect("read, as beside a load");
        put(&clients.kinesis, documents[40].clone().into_bytes()).await;
        put(&clients.kinesis, packed(&documents[41..58])).await;
        let mut stream = Stream::new(reading, &Arc::new(Expected::new(identity, Scope::All)));
        assert_eq!(stream.read().await.expect("read"), 58);
        let tally = stream.tally(&acknowledged).await.expect("compared");
        assert_eq!((tally.landed(), tally.lost, tally.duplicated), (58, 2, 0));

        let sequence_number = put(&clients.kinesis, packed(&[documents[58].clone(), "poison".to_owned()])).await;
        let error = stream.read().await.expect_err("not a document").to_string();
        assert!(error.contains(&sequence_number), "{error}");
        running.stop().await;
    }
}
