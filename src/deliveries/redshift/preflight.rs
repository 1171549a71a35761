//! The Redshift that a stack refers to and does not make: whether it is there and answers.

use super::RedshiftDelivery;
use crate::{
    aws::{
        Clients, Names,
        preflight::Finding,
        redshift::{
            At, Database,
            data::{DataError, Runner},
            delivery::secret_arn,
            workgroup,
        },
    },
    engine::Cause,
};

/// Secret and database, each by itself.
pub(super) async fn check(to: &RedshiftDelivery, names: &Names, clients: &Clients) -> Vec<Finding> {
    let database = to.database(&names.id);
    let (secret, reached) = futures::join!(secret(to.secret.as_deref(), clients), reached(&database, clients));
    secret.into_iter().chain(reached).collect()
}

async fn secret(name: Option<&str>, clients: &Clients) -> Option<Finding> {
    let what = format!("secret {}", name?);
    Some(match secret_arn(clients, name?).await {
        Ok(arn) => Finding::fine(what, arn),
        Err(error) => Finding::failed(what, error),
    })
}

async fn reached(database: &Database, clients: &Clients) -> Option<Finding> {
    match &database.at {
        At::Ours(_) => return None,
        At::Workgroup(name) => match workgroup::get(clients, name).await {
            Ok(Some(_)) => {}
            Ok(None) => return Some(nowhere(database, None)),
            Err(error) => return Some(Finding::failed(database.title(), error)),
        },
        At::Cluster { .. } => {}
    }
    Some(match Runner::new(clients, database).run(&["SELECT 1 AS there".to_owned()], 1).await {
        Ok(_) => Finding::fine(database.title(), "answers"),
        Err(error) if error.is_nowhere() => nowhere(database, Some(error)),
        Err(error) => {
            let advice =
                "allow the caller to use the Data API there: with deliver.redshift.secret or, on a cluster, .user";
            Finding::failed(database.title(), error.about(&database.title(), advice))
        }
    })
}

fn nowhere(database: &Database, error: Option<DataError>) -> Finding {
    let advice = match &database.at {
        At::Cluster { .. } => {
            "name an existing cluster and database of this account and region (`aws redshift describe-clusters`)"
        }
        At::Workgroup(_) | At::Ours(_) => {
            "name a workgroup and a database that are there (`aws redshift-serverless list-workgroups`), or ask for \
             one of the stack's own: deliver.redshift.create: true"
        }
    };
    let why = error.map_or("no such workgroup".to_owned(), |error| match error {
        DataError::Call(error) => error.message,
        DataError::Ended { reason, .. } => reason,
    });
    Finding::wrong(Cause::Other, database.title(), why, advice)
}
