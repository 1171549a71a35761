//! A destination of records, and how the verification reads it.

use std::{
    error::Error,
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use async_trait::async_trait;

use super::{
    folder::ObjectsError,
    keys::{KeyBag, Tally},
    rejections::Rejection,
    sql::SqlError,
};
use crate::{engine::ProviderError, load::Percentiles};

/// Where records end, and what the counts of it are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destination {
    /// In a sentence, for example `S3` or `the stream`.
    pub name: &'static str,
    /// On its own, for example `S3` or `stream`.
    pub label: &'static str,
    /// The documents that are found there, in the JSON of a run.
    pub field: &'static str,
    /// The documents that SQL counts there through a catalog, in the JSON of a run.
    pub sql_field: Option<&'static str>,
    /// What becomes of documents with one key.
    pub keeps: Keeps,
}

/// What a destination keeps of documents with one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keeps {
    /// Every one.
    All,
    /// One: fewer than were sent need not be a loss.
    OneOfAKey,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Reads one destination again and again until everything is there.
#[async_trait]
pub trait DestinationReader: Send {
    /// Which one.
    fn destination(&self) -> Destination;

    /// How long to wait for it, while so many documents are missing.
    fn patience(&self, left: u64) -> Patience;

    /// Reads once more. Returns the documents found so far, doubled ones included. May be dropped at any point.
    async fn read(&mut self) -> Result<u64, VerifyError>;

    /// Counts the documents that a read has found so far, where one takes so long that somebody wants to know.
    fn counter(&self) -> Option<Arc<AtomicU64>> {
        None
    }

    /// How many documents there are once all that was acknowledged is there.
    fn due(&self, acknowledged: &KeyBag) -> u64 {
        acknowledged.len()
    }

    /// Compares what was found by the last read with what was acknowledged.
    async fn tally(&mut self, acknowledged: &KeyBag) -> Result<Tally, VerifyError>;

    /// The ids of the lines of those documents that lie apart, found so far, by [`DestinationReader::read`] or
    /// [`DestinationReader::rejected`].
    fn apart(&mut self) -> &mut KeyBag;

    /// Looks once more for documents that a service gave up. Returns how many of the expected ones it has so far: nobody
    /// need wait for them.
    async fn rejected(&mut self) -> Result<u64, VerifyError> {
        Ok(0)
    }

    /// Draws the conclusions once nothing more is waited for.
    async fn conclude(&mut self, _tally: &Tally) -> Result<Conclusion, VerifyError> {
        Ok(Conclusion::default())
    }
}

/// Conclusions about a destination besides its tally.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conclusion {
    /// Documents by SQL through the catalog, doubled ones not included.
    pub by_sql: Option<u64>,
    /// Where two ways of counting disagree.
    pub problems: Vec<String>,
    /// Why documents are missing, as far as the services say it.
    pub rejections: Vec<Rejection>,
    /// How long tracked documents took until they could be read, of those that the reader found.
    pub freshness: Option<Percentiles>,
}

/// How often to read, and for how long after the last new document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Between two reads.
    pub every: Duration,
    /// With nothing new for so long, nothing more is expected.
    pub standstill: Duration,
}

impl Patience {
    /// For a delivery that gathers for `interval`: three of them and a minute, since the service may be late.
    pub fn for_interval(interval: Duration) -> Self {
        let every = (interval / 10).clamp(Duration::from_millis(200), Duration::from_secs(5));
        Self { every, standstill: interval * 3 + Duration::from_secs(60) }
    }
}

/// Why a destination has no result.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It cannot be read: the error of that destination.
    #[error(transparent)]
    Read(Box<dyn Error + Send + Sync>),
    /// The search was cancelled, and the last read did not end in time.
    #[error("stopped before it was read through")]
    Stopped,
}

impl From<ObjectsError> for VerifyError {
    fn from(error: ObjectsError) -> Self {
        Self::Read(Box::new(error))
    }
}

impl From<SqlError> for VerifyError {
    fn from(error: SqlError) -> Self {
        Self::Read(Box::new(error))
    }
}

impl From<ProviderError> for VerifyError {
    fn from(error: ProviderError) -> Self {
        Self::Read(Box::new(error))
    }
}
