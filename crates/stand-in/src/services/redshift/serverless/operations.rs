//! The operations of Redshift Serverless.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    namespace::{CreateNamespace, Namespace, UpdateNamespace},
    workgroup::{CreateWorkgroup, Workgroup},
};
use crate::{
    clock,
    durable::Durable,
    inventory::Inventory,
    service_error::ServiceError,
    services::{
        iam::Iam,
        redshift::{
            PRELOADED,
            wire::{Paging, Tag, check_tags, conflict, invalid, missing},
        },
        secrets::Secrets,
    },
};

/// Redshift Serverless API reference, maxResults.
const PAGE: usize = 100;

/// Namespaces and workgroups by name.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::services::redshift) struct ServerlessState {
    pub(in crate::services::redshift) namespaces: BTreeMap<String, Namespace>,
    pub(in crate::services::redshift) workgroups: BTreeMap<String, Workgroup>,
}

impl Default for ServerlessState {
    /// As a fresh stand-in has it.
    fn default() -> Self {
        let (namespace, workgroup) = (Namespace::preloaded(), Workgroup::preloaded(PRELOADED));
        Self {
            namespaces: BTreeMap::from([(PRELOADED.to_owned(), namespace)]),
            workgroups: BTreeMap::from([(PRELOADED.to_owned(), workgroup)]),
        }
    }
}

/// Namespaces and workgroups.
pub(in crate::services::redshift) struct Serverless {
    state: Arc<Durable<ServerlessState>>,
    secrets: Arc<Secrets>,
    iam: Arc<Iam>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::services::redshift) struct NamespaceName {
    namespace_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::services::redshift) struct WorkgroupName {
    workgroup_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::services::redshift) struct TagResource {
    resource_arn: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::services::redshift) struct UntagResource {
    resource_arn: String,
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::services::redshift) struct ListTags {
    resource_arn: String,
}

impl Serverless {
    pub(in crate::services::redshift) fn new(
        state: Arc<Durable<ServerlessState>>,
        secrets: Arc<Secrets>,
        iam: Arc<Iam>,
    ) -> Self {
        Self { state, secrets, iam }
    }

    /// Forgets what has been DELETING for long enough.
    pub(in crate::services::redshift) fn settle(&self) -> Result<(), ServiceError> {
        let now = clock::utc();
        let is_settled = {
            let state = self.state.read();
            !state.namespaces.values().any(|namespace| namespace.is_gone(now))
                && !state.workgroups.values().any(|workgroup| workgroup.is_gone(now))
        };
        if is_settled {
            return Ok(());
        }
        self.state.change(|state| {
            state.namespaces.retain(|_, namespace| !namespace.is_gone(now));
            state.workgroups.retain(|_, workgroup| !workgroup.is_gone(now));
            Ok(())
        })
    }

