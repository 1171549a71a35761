//! Aggregated records against the published format, against prost, and damaged.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

fn record(partition_key: &str, explicit_hash_key: Option<&str>, data: &[u8]) -> UserRecord {
    let record = UserRecord::new(partition_key, data);
    UserRecord { explicit_hash_key: explicit_hash_key.map(str::to_owned), ..record }
}

fn sealed(message: &[u8]) -> Vec<u8> {
    [MAGIC.as_slice(), message, &Md5::digest(message)].concat()
}

#[test]
fn what_is_packed_comes_out_again() {
    let records = [record("a", None, b"1"), record("b", Some("7"), b""), record("a", Some("7"), &[0xF3, 0, 255])];
    assert_eq!(decode(&encode(&records)), Ok(Some(records.to_vec())));
    assert_eq!(contents(&encode(&records)), Ok(records.iter().map(|record| record.data.clone().into()).collect()));
    assert_eq!((decode(&encode(&[])), contents(&encode(&[]))), (Ok(Some(Vec::new())), Ok(Vec::new())));
}

/// Written out by hand from the published message definition: table of one key, one record with a tag in it.
#[test]
fn the_wire_is_the_published_one() {
    let message = b"\x0a\x02pk\x12\x0242\x1a\x0d\x08\x00\x10\x00\x1a\x02hi\x22\x03\x0a\x01t";
    assert_eq!(decode(&sealed(message)), Ok(Some(vec![record("pk", Some("42"), b"hi")])));
    let ours = encode(&[record("pk", Some("42"), b"hi")]);
    assert_eq!(ours, sealed(b"\x0a\x02pk\x12\x0242\x1a\x08\x08\x00\x10\x00\x1a\x02hi"));
}

#[test]
fn what_is_not_aggregated_stays_as_it_is() {
    let mut damaged = encode(&[record("a", None, b"1")]);
    *damaged.last_mut().expect("bytes") ^= 1;
    for plain in [b"".as_slice(), b"{\"a\": 1}\n", &MAGIC, &[0xF3, 0x89, 0x9A, 0xC2, 1, 2, 3], &damaged] {
        assert_eq!(decode(plain), Ok(None), "{plain:?}");
        assert_eq!(contents(plain), Ok(vec![Cow::Borrowed(plain)]));
    }
}

#[test]
fn a_message_that_was_packed_wrongly_is_an_error() {
    let error = decode(&sealed(b"\xff\xff\xff")).expect_err("no message");
    assert!(matches!(error, AggregatedError::Protobuf(_)));
    let source = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(!error.to_string().contains(&source), "{error}");
    let no_such_key = b"\x0a\x01a\x1a\x05\x08\x01\x1a\x01x";
    assert_eq!(decode(&sealed(no_such_key)), Err(AggregatedError::Key { record: 0, index: 1, keys: 1 }));
}

/// Keys that come again, as they do; data around the lengths at which a length takes one byte more.
fn records() -> impl Strategy<Value = Vec<UserRecord>> {
    let key = prop_oneof![4 => "[a-d]", 2 => ".{0,20}", 1 => "ü{120,140}"];
    let hash_key = prop::option::of(prop_oneof![0..4_u128, any::<u128>()]);
    let data = prop_oneof![4 => vec(any::<u8>(), 0..20), 1 => vec(any::<u8>(), 120..140)];
    let record = (key, hash_key, data).prop_map(|(key, hash_key, data)| {
        let digits = hash_key.map(|key| key.to_string());
        UserRecord { explicit_hash_key: digits, ..UserRecord::new(key, data) }
    });
    vec(record, 0..40)
}

/// By the library of the format, which knows nothing of ours.
fn packed_by_prost(records: &[UserRecord]) -> Vec<u8> {
    let packed = |(at, record): (usize, &UserRecord)| Packed {
        partition_key: at as u64,
        explicit_hash_key: record.explicit_hash_key.as_ref().map(|_| at as u64),
        data: record.data.clone(),
    };
    let message = AggregatedRecord {
        partition_keys: records.iter().map(|record| record.partition_key.clone()).collect(),
        explicit_hash_keys: records.iter().map(|record| record.explicit_hash_key.clone().unwrap_or_default()).collect(),
        records: records.iter().enumerate().map(packed).collect(),
    };
    sealed(&message.encode_to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_records_come_out_again(records in records()) {
        let data = encode(&records);
        prop_assert_eq!(decode(&data), Ok(Some(records.clone())));
        prop_assert!(Records::of_finished(&data).eq(records.iter().map(UserRecord::as_ref)));
        prop_assert_eq!(decode(&packed_by_prost(&records)), Ok(Some(records)));
    }

    #[test]
    fn the_size_is_known_before(records in records()) {
        let mut writer = Writer::with_capacity(0);
        for record in &records {
            let before = writer.clone();
            writer.push(record.as_ref());
            prop_assert!(before.fits(record.as_ref(), writer.bytes()));
            prop_assert!(!before.fits(record.as_ref(), writer.bytes() - 1));
        }
        prop_assert_eq!(writer.bytes(), encode(&records).len());
    }

    #[test]
    fn what_is_damaged_is_a_plain_record(records in records(), at in any::<Index>(), flip in 1..=255_u8) {
        let mut data = encode(&records);
        let at = at.index(data.len());
        data[at] ^= flip;
        prop_assert_eq!(decode(&data), Ok(None));
        prop_assert_eq!(contents(&data[..at]), Ok(vec![Cow::Borrowed(&data[..at])]));
    }

    /// The digest is right, so nothing but the message's own checks stands in the way.
    #[test]
    fn a_damaged_message_is_no_panic(records in records(), damage in vec((any::<Index>(), any::<u8>()), 1..4), end in prop::option::weighted(0.2, any::<Index>())) {
        let data = encode(&records);
        let mut message = data[MAGIC.len()..data.len() - DIGEST_BYTES].to_vec();
        for (at, byte) in damage {
            if let Some(changed) = (!message.is_empty()).then(|| at.index(message.len())) {
                message[changed] = byte;
            }
        }
        message.truncate(end.map_or(message.len(), |end| end.index(message.len() + 1)));
        if let Ok(unpacked) = decode(&sealed(&message)) {
            prop_assert!(unpacked.is_some());
        }
    }
}
