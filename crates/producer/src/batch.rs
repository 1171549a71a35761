//! The records of one request, with what goes with each of them.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    body::{Body, Entry},
    group::CompletionHandle,
    limits::RECORDS_PER_REQUEST,
    parcel::Written,
};

/// A shard that is not known.
pub(super) const NO_SHARD: u32 = u32::MAX;

/// A request that is being filled.
pub(super) struct Filling {
    pub(super) body: Body,
    pub(super) cargo: Cargo,
    /// When it leaves at the latest.
    pub(super) due: Instant,
}

/// A request that waits to be sent.
pub(super) struct Batch {
    pub(super) body: Arc<Body>,
    pub(super) cargo: Cargo,
    /// When it leaves at the latest.
    pub(super) due: Instant,
    pub(super) sha256: Option<[u8; 32]>,
}

/// What is not sent of a batch.
pub(super) struct Cargo {
    /// One for each Kinesis record.
    pub(super) places: Vec<Place>,
    /// One for each user record, place by place.
    pub(super) completions: Vec<CompletionHandle>,
    /// As the service counts them.
    pub(super) bytes: usize,
    /// Of the shard map that the places' shards belong to.
    pub(super) generation: u64,
}

/// What is known of one Kinesis record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Its number in the shard map.
    pub(super) shard: u32,
    /// User records in it; they are packed together where `is_aggregate`.
    pub(super) records: u32,
    pub(super) is_aggregate: bool,
}

impl Place {
    pub(super) fn one(shard: u32) -> Self {
        Self { shard, records: 1, is_aggregate: false }
    }
}

impl Filling {
    pub(super) fn new(body: Body, generation: u64, due: Instant) -> Self {
        let cargo = Cargo {
            places: Vec::with_capacity(RECORDS_PER_REQUEST),
            completions: Vec::with_capacity(RECORDS_PER_REQUEST),
            bytes: 0,
            generation,
        };
        Self { body, cargo, due }
    }

    /// Adds a record that travels by itself.
    pub(super) fn push(&mut self, entry: Entry<'_>, shard: u32, completion: CompletionHandle) {
        self.body.push(entry);
        self.cargo.bytes += completion.size as usize;
        self.cargo.places.push(Place::one(shard));
        self.cargo.completions.push(completion);
    }

    /// What goes with the Kinesis record that was just added to the body.
    pub(super) fn add(&mut self, size: usize, place: Place, completions: impl IntoIterator<Item = CompletionHandle>) {
        self.cargo.bytes += size;
        self.cargo.places.push(place);
        self.cargo.completions.extend(completions);
    }

    pub(super) fn len(&self) -> usize {
        self.cargo.places.len()
    }

    pub(super) fn close(mut self) -> Batch {
        self.body.close();
        Batch { body: Arc::new(self.body), cargo: self.cargo, due: self.due, sha256: None }
    }
}

impl Cargo {
    /// Every Kinesis record for itself, as it is written in the body.
    pub(super) fn into_parcels(self, body: &Body) -> Vec<Written> {
        let mut completions = self.completions.into_iter();
        let parcel = |(index, place): (usize, Place)| {
            Written::of(body, index, place, completions.by_ref().take(place.records as usize).collect())
        };
        self.places.into_iter().enumerate().map(parcel).collect()
    }
}
