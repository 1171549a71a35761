//! Everything that carries our mark, by name, tag, path and parameters; needs no journal.

use futures::future::try_join_all;

use super::{bucket, clients::Clients, item_table, pipeline::providers, stream};
use crate::engine::{Owned, Provider, ProviderError, Scope, StackId, owned::under_any_name};

/// The kinds that a stack file may give a whole name for. Its stack's id is not in it, so only its tags tell whose it is.
const NAMED_AT_WILL: [&str; 3] = [stream::KIND, bucket::KIND, item_table::KIND];

/// What is there of one stack, by the names that follow from its id, or of every stack; by key.
///
/// # Errors
/// The first look that fails: then nothing is known of that kind.
pub async fn of(clients: &Clients, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
    let providers = providers(clients);
    let looks = providers.all().map(|provider| provider.owned(scope));
    Ok(sorted(try_join_all(looks).await?))
}

/// What is there of one stack, also under whole names of its file: reads the tags of every stream, bucket and DynamoDB
/// table.
///
/// # Errors
/// As [`of`].
pub async fn thorough(clients: &Clients, id: &StackId) -> Result<Vec<Owned>, ProviderError> {
    let (providers, scope) = (providers(clients), Scope::Stack(id.clone()));
    let looks = providers.all().map(|provider| look(provider.as_ref(), &scope, id));
    Ok(sorted(try_join_all(looks).await?))
}

async fn look(provider: &dyn Provider, scope: &Scope, id: &StackId) -> Result<Vec<Owned>, ProviderError> {
    match NAMED_AT_WILL.contains(&provider.kind()) {
        true => under_any_name(provider, id).await,
        false => provider.owned(scope).await,
    }
}

fn sorted(found: Vec<Vec<Owned>>) -> Vec<Owned> {
    let mut found = found.concat();
    found.sort_by(|one, other| one.node.key.cmp(&other.node.key));
    found
}
