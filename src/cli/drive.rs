//! The load of a run, with its bar.

use std::{convert::Infallible, fs, future, path::PathBuf, sync::Arc, time::Duration};

use chrono::Utc;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::sleep,
};

use super::{screen::Screen, signals::Signals, up::Stood};
use crate::{
    aws::{Names, items::Items, redshift::Loader, shards},
    engine::{Home, Journal, StackId},
    load::{self, AckLog, Header, Loaded, Plan, Progress, ReserveTickets, Sample},
    producer::Producer,
    report::terminal::{bytes, grouped},
    spec::Stack,
    verify::{
        destination::Patience,
        freshness::{self, Freshness},
    },
};

/// After the last document, the producer may take this long to end what it holds.
const CLOSE_WITHIN: Duration = Duration::from_secs(30);
/// And this long after a signal, for what was on its way to be acknowledged.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);
/// Acknowledged documents that may wait to be followed.
const SAMPLES_WAITING: usize = 16;

/// A run and what its load came to.
pub struct Driven {
    /// The run's id.
    pub run: String,
    /// What it came to.
    pub loaded: Loaded,
    /// How fresh the table was meanwhile, of a delivery to DynamoDB.
    pub freshness: Option<Freshness>,
}

/// Where a run notes what was acknowledged.
pub fn ack_log(home: &Home, stack: &StackId, run: &str) -> PathBuf {
    home.runs().join(stack.as_str()).join(format!("{run}.acks"))
}

/// Sends what the stack's load says, until its end or the first Ctrl-C.
pub async fn drive(
    stack: &Stack,
    stood: &Stood,
    names: &Names,
    signals: &Signals,
    screen: &Screen,
) -> anyhow::Result<Driven> {
    let run = format!("{}-{:04x}", Utc::now().format("%Y%m%dT%H%M%S"), rand::random::<u16>());
    let log = ack_log(&stood.home, &stood.id, &run);
    fs::create_dir_all(log.parent().expect("a log lies in a folder"))?;
    let shards = shards::open_ranges(&stood.clients.kinesis, &names.stream).await?;
    let opened = stood.documents.open(stack).await?;
    let (samples, following) = follow(stack, stood, names).await?.unzip();
    let plan = Plan {
        header: Header { run: run.clone(), origin: opened.origin.clone() },
        reserve: reserve(stood.journal.clone(), run.clone(), opened.begins_anew()),
        source: opened.source,
        rate: stack.load.rate,
        length: stack.load.length,
        partition_key: stack.load.partition_key,
        shards,
        samples,
    };
    let producer = Producer::builder(stood.clients.kinesis.clone(), names.stream.as_str())
        .max_record_bytes(stack.stream.max_record_kib as usize * 1024)
        .build()?;
    let (tell, mut told) = watch::channel(Progress::default());
    let loading = load::run(plan, &producer, &log, &tell, signals.stop());
    let beside = keep_loading(Loader::of(stack, names, &stood.clients));
    let draining = end_draining(signals, &producer);
    tokio::pin!(loading, beside, draining);
    let gauge = screen.gauge("load", total(stack));
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
    Ok(Driven { run, loaded, freshness })
}

/// Follows samples of the load into the DynamoDB table, where the stack has one.
async fn follow(
    stack: &Stack,
    stood: &Stood,
    names: &Names,
) -> anyhow::Result<Option<(mpsc::Sender<Sample>, JoinHandle<Freshness>)>> {
    let (Some(to), Some(names)) = (&stack.deliver.dynamodb, &names.dynamodb) else { return Ok(None) };
    let items = Items::of(&stood.clients.dynamodb, &names.table).await?;
    let patience = Patience::for_interval(to.mapping.window).standstill;
    let (samples, to_follow) = mpsc::channel(SAMPLES_WAITING);
    let following = tokio::spawn(async move { freshness::follow(&items, to_follow, patience).await });
    Ok(Some((samples, following)))
}

/// What was followed came to; none where someone says stop before it is known.
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

/// What is not acknowledged some time after a signal is given up, so that the load ends.
async fn end_draining(signals: &Signals, producer: &Producer) -> Infallible {
    signals.stopped().await;
    sleep(DRAIN_WITHIN).await;
    producer.close(Duration::ZERO).await;
    future::pending().await
}

/// What lands is loaded into Redshift while more of it is sent.
async fn keep_loading(loader: Option<Loader>) -> Infallible {
    if let Some(loader) = loader {
        loader.keep_loading().await;
    }
    future::pending().await
}

/// Tickets of the stack, each for one run only; or numbers from 1 in each run, which the stack still hears of.
fn reserve(journal: Arc<Journal>, run: String, begins_anew: bool) -> ReserveTickets {
    let mut reserved = 0;
    Box::new(move |count| {
        let tickets = journal.reserve(&run, count)?;
        let numbers = reserved + 1..=reserved + count;
        reserved += count;
        Ok(if begins_anew { numbers } else { tickets })
    })
}

/// What a run has acknowledged, and what all other runs of its stack have.
pub fn logs(stood: &Stood, run: &str) -> anyhow::Result<(Vec<AckLog>, Vec<AckLog>)> {
    let mut others: Vec<String> = stood.journal.state().runs().iter().map(|other| other.id.clone()).collect();
    others.retain(|other| other != run);
    others.dedup();
    let read = |run: &String| AckLog::read(&ack_log(&stood.home, &stood.id, run));
    let own = read(&run.to_owned())?;
    Ok((vec![own], others.iter().map(read).collect::<Result<_, _>>()?))
}

fn total(stack: &Stack) -> Option<u64> {
    use crate::spec::{Length, Rate};
    match (stack.load.length, stack.load.rate) {
        (Length::Records(records), _) => Some(records),
        (Length::Duration(time), Rate::PerSecond(rate)) => Some((time.as_secs_f64() * rate) as u64),
        (Length::Duration(_), Rate::Max) => None,
    }
}

fn in_flight(progress: &Progress) -> String {
    let left = progress.total.map(|total| total.saturating_sub(progress.acknowledged) as f64);
    let remaining = left.filter(|_| progress.records_per_second > 0.0).map(|left| left / progress.records_per_second);
    let remaining = remaining.map_or(String::new(), |seconds| format!("   {seconds:.0} s left"));
    let p99 = progress.p99_ms.map_or(String::new(), |ms| format!("   p99 {ms:.1} ms"));
    format!(
        "{} acknowledged   {}/s   {}/s{p99}   retried {}{remaining}",
        grouped(progress.acknowledged),
        grouped(progress.records_per_second.round() as u64),
        bytes(progress.bytes_per_second),
        grouped(progress.retried),
    )
}

fn over(loaded: &Loaded) -> String {
    let p99 = loaded.ack_latency_ms().map_or(String::new(), |ms| format!("   p99 {:.1} ms", ms.p99));
    format!(
        "{:.1} s   {}/s   {}/s{p99}   retried {}",
        loaded.seconds,
        grouped(loaded.records_per_second.round() as u64),
        bytes(loaded.bytes_per_second),
        grouped(loaded.retried),
    )
}
