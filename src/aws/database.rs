//! The Glue database.

use async_trait::async_trait;
use aws_sdk_glue::types::{Database, DatabaseInput};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    clients::Clients,
    failure::{broken, desired, failure, is},
    mark::{self, Mark, parameters},
};
use crate::engine::{Cause, Node, Observed, Owned, Progress, Provider, ProviderError, Scope};

/// The kind of its keys.
pub const KIND: &str = "database";

/// A database as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// Whose it is; in its parameters, and as tags.
    pub mark: Mark,
}

/// Knows databases.
pub struct Databases(pub Clients);

#[async_trait]
impl Provider for Databases {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn read(&self, node: &Node) -> Result<Observed, ProviderError> {
        let Desired { name, mark } = desired(node)?;
        let Some(found) = self.get(&name).await? else { return Ok(Observed::Absent) };
        if let Err(why) = mark.is_on(parameters(found.parameters())) {
            return Ok(Observed::Foreign { why });
        }
        let identity = self.0.arn("glue", &format!("database/{name}")).await?;
        Ok(Observed::Ours { identity, ready: true, differs: Vec::new() })
    }

    async fn create(&self, node: &Node, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        const CALL: &str = "glue CreateDatabase";
        let Desired { name, mark } = desired(node)?;
        let tags: std::collections::HashMap<_, _> = mark.all().into_iter().collect();
        let input = DatabaseInput::builder().name(&name).set_parameters(Some(tags.clone())).build();
        let input = input.map_err(|error| broken(Cause::Other, CALL, &name, error.to_string(), ""))?;
        let answer = self.0.glue.create_database().database_input(input).set_tags(Some(tags)).send().await;
        answer.map_err(|error| failure(CALL, &name, &error))?;
        self.0.arn("glue", &format!("database/{name}")).await
    }

    async fn make_ready(&self, _node: &Node, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        Ok(())
    }

    async fn delete(&self, node: &Node, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = desired(node)?;
        match self.0.glue.delete_database().name(&name).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, &["EntityNotFoundException"]) => Ok(()),
            Err(error) => Err(failure("glue DeleteDatabase", &name, &error)),
        }
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let owned = |database: Database| {
            let (name, mark) = (database.name(), Mark::found(scope, parameters(database.parameters()))?);
            let command = self.0.cli(&format!("glue delete-database --name {name}"));
            Some(mark::owned(KIND, name, mark, json!({"name": name}), command))
        };
        Ok(all(&self.0).await?.into_iter().filter_map(owned).collect())
    }
}

impl Databases {
    async fn get(&self, name: &str) -> Result<Option<Database>, ProviderError> {
        match self.0.glue.get_database().name(name).send().await {
            Ok(answer) => Ok(answer.database),
            Err(error) if is(&error, &["EntityNotFoundException"]) => Ok(None),
            Err(error) => Err(failure("glue GetDatabase", name, &error)),
        }
    }
}

/// Every database of the account.
pub(super) async fn all(clients: &Clients) -> Result<Vec<Database>, ProviderError> {
    let mut databases = Vec::new();
    let mut pages = clients.glue.get_databases().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| failure("glue GetDatabases", "the account", &error))?;
        databases.extend(page.database_list);
    }
    Ok(databases)
}
