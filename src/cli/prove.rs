//! The search for what was acknowledged, with its bar.

use std::{ops::RangeInclusive, time::Instant};

use tokio::sync::watch;

use super::screen::Screen;
use crate::{
    aws::{Clients, Names},
    load::AckLog,
    report::terminal::grouped,
    spec::Stack,
    verify::{Destination, KeyBag, Landing, Proof, acknowledged, prove},
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
    let (expected, begun) = (keys.len(), Instant::now());
    let gauge = screen.gauge("land", Some(expected));
    let progress = |landing: Landing| {
        let text = format!(
            "{} of {}   {:.1} s behind",
            grouped(landing.documents),
            grouped(landing.expected),
            landing.waited.as_secs_f64()
        );
        gauge.set(landing.documents.min(landing.expected), &text);
    };
    let destination = Destination::of(stack, names);
    let proof = prove(clients, &destination, keys, &tickets, stop, progress).await?;
    let found = proof.tally.distinct - proof.tally.unacknowledged;
    gauge.finish(&format!(
        "{} of {}   {:.1} s behind",
        grouped(found),
        grouped(expected),
        begun.elapsed().as_secs_f64()
    ));
    Ok((expected, proof))
}

/// The keys that are missing, a line each, for a person.
pub fn name_missing(proof: &Proof, screen: &Screen) {
    for key in &proof.tally.missing {
        screen.error(&format!("lost: ticket {} item {}", key.ticket, key.item));
    }
    let more = proof.tally.lost.saturating_sub(proof.tally.missing.len() as u64);
    if more > 0 && !proof.tally.missing.is_empty() {
        screen.error(&format!("lost: and {} more", grouped(more)));
    }
}
