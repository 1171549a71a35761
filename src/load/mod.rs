//! Drives a workload through the producer at a rate.
//!
//! The load is open loop: when document i is to be sent is fixed by the schedule, where the integral of its rate reaches i,
//! and its latency counts from then to its acknowledgement; so a stall of the service shows in the latency of every document
//! that had to wait, and not as a gap in which nothing was measured. When the producer has no room, the schedule does not
//! slip: late documents go as soon as they can.
//!
//! At rate `max` it is a closed loop: a document is sent when others have been acknowledged, and its latency counts from
//! when it was handed to the producer.
//!
//! ```text
//! threads: generator ─ chunks → offerer ─ put → producer
//!                                  └── what was taken → collector → latency, acknowledgement log, progress
//! ```

mod acks;
mod collect;
mod control;
mod flaws;
mod gate;
mod generate;
mod hot;
mod imbalance;
mod intervals;
mod latency;
mod merged;
mod offer;
mod origin;
mod pace;
mod part;
mod result;
mod sample;
mod second;
mod source;
mod spread;
mod times;
mod window;
#[cfg(test)]
mod tests;

use std::{
    error::Error,
    fmt,
    ops::RangeInclusive,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use demo_workload::Identity;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

pub use acks::{AckLog, AckLogError, AckWriter, DocumentsDone, Header};
pub use control::{Asked, Control, Controls, Done, LoadOver, control};
pub use flaws::{Fields, Flaws};
pub use gate::Gate;
pub use hot::HotKey;
pub use imbalance::{Imbalance, ShardCount, ShardCounts};
pub use intervals::IntervalSet;
pub(crate) use latency::microseconds;
pub use latency::{HotDocuments, LatencyCounts, Percentiles};
pub use merged::HotKeys;
pub use origin::{OpenError, OpenWorkload, Origin};
pub use part::{NotAPart, Part};
pub use result::{Failure, LoadResult};
pub use second::{ByShard, HotShard, LoadSecond, LoadTotals};
pub use source::{Documents, Ids, Source, SourceError};
pub use times::Times;

use self::{
    collect::Collector,
    flaws::Flawed,
    generate::{Generator, Keyed},
    offer::{Offerer, Slice},
    pace::Pace,
    second::Seconds,
    spread::Spread,
    window::Window,
};
use crate::{
    engine::Cancel,
    spec::{PartitionKey, Schedule},
};
use kinesis_producer::{Producer, PutError};

/// Slices of documents that may wait between the offerer and the collector.
const OFFERED_AHEAD: usize = 64;

/// Reserves the next so many tickets, durably, so that no other run has them. Called on a thread that may block: once
/// where the number of documents is known, else in blocks as the load goes.
pub type ReserveTickets =
    Box<dyn FnMut(u64) -> Result<RangeInclusive<u64>, Box<dyn Error + Send + Sync>> + Send + 'static>;

/// What to send, how fast, for how long.
pub struct Plan {
    /// What the acknowledgement log says of the run. Of its documents, `part` are sent, at that share of the rate; all
    /// parts must be given the same tickets.
    pub header: Header,
    /// The documents.
    pub source: Arc<dyn Source>,
    /// Reserves their tickets.
    pub reserve: ReserveTickets,
    /// How many documents are offered when.
    pub schedule: Schedule,
    /// How documents are spread over shards.
    pub partition_key: PartitionKey,
    /// Hash key ranges of the stream's open shards, so that `PartitionKey::Uniform` gives each exactly the same;
    /// empty when they are not known: then keys are spread over the whole range.
    pub shards: Vec<RangeInclusive<u128>>,
    /// The load ends when documents wait for so long without one being acknowledged.
    pub give_up: Duration,
    /// What is done to the load while it goes on.
    pub controls: Controls,
    /// Receive about one document a second once it is acknowledged, to track it; a full channel is skipped.
    pub samples: Vec<mpsc::Sender<Sample>>,
    /// Receives what the load did in each second, at its end.
    pub seconds: Option<mpsc::UnboundedSender<LoadSecond>>,
    /// Holds the load back until others are ready too; without it, it starts when its first documents are made.
    pub gate: Option<Gate>,
    /// What another process did of this part before it ended.
    pub resumed: Option<Resumed>,
}

/// What is known of a part that another process began and did not finish.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resumed {
    /// Its documents that need not be sent any more.
    pub done: DocumentsDone,
    /// How often each of the others may have been sent, if it was due.
    pub times: u64,
    /// What was done to the load so far.
    pub actions: Vec<Done>,
}

