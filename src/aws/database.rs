//! The Glue database.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_glue::types::{Database, DatabaseInput};
use aws_smithy_types::error::operation::BuildError;
use serde::{Deserialize, Serialize};

use super::{
    clients::Clients,
    failure::{broken, failure, is},
    kind::{Kind, Layer},
    ownership::{Ownership, parameters, unless_gone},
    permission::{On, Statement},
    tags,
};
use crate::engine::{Cause, Difference, Foreign, Observed, Owned, Progress, ProviderError, Scope, StackId};

/// A database as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// Whose it is; in its parameters, and as tags.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// Knows databases.
pub struct Databases(pub Clients);

#[async_trait]
impl Kind for Databases {
    type Desired = Desired;

    const KIND: &'static str = "database";
    const LAYER: Layer = Layer::Container;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    /// Deleting a database asks for the tables and functions in it too.
    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        const ACTIONS: [&str; 6] = [
            "glue:CreateDatabase",
            "glue:DeleteDatabase",
            "glue:GetDatabase",
            "glue:GetTables",
            "glue:TagResource",
            "glue:UpdateDatabase",
        ];
        let name = &wanted.name;
        let on = [
            "catalog",
            &format!("database/{name}"),
            &format!("table/{name}/*"),
            &format!("userDefinedFunction/{name}/*"),
        ];
        vec![Statement::new(&ACTIONS, on.map(|resource| On::resource("glue", resource)))]
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let Desired { name, ownership } = wanted;
        let Some(found) = self.get(name).await? else { return Ok(Observed::Absent) };
        if let Err(why) = ownership.is_on(parameters(found.parameters())) {
            return Ok(Observed::Foreign { why });
        }
        let identity = self.0.arn("glue", &format!("database/{name}")).await?;
        let differs = tags::differences(ownership, parameters(found.parameters()));
        Ok(Observed::Ours { identity, ready: true, differs })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        const CALL: &str = "glue CreateDatabase";
        let Desired { name, ownership } = wanted;
        let tags: HashMap<_, _> = ownership.all().into_iter().collect();
        let input = DatabaseInput::builder().name(name).set_parameters(Some(tags.clone())).build();
        let input = input.map_err(|error| broken(Cause::Other, CALL, name, error.to_string(), ""))?;
        let answer = self.0.glue.create_database().database_input(input).set_tags(Some(tags)).send().await;
        answer.map_err(|error| failure(CALL, name, &error))?;
        self.0.arn("glue", &format!("database/{name}")).await
    }

    async fn change(
        &self,
        wanted: &Desired,
        _differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        const CALL: &str = "glue UpdateDatabase";
        let Desired { name, ownership } = wanted;
        let arn = self.0.arn("glue", &format!("database/{name}")).await?;
        let more: HashMap<String, String> = tags::changing(ownership).into_iter().collect();
        // The parameters are what is compared, so they are last.
        let answer = self.0.glue.tag_resource().resource_arn(arn).set_tags_to_add(Some(more.clone())).send().await;
        answer.map_err(|error| failure("glue TagResource", name, &error))?;
        let gone = || broken(Cause::Other, CALL, name, "it no longer exists".to_owned(), "`demo up` creates it again");
        let found = self.get(name).await?.ok_or_else(gone)?;
        let input = over(&found, more).map_err(|error| broken(Cause::Other, CALL, name, error.to_string(), ""))?;
        let answer = self.0.glue.update_database().name(name).database_input(input).send().await;
        answer.map_err(|error| failure(CALL, name, &error)).map(drop)
    }

    /// Tables without our tags; DeleteDatabase takes them along.
    async fn foreign(&self, wanted: &Desired) -> Result<Vec<Foreign>, ProviderError> {
        let Desired { name, ownership } = wanted;
        let mut found = Vec::new();
        let mut pages = self.0.glue.get_tables().database_name(name).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure("glue GetTables", name, &error));
            let Some(page) = unless_gone(page)? else { break };
            let others =
                page.table_list().iter().filter(|table| ownership.is_on(parameters(table.parameters())).is_err());
            found.extend(others.map(|table| Foreign {
                what: format!("table {}", table.name()),
                command: self.0.cli(&format!("glue delete-table --database-name {name} --name {}", table.name())),
                only_by_hand: false,
            }));
        }
        Ok(found)
    }

    async fn delete(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = wanted;
        match self.0.glue.delete_database().name(name).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, &["EntityNotFoundException"]) => Ok(()),
            Err(error) => Err(failure("glue DeleteDatabase", name, &error)),
        }
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let owned = |database: Database| {
            let (name, ownership) = (database.name(), Ownership::found(scope, parameters(database.parameters()))?);
            let command = self.0.cli(&format!("glue delete-database --name {name}"));
            Some(Self::found(name, &Desired { name: name.to_owned(), ownership }, command))
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

/// What is there with these parameters: UpdateDatabase replaces the rest with what it is given (Glue API reference,
/// UpdateDatabase).
fn over(found: &Database, parameters: HashMap<String, String>) -> Result<DatabaseInput, BuildError> {
    let mut all = found.parameters().cloned().unwrap_or_default();
    all.extend(parameters);
    DatabaseInput::builder()
        .name(found.name())
        .set_description(found.description().map(str::to_owned))
        .set_location_uri(found.location_uri().map(str::to_owned))
        .set_create_table_default_permissions(found.create_table_default_permissions.clone())
        .set_parameters(Some(all))
        .build()
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
