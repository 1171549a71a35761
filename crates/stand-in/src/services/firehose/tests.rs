//! Delivery from real streams into real buckets, across crashes.

use std::{io::Read, path::Path, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use super::{recipe::Group, *};
use crate::{ACCOUNT, keys::AccessKey, query::write_form, service::ask, services::secrets::Secrets};

mod aggregates;
mod formats;
mod operations;
mod redshift;

const BUCKET: &str = "landing";
const PREFIX: &str = "sales/year=!{timestamp:yyyy}/month=!{timestamp:MM}/";
const ERROR_PREFIX: &str = "errors/!{firehose:error-output-type}/";

/// The services that Firehose stands between, with a stream, a bucket and a role.
struct Rig {
    folder: TempDir,
    kinesis: Arc<Kinesis>,
    s3: Arc<S3>,
    iam: Arc<Iam>,
    redshift: Arc<Redshift>,
    glue: Arc<Glue>,
    firehose: Option<Arc<Firehose>>,
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn role() -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/delivery")
}

fn stream_arn() -> String {
    format!("arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/sales")
}

fn destination(seconds: u32) -> Value {
    json!({
        "RoleARN": role(), "BucketARN": format!("arn:aws:s3:::{BUCKET}"),
        "Prefix": PREFIX, "ErrorOutputPrefix": ERROR_PREFIX,
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": seconds},
    })
}

fn from_stream(name: &str, destination: &Value) -> Value {
    json!({
        "DeliveryStreamName": name, "DeliveryStreamType": "KinesisStreamAsSource",
        "KinesisStreamSourceConfiguration": {"KinesisStreamARN": stream_arn(), "RoleARN": role()},
        "ExtendedS3DestinationConfiguration": destination,
        "Tags": [{"Key": "stack", "Value": "s"}],
    })
}

fn from_puts(name: &str, destination: &Value) -> Value {
    json!({"DeliveryStreamName": name, "ExtendedS3DestinationConfiguration": destination})
}

/// S3 with the bucket in it.
fn open_s3(folder: &Path) -> Arc<S3> {
    fs::create_dir_all(folder).expect("a folder");
    let s3 = S3::open(folder, &AccessKey::open(folder).expect("a key")).expect("S3");
    s3.create_bucket(BUCKET, None);
    s3
}

async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let wait = async {
        while !holds().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(120), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

impl Rig {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let kinesis = Kinesis::open(&at("kinesis")).expect("Kinesis");
        let (s3, iam) = (open_s3(&at("s3")), Iam::open(&at("iam")).expect("IAM"));
        let secrets = Secrets::open(&at("secrets")).expect("Secrets Manager");
        let redshift = Redshift::open(&at("redshift"), s3.clone(), iam.clone(), secrets).expect("Redshift");
        let glue = Glue::open(&at("glue")).expect("Glue");
        let mut rig = Self { folder, kinesis, s3, iam, redshift, glue, firehose: None };
        rig.make_role().await;
        rig.make_stream().await;
        rig.open();
        rig
    }

    async fn make_role(&self) {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "firehose.amazonaws.com"},
        }]});
        let fields = [("RoleName", "delivery"), ("AssumeRolePolicyDocument", &trust.to_string())];
        ask(&self.iam, "CreateRole", write_form(fields)).await.expect("a role");
    }

    async fn make_stream(&self) {
        self.kinesis("CreateStream", json!({"StreamName": "sales", "ShardCount": 2})).await;
        until("the stream is active", async || self.kinesis.shards(&stream_arn()).is_ok()).await;
    }

    fn open(&mut self) {
        let (kinesis, s3, iam) = (self.kinesis.clone(), self.s3.clone(), self.iam.clone());
        let folder = self.folder.path().join("firehose");
        let (redshift, glue) = (self.redshift.clone(), self.glue.clone());
        self.firehose = Some(Firehose::open(&folder, kinesis, s3, iam, redshift, glue).expect("Firehose"));
    }

    /// As after SIGKILL: nothing is told to end.
    fn crash(&mut self) {
        self.firehose = None;
    }

    /// Gives the bucket a policy, or takes it away.
    fn reopen_with_policy(&mut self, policy: Option<&str>) {
        self.crash();
        self.s3.create_bucket(BUCKET, policy);
        self.open();
    }

    fn firehose(&self) -> &Arc<Firehose> {
        self.firehose.as_ref().expect("Firehose is open")
    }

    async fn kinesis(&self, operation: &str, body: Value) -> Value {
        let answer = ask(&self.kinesis, operation, body.to_string()).await.expect("Kinesis does it");
        if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).expect("JSON") }
    }

    async fn try_call(&self, operation: &str, body: Value) -> Result<Value, ServiceError> {
        let answer = ask(self.firehose(), operation, body.to_string()).await?;
        Ok(serde_json::from_slice(&answer).expect("JSON"))
    }

    async fn call(&self, operation: &str, body: Value) -> Value {
        self.try_call(operation, body).await.expect("Firehose does it")
    }

    async fn refused(&self, operation: &str, body: Value) -> ServiceError {
        self.try_call(operation, body).await.expect_err("Firehose refuses it")
    }

    async fn create(&self, request: Value) {
        let named = json!({"DeliveryStreamName": request["DeliveryStreamName"]});
        self.call("CreateDeliveryStream", request).await;
        until("ACTIVE", async || self.describe(&named).await["DeliveryStreamStatus"] == "ACTIVE").await;
    }

    async fn describe(&self, named: &Value) -> Value {
        self.call("DescribeDeliveryStream", named.clone()).await["DeliveryStreamDescription"].clone()
    }

    /// Sends lines of `from` to `to` to the stream.
    async fn send(&self, from: usize, to: usize) {
        for number in from..to {
            self.send_record(&format!("line {number}\n")).await;
        }
    }

    async fn send_record(&self, data: &str) {
        let encoded = base64_simd::STANDARD.encode_to_string(data);
        let record = json!({"StreamName": "sales", "PartitionKey": format!("of {data}"), "Data": encoded});
        self.kinesis("PutRecord", record).await;
    }

    async fn objects(&self) -> Vec<(String, Vec<u8>)> {
        let mut objects = Vec::new();
        for object in self.s3.list(BUCKET, "").await.expect("a listing") {
            let data = self.s3.get(BUCKET, &object.key).await.expect("an object");
            objects.push((object.key, data.to_vec()));
        }
        objects
    }

    /// Every line in the bucket, sorted: what was delivered twice is here twice.
    async fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (_, data) in self.objects().await {
            lines.extend(String::from_utf8(data).expect("text").lines().map(str::to_owned));
        }
        lines.sort();
        lines
    }

    async fn caught_up(&self, name: &str) {
        until("all is delivered", async || self.firehose().is_caught_up(name).expect("it is there")).await;
    }
}

