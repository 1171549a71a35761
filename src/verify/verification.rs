//! Compares the acknowledged documents with the documents found in every destination of a stack.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures::future::{join_all, pending};
use tokio::time::sleep;

use super::{
    destination::{Conclusion, Destination, DestinationReader, Keeps, VerifyError},
    due::{Due, Ended},
    keys::Tally,
    ledger::LedgerLine,
    rejections::Rejection,
};
use crate::{engine::Cancel, load::Percentiles};

/// How often a read that takes long is looked at.
const BETWEEN_COUNTS: Duration = Duration::from_secs(1);
/// How long a last read may take after the cancellation.
const LAST_READ: Duration = Duration::from_secs(5);

/// What the search found.
#[derive(Clone, Debug, Default)]
pub struct Verification {
    /// The result of each destination that could be read, in the order in which they were given.
    pub landed: Vec<DestinationResult>,
    /// The other destinations, and why they could not be read: documents may be lost there.
    pub unread: Vec<(Destination, String)>,
    /// What became of the imperfect documents, flaw by flaw.
    pub ledger: Vec<LedgerLine>,
    /// Whether the search was cancelled before everything was found: missing documents may still arrive.
    pub stopped: bool,
}

/// What the search found in one destination.
#[derive(Clone, Debug)]
pub struct DestinationResult {
    /// Which destination.
    pub destination: Destination,
    /// The comparison with the acknowledged documents.
    pub tally: Tally,
    /// The same of the documents that lie apart: no key tells them, or the service has given them up on purpose.
    pub apart: Tally,
    /// What was found of the imperfect documents.
    pub ended: Vec<Ended>,
    /// How many of the documents earlier runs acknowledged: see [`super::Acknowledged`]; of a destination that keeps one
    /// document of a key, how many keys only they have.
    pub earlier: u64,
    /// The names of the first missing documents, if they were asked for.
    pub missing: Vec<String>,
    /// Documents that SQL counts through the catalog, duplicates excluded.
    pub by_sql: Option<u64>,
    /// Where two ways of counting disagree.
    pub problems: Vec<String>,
    /// Why documents are missing, as far as the services say it.
    pub rejections: Vec<Rejection>,
    /// How long tracked documents took until they could be read, where the search finds them.
    pub freshness: Option<Percentiles>,
    /// Time from the start of the search to its end in this destination.
    pub took: Duration,
}

/// The progress of the search in one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchProgress {
    /// Which destination.
    pub destination: Destination,
    /// Documents found so far, duplicates included.
    pub documents: u64,
    /// Documents expected.
    pub expected: u64,
    /// Time since the search started.
    pub waited: Duration,
}

impl Verification {
    /// The result of one destination.
    pub fn of(&self, destination: Destination) -> Option<&DestinationResult> {
        self.landed.iter().find(|landed| landed.destination == destination)
    }

    /// Documents of these runs in one destination, duplicates excluded.
    pub fn landed_in(&self, destination: Destination) -> Option<u64> {
        let landed = self.of(destination)?;
        Some(landed.tally.landed().saturating_sub(landed.earlier))
    }

    /// The same, counted by SQL through the catalog.
    pub fn landed_by_sql(&self, destination: Destination) -> Option<u64> {
        let landed = self.of(destination)?;
        Some(landed.by_sql?.saturating_sub(landed.earlier))
    }

    /// The most documents that any destination lacks; `None` unless there is a destination and every one was read to its end.
    pub fn lost(&self) -> Option<u64> {
        let known = !self.stopped && self.unread.is_empty();
        self.landed.iter().map(DestinationResult::lost).max().filter(|_| known)
    }

    /// The most duplicates in any destination.
    pub fn duplicated(&self) -> u64 {
        self.landed.iter().map(|landed| landed.tally.duplicated).max().unwrap_or(0)
    }

    /// Destinations that could not be read, and where two ways of counting disagree.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        let unread = self.unread.iter().map(|(destination, why)| format!("cannot read {destination}: {why}"));
        let rejected = self.rejections().map(|(destination, rejection)| format!("{destination}: {rejection}"));
        unread.chain(rejected).chain(self.landed.iter().flat_map(
            |DestinationResult { destination, problems, .. }| {
                problems.iter().map(move |problem| format!("{destination}: {problem}"))
            },
        ))
    }

    /// Why documents are missing, destination by destination.
    pub fn rejections(&self) -> impl Iterator<Item = (Destination, &Rejection)> {
        self.landed.iter().flat_map(|landed| landed.rejections.iter().map(|rejection| (landed.destination, rejection)))
    }
}

impl DestinationResult {
    /// Acknowledged documents that are not there, those that must lie apart included.
    pub fn lost(&self) -> u64 {
        self.tally.lost + self.apart.lost
    }
}

/// A destination, and what must be there.
pub struct Sought {
    /// What reads it.
    pub reader: Box<dyn DestinationReader>,
    /// What must be there.
    pub due: Due,
}

