//! What Lambda says of the last batch of a mapping.

use std::sync::{Arc, Mutex, PoisonError};

/// The `LastProcessingResult` of a mapping, shared by its shard pollers.
#[derive(Clone)]
pub(super) struct LastResult(Arc<Mutex<String>>);

impl LastResult {
    pub(super) const NONE: &str = "No records processed";

    pub(super) fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set(&self, result: &str) {
        result.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Default for LastResult {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Self::NONE.to_owned())))
    }
}
