//! What will be a request: Kinesis records from the queues, in the order in which they may leave.

use std::collections::{HashSet, VecDeque};

use tokio::time::Instant;

use super::{
    batch::{Batch, Filling, Place},
    body::{Body, Entry, Format},
    lanes,
    parcel::{Packed, Parcel, Written},
};

/// The bounds of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchLimits {
    pub(super) items: usize,
    pub(super) bytes: usize,
}

/// A request that is being put together.
pub(super) struct Assembly {
    limits: BatchLimits,
    parcels: Vec<Parcel>,
    bytes: usize,
    /// In ordered mode: what has its turn in this request.
    turns: HashSet<u128>,
    /// When it leaves at the latest.
    due: Option<Instant>,
}

impl Assembly {
    pub(super) fn new(limits: BatchLimits) -> Self {
        Self { limits, parcels: Vec::new(), bytes: 0, turns: HashSet::new(), due: None }
    }

    /// Any one parcel finds room in an empty one.
    pub(super) fn takes(&self, parcel: &Parcel) -> bool {
        let fits = self.bytes + parcel.size() <= self.limits.bytes;
        self.parcels.len() < self.limits.items && (fits || self.parcels.is_empty())
    }

    pub(super) fn push(&mut self, parcel: Parcel) {
        self.bytes += parcel.size();
        self.parcels.push(parcel);
    }

    pub(super) fn has_turn(&self, turn: u128) -> bool {
        self.turns.contains(&turn)
    }

    pub(super) fn take_turn(&mut self, turn: u128) {
        self.turns.insert(turn);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    /// From its first parcel on it waits for company until `due`.
    pub(super) fn wait_until(&mut self, due: Instant) {
        if !self.is_empty() && self.due.is_none() {
            self.due = Some(due);
        }
    }

    /// It waits for nothing any more.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.due = Some(now);
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    pub(super) fn places(&self) -> Vec<Place> {
        self.parcels.iter().map(place).collect()
    }

    pub(super) fn into_parcels(self) -> Vec<Parcel> {
        self.parcels
    }
}

/// An assembly that leaves, and what its request is made with.
pub(super) struct Departing {
    assembly: Assembly,
    /// For the request's body.
    buffer: Vec<u8>,
    /// Of the shard map by which it was assembled.
    generation: u64,
    due: Instant,
}

impl Departing {
    pub(super) fn new(assembly: Assembly, buffer: Vec<u8>, generation: u64, now: Instant) -> Self {
        let due = assembly.due.unwrap_or(now);
        Self { assembly, buffer, generation, due }
    }

    /// What of it needs a digest.
    fn messages(&self) -> impl Iterator<Item = &[u8]> {
        self.assembly.parcels.iter().filter_map(message)
    }

    pub(super) fn bytes(&self) -> usize {
        self.assembly.bytes
    }

    /// The request. `digests` begin with those of its own aggregates.
    pub(super) fn depart(
        self,
        (format, stream): (Format, &str),
        digests: &mut impl Iterator<Item = [u8; 16]>,
    ) -> Batch {
        let mut batch = Filling::new(Body::new(format, stream, self.buffer), self.generation, self.due);
        for parcel in self.assembly.parcels {
            match parcel {
                Parcel::Written(written) => load(&mut batch, written),
                Parcel::Packed(packed) => {
                    let digest = digests.next().expect("one for each that is packed");
                    seal(&mut batch, packed, digest);
                }
            }
        }
        batch.close()
    }

    pub(super) fn into_parcels(self) -> Vec<Parcel> {
        self.assembly.parcels
    }
}

/// The digest of each aggregate in them, several hashed at a time.
pub(super) async fn digests(departing: &VecDeque<Departing>) -> Vec<[u8; 16]> {
    let packed: Vec<_> = departing.iter().flat_map(Departing::messages).collect();
    lanes::md5_all(&packed).await
}

fn load(batch: &mut Filling, written: Written) {
    let Written { fragment, format, size, place, completions, .. } = written;
    if format == batch.body.format() {
        batch.body.push_fragment(&fragment);
    } else {
        batch.body.push(format.read(&fragment).entry());
    }
    batch.add(size, place, completions);
}

fn seal(batch: &mut Filling, packed: Packed, digest: [u8; 16]) {
    let (size, place) = (packed.size(), place_of(&packed));
    let partition_key = packed.aggregate.partition_key().to_owned();
    let (data, with) = packed.aggregate.finish(digest);
    // The key of its first record may be another shard's after a split; the hash key is what was meant.
    batch.body.push(Entry { data: &data, partition_key: &partition_key, explicit_hash_key: Some(packed.hash) });
    batch.add(size, place, with.into_iter().map(|(_, completion)| completion));
}

fn message(parcel: &Parcel) -> Option<&[u8]> {
    match parcel {
        Parcel::Packed(packed) => Some(packed.aggregate.message()),
        Parcel::Written(_) => None,
    }
}

fn place(parcel: &Parcel) -> Place {
    match parcel {
        Parcel::Written(written) => written.place,
        Parcel::Packed(packed) => place_of(packed),
    }
}

fn place_of(packed: &Packed) -> Place {
    Place { shard: packed.shard, records: packed.aggregate.len() as u32, is_aggregate: true }
}
