//! S3 as a destination: the objects, and the table over them.

use std::sync::Arc;

use async_trait::async_trait;
use demo_workload::Identity;

use super::S3Delivery;
use crate::{
    aws::{Clients, Names, partitions},
    verify::{
        destination::{Conclusion, Destination, DestinationReader, Keeps, Patience, VerifyError},
        expected::Expected,
        folder::Folder,
        keys::{KeyBag, Tally},
        objects::{Objects, ObjectsReading},
        rejected_objects::RejectedObjects,
        sql::{self, SqlError, Table},
    },
};

/// The objects, and the table over them.
pub const DESTINATION: Destination =
    Destination { name: "S3", label: "S3", field: "landed_s3", sql_field: Some("landed_sql"), keeps: Keeps::All };

/// The delivered objects of some runs.
pub(super) struct S3 {
    clients: Clients,
    objects: Objects,
    rejected: RejectedObjects,
    expected: Arc<Expected>,
    patience: Patience,
    table: Option<Table>,
    registers: bool,
    registered: u64,
    /// What lies apart, in the objects and under the error prefix.
    apart: KeyBag,
}

impl S3 {
    /// Of a delivery whose resources have these names, of which the reading may have read some already.
    pub(super) fn new(
        s3: &S3Delivery,
        (names, clients): (&Names, &Clients),
        reading: ObjectsReading,
        expected: &Arc<Expected>,
    ) -> Self {
        let bucket = names.bucket.as_deref().expect("a delivery to S3 has a bucket");
        let (prefix, error_prefix) = (s3.prefix.fixed(), s3.error_prefix.fixed());
        let delivered = if error_prefix.starts_with(prefix) { "" } else { prefix };
        let errors = Folder::new(&clients.s3, bucket, error_prefix);
        Self {
            clients: clients.clone(),
            objects: Objects::new(reading, expected.clone()),
            rejected: RejectedObjects::new(errors, delivered, expected),
            expected: expected.clone(),
            patience: Patience::for_interval(s3.buffer.interval),
            table: s3.names(&names.id).table,
            registers: s3.registers(),
            registered: 0,
            apart: KeyBag::default(),
        }
    }
}

/// What reads the delivered objects.
pub(super) fn reading(s3: &S3Delivery, names: &Names, clients: &Clients, identity: &Identity) -> ObjectsReading {
    let bucket = names.bucket.as_deref().expect("a delivery to S3 has a bucket");
    ObjectsReading::new(Folder::new(&clients.s3, bucket, s3.prefix.fixed()), identity.clone())
}

impl S3 {
    fn gather_apart(&mut self) {
        self.apart = self.objects.found().apart.clone();
        self.apart.append(self.rejected.apart.clone());
    }

    /// Whether SQL has a row without a key for each line that lies apart in the objects, and no other.
    async fn without_key(&mut self, table: &Table) -> Result<Option<String>, SqlError> {
        let lines = self.objects.found().apart.len();
        let rows = sql::count_without_key(&self.clients.athena, table, &self.expected).await?;
        let differing = rows.filter(|rows| *rows != lines);
        Ok(differing.map(|rows| format!("lines without a key: {lines} in the objects, {rows} rows by SQL")))
    }
}

#[async_trait]
impl DestinationReader for S3 {
    fn destination(&self) -> Destination {
        DESTINATION
    }

    fn patience(&self, _left: u64) -> Patience {
        self.patience
    }

    async fn read(&mut self) -> Result<u64, VerifyError> {
        self.objects.read_new().await?;
        self.gather_apart();
        let documents = self.objects.found().keys.len();
        if let Some(table) = self.table.as_ref().filter(|_| self.registers && documents > self.registered) {
            partitions::register(&self.clients.glue, &self.clients.s3, &table.database, &table.table).await?;
            self.registered = documents;
        }
        Ok(documents)
    }

    async fn tally(&mut self, acknowledged: &KeyBag) -> Result<Tally, VerifyError> {
        Ok(self.objects.found().keys.tally(acknowledged))
    }

    fn apart(&mut self) -> &mut KeyBag {
        &mut self.apart
    }

    async fn rejected(&mut self) -> Result<u64, VerifyError> {
        let rejected = self.rejected.read_new().await?;
        self.gather_apart();
        Ok(rejected)
    }

    async fn conclude(&mut self, tally: &Tally) -> Result<Conclusion, VerifyError> {
        let (rejections, freshness) = (self.rejected.found().by_reason().to_vec(), self.objects.freshness());
        let Some(table) = self.table.clone() else {
            return Ok(Conclusion { rejections, freshness, ..Conclusion::default() });
        };
        let counted = sql::count(&self.clients.athena, &table, &self.expected).await?;
        let mut problems = counted.differences(tally);
        if self.expected.has_apart() {
            problems.extend(self.without_key(&table).await?);
        }
        Ok(Conclusion { by_sql: Some(counted.landed(tally)), problems, rejections, freshness })
    }
}
