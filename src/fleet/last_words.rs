//! What a worker that has ended left.

use std::collections::HashMap;

use super::{
    launch::Launcher,
    message::{Ended, Seat, Status},
    rendezvous::{Rendezvous, RendezvousError, read},
};
use crate::load::{AckLog, AckLogError, Part};

/// What it said last.
pub(super) struct LastWords {
    pub(super) status: Option<Status>,
    /// Its log, if that says more than nothing.
    pub(super) log: Result<Option<AckLog>, AckLogError>,
    /// What it came to, if it ended in order.
    pub(super) ended: Option<Ended>,
}

/// The acknowledgement logs that workers have written where they meet: of each part the latest, which has what those before
/// it have. One that cannot be read is left out.
///
/// # Errors
/// The place cannot be read.
pub async fn logs_in(place: &dyn Rendezvous) -> Result<Vec<AckLog>, RendezvousError> {
    let mut latest: HashMap<Part, (u32, AckLog)> = HashMap::new();
    for seat in place.list().await?.iter().filter_map(|name| Seat::of_assignment(name)) {
        let Some(log) = log_of(place, seat).await?.and_then(Result::ok) else { continue };
        if latest.get(&seat.part).is_none_or(|(generation, _)| *generation < seat.generation) {
            latest.insert(seat.part, (seat.generation, log));
        }
    }
    Ok(latest.into_values().map(|(_, log)| log).collect())
}

/// A worker's log, if it says more than nothing: one that has no tickets yet says less than the one before it.
async fn log_of(place: &dyn Rendezvous, seat: Seat) -> Result<Option<Result<AckLog, AckLogError>>, RendezvousError> {
    let name = seat.log();
    let text = place.get(&name).await?.map(|found| String::from_utf8_lossy(&found.text).into_owned());
    Ok(text.and_then(|text| parsed(&text, &name).transpose()))
}

fn parsed(text: &str, name: &str) -> Result<Option<AckLog>, AckLogError> {
    AckLog::parse(text, name.as_ref()).map(|log| Some(log).filter(|log| !log.tickets.is_empty()))
}

/// Reads what it left.
pub(super) async fn last_words(
    place: &dyn Rendezvous,
    launcher: &dyn Launcher,
    seat: Seat,
) -> Result<LastWords, RendezvousError> {
    // The end first: what was written before is there when it is.
    let ended = read(place, &seat.ended()).await?;
    let status = read(place, &seat.status()).await?;
    let log = match launcher.log(seat) {
        Some(text) => parsed(&text, &seat.log()),
        None => log_of(place, seat).await?.transpose(),
    };
    Ok(LastWords { status, log, ended })
}
