//! The delivery to DynamoDB: a Lambda function writes items to a table.

mod cost;
mod documents;
mod given_up;
mod lookup;
pub mod names;
mod resources;
pub mod spec;
mod verify;

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Delivery,
    documents::Documents,
    parts::{NodesError, Parts, Unfit},
    spec::section::Section,
    usage::{Sent, Used},
};
use crate::{
    aws::{Clients, Names, cost::Prices},
    engine::Node,
    spec::{End, Flaw},
    verify::{Destination, DestinationReader, Expected, VerifyError, freshness::Lookup},
};

pub use names::DynamoDbNames;
pub use resources::DynamoDbError;
pub use spec::{DynamoDbDelivery, FunctionSettings, MappingSettings};
pub use verify::{DESTINATION, DynamoDb};

#[async_trait]
impl Delivery for DynamoDbDelivery {
    fn destination(&self) -> Destination {
        DESTINATION
    }

    fn end_of(&self, flaw: Flaw) -> Result<End, String> {
        Section::end_of(self, flaw).map_err(|refusal| refusal.problem)
    }

    fn nodes(&self, parts: &Parts<'_>) -> Result<Vec<Node>, NodesError> {
        Ok(resources::nodes(self, parts)?)
    }

    fn needs_code(&self) -> bool {
        true
    }

    fn check_document(&self, document: &[u8]) -> Result<(), Unfit> {
        documents::check_document(self, document)
    }

    fn check_documents(&self, read: &Documents<'_>) -> Vec<Unfit> {
        documents::check_documents(self, read)
    }

    fn used(&self, sent: Sent, prices: &Prices) -> Vec<Used> {
        cost::used(self, sent, prices)
    }

    fn stored(&self, sent: Sent) -> f64 {
        sent.bytes()
    }

    fn by_use(&self) -> Option<&'static str> {
        Some("Lambda's time, DynamoDB's storage and reads, logs")
    }

    fn function(&self, names: &Names) -> Option<String> {
        Some(self.names(&names.id).function)
    }

    async fn lookup(&self, names: &Names, clients: &Clients) -> Result<Option<Box<dyn Lookup>>, VerifyError> {
        Ok(Some(lookup::of(self, names, clients).await?))
    }

    fn reader(&self, names: &Names, clients: &Clients, expected: &Arc<Expected>) -> Box<dyn DestinationReader> {
        Box::new(DynamoDb::new(self, names, clients, expected))
    }
}
