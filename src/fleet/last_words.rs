//! What a worker that has ended left.

use super::{
    launch::Launcher,
    message::{Ended, Seat, Status},
    rendezvous::{Rendezvous, RendezvousError, read},
};
use crate::load::{AckLog, AckLogError};

/// What it said last.
pub(super) struct LastWords {
    pub(super) status: Option<Status>,
    /// Its log, if that says more than nothing.
    pub(super) log: Result<Option<AckLog>, AckLogError>,
    /// What it came to, if it ended in order.
    pub(super) ended: Option<Ended>,
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
    let name = seat.log();
    let text = match launcher.log(seat) {
        Some(text) => Some(text),
        None => place.get(&name).await?.map(|found| String::from_utf8_lossy(&found.text).into_owned()),
    };
    let log = text.map(|text| AckLog::parse(&text, name.as_ref())).transpose();
    // A log that has no tickets yet says less than the one before it.
    Ok(LastWords { status, log: log.map(|log| log.filter(|log| !log.tickets.is_empty())), ended })
}
