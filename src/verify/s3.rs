//! S3 as a destination: the objects, and the table over them.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use aws_sdk_s3::Client;

use super::{
    destination::{Conclusion, Destination, Patience, Place, ProveError},
    keys::{KeyBag, Tally},
    objects::Objects,
    sql::{self, Table},
};
use crate::{
    aws::{Clients, Names, partitions},
    spec::{Partitions, S3Delivery},
};

/// The delivered objects of some runs.
pub struct S3 {
    clients: Clients,
    objects: Objects,
    tickets: Vec<RangeInclusive<u64>>,
    patience: Patience,
    table: Option<Table>,
    registers: bool,
    registered: u64,
}

impl S3 {
    /// Of a delivery whose resources have these names. `tickets` are the ranges that the runs reserved.
    pub fn new(s3: &S3Delivery, names: &Names, clients: &Clients, tickets: &[RangeInclusive<u64>]) -> Self {
        let table = names.database.clone().zip(names.table.clone()).map(|(database, table)| Table {
            workgroup: names.workgroup.clone(),
            database,
            table,
        });
        let bucket = names.bucket.as_deref().expect("a delivery to S3 has a bucket");
        let client: Client = clients.s3.clone();
        Self {
            clients: clients.clone(),
            objects: Objects::new(client, bucket, s3.prefix.fixed(), tickets.to_vec()),
            tickets: tickets.to_vec(),
            patience: Patience::for_interval(s3.buffer.interval),
            table,
            registers: s3.catalog.as_ref().is_some_and(|catalog| catalog.partitions == Partitions::Registered),
            registered: 0,
        }
    }
}

#[async_trait]
impl Destination for S3 {
    fn place(&self) -> Place {
        Place::S3
    }

    fn patience(&self) -> Patience {
        self.patience
    }

    async fn look(&mut self) -> Result<u64, ProveError> {
        self.objects.look().await?;
        let documents = self.objects.keys.len();
        if let Some(table) = self.table.as_ref().filter(|_| self.registers && documents > self.registered) {
            partitions::register(&self.clients.glue, &self.clients.s3, &table.database, &table.table).await?;
            self.registered = documents;
        }
        Ok(documents)
    }

    async fn tally(&mut self, acknowledged: &KeyBag) -> Result<Tally, ProveError> {
        Ok(self.objects.keys.tally(acknowledged))
    }

    async fn conclude(&mut self, tally: &Tally) -> Result<Conclusion, ProveError> {
        let Some(table) = &self.table else { return Ok(Conclusion::default()) };
        let counted = sql::count(&self.clients.athena, table, &self.tickets).await?;
        Ok(Conclusion { by_sql: Some(counted.distinct), problems: differences(tally, counted) })
    }
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
