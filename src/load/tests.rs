//! A load over a sink whose answers are scripted.

mod ends;
mod imperfect;
mod parts;
mod steered;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use demo_workload::{Identity, Key};
use futures::{FutureExt, future::BoxFuture};
use kinesis_producer::{
    Answer, AnswerBuilder, Backoff, Builder, Format, Record, Request, RequestError, Severity, Transport, Wants,
};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::*;
use crate::spec::{Length, Rate};

/// Long enough that only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Eight to ten documents a ticket, each `ticket-item` and a newline.
struct Numbers;

fn documents(ticket: u64) -> impl Iterator<Item = Key> {
    (1..=8 + ticket % 3).map(move |item| Key { ticket, item })
}

fn text(key: Key) -> String {
    format!("{}-{}\n", key.ticket, key.item)
}

impl Source for Numbers {
    fn identity(&self) -> Identity {
        Identity::Line
    }

    fn documents_per_ticket(&self) -> u64 {
        8
    }

    fn locate(self: Arc<Self>, tickets: RangeInclusive<u64>, document: u64) -> Result<(u64, u64), SourceError> {
        let (mut ticket, mut before) = (*tickets.start(), document);
        while before >= documents(ticket).count() as u64 {
            before -= documents(ticket).count() as u64;
            ticket += 1;
        }
        Ok((ticket, before))
    }

    fn render(self: Arc<Self>, tickets: RangeInclusive<u64>) -> Box<dyn Documents> {
        Box::new(Keys(Box::new(tickets.flat_map(documents))))
    }
}

struct Keys(Box<dyn Iterator<Item = Key> + Send>);

impl Documents for Keys {
    fn next_into(&mut self, out: &mut Vec<u8>) -> Result<Option<u64>, SourceError> {
        Ok(self.0.next().inspect(|key| out.extend(text(*key).into_bytes())).map(|key| key.ticket))
    }

    fn go_on(&mut self, tickets: RangeInclusive<u64>) {
        self.0 = Box::new(tickets.flat_map(documents));
    }
}

/// A Kinesis that remembers what it has written, and when.
#[derive(Clone, Default)]
struct Sink {
    written: Arc<Mutex<BTreeMap<String, u32>>>,
    requests: Arc<AtomicU64>,
    /// Of the first request.
    stall: Duration,
    /// Of every request.
    takes: Duration,
    /// Documents of these tickets are always refused.
    refused: Option<u64>,
    /// Requests from this one on fail so.
    fails_from: Option<(u64, Severity)>,
}

impl Sink {
    fn take(&self, record: &Record, answer: &mut AnswerBuilder) {
        if self.refused.is_some_and(|ticket| *record.partition_key == *ticket.to_string()) {
            answer.refused("InternalFailure", "Internal Service Failure");
            return;
        }
        let name = String::from_utf8_lossy(&record.data).into_owned();
        answer.written("shardId-000000000000", "1");
        *self.written.lock().expect("a test that failed").entry(name).or_default() += 1;
    }

    fn written(&self) -> BTreeMap<String, u32> {
        self.written.lock().expect("a test that failed").clone()
    }
}

impl Transport for Sink {
    fn wants(&self) -> Wants {
        Wants::new(Format::Json)
    }

    fn put_records(&self, request: Request) -> BoxFuture<'static, Result<Answer, RequestError>> {
        let (sink, number) = (self.clone(), self.requests.fetch_add(1, Ordering::SeqCst));
        async move {
            if number == 0 {
                sleep(sink.stall).await;
            }
            sleep(sink.takes).await;
            if let Some((_, severity)) = sink.fails_from.filter(|(from, _)| number >= *from) {
                return Err(RequestError::new(severity, format!("it is {severity:?}")));
            }
            let mut answer = Answer::builder();
            request.body.records().for_each(|record| sink.take(&record, &mut answer));
            Ok(answer.build())
        }
        .boxed()
    }
}

struct Bench {
    folder: TempDir,
    sink: Sink,
    reserved: Arc<Mutex<Vec<u64>>>,
    progress: watch::Sender<Progress>,
    cancel: Cancel,
}