fn expected(from: usize, to: usize) -> Vec<String> {
    let mut lines: Vec<String> = (from..to).map(|number| format!("line {number}")).collect();
    lines.sort();
    lines
}

fn progress_file(rig: &Rig, name: &str) -> std::path::PathBuf {
    let id = rig.firehose().find(name).expect("it is there").id;
    rig.firehose().delivery_folder(&id).join("progress.json")
}

fn progress_in(file: &Path) -> Progress {
    serde_json::from_slice(&fs::read(file).expect("a file")).expect("progress")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_since_creation_land_once_under_the_prefix() {
    let rig = Rig::new().await;
    rig.send(0, 5).await;
    rig.create(from_stream("d", &destination(0))).await;
    rig.send(5, 40).await;
    rig.caught_up("d").await;
    assert_eq!(rig.lines().await, expected(5, 40));
    let now = chrono::Utc::now();
    for (key, _) in rig.objects().await {
        let stem = now.format("sales/year=%Y/month=%m/d-1-%Y-").to_string();
        assert!(key.starts_with(&stem), "{key} does not start with {stem}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_waits_for_its_interval_and_is_a_gzip_file() {
    let rig = Rig::new().await;
    let mut gzip = destination(1);
    gzip["CompressionFormat"] = json!("GZIP");
    rig.create(from_stream("d", &gzip)).await;
    let begun = Instant::now();
    rig.send(0, 30).await;
    until("an object", async || !rig.objects().await.is_empty()).await;
    assert!(begun.elapsed() >= Duration::from_secs(1), "it came after {:?}", begun.elapsed());
    rig.caught_up("d").await;
    let mut lines = Vec::new();
    for (key, data) in &rig.objects().await {
        assert!(key.ends_with(".gz"), "{key}");
        let mut plain = String::new();
        flate2::read::GzDecoder::new(&data[..]).read_to_string(&mut plain).expect("a gzip file");
        lines.extend(plain.lines().map(str::to_owned));
    }
    lines.sort();
    assert_eq!(lines, expected(0, 30));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_buffer_does_not_wait() {
    let rig = Rig::new().await;
    rig.create(from_puts("d", &destination(900))).await;
    let data = base64_simd::STANDARD.encode_to_string(vec![b'x'; 700 << 10]);
    for _ in 0..4 {
        rig.call("PutRecord", json!({"DeliveryStreamName": "d", "Record": {"Data": data}})).await;
    }
    until("two objects", async || rig.objects().await.len() == 2).await;
    assert!(rig.objects().await.iter().all(|(_, data)| data.len() == 2 * (700 << 10)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_of_a_split_are_read_from_their_beginning() {
    let rig = Rig::new().await;
    rig.create(from_stream("d", &destination(0))).await;
    rig.send(0, 10).await;
    rig.kinesis(
        "UpdateShardCount",
        json!({"StreamName": "sales", "TargetShardCount": 4, "ScalingType": "UNIFORM_SCALING"}),
    )
    .await;
    until("six shards", async || rig.kinesis.shards(&stream_arn()).is_ok_and(|shards| shards.len() >= 6)).await;
    rig.send(10, 40).await;
    rig.caught_up("d").await;
    assert_eq!(rig.lines().await, expected(0, 40));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_only_buffered_is_delivered_after_a_crash() {
    let mut rig = Rig::new().await;
    rig.create(from_stream("d", &destination(2))).await;
    rig.send(0, 20).await;
    rig.crash();
    rig.send(20, 25).await;
    rig.open();
    rig.caught_up("d").await;
    assert_eq!(rig.lines().await, expected(0, 25));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_crashes_neither_lose_nor_double() {
    let mut rig = Rig::new().await;
    rig.create(from_stream("d", &destination(0))).await;
    for round in 0..8 {
        rig.send(round * 10, round * 10 + 10).await;
        // Each time another step of a delivery is cut short.
        sleep(Duration::from_millis(round as u64 * 17)).await;
        rig.crash();
        rig.open();
    }
    rig.caught_up("d").await;
    assert_eq!(rig.lines().await, expected(0, 80));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_put_before_the_crash_is_put_again_with_the_same_key_and_content() {
    let mut rig = Rig::new().await;
    let mut gzip = destination(0);
    gzip["CompressionFormat"] = json!("GZIP");
    rig.create(from_stream("d", &gzip)).await;
    let file = progress_file(&rig, "d");
    let before = progress_in(&file);
    rig.send(0, 1).await;
    rig.caught_up("d").await;
    let objects = rig.objects().await;
    let after = progress_in(&file);
    // As a process leaves it that was killed after the put and before it remembered that.
    let moved = after.delivered.iter().find(|(shard, to)| before.delivered.get(*shard) != Some(to));
    let (shard, to) = moved.expect("one shard moved");
    let ranges = vec![progress::Range { shard: shard.clone(), from: before.delivered[shard], to: *to }];
    let recipe = rig.firehose().find("d").expect("it is there").settings.recipe(&rig.glue).expect("a recipe");
    let keys = vec![(Group::Partition([].into()), objects[0].0.clone())];
    let intended = progress::Intended { recipe, keys, ranges, landed: false };
    let torn = Progress { landing: vec![intended], ..before };
    rig.crash();
    fs::write(&file, serde_json::to_vec(&torn).expect("JSON")).expect("writes");
    rig.open();
    rig.caught_up("d").await;
    assert_eq!(rig.objects().await, objects);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denied_bucket_holds_delivery_up_and_loses_nothing() {
    let mut rig = Rig::new().await;
    rig.create(from_stream("d", &destination(0))).await;
    rig.reopen_with_policy(Some(DENY_ALL));
    rig.send(0, 10).await;
    let file = progress_file(&rig, "d");
    until("an object is intended", async || !progress_in(&file).landing.is_empty()).await;
    assert!(rig.objects().await.is_empty());
    rig.reopen_with_policy(None);
    rig.caught_up("d").await;
    assert_eq!(rig.lines().await, expected(0, 10));
}

const DENY_ALL: &str = r#"{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::landing/*"}}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_stream_is_deleted_though_its_bucket_is_denied_and_its_name_begins_anew() {
    let mut rig = Rig::new().await;
    rig.create(from_stream("d", &destination(0))).await;
    rig.reopen_with_policy(Some(DENY_ALL));
    rig.send(0, 3).await;
    let named = json!({"DeliveryStreamName": "d"});
    rig.call("DeleteDeliveryStream", named.clone()).await;
    until("it is gone", async || rig.try_call("DescribeDeliveryStream", named.clone()).await.is_err()).await;
    assert_eq!(rig.refused("DeleteDeliveryStream", named).await.code, "ResourceNotFoundException");

    rig.reopen_with_policy(None);
    rig.create(from_stream("d", &destination(0))).await;
    rig.send(3, 6).await;
    rig.caught_up("d").await;
    assert_eq!(rig.lines().await, expected(3, 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_puts_get_their_delimiter_and_survive_a_crash() {
    let mut rig = Rig::new().await;
    let mut with_delimiter = destination(1);
    with_delimiter["ProcessingConfiguration"] = json!({"Enabled": true, "Processors": [{
        "Type": "AppendDelimiterToRecord",
        "Parameters": [{"ParameterName": "Delimiter", "ParameterValue": "\\n"}],
    }]});
    rig.create(from_puts("d", &with_delimiter)).await;
    let data = |text: &str| json!({"Data": base64_simd::STANDARD.encode_to_string(text)});
    let batch = json!({"DeliveryStreamName": "d", "Records": [data("one"), data("two")]});
    let answer = rig.call("PutRecordBatch", batch).await;
    assert_eq!(answer["FailedPutCount"], 0);
    assert_eq!(answer["RequestResponses"].as_array().map(Vec::len), Some(2));
    rig.crash();
    rig.open();
    rig.call("PutRecord", json!({"DeliveryStreamName": "d", "Record": data("zero")})).await;
    rig.caught_up("d").await;
    assert_eq!(rig.lines().await, ["one", "two", "zero"]);
}
