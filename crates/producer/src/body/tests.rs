//! Bodies against decoders that did not write them, and against themselves.

use minicbor::{Decoder, data::Type};
use rand::RngExt;
use serde_json::{Value, json};

use super::*;

const FORMATS: [Format; 2] = [Format::Json, Format::Cbor];
const ARN: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";

fn keys() -> Vec<String> {
    let awkward = ["k", "\"", "\\", "a\"b\\c/d", "\u{0}\u{1f}\n\t\r\u{7f}", "ß", "日本", "😀\u{10ffff}", "\u{2028}"];
    let long = ["x", "\"", "\u{1}", "😀"].map(|character| character.repeat(256));
    awkward.into_iter().map(str::to_owned).chain(long).collect()
}

fn random_key() -> String {
    let mut random = rand::rng();
    let length = random.random_range(1..=256);
    (0..length)
        .map(|_| if random.random_bool(0.8) { random.random_range('\0'..'\u{80}') } else { random.random() })
        .collect()
}

fn random_data() -> Vec<u8> {
    let mut random = rand::rng();
    let most = [0, 1, 23, 24, 255, 256, 3_000, 70_000][random.random_range(0..8)];
    let length = random.random_range(0..=most);
    (0..length).map(|_| random.random()).collect()
}

fn random_records() -> Vec<Record> {
    let mut records: Vec<_> = keys().into_iter().map(|key| Record::new(random_data(), key)).collect();
    records.extend((0..40).map(|_| Record::new(random_data(), random_key())));
    for (index, record) in records.iter_mut().enumerate() {
        record.explicit_hash_key = [None, Some(0), Some(u128::MAX), Some(rand::random())][index % 4];
    }
    records
}

#[test]
fn a_fragment_is_the_record_that_was_put() {
    for format in FORMATS {
        for record in random_records() {
            let mut fragment = Vec::new();
            format.write((&record).into(), &mut fragment);
            assert_eq!(format.read(&fragment), record, "{format:?}");
            let most = format.written_len(record.data.len(), &record.partition_key);
            assert!(fragment.len() <= most, "{format:?}: {} bytes, not {most}", fragment.len());
        }
    }
}

#[test]
fn fragments_go_from_body_to_body() {
    for format in FORMATS {
        let records = random_records();
        let first = Body::from_records(format, "orders", &records);
        let mut second = Body::new(format, "orders", b"what was there".to_vec());
        for index in (0..first.len()).rev() {
            second.push_fragment(first.fragment(index));
        }
        second.close();
        assert_eq!(second.records().collect::<Vec<_>>(), records.iter().rev().cloned().collect::<Vec<_>>());
        assert_eq!(Body::from_records(format, "orders", records.iter().rev()).bytes(), second.bytes());
    }
}

#[test]
fn a_converted_body_is_the_same_request() {
    let records = random_records();
    for (from, to) in [(Format::Cbor, Format::Json), (Format::Json, Format::Cbor)] {
        let converted = Body::from_records(from, ARN, &records).converted(to);
        assert_eq!((converted.format(), converted.bytes()), (to, Body::from_records(to, ARN, &records).bytes()));
    }
}

#[test]
fn json_is_what_the_model_says() {
    let records = random_records();
    for (stream, field) in [("orders", "StreamName"), (ARN, "StreamARN")] {
        let entries: Vec<_> = records.iter().map(entry_of_model).collect();
        let body = Body::from_records(Format::Json, stream, &records);
        let read: Value = serde_json::from_slice(body.bytes()).expect("JSON");
        assert_eq!(read, json!({field: stream, "Records": entries}));
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

#[test]
fn cbor_is_what_the_model_says() {
    let records = random_records();
    for (stream, field) in [("orders", "StreamName"), (ARN, "StreamARN")] {
        let body = Body::from_records(Format::Cbor, stream, &records);
        let mut decoder = Decoder::new(body.bytes());
        assert_eq!(decoder.map().expect("a map"), Some(2));
        assert_eq!((decoder.str().expect("a name"), decoder.str().expect("a stream")), (field, stream));
        assert_eq!(decoder.str().expect("a name"), "Records");
        assert_eq!(decoder.array().expect("an array"), Some(records.len() as u64));
        for record in &records {
            check_entry(&mut decoder, record);
        }
        assert_eq!(decoder.position(), body.bytes().len());
    }
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
