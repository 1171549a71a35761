use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::engine::{Node, Phase, ResourceKey};

const ID: &str = "pipe-0a1b2c3d";

fn home() -> (TempDir, Home) {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path()).expect("a home");
    (folder, home)
}

fn id() -> StackId {
    ID.parse().expect("an id")
}

fn create(home: &Home) -> Journal {
    let fingerprint = Fingerprint { account: "1".into(), region: "r".into(), endpoint: Some("local".into()) };
    Journal::create(home, &id(), fingerprint, json!({"name": "pipe"})).expect("a journal")
}

fn key() -> ResourceKey {
    ResourceKey::new("thing", "a")
}

/// Every entry about the resource `a`.
fn entries() -> Vec<Entry> {
    let node = Node { key: key(), depends_on: Vec::new(), desired: json!({}), detail: String::new() };
    vec![
        Entry::Intended { node: node.clone() },
        Entry::Accepted { key: key(), identity: "arn".into() },
        Entry::Ready { key: key() },
        Entry::Lost { key: key() },
        Entry::Deleting { key: key() },
        Entry::Gone { key: key() },
        Entry::Changing { node },
    ]
}

#[test]
fn every_transition_is_allowed_or_refused_as_drawn() {
    use Phase::*;
    let allowed = |from: Option<Phase>, entry: &Entry| match entry {
        Entry::Intended { .. } => matches!(from, None | Some(Intended | Gone)),
        Entry::Accepted { .. } => from == Some(Intended),
        Entry::Ready { .. } => from == Some(Accepted),
        Entry::Lost { .. } | Entry::Changing { .. } => matches!(from, Some(Accepted | Ready)),
        Entry::Deleting { .. } => matches!(from, Some(Intended | Accepted | Ready)),
        Entry::Gone { .. } => from == Some(Deleting),
        _ => unreachable!("not about a resource"),
    };
    let ways: [(Option<Phase>, &[usize]); 6] = [
        (None, &[]),
        (Some(Intended), &[0]),
        (Some(Accepted), &[0, 1]),
        (Some(Ready), &[0, 1, 2]),
        (Some(Deleting), &[0, 1, 2, 4]),
        (Some(Gone), &[0, 1, 2, 4, 5]),
    ];
    for (phase, way) in ways {
        for entry in entries() {
            let (_folder, home) = home();
            let journal = create(&home);
            for step in way {
                journal.record(entries()[*step].clone()).expect("a legal way");
            }
            assert_eq!(journal.state().phase(&key()), phase);
            let (result, title) = (journal.record(entry.clone()), entry.title());
            assert_eq!(result.is_ok(), allowed(phase, &entry), "{title} from {phase:?}: {result:?}");
            if result.is_err() {
                assert_eq!(journal.state().phase(&key()), phase, "a refused entry changes nothing");
            }
        }
    }
}

#[test]
fn only_an_open_journal_without_live_resources_closes() {
    let (_folder, home) = home();
    assert!(Journal::open(&home, &id()).expect("empty").record(Entry::Closed).is_err(), "not opened");
    let journal = create(&home);
    journal.record(entries()[0].clone()).expect("intended");
    assert!(journal.record(Entry::Closed).is_err(), "one is there");
    journal.record(entries()[4].clone()).expect("deleting");
    journal.record(entries()[5].clone()).expect("gone");
    journal.record(Entry::Closed).expect("closed");
    assert!(journal.record(entries()[0].clone()).is_err(), "closed is closed");
}

#[test]
fn any_prefix_replays_and_a_torn_line_is_cut_off() {
    let (_folder, home) = home();
    let journal = create(&home);
    for entry in &entries()[..3] {
        journal.record(entry.clone()).expect("legal");
    }
    drop(journal);
    let path = home.journal(&id());
    let whole = fs::read(&path).expect("a journal");
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).expect("a prefix");
        let complete = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
        let journal = Journal::open(&home, &id()).expect("any prefix opens");
        let expected = [None, None, Some(Phase::Intended), Some(Phase::Accepted), Some(Phase::Ready)][complete];
        assert_eq!(journal.state().phase(&key()), expected, "cut at {cut}");
        assert_eq!(read(&path).expect("readable").phase(&key()), expected);
        if complete > 0 {
            journal.record(Entry::Note { text: "on".into() }).expect("appendable");
            drop(journal);
            Journal::open(&home, &id()).expect("still whole");
        }
    }
}

#[test]
fn a_damaged_line_before_the_last_is_an_error_with_its_number() {
    let (_folder, home) = home();
    create(&home).record(Entry::Note { text: "x".into() }).expect("legal");
    let path = home.journal(&id());
    let text = fs::read_to_string(&path).expect("text").replacen("\"event\"", "\"evil\"", 1);
    fs::write(&path, text).expect("damaged");
    let error = Journal::open(&home, &id()).expect_err("damaged").to_string();
    assert!(error.contains("line 1"), "{error}");
}

#[test]
fn runs_never_share_a_ticket() {
    let (_folder, home) = home();
    let journal = create(&home);
    assert_eq!(journal.reserve("one", 10).expect("reserved"), 1..=10);
    journal.record(Entry::Finished { run: "one".into(), summary: json!({"lost": 0}) }).expect("finished");
    drop(journal);
    let journal = Journal::open(&home, &id()).expect("open");
    assert_eq!(journal.reserve_shared("two", 5, 3).expect("reserved"), 11..=15);
    assert!(journal.reserve("none", 0).is_err());
    assert!(journal.reserve("all", u64::MAX).is_err());
    let again = Entry::Reserved { run: "three".into(), first: 15, last: 20, workers: None };
    assert!(journal.record(again).is_err(), "15 is taken");
    assert!(journal.record(Entry::Finished { run: "three".into(), summary: json!({}) }).is_err(), "never reserved");
    let state = journal.state();
    assert_eq!(state.runs().iter().map(|run| run.workers).collect::<Vec<_>>(), [None, Some(3)]);
    assert_eq!(state.runs()[0].summary, Some(json!({"lost": 0})));
}

#[test]
fn a_locked_stack_says_who_holds_it_and_is_free_afterwards() {
    let (_folder, home) = home();
    let journal = create(&home);
    let error = Journal::open(&home, &id()).expect_err("locked").to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    drop(journal);
    Journal::open(&home, &id()).expect("free");
}
