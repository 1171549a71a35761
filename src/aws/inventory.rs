//! Everything that carries a stack's mark, by name, tag, path and parameters; needs no journal. What is inside of Redshift,
//! and a namespace or workgroup there, only `down` finds: it has looked at what the journal knows, and so knows where.

use futures::future::try_join_all;

use super::{clients::Clients, pipeline::providers};
use crate::engine::{Leftover, ProviderError, StackId};

/// What is there of this stack, sorted.
pub async fn of(clients: &Clients, stack: &StackId) -> Result<Vec<Leftover>, ProviderError> {
    let providers = providers(clients);
    let found = try_join_all(providers.all().map(|provider| provider.leftovers(stack))).await?;
    let mut found: Vec<Leftover> = found.into_iter().flatten().collect();
    found.sort();
    Ok(found)
}
