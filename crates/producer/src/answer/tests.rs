//! Answers of random content in random layouts, read by two parsers of JSON and one of CBOR.

use minicbor::Encoder;
use proptest::{collection::vec, prelude::*, sample::Index, sample::select};

use super::*;

/// What one entry says, by name.
type Entry = Vec<(&'static str, Option<String>)>;

/// How the service writes an entry: one that was written, and one that was not.
const USUAL: [&str; 2] = [
    r#"{"SequenceNumber":"49543463076548007577105092703039560359975228518395012686","ShardId":"shardId-000000000000"}"#,
    r#"{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"Rate exceeded for shard shardId-000000000001 in stream orders under account 123456789012."}"#,
];

/// Bytes that mean something to JSON, or nothing at all.
const DAMAGE: &[u8] = b"\"\\,:{}[]0n \x00\x7f\x80\xffaRS";

/// What an entry means, in words that can be compared.
type Meaning = Result<(String, String), (String, String)>;

fn meanings(answer: &Answer) -> Vec<Meaning> {
    let text = |span| answer.text(span).to_owned();
    let meaning = |position: &Position| match *position {
        Position::Written { shard_id, sequence_number } => Ok((text(shard_id), text(sequence_number))),
        Position::Refused { code, message } => Err((text(code), text(message))),
    };
    answer.positions().iter().map(meaning).collect()
}

fn meaning_of(entry: &Entry) -> Meaning {
    let get = |name| entry.iter().find(|(known, _)| *known == name).and_then(|(_, value)| value.clone());
    match (get("ShardId"), get("SequenceNumber"), get("ErrorCode")) {
        (Some(shard_id), Some(sequence_number), None) => Ok((shard_id, sequence_number)),
        (_, _, code) => {
            Err((code.unwrap_or_else(|| NO_SEQUENCE_NUMBER.into()), get("ErrorMessage").unwrap_or_default()))
        }
    }
}

/// Runs of one property: enough for each layout, and fewer than two seconds of them without optimisation.
fn runs(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A text of a name or of a message; an odd one has a character that JSON may write in several ways.
fn text(odd: bool) -> BoxedStrategy<String> {
    const ENDS: [&str; 8] = ["\"", "\\", "\u{1}", "ß", "😀", "\u{2028}", "/", "\u{7f}"];
    match odd {
        true => {
            prop_oneof![2 => "[a-z]{0,70}", 1 => ("[a-z]{0,70}", select(&ENDS[..])).prop_map(|(text, end)| text + end)]
                .boxed()
        }
        false => "[a-z]{0,70}".boxed(),
    }
}

/// What the service writes, or where it is odd, what it never did.
fn entry(odd: bool) -> BoxedStrategy<Entry> {
    const USUAL_NAMES: [&[&str]; 2] = [&["SequenceNumber", "ShardId"], &["ErrorCode", "ErrorMessage"]];
    const ODD_NAMES: [&[&str]; 3] =
        [&["SequenceNumber", "ShardId", "ErrorCode", "ErrorMessage"], &["ErrorMessage"], &[]];
    let names = if odd { select([&USUAL_NAMES[..], &ODD_NAMES].concat()) } else { select(USUAL_NAMES.to_vec()) };
    let value = if odd { prop::option::weighted(0.7, text(odd)).boxed() } else { text(odd).prop_map(Some).boxed() };
    let named = |(names, values): (&[&'static str], Vec<_>)| names.iter().copied().zip(values).collect();
    (names, vec(value, 4)).prop_map(named).prop_flat_map(|entry: Entry| Just(entry).prop_shuffle()).boxed()
}

fn entries(odd: bool) -> impl Strategy<Value = Vec<Entry>> {
    let one = if odd { prop_oneof![3 => entry(false), 1 => entry(true)].boxed() } else { entry(false) };
    vec(one, 0..12)
}

/// How an answer is laid out: choices that are used again from the first when all were. A 0 is the plainest choice.
#[derive(Clone, Debug)]
struct Layout {
    choices: Vec<u8>,
    next: usize,
}

impl Layout {
    fn any() -> impl Strategy<Value = Self> {
        vec(any::<u8>(), 1..200).prop_map(|choices| Self { choices, next: 0 })
    }

    fn choose(&mut self, count: usize) -> usize {
        self.next += 1;
        usize::from(self.choices[self.next % self.choices.len()]) % count
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.choose(count) == count - 1
    }

    fn space(&mut self) -> &'static str {
        ["", "", "", "", " ", "\n\t", "\r"][self.choose(7)]
    }
}

fn write_text(text: &str, escaped: bool) -> String {
    match escaped {
        true => text.encode_utf16().fold("\"".to_owned(), |all, unit| format!("{all}\\u{unit:04x}")) + "\"",
        false => serde_json::to_string(text).expect("JSON"),
    }
}

fn write_field((name, value): &(&str, Option<String>), odd: bool, layout: &mut Layout) -> String {
    let value = value.as_ref().map_or("null".to_owned(), |value| write_text(value, odd && layout.one_in(20)));
    let name = write_text(name, odd && layout.one_in(20));
    format!("{}{name}{}:{}{value}{}", layout.space(), layout.space(), layout.space(), layout.space())
}

fn write_entry(entry: &Entry, odd: bool, layout: &mut Layout) -> String {
    let mut fields: Vec<_> = entry.iter().map(|field| write_field(field, odd, layout)).collect();
    if odd && layout.one_in(4) {
        fields.push(r#""Later":{"a":[1.5e3,null]}"#.to_owned());
    }
    format!("{}{{{}}}{}", layout.space(), fields.join(","), layout.space())
}

fn write_json(entries: &[Entry], odd: bool, mut layout: Layout) -> String {
    let layout = &mut layout;
    let entries: Vec<_> = entries.iter().map(|entry| write_entry(entry, odd, layout)).collect();
    let mut fields = vec![format!(r#""Records"{}:{}[{}]"#, layout.space(), layout.space(), entries.join(","))];
    fields.push(format!(r#""FailedRecordCount":{}{}"#, layout.space(), layout.choose(256)));
    if layout.one_in(2) {
        fields.push(r#""EncryptionType":"KMS""#.to_owned());
    }
    let first = layout.choose(fields.len());
    fields.rotate_left(first);
    format!("{}{{{}{}}}{}", layout.space(), layout.space(), fields.join(","), layout.space())
}

proptest! {
    #![proptest_config(runs(400))]

    #[test]
    fn the_scanner_reads_what_a_whole_parser_reads(
        (odd, entries) in any::<bool>().prop_flat_map(|odd| (Just(odd), entries(odd))),
        layout in Layout::any(),
    ) {
        let text = Bytes::from(write_json(&entries, odd, layout));
        let expected: Vec<_> = entries.iter().map(meaning_of).collect();
        let whole = json::answer(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
        prop_assert_eq!(&meanings(&whole), &expected);
        match scan::answer(&text) {
            Some(answer) => prop_assert_eq!(&meanings(&answer), &expected),
            None => prop_assert!(odd, "nothing unusual: {:?}", text),
        }
        prop_assert_eq!(meanings(&Answer::read_json(text).expect("an answer")), expected);
    }

    #[test]
    fn what_is_garbage_is_no_panic(bytes in vec(prop_oneof![any::<u8>(), select(DAMAGE)], 0..200)) {
        if let Some(answer) = scan::answer(&bytes.clone().into()) {
            prop_assert_eq!(meanings(&answer), meanings(&json::answer(&bytes).expect("an answer")));
        }
        for read in [Answer::read_json(bytes.clone().into()), Answer::read_cbor(bytes.into())].into_iter().flatten() {
            meanings(&read);
        }
    }

    #[test]
    fn cbor_of_either_kind_of_lengths_is_read(
        entries in entries(true),
        indefinite in any::<bool>(),
        layout in Layout::any(),
    ) {
        let answer = Answer::read_cbor(write_cbor(&entries, indefinite, layout).into()).expect("an answer");
        prop_assert_eq!(meanings(&answer), entries.iter().map(meaning_of).collect::<Vec<_>>());
    }
}

// Of short answers, in which damage seldom misses what holds them together.
proptest! {
    #![proptest_config(runs(1_500))]

    #[test]
    fn what_the_scanner_reads_of_damaged_answers_a_whole_parser_reads_too(
        entries in vec(entry(false), 0..3),
        layout in Layout::any(),
        damage in vec((any::<Index>(), select(DAMAGE)), 1..3),
    ) {
        let mut text = write_json(&entries, false, layout).into_bytes();
        for (at, byte) in damage {
            let at = at.index(text.len());
            text[at] = byte;
        }
        let text = Bytes::from(text);
        if let Some(answer) = scan::answer(&text) {
            let whole = json::answer(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
            prop_assert_eq!(meanings(&answer), meanings(&whole));
        }
    }

    #[test]
    fn damaged_cbor_is_no_panic(
        entries in vec(entry(true), 0..3),
        indefinite in any::<bool>(),
        layout in Layout::any(),
        damage in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut cbor = write_cbor(&entries, indefinite, layout);
        for (at, byte) in damage {
            let at = at.index(cbor.len());
            cbor[at] = byte;
        }
        if let Ok(answer) = Answer::read_cbor(cbor.into()) {
            meanings(&answer);
        }
    }
}

proptest! {
    #![proptest_config(runs(32))]

    #[test]
    fn half_an_answer_is_an_error(entries in vec(prop_oneof![entry(false), entry(true)], 0..5), layout in Layout::any()) {
        let json = write_json(&entries, false, layout.clone());
        for end in 0..json.trim_end().len() {
            let half = Bytes::copy_from_slice(&json.as_bytes()[..end]);
            prop_assert!(Answer::read_json(half).is_err(), "{}", &json[..end]);
        }
        for indefinite in [false, true] {
            let cbor = write_cbor(&entries, indefinite, layout.clone());
            for end in 0..cbor.len() {
                let half = Bytes::copy_from_slice(&cbor[..end]);
                prop_assert!(Answer::read_cbor(half).is_err(), "{} of {}", end, cbor.len());
            }
            let more = [&cbor[..], b"\xf6"].concat();
            let trailing = matches!(Answer::read_cbor(more.into()), Err(AnswerError::Trailing { bytes: 1 }));
            prop_assert!(trailing);
        }
    }
}

#[test]
fn what_is_no_answer_is_an_error() {
    for text in ["", "null", "{}", "[]", "<html>", r#"{"Records":null}"#, r#"{"Records":[1]}"#, r#"{"Records":[]} x"#] {
        assert!(Answer::read_json(text.into()).is_err(), "{text}");
    }
    let twice = br#"{"Records":[],"Records":[]}"#;
    assert!(Answer::read_json(twice.as_slice().into()).is_err());
    for bytes in [&b""[..], b"\xf6", b"\xa0", b"{}", b"\xa1\x67Records\xf6", b"\xa1\x67Records\x81\x01", b"\xbf"] {
        assert!(Answer::read_cbor(bytes.into()).is_err(), "{bytes:?}");
    }
}

#[test]
fn the_usual_layout_is_scanned_and_not_copied() {
    let text = Bytes::from(format!(r#"{{"FailedRecordCount":1,"Records":[{},{}]}}"#, USUAL[0], USUAL[1]));
    let answer = scan::answer(&text).expect("nothing unusual");
    assert_eq!(answer.share().as_ptr(), text.as_ptr());
    let (number, shard) = ("49543463076548007577105092703039560359975228518395012686", "shardId-000000000000");
    assert_eq!(meanings(&answer)[0], Ok((shard.into(), number.into())));
    let Err((code, message)) = &meanings(&answer)[1] else { panic!("{answer:?}") };
    assert_eq!(code, "ProvisionedThroughputExceededException");
    assert!(message.starts_with("Rate exceeded") && message.ends_with("123456789012."), "{message}");
}

/// In chunks where lengths are indefinite.
fn write_cbor(entries: &[Entry], indefinite: bool, mut layout: Layout) -> Vec<u8> {
    let mut cbor = Encoder::new(Vec::new());
    write_cbor_answer(&mut cbor, entries, indefinite, &mut layout).expect("a vector takes all bytes");
    cbor.into_writer()
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn write_cbor_answer(cbor: &mut Encoder<Vec<u8>>, entries: &[Entry], indefinite: bool, layout: &mut Layout) -> Written {
    if indefinite {
        cbor.begin_map()?
    } else {
        cbor.map(4)?
    };
    cbor.str("FailedRecordCount")?.u32(300)?.str("Later")?.map(1)?.u8(1)?.begin_array()?.f32(1.5)?.end()?;
    cbor.str("Records")?;
    if indefinite {
        cbor.begin_array()?
    } else {
        cbor.array(entries.len() as u64)?
    };
    for entry in entries {
        if indefinite {
            cbor.begin_map()?
        } else {
            cbor.map(entry.len() as u64 + 1)?
        };
        for (name, value) in entry {
            write_cbor_text(cbor, name, indefinite && layout.one_in(2))?;
            match value {
                None => cbor.null()?.ok()?,
                Some(value) => write_cbor_text(cbor, value, indefinite && layout.one_in(2))?,
            }
        }
        cbor.str("Later")?.bytes(b"\xff")?;
        if indefinite {
            cbor.end()?;
        }
    }
    if indefinite {
        cbor.end()?;
    }
    cbor.str("EncryptionType")?.null()?;
    if indefinite {
        cbor.end()?;
    }
    Ok(())
}

fn write_cbor_text(cbor: &mut Encoder<Vec<u8>>, text: &str, in_pieces: bool) -> Written {
    if !in_pieces {
        return cbor.str(text)?.ok();
    }
    cbor.begin_str()?;
    for character in text.chars() {
        cbor.str(&character.to_string())?;
    }
    cbor.end()?.ok()
}

#[test]
fn an_answer_may_be_put_together() {
    let answer = Answer::builder().written("shardId-1", "7").refused("InternalFailure", "later").build();
    let expected = [Ok(("shardId-1".into(), "7".into())), Err(("InternalFailure".into(), "later".into()))];
    assert_eq!(meanings(&answer), expected);
    assert_eq!((answer.len(), answer.is_empty(), Answer::builder().build().is_empty()), (2, false, true));
}