/// Waits until every destination has every acknowledged document, or until no more arrive, and compares.
///
/// A raised `cancel` ends the wait early; documents missing by then may still arrive.
///
/// # Errors
/// When no destination could be read. If only some could not, the verification says so.
pub async fn verify(
    sought: Vec<Sought>,
    cancel: &Cancel,
    progress: impl Fn(SearchProgress) + Sync,
) -> Result<Verification, VerifyError> {
    let names: Vec<Destination> = sought.iter().map(|to| to.reader.destination()).collect();
    let searches = sought.into_iter().map(|to| search(to, cancel, &progress));
    let mut verification = Verification::default();
    let mut first = None;
    for (destination, searched) in names.into_iter().zip(join_all(searches).await) {
        match searched {
            Ok(landed) => verification.landed.push(landed),
            Err(error) => {
                verification.unread.push((destination, error.to_string()));
                first.get_or_insert(error);
            }
        }
    }
    if let Some(error) = first.filter(|_| verification.landed.is_empty()) {
        return Err(error);
    }
    let unknown = !verification.unread.is_empty() || verification.landed.iter().any(|landed| landed.lost() > 0);
    verification.stopped = cancel.is_raised() && unknown;
    Ok(verification)
}

/// The result of a last read, or nothing if it is not over some time after `cancel`.
async fn in_time<T>(read: impl Future<Output = T>, cancel: &Cancel) -> Option<T> {
    let late = async {
        cancel.raised().await;
        sleep(LAST_READ).await;
    };
    tokio::select! {
        biased;
        result = read => Some(result),
        () = late => None,
    }
}

/// Tells what a read has found, for as long as it goes on.
async fn tell_on(counter: Option<Arc<AtomicU64>>, tell: impl Fn(u64)) -> Infallible {
    let Some(counter) = counter else { pending().await };
    loop {
        sleep(BETWEEN_COUNTS).await;
        tell(counter.load(Relaxed));
    }
}

async fn search(
    Sought { reader: mut to, due }: Sought,
    cancel: &Cancel,
    progress: &(impl Fn(SearchProgress) + Sync),
) -> Result<DestinationResult, VerifyError> {
    let (destination, acknowledged) = (to.destination(), &*due.documents);
    let (documents_due, apart_due) = (to.due(acknowledged), due.apart.len());
    let expected = documents_due + apart_due;
    let (start, mut moved, mut before) = (Instant::now(), Instant::now(), 0);
    let (mut rejected, mut unknown) = (0, None);
    let (tally, apart) = loop {
        let counter = to.counter();
        let tell = |documents| progress(SearchProgress { destination, documents, expected, waited: start.elapsed() });
        let documents = tokio::select! {
            read = to.read() => read? + to.apart().len(),
            never = tell_on(counter, |documents| tell(documents.max(before))) => match never {},
            () = cancel.raised() => before,
        };
        let patience = to.patience(expected.saturating_sub(documents));
        tell(documents);
        let has_moved = documents > before;
        if has_moved {
            (moved, before) = (Instant::now(), documents);
        }
        // What landed without an acknowledgement counts among the documents, and hides nothing that lies apart.
        if (documents < expected && !has_moved) || to.apart().len() < apart_due {
            tokio::select! {
                found = to.rejected() => match found {
                    Ok(found) => rejected = found,
                    Err(error) => unknown = Some(error),
                },
                () = cancel.raised() => {}
            }
        }
        let given_up = moved.elapsed() > patience.standstill || cancel.is_raised();
        if documents + rejected >= expected || given_up {
            let Some(tally) = in_time(to.tally(acknowledged), cancel).await else {
                return Err(VerifyError::Stopped);
            };
            let (tally, apart) = (tally?, to.apart().tally(&due.apart));
            if tally.lost + apart.lost <= rejected || given_up {
                break (tally, apart);
            }
        }
        tokio::select! {
            () = sleep(patience.every) => {}
            () = cancel.raised() => {}
        }
    };
    let took = start.elapsed();
    let lost = tally.lost + apart.lost;
    let unfinished = lost > 0 && cancel.is_raised();
    let concluded = if unfinished { None } else { in_time(to.conclude(&tally), cancel).await.transpose()? };
    let concluded = concluded.unwrap_or_default();
    let Conclusion { by_sql, mut problems, rejections, freshness } = concluded;
    if let Some(error) = unknown.filter(|_| lost > 0) {
        problems.push(format!("it is not known why documents are missing: {error}"));
    }
    let ended = due.ended(destination.label, &tally, to.apart());
    let earlier = match destination.keeps {
        Keeps::All => due.earlier,
        Keeps::OneOfAKey => due.earlier_keys,
    };
    let missing = Vec::new();
    Ok(DestinationResult {
        destination,
        tally,
        apart,
        ended,
        earlier,
        missing,
        by_sql,
        problems,
        rejections,
        freshness,
        took,
    })
}

#[cfg(test)]
mod tests;
