//! How long the producer holds the threads of its caller: `put` the one that calls it, the dispatcher one of the runtime.
//!
//! ```text
//! cargo bench --bench threads
//! ```
//!
//! `put` is called from a thread of its own, so that the runtime's only thread has the dispatcher and the requests; a task
//! that does nothing but yield sees how long it does not get its turn. A request is answered at once. The figures are the
//! thread's own processor time, so that other programs do not count; the clock itself takes 0.3 µs of them.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use cpu_time::ThreadTime;
use futures::future::{BoxFuture, FutureExt, ready};
use kinesis_producer::{
    Answer, Builder, DescribeError, Format, OpenShard, Producer, Record, Request, RequestError, ShardMap, Transport,
    Wants,
};
use tokio::{runtime, task};

/// Bytes that are put in one row.
const TOTAL: usize = 512 << 20;
/// Gaps from here on are times that a task held the thread.
const GAP: Duration = Duration::from_micros(20);

/// Takes everything at once.
struct Taker(Format);

impl Transport for Taker {
    fn wants(&self) -> Wants {
        Wants::new(self.0).with_hash()
    }

    fn put_records(&self, request: Request) -> BoxFuture<'static, Result<Answer, RequestError>> {
        let mut answer = Answer::builder();
        for _ in 0..request.body.len() {
            answer.written("shardId-000000000000", "49543463076548007577105092703039560359975228518395012686");
        }
        ready(Ok(answer.build())).boxed()
    }

    fn shards(&self) -> BoxFuture<'static, Result<Option<ShardMap>, DescribeError>> {
        let all = OpenShard::new("shardId-000000000000", 0..=u128::MAX);
        ready(Ok(ShardMap::new(vec![all]).ok())).boxed()
    }
}

/// One way to use the producer.
struct Mode {
    name: &'static str,
    format: Format,
    bytes: usize,
    settings: fn(Builder) -> Builder,
}

const MODES: [Mode; 8] = [
    Mode { name: "plain, JSON, 1 KiB", format: Format::Json, bytes: 1 << 10, settings: |builder| builder },
    Mode { name: "plain, CBOR, 1 KiB", format: Format::Cbor, bytes: 1 << 10, settings: |builder| builder },
    Mode { name: "plain, JSON, 50 KiB", format: Format::Json, bytes: 50 << 10, settings: |builder| builder },
    Mode { name: "plain, JSON, 1,000 KiB", format: Format::Json, bytes: 1_000 << 10, settings: |builder| builder },
    Mode {
        name: "plain, JSON, 20 KiB, 10 MiB a request",
        format: Format::Json,
        bytes: 20 << 10,
        settings: |builder| builder.max_batch_bytes(10 << 20).max_in_flight_bytes(256 << 20),
    },
    Mode {
        name: "ordered, JSON, 1 KiB",
        format: Format::Json,
        bytes: 1 << 10,
        settings: |builder| builder.ordered(true),
    },
    Mode {
        name: "aggregated, JSON, 1 KiB",
        format: Format::Json,
        bytes: 1 << 10,
        settings: |builder| builder.aggregation(true),
    },
    Mode {
        name: "aggregated, JSON, 100 B",
        format: Format::Json,
        bytes: 100,
        settings: |builder| builder.aggregation(true),
    },
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("{:<38} {:>30} {:>30}", "", "put: median, 99.9 %, longest", "runtime: median*, 99 %*, longest");
    for mode in MODES {
        let (puts, gaps) = run(&mode)?;
        println!("{:<38} {:>30} {:>30}", mode.name, summary(puts, 0.999), summary(gaps, 0.99));
    }
    println!("* of the times from {GAP:?} on");
    Ok(())
}

fn run(mode: &Mode) -> Result<(Vec<Duration>, Vec<Duration>), Box<dyn Error>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let builder = Producer::with_transport(Taker(mode.format)).pace(false);
    let producer = runtime.block_on((mode.settings)(builder).build())?;
    let ended = Arc::new(AtomicBool::new(false));
    let putting = thread::spawn({
        let (ended, bytes, runtime) = (ended.clone(), mode.bytes, runtime.handle().clone());
        move || {
            let puts = put_all(&producer, bytes);
            runtime.block_on(producer.flush());
            ended.store(true, Ordering::Release);
            puts
        }
    });
    let gaps = runtime.block_on(watch(&ended));
    Ok((putting.join().map_err(|_| "putting failed")?, gaps))
}

/// Times of `put` itself: those in which it waits for room are not its work.
fn put_all(producer: &Producer, bytes: usize) -> Vec<Duration> {
    let data = Bytes::from(vec![b'x'; bytes]);
    let keys: Vec<Arc<str>> = (0..1_000).map(|key| format!("customer-{key}").into()).collect();
    let count = (TOTAL / bytes).min(1_000_000);
    let mut puts = Vec::with_capacity(count);
    for number in 0..count {
        let record = Record::new(data.clone(), keys[number % keys.len()].clone());
        loop {
            let begun = ThreadTime::now();
            match producer.try_put(record.clone()) {
                Ok(_) => break puts.push(begun.elapsed()),
                Err(_) => thread::sleep(Duration::from_micros(50)),
            }
        }
    }
    puts
}

/// How long the runtime's thread did not come back.
async fn watch(ended: &AtomicBool) -> Vec<Duration> {
    let (mut gaps, mut last) = (Vec::new(), ThreadTime::now());
    while !ended.load(Ordering::Acquire) {
        task::yield_now().await;
        let now = ThreadTime::now();
        gaps.extend(Some(now.duration_since(last)).filter(|gap| *gap >= GAP));
        last = now;
    }
    gaps
}

fn summary(mut times: Vec<Duration>, quantile: f64) -> String {
    times.sort();
    let Some(longest) = times.last() else { return "-".to_owned() };
    let at = |quantile: f64| times[((times.len() - 1) as f64 * quantile) as usize];
    let micros = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e6);
    format!("{} {} {} µs", micros(at(0.5)), micros(at(quantile)), micros(*longest))
}
