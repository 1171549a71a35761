//! The store against a model of it, and cut off at each of its steps.

use std::{collections::BTreeMap, fs};

use proptest::{collection, prelude::*};
use rusqlite::StatementStatus;
use tempfile::TempDir;

use super::*;

const BUCKET: &str = "bucket";
const PART: usize = 5 << 20;

struct Rig {
    store: Arc<Store>,
    folder: TempDir,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("opened");
        store.create_bucket(BUCKET, &Bucket::default()).expect("created");
        Self { store, folder }
    }

    /// As after a kill: nothing is told to end.
    fn reopen(&mut self) {
        self.store = Store::open(self.folder.path()).expect("opened");
    }

    fn receive(&self, data: &[u8]) -> Received {
        let mut incoming = self.store.receive(None).expect("a file");
        incoming.write(data).expect("written");
        incoming.finish()
    }

    fn put(&self, key: &str, data: &[u8], condition: &Condition) -> Result<Object, ServiceError> {
        self.store.put((BUCKET, key), self.receive(data), About::default(), condition)
    }

    fn data(&self, key: &str) -> Option<Vec<u8>> {
        let (_, mut reader) = match self.store.read(BUCKET, key) {
            Ok(found) => found,
            Err(error) if error.code == "NoSuchKey" => return None,
            Err(error) => panic!("{error}"),
        };
        Some(rest_of(&mut reader))
    }

    /// How many data files there are.
    fn files(&self) -> usize {
        fs::read_dir(self.folder.path().join("data")).expect("a folder").count()
    }

    /// Lists a bucket page by page.
    fn listed(&self, span: &Span) -> Vec<String> {
        let (mut span, mut names) = (span.clone(), Vec::new());
        loop {
            let page = self.store.page(BUCKET, &span).expect("a page");
            assert!(page.entries.len() <= span.limit, "{page:?}");
            names.extend(page.entries.iter().map(|entry| entry.name().to_owned()));
            match page.next {
                Some(next) => span.from = next.into_bytes(),
                None => return names,
            }
        }
    }

    fn upload(&self, key: &str) -> String {
        self.store.create_upload((BUCKET, key), &Plan::default()).expect("created")
    }

    fn put_part(&self, key: &str, id: &str, number: u32, data: &[u8]) -> ChosenPart {
        let part = self.store.put_part((BUCKET, key), id, number, self.receive(data)).expect("a part");
        ChosenPart { number, etag: part.etag, checksum: None }
    }

    fn complete(&self, key: &str, id: &str, parts: &[ChosenPart]) -> Result<Object, ServiceError> {
        let completion = Completion { parts: parts.to_vec(), ..Completion::default() };
        self.store.complete_upload((BUCKET, key), id, &completion)
    }
}

fn rest_of(reader: &mut Reader) -> Vec<u8> {
    let mut data = Vec::new();
    loop {
        match reader.read().expect("read") {
            piece if piece.is_empty() => return data,
            piece => data.extend_from_slice(&piece),
        }
    }
}

/// What is done to the store and to the model.
#[derive(Clone, Debug)]
enum Step {
    Put(String, Vec<u8>, Condition),
    Delete(String),
    Reopen,
}

