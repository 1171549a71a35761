//! The stream as the destination of a stack that delivers nowhere.

mod reading;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

pub use self::reading::{StreamError, StreamReading};
use super::{
    destination::{Destination, DestinationReader, Keeps, Patience, VerifyError},
    expected::Expected,
    keys::{KeyBag, Tally},
};
use crate::spec::{End, Flaw};

/// The stream itself, of a stack that delivers nowhere.
pub const DESTINATION: Destination =
    Destination { name: "the stream", label: "stream", field: "landed_stream", sql_field: None, keeps: Keeps::All };

/// Where documents with a flaw are that the stream takes: it keeps every record as it is.
pub fn end_of(flaw: Flaw) -> End {
    match flaw {
        Flaw::Malformed | Flaw::Empty => End::Line,
        Flaw::Duplicates
        | Flaw::Late
        | Flaw::OutOfOrder
        | Flaw::WrongType
        | Flaw::Missing
        | Flaw::Unknown
        | Flaw::Oversize => End::Kept,
    }
}

/// The stream as a destination.
pub struct Stream {
    reading: StreamReading,
    expected: Arc<Expected>,
    /// The expected documents.
    found: KeyBag,
    /// Of the lines of those that lie apart.
    apart: KeyBag,
}

impl Stream {
    /// The expected documents, of which the reading may have read some already.
    pub fn new(reading: StreamReading, expected: &Arc<Expected>) -> Self {
        Self { reading, expected: expected.clone(), found: KeyBag::default(), apart: KeyBag::default() }
    }
}

impl From<StreamError> for VerifyError {
    fn from(error: StreamError) -> Self {
        Self::Read(Box::new(error))
    }
}

#[async_trait]
impl DestinationReader for Stream {
    fn destination(&self) -> Destination {
        DESTINATION
    }

    /// What was acknowledged is in the stream already: one read is enough.
    fn patience(&self, _left: u64) -> Patience {
        Patience { every: Duration::ZERO, standstill: Duration::ZERO }
    }

    async fn read(&mut self) -> Result<u64, VerifyError> {
        self.reading.catch_up().await?;
        let seen = std::mem::take(&mut self.reading.seen);
        for id in seen.ids.into_iter().filter(|id| self.expected.scope.contains(*id)) {
            self.found.add(id);
        }
        for other in seen.others {
            if !self.expected.lies_apart(other.line) {
                return Err(other.error.into());
            }
            self.apart.add(other.line);
        }
        Ok(self.found.len())
    }

    async fn tally(&mut self, acknowledged: &KeyBag) -> Result<Tally, VerifyError> {
        Ok(self.found.tally(acknowledged))
    }

    fn apart(&mut self) -> &mut KeyBag {
        &mut self.apart
    }
}
