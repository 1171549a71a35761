//! The journal is gone: what is there tells enough.

use std::{collections::BTreeMap, fs};

use kinesis_demo::{
    aws::{Clients, Where, inventory},
    engine::{Cancel, Down, Fingerprint, Home, Journal, Node, Outcome, ResourceKey, Scope, StackId, journal::Entry},
    pipeline::{
        discover,
        lifecycle::{self, LifecycleError},
    },
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    command::{Demo, text},
    inside::Fault,
    matrix::{case::Case, ground::Ground, simulated},
};

/// A state folder that knows nothing.
pub fn blank() -> (TempDir, Home) {
    let folder = TempDir::new().expect("a folder");
    let home = Home::at(folder.path()).expect("a home");
    (folder, home)
}

async fn discovered(home: &Home, id: &StackId, clients: &Clients) -> Down {
    let found = inventory::thorough(clients, id).await;
    assert!(found.hidden.is_empty(), "{:?}", found.hidden);
    let journal = discover::journal(home, id, &found, clients).await.expect("a journal");
    lifecycle::down(&journal, clients, &(), &Cancel::new()).await.expect("down")
}

#[test]
fn every_stack_is_found_and_taken_down_without_its_journal_and_nothing_else_is() {
    for case in Case::all() {
        simulated(async {
            let mut ground = Ground::of(&case).await;
            ground.begin().await;
            let up = ground.up().await.unwrap_or_else(|error| panic!("{}: {error}", case.name));
            ground.land().await;
            let (_folder, home) = blank();
            let clients = ground.wire.clients().await;
            let listed = inventory::of(&clients, &Scope::Account).await.expect("an inventory");
            assert!(listed.iter().any(|owned| owned.stack == ground.id.as_str()), "{}", case.name);
            assert!(listed.iter().any(|owned| owned.stack != ground.id.as_str()), "{}", case.name);
            let down = discovered(&home, &ground.id, &clients).await;
            assert!(down.is_clean(), "{}: {down:#?}", case.name);
            assert!(down.removed.iter().all(|(_, outcome)| *outcome == Outcome::Deleted), "{}: {down:#?}", case.name);
            let objects = up.resources.iter().filter(|(key, _)| key.kind == "object").count();
            assert_eq!(down.removed.len(), up.resources.len() - objects, "{}: objects go with their bucket", case.name);
            assert!(
                ground.inventory().changes_since(&ground.others).is_empty(),
                "{}: the store is not as it was",
                case.name
            );
            let again = inventory::thorough(&clients, &ground.id).await;
            assert!(again.owned.is_empty(), "{}: {again:?}", case.name);
        });
    }
}

fn case(name: &str) -> Case {
    Case::all().into_iter().find(|case| case.name == name).expect("a stack of this name")
}

#[test]
fn a_journal_that_knows_less_than_is_there_is_filled_up() {
    simulated(async {
        let mut ground = Ground::of(&case("store-sales-s3")).await;
        ground.begin().await;
        ground.up().await.expect("up");
        let journal = fs::read_to_string(ground.home.journal(&ground.id)).expect("a journal");
        let first: String = journal.lines().take(2).map(|line| format!("{line}\n")).collect();
        fs::write(ground.home.journal(&ground.id), first).expect("written");
        let clients = ground.wire.clients().await;
        let down = discovered(&ground.home, &ground.id, &clients).await;
        assert!(down.is_clean() && down.removed.len() == 7, "{down:#?}");
        assert!(ground.inventory().changes_since(&ground.others).is_empty());
    });
}

#[test]
fn what_came_back_after_the_end_is_taken_down_once_more() {
    simulated(async {
        let mut ground = Ground::of(&case("stream-only")).await;
        ground.begin().await;
        ground.up().await.expect("up");
        let before = fs::read(ground.home.journal(&ground.id)).expect("a journal");
        assert!(ground.down().await.expect("down").is_clean());
        let closed = fs::read(ground.home.journal(&ground.id)).expect("a journal");
        // The same stack again, by a state folder that was put back.
        fs::write(ground.home.journal(&ground.id), before).expect("written");
        ground.up().await.expect("up again");
        fs::write(ground.home.journal(&ground.id), closed).expect("written");
        let clients = ground.wire.clients().await;
        let down = discovered(&ground.home, &ground.id, &clients).await;
        assert!(down.is_clean() && down.removed.len() == 1, "{down:#?}");
        assert!(ground.inventory().changes_since(&ground.others).is_empty());
    });
}