impl Bench {
    fn new(sink: Sink) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            sink,
            reserved: Arc::default(),
            progress: watch::Sender::default(),
            cancel: Cancel::new(),
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("run.acks")
    }

    /// Tickets from 101 on, with ten left out after each reservation.
    fn plan(&self, rate: Rate, length: Length) -> Plan {
        let (reserved, mut next) = (self.reserved.clone(), 101);
        let reserve = move |count| {
            reserved.lock().expect("a test that failed").push(count);
            let tickets = next..=next + count - 1;
            next += count + 10;
            Ok(tickets)
        };
        Plan {
            header: Header {
                run: "run".into(),
                origin: Origin::StoreSales { scale: 1, seed: 1 },
                part: Part::WHOLE,
                flaws: None,
            },
            source: Arc::new(Numbers),
            reserve: Box::new(reserve),
            schedule: Schedule::constant(rate, length).expect("documents"),
            partition_key: PartitionKey::Uniform,
            shards: Vec::new(),
            controls: control().1,
            give_up: PATIENCE,
            samples: Vec::new(),
            seconds: None,
            gate: None,
            resumed: None,
        }
    }

    fn builder(&self) -> Builder {
        let backoff = Backoff::default().with_initial(Duration::from_millis(2)).with_max(Duration::from_millis(10));
        Producer::with_transport(self.sink.clone()).backoff(backoff).linger(Duration::from_millis(1))
    }

    async fn run(&self, plan: Plan, builder: Builder) -> Result<LoadResult, LoadError> {
        let producer = builder.build().await.expect("settings");
        let log = self.log();
        timeout(PATIENCE, run(plan, &producer, &log, &self.progress, &self.cancel)).await.expect("an end")
    }

    async fn load(&self, rate: Rate, length: Length) -> LoadResult {
        self.run(self.plan(rate, length), self.builder()).await.expect("loaded")
    }
}

/// The documents of a run by their numbers, as the log tells them.
fn acknowledged(log: &AckLog) -> BTreeMap<String, u32> {
    let last = log.acknowledged.intervals().last().map_or(0, |interval| *interval.end());
    let made = (0..=last).zip(log.tickets.iter().cloned().flatten().flat_map(documents));
    made.filter(|(ordinal, _)| log.acknowledged.contains(*ordinal)).map(|(_, key)| (text(key), 1)).collect()
}

#[tokio::test]
async fn a_number_of_documents_is_sent_exactly() {
    for rate in [Rate::Max, Rate::PerSecond(50_000.0)] {
        let bench = Bench::new(Sink::default());
        let loaded = bench.load(rate, Length::Records(10_007)).await;
        assert_eq!((loaded.offered, loaded.acknowledged, loaded.failed), (10_007, 10_007, 0));
        assert!(!loaded.cancelled && !loaded.gave_up);
        let expected: BTreeMap<_, _> = (101..).flat_map(documents).take(10_007).map(|key| (text(key), 1)).collect();
        assert_eq!(bench.sink.written(), expected);
        assert_eq!(loaded.bytes, expected.keys().map(|text| text.len() as u64).sum::<u64>());
        assert_eq!(loaded.latency_us.len(), 10_007);
        let reserved = bench.reserved.lock().expect("reserved").clone();
        assert_eq!(reserved, [10_007_u64.div_ceil(8)], "reserved once");
        let log = AckLog::read(&bench.log()).expect("a log");
        assert_eq!((log.offered, log.acknowledged.intervals().collect::<Vec<_>>()), (Some(10_007), vec![0..=10_006]));
        let progress = bench.progress.borrow().clone();
        assert_eq!((progress.offered, progress.acknowledged, progress.total), (10_007, 10_007, Some(10_007)));
    }
}

#[tokio::test]
async fn the_rate_is_kept() {
    for (rate, seconds) in [(2_000.0, 1.0), (60_000.0, 0.5)] {
        let bench = Bench::new(Sink::default());
        let length = Length::Duration(Duration::from_secs_f64(seconds));
        let loaded = bench.load(Rate::PerSecond(rate), length).await;
        assert_eq!(loaded.acknowledged as f64, rate * seconds);
        // A document is never early, and the last one is as late as the load was at the worst, plus its way.
        let slack = loaded.late + loaded.latency_us.max() as f64 / 1e6;
        let last = seconds - 1.0 / rate;
        assert!((last..=last + slack).contains(&loaded.seconds), "{rate}/s took {} s", loaded.seconds);
    }
}

