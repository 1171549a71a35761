//! Event source mappings: which records a function sees, in which order, how often, and what becomes of those that fail.

use aws_sdk_kinesis::types::{PutRecordsRequestEntry, StreamStatus};
use aws_sdk_lambda::{
    error::ProvideErrorMetadata,
    operation::create_event_source_mapping::builders::CreateEventSourceMappingFluentBuilder,
    types::{DestinationConfig, EventSourcePosition, FunctionResponseType, OnFailure},
};

use super::*;

const STREAM: &str = "sales";
pub const BUCKET: &str = "failures";

fn stream_arn() -> String {
    format!("arn:aws:kinesis:us-east-1:000000000000:stream/{STREAM}")
}

impl Rig {
    fn kinesis(&self) -> aws_sdk_kinesis::Client {
        aws_sdk_kinesis::Client::new(&self.config())
    }

    /// A stand-in with a stream and the function.
    async fn with_stream(shards: i32, environment: &[(&str, &str)]) -> Self {
        let rig = Self::new().await;
        rig.make_stream(shards).await;
        rig.make_function(30, environment).await;
        rig
    }

    pub async fn make_stream(&self, shards: i32) {
        self.kinesis().create_stream().stream_name(STREAM).shard_count(shards).send().await.expect("created");
        self.stream_is_active().await;
    }

    async fn stream_is_active(&self) {
        until("the stream is active", async || {
            let found = self.kinesis().describe_stream_summary().stream_name(STREAM).send().await.expect("there");
            let status = found.stream_description_summary.expect("described").stream_status;
            (status == StreamStatus::Active).then_some(())
        })
        .await;
    }

    /// Puts records in order; `hash_key` chooses the shard.
    pub async fn put(&self, key: &str, hash_key: u128, records: &[impl AsRef<[u8]>]) {
        for records in records.chunks(500) {
            let entry = |record: &_| {
                let data = AsRef::<[u8]>::as_ref(record);
                let entry = PutRecordsRequestEntry::builder().data(aws_sdk_kinesis::primitives::Blob::new(data));
                entry.partition_key(key).explicit_hash_key(hash_key.to_string()).build().expect("whole")
            };
            let put =
                self.kinesis().put_records().stream_name(STREAM).set_records(Some(records.iter().map(entry).collect()));
            assert_eq!(put.send().await.expect("put").failed_record_count, Some(0));
        }
    }

    pub fn new_mapping(&self, from: EventSourcePosition) -> CreateEventSourceMappingFluentBuilder {
        let create = self.lambda().create_event_source_mapping().function_name(FUNCTION);
        create.event_source_arn(stream_arn()).starting_position(from)
    }

    /// Maps the stream to the function and waits until that is enabled.
    pub async fn map(&self, mapping: CreateEventSourceMappingFluentBuilder) -> String {
        let made = mapping.send().await.expect("created");
        assert_eq!(made.state.as_deref(), Some("Creating"));
        let id = made.uuid.expect("an id");
        until("the mapping is enabled", async || {
            let found = self.lambda().get_event_source_mapping().uuid(&id).send().await.expect("there");
            found.state.filter(|state| state == "Enabled")
        })
        .await;
        id
    }

    async fn unmap(&self, id: &str) {
        self.lambda().delete_event_source_mapping().uuid(id).send().await.expect("deleted");
        until("the mapping is gone", async || {
            let found = self.lambda().get_event_source_mapping().uuid(id).send().await;
            found.is_err_and(|e| e.into_service_error().is_resource_not_found_exception()).then_some(())
        })
        .await;
    }

    /// The first document in the failure destination.
    pub async fn kept_failure(&self) -> Value {
        until("what failed is kept", async || {
            let listed = self.s3().list_objects_v2().bucket(BUCKET).send().await.expect("listed");
            let key = listed.contents().first()?.key()?.to_owned();
            let got = self.s3().get_object().bucket(BUCKET).key(key).send().await.expect("there");
            let data = got.body.collect().await.expect("read").into_bytes();
            Some(serde_json::from_slice(&data).expect("JSON"))
        })
        .await
    }

    async fn until_seen(&self, count: usize) -> BTreeMap<String, usize> {
        until(&format!("{count} records are seen"), async || {
            let seen = self.seen_times();
            (seen.len() >= count).then_some(seen)
        })
        .await
    }
}

fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}{n:04}")).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Those of the seen records that begin so, in the order in which they were seen.
fn of(seen: &[String], prefix: &str) -> Vec<String> {
    seen.iter().filter(|text| text.starts_with(prefix)).cloned().collect()
}