/// An acknowledged document.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The document as it was sent.
    pub document: Bytes,
    /// Its intended send time.
    pub intended: Instant,
}

/// The progress of a load, sent ten times a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Time since the start.
    pub elapsed: Duration,
    /// Documents that the producer took.
    pub offered: u64,
    /// Documents that the service acknowledged.
    pub acknowledged: u64,
    /// Documents that ended with an error.
    pub failed: u64,
    /// Documents sent again, counted each time.
    pub retried: u64,
    /// How many of those a shard throttled.
    pub throttled: u64,
    /// The most duplicates that the stream can have so far.
    pub possible_duplicates: u64,
    /// Partition keys that slow the load, the hottest first.
    pub hot_keys: Vec<HotKey>,
    /// Documents that have not ended.
    pub in_flight: u64,
    /// All documents, if that is known beforehand.
    pub total: Option<u64>,
    /// Documents acknowledged in the last second.
    pub records_per_second: f64,
    /// Bytes of the documents acknowledged in the last second.
    pub bytes_per_second: f64,
    /// From the intended send time to the acknowledgement, so far; `None` before the first.
    pub p99_ms: Option<f64>,
    /// Set while documents wait and none has been acknowledged for a while.
    pub silence: Option<Silence>,
    /// Whether it is paused by hand.
    pub is_paused: bool,
}

/// A time in which documents wait and none is acknowledged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// How long it lasts.
    pub lasts: Duration,
    /// Why the latest attempt failed; `None` while none has.
    pub error: Option<String>,
}

/// `no acknowledgement for 12 s`, and why where that is known.
impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no acknowledgement for {:.0} s", self.lasts.as_secs_f64())?;
        match &self.error {
            Some(error) => write!(f, ": {error}"),
            None => f.write_str(", and no answer"),
        }
    }
}

/// Why a load ended early. It has waited for what it had offered, and the acknowledgement log has it, unless that log cannot
/// be written.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No tickets, no documents.
    #[error("cannot reserve {count} tickets: {source}")]
    Reserve {
        /// How many were asked for.
        count: u64,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Only a known number of documents can be shared by workers.
    #[error(
        "workers cannot share a load at rate `max`, whose number of documents is not known before it ends; give it a \
         rate, or `records` in place of `duration`"
    )]
    Endless,
    /// The workload is broken.
    #[error("the workload has no document for tickets {} to {}", .tickets.start(), .tickets.end())]
    NoDocuments {
        /// The tickets reserved.
        tickets: RangeInclusive<u64>,
    },
    /// The workload cannot make a document.
    #[error("cannot make a document: {0}")]
    Source(SourceError),
    /// The producer refused a document.
    #[error("cannot send document {ordinal} (ticket {ticket}): {source}")]
    Refused {
        /// Its number in the run.
        ordinal: u64,
        /// Its ticket.
        ticket: u64,
        /// Why.
        source: PutError,
    },
    /// The acknowledgement log cannot be written.
    #[error(transparent)]
    AckLog(#[from] AckLogError),
    /// A part of the load panicked.
    #[error("the load stopped early in the {part}: {source}")]
    Broken {
        /// Which.
        part: &'static str,
        /// Why.
        source: tokio::task::JoinError,
    },
}

/// Sends the plan's documents, and returns when each has ended. A raised `cancel` stops the load: it offers no more
/// documents and waits for those that it has offered. What is acknowledged is written to the new file `acks_log` every 100 ms.
///
/// The producer must have no other user meanwhile.
///
/// # Errors
/// When documents cannot be made or the log cannot be written; not for documents that fail: [`LoadResult`] has those.
pub async fn run(
    plan: Plan,
    producer: &Producer,
    acks_log: &Path,
    progress: &watch::Sender<Progress>,
    cancel: &Cancel,
) -> Result<LoadResult, LoadError> {
    let acks = AckWriter::create(acks_log, &plan.header)?;
    run_logged(plan, producer, Arc::new(acks), progress, cancel).await
}

