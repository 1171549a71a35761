//! A stream in simulated time: shards that refuse what goes beyond their limits, behind a network that takes its time.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use kinesis_producer::{
    Answer, Format, Record, Request, RequestError, Transport, Wants,
    shard_map::{DescribeError, OpenShard, ShardMap},
};
use md5::{Digest, Md5};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, sleep};

/// Milliseconds from a request to its answer.
const LATENCY: std::ops::RangeInclusive<u64> = 5..=20;

/// How a shard counts what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// By a bucket that holds a second's worth and fills all the time.
    Bucket,
    /// Anew in each second of the clock.
    Windows,
}

/// What a shard takes in a second.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub records: f64,
    pub bytes: f64,
}

impl Limit {
    /// Of a whole shard. Source: Kinesis API reference, PutRecords and CreateStream.
    pub const SHARD: Self = Self { records: 1_000.0, bytes: 1_048_576.0 };

    /// A part of it, where somebody else takes the rest.
    pub fn part(self, part: f64) -> Self {
        Self { records: self.records * part, bytes: self.bytes * part }
    }
}

/// What happened within one second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub accepted: u64,
    pub accepted_bytes: u64,
    pub refused: u64,
}

/// The stream. Clones are one stream.
#[derive(Clone)]
pub struct Model(Arc<Stream>);

struct Stream {
    map: ShardMap,
    is_map_known: bool,
    counting: Counting,
    limit: Limit,
    start: Instant,
    state: Mutex<State>,
}

struct State {
    shards: Vec<Meter>,
    /// How often the record of each number was accepted.
    copies: Vec<u8>,
    seconds: Vec<Tally>,
    rng: StdRng,
}

/// What one shard can still take.
struct Meter {
    left: Limit,
    at: f64,
}

impl Model {
    /// Begins now. A map that is not known is one that the caller may not ask for.
    pub fn new(shards: usize, counting: Counting, limit: Limit, is_map_known: bool) -> Self {
        let meter = |_| Meter { left: limit, at: 0.0 };
        let state = State {
            shards: (0..shards).map(meter).collect(),
            copies: Vec::new(),
            seconds: Vec::new(),
            rng: StdRng::seed_from_u64(shards as u64),
        };
        let (map, start) = (even_map(shards), Instant::now());
        Self(Arc::new(Stream { map, is_map_known, counting, limit, start, state: Mutex::new(state) }))
    }

    /// A record that the stream will know again by its number.
    pub fn record(number: u64, bytes: usize, partition_key: String) -> Record {
        let mut data = number.to_le_bytes().to_vec();
        data.resize(bytes, b'.');
        Record::new(data, partition_key)
    }

    /// What happened in each second.
    pub fn seconds(&self) -> Vec<Tally> {
        self.state().seconds.clone()
    }

    /// Of records numbered from 0 on: how many never arrived, and how many did more than once.
    pub fn lost_and_doubled(&self, offered: u64) -> (u64, u64) {
        let state = self.state();
        let with = |is_it: fn(u8) -> bool| state.copies.iter().filter(|copies| is_it(**copies)).count() as u64;
        (offered - with(|copies| copies > 0), with(|copies| copies > 1))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("a scenario that failed")
    }

    fn latency(&self) -> Duration {
        Duration::from_millis(self.state().rng.random_range(LATENCY))
    }

    fn answer(&self, request: &Request) -> Answer {
        let (mut state, mut answer) = (self.state(), Answer::builder());
        let now = self.0.start.elapsed().as_secs_f64();
        for record in request.body.records() {
            let index = self.0.map.index_of(hash_key(&record));
            let shard = &self.0.map.shard(index).id;
            let is_accepted = state.shards[index].takes(record.size(), self.0.limit, self.0.counting, now);
            state.tally(now, record.size(), is_accepted);
            if is_accepted {
                let number = number(&record);
                state.note(number);
                answer.written(shard, &number.to_string());
            } else {
                let why = format!("Rate exceeded for shard {shard} in stream model under account 000000000000.");
                answer.refused("ProvisionedThroughputExceededException", &why);
            }
        }
        answer.build()
    }
}

impl Transport for Model {
    fn wants(&self) -> Wants {
        Wants::new(Format::Cbor)
    }

    fn put_records(&self, request: Request) -> BoxFuture<'static, Result<Answer, RequestError>> {
        let model = self.clone();
        async move {
            let one_way = model.latency() / 2;
            sleep(one_way).await;
            let answer = model.answer(&request);
            sleep(one_way).await;
            Ok(answer)
        }
        .boxed()
    }

    fn shards(&self) -> BoxFuture<'static, Result<Option<ShardMap>, DescribeError>> {
        let reason = "AccessDeniedException: not authorized".to_owned();
        let answer = match self.0.is_map_known {
            true => Ok(Some(self.0.map.clone())),
            false => Err(DescribeError::NotPermitted {
                call: "ListShards",
                stream: "model".to_owned(),
                code: "AccessDeniedException".to_owned(),
                reason,
            }),
        };
        async move { answer }.boxed()
    }
}

impl State {
    fn tally(&mut self, now: f64, bytes: usize, is_accepted: bool) {
        let second = now as usize;
        if self.seconds.len() <= second {
            self.seconds.resize(second + 1, Tally::default());
        }
        let tally = &mut self.seconds[second];
        tally.accepted += u64::from(is_accepted);
        tally.accepted_bytes += if is_accepted { bytes as u64 } else { 0 };
        tally.refused += u64::from(!is_accepted);
    }

    fn note(&mut self, number: u64) {
        let number = number as usize;
        if self.copies.len() <= number {
            self.copies.resize((number + 1).next_power_of_two(), 0);
        }
        self.copies[number] = self.copies[number].saturating_add(1);
    }
}

impl Meter {
    fn takes(&mut self, bytes: usize, limit: Limit, counting: Counting, now: f64) -> bool {
        let seconds = match counting {
            Counting::Bucket => now - self.at,
            Counting::Windows => now.floor() - self.at.floor(),
        };
        self.left.records = (self.left.records + seconds * limit.records).min(limit.records);
        self.left.bytes = (self.left.bytes + seconds * limit.bytes).min(limit.bytes);
        self.at = now;
        let bytes = bytes as f64;
        let is_accepted = self.left.records >= 1.0 && self.left.bytes >= bytes.min(limit.bytes);
        if is_accepted {
            self.left.records -= 1.0;
            self.left.bytes -= bytes;
        }
        is_accepted
    }
}

fn number(record: &Record) -> u64 {
    u64::from_le_bytes(record.data[..8].try_into().expect("eight bytes"))
}

fn hash_key(record: &Record) -> u128 {
    let of_key = || u128::from_be_bytes(Md5::digest(record.partition_key.as_bytes()).into());
    record.explicit_hash_key.unwrap_or_else(of_key)
}

fn even_map(shards: usize) -> ShardMap {
    let width = u128::MAX / shards as u128;
    let range = |i: usize| {
        let start = i as u128 * width;
        start..=if i + 1 == shards { u128::MAX } else { start + width - 1 }
    };
    let shard = |i| OpenShard::new(format!("shardId-{i:012}"), range(i));
    ShardMap::new((0..shards).map(shard).collect()).expect("every hash key once")
}
