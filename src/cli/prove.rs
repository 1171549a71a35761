//! The search for acknowledged documents, with a progress bar for each destination.

use std::collections::BTreeMap;

use tokio::task::spawn_blocking;

use super::{
    screen::{Gauge, Screen},
    signals::Signals,
};
use crate::{
    aws::{Clients, Names},
    load::AckLog,
    report::terminal::grouped,
    spec::Stack,
    verify::{Acknowledged, AcknowledgedError, Landing, Place, Proof, destinations, prove},
};

/// Searches for every document that the logs record as acknowledged. `earlier` are the logs of the stack's other runs.
/// Returns how many documents `logs` have, and what was found.
pub async fn search(
    stack: &Stack,
    names: &Names,
    clients: &Clients,
    (logs, earlier): (Vec<AckLog>, Vec<AckLog>),
    signals: &Signals,
    screen: &Screen,
) -> anyhow::Result<(u64, Proof)> {
    let has_items = stack.deliver.dynamodb.is_some();
    let derived = spawn_blocking(move || {
        let acknowledged = Acknowledged::of(logs, earlier)?;
        let ids = acknowledged.ids()?;
        let earlier_items = if has_items { acknowledged.earlier_items()? } else { 0 };
        Ok::<_, AcknowledgedError>((acknowledged, ids, earlier_items))
    });
    let (acknowledged, ids, earlier_items) = signals.unless_stopped(derived).await???;
    let (expected, earlier) = (acknowledged.own, acknowledged.earlier);
    let destinations = destinations::of(stack, names, clients, &acknowledged.sought);
    let places = destinations.iter().map(|to| to.place());
    let mut gauges: BTreeMap<Place, Gauge> =
        places.map(|place| (place, screen.gauge(label(place), Some(expected)))).collect();
    let progress = |landing: Landing| {
        if let Some(gauge) = gauges.get(&landing.place) {
            let found = landing.documents.saturating_sub(earlier);
            gauge.set(found.min(expected), &behind(found, expected, landing.waited.as_secs_f64()));
        }
    };
    let mut proof = prove(destinations, ids, signals.stop(), progress).await?;
    (proof.earlier, proof.earlier_items) = (earlier, earlier_items);
    for landed in &proof.landed {
        if let Some(gauge) = gauges.remove(&landed.place) {
            let found = expected.saturating_sub(landed.tally.lost);
            gauge.finish(&behind(found, expected, landed.took.as_secs_f64()));
        }
    }
    let proof = spawn_blocking(move || named(proof, &acknowledged)).await??;
    Ok((expected, proof))
}

/// Names the missing documents.
fn named(mut proof: Proof, acknowledged: &Acknowledged) -> Result<Proof, AcknowledgedError> {
    for landed in &mut proof.landed {
        landed.missing = acknowledged.names(&landed.tally.missing)?;
    }
    Ok(proof)
}

fn label(place: Place) -> &'static str {
    match place {
        Place::Stream => "stream",
        Place::S3 => "S3",
        Place::Redshift => "Redshift",
        Place::DynamoDb => "DynamoDB",
    }
}

fn behind(found: u64, expected: u64, seconds: f64) -> String {
    format!("{} of {}   {seconds:.1} s behind", grouped(found), grouped(expected))
}

/// Prints the missing documents for a person, one a line.
pub fn name_missing(proof: &Proof, screen: &Screen) {
    if proof.stopped {
        return screen.line("  stopped before everything was found; missing documents may still arrive");
    }
    for landed in &proof.landed {
        let (place, lost) = (landed.place, landed.tally.lost);
        for name in &landed.missing {
            screen.error(&format!("lost in {place}: {name}"));
        }
        let more = lost.saturating_sub(landed.missing.len() as u64);
        if more > 0 && !landed.missing.is_empty() {
            screen.error(&format!("lost in {place}: and {} more", grouped(more)));
        }
    }
}