/// [`run`] with a log that is there, which others can look at meanwhile.
///
/// # Errors
/// The same.
pub async fn run_logged(
    plan: Plan,
    producer: &Producer,
    acks: Arc<AckWriter>,
    progress: &watch::Sender<Progress>,
    cancel: &Cancel,
) -> Result<LoadResult, LoadError> {
    let whole = plan.schedule.documents();
    let pace = Pace::new(plan.schedule, plan.header.part)?;
    let own = plan.header.part.documents(whole.unwrap_or_default());
    let done = plan.resumed.as_ref().map_or_else(IntervalSet::default, |resumed| resumed.done.all());
    let first = own.start;
    let skipped = done.first_missing(first) - first;
    // An imperfect document may be the one before it once more.
    let lead = u64::from(plan.header.flaws.is_some() && first + skipped > 0);
    let generator = Generator {
        keyed: keyed(&plan.partition_key, plan.source.identity()),
        source: plan.source,
        reserve: plan.reserve,
        acks: acks.clone(),
        whole,
        before: first + skipped - lead,
    };
    let (mut chunks, generating) = generator.start();
    // The first documents are made before the clock starts.
    let mut made = chunks.next().await.unwrap_or_default().into_iter();
    let previous = if lead > 0 { made.next() } else { None };

    let (offered, offers) = mpsc::channel(OFFERED_AHEAD);
    let window = Arc::new(Window::new());
    let gave_up = watch::Sender::new(false);
    let open_shards = plan.shards.len();
    let hopeless = gave_up.subscribe();
    let started = match plan.gate {
        Some(gate) => gate.pass(cancel).await,
        None => Instant::now(),
    };
    let before = producer.metrics();
    let schedule = watch::Sender::new(pace.clone());
    let (total, seconds) = (pace.total(), plan.seconds);
    let seconds = seconds.map(|receiver| Seconds::new(receiver, schedule.subscribe()));
    let paused = plan.controls.paused();
    let mut offerer = Offerer {
        producer: producer.clone(),
        pace,
        window: window.clone(),
        controls: plan.controls,
        actions: Vec::new(),
        schedule,
        spread: Spread::new(&plan.partition_key, plan.shards),
        flawed: plan.header.flaws.map(|flaws| Flawed::new(flaws, previous)),
        chunks,
        offered,
        started,
        made,
        first,
        count: skipped,
        done,
        passed_over: skipped,
        slice: Slice::default(),
        late: Duration::ZERO,
        sampled: None,
    };
    let may_be_sent_twice = plan.resumed.map_or(0, |resumed| offerer.resume(&resumed.actions) * resumed.times);
    let collector = Collector {
        acks: acks.clone(),
        producer: producer.clone(),
        before,
        started,
        may_be_sent_twice,
        total,
        progress: progress.clone(),
        samples: plan.samples,
        seconds,
        paused,
        window,
        give_up: plan.give_up,
        gave_up,
    };
    let mut collecting = tokio::spawn(collector.run(offers));
    let offering = offerer.run(cancel, hopeless).await;
    let (count, late, asked_per_second) = (offerer.count, offerer.late, offerer.pace.asked(offerer.count));
    let offered = count - offerer.passed_over;
    let actions = std::mem::take(&mut offerer.actions);
    drop(offerer);

    // A collector that failed, for example on a full disk, leaves nothing to wait for.
    let collected = tokio::select! {
        collected = &mut collecting => collected,
        () = producer.flush() => collecting.await,
    };
    let collected = collected.map_err(|source| LoadError::Broken { part: "collector", source })??;
    generating.ended().await?;
    let cancelled = offering?;
    acks.end(count)?;
    let after = producer.metrics();
    let hot_keys = hot::hot_keys(producer, &after);
    let is_change = |done: &Done| done.action.changes_the_stream();
    let resharded = actions.iter().any(is_change) || collected.shards.were_resharded(open_shards);
    let result = LoadResult::new(collected, offered, late, cancelled, started, (before, after));
    Ok(LoadResult {
        hot_keys,
        // What is refused on purpose was not asked of the stream.
        asked_per_second: asked_per_second.map(|asked| asked * result.offered as f64 / offered.max(1) as f64),
        imbalance: Imbalance::of(&result.shards, open_shards).filter(|_| !resharded),
        resharded,
        actions,
        possible_duplicates: result.possible_duplicates + may_be_sent_twice,
        ..result
    })
}

/// Where documents have their partition key, if they have it themselves.
fn keyed(key: &PartitionKey, identity: Identity) -> Option<Keyed> {
    let by = match key {
        PartitionKey::Key => identity.clone(),
        PartitionKey::Field(field) => Identity::Fields(vec![field.clone()]),
        PartitionKey::Uniform | PartitionKey::Ticket | PartitionKey::Zipf(_) | PartitionKey::Hot(_) => return None,
    };
    Some(Keyed { by, otherwise: identity })
}
