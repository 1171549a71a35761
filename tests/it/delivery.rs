//! A stream delivered to a bucket by the stand-in, driven by the AWS SDK alone.

use std::time::Duration;

use aws_sdk_firehose::{
    error::ProvideErrorMetadata,
    types::{
        BufferingHints, CompressionFormat, DeliveryStreamStatus, DeliveryStreamType,
        ExtendedS3DestinationConfiguration, ExtendedS3DestinationUpdate, KinesisStreamSourceConfiguration, Record, Tag,
    },
};
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use tokio::time::{sleep, timeout};

use crate::stand_in::Running;

const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
    "Principal": {"Service": "firehose.amazonaws.com"}}]}"#;

struct Clients {
    kinesis: aws_sdk_kinesis::Client,
    firehose: aws_sdk_firehose::Client,
    s3: aws_sdk_s3::Client,
    role: String,
}

/// A stream of two shards, a bucket and a role.
async fn prepare(running: &Running) -> Clients {
    let config = running.config();
    let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
    let (kinesis, s3) = (aws_sdk_kinesis::Client::new(&config), aws_sdk_s3::Client::from_conf(s3));
    s3.create_bucket().bucket("landing").send().await.expect("a bucket");
    kinesis.create_stream().stream_name("sales").shard_count(2).send().await.expect("a stream");
    until("the stream is ACTIVE", async || {
        let summary = kinesis.describe_stream_summary().stream_name("sales").send().await.expect("a summary");
        let summary = summary.stream_description_summary.expect("it is answered");
        summary.stream_status == aws_sdk_kinesis::types::StreamStatus::Active
    })
    .await;
    let role = aws_sdk_iam::Client::new(&config).create_role().role_name("delivery");
    let role = role.assume_role_policy_document(TRUST).send().await.expect("a role");
    let role = role.role().expect("it is answered").arn().to_owned();
    Clients { kinesis, firehose: aws_sdk_firehose::Client::new(&config), s3, role }
}

async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let wait = async {
        while !holds().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

impl Clients {
    fn destination(&self, role: &str) -> ExtendedS3DestinationConfiguration {
        ExtendedS3DestinationConfiguration::builder()
            .role_arn(role)
            .bucket_arn("arn:aws:s3:::landing")
            .prefix("sales/year=!{timestamp:yyyy}/")
            .error_output_prefix("errors/!{firehose:error-output-type}/")
            .buffering_hints(BufferingHints::builder().size_in_mbs(1).interval_in_seconds(0).build())
            .build()
            .expect("a destination")
    }

    async fn deliver_stream(&self) -> String {
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/sales";
        let source = KinesisStreamSourceConfiguration::builder().kinesis_stream_arn(arn).role_arn(&self.role);
        let created = self
            .firehose
            .create_delivery_stream()
            .delivery_stream_name("sales")
            .delivery_stream_type(DeliveryStreamType::KinesisStreamAsSource)
            .kinesis_stream_source_configuration(source.build().expect("a source"))
            .extended_s3_destination_configuration(self.destination(&self.role))
            .tags(Tag::builder().key("stack").value("s").build().expect("a tag"));
        let created = created.send().await.expect("created");
        until("the delivery is ACTIVE", async || self.status("sales").await == Some(DeliveryStreamStatus::Active))
            .await;
        created.delivery_stream_arn().expect("an ARN").to_owned()
    }

    async fn status(&self, name: &str) -> Option<DeliveryStreamStatus> {
        let described = self.firehose.describe_delivery_stream().delivery_stream_name(name).send().await.ok()?;
        Some(described.delivery_stream_description()?.delivery_stream_status().clone())
    }

    async fn send(&self, lines: &[String]) {
        let entry = |line: &String| {
            let entry = PutRecordsRequestEntry::builder().partition_key(line);
            entry.data(format!("{line}\n").into_bytes().into()).build().expect("an entry")
        };
        let entries = lines.iter().map(entry).collect();
        let sent =
            self.kinesis.put_records().stream_name("sales").set_records(Some(entries)).send().await.expect("sent");
        assert_eq!(sent.failed_record_count(), Some(0));
    }

    async fn objects(&self) -> Vec<(String, String)> {
        let listed = self.s3.list_objects_v2().bucket("landing").send().await.expect("a listing");
        let mut objects = Vec::new();
        for object in listed.contents() {
            let key = object.key().expect("a key");
            let got = self.s3.get_object().bucket("landing").key(key).send().await.expect("an object");
            let data = got.body.collect().await.expect("its data").to_vec();
            objects.push((key.to_owned(), String::from_utf8(data).expect("text")));
        }
        objects
    }

    async fn lines(&self) -> Vec<String> {
        let objects = self.objects().await;
        let mut lines: Vec<String> = objects.iter().flat_map(|(_, data)| data.lines()).map(str::to_owned).collect();
        lines.sort();
        lines
    }
}

#[tokio::test]
async fn what_is_put_into_the_stream_lands_in_the_bucket_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let clients = prepare(&running).await;
    let arn = clients.deliver_stream().await;
    assert!(arn.ends_with(":deliverystream/sales"), "{arn}");
    let sent: Vec<String> = (100..200).map(|number| format!("line {number}")).collect();
    clients.send(&sent).await;
    until("all has landed", async || clients.lines().await.len() >= sent.len()).await;
    assert_eq!(clients.lines().await, sent);
    let year = chrono::Utc::now().format("sales/year=%Y/sales-1-").to_string();
    assert!(clients.objects().await.iter().all(|(key, _)| key.starts_with(&year)));

    clients.firehose.delete_delivery_stream().delivery_stream_name("sales").send().await.expect("deleted");
    until("it is gone", async || clients.status("sales").await.is_none()).await;
    running.stop().await;
}

