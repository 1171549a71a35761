//! Looks up single documents in the DynamoDB table, by consistent reads.

use std::time::Duration;

use async_trait::async_trait;
use demo_function::TableKey;

use super::{DESTINATION, DynamoDbDelivery};
use crate::{
    aws::{Clients, Names, items::Items},
    verify::{Destination, VerifyError, destination::Patience, freshness::Lookup},
};

struct ItemLookup {
    items: Items,
    key: TableKey,
    patience: Duration,
}

pub(super) async fn of(
    to: &DynamoDbDelivery,
    names: &Names,
    clients: &Clients,
) -> Result<Box<dyn Lookup>, VerifyError> {
    let items = Items::of(&clients.dynamodb, &to.names(&names.id).table).await?;
    let patience = Patience::for_interval(to.mapping.window).standstill;
    Ok(Box::new(ItemLookup { items, key: to.key.clone(), patience }))
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
        let values = demo_function::key_of(document, &self.key).unwrap_or_default();
        let key = self.items.key_of(&values)?;
        Ok(self.items.get(&key).await?.is_some())
    }
}
