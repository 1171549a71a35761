//! A worker that is a process of its coordinator's machine.

use std::{path::Path, sync::Arc};

use super::{
    known::state_folder,
    load::lookup,
    logs::Logs,
    member::{self, Equipment, MemberError, Target},
    target,
};
use crate::{
    aws::SendingClients,
    engine::Cancel,
    fleet::{InFolder, Seat},
};

/// Takes a seat in the run whose workers meet in this folder, and sends its part of the load. A raised `cancel` ends this worker
/// in order, and so does its coordinator.
///
/// # Errors
/// The worker cannot meet its coordinator, or cannot send.
pub async fn work(folder: &Path, seat: Seat, cancel: &Cancel) -> Result<(), MemberError> {
    let equip = async |Target { plan, stack, id, names }: Target<'_>| {
        let home = state_folder()?;
        let clients = target::connect(&home, &stack.target, plan.endpoint_url.as_deref()).await?;
        // One worker tracks for all.
        let tracks = seat.part.worker == 1;
        Ok(Equipment {
            clients: SendingClients::of(&clients),
            log: Logs::of(&home, id).path(&plan.run, seat.part),
            lookup: if tracks { lookup(stack, names, &clients).await? } else { None },
        })
    };
    member::work(Arc::new(InFolder::at(folder)), seat, equip, cancel).await
}
