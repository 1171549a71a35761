//! Named queries, which lie in a workgroup and go with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::wire::{Paging, invalid};
use crate::{protocol::uuid, service_error::ServiceError};

/// Those of a workgroup, by id.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct NamedQueries(BTreeMap<String, NamedQuery>);

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NamedQuery {
    name: String,
    description: Option<String>,
    database: String,
    query_string: String,
    client_request_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Create {
    #[serde(flatten)]
    query: NamedQuery,
    pub(super) work_group: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct One {
    pub(super) named_query_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    pub(super) work_group: Option<String>,
    #[serde(flatten)]
    pub(super) paging: Paging,
}

impl NamedQueries {
    /// The id of a new one; the same request again, told by its token, is answered with the same one.
    pub(super) fn create(&mut self, request: Create) -> String {
        let (query, token) = (request.query, |query: &NamedQuery| query.client_request_token.clone());
        let same = |other: &NamedQuery| token(&query).is_some() && token(other) == token(&query);
        if let Some((id, _)) = self.0.iter().find(|(_, other)| same(other)) {
            return id.clone();
        }
        let id = uuid();
        self.0.insert(id.clone(), query);
        id
    }

    pub(super) fn describe(&self, id: &str, workgroup: &str) -> Option<Value> {
        let NamedQuery { name, description, database, query_string, .. } = self.0.get(id)?;
        Some(json!({
            "Name": name, "Description": description, "Database": database, "QueryString": query_string,
            "NamedQueryId": id, "WorkGroup": workgroup,
        }))
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn remove(&mut self, id: &str) -> bool {
        self.0.remove(id).is_some()
    }
}

pub(super) fn missing(id: &str) -> ServiceError {
    invalid(format!("NamedQuery {id} was not found"))
}
