//! Searches every destination of a stack for its acknowledged documents.

use tokio::task::{JoinError, spawn_blocking};

use super::host::{Event, Host};
use crate::{
    aws::{Clients, Names},
    deliveries::{self, Beside},
    engine::Cancel,
    load::AckLog,
    spec::{Flaw, Stack},
    verify::{
        Acknowledged, AcknowledgedError, LedgerEnd, LedgerLine, SearchProgress, Verification, VerifyError, verify,
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
/// Returns how many documents `logs` have, and what was found. `beside` is what was read while the stack was loaded.
pub async fn search(
    stack: &Stack,
    (names, clients): (&Names, &Clients),
    (logs, earlier): (Vec<AckLog>, Vec<AckLog>),
    beside: Beside,
    cancel: &Cancel,
    host: &dyn Host,
) -> Result<(u64, Verification), SearchError> {
    let of = stack.clone();
    let derived = spawn_blocking(move || {
        let acknowledged = Acknowledged::of(logs, earlier)?;
        let due = deliveries::due(&of, &acknowledged)?;
        Ok::<_, AcknowledgedError>((acknowledged, due))
    });
    let derived = cancel.unless_raised(derived).await.map_err(|_| SearchError::Interrupted)?;
    let (acknowledged, due) = derived??;
    let (expected, earlier) = (acknowledged.own, acknowledged.earlier);
    let destinations = deliveries::destinations(stack);
    host.notify(Event::SearchStarted { destinations: &destinations, expected });
    let progress = |progress: SearchProgress| {
        let documents = progress.documents.saturating_sub(earlier).min(expected);
        host.notify(Event::Searching(SearchProgress { documents, expected, ..progress }));
    };
    let mut verification = verify(deliveries::sought(stack, names, clients, due, beside), cancel, progress).await?;
    verification.ledger = ledger(&acknowledged, &verification);
    for landed in &verification.landed {
        let documents = expected.saturating_sub(landed.lost());
        let (destination, waited) = (landed.destination, landed.took);
        host.notify(Event::Searched(SearchProgress { destination, documents, expected, waited }));
    }
    let verification = spawn_blocking(move || with_names(verification, &acknowledged)).await??;
    host.notify(Event::Verified(&verification));
    Ok((expected, verification))
}

/// What became of the imperfect documents of the runs in question.
fn ledger(acknowledged: &Acknowledged, verification: &Verification) -> Vec<LedgerLine> {
    let sent = acknowledged.flaws().into_iter().map(|(flaw, documents)| {
        let ends = verification.landed.iter().flat_map(|landed| &landed.ended).filter(|ended| ended.flaw == flaw);
        let others = (flaw == Flaw::Duplicates).then(|| verification.duplicated());
        LedgerLine { flaw, documents, ends: ends.map(LedgerEnd::of).collect(), others }
    });
    let (flaw, documents) = (Flaw::Oversize, acknowledged.refused);
    let refused = LedgerLine { flaw, documents, ends: Vec::new(), others: None };
    sent.chain(Some(refused).filter(|line| line.documents > 0)).collect()
}

/// The first so many missing documents have names.
const NAMED: usize = 20;

/// Names the missing documents.
fn with_names(mut verification: Verification, acknowledged: &Acknowledged) -> Result<Verification, AcknowledgedError> {
    for landed in &mut verification.landed {
        let missing = &landed.tally.missing;
        landed.missing = acknowledged.names(&missing[..missing.len().min(NAMED)])?;
    }
    Ok(verification)
}