#[tokio::test]
async fn a_delivery_stream_is_described_updated_and_found_by_the_sdk() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let clients = prepare(&running).await;
    clients.deliver_stream().await;
    let update = clients.firehose.update_destination().delivery_stream_name("sales");
    let gzip = ExtendedS3DestinationUpdate::builder().compression_format(CompressionFormat::Gzip).build();
    let update = update.current_delivery_stream_version_id("1").destination_id("destinationId-000000000001");
    update.extended_s3_destination_update(gzip).send().await.expect("updated");

    let described = clients.firehose.describe_delivery_stream().delivery_stream_name("sales").send().await;
    let described = described.expect("described").delivery_stream_description.expect("a description");
    assert_eq!(described.version_id(), "2");
    let (created, updated) = (described.create_timestamp().expect("a time"), described.last_update_timestamp());
    assert!(updated.is_some_and(|updated| updated >= created));
    let shown = described.destinations()[0].extended_s3_destination_description().expect("an S3 destination");
    assert_eq!(shown.compression_format(), &CompressionFormat::Gzip);
    assert_eq!(shown.buffering_hints().and_then(BufferingHints::size_in_mbs), Some(1));
    let listed = clients.firehose.list_delivery_streams().send().await.expect("listed");
    assert_eq!(listed.delivery_stream_names(), ["sales"]);
    let tags = clients.firehose.list_tags_for_delivery_stream().delivery_stream_name("sales").send().await;
    assert_eq!(tags.expect("tags").tags()[0].value(), Some("s"));
    running.stop().await;
}

#[tokio::test]
async fn refusals_are_the_sdks_own_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let clients = prepare(&running).await;
    let create = clients.firehose.create_delivery_stream().delivery_stream_name("direct");
    let unknown_role = clients.destination("arn:aws:iam::000000000000:role/none");
    let refused = create.clone().extended_s3_destination_configuration(unknown_role).send().await;
    let refused = refused.expect_err("refused").into_service_error();
    assert!(refused.is_invalid_argument_exception(), "{refused:?}");
    assert!(refused.message().is_some_and(|text| text.contains("Firehose is unable to assume role")), "{refused:?}");

    let destination = clients.destination(&clients.role);
    create.extended_s3_destination_configuration(destination).send().await.expect("created");
    let delete = clients.firehose.delete_delivery_stream().delivery_stream_name("direct");
    let refused = delete.send().await.expect_err("CREATING cannot be deleted").into_service_error();
    assert!(refused.is_resource_in_use_exception(), "{refused:?}");
    until("ACTIVE", async || clients.status("direct").await == Some(DeliveryStreamStatus::Active)).await;
    let record = Record::builder().data(b"one\n".to_vec().into()).build().expect("a record");
    clients.firehose.put_record().delivery_stream_name("direct").record(record).send().await.expect("taken");
    until("it has landed", async || clients.lines().await == ["one"]).await;
    let missing = clients.firehose.describe_delivery_stream().delivery_stream_name("none").send().await;
    assert!(missing.expect_err("not there").into_service_error().is_resource_not_found_exception());
    running.stop().await;
}
