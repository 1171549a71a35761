//! A Kinesis that does as it is told and remembers everything.

use std::{
    collections::HashMap,
    ops::RangeInclusive,
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{FutureExt, future::BoxFuture};
use kinesis_producer::{
    Answer, AnswerBuilder, Body, DescribeError, Format, OpenShard, Record, Request, RequestError, Severity, ShardMap,
    Transport, Wants,
};
use md5::{Digest, Md5};
use tokio::time::sleep;

/// What the sink does with a request.
pub enum Step {
    /// Writes and answers all but the positions that the function picks.
    Refuse(fn(request: usize, position: usize) -> bool),
    /// Writes all, then answers only this many positions.
    Short(usize),
    /// Writes all, then fails as if the connection was reset.
    Reset,
    /// Writes nothing and fails.
    Fail(Severity),
    /// Writes nothing and never answers.
    Hang,
    /// As `Refuse` with none, but after a while.
    Slow(Duration),
}

#[derive(Clone)]
pub struct Call {
    pub at: Instant,
    pub records: usize,
    pub bytes: usize,
}

/// One user record as it lies in a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// Its first eight bytes.
    pub name: String,
    pub key: String,
    pub hash: u128,
    pub in_aggregate: bool,
}

type Shards = Vec<(String, RangeInclusive<u128>)>;

#[derive(Clone)]
pub struct Sink(Arc<Inner>);

struct Inner {
    script: Box<dyn Fn(usize) -> Step + Send + Sync>,
    calls: Mutex<Vec<Call>>,
    /// The open shards, as the service knows them.
    shards: Mutex<Shards>,
    /// Those that ever were.
    ever: Mutex<HashMap<String, RangeInclusive<u128>>>,
    /// Whether the producer may ask for them.
    tells: bool,
    landed: Mutex<HashMap<String, Vec<Landed>>>,
    open: AtomicUsize,
    most_open: AtomicUsize,
    bodies: Mutex<Vec<Weak<Body>>>,
}

impl Sink {
    /// One shard, which the producer does not know of.
    pub fn new(script: impl Fn(usize) -> Step + Send + Sync + 'static) -> Self {
        Self::of(1, false, script)
    }

    /// Shards of equal width, which the producer may ask for.
    pub fn with_shards(count: usize, script: impl Fn(usize) -> Step + Send + Sync + 'static) -> Self {
        Self::of(count, true, script)
    }

    fn of(count: usize, tells: bool, script: impl Fn(usize) -> Step + Send + Sync + 'static) -> Self {
        let width = u128::MAX / count as u128;
        let range = |i: usize| i as u128 * width..=if i + 1 == count { u128::MAX } else { (i as u128 + 1) * width - 1 };
        Self(Arc::new(Inner {
            script: Box::new(script),
            calls: Mutex::default(),
            shards: Mutex::new((0..count).map(|i| (format!("shardId-{i:012}"), range(i))).collect()),
            ever: Mutex::default(),
            tells,
            landed: Mutex::default(),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            bodies: Mutex::default(),
        }))
    }

    /// Splits a shard in the middle, as the service does: two new ones take its place.
    pub fn split(&self, index: usize) {
        let mut shards = lock(&self.0.shards);
        let next = shards.iter().map(|(id, _)| number(id)).max().expect("a shard") + 1;
        let (_, range) = shards.remove(index);
        let middle = range.start() + (range.end() - range.start()) / 2;
        shards.push((format!("shardId-{next:012}"), *range.start()..=middle));
        shards.push((format!("shardId-{:012}", next + 1), middle + 1..=*range.end()));
    }

    /// Merges the two shards that have the lowest hash keys.
    pub fn merge(&self) {
        let mut shards = lock(&self.0.shards);
        let next = shards.iter().map(|(id, _)| number(id)).max().expect("a shard") + 1;
        shards.sort_by_key(|(_, range)| *range.start());
        let (_, low) = shards.remove(0);
        let (_, high) = shards.remove(0);
        shards.push((format!("shardId-{next:012}"), *low.start()..=*high.end()));
    }

    pub fn range_of(&self, shard: &str) -> Option<RangeInclusive<u128>> {
        lock(&self.0.shards).iter().find(|(id, _)| id == shard).map(|(_, range)| range.clone())
    }

    pub fn calls(&self) -> Vec<Call> {
        lock(&self.0.calls).clone()
    }

    pub fn requests(&self) -> usize {
        lock(&self.0.calls).len()
    }

    pub fn most_open(&self) -> usize {
        self.0.most_open.load(Ordering::SeqCst)
    }

    /// The sizes of the bodies that came and are still held.
    pub fn bodies_held(&self) -> Vec<usize> {
        let mut bodies = lock(&self.0.bodies);
        bodies.retain(|body| body.strong_count() > 0);
        bodies.sort_by_key(Weak::as_ptr);
        bodies.dedup_by_key(|body| body.as_ptr());
        bodies.iter().filter_map(|body| Some(body.upgrade()?.bytes().len())).collect()
    }

    /// What lies in the shards, each in its order.
    pub fn landed(&self) -> HashMap<String, Vec<Landed>> {
        lock(&self.0.landed).clone()
    }

    /// Different records that were written.
    pub fn written(&self) -> usize {
        self.copies().len()
    }

