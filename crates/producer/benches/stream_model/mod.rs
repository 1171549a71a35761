//! A Kinesis stream in memory: its shards, what lies in them, and what a shard takes. Tests and benches build on it what speaks
//! for a stream, in process or behind a socket.

mod record;
mod throughput;

use std::{collections::HashMap, ops::RangeInclusive};

use kinesis_producer::{OpenShard, Receipt, Record, ShardMap};

use self::throughput::Meter;
pub use self::{
    record::{Landed, hash_key, name, user_records},
    throughput::{Counting, Throughput},
};

/// The stream. It tells records from each other by the first eight bytes of their data.
pub struct Stream {
    /// The open ones, by the hash keys that they take.
    shards: Vec<Shard>,
    /// Of every shard that ever was.
    ranges: HashMap<String, RangeInclusive<u128>>,
    /// What lies in each shard, in its order; `None` where only copies are counted.
    landed: Option<HashMap<String, Vec<Landed>>>,
    copies: HashMap<[u8; 8], usize>,
    kinesis_records: u64,
}

struct Shard {
    id: String,
    range: RangeInclusive<u128>,
    meter: Meter,
}

/// Where a record was written.
pub struct Place {
    pub shard_id: String,
    pub sequence_number: u64,
}

impl Stream {
    /// Shards of equal width, which take everything and keep it.
    pub fn new(shards: usize) -> Self {
        let mut stream = Self {
            shards: Vec::new(),
            ranges: HashMap::new(),
            landed: Some(HashMap::new()),
            copies: HashMap::new(),
            kinesis_records: 0,
        };
        let width = u128::MAX / shards as u128;
        for index in 0..shards as u128 {
            let end = if index + 1 == shards as u128 { u128::MAX } else { (index + 1) * width - 1 };
            stream.open(index * width..=end);
        }
        stream
    }

    /// The same stream, which counts copies and keeps no record: for millions of them.
    pub fn counting(self) -> Self {
        Self { landed: None, ..self }
    }

    /// Splits a shard in the middle, as the service does: two new ones take its place.
    pub fn split(&mut self, index: usize) {
        let (start, end) = self.shards.remove(index).range.into_inner();
        let middle = start + (end - start) / 2;
        self.open(start..=middle);
        self.open(middle + 1..=end);
    }

    /// Merges the two shards that have the lowest hash keys.
    pub fn merge(&mut self) {
        let (start, _) = self.shards.remove(0).range.into_inner();
        let (_, end) = self.shards.remove(0).range.into_inner();
        self.open(start..=end);
    }

    fn open(&mut self, range: RangeInclusive<u128>) {
        let id = format!("shardId-{:012}", self.ranges.len());
        self.ranges.insert(id.clone(), range.clone());
        self.shards.push(Shard { id, range, meter: Meter::default() });
        self.shards.sort_by_key(|shard| *shard.range.start());
    }

    /// What the service tells of the open shards.
    pub fn shard_map(&self) -> ShardMap {
        let shard = |shard: &Shard| OpenShard::new(shard.id.as_str(), shard.range.clone());
        ShardMap::new(self.shards.iter().map(shard).collect()).expect("every hash key once")
    }

    /// The hash keys of an open shard.
    pub fn range_of(&self, shard_id: &str) -> Option<RangeInclusive<u128>> {
        self.shards.iter().find(|shard| shard.id == shard_id).map(|shard| shard.range.clone())
    }

    /// The shard that a record goes to.
    pub fn shard_of(&self, record: &Record) -> &str {
        &self.shards[self.index_of(record)].id
    }

    fn index_of(&self, record: &Record) -> usize {
        let hash_key = hash_key(record);
        self.shards.partition_point(|shard| *shard.range.end() < hash_key)
    }

    /// Whether its shard, which takes so much, takes the record at this time, in seconds.
    pub fn takes(&mut self, record: &Record, limit: Throughput, counting: Counting, seconds: f64) -> bool {
        let index = self.index_of(record);
        self.shards[index].meter.takes(record.size(), limit, counting, seconds)
    }

    /// Writes a record.
    pub fn write(&mut self, record: &Record) -> Place {
        self.kinesis_records += 1;
        let (shard_id, sequence_number) = (self.shard_of(record).to_owned(), self.kinesis_records);
        for (sub_sequence_number, record) in user_records(record) {
            *self.copies.entry(first_bytes(&record)).or_default() += 1;
            if let Some(landed) = &mut self.landed {
                let landed = landed.entry(shard_id.clone()).or_default();
                landed.push(Landed { record, sequence_number, sub_sequence_number });
            }
        }
        Place { shard_id, sequence_number }
    }

    /// What lies in the shards, each in its order.
    pub fn landed(&self) -> &HashMap<String, Vec<Landed>> {
        self.landed.as_ref().expect("a stream that keeps its records")
    }

    /// As the service counts them, whatever is packed in one.
    pub fn kinesis_records(&self) -> u64 {
        self.kinesis_records
    }

    /// Different user records.
    pub fn written(&self) -> usize {
        self.copies.len()
    }

    /// How many records lie in the stream beside the first copy of each.
    pub fn extra_copies(&self) -> usize {
        self.copies.values().map(|copies| copies - 1).sum()
    }

    /// Whether the record lies anywhere.
    pub fn has(&self, record: &Record) -> bool {
        self.copies.contains_key(&first_bytes(record))
    }

    /// Whether the record lies where its receipt says.
    pub fn has_at(&self, record: &Record, receipt: &Receipt) -> bool {
        let number = receipt.sequence_number().parse().expect("a number of this stream's");
        let landed = self.landed().get(receipt.shard_id()).map_or(&[][..], Vec::as_slice);
        let behind = &landed[landed.partition_point(|landed| landed.sequence_number < number)..];
        behind
            .iter()
            .take_while(|landed| landed.sequence_number == number)
            .any(|landed| landed.sub_sequence_number == receipt.sub_sequence_number() && landed.record == *record)
    }

    /// Records that no consumer sees: those of which each copy is in an aggregate in a shard of another range.
    pub fn unseen(&self) -> usize {
        let mut seen = HashMap::new();
        for (shard, landed) in self.landed() {
            for landed in landed {
                let is_seen = !landed.is_packed() || self.ranges[shard].contains(&hash_key(&landed.record));
                *seen.entry(first_bytes(&landed.record)).or_insert(false) |= is_seen;
            }
        }
        seen.values().filter(|is_seen| !**is_seen).count()
    }
}

fn first_bytes(record: &Record) -> [u8; 8] {
    record.data[..8].try_into().expect("eight bytes")
}
