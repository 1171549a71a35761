//! What a stack refers to and does not make, looked at before anything is made.

use super::{
    clients::Clients,
    failure::broken,
    names::Names,
    redshift::{
        self, At, Database,
        data::{DataError, Runner},
        delivery::secret_arn,
        workgroup,
    },
};
use crate::{
    engine::{Cause, Graph, Observed, ProviderError, Providers},
    spec::Stack,
};

/// Whether everything that the stack refers to is there and answers.
///
/// # Errors
/// The first thing that is not, with what to do about it.
pub async fn reachable(stack: &Stack, names: &Names, clients: &Clients) -> Result<(), ProviderError> {
    let Some((to, names)) = stack.deliver.redshift.as_ref().zip(names.redshift.as_ref()) else { return Ok(()) };
    if let Some(secret) = &to.secret {
        secret_arn(clients, secret).await?;
    }
    let database = Database::of(to, names);
    match &database.at {
        At::Ours(_) => return Ok(()),
        At::Workgroup(name) if workgroup::get(clients, name).await?.is_none() => return Err(nowhere(&database, None)),
        At::Workgroup(_) | At::Cluster { .. } => {}
    }
    match Runner::new(clients, &database).run(&["SELECT 1 AS there".to_owned()], 1).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_nowhere() => Err(nowhere(&database, Some(error))),
        Err(error) => Err(error.about(
            &database.title(),
            "let who is calling use the Data API there: with deliver.redshift.secret or, on a cluster, .user",
        )),
    }
}

/// Whether somebody else has something inside Redshift under the names that the stack would take.
///
/// # Errors
/// All that is there and not the stack's, and how it differs from what the stack would make.
pub async fn unoccupied(graph: &Graph, providers: &Providers) -> Result<(), ProviderError> {
    let inside = [redshift::schema::KIND, redshift::table::KIND];
    let mut found = Vec::new();
    for node in graph.nodes().iter().filter(|node| inside.contains(&node.key.kind.as_str())) {
        if let Observed::Foreign { why } = providers.of(&node.key)?.read(node).await? {
            found.push(format!("{}: {why}", node.key));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    let message = format!("it exists and is not this stack's; nothing was touched\n    {}", found.join("\n    "));
    let advice = "choose another name in deliver.redshift.table, or remove what is there yourself";
    Err(broken(Cause::Other, "looking before making anything", "Redshift", message, advice))
}

fn nowhere(database: &Database, error: Option<DataError>) -> ProviderError {
    let advice = match &database.at {
        At::Cluster { .. } => {
            "name a cluster and a database that are there (`aws redshift describe-clusters`), in this account and region"
        }
        At::Workgroup(_) | At::Ours(_) => {
            "name a workgroup and a database that are there (`aws redshift-serverless list-workgroups`), or ask for \
             one of the stack's own: deliver.redshift.create: true"
        }
    };
    let why = error.map_or("there is no such workgroup".to_owned(), |error| match error {
        DataError::Call(error) => error.message,
        DataError::Ended { reason, .. } => reason,
    });
    let message = format!("{why}; nothing was made");
    broken(Cause::Other, "looking for Redshift", &database.title(), message, advice)
}
