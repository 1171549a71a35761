//! A worker in a task of its own, on whatever machine: it has its coordinator's bucket, and nothing else.

use std::{path::Path, sync::Arc};

use super::member::{self, Equipment, MemberError};
use crate::{
    aws::SendingClients,
    engine::Cancel,
    fleet::{InBucket, Task},
};

/// Takes a task's seat in its run, and sends its part of the load; `folder` is for the acknowledgement log, of which the bucket
/// has a copy. A raised `cancel` ends this worker in order, and so does its coordinator. It looks no documents up.
///
/// # Errors
/// The worker cannot meet its coordinator, or cannot send.
pub async fn work(task: &Task, folder: &Path, cancel: &Cancel) -> Result<(), MemberError> {
    let Task { region, endpoint_url, bucket, run, seat } = task;
    let clients = SendingClients::of_task(region, endpoint_url.as_deref());
    let place = Arc::new(InBucket::new(&clients.s3, bucket, run));
    let equip = async |_: member::Target<'_>| Ok(Equipment { clients, log: folder.join("acks"), lookup: None });
    member::work(place, *seat, equip, cancel).await
}
