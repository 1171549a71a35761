//! The operations on tables.

use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    catalog::Catalog,
    table::Table,
    wire::{Object, Paging, check_batch, error_detail, invalid, listing, name_of},
};
use crate::service_error::ServiceError;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Create {
    database_name: String,
    table_input: Object,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Update {
    table_input: Object,
    database_name: String,
    /// Either way: the stand-in keeps no earlier versions.
    #[serde(rename = "SkipArchive", default)]
    _skip_archive: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    database_name: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    database_name: String,
    expression: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct BatchDelete {
    database_name: String,
    tables_to_delete: Vec<String>,
}

impl Catalog {
    pub(super) fn create_table(&self, request: Create) -> Result<Value, ServiceError> {
        self.add_table(Table::new(&request.database_name, request.table_input)?)?;
        Ok(json!({}))
    }

    pub(super) fn get_table(&self, request: Named) -> Result<Value, ServiceError> {
        self.with_table(&request.database_name, &request.name, |table| Ok(json!({"Table": table.describe()})))
    }

    pub(super) fn get_tables(&self, request: List) -> Result<Value, ServiceError> {
        let wanted = request.expression.as_deref().map(whole_name).transpose()?;
        let all = self.each_table(&request.database_name.to_lowercase(), Table::describe)?;
        let matching = all.into_iter().filter(|(name, _)| wanted.as_ref().is_none_or(|regex| regex.is_match(name)));
        let (page, token) = request.paging.page(matching, 100)?;
        Ok(listing("TableList", page, token))
    }

    pub(super) fn update_table(&self, request: Update) -> Result<Value, ServiceError> {
        let name = name_of(&request.table_input, "TableInput")?;
        self.change_table(&request.database_name, &name, |table| table.replace(request.table_input))?;
        Ok(json!({}))
    }

    pub(super) fn delete_table(&self, request: Named) -> Result<Value, ServiceError> {
        self.remove_table(&request.database_name, &request.name)?;
        Ok(json!({}))
    }

    pub(super) fn batch_delete_table(&self, request: BatchDelete) -> Result<Value, ServiceError> {
        check_batch(request.tables_to_delete.len(), 100, "tables")?;
        self.check_database(&request.database_name.to_lowercase())?;
        let mut errors = Vec::new();
        for name in &request.tables_to_delete {
            if let Err(error) = self.remove_table(&request.database_name, name) {
                errors.push(json!({"TableName": name, "ErrorDetail": error_detail(&error)}));
            }
        }
        Ok(json!({"Errors": errors}))
    }
}

fn whole_name(pattern: &str) -> Result<Regex, ServiceError> {
    Regex::new(&format!("(?i)^(?:{pattern})$")).map_err(|e| invalid(format!("Expression: {e}")))
}
