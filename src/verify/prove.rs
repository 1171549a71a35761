//! From what was acknowledged to what is there, by every way of looking that a stack has.

use std::{
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use tokio::{sync::watch, time::sleep};

use super::{
    keys::{KeyBag, Tally},
    objects::{Objects, ObjectsError},
    sql::{self, SqlError, Table},
    stream::{self, StreamError},
};
use crate::{
    aws::{Clients, Names, partitions},
    engine::ProviderError,
    spec::{Partitions, Stack},
};

/// Where a stack's records end, and so where to look for them.
#[derive(Clone, Debug)]
pub enum Destination {
    /// In the stream itself: the stack delivers nowhere.
    Stream {
        /// Its name.
        stream: String,
    },
    /// In S3 objects, and in a table over them where there is one.
    Objects {
        /// The bucket.
        bucket: String,
        /// The key prefix that all data objects have in common.
        prefix: String,
        /// The delivery's buffer interval.
        buffer: Duration,
        /// The table over the objects.
        table: Option<Table>,
        /// Whether partitions are registered as data lands.
        registered: bool,
    },
}

impl Destination {
    /// Of a stack whose resources have these names.
    pub fn of(stack: &Stack, names: &Names) -> Self {
        let (Some(s3), Some(bucket)) = (&stack.deliver.s3, &names.bucket) else {
            return Self::Stream { stream: names.stream.clone() };
        };
        let table = names.database.clone().zip(names.table.clone()).map(|(database, table)| Table {
            workgroup: names.workgroup.clone(),
            database,
            table,
        });
        let registered = s3.catalog.as_ref().is_some_and(|catalog| catalog.partitions == Partitions::Registered);
        let prefix = s3.prefix.fixed().to_owned();
        Self::Objects { bucket: bucket.clone(), prefix, buffer: s3.buffer.interval, table, registered }
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// Distinct documents in the stream, where that is the destination.
    pub landed_stream: Option<u64>,
    /// Distinct documents in S3.
    pub landed_s3: Option<u64>,
    /// Distinct documents by SQL.
    pub landed_sql: Option<u64>,
    /// The comparison with what was acknowledged.
    pub tally: Tally,
    /// Where two ways of looking disagree.
    pub problems: Vec<String>,
    /// The search was stopped before everything was found, so nothing is known of what is missing.
    pub stopped: bool,
}

/// How far a destination has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landing {
    /// Documents found so far, doubled ones included.
    pub documents: u64,
    /// Documents that must be there.
    pub expected: u64,
    /// Since the search began.
    pub waited: Duration,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The stream cannot be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The objects cannot be read.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// The partitions cannot be registered.
    #[error(transparent)]
    Partitions(#[from] ProviderError),
    /// The table cannot be asked.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

/// Waits until everything that was acknowledged is at the destination, or no more of it comes, and compares.
///
/// `tickets` are the ranges that the runs in question reserved; documents of other tickets are left out.
/// `stop` ends the waiting early: what is missing by then counts as lost.
pub async fn prove(
    clients: &Clients,
    destination: &Destination,
    mut acknowledged: KeyBag,
    tickets: &[RangeInclusive<u64>],
    mut stop: watch::Receiver<bool>,
    progress: impl Fn(Landing),
) -> Result<Proof, ProveError> {
    let (bucket, prefix, buffer, table, registered) = match destination {
        Destination::Stream { stream } => {
            let tally = stream::keys(&clients.kinesis, stream, tickets).await?.tally(&mut acknowledged);
            return Ok(Proof { landed_stream: Some(tally.distinct), tally, ..Proof::default() });
        }
        Destination::Objects { bucket, prefix, buffer, table, registered } => {
            (bucket, prefix, buffer, table, registered)
        }
    };
    let register = table.as_ref().filter(|_| *registered);
    let mut objects = Objects::new(clients.s3.clone(), bucket, prefix, tickets.to_vec());
    let patience = Patience::for_buffer(*buffer);
    let (start, mut moved, mut before) = (Instant::now(), Instant::now(), 0);
    let tally = loop {
        objects.look().await?;
        let (documents, expected) = (objects.keys.len(), acknowledged.len());
        progress(Landing { documents, expected, waited: start.elapsed() });
        if documents > before {
            (moved, before) = (Instant::now(), documents);
            if let Some(table) = register {
                partitions::register(&clients.glue, &clients.s3, &table.database, &table.table).await?;
            }
        }
        let given_up = moved.elapsed() > patience.standstill || *stop.borrow();
        if documents >= expected || given_up {
            let tally = objects.keys.tally(&mut acknowledged);
            if tally.lost == 0 || given_up {
                break tally;
            }
        }
        tokio::select! {
            () = sleep(patience.every) => {}
            // An error means that nobody can stop it any more; then only time ends it.
            Ok(()) = stop.changed() => {}
        }
    };
    let stopped = tally.lost > 0 && *stop.borrow();
    let mut proof = Proof { landed_s3: Some(tally.distinct), tally, stopped, ..Proof::default() };
    if let Some(table) = table.as_ref().filter(|_| !stopped) {
        let counted = sql::count(&clients.athena, table, tickets).await?;
        proof.landed_sql = Some(counted.distinct);
        proof.problems = differences(&proof.tally, counted);
    }
    Ok(proof)
}

fn differences(objects: &Tally, table: sql::Counted) -> Vec<String> {
    let pairs = [
        ("documents", u128::from(objects.documents), u128::from(table.documents)),
        ("distinct keys", u128::from(objects.distinct), u128::from(table.distinct)),
        ("sum of ticket numbers", objects.ticket_sum, table.ticket_sum),
    ];
    let differing = pairs.into_iter().filter(|(_, s3, sql)| s3 != sql);
    differing.map(|(what, s3, sql)| format!("{what}: {s3} in the objects, {sql} by SQL")).collect()
}

/// How often to look, and for how long after the last new document.
#[derive(Clone, Copy, Debug)]
struct Patience {
    every: Duration,
    standstill: Duration,
}

impl Patience {
    /// For a delivery that buffers for `interval`: three of them and a minute, since the service may be late.
    fn for_buffer(interval: Duration) -> Self {
        let every = (interval / 10).clamp(Duration::from_millis(200), Duration::from_secs(5));
        Self { every, standstill: interval * 3 + Duration::from_secs(60) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_a_problem() {
        let objects = Tally { documents: 5, distinct: 4, ticket_sum: 9, ..Tally::default() };
        assert!(differences(&objects, sql::Counted { documents: 5, distinct: 4, ticket_sum: 9 }).is_empty());
        let problems = differences(&objects, sql::Counted { documents: 5, distinct: 3, ticket_sum: 8 });
        assert_eq!(problems.len(), 2);
        assert!(problems[0].contains("4 in the objects, 3 by SQL"), "{problems:?}");
    }
}