    pub(in crate::services::redshift) fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        let (state, now) = (self.state.read(), clock::utc());
        for (name, namespace) in state.namespaces.iter().filter(|(_, namespace)| !namespace.is_gone(now)) {
            into.add("redshift namespace", name, namespace)?;
        }
        let mut workgroups = state.workgroups.iter().filter(|(_, workgroup)| !workgroup.is_gone(now));
        workgroups.try_for_each(|(name, workgroup)| into.add("redshift workgroup", name, workgroup))
    }

    pub(in crate::services::redshift) fn create_namespace(
        &self,
        request: CreateNamespace,
    ) -> Result<Value, ServiceError> {
        let (name, is_managed) = (request.namespace_name.clone(), request.manage_admin_password);
        check_name("namespaceName", &name)?;
        check_tags(&request.tags)?;
        if self.state.read().namespaces.contains_key(&name) {
            return Err(taken("namespace", &name));
        }
        let mut namespace = Namespace::new(request)?;
        self.check_roles(&namespace.roles)?;
        if is_managed {
            let password = format!("{:032x}", rand::random::<u128>());
            let value = json!({"username": namespace.admin, "password": password}).to_string();
            namespace.secret = Some(self.secrets.keep(&format!("redshift!{name}-{}", namespace.admin), value)?);
        }
        self.state.change(|state| {
            if state.namespaces.contains_key(&name) {
                return Err(taken("namespace", &name));
            }
            let described = json!({"namespace": namespace.describe(&name)});
            state.namespaces.insert(name, namespace);
            Ok(described)
        })
    }

    fn check_roles(&self, roles: &[String]) -> Result<(), ServiceError> {
        let services = ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"];
        match roles.iter().find(|arn| !services.iter().any(|service| self.iam.may_assume(arn, service))) {
            None => Ok(()),
            Some(arn) => {
                Err(invalid(format!("The IAM role {arn} is not valid: it is not there, or does not trust Redshift.")))
            }
        }
    }

    pub(in crate::services::redshift) fn get_namespace(&self, request: &NamespaceName) -> Result<Value, ServiceError> {
        let state = self.state.read();
        let name = &request.namespace_name;
        let namespace = state.namespaces.get(name).ok_or_else(|| absent("Namespace", name))?;
        Ok(json!({"namespace": namespace.describe(name)}))
    }

    pub(in crate::services::redshift) fn list_namespaces(&self, paging: &Paging) -> Result<Value, ServiceError> {
        let state = self.state.read();
        let all = state.namespaces.iter().map(|(name, namespace)| namespace.describe(name));
        let (page, token) = paging.page(all, PAGE)?;
        Ok(json!({"namespaces": page, "nextToken": token}))
    }

    pub(in crate::services::redshift) fn update_namespace(
        &self,
        request: UpdateNamespace,
    ) -> Result<Value, ServiceError> {
        let name = request.namespace_name.clone();
        self.state.change(|state| {
            let namespace = state.namespaces.get_mut(&name).ok_or_else(|| absent("Namespace", &name))?;
            namespace.update(request)?;
            self.check_roles(&namespace.roles)?;
            Ok(json!({"namespace": namespace.describe(&name)}))
        })
    }

    /// Begins the end of a namespace; the second is its id.
    pub(in crate::services::redshift) fn delete_namespace(
        &self,
        request: &NamespaceName,
    ) -> Result<(Value, String), ServiceError> {
        let name = &request.namespace_name;
        let (answer, id, secret) = self.state.change(|state| {
            if let Some((user, _)) = state.workgroups.iter().find(|(_, workgroup)| workgroup.namespace == *name) {
                return Err(conflict(format!("The namespace {name} has the workgroup {user}: delete that before it.")));
            }
            let namespace = state.namespaces.get_mut(name).ok_or_else(|| absent("Namespace", name))?;
            if namespace.deleted.is_some() {
                return Err(conflict(format!("There is an operation running on the namespace {name}.")));
            }
            namespace.deleted = Some(clock::utc());
            Ok((json!({"namespace": namespace.describe(name)}), namespace.id.clone(), namespace.secret.clone()))
        })?;
        if let Some(secret) = secret {
            self.secrets.forget(&secret)?;
        }
        Ok((answer, id))
    }

    pub(in crate::services::redshift) fn create_workgroup(
        &self,
        request: CreateWorkgroup,
    ) -> Result<Value, ServiceError> {
        let (name, namespace) = (request.workgroup_name.clone(), request.namespace_name.clone());
        check_name("workgroupName", &name)?;
        check_tags(&request.tags)?;
        let workgroup = Workgroup::new(request)?;
        self.state.change(|state| {
            if state.workgroups.contains_key(&name) {
                return Err(taken("workgroup", &name));
            }
            match state.namespaces.get(&namespace) {
                None => return Err(absent("Namespace", &namespace)),
                Some(held) if held.deleted.is_some() => {
                    return Err(conflict(format!("There is an operation running on the namespace {namespace}.")));
                }
                Some(_) => {}
            }
            if let Some((user, _)) = state.workgroups.iter().find(|(_, other)| other.namespace == namespace) {
                return Err(conflict(format!("The namespace {namespace} already has the workgroup {user}.")));
            }
            let described = json!({"workgroup": workgroup.describe(&name)});
            state.workgroups.insert(name, workgroup);
            Ok(described)
        })
    }

    pub(in crate::services::redshift) fn get_workgroup(&self, request: &WorkgroupName) -> Result<Value, ServiceError> {
        let state = self.state.read();
        let name = &request.workgroup_name;
        let workgroup = state.workgroups.get(name).ok_or_else(|| absent("Workgroup", name))?;
        Ok(json!({"workgroup": workgroup.describe(name)}))
    }

    pub(in crate::services::redshift) fn list_workgroups(&self, paging: &Paging) -> Result<Value, ServiceError> {
        let state = self.state.read();
        let all = state.workgroups.iter().map(|(name, workgroup)| workgroup.describe(name));
        let (page, token) = paging.page(all, PAGE)?;
        Ok(json!({"workgroups": page, "nextToken": token}))
    }

    pub(in crate::services::redshift) fn delete_workgroup(
        &self,
        request: &WorkgroupName,
    ) -> Result<Value, ServiceError> {
        let name = &request.workgroup_name;
        self.state.change(|state| {
            let workgroup = state.workgroups.get_mut(name).ok_or_else(|| absent("Workgroup", name))?;
            if workgroup.status(clock::utc()) != "AVAILABLE" {
                return Err(conflict(format!("There is an operation running on the workgroup {name}.")));
            }
            workgroup.deleted = Some(clock::utc());
            Ok(json!({"workgroup": workgroup.describe(name)}))
        })
    }

    pub(in crate::services::redshift) fn tag(&self, request: TagResource) -> Result<Value, ServiceError> {
        check_tags(&request.tags)?;
        self.state.change(|state| {
            let tags = state.tags(&request.resource_arn)?;
            tags.retain(|tag| request.tags.iter().all(|new| new.key != tag.key));
            tags.extend(request.tags);
            Ok(json!({}))
        })
    }

    pub(in crate::services::redshift) fn untag(&self, request: &UntagResource) -> Result<Value, ServiceError> {
        self.state.change(|state| {
            state.tags(&request.resource_arn)?.retain(|tag| !request.tag_keys.contains(&tag.key));
            Ok(json!({}))
        })
    }

    pub(in crate::services::redshift) fn tags(&self, request: &ListTags) -> Result<Value, ServiceError> {
        let mut state = self.state.read().clone();
        Ok(json!({"tags": state.tags(&request.resource_arn)?}))
    }
}

impl ServerlessState {
    fn tags(&mut self, arn: &str) -> Result<&mut Vec<Tag>, ServiceError> {
        if let Some(namespace) = self.namespaces.values_mut().find(|namespace| namespace.arn() == arn) {
            return Ok(&mut namespace.tags);
        }
        let workgroup = self.workgroups.values_mut().find(|workgroup| workgroup.arn() == arn);
        workgroup.map(|workgroup| &mut workgroup.tags).ok_or_else(|| missing(format!("{arn} does not exist.")))
    }
}

fn check_name(field: &str, name: &str) -> Result<(), ServiceError> {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (3..=64).contains(&name.len()) && name.chars().all(known) {
        return Ok(());
    }
    Err(invalid(format!("{field} must have 3 to 64 of the characters a-z, 0-9 and -")))
}

fn taken(what: &str, name: &str) -> ServiceError {
    conflict(format!("The {what} {name} already exists."))
}

fn absent(what: &str, name: &str) -> ServiceError {
    missing(format!("{what} {name} not found."))
}
