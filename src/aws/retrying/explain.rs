//! What an error leaves out and can be asked: who was calling, and how high a quota is.

use crate::{
    aws::{
        clients::Clients,
        retry::{Quota, quota_of},
    },
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
    match quota_value(&error.call, clients).await {
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

/// The value of the quota that `call` has run into, if Service Quotas tells.
async fn quota_value(call: &str, clients: &Clients) -> Option<String> {
    let Quota { service, code, name } = quota_of(call)?;
    let answer = clients.quotas.get_service_quota().service_code(service).quota_code(code).send().await;
    match answer {
        Ok(answer) => answer.quota?.value.map(|value| format!("the quota '{name}' is {value}")),
        Err(error) => {
            tracing::debug!("quota {code} of {service}: {error:?}");
            None
        }
    }
}
