//! What an error leaves out and can be asked: who was calling, and how high a quota is.

use super::quota;
use crate::{
    aws::clients::Clients,
    engine::{Cause, ProviderError},
};

/// The same error, and what it does not say yet.
pub(super) async fn explained(error: ProviderError, clients: &Clients) -> ProviderError {
    match error.cause {
        Cause::Quota => with_value(error, clients).await,
        Cause::Permission => with_caller(error, clients),
        _ => error,
    }
}

async fn with_value(error: ProviderError, clients: &Clients) -> ProviderError {
    match quota::told(&error.call, clients).await {
        Some(told) if !error.message.contains(&told) => {
            ProviderError { message: format!("{} ({told})", error.message), ..error }
        }
        _ => error,
    }
}

/// Only as it was known before: whoever may not call is not asked to call again.
fn with_caller(error: ProviderError, clients: &Clients) -> ProviderError {
    match clients.known_caller() {
        Some(caller) if !error.to_string().contains(&caller.arn) => {
            ProviderError { message: format!("{} (called as {})", error.message, caller.arn), ..error }
        }
        _ => error,
    }
}
