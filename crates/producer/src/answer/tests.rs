//! Answers of random content in random layouts, read by two parsers of JSON and one of CBOR.

use minicbor::Encoder;
use rand::{RngExt, seq::SliceRandom};

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

fn one_in(count: u32) -> bool {
    rand::rng().random_range(0..count) == 0
}

fn random_text(odd: bool) -> String {
    let mut random = rand::rng();
    let length = random.random_range(0..70);
    let mut text: String = (0..length).map(|_| random.random_range('a'..='z')).collect();
    if odd {
        text.push_str(["\"", "\\", "\u{1}", "ß", "😀", "\u{2028}", "/", "\u{7f}"][random.random_range(0..8)]);
    }
    text
}

fn random_entry(odd: bool) -> Entry {
    let names: &[&str] = match rand::rng().random_range(0..5) {
        0 => &["ErrorCode", "ErrorMessage"],
        1 if odd => &["SequenceNumber", "ShardId", "ErrorCode", "ErrorMessage"],
        2 if odd => &["ErrorMessage"],
        3 if odd => &[],
        _ => &["SequenceNumber", "ShardId"],
    };
    let value = |odd| if odd && one_in(3) { None } else { Some(random_text(odd && one_in(3))) };
    let mut entry: Entry = names.iter().map(|name| (*name, value(odd))).collect();
    entry.shuffle(&mut rand::rng());
    entry
}

fn random_entries(odd: bool) -> Vec<Entry> {
    let count = rand::rng().random_range(0..12);
    (0..count).map(|_| random_entry(odd && one_in(4))).collect()
}

fn space() -> &'static str {
    ["", "", "", "", " ", "\n\t", "\r"][rand::rng().random_range(0..7)]
}

fn write_text(text: &str, escaped: bool) -> String {
    match escaped {
        true => text.encode_utf16().fold("\"".to_owned(), |all, unit| format!("{all}\\u{unit:04x}")) + "\"",
        false => serde_json::to_string(text).expect("JSON"),
    }
}

fn write_json(entries: &[Entry], odd: bool) -> String {
    let entry = |entry: &Entry| {
        let field = |(name, value): &(&str, Option<String>)| {
            let value = value.as_ref().map_or("null".to_owned(), |value| write_text(value, odd && one_in(20)));
            format!("{}{}{}:{}{value}{}", space(), write_text(name, odd && one_in(20)), space(), space(), space())
        };
        let mut fields: Vec<_> = entry.iter().map(field).collect();
        if odd && one_in(4) {
            fields.push(r#""Later":{"a":[1.5e3,null]}"#.to_owned());
        }
        format!("{}{{{}}}{}", space(), fields.join(","), space())
    };
    let entries: Vec<_> = entries.iter().map(entry).collect();
    let mut fields = vec![format!(r#""Records"{}:{}[{}]"#, space(), space(), entries.join(","))];
    fields.push(format!(r#""FailedRecordCount":{}{}"#, space(), rand::rng().random_range(0..501)));
    if one_in(2) {
        fields.push(r#""EncryptionType":"KMS""#.to_owned());
    }
    fields.shuffle(&mut rand::rng());
    format!("{}{{{}{}}}{}", space(), space(), fields.join(","), space())
}

#[test]
fn the_scanner_reads_what_a_whole_parser_reads() {
    let mut scanned = 0;
    for round in 0..2_000 {
        let odd = round % 2 == 0;
        let entries = random_entries(odd);
        let text = Bytes::from(write_json(&entries, odd));
        let expected: Vec<_> = entries.iter().map(meaning_of).collect();
        let whole = json::answer(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
        assert_eq!(meanings(&whole), expected, "{text:?}");
        if let Some(answer) = scan::answer(&text) {
            assert_eq!(meanings(&answer), expected, "{text:?}");
            scanned += 1;
        } else {
            assert!(odd, "nothing unusual: {text:?}");
        }
        assert_eq!(meanings(&Answer::read_json(text).expect("an answer")), expected);
    }
    assert!((1_000..2_000).contains(&scanned), "{scanned}");
}

#[test]
fn what_the_scanner_reads_of_damaged_answers_a_whole_parser_reads_too() {
    let mut random = rand::rng();
    for _ in 0..5_000 {
        let mut text = write_json(&random_entries(false), false).into_bytes();
        for _ in 0..random.random_range(1..3) {
            let at = random.random_range(0..text.len());
            text[at] = DAMAGE[random.random_range(0..DAMAGE.len())];
        }
        let text = Bytes::from(text);
        if let Some(answer) = scan::answer(&text) {
            let whole = json::answer(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
            assert_eq!(meanings(&answer), meanings(&whole), "{text:?}");
        }
    }
}

#[test]
fn half_an_answer_is_an_error() {
    let entries: Vec<_> = (0..4).map(|_| random_entry(false)).chain((0..4).map(|_| random_entry(true))).collect();
    let json = write_json(&entries, false);
    for end in 0..json.trim_end().len() {
        assert!(Answer::read_json(json.as_bytes()[..end].to_vec().into()).is_err(), "{}", &json[..end]);
    }
    for indefinite in [false, true] {
        let cbor = write_cbor(&entries, indefinite);
        for end in 0..cbor.len() {
            assert!(Answer::read_cbor(cbor[..end].to_vec().into()).is_err(), "{end} of {}", cbor.len());
        }
        let more = [&cbor[..], b"\xf6"].concat();
        assert!(matches!(Answer::read_cbor(more.into()), Err(AnswerError::Trailing { bytes: 1 })));
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

/// In pieces where lengths are not told before.
fn write_cbor(entries: &[Entry], indefinite: bool) -> Vec<u8> {
    let mut cbor = Encoder::new(Vec::new());
    write_cbor_answer(&mut cbor, entries, indefinite).expect("a vector takes all bytes");
    cbor.into_writer()
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn write_cbor_answer(cbor: &mut Encoder<Vec<u8>>, entries: &[Entry], indefinite: bool) -> Written {
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
            write_cbor_text(cbor, name, indefinite)?;
            match value {
                None => cbor.null()?.ok()?,
                Some(value) => write_cbor_text(cbor, value, indefinite)?,
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
    if !(in_pieces && one_in(2)) {
        return cbor.str(text)?.ok();
    }
    cbor.begin_str()?;
    for character in text.chars() {
        cbor.str(&character.to_string())?;
    }
    cbor.end()?.ok()
}

#[test]
fn cbor_of_either_kind_of_lengths_is_read() {
    for round in 0..1_000 {
        let entries = random_entries(true);
        let answer = Answer::read_cbor(write_cbor(&entries, round % 2 == 0).into()).expect("an answer");
        assert_eq!(meanings(&answer), entries.iter().map(meaning_of).collect::<Vec<_>>());
    }
}

#[test]
fn damaged_cbor_is_no_panic() {
    let mut random = rand::rng();
    for round in 0..5_000 {
        let mut cbor = write_cbor(&random_entries(true), round % 2 == 0);
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..cbor.len());
            cbor[at] = random.random();
        }
        if let Ok(answer) = Answer::read_cbor(cbor.into()) {
            meanings(&answer);
        }
    }
}

#[test]
fn an_answer_may_be_put_together() {
    let answer = Answer::builder().written("shardId-1", "7").refused("InternalFailure", "later").build();
    let expected = [Ok(("shardId-1".into(), "7".into())), Err(("InternalFailure".into(), "later".into()))];
    assert_eq!(meanings(&answer), expected);
    assert_eq!((answer.len(), answer.is_empty(), Answer::builder().build().is_empty()), (2, false, true));
}
