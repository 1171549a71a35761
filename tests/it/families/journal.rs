//! The journal: torn at any byte, lost, held by another, or of another account.

use std::{fs, path::PathBuf};

use kinesis_demo::{
    aws::{inventory, kinds::providers},
    engine::{Cancel, Doing, Down, Journal, JournalError, Progress, Scope},
    pipeline::{
        discover,
        lifecycle::{self, LifecycleError, Told},
    },
    spec,
};
use serde_json::Value;

use super::{EVERYTHING, down, ends_clean, ground, up};
use crate::matrix::{ground::Ground, point::nothing_is_left};

fn path(ground: &Ground) -> PathBuf {
    ground.home.journal(&ground.id)
}

/// A crash while a line is written tears it; what it meant to announce was not done then.
#[tokio::test(start_paused = true)]
async fn a_torn_last_line_costs_nothing() {
    let mut ground = ground("store-sales-s3").await;
    up(&ground).await;
    let whole = fs::read(path(&ground)).expect("readable");
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').expect("several lines") + 1;
    ends_clean(&ground).await;
    for length in [last + 1, (last + whole.len()) / 2, whole.len() - 1] {
        ground.begin().await;
        up(&ground).await;
        let journal = fs::OpenOptions::new().write(true).open(path(&ground)).expect("opened");
        let now = journal.metadata().expect("its length").len();
        journal.set_len(now.min(length as u64)).expect("torn");
        up(&ground).await;
        ends_clean(&ground).await;
    }
}

/// Without it the stack is found by its marks, and what is found is all that its deletion needs.
#[tokio::test(start_paused = true)]
async fn a_lost_journal_leaves_nothing_that_cannot_be_found() {
    let ground = ground(EVERYTHING).await;
    up(&ground).await;
    ground.land().await;
    fs::remove_dir_all(ground.home.stack(&ground.id)).expect("lost");
    let clients = ground.wire.clients().await;
    let scope = Scope::Stack(ground.id.clone());
    let providers = providers(&clients);
    let found = inventory::of(&clients, &scope).await.expect("an inventory");
    let (graph, cancel) = (ground.graph(&ground.id), Cancel::new());
    let place = |key| graph.ordered().iter().position(|node| node.key == key);
    let mut found: Vec<_> = found.into_iter().map(|owned| (place(owned.node.key.clone()), owned.node)).collect();
    // Objects lie in the bucket, and go with it.
    assert!(found.len() + 2 >= graph.nodes().len(), "{found:#?}");
    found.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    for (_, node) in &found {
        let progress = Progress::begin(node, Doing::Deleting, &(), &cancel);
        let provider = providers.of(&node.key).expect("a provider");
        provider.delete(node, &progress).await.unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(inventory::of(&clients, &scope).await.expect("an inventory"), []);
    assert_eq!(ground.inventory().changes_since(&ground.others), [""; 0]);
}

/// Leaves out of a journal's lines what is about resources of which this does not hold.
fn cut(ground: &Ground, keeps: impl Fn(&str, &str) -> bool) {
    let text = fs::read_to_string(path(ground)).expect("readable");
    let kept = text.lines().filter(|line| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let key = line.pointer("/node/key").or(line.pointer("/key"));
        let part = |name: &str| key.and_then(|key| key[name].as_str()).unwrap_or_default().to_owned();
        keeps(&part("kind"), &part("name"))
    });
    let kept: String = kept.map(|line| format!("{line}\n")).collect();
    fs::write(path(ground), kept).expect("written");
}

fn left_in_redshift(down: &Down) -> Vec<&str> {
    let left = down.leftovers.iter().map(|left| left.node.key.kind.as_str());
    left.filter(|kind| kind.starts_with("redshift-")).collect()
}

/// A journal that ends before what lies in somebody's Redshift: its role goes, which alone tells where that is.
#[tokio::test(start_paused = true)]
async fn what_lies_in_redshift_is_found_when_the_journal_tells_where_that_is() {
    let ground = ground(EVERYTHING).await;
    up(&ground).await;
    cut(&ground, |kind, _| !matches!(kind, "redshift-schema" | "redshift-table"));
    let kept = down(&ground).await;
    assert_eq!(left_in_redshift(&kept), ["redshift-schema", "redshift-table", "redshift-table"], "{kept:#?}");
    assert!(!kept.is_clean());
    removed_by_search(&ground).await;
}