    pub fn extra_copies(&self) -> usize {
        self.copies().values().map(|copies| copies - 1).sum()
    }

    /// Records that no consumer sees: those of which each copy is in an aggregate in a shard of another range.
    pub fn unseen(&self) -> usize {
        let (landed, ranges) = (self.landed(), lock(&self.0.ever).clone());
        let mut seen = HashMap::new();
        for (shard, records) in &landed {
            for record in records {
                let is_seen = !record.in_aggregate || ranges[shard].contains(&record.hash);
                *seen.entry(&record.name).or_insert(false) |= is_seen;
            }
        }
        seen.values().filter(|is_seen| !**is_seen).count()
    }

    fn copies(&self) -> HashMap<String, usize> {
        let mut copies = HashMap::new();
        for landed in lock(&self.0.landed).values().flatten() {
            *copies.entry(landed.name.clone()).or_default() += 1;
        }
        copies
    }

    fn begin(&self, records: &[Record]) -> usize {
        let mut calls = lock(&self.0.calls);
        calls.push(Call { at: Instant::now(), records: records.len(), bytes: records.iter().map(Record::size).sum() });
        let open = self.0.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most_open.fetch_max(open, Ordering::SeqCst);
        calls.len() - 1
    }

    fn write(&self, record: &Record, answer: &mut AnswerBuilder) {
        let hash = record.explicit_hash_key.unwrap_or_else(|| hash_key(&record.partition_key));
        let shards = lock(&self.0.shards);
        let (shard, _) = shards.iter().find(|(_, range)| range.contains(&hash)).expect("every hash has a shard");
        let landed = landed(record);
        answer.written(shard, &landed[0].name);
        lock(&self.0.ever).extend(shards.iter().cloned());
        lock(&self.0.landed).entry(shard.clone()).or_default().extend(landed);
    }

    fn answer(&self, records: &[Record], refuse: impl Fn(usize) -> bool, positions: usize) -> Answer {
        let mut answer = Answer::builder();
        let mut unsaid = Answer::builder();
        for (i, record) in records.iter().enumerate() {
            let answer = if i < positions { &mut answer } else { &mut unsaid };
            match refuse(i) {
                true => drop(answer.refused("ProvisionedThroughputExceededException", "Rate exceeded")),
                false => self.write(record, answer),
            }
        }
        answer.build()
    }

    async fn take(&self, request: usize, records: &[Record]) -> Result<Answer, RequestError> {
        match (self.0.script)(request) {
            Step::Refuse(picks) => Ok(self.answer(records, |position| picks(request, position), usize::MAX)),
            Step::Short(positions) => Ok(self.answer(records, |_| false, positions)),
            Step::Reset => {
                self.answer(records, |_| false, usize::MAX);
                Err(RequestError::new(Severity::Unknown, "connection reset by peer"))
            }
            Step::Fail(severity) => Err(RequestError::new(severity, format!("{severity:?}"))),
            Step::Hang => std::future::pending().await,
            Step::Slow(time) => {
                sleep(time).await;
                Ok(self.answer(records, |_| false, usize::MAX))
            }
        }
    }
}

impl Transport for Sink {
    fn wants(&self) -> Wants {
        Wants::new(Format::Json).with_hash()
    }

    fn put_records(&self, request: Request) -> BoxFuture<'static, Result<Answer, RequestError>> {
        let sink = self.clone();
        async move {
            assert_eq!(request.sha256, Some(sha2::Sha256::digest(request.body.bytes()).into()), "its body's hash");
            lock(&sink.0.bodies).push(Arc::downgrade(&request.body));
            let records: Vec<_> = request.body.records().collect();
            let number = sink.begin(&records);
            let answer = sink.take(number, &records).await;
            sink.0.open.fetch_sub(1, Ordering::SeqCst);
            answer
        }
        .boxed()
    }

    fn shards(&self) -> BoxFuture<'static, Result<Option<ShardMap>, DescribeError>> {
        let shard = |(id, range): &(String, RangeInclusive<u128>)| OpenShard::new(id.as_str(), range.clone());
        let shards = lock(&self.0.shards).iter().map(shard).collect();
        let map = self.0.tells.then(|| ShardMap::new(shards).expect("shards that cover all"));
        std::future::ready(Ok(map)).boxed()
    }
}

pub fn hash_key(partition_key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key).into())
}

fn landed(record: &Record) -> Vec<Landed> {
    let one = |data: &[u8], key: &str, hash: Option<u128>, in_aggregate| Landed {
        name: String::from_utf8_lossy(&data[..8]).into_owned(),
        key: key.to_owned(),
        hash: hash.unwrap_or_else(|| hash_key(key)),
        in_aggregate,
    };
    match kinesis_aggregation::decode(&record.data).expect("well packed") {
        None => vec![one(&record.data, &record.partition_key, record.explicit_hash_key, false)],
        Some(records) => {
            let number = |key: &String| key.parse().expect("a decimal number");
            let each = |record: &kinesis_aggregation::UserRecord| {
                one(&record.data, &record.partition_key, record.explicit_hash_key.as_ref().map(number), true)
            };
            records.iter().map(each).collect()
        }
    }
}

fn number(id: &str) -> u64 {
    id.trim_start_matches("shardId-").parse().expect("a number")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("a test that failed")
}
