//! The operations on databases and their tags.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    catalog::Catalog,
    database::Database,
    wire::{Object, Paging, already_exists, invalid, listing, name_of, not_found, now},
};
use crate::{ACCOUNT, REGION, service_error::ServiceError, tags::reserved};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Create {
    database_input: Object,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Update {
    name: String,
    database_input: Object,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tag {
    resource_arn: String,
    tags_to_add: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Untag {
    resource_arn: String,
    tags_to_remove: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tagged {
    resource_arn: String,
}

impl Catalog {
    pub(super) fn create_database(&self, request: Create) -> Result<Value, ServiceError> {
        let name = name_of(&request.database_input, "DatabaseInput")?;
        check_tags(&request.tags)?;
        self.databases.change(|databases| {
            if databases.contains_key(&name) {
                return Err(already_exists(format!("Database {name} already exists.")));
            }
            let database = Database { input: request.database_input, created: now(), tags: request.tags };
            databases.insert(name, database);
            Ok(json!({}))
        })
    }

    pub(super) fn get_database(&self, request: Named) -> Result<Value, ServiceError> {
        let name = request.name.to_lowercase();
        self.check_database(&name)?;
        Ok(json!({"Database": self.databases.read().get(&name).map(|database| database.describe(&name))}))
    }

    pub(super) fn get_databases(&self, paging: Paging) -> Result<Value, ServiceError> {
        let databases = self.databases.read();
        let all = databases.iter().map(|(name, database)| (name.clone(), database.describe(name)));
        let (page, token) = paging.page(all, 100)?;
        Ok(listing("DatabaseList", page, token))
    }

    pub(super) fn update_database(&self, request: Update) -> Result<Value, ServiceError> {
        let name = request.name.to_lowercase();
        if name_of(&request.database_input, "DatabaseInput")? != name {
            return Err(invalid("a database cannot be renamed: DatabaseInput.Name must be Name"));
        }
        self.change_database(&name, |database| database.input = request.database_input)?;
        Ok(json!({}))
    }

    pub(super) fn delete_database(&self, request: Named) -> Result<Value, ServiceError> {
        self.remove_database(&request.name.to_lowercase())?;
        Ok(json!({}))
    }

    pub(super) fn tag_resource(&self, request: Tag) -> Result<Value, ServiceError> {
        let name = tagged_database(&request.resource_arn)?;
        check_tags(&request.tags_to_add)?;
        self.change_database(&name, |database| database.tags.extend(request.tags_to_add))?;
        Ok(json!({}))
    }

    pub(super) fn untag_resource(&self, request: Untag) -> Result<Value, ServiceError> {
        let name = tagged_database(&request.resource_arn)?;
        self.change_database(&name, |database| database.tags.retain(|key, _| !request.tags_to_remove.contains(key)))?;
        Ok(json!({}))
    }

    pub(super) fn get_tags(&self, request: Tagged) -> Result<Value, ServiceError> {
        let name = tagged_database(&request.resource_arn)?;
        self.check_database(&name)?;
        let databases = self.databases.read();
        Ok(json!({"Tags": databases.get(&name).map(|database| &database.tags)}))
    }

    fn change_database(&self, name: &str, change: impl FnOnce(&mut Database)) -> Result<(), ServiceError> {
        self.databases.change(|databases| {
            let database = databases.get_mut(name).ok_or_else(|| not_found(format!("Database {name} not found.")))?;
            change(database);
            Ok(())
        })
    }
}

/// The database that an ARN names. Glue tags no tables ("AWS tags in AWS Glue", the list of taggable resources).
fn tagged_database(arn: &str) -> Result<String, ServiceError> {
    arn.strip_prefix(&format!("arn:aws:glue:{REGION}:{ACCOUNT}:database/"))
        .filter(|name| !name.is_empty())
        .map(str::to_lowercase)
        .ok_or_else(|| invalid(format!("{arn} cannot be tagged: the stand-in's Glue tags databases only")))
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), ServiceError> {
    if tags.len() > 50 {
        return Err(invalid("at most 50 tags a resource"));
    }
    if let Some(problem) = reserved(tags.keys()) {
        return Err(invalid(problem));
    }
    match tags.iter().find(|(key, value)| key.is_empty() || key.len() > 128 || value.len() > 256) {
        Some((key, _)) => Err(invalid(format!("tag {key:?}: a key has 1 to 128, a value at most 256 characters"))),
        None => Ok(()),
    }
}
