//! Aggregated records against implementations that others wrote: what is packed here is taken apart there, and the other way.

mod java;
mod peer;
mod proof;
mod producer;
mod python;

use kinesis_aggregation::{UserRecord, decode, encode};
use md5::{Digest, Md5};
use peer::Peer;
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

fn record(partition_key: &str, explicit_hash_key: Option<u128>, data: &[u8]) -> UserRecord {
    let record = UserRecord::new(partition_key, data);
    match explicit_hash_key {
        Some(key) => record.with_explicit_hash_key(key.to_string()),
        None => record,
    }
}

/// Where a record belongs.
fn hash(record: &UserRecord) -> u128 {
    match &record.explicit_hash_key {
        Some(key) => key.parse().expect("a number"),
        None => u128::from_be_bytes(Md5::digest(&record.partition_key).into()),
    }
}

/// User records of each aggregated record: one, many of few keys, many of many, empty, large, with any bytes; some with
/// explicit hash keys, all with them, or none.
fn assorted() -> Vec<Vec<UserRecord>> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
    let mut assorted = vec![
        vec![record("a", None, b"one")],
        vec![record("ключ", Some(u128::MAX), b""), record("ключ", Some(0), &[0xF3, 0x89, 0x9A, 0xC2, 0])],
        vec![record("large", None, &vec![7; 300_000]), record("large", None, &vec![8; 300_000])],
    ];
    for (keys, explicit) in [(3, 0.0), (3, 1.0), (400, 0.0), (400, 1.0), (400, 0.5)] {
        let mut one = |_| {
            let data: Vec<u8> = (0..random.random_range(1..300)).map(|_| random.random()).collect();
            let explicit_hash_key = random.random_bool(explicit).then(|| random.random::<u128>() >> 3);
            record(&format!("key {}", random.random_range(0..keys)), explicit_hash_key, &data)
        };
        assorted.push((0..700).map(&mut one).collect());
    }
    assorted
}

/// What a peer packs is taken apart here.
fn takes_apart_what_is_packed_by(peer: &Peer, same: impl Fn(&UserRecord, &UserRecord) -> bool) {
    let assorted = assorted();
    let packed = peer.pack(&assorted);
    assert_eq!(packed.len(), assorted.len());
    for (packed, records) in packed.iter().zip(&assorted) {
        let found = decode(packed).expect("it makes sense").expect("it is aggregated");
        assert_eq!(found.len(), records.len());
        let other = found.iter().zip(records).find(|(found, record)| !same(found, record));
        assert_eq!(other, None);
    }
}
