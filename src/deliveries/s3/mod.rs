//! The delivery to S3: Firehose, and with a catalog the Glue table over what it writes.

mod cost;
mod documents;
pub mod names;
mod query;
mod resources;
pub mod spec;
mod verify;
mod watch;

use std::sync::Arc;

use async_trait::async_trait;
use demo_formats::schema::Schema;
use demo_workload::Identity;
use futures::future::BoxFuture;

use super::{
    Delivery, Watched,
    documents::Documents,
    parts::{NodesError, Parts, Unfit},
    query::Table,
    spec::section::Section,
    usage::{Sent, Used},
};
use crate::{
    aws::{Clients, Names, cost::Prices, partitions::keep_registering},
    engine::Node,
    spec::{End, Flaw},
    verify::{Destination, DestinationReader, Expected, freshness::Awaited, watch::Watch},
};

pub use names::S3Names;
pub use resources::S3Error;
pub use spec::{Catalog, NotProjected, Partitions, S3Delivery};
pub use verify::DESTINATION;

impl S3Delivery {
    /// Whether its table knows only partitions that somebody registers.
    fn registers(&self) -> bool {
        self.catalog.as_ref().is_some_and(|catalog| catalog.partitions == Partitions::Registered)
    }
}

#[async_trait]
impl Delivery for S3Delivery {
    fn destination(&self) -> Destination {
        DESTINATION
    }

    fn end_of(&self, flaw: Flaw) -> Result<End, String> {
        Section::end_of(self, flaw).map_err(|refusal| refusal.problem)
    }

    fn nodes(&self, parts: &Parts<'_>) -> Result<Vec<Node>, NodesError> {
        Ok(resources::nodes(self, parts)?)
    }

    fn has_columns(&self) -> bool {
        self.catalog.is_some()
    }

    fn check_identity(&self, identity: &Identity) -> Result<(), Unfit> {
        documents::check_identity(self, identity)
    }

    fn check_document(&self, document: &[u8]) -> Result<(), Unfit> {
        documents::check_document(self, document)
    }

    fn check_documents(&self, read: &Documents<'_>) -> Vec<Unfit> {
        documents::check_documents(self, read)
    }

    fn ddl(&self, columns: &Schema) -> String {
        documents::ddl(self, columns)
    }

    fn used(&self, sent: Sent, prices: &Prices) -> Vec<Used> {
        cost::used(self, sent, prices)
    }

    fn stored(&self, sent: Sent) -> f64 {
        cost::stored(self, sent)
    }

    fn by_use(&self) -> Option<&'static str> {
        self.catalog.as_ref().map(|_| "Athena, by what a query scans")
    }

    fn beside_load(&self, names: &Names, clients: &Clients) -> Option<BoxFuture<'static, ()>> {
        let table = self.registers().then(|| self.names(&names.id).table)??;
        let (glue, s3) = (clients.glue.clone(), clients.s3.clone());
        Some(Box::pin(keep_registering(glue, s3, table.database, table.table)))
    }

    fn firehose_stream(&self, names: &Names) -> Option<String> {
        Some(self.names(&names.id).delivery)
    }

    fn reader(&self, names: &Names, clients: &Clients, expected: &Arc<Expected>) -> Box<dyn DestinationReader> {
        let reading = verify::reading(self, names, clients, &expected.identity);
        Box::new(verify::S3::new(self, (names, clients), reading, expected))
    }

    fn watch(&self, names: &Names, clients: &Clients, watched: Watched) -> Option<Box<dyn Watch>> {
        let Watched { identity, samples, reads } = watched;
        let mut reading = verify::reading(self, names, clients, &identity);
        reading.awaited = Awaited::new(samples, identity);
        Some(Box::new(watch::ObjectsWatch::new(self, (names, clients), reading, reads)))
    }

    fn table(&self, names: &Names, clients: &Clients) -> Option<Box<dyn Table>> {
        query::table(self, names, clients)
    }
}
