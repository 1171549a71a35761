//! Everything that carries our ownership tags, by name, tag, path and parameters; needs no journal.

use futures::future::join_all;

use super::{
    clients::Clients,
    kinds::{self, providers},
};
use crate::engine::{Node, Owned, Provider, ProviderError, Scope, StackId};

/// What a look at every kind has found; what cannot be looked at does not hide the rest.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What carries the ownership tags, by key.
    pub owned: Vec<Owned>,
    /// Kinds that could not be looked at.
    pub hidden: Vec<(&'static str, ProviderError)>,
}

/// What is there of one stack, by the names that follow from its id, or of every stack; by key.
///
/// # Errors
/// The first look that fails: then nothing is known of that kind.
pub async fn of(clients: &Clients, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
    let mut found = look(clients, scope).await;
    found.hidden.pop().map_or(Ok(found.owned), |(_, error)| Err(error))
}

/// The same, as far as it can be seen.
pub async fn look(clients: &Clients, scope: &Scope) -> Found {
    gathered(clients, &[], async |provider| provider.owned(scope).await).await
}

/// What is there of one stack, also under whole names of its file: for that the tags of every stream, bucket and
/// DynamoDB table are read.
pub async fn thorough(clients: &Clients, id: &StackId) -> Found {
    thorough_told(clients, id, &[]).await
}

/// [`thorough`], also where these nodes of the stack tell that something may be.
pub async fn thorough_told(clients: &Clients, id: &StackId, told: &[Node]) -> Found {
    let scope = &Scope::Stack(id.clone());
    gathered(clients, told, async |provider| {
        match kinds::named(provider.kind()).is_some_and(|kind| kind.named_by_user) {
            true => provider.owned_under_any_name(id).await,
            false => provider.owned(scope).await,
        }
    })
    .await
}

async fn gathered(
    clients: &Clients,
    told: &[Node],
    look: impl AsyncFn(&dyn Provider) -> Result<Vec<Owned>, ProviderError>,
) -> Found {
    let (providers, look) = (providers(clients), &look);
    providers.note(told);
    let looks = providers.all().map(|provider| async { (provider.kind(), look(provider.as_ref()).await) });
    let mut found = Found::default();
    for (kind, answer) in join_all(looks).await {
        match answer {
            Ok(owned) => found.owned.extend(owned),
            Err(error) => found.hidden.push((kind, error)),
        }
    }
    found.owned.sort_by(|one, other| one.node.key.cmp(&other.node.key));
    found
}
