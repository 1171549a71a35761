//! The delivery to Redshift: through S3, by COPY or by Firehose itself.

mod cost;
mod documents;
pub mod names;
mod preflight;
mod query;
mod resources;
pub mod spec;
mod verify;
mod watch;

use std::sync::Arc;

use async_trait::async_trait;
use demo_formats::schema::Schema;
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
    aws::{Clients, Names, cost::Prices, preflight::Finding},
    engine::{Node, StackId},
    spec::{End, Flaw},
    verify::{Destination, DestinationReader, Expected, watch::Watch},
};

pub use names::RedshiftNames;
pub use spec::{RedshiftAt, RedshiftDelivery, RedshiftLoad};
pub use verify::DESTINATION;

#[async_trait]
impl Delivery for RedshiftDelivery {
    fn destination(&self) -> Destination {
        DESTINATION
    }

    fn end_of(&self, flaw: Flaw) -> Result<End, String> {
        Section::end_of(self, flaw).map_err(|refusal| refusal.problem)
    }

    fn nodes(&self, parts: &Parts<'_>) -> Result<Vec<Node>, NodesError> {
        Ok(resources::nodes(self, parts))
    }

    fn inside(&self, id: &StackId) -> Option<Node> {
        Some(resources::schema(self, id))
    }

    fn has_columns(&self) -> bool {
        true
    }

    fn check_document(&self, document: &[u8]) -> Result<(), Unfit> {
        documents::check_document(document)
    }

    fn check_documents(&self, read: &Documents<'_>) -> Vec<Unfit> {
        documents::check_documents(self, read)
    }

    fn ddl(&self, columns: &Schema) -> String {
        columns.redshift_ddl(&self.table, self.structs) + &columns.jsonpaths()
    }

    async fn preflight(&self, names: &Names, clients: &Clients) -> Vec<Finding> {
        preflight::check(self, names, clients).await
    }

    fn used(&self, sent: Sent, prices: &Prices) -> Vec<Used> {
        cost::used(self, sent, prices)
    }

    fn stored(&self, sent: Sent) -> f64 {
        cost::stored(sent)
    }

    fn used_meanwhile(&self, seconds: f64, prices: &Prices) -> Option<Used> {
        cost::used_meanwhile(self, seconds, prices)
    }

    fn by_use(&self) -> Option<&'static str> {
        Some("Redshift's storage and queries")
    }

    fn beside_load(&self, names: &Names, clients: &Clients) -> Option<BoxFuture<'static, ()>> {
        let loader = self.loader(names, clients)?;
        Some(Box::pin(loader.keep_loading()))
    }

    fn firehose_stream(&self, names: &Names) -> Option<String> {
        Some(self.names(&names.id).delivery)
    }

    fn reader(&self, names: &Names, clients: &Clients, expected: &Arc<Expected>) -> Box<dyn DestinationReader> {
        Box::new(verify::Redshift::new(self, names, clients, expected))
    }

    fn watch(&self, names: &Names, clients: &Clients, _watched: Watched) -> Option<Box<dyn Watch>> {
        Some(Box::new(watch::RowsWatch::new(self, names, clients)))
    }

    fn table(&self, names: &Names, clients: &Clients) -> Option<Box<dyn Table>> {
        Some(query::table(self, names, clients))
    }
}
