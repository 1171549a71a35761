//! The search for what was acknowledged, with a bar for each place.

use std::{collections::BTreeMap, ops::RangeInclusive};

use tokio::sync::watch;

use super::screen::{Gauge, Screen};
use crate::{
    aws::{Clients, Names},
    load::AckLog,
    report::terminal::grouped,
    spec::Stack,
    verify::{KeyBag, Landing, Place, Proof, acknowledged, destinations, prove},
};

/// Looks for everything that the logs say was acknowledged. Returns how many documents that is, and what was found.
pub async fn search(
    stack: &Stack,
    names: &Names,
    clients: &Clients,
    logs: Vec<AckLog>,
    stop: watch::Receiver<bool>,
    screen: &Screen,
) -> anyhow::Result<(u64, Proof)> {
    let tickets: Vec<RangeInclusive<u64>> = logs.iter().flat_map(|log| log.tickets.clone()).collect();
    let keys = tokio::task::spawn_blocking(move || {
        logs.iter().map(acknowledged::keys).fold(KeyBag::default(), |mut all, keys| {
            all.append(keys);
            all
        })
    });
    let keys = keys.await?;
    let expected = keys.len();
    let destinations = destinations::of(stack, names, clients, &tickets);
    let places = destinations.iter().map(|to| to.place());
    let mut gauges: BTreeMap<Place, Gauge> =
        places.map(|place| (place, screen.gauge(label(place), Some(expected)))).collect();
    let progress = |landing: Landing| {
        if let Some(gauge) = gauges.get(&landing.place) {
            let found = landing.documents.min(expected);
            gauge.set(found, &behind(landing.documents, expected, landing.waited.as_secs_f64()));
        }
    };
    let proof = prove(destinations, keys, stop, progress).await?;
    for landed in &proof.landed {
        if let Some(gauge) = gauges.remove(&landed.place) {
            let found = landed.tally.distinct - landed.tally.unacknowledged;
            gauge.finish(&behind(found, expected, landed.took.as_secs_f64()));
        }
    }
    Ok((expected, proof))
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

/// The keys that are missing, a line each, for a person.
pub fn name_missing(proof: &Proof, screen: &Screen) {
    for landed in &proof.landed {
        let (place, tally) = (landed.place, &landed.tally);
        for key in &tally.missing {
            screen.error(&format!("lost in {place}: ticket {} item {}", key.ticket, key.item));
        }
        let more = tally.lost.saturating_sub(tally.missing.len() as u64);
        if more > 0 && !tally.missing.is_empty() {
            screen.error(&format!("lost in {place}: and {} more", grouped(more)));
        }
    }
}
