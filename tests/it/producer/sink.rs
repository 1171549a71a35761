//! A transport that does as it is told, and writes into a stream in memory.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{FutureExt, future::BoxFuture};
use kinesis_producer::{
    Answer, AnswerBuilder, Body, DescribeError, Format, Record, Request, RequestError, Severity, ShardMap, Transport,
    Wants,
};
use sha2::Digest;
use tokio::time::sleep;

use crate::stream_model::Stream;

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

#[derive(Clone)]
pub struct Sink(Arc<Inner>);

struct Inner {
    script: Box<dyn Fn(usize) -> Step + Send + Sync>,
    calls: Mutex<Vec<Call>>,
    stream: Mutex<Stream>,
    /// Whether the producer may ask for its shards.
    tells: bool,
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
        Self(Arc::new(Inner {
            script: Box::new(script),
            calls: Mutex::default(),
            stream: Mutex::new(Stream::new(count)),
            tells,
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            bodies: Mutex::default(),
        }))
    }

    /// What lies behind it.
    pub fn stream(&self) -> MutexGuard<'_, Stream> {
        lock(&self.0.stream)
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

    /// Different records that were written.
    pub fn written(&self) -> usize {
        self.stream().written()
    }

    pub fn extra_copies(&self) -> usize {
        self.stream().extra_copies()
    }

    fn begin(&self, records: &[Record]) -> usize {
        let mut calls = lock(&self.0.calls);
        calls.push(Call { at: Instant::now(), records: records.len(), bytes: records.iter().map(Record::size).sum() });
        let open = self.0.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most_open.fetch_max(open, Ordering::SeqCst);
        calls.len() - 1
    }

    fn write(&self, record: &Record, answer: &mut AnswerBuilder) {
        let place = self.stream().write(record);
        answer.written(&place.shard_id, &place.sequence_number.to_string());
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
        let map = self.0.tells.then(|| self.stream().shard_map());
        std::future::ready(Ok(map)).boxed()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("a test that failed")
}
