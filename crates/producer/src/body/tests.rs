//! Bodies against decoders that did not write them, and against themselves.

use minicbor::{Decoder, data::Type};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use super::*;

const FORMATS: [Format; 2] = [Format::Json, Format::Cbor];
const ARN: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";

/// Characters that JSON escapes, and the first and last of each length in UTF-8.
const AWKWARD: [char; 16] = [
    'k',
    '"',
    '\\',
    '/',
    '\u{0}',
    '\u{1f}',
    '\n',
    '\t',
    '\r',
    '\u{7f}',
    'ß',
    '日',
    '\u{2028}',
    '😀',
    '\u{10000}',
    '\u{10ffff}',
];

/// 1 to 256 characters, often as many as there may be.
fn key() -> impl Strategy<Value = String> {
    let character = prop_oneof![4 => prop::char::range('\0', '\u{7f}'), 2 => select(&AWKWARD[..]), 1 => any::<char>()];
    let keys = prop_oneof![vec(character.clone(), 1..20), vec(character, 1..=256)].boxed();
    prop_oneof![4 => keys, 1 => select(&AWKWARD[..]).prop_map(|character| vec![character; 256])]
        .prop_map(String::from_iter)
}

/// Lengths around those at which a length takes one byte more.
fn data() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![8 => 0..40_usize, 4 => 250..260_usize, 1 => 65_530..65_540_usize];
    let written_out = vec(any::<u8>(), 0..300);
    prop_oneof![written_out, (length, any::<u8>()).prop_map(|(length, byte)| vec![byte; length])]
}

fn record() -> impl Strategy<Value = Record> {
    let hash_key = prop::option::of(prop_oneof![2 => any::<u128>(), 1 => Just(0), 1 => Just(u128::MAX)]);
    (data(), key(), hash_key)
        .prop_map(|(data, key, explicit_hash_key)| Record { explicit_hash_key, ..Record::new(data, key) })
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    vec(record(), 0..12)
}

fn stream() -> impl Strategy<Value = (&'static str, &'static str)> {
    select(vec![("orders", "StreamName"), (ARN, "StreamARN")])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fragment_is_the_record_that_was_put(record in record()) {
        for format in FORMATS {
            let mut fragment = Vec::new();
            format.write((&record).into(), &mut fragment);
            prop_assert_eq!(&format.read(&fragment), &record);
            let most = format.written_len(record.data.len(), &record.partition_key);
            prop_assert!(fragment.len() <= most, "{:?}: {} bytes, not {}", format, fragment.len(), most);
        }
    }

    #[test]
    fn fragments_go_from_body_to_body(records in records()) {
        for format in FORMATS {
            let first = Body::from_records(format, "orders", &records);
            let mut second = Body::new(format, "orders", b"what was there".to_vec());
            for index in (0..first.len()).rev() {
                second.push_fragment(first.fragment(index));
            }
            second.close();
            prop_assert_eq!(second.records().collect::<Vec<_>>(), records.iter().rev().cloned().collect::<Vec<_>>());
            let reversed = Body::from_records(format, "orders", records.iter().rev());
            prop_assert_eq!(reversed.bytes(), second.bytes());
        }
    }

    #[test]
    fn a_converted_body_is_the_same_request(records in records()) {
        for (from, to) in [(Format::Cbor, Format::Json), (Format::Json, Format::Cbor)] {
            let converted = Body::from_records(from, ARN, &records).converted(to);
            prop_assert_eq!(converted.format(), to);
            let written = Body::from_records(to, ARN, &records);
            prop_assert_eq!(converted.bytes(), written.bytes());
        }
    }

    #[test]
    fn json_is_what_the_model_says(records in records(), (stream, field) in stream()) {
        let entries: Vec<_> = records.iter().map(entry_of_model).collect();
        let body = Body::from_records(Format::Json, stream, &records);
        let read: Value = serde_json::from_slice(body.bytes()).expect("JSON");
        prop_assert_eq!(read, json!({field: stream, "Records": entries}));
    }

    #[test]
    fn cbor_is_what_the_model_says(records in records(), (stream, field) in stream()) {
        let body = Body::from_records(Format::Cbor, stream, &records);
        let mut decoder = Decoder::new(body.bytes());
        prop_assert_eq!(decoder.map().expect("a map"), Some(2));
        prop_assert_eq!((decoder.str().expect("a name"), decoder.str().expect("a stream")), (field, stream));
        prop_assert_eq!(decoder.str().expect("a name"), "Records");
        prop_assert_eq!(decoder.array().expect("an array"), Some(records.len() as u64));
        for record in &records {
            check_entry(&mut decoder, record);
        }
        prop_assert_eq!(decoder.position(), body.bytes().len());
    }
}

fn entry_of_model(record: &Record) -> Value {
    let data = base64_simd::STANDARD.encode_to_string(&record.data);
    let mut entry = json!({"Data": data, "PartitionKey": &*record.partition_key});
    if let Some(key) = record.explicit_hash_key {
        entry["ExplicitHashKey"] = key.to_string().into();
    }
    entry
}

fn check_entry(decoder: &mut Decoder<'_>, record: &Record) {
    let fields = decoder.map().expect("a map").expect("of a known length");
    let mut read = Record::new("", "");
    for _ in 0..fields {
        match (decoder.str().expect("a name"), decoder.datatype().expect("a value")) {
            ("Data", Type::Bytes) => read.data = decoder.bytes().expect("bytes").to_vec().into(),
            ("PartitionKey", Type::String) => read.partition_key = decoder.str().expect("a text").into(),
            ("ExplicitHashKey", Type::String) => {
                read.explicit_hash_key = Some(decoder.str().expect("a text").parse().expect("a number"));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(&read, record);
}

#[test]
fn an_empty_body_is_a_request_without_records() {
    let json = Body::from_records(Format::Json, "orders", &[]);
    assert_eq!(json.bytes(), br#"{"StreamName":"orders","Records":[]}"#);
    assert!(Body::from_records(Format::Cbor, "orders", &[]).bytes().ends_with(b"\x67Records\x99\x00\x00"));
    assert!(json.is_empty());
}

#[test]
fn a_body_shows_no_contents() {
    let body = Body::from_records(Format::Json, "orders", &[Record::new("secret", "key")]);
    assert_eq!(format!("{body:?}"), format!("Body(Json, orders, 1 entries, {} bytes)", body.bytes().len()));
}