/// Keys that are hard as names of files, or as neighbours of each other.
fn key() -> impl Strategy<Value = String> {
    let odd = [
        "a",
        "a/",
        "a/b",
        "a//b",
        "a/b/",
        "/",
        "//",
        ".",
        "..",
        "../bucket/x",
        "a/../b",
        "ü",
        "üb",
        "\u{10ffff}",
        "\u{10ffff}x",
        "a\u{1}b",
        "\n",
        "a b",
        "a+b",
        "a%2Fb",
        "~",
    ];
    prop_oneof![
        8 => prop::sample::select(odd.map(str::to_owned).to_vec()),
        2 => "[ab/ü]{1,5}",
        1 => Just("k".repeat(1024)),
        1 => any::<String>().prop_filter("a key has a character", |key| !key.is_empty()),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let condition =
        prop_oneof![4 => Just(Condition::None), 1 => Just(Condition::Absent), 1 => Just(Condition::Present)];
    prop_oneof![
        8 => (key(), collection::vec(any::<u8>(), 0..20), condition)
            .prop_map(|(key, data, condition)| Step::Put(key, data, condition)),
        3 => key().prop_map(Step::Delete),
        1 => Just(Step::Reopen),
    ]
}

fn span() -> impl Strategy<Value = (Span, Option<String>)> {
    let prefix = prop_oneof![3 => Just(String::new()), 1 => key(), 1 => "[a/ü]{1,2}"];
    let delimiter = prop_oneof![
        Just(None),
        prop::sample::select(vec!["/", "//", "b", "ü", "\u{10ffff}"]).prop_map(|text| Some(text.to_owned())),
    ];
    (prefix, delimiter, 1..5_usize, proptest::option::of(key()))
        .prop_map(|(prefix, delimiter, limit, marker)| (Span { prefix, delimiter, from: Vec::new(), limit }, marker))
}

/// The listing as its definition has it, entry by entry.
fn expected(model: &BTreeMap<String, Vec<u8>>, span: &Span, marker: Option<&str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for key in model.keys().filter(|key| key.starts_with(&span.prefix)) {
        let rest = &key[span.prefix.len()..];
        let cut = span.delimiter.as_ref().and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
        let name = &key[..span.prefix.len() + cut.unwrap_or(rest.len())];
        if marker.is_none_or(|marker| name > marker) && names.last().is_none_or(|last| last != name) {
            names.push(name.to_owned());
        }
    }
    names
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_is_a_map_of_keys_in_order(steps in collection::vec(step(), 1..60), spans in collection::vec(span(), 1..12)) {
        let (mut rig, mut model) = (Rig::new(), BTreeMap::<String, Vec<u8>>::new());
        for step in steps {
            match step {
                Step::Put(key, data, condition) => {
                    let holds = match condition {
                        Condition::Absent => !model.contains_key(&key),
                        Condition::Present => model.contains_key(&key),
                        _ => true,
                    };
                    prop_assert_eq!(rig.put(&key, &data, &condition).is_ok(), holds);
                    if holds {
                        model.insert(key, data);
                    }
                }
                Step::Delete(key) => {
                    rig.store.delete(BUCKET, &key, &Condition::None).expect("deleted");
                    model.remove(&key);
                }
                Step::Reopen => rig.reopen(),
            }
        }
        for (key, data) in &model {
            let found = rig.data(key);
            prop_assert_eq!(found.as_ref(), Some(data), "{:?}", key);
        }
        prop_assert_eq!(rig.files(), model.len());
        for (span, marker) in spans {
            let after = marker.iter().fold(span.clone(), |span, marker| span.after(marker));
            prop_assert_eq!(rig.listed(&after), expected(&model, &span, marker.as_deref()), "{:?} {:?}", span, marker);
        }
    }
}

#[test]
fn a_listing_costs_what_it_returns() {
    let rig = Rig::new();
    let cost = || {
        let span = Span { delimiter: Some("/".to_owned()), limit: 10, ..Span::default() };
        let names = rig.listed(&span);
        let index = rig.store.lock();
        let statement = index.connection.prepare_cached(listing::SELECT).expect("it was prepared for the page");
        (names, statement.reset_status(StatementStatus::VmStep))
    };
    ["a/0", "b/0"].iter().for_each(|key| drop(rig.put(key, b"", &Condition::None).expect("put")));
    let (names, few) = cost();
    assert_eq!(names, ["a/", "b/"]);
    for n in 0..500 {
        rig.put(&format!("a/{n}"), b"", &Condition::None).expect("put");
    }
    let (names, many) = cost();
    assert_eq!(names, ["a/", "b/"]);
    assert!(few > 0 && many < 2 * few, "{few} steps for two keys, {many} for five hundred");
}

#[test]
fn data_that_is_not_put_leaves_nothing() {
    let rig = Rig::new();
    rig.put("k", b"old", &Condition::None).expect("put");
    let mut incoming = rig.store.receive(None).expect("a file");
    incoming.write(b"ne").expect("written");
    assert_eq!(rig.files(), 2);
    drop(incoming);
    assert_eq!(rig.files(), 1, "dropped while it came in");
    drop(rig.receive(b"new"));
    assert_eq!(rig.files(), 1, "dropped before it was put");
    assert_eq!(rig.put("k", b"new", &Condition::Absent).expect_err("refused").code, "PreconditionFailed");
    assert_eq!(rig.put("none", b"new", &Condition::Present).expect_err("refused").code, "NoSuchKey");
    let nowhere = rig.store.put(("nowhere", "k"), rig.receive(b"new"), About::default(), &Condition::None);
    assert_eq!(nowhere.expect_err("refused").code, "NoSuchBucket");
    assert_eq!((rig.files(), rig.data("k")), (1, Some(b"old".to_vec())), "refused");
}

#[test]
fn what_a_kill_left_is_swept_and_the_old_object_stays() {
    let mut rig = Rig::new();
    rig.put("k", b"old", &Condition::None).expect("put");
    let mut incoming = rig.store.receive(None).expect("a file");
    incoming.write(b"ne").expect("written");
    // A kill runs no destructor.
    std::mem::forget(incoming);
    std::mem::forget(rig.receive(b"new"));
    assert_eq!(rig.files(), 3);
    rig.reopen();
    assert_eq!((rig.files(), rig.data("k")), (1, Some(b"old".to_vec())));
    rig.put("k", b"newer", &Condition::None).expect("its number is free");
    assert_eq!((rig.files(), rig.data("k")), (1, Some(b"newer".to_vec())));
}

#[test]
fn a_reader_reads_on_what_was_replaced_or_deleted() {
    let rig = Rig::new();
    for change in ["replaced", "deleted"] {
        rig.put("k", b"first", &Condition::None).expect("put");
        let (_, mut one) = rig.store.read(BUCKET, "k").expect("there");
        let (_, other) = rig.store.read(BUCKET, "k").expect("there");
        match change {
            "replaced" => drop(rig.put("k", b"second", &Condition::None).expect("put")),
            _ => rig.store.delete(BUCKET, "k", &Condition::None).expect("deleted"),
        }
        drop(other);
        assert_eq!(rest_of(&mut one), b"first", "{change}");
        drop(one);
        assert_eq!(rig.files(), rig.listed(&Span { limit: 1, ..Span::default() }).len(), "{change}");
    }
}

#[test]
fn a_range_of_parts_is_the_range_of_their_data() {
    let rig = Rig::new();
    let id = rig.upload("k");
    let data: Vec<u8> = (0..2 * PART + 10).map(|n| (n / 7) as u8).collect();
    let parts = [(7, &data[..PART]), (2, &data[PART..2 * PART]), (9, &data[2 * PART..])];
    let mut chosen = parts.map(|(number, data)| rig.put_part("k", &id, number, data));
    chosen.sort_by_key(|part| part.number);
    let whole: Vec<u8> = [&data[PART..2 * PART], &data[..PART], &data[2 * PART..]].concat();
    let object = rig.complete("k", &id, &chosen).expect("completed");
    assert_eq!((object.size, object.about.parts), (whole.len() as u64, Some(3)));
    for range in [0..1, PART - 1..PART + 1, 5..2 * PART + 3, 2 * PART..whole.len(), 3..3] {
        let (_, reader) = rig.store.read(BUCKET, "k").expect("there");
        let read = rest_of(&mut reader.within(&(range.start as u64..range.end as u64)));
        assert!(read == whole[range.clone()], "{range:?}");
    }
    assert_eq!(rig.store.part_range(&object, 7).expect("read"), Some(PART as u64..2 * PART as u64));
    assert_eq!(rig.store.part_range(&object, 1).expect("read"), None);
}

#[test]
fn an_upload_is_completed_with_what_was_uploaded_and_with_nothing_else() {
    let rig = Rig::new();
    let id = rig.upload("k");
    let small = rig.put_part("k", &id, 1, b"small");
    let last = rig.put_part("k", &id, 2, b"last");
    let code = |parts: &[ChosenPart]| rig.complete("k", &id, parts).expect_err("refused").code;
    assert_eq!(code(&[small.clone(), last.clone()]), "EntityTooSmall");
    assert_eq!(code(&[last.clone(), small.clone()]), "InvalidPartOrder");
    assert_eq!(code(&[last.clone(), last.clone()]), "InvalidPartOrder");
    assert_eq!(code(&[ChosenPart { number: 3, ..last.clone() }]), "InvalidPart");
    assert_eq!(code(&[ChosenPart { etag: small.etag.clone(), ..last.clone() }]), "InvalidPart");
    assert_eq!(code(&[]), "MalformedXML");
    assert_eq!(rig.data("k"), None, "nothing of it is an object yet");
    let again = rig.put_part("k", &id, 2, b"the last");
    assert_eq!((code(&[last]), rig.files()), ("InvalidPart", 2), "a part was replaced");
    let object = rig.complete("k", &id, std::slice::from_ref(&again)).expect("completed");
    assert_eq!((rig.data("k"), rig.files()), (Some(b"the last".to_vec()), 1), "the other part is gone");
    assert_eq!(rig.complete("k", &id, &[again]).expect("the answer may have been lost").etag, object.etag);
    assert_eq!(rig.store.upload((BUCKET, "k"), &id).expect_err("completed").code, "NoSuchUpload");
}

#[test]
fn an_upload_survives_a_kill_and_goes_when_it_is_aborted() {
    let mut rig = Rig::new();
    let id = rig.upload("k");
    rig.put_part("k", &id, 1, b"one");
    std::mem::forget(rig.receive(b"a part that was never named"));
    rig.reopen();
    assert_eq!(rig.files(), 1);
    assert_eq!(rig.store.delete_bucket(BUCKET).expect_err("refused").code, "BucketNotEmpty");
    let elsewhere = rig.store.abort_upload((BUCKET, "other"), &id).expect_err("refused").code;
    assert_eq!(elsewhere, "NoSuchUpload");
    rig.store.abort_upload((BUCKET, "k"), &id).expect("aborted");
    assert_eq!((rig.files(), rig.store.uploads(BUCKET, "").expect("listed").len()), (0, 0));
    let late = rig.store.put_part((BUCKET, "k"), &id, 2, rig.receive(b"late"));
    assert_eq!((late.expect_err("refused").code, rig.files()), ("NoSuchUpload", 0));
    rig.store.delete_bucket(BUCKET).expect("it is empty");
    assert_eq!(rig.put("k", b"", &Condition::None).expect_err("refused").code, "NoSuchBucket");
}

#[test]
fn a_file_of_another_version_is_refused() {
    let mut rig = Rig::new();
    rig.store.lock().connection.pragma_update(None, "user_version", 2).expect("set");
    rig.store = Rig::new().store;
    let refused = Store::open(rig.folder.path()).err().expect("refused");
    assert!(refused.message.contains("version 2"), "{refused}");
}
