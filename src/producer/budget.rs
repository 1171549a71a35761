//! How much may be in flight, by count and by bytes. Memory is bounded here and nowhere else.

use std::sync::Arc;

use tokio::sync::{AcquireError, Semaphore, TryAcquireError};

use super::error::PutError;

/// From a record's `put` to its end.
pub(super) struct Budget {
    max_records: usize,
    max_bytes: usize,
    records: Semaphore,
    bytes: Semaphore,
}

/// The room one record takes; given back when dropped.
pub(super) struct Room {
    budget: Arc<Budget>,
    bytes: u32,
}

impl Budget {
    pub(super) fn new(max_records: usize, max_bytes: usize) -> Arc<Self> {
        let (records, bytes) = (Semaphore::new(max_records), Semaphore::new(max_bytes));
        Arc::new(Self { max_records, max_bytes, records, bytes })
    }

    /// Waits for room, first come first served. Dropping the future gives back what it had.
    pub(super) async fn room(self: &Arc<Self>, bytes: usize) -> Result<Room, PutError> {
        let bytes = whole(bytes)?;
        let closed = |_: AcquireError| PutError::Closed;
        let record = self.records.acquire().await.map_err(closed)?;
        let data = self.bytes.acquire_many(bytes).await.map_err(closed)?;
        record.forget();
        data.forget();
        Ok(Room { budget: self.clone(), bytes })
    }

    /// Room now, or [`PutError::Full`].
    pub(super) fn try_room(self: &Arc<Self>, bytes: usize) -> Result<Room, PutError> {
        let bytes = whole(bytes)?;
        let refused = |error| match error {
            TryAcquireError::NoPermits => PutError::Full,
            TryAcquireError::Closed => PutError::Closed,
        };
        let record = self.records.try_acquire().map_err(refused)?;
        let data = self.bytes.try_acquire_many(bytes).map_err(refused)?;
        record.forget();
        data.forget();
        Ok(Room { budget: self.clone(), bytes })
    }

    /// Turns away who waits and who comes.
    pub(super) fn close(&self) {
        self.records.close();
        self.bytes.close();
    }

    pub(super) fn records_in_use(&self) -> usize {
        self.max_records - self.records.available_permits()
    }

    pub(super) fn bytes_in_use(&self) -> usize {
        self.max_bytes - self.bytes.available_permits()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.budget.records.add_permits(1);
        self.budget.bytes.add_permits(self.bytes as usize);
    }
}

fn whole(bytes: usize) -> Result<u32, PutError> {
    u32::try_from(bytes).map_err(|_| PutError::TooLarge { bytes, limit: u32::MAX as usize })
}
