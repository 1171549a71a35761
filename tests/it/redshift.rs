//! The delivery to Redshift against the stand-in: made and taken away, loaded exactly once, refused clearly.

mod fixture;

use std::{path::Path, time::Duration};

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_s3::primitives::ByteStream;
use demo_formats::schema::Structs;
use demo_workload::Key;
use kinesis_demo::{
    aws::{
        inventory,
        redshift::{self, At, Database, Loader, LoaderError, data::Runner},
    },
    deliveries::redshift::{self as delivery, RedshiftAt, RedshiftLoad},
    engine::{self, Action, Cancel, Observed, Outcome},
    operations::query::{self, Engine},
    pipeline::lifecycle,
    spec::{Name, Stack, StreamMode},
    verify::verify,
};
use tokio::time::timeout;

use self::fixture::{COPY, Ground, Up, cluster, documents, sought_in, stack, workgroup};
use crate::lifecycle::materials;

async fn lives_and_goes(stack: Stack, resources: usize) {
    let up = Up::new(stack).await;
    let (journal, clients) = (&up.journal, &up.place.clients);
    let status = lifecycle::status(&journal.state(), clients).await;
    assert_eq!(status.len(), resources);
    for resource in status {
        match resource.observed.expect("readable") {
            Observed::Ours { ready, differs, .. } => assert!(ready && differs.is_empty(), "{differs:?}"),
            other => panic!("{}: {other:?}", resource.node.key),
        }
    }
    let (state, id, materials) = (journal.state(), journal.id().clone(), materials());
    let planned = lifecycle::plan(&up.stack, &id, &state, &materials, clients).await.expect("a plan");
    assert!(planned.iter().all(|step| step.action == Action::Keep), "{planned:#?}");
    let again = lifecycle::up(journal, &up.stack, &materials, clients, &(), &Cancel::new()).await.expect("up again");
    assert!(again.resources.iter().all(|(_, outcome)| *outcome == Outcome::Kept), "{again:#?}");
    let left = inventory::of(clients, &engine::Scope::Stack(id)).await.expect("an inventory");
    assert_eq!(left.len(), resources - 1, "the jsonpaths go with their bucket: {left:#?}");
    up.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_lives_on_somebodys_workgroup_and_leaves_it() {
    lives_and_goes(stack(workgroup("demo"), COPY), 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_lives_on_somebodys_cluster_and_leaves_it() {
    lives_and_goes(stack(cluster(), COPY), 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_makes_a_workgroup_of_its_own_and_takes_it_away() {
    lives_and_goes(stack(RedshiftAt::Created, COPY), 11).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn firehoses_own_destination_comes_and_goes() {
    lives_and_goes(stack(workgroup("demo"), RedshiftLoad::Firehose), 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_put_into_the_schema_keeps_it() {
    let up = Up::new(stack(workgroup("demo"), COPY)).await;
    let schema = up.redshift().schema;
    up.place.sql(&[&format!("CREATE TABLE {schema}.mine (a BIGINT)")]).await.expect("made");
    let down = lifecycle::down(&up.journal, &up.place.clients, &(), &Cancel::new()).await.expect("down");
    assert_eq!((down.failed.len(), down.leftovers.len()), (1, 1), "{down:#?}");
    let said = down.failed[0].1.to_string();
    assert!(said.contains(&format!("did not create: table {schema}.mine")), "{said}");
    up.place.sql(&[&format!("SELECT a FROM {schema}.mine")]).await.expect("it is left as it was");
    up.place.sql(&[&format!("DROP TABLE {schema}.mine")]).await.expect("dropped");
    let down = lifecycle::down(&up.journal, &up.place.clients, &(), &Cancel::new()).await.expect("down again");
    assert!(down.is_clean(), "{down:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_loaded_once_wherever_loaders_are_cut_off() {
    let up = Up::new(stack(workgroup("demo"), COPY)).await;
    let mut expected = 0;
    for round in 1..=12 {
        let (lines, keys) = documents(round * 10..=round * 10 + 2);
        up.land(&format!("{round:02}"), &lines).await;
        expected += keys.len();
        // A loader that is dropped in the middle, at another point each time, and one that goes on at the same time.
        let (mut cut, mut other) = (up.loader(), up.loader());
        let pause = Duration::from_millis(rand::random_range(0..150));
        let (first, second) = tokio::join!(timeout(pause, cut.step()), timeout(pause * 2, other.step()));
        for step in [first, second].into_iter().flatten() {
            step.expect("no load fails");
        }
    }
    let mut last = up.loader();
    last.step().await.expect("loaded");
    assert_eq!(up.counted().await, (expected.to_string(), expected.to_string()));
    assert_eq!(last.step().await.expect("nothing to do"), redshift::loader::Loaded::default());
    up.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loaders_side_by_side_load_nothing_twice() {
    let up = Up::new(stack(workgroup("demo"), COPY)).await;
    let mut expected = 0;
    for round in 0..8 {
        let (lines, keys) = documents(round * 10 + 1..=round * 10 + 2);
        up.land(&round.to_string(), &lines).await;
        expected += keys.len();
    }
    let mut loaders: Vec<Loader> = (0..5).map(|_| up.loader()).collect();
    let steps = futures::future::join_all(loaders.iter_mut().map(Loader::step)).await;
    let loaded: Vec<u64> = steps.into_iter().map(|step| step.expect("no load fails").objects).collect();
    // Whoever begins when all is in the table already has nothing to do.
    assert!(loaded.contains(&8) && loaded.iter().all(|objects| [0, 8].contains(objects)), "{loaded:?}");
    assert_eq!(up.counted().await, (expected.to_string(), expected.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_intended_is_loaded_by_the_next_loader() {
    let up = Up::new(stack(workgroup("demo"), COPY)).await;
    let (lines, keys) = documents(1..=3);
    up.land("a", &lines).await;
    up.land("b", &documents(4..=4).0).await;
    let bucket = up.names.bucket.clone().expect("a bucket");
    let url = format!("s3://{bucket}/{}", up.landed("a"));
    let manifest = serde_json::json!({"entries": [{"url": url, "mandatory": true, "meta": {"content_length": 1}}]});
    let put = up.place.clients.s3.put_object().bucket(&bucket).key("redshift/manifests/00000001.manifest");
    put.body(ByteStream::from(manifest.to_string().into_bytes())).send().await.expect("put");
    let mut loader = up.loader();
    let loaded = loader.step().await.expect("loaded");
    assert_eq!((loaded.batches, loaded.objects), (2, 2), "the intended one, and one of what it has not");
    let all = keys.len() + documents(4..=4).1.len();
    assert_eq!(up.counted().await, (all.to_string(), all.to_string()));
    // The answer of a load that was done is never seen by the next loader, which does not do it again.
    assert_eq!(up.loader().step().await.expect("known"), redshift::loader::Loaded::default());
    assert_eq!(up.counted().await.0, all.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_does_not_fit_is_shown_with_its_column_and_the_reason() {
    let up = Up::new(stack(workgroup("demo"), COPY)).await;
    let (lines, _) = documents(1..=1);
    let wide = format!(
        "{{\"ss_ticket_number\":9,\"ss_item_sk\":1,\"ss_item\":{{\"i_item_desc\":\"{}\"}}}}\n",
        "x".repeat(5000)
    );
    let count = lines.iter().filter(|byte| **byte == b'\n').count();
    up.land("wide", &[lines, wide.into_bytes()].concat()).await;
    let mut loader = up.loader();
    let refused = loader.step().await.expect_err("it is refused");
    assert!(refused.is_lasting(), "{refused}");
    let text = refused.to_string();
    let LoaderError::Refused { refused, batch: 1, .. } = refused else { panic!("{text}") };
    assert_eq!((refused.len(), refused[0].column.as_str(), refused[0].code.as_str()), (1, "ss_item", "1204"), "{text}");
    assert_eq!(refused[0].line, count as u64 + 1);
    for part in ["wide.gz", "String length exceeds DDL length", "{\"ss_ticket_number\":9", "its ss_item has 5018 bytes"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(up.counted().await, ("0".to_owned(), "0".to_owned()), "nothing of the batch is in the table");
    assert!(loader.step().await.is_err_and(|error| error.is_lasting()), "and it stays so");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_loads_counts_and_names_what_is_missing() {
    let up = Up::new(stack(workgroup("demo"), COPY)).await;
    let (lines, mut keys) = documents(1..=20);
    up.land("a", &lines).await;
    up.land("b", &documents(30..=31).0).await;
    let look = async |keys: &[Key]| verify(sought_in(&up, keys, 1..=20), &Cancel::new(), |_| {}).await.expect("looked");
    let proof = look(&keys).await;
    let landed = proof.of(delivery::DESTINATION).expect("looked for");
    assert_eq!((landed.tally.lost, landed.tally.duplicated, landed.tally.documents), (0, 0, keys.len() as u64));
    let unknown = keys.pop().expect("a key");
    let tally = look(&keys).await.landed[0].tally.clone();
    assert_eq!((tally.lost, tally.unacknowledged), (0, 1), "{unknown:?} landed without an answer");
    let sql = format!("DELETE FROM {} WHERE ss_ticket_number = 7", up.table());
    up.place.sql(&[&sql]).await.expect("deleted");
    let gone: Vec<Key> = keys.iter().copied().filter(|key| key.ticket == 7).collect();
    let cancel = Cancel::new();
    cancel.raise();
    let proof = verify(sought_in(&up, &keys, 1..=20), &cancel, |_| {}).await.expect("looked");
    let mut missing: Vec<Key> = proof.landed[0].tally.missing.iter().map(|&id| id.into()).collect();
    missing.sort();
    let mut expected = gone.clone();
    expected.sort();
    assert_eq!((proof.landed[0].tally.lost, missing), (gone.len() as u64, expected));
}

/// From the stream to the table, by whichever way it is loaded.
async fn flows_through(mut stack: Stack) {
    stack.stream.mode = StreamMode::Provisioned { shards: 1 };
    let up = Up::new(stack).await;
    let (lines, keys) = documents(1..=4);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let put = up.place.clients.kinesis.put_record().stream_name(&up.names.stream).partition_key("k");
        put.data(Blob::new(line)).send().await.expect("put");
    }
    let proof = verify(sought_in(&up, &keys, 1..=4), &Cancel::new(), |_| {}).await.expect("looked");
    let landed = proof.of(delivery::DESTINATION).expect("looked for");
    assert_eq!((landed.tally.lost, landed.tally.documents), (0, keys.len() as u64), "{:?}", landed.problems);
    up.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_into_the_stream_is_loaded_by_copy() {
    flows_through(stack(workgroup("demo"), COPY)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_into_the_stream_is_loaded_by_firehose() {
    flows_through(stack(workgroup("demo"), RedshiftLoad::Firehose)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_firehose_could_not_load_is_shown_with_the_reason() {
    let up = Up::new(stack(workgroup("demo"), RedshiftLoad::Firehose)).await;
    let line =
        format!("{{\"ss_ticket_number\":1,\"ss_item_sk\":2,\"ss_item\":{{\"i_color\":\"{}\"}}}}\n", "x".repeat(5_000));
    let put = up.place.clients.kinesis.put_record().stream_name(&up.names.stream).partition_key("k");
    put.data(Blob::new(line)).send().await.expect("put");
    let bucket = up.names.bucket.clone().expect("a bucket");
    let prefix = up.stack.deliver.redshift.as_ref().expect("Redshift").prefix.fixed().to_owned();
    let database = Database { at: At::Workgroup("demo".to_owned()), name: "dev".to_owned(), secret: None };
    let runner = Runner::new(&up.place.clients, &database);
    let waited = async {
        loop {
            let refused =
                redshift::errors::under(&bucket, &prefix, &runner, &up.place.clients).await.expect("an answer");
            if let Some(first) = refused.first() {
                return first.clone();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let refused = timeout(Duration::from_secs(60), waited).await.expect("it is refused");
    assert_eq!((refused.column.as_str(), refused.code.as_str(), refused.line), ("ss_item", "1204", 1));
    assert!(refused.document.starts_with("{\"ss_ticket_number\":1"), "{}", refused.document);
    up.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn structs_may_be_super_and_answer_to_dots() {
    let mut stack = stack(RedshiftAt::Created, COPY);
    stack.deliver.redshift.as_mut().expect("Redshift").structs = Structs::Super;
    let up = Up::new(stack).await;
    up.land("a", &documents(1..=60).0).await;
    up.loader().step().await.expect("loaded");
    let table = query::table(&up.stack, &up.names, &up.place.clients, Some(Engine::Redshift)).expect("a table");
    let (name, sql) = query::default_query(&up.stack, table.as_ref());
    assert_eq!(name, "sql/queries/athena/top-categories.sql");
    let asked = query::run(table.as_ref(), &sql, 100, &Cancel::new()).await;
    let rows = asked.expect("an answer").rows.rows;
    assert!(rows.iter().flatten().flatten().any(|cell| cell.contains("Books")), "{rows:?}");
    up.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_queries_answer_over_the_loaded_table() {
    let up = Up::new(stack(workgroup("demo"), COPY)).await;
    up.land("a", &documents(1..=60).0).await;
    up.loader().step().await.expect("loaded");
    let names = up.redshift();
    let database = Database { at: At::Workgroup("demo".to_owned()), name: "dev".to_owned(), secret: None };
    let queries = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/queries/redshift");
    let mut asked = 0;
    for file in std::fs::read_dir(queries).expect("queries") {
        let sql = std::fs::read_to_string(file.expect("a file").path()).expect("a query");
        let answer = redshift::query::run(&up.place.clients, &database, &names.schema, &sql, 5).await;
        let answer = answer.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert!(!answer.rows.is_empty() && answer.columns.len() > 1, "{sql}: {answer:?}");
        asked += 1;
    }
    assert_eq!(asked, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_stack_refers_to_must_be_there_before_anything_is_made() {
    let place = Ground::new().await;
    let missing = place.refusal(&stack(workgroup("nobodys"), COPY)).await;
    assert!(missing.contains("workgroup nobodys") && missing.contains("nothing was created"), "{missing}");
    assert!(missing.contains("create: true"), "{missing}");
    let identifier = "nobodys".to_owned();
    let at = RedshiftAt::Cluster { identifier, user: Some("awsuser".to_owned()), endpoint: None };
    let missing = place.refusal(&stack(at, COPY)).await;
    assert!(missing.contains("cluster nobodys") && missing.contains("describe-clusters"), "{missing}");
    let mut other = stack(cluster(), COPY);
    other.deliver.redshift.as_mut().expect("Redshift").database = "prod".to_owned();
    let missing = place.refusal(&other).await;
    assert!(missing.contains("\"prod\" does not exist") && missing.contains("nothing was created"), "{missing}");
    let mut secret = stack(workgroup("demo"), RedshiftLoad::Firehose);
    secret.deliver.redshift.as_mut().expect("Redshift").secret = Some("nobodys".to_owned());
    let missing = place.refusal(&secret).await;
    assert!(missing.contains("DescribeSecret") && missing.contains("deliver.redshift.secret"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_table_is_refused_with_how_it_differs() {
    let place = Ground::new().await;
    let columns = "ss_addr_sk INTEGER, ss_item VARCHAR(256), mine VARCHAR(10)";
    place
        .sql(&["CREATE SCHEMA theirs", &format!("CREATE TABLE theirs.streaming_store_sales ({columns})")])
        .await
        .expect("made");
    let mut stack = stack(workgroup("demo"), COPY);
    stack.deliver.redshift.as_mut().expect("Redshift").schema = Name::Exact("theirs".to_owned());
    let refused = place.refusal(&stack).await;
    for part in [
        "nothing was created",
        "redshift-schema dev.theirs: it has no demo:stack tag",
        "column ss_addr_sk: INTEGER, expected BIGINT",
        "column ss_item: VARCHAR(256), expected VARCHAR(4096)",
        "column ss_store: missing, expected VARCHAR(4096)",
        "column mine: VARCHAR(10), expected none",
    ] {
        assert!(refused.contains(part), "{part} in {refused}");
    }
    let answer = place.sql(&["SELECT column_name FROM svv_columns WHERE table_schema = 'theirs'"]).await;
    assert_eq!(answer.expect("an answer").rows.len(), 3, "it is as it was");
}