#[tokio::test]
async fn the_fastest_load_ends_when_its_time_is_over() {
    let bench = Bench::new(Sink::default());
    let loaded = bench.load(Rate::Max, Length::Duration(Duration::from_millis(300))).await;
    assert!(loaded.offered > 0 && loaded.offered == loaded.acknowledged && !loaded.cancelled);
    assert_eq!(loaded.offered, bench.sink.written().len() as u64);
    let log = AckLog::read(&bench.log()).expect("a log");
    assert_eq!(log.tickets.len(), bench.reserved.lock().expect("reserved").len());
    assert_eq!(acknowledged(&log), bench.sink.written());
}

#[tokio::test]
async fn the_fastest_load_queues_no_more_than_it_can_send() {
    let bench = Bench::new(Sink { takes: Duration::from_millis(20), ..Sink::default() });
    let plan = bench.plan(Rate::Max, Length::Duration(Duration::from_secs(2)));
    let slow = bench.builder().max_requests(1).max_batch_records(10);
    let loaded = bench.run(plan, slow).await.expect("loaded");
    // At most 500/s: 256 at first, half a second's worth from then on.
    assert!(loaded.seconds < 4.0, "{} s for 2 s of load", loaded.seconds);
    let latency = loaded.ack_latency_ms().expect("latencies");
    assert!(latency.p50 < 1_500.0, "{latency:?}");
    assert_eq!(loaded.offered, loaded.acknowledged);
}

#[tokio::test]
async fn a_stall_shows_in_the_latency_of_all_that_had_to_wait() {
    let bench = Bench::new(Sink { stall: Duration::from_millis(400), ..Sink::default() });
    let plan = bench.plan(Rate::PerSecond(1_000.0), Length::Duration(Duration::from_millis(600)));
    let full = bench.builder().max_requests(1).max_in_flight_records(10);
    let loaded = bench.run(plan, full).await.expect("loaded");
    assert_eq!(loaded.acknowledged, 600);
    // Only the ten that were in flight were sent in the stall; 400 were to be.
    let waited = loaded.latency_us.count_between(100_000, u64::MAX);
    assert!(waited >= 290, "{waited} of the 300 documents of its first 300 ms waited more than 100 ms");
    let latency = loaded.ack_latency_ms().expect("latencies");
    assert!(latency.max >= 390.0 && latency.p50 <= latency.p90 && latency.p99 <= latency.max, "{latency:?}");
    assert!(loaded.late >= 0.3, "{}", loaded.late);
}

#[tokio::test]
async fn cancelled_it_drains_and_the_log_has_all_that_arrived() {
    let bench = Bench::new(Sink::default());
    let plan = bench.plan(Rate::PerSecond(5_000.0), Length::Duration(PATIENCE * 60));
    let watcher = async {
        let mut progress = bench.progress.subscribe();
        progress.wait_for(|progress| progress.acknowledged > 0 && progress.p99_ms.is_some()).await.expect("progress");
        let log = AckLog::read(&bench.log()).expect("a log that is being written");
        let so_far = acknowledged(&log);
        assert!(!so_far.is_empty() && log.offered.is_none());
        let written = bench.sink.written();
        assert!(so_far.keys().all(|document| written.contains_key(document)));
        bench.cancel.raise();
    };
    let (loaded, ()) = tokio::join!(bench.run(plan, bench.builder()), watcher);
    let loaded = loaded.expect("loaded");
    assert!(loaded.cancelled && loaded.offered > 0 && loaded.offered < 5_000 * 3600);
    assert_eq!((loaded.acknowledged, loaded.failed), (loaded.offered, 0));
    let log = AckLog::read(&bench.log()).expect("a log");
    assert_eq!((log.offered, acknowledged(&log)), (Some(loaded.offered), bench.sink.written()));
}

