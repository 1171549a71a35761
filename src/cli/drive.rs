//! The load of a run, with its progress bar.

use std::{convert::Infallible, fs, future, path::PathBuf, time::Duration};

use chrono::Utc;
use kinesis_producer::{Builder, Producer, TransportKind};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::sleep,
};

use super::{documents::Documents, screen::Screen, signals::Signals};
use crate::{
    aws::{Clients, Names, items::Items, redshift::Loader, shards},
    load::{self, Header, HotKey, Loaded, Part, Plan, Progress, ReserveTickets, Sample},
    report::terminal::{bytes, grouped},
    spec::{Aggregation, Sending, Stack, Transport},
    verify::{
        destination::Patience,
        freshness::{self, Freshness},
    },
};

/// How long the producer may take to finish its records after the last document.
const CLOSE_WITHIN: Duration = Duration::from_secs(30);
/// How long records in flight may take to be acknowledged after a signal.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);
/// How many acknowledged documents may wait to be tracked.
const SAMPLES_WAITING: usize = 16;

/// A stack that is up, and the run that loads it.
pub struct Drive<'a> {
    /// The stack.
    pub stack: &'a Stack,
    /// The names of its resources.
    pub names: &'a Names,
    /// Clients for its target.
    pub clients: &'a Clients,
    /// What it sends.
    pub documents: &'a Documents,
    /// The run's id.
    pub run: String,
    /// Which of the run's documents this process sends.
    pub part: Part,
    /// File to record acknowledgements in; it must not exist yet.
    pub log: PathBuf,
    /// Reserves the run's tickets.
    pub tickets: ReserveTickets,
}

/// The result of a load.
pub struct Driven {
    /// Its counts and times.
    pub loaded: Loaded,
    /// How fresh the DynamoDB table was meanwhile, if the stack has one.
    pub freshness: Option<Freshness>,
}

/// A new id for an unnamed run.
pub fn new_run() -> String {
    format!("{}-{:04x}", Utc::now().format("%Y%m%dT%H%M%S"), rand::random::<u16>())
}

impl Drive<'_> {
    /// Sends the stack's load until it ends, or until the first Ctrl-C.
    pub async fn send(self, signals: &Signals, screen: &Screen) -> anyhow::Result<Driven> {
        let Self { stack, names, clients, .. } = self;
        fs::create_dir_all(self.log.parent().expect("a log lies in a folder"))?;
        let shards = shards::open_ranges(&clients.kinesis, &names.stream).await?;
        let opened = self.documents.open(stack).await?;
        let (samples, following) = follow(stack, names, clients).await?.unzip();
        let plan = Plan {
            header: Header { run: self.run, origin: opened.origin.clone(), part: self.part },
            reserve: if opened.begins_anew() { from_one(self.tickets) } else { self.tickets },
            source: opened.source,
            rate: stack.load.rate,
            length: stack.load.length,
            partition_key: stack.load.partition_key,
            shards,
            samples,
        };
        let producer = producer(stack, names, clients).build().await?;
        let (tell, mut told) = watch::channel(Progress::default());
        let loading = load::run(plan, &producer, &self.log, &tell, signals.stop());
        let beside = keep_loading(Loader::of(stack, names, clients).filter(|_| self.part.worker == 1));
        let draining = end_draining(signals, &producer);
        tokio::pin!(loading, beside, draining);
        let gauge = screen.gauge("load", total(stack, self.part));
        let loaded = loop {
            tokio::select! {
                loaded = &mut loading => break loaded?,
                never = &mut beside => match never {},
                never = &mut draining => match never {},
                Ok(()) = told.changed() => {
                    let progress = told.borrow_and_update().clone();
                    gauge.set(progress.acknowledged, &in_flight(&progress));
                }
            }
        };
        gauge.finish(&over(&loaded));
        producer.close(CLOSE_WITHIN).await;
        let freshness = match following {
            Some(following) if !loaded.cancelled => followed(following, signals.stop()).await?,
            _ => None,
        };
        Ok(Driven { loaded, freshness })
    }
}

