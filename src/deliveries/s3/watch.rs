//! Looks at the objects while the load goes on: lists them, and reads as many as leaves the load its processors.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;

use super::{DESTINATION, S3Delivery, verify};
use crate::{
    aws::{Clients, Names},
    verify::{
        Destination, DestinationReader, Expected, VerifyError,
        objects::{ObjectsReading, Since},
        watch::{Arrived, Objects, Watch},
    },
};

/// Between two listings, for each call that one takes.
const BETWEEN_CALLS: Duration = Duration::from_secs(2);
/// How long objects are read before they are listed again.
const READS_FOR: Duration = Duration::from_millis(200);
/// How much longer than a reading nothing is read: a tenth of a processor is what it takes at most.
const RESTS: u32 = 9;

pub(super) struct ObjectsWatch {
    delivery: S3Delivery,
    names: Names,
    clients: Clients,
    reading: ObjectsReading,
    /// Whether objects are read meanwhile.
    reads: bool,
    has_begun: bool,
}

impl ObjectsWatch {
    pub(super) fn new(
        delivery: &S3Delivery,
        (names, clients): (&Names, &Clients),
        reading: ObjectsReading,
        reads: bool,
    ) -> Self {
        let (delivery, names, clients) = (delivery.clone(), names.clone(), clients.clone());
        Self { delivery, names, clients, reading, reads, has_begun: false }
    }

    fn arrived(&self) -> Arrived {
        let Since { objects, bytes, read, documents } = self.reading.since;
        Arrived {
            documents: self.reads.then_some(documents),
            objects: Some(Objects { count: objects, bytes, unread: objects - read }),
            latest: self.reading.awaited.latest(),
        }
    }
}

#[async_trait]
impl Watch for ObjectsWatch {
    fn destination(&self) -> Destination {
        DESTINATION
    }

    async fn look(&mut self) -> Result<(Arrived, Duration), VerifyError> {
        if !self.has_begun {
            let calls = self.reading.begin().await?;
            self.has_begun = true;
            return Ok((self.arrived(), BETWEEN_CALLS * calls));
        }
        let calls = self.reading.list().await?;
        let began = Instant::now();
        while self.reads && began.elapsed() < READS_FOR && self.reading.read_one().await?.is_some() {}
        Ok((self.arrived(), (BETWEEN_CALLS * calls).max(began.elapsed() * RESTS)))
    }

    fn into_reader(self: Box<Self>, expected: &Arc<Expected>) -> Option<Box<dyn DestinationReader>> {
        let Self { delivery, names, clients, reading, .. } = *self;
        Some(Box::new(verify::S3::new(&delivery, (&names, &clients), reading, expected)))
    }
}