/// Nor does the journal know of the role, which somebody has deleted: the stack file in its first line tells.
#[tokio::test(start_paused = true)]
async fn what_lies_in_redshift_is_found_by_the_stack_file_in_the_journal() {
    let ground = ground(EVERYTHING).await;
    fs::remove_dir_all(ground.home.stack(&ground.id)).expect("removed");
    let file = PathBuf::from(format!("stacks/{EVERYTHING}.yaml"));
    let merged = spec::read(&file, &[], &["stream.shards=1".to_owned()]).expect("a stack").merged;
    let here = ground.aside.fingerprint().await.expect("a place");
    drop(Journal::create(&ground.home, &ground.id, here, merged).expect("a journal"));
    up(&ground).await;
    let role = format!("{}-redshift", ground.id);
    let policies = ground.aside.iam.list_role_policies().role_name(&role).send().await.expect("listed");
    for policy in policies.policy_names() {
        ground.aside.iam.delete_role_policy().role_name(&role).policy_name(policy).send().await.expect("deleted");
    }
    ground.aside.iam.delete_role().role_name(&role).send().await.expect("deleted");
    cut(&ground, |kind, name| !matches!(kind, "redshift-schema" | "redshift-table") && name != role);
    let kept = down(&ground).await;
    assert_eq!(left_in_redshift(&kept), ["redshift-schema", "redshift-table", "redshift-table"], "{kept:#?}");
    removed_by_search(&ground).await;
}

/// As `demo down --discover` does it.
async fn removed_by_search(ground: &Ground) {
    let clients = ground.wire.clients().await;
    let told = Told::by(&ground.home.find(ground.id.as_str()).expect("known"));
    let found = inventory::thorough_told(&clients, &ground.id, &told.nodes).await;
    assert!(found.hidden.is_empty(), "{:?}", found.hidden);
    let journal = discover::journal(&ground.home, &ground.id, &found, &clients).await.expect("a journal");
    let down = lifecycle::down(&journal, &clients, &(), &Cancel::new()).await.expect("down");
    assert!(down.is_clean(), "{down:#?}");
    drop(journal);
    nothing_is_left(ground).await.expect("nothing is left");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_another_holds_is_left_alone() {
    let ground = ground("store-sales-s3").await;
    up(&ground).await;
    let clients = ground.wire.clients().await;
    let state = ground.home.find(ground.id.as_str()).expect("known");
    let held = lifecycle::open_known(&ground.home, &state, &clients).await.expect("opened");
    ground.wire.forget();
    for refused in [ground.up().await.map(drop), ground.down().await.map(drop)] {
        match refused {
            Err(LifecycleError::Journal(JournalError::Locked { holder, .. })) => {
                assert!(holder.contains(&std::process::id().to_string()), "{holder}");
            }
            other => panic!("it is held: {other:?}"),
        }
    }
    assert!(ground.wire.changes().is_empty(), "{:?}", ground.wire.changes());
    drop(held);
    ends_clean(&ground).await;
}

#[tokio::test(start_paused = true)]
async fn another_accounts_stack_is_refused_with_both_named() {
    let ground = ground("store-sales-s3").await;
    up(&ground).await;
    let ours = fs::read_to_string(path(&ground)).expect("readable");
    let theirs = ours.replacen(r#""account":"000000000000""#, r#""account":"111111111111""#, 1);
    assert_ne!(ours, theirs);
    fs::write(path(&ground), theirs).expect("written");
    ground.wire.forget();
    for refused in [ground.up().await.map(drop), ground.down().await.map(drop)] {
        let error = refused.expect_err("another account");
        assert!(matches!(error, LifecycleError::Elsewhere { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("111111111111") && text.contains("000000000000"), "{text}");
    }
    assert!(ground.wire.changes().is_empty(), "{:?}", ground.wire.changes());
    fs::write(path(&ground), ours).expect("written");
    ends_clean(&ground).await;
}
