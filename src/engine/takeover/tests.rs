use std::{collections::VecDeque, sync::Mutex};

use async_trait::async_trait;
use tempfile::TempDir;

use super::*;
use crate::engine::{
    Cause, Fingerprint, ProviderError, StackId,
    mirror::{Put, Reflected},
};

/// A mirror in memory that fails by script.
#[derive(Default)]
struct Memory {
    lies: Mutex<Option<Reflected>>,
    script: Mutex<VecDeque<Script>>,
    puts: Mutex<usize>,
}

#[derive(Clone, Copy)]
enum Script {
    Nowhere,
    Refuse,
    LoseAnswer,
}

fn refused() -> ProviderError {
    ProviderError {
        cause: Cause::Permission,
        call: "put".to_owned(),
        resource: "memory".to_owned(),
        message: "refused by script".to_owned(),
        advice: String::new(),
    }
}

#[async_trait]
impl Mirror for Memory {
    fn title(&self) -> String {
        "memory".to_owned()
    }

    async fn get(&self) -> Result<Option<Reflected>, ProviderError> {
        Ok(self.lies.lock().expect("no panic").clone())
    }

    async fn put(&self, text: &[u8], replaces: Option<&str>) -> Result<Put, ProviderError> {
        let scripted = self.script.lock().expect("no panic").pop_front();
        let mut lies = self.lies.lock().expect("no panic");
        match scripted {
            Some(Script::Nowhere) => return Ok(Put::Nowhere),
            Some(Script::Refuse) => return Err(refused()),
            Some(Script::LoseAnswer) | None => {}
        }
        if lies.as_ref().map(|lies| lies.version.as_str()) != replaces {
            return Ok(Put::Beaten);
        }
        let mut puts = self.puts.lock().expect("no panic");
        *puts += 1;
        *lies = Some(Reflected { text: text.to_vec(), version: puts.to_string() });
        match scripted {
            // As an SDK sees it that has tried again by itself.
            Some(Script::LoseAnswer) => Ok(Put::Beaten),
            _ => Ok(Put::Done(puts.to_string())),
        }
    }
}

struct Machine {
    _folder: TempDir,
    home: Home,
}

impl Machine {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        Self { home: Home::at(folder.path()).expect("a home"), _folder: folder }
    }

    fn create(&self, mirror: &Arc<Memory>) -> Journal {
        let journal = Journal::create(&self.home, &id(), here(), serde_json::Value::Null).expect("a journal");
        journal.reflect_in(mirror.clone());
        journal
    }

    fn open(&self, mirror: &Arc<Memory>) -> Journal {
        let journal = Journal::open(&self.home, &id()).expect("a journal");
        journal.reflect_in(mirror.clone());
        journal
    }
}

fn id() -> StackId {
    "a-00000001".parse().expect("an id")
}

fn here() -> Fingerprint {
    Fingerprint { account: "1".to_owned(), region: "r".to_owned(), endpoint: None }
}

async fn note(journal: &Journal, text: &str) -> Result<(), JournalError> {
    journal.record(Entry::Note { text: text.to_owned() })?;
    journal.reflect().await
}

fn taken(result: Result<(), JournalError>) {
    match result {
        Err(JournalError::Mirror(MirrorError::Taken { stack, .. })) => assert_eq!(stack, "a-00000001"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_entry_lies_there_and_a_later_process_goes_on() {
    let (machine, mirror) = (Machine::new(), Arc::new(Memory::default()));
    mirror.script.lock().expect("no panic").extend([Script::Nowhere]);
    let journal = machine.create(&mirror);
    note(&journal, "before there is a place").await.expect("noted");
    assert_eq!(mirror.get().await, Ok(None));
    note(&journal, "then").await.expect("noted");
    journal.reflect().await.expect("nothing new");
    assert_eq!(*mirror.puts.lock().expect("no panic"), 1);
    drop(journal);
    let journal = machine.open(&mirror);
    note(&journal, "again").await.expect("noted");
    assert_eq!(mirror.get().await.expect("readable").expect("one").text, journal.text().expect("readable"));
}

#[tokio::test]
async fn a_lost_answer_is_found_to_be_our_own() {
    let (machine, mirror) = (Machine::new(), Arc::new(Memory::default()));
    let journal = machine.create(&mirror);
    mirror.script.lock().expect("no panic").extend([Script::LoseAnswer]);
    note(&journal, "first").await.expect("noted");
    note(&journal, "second").await.expect("noted");
    assert_eq!(*mirror.puts.lock().expect("no panic"), 2);
}

#[tokio::test]
async fn another_machine_takes_over_and_the_first_sees_it() {
    let (first, second, mirror) = (Machine::new(), Machine::new(), Arc::new(Memory::default()));
    let journal = first.create(&mirror);
    note(&journal, "made").await.expect("noted");
    let taking = take_over(&second.home, "a", &here(), mirror.clone()).await.expect("taken over");
    assert_eq!(*taking.id(), id());
    taken(note(&journal, "goes on").await);
    note(&taking, "takes down").await.expect("noted");
    taken(note(&journal, "tries again").await);
    drop(journal);
    let back = take_over(&first.home, "a-00000001", &here(), mirror.clone()).await.expect("taken back");
    taken(note(&taking, "is second now").await);
    let text = String::from_utf8(back.text().expect("readable")).expect("JSON");
    assert!(text.contains("takes down") && !text.contains("goes on"), "{text}");
    let aside = fs::read_dir(first.home.stack(&id())).expect("readable");
    let aside = aside.filter(|file| file.as_ref().expect("one").file_name().to_string_lossy().contains("before"));
    assert_eq!(aside.count(), 1, "what only the first machine knew is kept");
}

#[tokio::test]
async fn an_empty_mirror_and_another_stacks_are_refused() {
    let (machine, mirror) = (Machine::new(), Arc::new(Memory::default()));
    let empty = take_over(&machine.home, "a", &here(), mirror.clone()).await;
    assert!(matches!(empty, Err(JournalError::Mirror(MirrorError::Empty { .. }))), "{empty:?}");
    note(&machine.create(&mirror), "made").await.expect("noted");
    let other = take_over(&Machine::new().home, "b", &here(), mirror.clone()).await;
    assert!(matches!(other, Err(JournalError::Mirror(MirrorError::Another { .. }))), "{other:?}");
    let there = Fingerprint { account: "2".to_owned(), ..here() };
    let elsewhere = take_over(&Machine::new().home, "a", &there, mirror).await;
    assert!(matches!(elsewhere, Err(JournalError::Mirror(MirrorError::Elsewhere { .. }))), "{elsewhere:?}");
}

#[tokio::test]
async fn where_it_may_fail_it_is_remembered_and_left_alone() {
    let (machine, mirror) = (Machine::new(), Arc::new(Memory::default()));
    let journal = machine.create(&mirror);
    mirror.script.lock().expect("no panic").extend([Script::Refuse]);
    journal.record(Entry::Note { text: "first".to_owned() }).expect("recorded");
    journal.try_reflect().await.expect("no reason to stop");
    let why = journal.unreflected().expect("remembered").to_string();
    assert!(why.contains("refused by script") && why.contains("memory"), "{why}");
    journal.try_reflect().await.expect("left alone");
    assert_eq!(*mirror.puts.lock().expect("no panic"), 0);
}
