//! Looks up single documents in the DynamoDB table, by consistent reads.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{DESTINATION, DynamoDbDelivery};
use crate::{
    aws::{Clients, Names, items::Items},
    verify::{Destination, VerifyError, destination::Patience, freshness::Lookup},
};

struct ItemLookup {
    items: Items,
    patience: Duration,
}

pub(super) async fn of(
    to: &DynamoDbDelivery,
    names: &Names,
    clients: &Clients,
) -> Result<Box<dyn Lookup>, VerifyError> {
    let items = Items::of(&clients.dynamodb, &to.names(&names.id).table).await?;
    let patience = Patience::for_interval(to.mapping.window).standstill;
    Ok(Box::new(ItemLookup { items, patience }))
}

#[async_trait]
impl Lookup for ItemLookup {
    fn destination(&self) -> Destination {
        DESTINATION
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    async fn finds(&self, document: &[u8]) -> Result<bool, VerifyError> {
        let key = self.items.key_of(&values(&self.items, document))?;
        Ok(self.items.get(&key).await?.is_some())
    }
}

/// The values of the table's key in a document, as text; fewer where one is missing.
fn values(items: &Items, document: &[u8]) -> Vec<String> {
    let fields: Map<String, Value> = serde_json::from_slice(document).unwrap_or_default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    items.key().filter_map(|name| fields.get(name).map(text)).collect()
}
