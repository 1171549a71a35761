//! Searches every destination of a stack for its acknowledged documents.

use tokio::task::{JoinError, spawn_blocking};

use super::host::{Event, Host};
use crate::{
    aws::{Clients, Names},
    deliveries,
    engine::Cancel,
    load::AckLog,
    spec::Stack,
    verify::{
        Acknowledged, AcknowledgedError, Destination, SearchProgress, Verification, VerifyError, destination::Keeps,
        verify,
    },
};

/// Why a search has no result.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// It is not known what must be there.
    #[error(transparent)]
    Acknowledged(#[from] AcknowledgedError),
    /// No destination could be read.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The operation was cancelled before the search began.
    #[error("interrupted")]
    Interrupted,
    /// The workload panicked.
    #[error(transparent)]
    Panicked(#[from] JoinError),
}

/// Searches for every document that the logs record as acknowledged. `earlier` are the logs of the stack's other runs.
/// Returns how many documents `logs` have, and what was found.
pub async fn search(
    stack: &Stack,
    names: &Names,
    clients: &Clients,
    (logs, earlier): (Vec<AckLog>, Vec<AckLog>),
    cancel: &Cancel,
    host: &dyn Host,
) -> Result<(u64, Verification), SearchError> {
    let deliveries = deliveries::of(&stack.deliver);
    let by_key = deliveries.iter().any(|delivery| delivery.destination().keeps == Keeps::OneOfAKey);
    let derived = spawn_blocking(move || {
        let acknowledged = Acknowledged::of(logs, earlier)?;
        let ids = acknowledged.ids()?;
        let earlier_keys = if by_key { acknowledged.earlier_keys()? } else { 0 };
        Ok::<_, AcknowledgedError>((acknowledged, ids, earlier_keys))
    });
    let derived = cancel.unless_raised(derived).await.map_err(|_| SearchError::Interrupted)?;
    let (acknowledged, ids, earlier_keys) = derived??;
    let (expected, earlier) = (acknowledged.own, acknowledged.earlier);
    let readers = deliveries::readers(stack, names, clients, &acknowledged.expected);
    let destinations: Vec<Destination> = readers.iter().map(|reader| reader.destination()).collect();
    host.notify(Event::SearchStarted { destinations: &destinations, expected });
    let progress = |progress: SearchProgress| {
        let documents = progress.documents.saturating_sub(earlier).min(expected);
        host.notify(Event::Searching(SearchProgress { documents, expected, ..progress }));
    };
    let mut verification = verify(readers, ids, cancel, progress).await?;
    (verification.earlier, verification.earlier_keys) = (earlier, earlier_keys);
    for landed in &verification.landed {
        let documents = expected.saturating_sub(landed.tally.lost);
        let (destination, waited) = (landed.destination, landed.took);
        host.notify(Event::Searched(SearchProgress { destination, documents, expected, waited }));
    }
    let verification = spawn_blocking(move || with_names(verification, &acknowledged)).await??;
    host.notify(Event::Verified(&verification));
    Ok((expected, verification))
}

/// Names the missing documents.
fn with_names(mut verification: Verification, acknowledged: &Acknowledged) -> Result<Verification, AcknowledgedError> {
    for landed in &mut verification.landed {
        landed.missing = acknowledged.names(&landed.tally.missing)?;
    }
    Ok(verification)
}