/// The producer that a stack asks for.
fn producer(stack: &Stack, names: &Names, clients: &Clients) -> Builder {
    let Sending { transport, aggregation, ordered } = stack.load.sending;
    let transport = match transport {
        Transport::Json => TransportKind::Json,
        Transport::Cbor => TransportKind::Cbor,
        Transport::Sdk => TransportKind::Sdk,
    };
    let builder = Producer::builder(clients.config(), names.stream.as_str())
        .max_record_bytes(stack.stream.max_record_kib as usize * 1024)
        .transport(transport)
        .ordered(ordered);
    match aggregation {
        Aggregation::Off => builder,
        Aggregation::On { max_bytes } => builder.aggregation(true).aggregation_max_bytes(max_bytes as usize),
    }
}

/// Tracks samples of the load in the DynamoDB table, if the stack has one.
async fn follow(
    stack: &Stack,
    names: &Names,
    clients: &Clients,
) -> anyhow::Result<Option<(mpsc::Sender<Sample>, JoinHandle<Freshness>)>> {
    let (Some(to), Some(names)) = (&stack.deliver.dynamodb, &names.dynamodb) else { return Ok(None) };
    let items = Items::of(&clients.dynamodb, &names.table).await?;
    let patience = Patience::for_interval(to.mapping.window).standstill;
    let (samples, to_follow) = mpsc::channel(SAMPLES_WAITING);
    let following = tokio::spawn(async move { freshness::follow(&items, to_follow, patience).await });
    Ok(Some((samples, following)))
}

/// The freshness of the tracked samples; none if a signal comes first.
async fn followed(
    following: JoinHandle<Freshness>,
    mut stop: watch::Receiver<bool>,
) -> anyhow::Result<Option<Freshness>> {
    let task = following.abort_handle();
    tokio::select! {
        freshness = following => Ok(Some(freshness?)),
        Ok(_) = stop.wait_for(|stopped| *stopped) => {
            task.abort();
            Ok(None)
        }
    }
}

/// Gives up on unacknowledged records some time after a signal, so that the load ends.
async fn end_draining(signals: &Signals, producer: &Producer) -> Infallible {
    signals.stopped().await;
    sleep(DRAIN_WITHIN).await;
    producer.close(Duration::ZERO).await;
    future::pending().await
}

/// Loads delivered objects into Redshift while the load goes on.
async fn keep_loading(loader: Option<Loader>) -> Infallible {
    if let Some(loader) = loader {
        loader.keep_loading().await;
    }
    future::pending().await
}

/// Numbers documents from 1 in each run, and still reserves the tickets in the journal.
fn from_one(mut tickets: ReserveTickets) -> ReserveTickets {
    let mut reserved = 0;
    Box::new(move |count| {
        tickets(count)?;
        let numbers = reserved + 1..=reserved + count;
        reserved += count;
        Ok(numbers)
    })
}

fn total(stack: &Stack, part: Part) -> Option<u64> {
    let whole = load::documents(stack.load.rate, stack.load.length)?;
    let own = part.documents(whole);
    Some(own.end - own.start)
}

fn in_flight(progress: &Progress) -> String {
    let left = progress.total.map(|total| total.saturating_sub(progress.acknowledged) as f64);
    let remaining = left.filter(|_| progress.records_per_second > 0.0).map(|left| left / progress.records_per_second);
    let remaining = remaining.map_or(String::new(), |seconds| format!("   {seconds:.0} s left"));
    let p99 = progress.p99_ms.map_or(String::new(), |ms| format!("   p99 {ms:.1} ms"));
    format!(
        "{} acknowledged   {}/s   {}/s{p99}   {}{remaining}",
        grouped(progress.acknowledged),
        grouped(progress.records_per_second.round() as u64),
        bytes(progress.bytes_per_second),
        again(progress.retried, progress.throttled, &progress.hot_keys),
    )
}

fn over(loaded: &Loaded) -> String {
    let p99 = loaded.ack_latency_ms().map_or(String::new(), |ms| format!("   p99 {:.1} ms", ms.p99));
    format!(
        "{:.1} s   {}/s   {}/s{p99}   {}",
        loaded.seconds,
        grouped(loaded.records_per_second.round() as u64),
        bytes(loaded.bytes_per_second),
        again(loaded.retried, loaded.throttled, &loaded.hot_keys),
    )
}

/// The retried records, those throttled because their shard was full, and the hottest partition key.
fn again(retried: u64, throttled: u64, hot_keys: &[HotKey]) -> String {
    let throttled = if throttled == 0 { String::new() } else { format!("   throttled {}", grouped(throttled)) };
    let hot = hot_keys.first().map_or(String::new(), |hot| format!("   hot key {}", hot.partition_key));
    format!("retried {}{throttled}{hot}", grouped(retried))
}
