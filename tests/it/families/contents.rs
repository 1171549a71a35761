//! What others have put into the stack's resources stays, and so does what contains it, until somebody agrees.

use aws_sdk_glue::types::TableInput;
use kinesis_demo::{
    aws::{
        Names,
        redshift::{At, Database, data::Runner},
    },
    engine::{Cancel, Cause, Down, ForeignContents, Phase},
    pipeline::lifecycle,
};

use super::{CREATED, EVERYTHING, down, ends_clean, ground, up};
use crate::matrix::{ground::Ground, point::nothing_is_left};

fn bucket(ground: &Ground) -> String {
    Names::of(&ground.stack, &ground.id).bucket.expect("the stack has a bucket")
}

fn glue_database(ground: &Ground) -> String {
    let s3 = ground.stack.deliver.s3.as_ref().expect("it delivers to S3");
    s3.names(&ground.id).table.expect("it has a catalog").database
}

fn schema(ground: &Ground) -> String {
    ground.stack.deliver.redshift.as_ref().expect("it delivers to Redshift").names(&ground.id).schema
}

fn database(ground: &Ground) -> Database {
    ground.stack.deliver.redshift.as_ref().expect("it delivers to Redshift").database(&ground.id)
}

async fn sql(ground: &Ground, statement: &str) {
    let ran = Runner::new(&ground.aside, &database(ground)).run(&[statement.to_owned()], 0).await;
    ran.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

async fn down_with_foreign(ground: &Ground) -> Down {
    let clients = ground.wire.clients().await;
    let state = ground.home.find(ground.id.as_str()).expect("known");
    let journal = lifecycle::open_known(&ground.home, &state, &clients).await.expect("opened");
    let down = lifecycle::down_with(&journal, &clients, ForeignContents::Delete, &(), &Cancel::new()).await;
    down.unwrap_or_else(|error| panic!("down: {error}"))
}

/// The kinds that stayed for what is in them, and what was said of each.
fn kept(down: &Down) -> Vec<(&str, String)> {
    let kept = down.failed.iter().filter(|(_, why)| why.cause == Cause::Foreign);
    let mut kept: Vec<_> = kept.map(|(key, why)| (key.kind.as_str(), why.to_string())).collect();
    kept.sort();
    kept
}

#[tokio::test(start_paused = true)]
async fn each_container_stays_with_what_others_put_into_it_and_all_else_goes() {
    let ground = ground(EVERYTHING).await;
    up(&ground).await;
    ground.land().await;
    let (bucket, glue, logs) = (bucket(&ground), glue_database(&ground), format!("/aws/lambda/{}", ground.id));
    ground.stand_in.s3.put(&bucket, "somebody/else's.txt", "as it is".into()).await.expect("put");
    ground.aside.s3.create_multipart_upload().bucket(&bucket).key("somebody/half").send().await.expect("begun");
    let table = TableInput::builder().name("mine").build().expect("a table");
    ground.aside.glue.create_table().database_name(&glue).table_input(table).send().await.expect("made");
    let stream = ground.aside.logs.create_log_stream().log_group_name(&logs).log_stream_name("mine");
    stream.send().await.expect("made");
    sql(&ground, &format!("CREATE TABLE {}.mine (a BIGINT)", schema(&ground))).await;
    let query = ground.aside.athena.create_named_query().name("mine").database(&glue).query_string("SELECT 1");
    query.work_group(ground.id.as_str()).send().await.expect("made");

    let down = down(&ground).await;
    let kept = kept(&down);
    let expected = [
        ("bucket", vec!["object somebody/else's.txt", "unfinished upload somebody/half", r"s3 rm 's3://"]),
        ("database", vec!["table mine", "glue delete-table --database-name"]),
        ("logs", vec!["log stream mine", "logs delete-log-stream"]),
        ("redshift-schema", vec!["mine", "DROP TABLE IF EXISTS"]),
        ("workgroup", vec!["named query mine", "athena delete-named-query --named-query-id"]),
    ];
    assert_eq!(kept.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), expected.each_ref().map(|(kind, _)| *kind));
    for ((kind, said), (_, parts)) in kept.iter().zip(&expected) {
        for part in parts.iter().chain(&["did not create", "--with-foreign"]) {
            assert!(said.contains(*part), "{kind} without {part:?}: {said}");
        }
    }
    assert!(kept[0].1.contains(r"else'\''s.txt"), "quoted for a shell: {}", kept[0].1);
    assert_eq!(down.failed.len(), kept.len(), "{down:#?}");
    let left: Vec<&str> = down.leftovers.iter().map(|left| left.node.key.kind.as_str()).collect();
    assert_eq!(left, ["bucket", "database", "logs", "redshift-schema", "workgroup"], "all else is gone");
    let ours = ground.aside.s3.head_object().bucket(&bucket).key(ground.landed("a.gz")).send().await;
    assert!(ours.is_ok(), "nothing in the bucket was touched");
    let journaled = ground.home.find(ground.id.as_str()).expect("known");
    assert!(journaled.live().all(|kept| kept.phase == Phase::Ready), "none is said to be deleted: {journaled:?}");

    let down = down_with_foreign(&ground).await;
    assert!(down.is_clean() && down.removed.len() == 5, "{down:#?}");
    nothing_is_left(&ground).await.expect("nothing is left");
}