#[test]
fn a_damaged_journal_is_set_aside() {
    simulated(async {
        let mut ground = Ground::of(&case("stream-only")).await;
        ground.begin().await;
        ground.up().await.expect("up");
        let path = ground.home.journal(&ground.id);
        fs::write(&path, "not a journal\n{}\n").expect("written");
        let clients = ground.wire.clients().await;
        assert!(discovered(&ground.home, &ground.id, &clients).await.is_clean());
        let files = fs::read_dir(ground.home.stack(&ground.id)).expect("readable");
        let damaged =
            files.filter(|file| file.as_ref().expect("one").file_name().to_string_lossy().contains("damaged"));
        assert_eq!(damaged.count(), 1);
    });
}

#[test]
fn what_cannot_be_looked_at_does_not_hide_the_rest() {
    simulated(async {
        let mut ground = Ground::of(&case("store-sales-s3")).await;
        ground.begin().await;
        ground.up().await.expect("up");
        let clients = ground.wire.clients().await;
        ground.wire.faults("athena ListWorkGroups", usize::MAX, Fault::denied("not allowed"));
        let found = inventory::thorough(&clients, &ground.id).await;
        assert_eq!(found.hidden.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), ["workgroup"]);
        assert_eq!(found.owned.len(), 6, "{found:#?}");
        let (_folder, home) = blank();
        let journal = discover::journal(&home, &ground.id, &found, &clients).await.expect("a journal");
        let down = lifecycle::down(&journal, &clients, &(), &Cancel::new()).await.expect("down");
        assert!(!down.is_clean() && down.removed.len() == 6, "it says that something may be left: {down:#?}");
        ground.wire.heal();
        drop(journal);
        assert!(discovered(&home, &ground.id, &clients).await.is_clean());
        assert!(ground.inventory().changes_since(&ground.others).is_empty());
    });
}

fn forged(home: &Home, id: &StackId, here: Fingerprint, nodes: &[(&str, &str, Value)]) -> Journal {
    let journal = Journal::create(home, id, here, Value::Null).expect("a journal");
    for (kind, name, desired) in nodes {
        let key = ResourceKey::new(*kind, *name);
        let (desired, detail) = (desired.clone(), String::new());
        let node = Node { key: key.clone(), depends_on: Vec::new(), desired, detail };
        journal.record(Entry::Intended { node }).expect("recorded");
        journal.record(Entry::Accepted { key: key.clone(), identity: "forged".to_owned() }).expect("recorded");
        journal.record(Entry::Ready { key }).expect("recorded");
    }
    journal
}

#[test]
fn a_forged_journal_deletes_nothing_of_anybodys() {
    simulated(async {
        let ground = Ground::of(&case("store-sales-s3")).await;
        let clients = ground.wire.clients().await;
        let here = clients.fingerprint().await.expect("a place");
        let nobodys = "nobodys-7f3a91c2";
        let mark = json!({"stack": ground.id.as_str()});
        let named = |name: &str| json!({"name": name, "mark": mark});
        let database = "nobodys_7f3a91c2";
        let glue = aws_sdk_glue::types::TableInput::builder().name("t").build().expect("a table");
        ground.aside.glue.create_table().database_name(database).table_input(glue).send().await.expect("made");
        let before = ground.inventory();
        let nodes = [
            ("bucket", nobodys, named(nobodys)),
            ("stream", nobodys, named(nobodys)),
            ("role", nobodys, named(nobodys)),
            ("workgroup", nobodys, named(nobodys)),
            ("database", database, named(database)),
            ("table", "nobodys_7f3a91c2/t", json!({"database": database, "name": "t", "mark": mark})),
        ];
        let (_folder, home) = blank();
        let journal = forged(&home, &ground.id, here, &nodes);
        let down = lifecycle::down(&journal, &clients, &(), &Cancel::new()).await.expect("down");
        assert!(down.removed.is_empty() && down.failed.len() == nodes.len(), "{down:#?}");
        for (_, why) in &down.failed {
            assert!(why.to_string().contains("it was not touched"), "{why}");
        }
        assert!(ground.inventory().changes_since(&before).is_empty());
    });
}

#[test]
fn a_forged_mark_is_refused_before_anything_is_called() {
    simulated(async {
        let ground = Ground::of(&case("stream-only")).await;
        let (clients, twin) = (ground.wire.clients().await, "stream-only-00000001");
        let here = clients.fingerprint().await.expect("a place");
        let (_folder, home) = blank();
        let theirs = json!({"name": twin, "mark": {"stack": twin}});
        let journal = forged(&home, &ground.id, here, &[("stream", twin, theirs)]);
        let refused = lifecycle::down(&journal, &clients, &(), &Cancel::new()).await;
        assert!(matches!(refused, Err(LifecycleError::Forged { ref stack, .. }) if stack == twin), "{refused:?}");
        assert!(ground.inventory().changes_since(&ground.others).is_empty());
    });
}