#[tokio::test]
async fn each_shard_is_read_in_order_and_every_record_once() {
    let mut rig = Rig::with_stream(2, &[]).await;
    let (left, right) = (numbered("left", 730), numbered("right", 730));
    rig.put("k", 0, &left).await;
    rig.put("k", u128::MAX, &right[..500]).await;
    rig.map(rig.new_mapping(EventSourcePosition::TrimHorizon).batch_size(90)).await;
    rig.put("k", u128::MAX, &right[500..]).await;
    rig.until_seen(left.len() + right.len()).await;
    let seen = rig.seen();
    assert_eq!(of(&seen, "left"), left);
    assert_eq!(of(&seen, "right"), right);
    assert!(rig.notes().iter().all(|note| (1..=90).contains(&note.records.len())));
    rig.stop().await;
}

#[tokio::test]
async fn the_starting_position_decides_what_is_seen() {
    let mut rig = Rig::with_stream(1, &[]).await;
    rig.put("k", 0, &texts(&["old"])).await;
    let id = rig.map(rig.new_mapping(EventSourcePosition::Latest)).await;
    rig.put("k", 0, &texts(&["new"])).await;
    rig.until_seen(1).await;
    assert_eq!(rig.seen(), ["new"]);
    let idle = rig.notes()[0].process;
    assert!(is_alive(idle));
    rig.unmap(&id).await;
    until("an idle process ends with the mapping", async || (!is_alive(idle)).then_some(())).await;
    rig.map(rig.new_mapping(EventSourcePosition::TrimHorizon)).await;
    rig.until_seen(2).await;
    assert_eq!(rig.seen(), ["new", "old", "new"]);
    rig.stop().await;
}

#[tokio::test]
async fn a_stream_made_anew_under_its_name_is_read_from_its_beginning() {
    let mut rig = Rig::with_stream(1, &[]).await;
    rig.map(rig.new_mapping(EventSourcePosition::TrimHorizon)).await;
    rig.put("k", 0, &texts(&["a", "b", "c"])).await;
    rig.until_seen(3).await;
    rig.kinesis().delete_stream().stream_name(STREAM).send().await.expect("deleted");
    until("the stream is gone", async || {
        let found = rig.kinesis().describe_stream_summary().stream_name(STREAM).send().await;
        found.is_err_and(|e| e.into_service_error().is_resource_not_found_exception()).then_some(())
    })
    .await;
    rig.make_stream(1).await;
    rig.put("k", 0, &texts(&["d", "e"])).await;
    rig.until_seen(5).await;
    rig.stop().await;
    rig.start().await;
    rig.put("k", 0, &texts(&["f"])).await;
    rig.until_seen(6).await;
    assert_eq!(rig.seen()[3..], ["d", "e", "f"].map(str::to_owned), "nothing twice, and nothing again after a restart");
    rig.stop().await;
}

#[tokio::test]
async fn a_reported_failure_resumes_at_the_lowest_failed_record() {
    let mut rig = Rig::with_stream(1, &[("REPORT", "1")]).await;
    rig.put("k", 0, &texts(&["a", "b", "once-c", "d", "e"])).await;
    let reports = FunctionResponseType::ReportBatchItemFailures;
    rig.map(rig.new_mapping(EventSourcePosition::TrimHorizon).function_response_types(reports)).await;
    let seen = until("it is tried again", async || Some(rig.seen()).filter(|seen| seen.len() > 5)).await;
    assert_eq!(seen, ["a", "b", "once-c", "d", "e", "once-c", "d", "e"]);
    rig.stop().await;
}

