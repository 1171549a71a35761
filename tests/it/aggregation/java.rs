//! In Java: the Kinesis Client Library takes apart, `amazon-kinesis-aggregator` packs.

use std::{fs, path::Path, process::Command, sync::LazyLock};

use super::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/aggregation/java");
const SHARDS: u128 = 4;

/// Java with the libraries that Maven finds for `pom.xml`, on the source file itself.
pub static JAVA: LazyLock<Peer> = LazyLock::new(|| {
    let libraries = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aggregation-peers.classpath");
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "dependency:build-classpath", "-f"]).arg(Path::new(FOLDER).join("pom.xml"));
    maven.arg(format!("-Dmdep.outputFile={}", libraries.display()));
    let output = maven.output().expect("mvn in PATH: apt-get install maven default-jdk-headless");
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    assert!(output.status.success(), "{maven:?}: {}\n{}", output.status, said.concat());
    let libraries = fs::read_to_string(libraries).expect("a class path");
    Peer::new("java", &["-cp", libraries.trim(), &format!("{FOLDER}/Peer.java")])
});

/// The first and the last hash key of a shard.
fn range(shard: u128) -> String {
    let size = u128::MAX / SHARDS + 1;
    format!("{} {} ", shard * size, shard * size + (size - 1))
}

/// User records by the shard that they belong to.
fn by_shard() -> Vec<Vec<UserRecord>> {
    let mut shards = vec![Vec::new(); SHARDS as usize];
    for record in assorted().into_iter().flatten().filter(|record| record.data.len() < 1_000) {
        shards[(hash(&record) / (u128::MAX / SHARDS + 1)) as usize].push(record);
    }
    assert!(shards.iter().all(|shard| shard.len() > 200), "{:?}", shards.iter().map(Vec::len).collect::<Vec<_>>());
    shards
}

#[test]
#[ignore = "needs Maven"]
fn kcl_takes_apart_what_is_packed_here() {
    let whole = format!("0 {} ", u128::MAX);
    let assorted = assorted();
    let packed: Vec<_> = assorted.iter().map(|records| (whole.clone(), encode(records))).collect();
    assert!(JAVA.unpack(&packed) == assorted);
}

/// It drops what does not belong to the shard that it reads.
#[test]
#[ignore = "needs Maven"]
fn kcl_drops_nothing_that_was_packed_for_its_shard() {
    let shards = by_shard();
    let packed = shards.iter().zip(0..).map(|(records, shard)| (range(shard), encode(records)));
    assert!(JAVA.unpack(&packed.collect::<Vec<_>>()) == shards);
    let of_the_next = shards.iter().zip(0..).map(|(records, shard)| (range((shard + 1) % SHARDS), encode(records)));
    assert!(JAVA.unpack(&of_the_next.collect::<Vec<_>>()).iter().all(Vec::is_empty), "the wrong shard takes them all");
}

/// It gives every record an explicit hash key: where it belongs anyway.
#[test]
#[ignore = "needs Maven"]
fn what_java_packs_is_taken_apart_here() {
    takes_apart_what_is_packed_by(&JAVA, |found, record| {
        *found == record.clone().with_explicit_hash_key(hash(record).to_string())
    });
}
