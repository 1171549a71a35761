//! The rows of the table: which client against which, with what, and how far it is to reach.

use std::path::{Path, PathBuf};

use crate::work::{Format, Work};

/// One line of the table.
pub struct Row {
    pub name: &'static str,
    pub work: &'static str,
    pub ours: Arm,
    pub peer: Option<Arm>,
    pub reach: Reach,
}

/// A client and what it is to do.
#[derive(Clone)]
pub struct Arm {
    pub label: &'static str,
    pub program: Program,
    pub work: Work,
    /// Of the stream.
    pub shards: u64,
    /// Whether the making of the records is taken off.
    pub net: bool,
}

#[derive(Clone)]
pub enum Program {
    /// An arm of this binary.
    Own(&'static str),
    /// A folder of benches/peers.
    Peer(&'static str),
}

/// What a row is to reach.
#[derive(Clone, Copy)]
pub enum Reach {
    /// Of the peer's CPU, at most.
    Ratio(f64),
    /// CPU-seconds for a million records, at most.
    Seconds(f64),
    /// Nothing; it is there to compare with.
    None,
}

/// All of them, in the order of the table.
pub fn all() -> Vec<Row> {
    vec![
        against_sdk("json", "1 KB × 500, JSON", fixed(1024, Format::Json), "sdk", 0.60),
        against_sdk("cbor", "1 KB × 500, CBOR", fixed(1024, Format::Cbor), "sdk", 0.45),
        Row {
            reach: Reach::None,
            ..against_sdk(
                "json-futures",
                "the same, JSON, futures on both sides",
                fixed(1024, Format::Json),
                "sdk-futures",
                0.60,
            )
        },
        against_sdk(
            "aggregated",
            "40 × 1 KB aggregated, JSON",
            Work { aggregate: 40, ..fixed(1024, Format::Json) },
            "sdk",
            0.40,
        ),
        against_sdk(
            "aggregated-cbor",
            "the same, CBOR against the SDK's JSON",
            Work { aggregate: 40, ..fixed(1024, Format::Cbor) },
            "sdk",
            0.40,
        ),
        documents("documents-cbor", "full documents, CBOR", Format::Cbor, 8.0),
        documents("documents-json", "full documents, JSON", Format::Json, 11.0),
        Row {
            name: "generation",
            work: "full documents, made and not sent",
            ours: Arm { net: false, ..arm("generation", Program::Own("generate"), full(Format::Json)) },
            peer: None,
            reach: Reach::Seconds(1e6 / 600_000.0),
        },
        against_peer("boto3", "1 KB × 500, JSON", fixed(1024, Format::Json), "boto3", 60_000, 0.06),
        against_peer("kpl-200", "200 B aggregated", packed(200), "kpl", 400_000, 1.0),
        against_peer("kpl-1k", "1 KB aggregated", packed(1024), "kpl", 200_000, 1.0),
        against_peer("a8m-200", "200 B aggregated", packed(200), "a8m", 1_000_000, 1.0),
        against_peer("a8m-1k", "1 KB aggregated", packed(1024), "a8m", 500_000, 1.0),
        against_peer("aiokpl-200", "200 B aggregated", packed(200), "aiokpl", 20_000, 1.0),
        against_peer("aiokpl-1k", "1 KB aggregated", packed(1024), "aiokpl", 20_000, 1.0),
    ]
}

/// Few shards, as records of one shard are packed together, and a stream of thousands has little for each.
const SHARDS_OF_AGGREGATES: u64 = 8;

fn against_sdk(name: &'static str, work: &'static str, what: Work, sdk: &'static str, reach: f64) -> Row {
    let peer =
        Arm { shards: shards(&what), ..arm("SDK", Program::Own(sdk), Work { records: 500_000, ..what.clone() }) };
    Row { name, work, ours: ours(what), peer: Some(peer), reach: Reach::Ratio(reach) }
}

fn against_peer(
    name: &'static str,
    work: &'static str,
    what: Work,
    peer: &'static str,
    records: u64,
    reach: f64,
) -> Row {
    let theirs = Work { records, warmup: records / 5, ..what.clone() };
    let peer = Arm { shards: shards(&what), ..arm(peer, Program::Peer(peer), theirs) };
    Row { name, work, ours: ours(what), peer: Some(peer), reach: Reach::Ratio(reach) }
}

fn documents(name: &'static str, work: &'static str, format: Format, reach: f64) -> Row {
    let ours = Arm { net: false, ..ours(full(format)) };
    let peer = Arm { net: false, ..arm("SDK", Program::Own("sdk"), full(format)) };
    Row { name, work, ours, peer: Some(peer), reach: Reach::Seconds(reach) }
}

fn ours(work: Work) -> Arm {
    Arm { shards: shards(&work), ..arm("ours", Program::Own("ours"), work) }
}

fn arm(label: &'static str, program: Program, work: Work) -> Arm {
    Arm { label, program, work, shards: 4096, net: true }
}

fn shards(work: &Work) -> u64 {
    if work.aggregate == 1 { 4096 } else { SHARDS_OF_AGGREGATES }
}

fn fixed(size: usize, format: Format) -> Work {
    Work { records: 1_500_000, warmup: 50_000, size, format, aggregate: 1, send: true }
}

fn packed(size: usize) -> Work {
    Work { records: if size < 1000 { 4_000_000 } else { 1_500_000 }, aggregate: 0, ..fixed(size, Format::Json) }
}

fn full(format: Format) -> Work {
    Work { records: 200_000, warmup: 20_000, ..fixed(0, format) }
}

impl Program {
    /// The command, or why there is none: what benches/peers/run.sh has written beside its programs.
    pub fn command(&self) -> Result<Vec<String>, String> {
        match self {
            Self::Own(name) => {
                let binary = std::env::current_exe().map_err(|error| error.to_string())?;
                Ok(vec![binary.display().to_string(), "arm".to_owned(), (*name).to_owned()])
            }
            Self::Peer(name) => peer(&peers().join(name)),
        }
    }
}

/// Where benches/peers/run.sh builds the peers.
pub fn peers() -> PathBuf {
    std::env::var_os("BENCH_PEERS").map_or_else(|| PathBuf::from("target/peers"), PathBuf::from)
}

fn peer(folder: &Path) -> Result<Vec<String>, String> {
    let run = folder.join("run");
    if run.exists() {
        return Ok(vec![run.display().to_string()]);
    }
    let reason = std::fs::read_to_string(folder.join("unreachable"));
    Err(reason.map_or_else(|_| "not built: benches/peers/run.sh does that".to_owned(), |text| text.trim().to_owned()))
}

impl Arm {
    /// Whether the sink hears of it at all.
    pub fn sends(&self) -> bool {
        !matches!(self.program, Program::Own("generate"))
    }
}
