//! What a shared load came to.

use super::{
    message::{Finished, Tracked},
    seat::{End, PartOfLoad},
};
use crate::load::{AckLog, Done, LoadResult};

/// The result of a load that several workers shared.
pub struct FleetResult {
    /// Its counts and times.
    pub load: LoadResult,
    /// How fresh a destination was.
    pub tracked: Option<Tracked>,
    /// What went wrong.
    pub problems: Vec<String>,
    /// The acknowledgement log of each part that was begun.
    pub logs: Vec<AckLog>,
}

/// Puts together what the parts came to; the first of them that failed ends all.
pub(super) fn merged(
    parts: Vec<PartOfLoad>,
    actions: Vec<Done>,
    mut problems: Vec<String>,
    open_shards: usize,
) -> FleetResult {
    let (mut loads, mut logs, mut tracked) = (Vec::new(), Vec::new(), None);
    for part in parts {
        loads.extend(part.past);
        logs.extend(part.log);
        if let Some(End::Finished(finished)) = part.end {
            let Finished { load, tracked: seen, problems: more } = *finished;
            loads.push(load);
            tracked = tracked.or(seen);
            problems.extend(more.iter().map(|problem| format!("worker {}: {problem}", part.seat)));
        }
    }
    let load = LoadResult { actions, ..LoadResult::merged(&loads, open_shards) };
    FleetResult { load, tracked, problems, logs }
}
