//! The Python package `aws_kinesis_agg`, of the makers of Kinesis.

use super::*;

fn python() -> Peer {
    Peer::new("python3", &[concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/aggregation/peer.py")])
}

#[test]
#[ignore = "needs aws_kinesis_agg"]
fn python_takes_apart_what_is_packed_here() {
    let assorted = assorted();
    let packed: Vec<_> = assorted.iter().map(|records| (String::new(), encode(records))).collect();
    let found = python().unpack(&packed);
    assert_eq!(found.len(), assorted.len());
    for (mut found, records) in found.into_iter().zip(assorted) {
        // It gives the first explicit hash key of the table to records that have none.
        let plain = found.iter_mut().zip(&records).filter(|(_, record)| record.explicit_hash_key.is_none());
        plain.for_each(|(found, _)| found.explicit_hash_key = None);
        assert!(found == records, "{} and {} records", found.len(), records.len());
    }
}

#[test]
#[ignore = "needs aws_kinesis_agg"]
fn what_python_packs_is_taken_apart_here() {
    takes_apart_what_is_packed_by(&python(), |found, record| found == record);
}
