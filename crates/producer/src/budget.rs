//! How much may be in flight, by count and by bytes. Memory is bounded here and nowhere else.

use tokio::sync::{AcquireError, Semaphore, TryAcquireError};

use super::error::PutError;

/// From a record's `put` to its end.
pub(super) struct Budget {
    max_records: usize,
    max_bytes: usize,
    records: Semaphore,
    bytes: Semaphore,
}

impl Budget {
    pub(super) fn new(max_records: usize, max_bytes: usize) -> Self {
        let (records, bytes) = (Semaphore::new(max_records), Semaphore::new(max_bytes));
        Self { max_records, max_bytes, records, bytes }
    }

    /// Waits for room for one record and takes it, first come first served. Dropping the future takes nothing.
    pub(super) async fn take(&self, bytes: usize) -> Result<(), PutError> {
        let bytes = whole(bytes)?;
        let closed = |_: AcquireError| PutError::Closed;
        let record = self.records.acquire().await.map_err(closed)?;
        let data = self.bytes.acquire_many(bytes).await.map_err(closed)?;
        record.forget();
        data.forget();
        Ok(())
    }

    /// Takes room if there is some now, or [`PutError::Full`].
    pub(super) fn try_take(&self, bytes: usize) -> Result<(), PutError> {
        let bytes = whole(bytes)?;
        let refused = |error| match error {
            TryAcquireError::NoPermits => PutError::Full,
            TryAcquireError::Closed => PutError::Closed,
        };
        let record = self.records.try_acquire().map_err(refused)?;
        let data = self.bytes.try_acquire_many(bytes).map_err(refused)?;
        record.forget();
        data.forget();
        Ok(())
    }

    /// Of records that have ended.
    pub(super) fn give_back(&self, records: usize, bytes: usize) {
        self.records.add_permits(records);
        self.bytes.add_permits(bytes);
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

fn whole(bytes: usize) -> Result<u32, PutError> {
    u32::try_from(bytes).map_err(|_| PutError::TooLarge { bytes, limit: u32::MAX as usize })
}