/// Of two stacks of one name, one is gone and the journal of the other is damaged: the name is not that of a stack that is gone.
#[test]
fn a_damaged_journal_is_not_taken_for_a_stack_that_is_gone() {
    let demo = Demo::new();
    demo.expect(0, &["up", "stacks/stream-only.yaml"]);
    demo.expect(0, &["down", "stream-only"]);
    let gone = demo.output(&["down", "stream-only"]);
    assert!(text(&gone.stderr).contains("already gone"), "{}", text(&gone.stderr));
    let id = demo.expect(0, &["up", "stacks/stream-only.yaml"]).trim().to_owned();
    let journal = demo.home.path().join("stacks").join(&id).join("journal.jsonl");
    fs::write(&journal, "not a journal\n{}\n").expect("written");
    let down = demo.output(&["down", "stream-only"]);
    let said = text(&down.stderr);
    assert_eq!(down.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("demo down --discover {id}")), "{said}");
    fs::remove_file(&journal).expect("removed");
    fs::create_dir(&journal).expect("a folder in place of a file");
    let unreadable = demo.output(&["down", "--discover", &id]);
    let said = text(&unreadable.stderr);
    assert_eq!(unreadable.status.code(), Some(1), "{said}");
    assert!(said.contains("make it readable, or move it away"), "{said}");
    fs::remove_dir(&journal).expect("moved away");
    let found = demo.output(&["down", "--discover", &id]);
    let said = text(&found.stderr);
    assert_eq!(found.status.code(), Some(0), "{said}");
    assert!(said.contains("tells which Redshift it used, if any, so none was searched"), "{said}");
}

/// As somebody with an S3 client does.
fn put(demo: &Demo, bucket: &str, key: &str) {
    let environment: BTreeMap<_, _> = demo.stand_in_environment().into_iter().collect();
    let url = environment["AWS_ENDPOINT_URL"].clone();
    let credentials = (&demo.key()).into();
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let clients = Clients::connect(Where::Local { url, credentials }).await;
        clients.s3.put_object().bucket(bucket).key(key).send().await.expect("put");
    });
}

#[test]
fn the_command_keeps_what_others_put_into_a_bucket() {
    let demo = Demo::new();
    let file = "stacks/store-sales-s3.yaml";
    let id = demo.expect(0, &["up", file]).trim().to_owned();
    let gc = demo.output(&["gc", "--with-foreign"]);
    assert_eq!(gc.status.code(), Some(2), "it removes nothing, so it is refused: {}", text(&gc.stderr));
    put(&demo, &id, "somebody/else.txt");
    for command in [&["down", "store-sales"][..], &["down", "--discover", &id], &["gc", &id]] {
        let kept = demo.output(command);
        let said = text(&kept.stderr);
        assert_eq!(kept.status.code(), Some(3), "{command:?}: {said}");
        assert!(said.contains("object somebody/else.txt") && said.contains("s3 rm 's3://"), "{command:?}: {said}");
        assert!(!said.contains("rb --force"), "the bucket is not to be emptied by hand: {said}");
    }
    let gone = demo.output(&["gc", &id, "--with-foreign"]);
    assert_eq!(gone.status.code(), Some(0), "{}", text(&gone.stderr));
    assert_eq!(demo.json(&["ls", "--json"]), json!([]));
}

#[test]
fn the_command_finds_what_its_home_has_lost() {
    let demo = Demo::new();
    let id = demo.expect(0, &["up", "stacks/stream-only.yaml"]).trim().to_owned();
    fs::remove_dir_all(demo.home.path().join("stacks")).expect("lost");
    let lost = demo.output(&["down", &id]);
    assert_eq!(lost.status.code(), Some(1));
    assert!(text(&lost.stderr).contains(&format!("demo down --discover {id}")), "{}", text(&lost.stderr));
    let down = demo.output(&["down", "--discover", &id]);
    let said = text(&down.stderr);
    assert_eq!(down.status.code(), Some(0), "{said}");
    assert!(said.contains(&format!("found stream {id}")) && said.contains("1 removed, nothing left"), "{said}");
    let again = demo.output(&["down", "--discover", &id]);
    let said = text(&again.stderr);
    assert_eq!(again.status.code(), Some(0), "{said}");
    assert!(said.contains(&format!("no resources of {id} found on the stand-in")), "{said}");
    let misused = demo.output(&["down", &id, "--region", "us-east-1"]);
    assert_eq!(misused.status.code(), Some(2), "{}", text(&misused.stderr));
    demo.expect(2, &["down", "--discover", "no-such-name"]);
}