#[tokio::test]
async fn bisection_isolates_a_poison_record_and_keeps_it_alone() {
    let mut rig = Rig::with_stream(1, &[]).await;
    rig.s3().create_bucket().bucket(BUCKET).send().await.expect("created");
    rig.put("k", 0, &texts(&["a", "b", "c", "d", "e", "poison", "g", "h"])).await;
    let on_failure = OnFailure::builder().destination(format!("arn:aws:s3:::{BUCKET}")).build();
    let mapping = rig
        .new_mapping(EventSourcePosition::TrimHorizon)
        .bisect_batch_on_function_error(true)
        .maximum_retry_attempts(1)
        .destination_config(DestinationConfig::builder().on_failure(on_failure).build());
    let id = rig.map(mapping).await;
    let document = rig.kept_failure().await;
    rig.put("k", 0, &texts(&["after"])).await;
    until("the shard goes on after the poison", async || rig.seen().contains(&"after".to_owned()).then_some(())).await;
    let seen = rig.seen();
    assert_eq!(seen.iter().filter(|text| *text == "poison").count(), 5, "8, 4, 2, 1 records and one retry: {seen:?}");

    let listed = rig.s3().list_objects_v2().bucket(BUCKET).send().await.expect("listed");
    let [object] = listed.contents() else { panic!("one object, not {:?}", listed.contents()) };
    let key = object.key().expect("a key");
    let day = chrono::Utc::now().format("%Y/").to_string();
    assert!(key.starts_with(&format!("aws/lambda/{id}/shardId-000000000000/{day}")), "{key}");
    assert_eq!(document["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(document["requestContext"]["approximateInvokeCount"], 5);
    assert_eq!(document["responseContext"]["functionError"], "Unhandled");
    let batch = &document["KinesisBatchInfo"];
    assert_eq!((&batch["batchSize"], &batch["streamArn"]), (&json!(1), &json!(stream_arn())));
    assert_eq!(batch["startSequenceNumber"], batch["endSequenceNumber"]);
    let payload: Value = serde_json::from_str(document["payload"].as_str().expect("text")).expect("an event");
    let record = &payload["Records"][0]["kinesis"];
    assert_eq!(payload["Records"].as_array().map(Vec::len), Some(1));
    assert_eq!(record["sequenceNumber"], batch["startSequenceNumber"]);
    let data = base64_simd::STANDARD.decode_to_vec(record["data"].as_str().expect("text")).expect("base64");
    assert_eq!(data, b"poison");
    rig.stop().await;
}

#[tokio::test]
async fn reports_and_bisection_together_keep_only_what_failed() {
    let mut rig = Rig::with_stream(1, &[("REPORT", "1")]).await;
    rig.s3().create_bucket().bucket(BUCKET).send().await.expect("created");
    rig.put("k", 0, &texts(&["a", "poison", "c", "d"])).await;
    let on_failure = OnFailure::builder().destination(format!("arn:aws:s3:::{BUCKET}")).build();
    let mapping = rig
        .new_mapping(EventSourcePosition::TrimHorizon)
        .bisect_batch_on_function_error(true)
        .maximum_retry_attempts(0)
        .function_response_types(FunctionResponseType::ReportBatchItemFailures)
        .destination_config(DestinationConfig::builder().on_failure(on_failure).build());
    rig.map(mapping).await;
    let document = rig.kept_failure().await;
    assert_eq!(document["KinesisBatchInfo"]["batchSize"], 1);
    assert_eq!(document["responseContext"]["functionError"], Value::Null, "a report is no error");
    until("the rest is seen", async || rig.seen().ends_with(&texts(&["c", "d"])).then_some(())).await;
    assert_eq!(rig.seen_times()["a"], 1, "what came before the failure is done");
    rig.stop().await;
}

#[tokio::test]
async fn a_crash_is_retried_in_another_process() {
    let mut rig = Rig::with_stream(1, &[]).await;
    rig.put("k", 0, &texts(&["a", "crash", "c"])).await;
    rig.map(rig.new_mapping(EventSourcePosition::TrimHorizon)).await;
    let notes = until("it is tried again", async || Some(rig.notes()).filter(|notes| notes.len() == 2)).await;
    assert_eq!(notes[0].records, ["a", "crash", "c"]);
    assert_eq!(notes[1].records, notes[0].records);
    assert_ne!(notes[1].process, notes[0].process);
    rig.stop().await;
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let mut rig = Rig::with_stream(1, &[("PAUSE_MS", "10")]).await;
    let all = numbered("n", 600);
    rig.put("k", 0, &all).await;
    rig.map(rig.new_mapping(EventSourcePosition::TrimHorizon).batch_size(10).maximum_retry_attempts(0)).await;
    rig.until_seen(50).await;
    rig.stop().await;
    let before = rig.seen().len();
    assert!(before < all.len(), "it was stopped in the middle");
    rig.start().await;
    rig.until_seen(all.len()).await;
    let seen = rig.seen();
    assert!(seen.len() <= all.len() + 10, "at most the batch that was under way comes twice, not {}", seen.len());
    let mut once = seen.clone();
    once.dedup();
    once.sort();
    once.dedup();
    assert_eq!(once, all);
    rig.stop().await;
}

#[tokio::test]
async fn parallel_batches_keep_each_key_in_order() {
    let mut rig = Rig::with_stream(1, &[("PAUSE_MS", "20")]).await;
    let keys: Vec<String> = (0..8).map(|n| format!("key{n}-")).collect();
    for n in 0..25 {
        for key in &keys {
            rig.put(key, 0, &[format!("{key}{n:04}")]).await;
        }
    }
    rig.map(rig.new_mapping(EventSourcePosition::TrimHorizon).parallelization_factor(4).batch_size(5)).await;
    rig.until_seen(8 * 25).await;
    let seen = rig.seen();
    for key in &keys {
        assert_eq!(of(&seen, key), numbered(key, 25));
    }
    let processes: std::collections::BTreeSet<u32> = rig.notes().iter().map(|note| note.process).collect();
    assert!((2..=4).contains(&processes.len()), "{processes:?}");
    rig.stop().await;
}

#[tokio::test]
async fn children_of_a_shard_are_read_after_it() {
    let mut rig = Rig::with_stream(1, &[("PAUSE_MS", "30")]).await;
    let (before, after) = (numbered("before", 40), numbered("later", 20));
    rig.put("k", 0, &before).await;
    rig.map(rig.new_mapping(EventSourcePosition::TrimHorizon).batch_size(2)).await;
    let split = rig.kinesis().split_shard().stream_name(STREAM).shard_to_split("shardId-000000000000");
    split.new_starting_hash_key((1_u128 << 127).to_string()).send().await.expect("split");
    rig.stream_is_active().await;
    rig.put("k", 0, &after).await;
    rig.put("k", u128::MAX, &numbered("right", 20)).await;
    rig.until_seen(80).await;
    let seen = rig.seen();
    assert_eq!(seen[..40], before, "the parent first");
    assert_eq!(of(&seen, "later"), after);
    rig.stop().await;
}

#[tokio::test]
async fn states_and_doubles_are_refused_as_lambda_does() {
    let mut rig = Rig::with_stream(1, &[]).await;
    let id = rig.new_mapping(EventSourcePosition::Latest).send().await.expect("created").uuid.expect("an id");
    let early = rig.lambda().delete_event_source_mapping().uuid(&id).send().await.expect_err("too early");
    assert!(early.into_service_error().is_resource_in_use_exception());
    let doubled = rig.new_mapping(EventSourcePosition::Latest).send().await.expect_err("doubled");
    assert!(doubled.into_service_error().is_resource_conflict_exception());
    until("the mapping is enabled", async || {
        let found = rig.lambda().list_event_source_mappings().function_name(FUNCTION).send().await.expect("listed");
        found.event_source_mappings()[0].state.clone().filter(|state| state == "Enabled")
    })
    .await;
    let disabled = rig.lambda().update_event_source_mapping().uuid(&id).enabled(false).batch_size(7).send().await;
    let disabled = disabled.expect("updated");
    assert_eq!((disabled.state.as_deref(), disabled.batch_size), (Some("Disabling"), Some(7)));
    until("the mapping is disabled", async || {
        let found = rig.lambda().get_event_source_mapping().uuid(&id).send().await.expect("there");
        found.state.filter(|state| state == "Disabled")
    })
    .await;
    rig.unmap(&id).await;
    let wrong = rig.new_mapping(EventSourcePosition::Latest).batch_size(0).send().await.expect_err("no size");
    assert_eq!(wrong.into_service_error().code(), Some("ValidationException"));
    let absent = rig.new_mapping(EventSourcePosition::Latest).event_source_arn(stream_arn() + "-none").send().await;
    assert_eq!(absent.expect_err("absent").into_service_error().code(), Some("InvalidParameterValueException"));
    rig.stop().await;
}

#[tokio::test]
async fn the_end_of_the_stand_in_and_of_a_mapping_ends_what_is_under_way() {
    let mut rig = Rig::with_stream(1, &[("PAUSE_MS", "600000")]).await;
    rig.put("k", 0, &texts(&["a"])).await;
    let id = rig.map(rig.new_mapping(EventSourcePosition::TrimHorizon)).await;
    let noted = async |count: usize| until("it is under way", async || rig_note(&rig, count)).await;
    let first = noted(1).await;
    rig.unmap(&id).await;
    until("the process ends with the mapping", async || (!is_alive(first)).then_some(())).await;
    rig.map(rig.new_mapping(EventSourcePosition::TrimHorizon)).await;
    let second = noted(2).await;
    rig.stop().await;
    until("the process ends with the stand-in", async || (!is_alive(second)).then_some(())).await;
}

/// The process of the `count`th invocation.
fn rig_note(rig: &Rig, count: usize) -> Option<u32> {
    rig.notes().get(count - 1).map(|note| note.process)
}