#[tokio::test]
async fn documents_that_fail_are_told_and_not_in_the_log() {
    let bench = Bench::new(Sink { refused: Some(150), ..Sink::default() });
    let plan = Plan { partition_key: PartitionKey::Ticket, ..bench.plan(Rate::Max, Length::Records(2_000)) };
    let impatient = bench.builder().record_ttl(Duration::from_secs(1));
    let loaded = bench.run(plan, impatient).await.expect("loaded");
    let refused = documents(150).count() as u64;
    assert_eq!((loaded.offered, loaded.acknowledged, loaded.failed), (2_000, 2_000 - refused, refused));
    assert!(loaded.retried >= refused && !loaded.gave_up);
    let [failure] = &loaded.failures[..] else { panic!("{:?}", loaded.failures) };
    let first = (101..150).flat_map(documents).count() as u64;
    assert_eq!(failure.count, refused);
    assert!((first..first + refused).contains(&failure.first), "{failure:?}");
    assert!(failure.reason.contains("InternalFailure"), "{failure:?}");
    let log = AckLog::read(&bench.log()).expect("a log");
    assert_eq!(acknowledged(&log), bench.sink.written());
    assert_eq!(log.acknowledged.intervals().collect::<Vec<_>>(), [0..=first - 1, first + refused..=1_999]);
}

/// Ends with an error after so many documents.
struct Broken(u64);

impl Source for Broken {
    fn identity(&self) -> Identity {
        Identity::Line
    }

    fn documents_per_ticket(&self) -> u64 {
        1
    }

    fn starts_anywhere(&self) -> bool {
        false
    }

    fn locate(self: Arc<Self>, tickets: RangeInclusive<u64>, document: u64) -> Result<(u64, u64), SourceError> {
        Ok((tickets.start() + document, 0))
    }

    fn render(self: Arc<Self>, tickets: RangeInclusive<u64>) -> Box<dyn Documents> {
        Box::new(Breaking { left: self.0, tickets })
    }
}

struct Breaking {
    left: u64,
    tickets: RangeInclusive<u64>,
}

impl Documents for Breaking {
    fn next_into(&mut self, out: &mut Vec<u8>) -> Result<Option<u64>, SourceError> {
        self.left = self.left.checked_sub(1).ok_or("the file has changed")?;
        out.extend(b"{}\n");
        Ok(self.tickets.next())
    }

    fn go_on(&mut self, tickets: RangeInclusive<u64>) {
        self.tickets = tickets;
    }
}

#[tokio::test]
async fn a_document_that_cannot_be_made_ends_the_load_and_the_log_has_what_arrived() {
    let bench = Bench::new(Sink::default());
    let mut plan = bench.plan(Rate::PerSecond(5_000.0), Length::Records(1_000));
    plan.source = Arc::new(Broken(640));
    let error = bench.run(plan, bench.builder()).await.expect_err("a broken source");
    assert_eq!(error.to_string(), "cannot make a document: the file has changed");
    let log = AckLog::read(&bench.log()).expect("a log");
    assert_eq!((log.acknowledged.count(), log.offered), (640, None), "whole chunks of documents before it");
}

#[tokio::test]
async fn without_tickets_it_says_why() {
    let bench = Bench::new(Sink::default());
    let mut plan = bench.plan(Rate::Max, Length::Records(80));
    plan.reserve = Box::new(|_| Err("the journal's disk is full".into()));
    let error = bench.run(plan, bench.builder()).await.expect_err("no tickets");
    assert_eq!(error.to_string(), "cannot reserve 10 tickets: the journal's disk is full");

    let bench = Bench::new(Sink::default());
    let first = bench.plan(Rate::Max, Length::Records(8));
    bench.run(first, bench.builder()).await.expect("loaded");
    let second = bench.plan(Rate::Max, Length::Records(8));
    let error = bench.run(second, bench.builder()).await.expect_err("the log of another run");
    assert!(matches!(error, LoadError::AckLog(_)), "{error}");
}

#[tokio::test]
async fn acknowledged_documents_are_handed_on_now_and_then() {
    let bench = Bench::new(Sink::default());
    let (samples, mut handed_on) = mpsc::channel(8);
    let mut plan = bench.plan(Rate::PerSecond(200.0), Length::Records(300));
    plan.samples = vec![samples];
    let begun = Instant::now();
    bench.run(plan, bench.builder()).await.expect("loaded");
    let mut intended = Vec::new();
    while let Some(sample) = handed_on.recv().await {
        assert!(!sample.document.is_empty());
        intended.push(sample.intended.duration_since(begun));
    }
    assert_eq!(intended.len(), 2, "at 0 s and at 1 s of 1.5 s: {intended:?}");
    assert!(intended[1] - intended[0] >= Duration::from_secs(1), "{intended:?}");
}