/// Somebody turned versioning on and deleted the object: it can be had back.
#[tokio::test(start_paused = true)]
async fn what_only_old_versions_have_counts_too() {
    use super::staged::Play;
    let (ground, staged) = super::staged("store-sales-s3").await;
    up(&ground).await;
    staged.on("s3 ListObjectVersions", |_| {
        let entry = "<DeleteMarker><Key>mine</Key><VersionId>m1</VersionId></DeleteMarker>";
        Some(Play::Edits(Box::new(move |answer| {
            let answer = String::from_utf8_lossy(&answer).into_owned();
            answer.replace("</ListVersionsResult>", &format!("{entry}</ListVersionsResult>")).into()
        })))
    });
    let down = down(&ground).await;
    let kept = kept(&down);
    let [(_, said)] = &kept[..] else { panic!("{down:#?}") };
    assert!(said.contains("object mine (version m1)") && said.contains("--version-id m1 --key 'mine'"), "{said}");
    let deleted = ground.wire.calls().iter().any(|call| call == "s3 DeleteObjects" || call == "s3 PutBucketPolicy");
    assert!(!deleted, "nothing in it was touched");
}

/// It comes between the look into the bucket and its deletion.
#[tokio::test(start_paused = true)]
async fn an_object_of_others_that_lands_meanwhile_is_not_deleted() {
    let (ground, staged) = super::staged("store-sales-s3").await;
    up(&ground).await;
    let (stand_in, name) = (ground.stand_in.clone(), bucket(&ground));
    let mut puts = 1;
    staged.on("s3 PutBucketPolicy", move |_| {
        puts = i32::checked_sub(puts, 1).filter(|left| *left >= 0)?;
        futures::executor::block_on(stand_in.s3.put(&name, "mine", "as it is".into())).expect("put");
        None
    });
    let down = down(&ground).await;
    let kept = kept(&down);
    let [("bucket", said)] = &kept[..] else { panic!("{down:#?}") };
    assert!(said.contains("object mine"), "{said}");
    ground.aside.s3.delete_object().bucket(bucket(&ground)).key("mine").send().await.expect("moved away");
    ends_clean(&ground).await;
}

/// The database of a namespace of our own has room for tables of others, outside our schema.
#[tokio::test(start_paused = true)]
async fn a_redshift_of_our_own_stays_with_a_table_of_others() {
    let ground = ground(CREATED).await;
    up(&ground).await;
    sql(&ground, "CREATE TABLE public.mine (a BIGINT)").await;
    let down = down(&ground).await;
    let kept = kept(&down);
    let kinds: Vec<&str> = kept.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, ["redshift-namespace", "redshift-workgroup"], "{down:#?}");
    assert!(kept.iter().all(|(_, said)| said.contains("table public.mine")), "{down:#?}");
    assert!(matches!(database(&ground).at, At::Ours(_)));
    sql(&ground, "SELECT a FROM public.mine").await;
    assert!(down_with_foreign(&ground).await.is_clean());
    nothing_is_left(&ground).await.expect("nothing is left");
}
