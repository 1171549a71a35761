//! The roles that services assume, each allowed what its statements say and no more.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_iam::types::{Role, Tag};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    clients::Clients,
    failure::{broken, desired, failure, is},
    mark::{self, Mark},
    names::{ROLES, role_path},
    pace::Pace,
    permission::{self, Statement},
};
use crate::engine::{Cause, Node, Observed, Owned, Progress, Provider, ProviderError, Scope};

/// The kind of its keys.
pub const KIND: &str = "role";

/// The service principal of Firehose.
pub const FIREHOSE: &str = "firehose.amazonaws.com";
/// The service principal of Lambda.
pub const LAMBDA: &str = "lambda.amazonaws.com";
/// The service principals of Redshift, Serverless and not; it asks for both (Redshift management guide, "Authorizing
/// Amazon Redshift to access AWS services").
pub const REDSHIFT: [&str; 2] = ["redshift-serverless.amazonaws.com", "redshift.amazonaws.com"];

const POLICY: &str = "deliver";
const GONE_BUDGET: Duration = Duration::from_secs(120);

/// A role as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// Its path, with a slash at both ends.
    pub path: String,
    /// The services that assume it, for example `firehose.amazonaws.com`.
    pub services: Vec<String>,
    /// What it may do.
    pub statements: Vec<Statement>,
    /// Whose it is.
    pub mark: Mark,
}

/// Knows roles.
pub struct Roles(pub Clients);

#[async_trait]
impl Provider for Roles {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn read(&self, node: &Node) -> Result<Observed, ProviderError> {
        let wanted: Desired = desired(node)?;
        let Some(found) = self.get(&wanted.name).await? else { return Ok(Observed::Absent) };
        if let Err(why) = wanted.mark.is_on(pairs(found.tags())) {
            return Ok(Observed::Foreign { why });
        }
        let ready = self.has_policy(&wanted.name).await?;
        Ok(Observed::Ours { identity: found.arn().to_owned(), ready, differs: Vec::new() })
    }

    async fn create(&self, node: &Node, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let wanted: Desired = desired(node)?;
        let tag = |(key, value)| Tag::builder().key(key).value(value).build();
        let tags: Result<Vec<_>, _> = wanted.mark.all().into_iter().map(tag).collect();
        let tags = tags.map_err(|error| {
            broken(Cause::Other, "iam CreateRole", &wanted.name, error.to_string(), "change the stack's tags")
        })?;
        let trust = trust(&wanted.services, &self.0.caller().await?.account);
        let call = self.0.iam.create_role().role_name(&wanted.name).path(&wanted.path);
        let call = call.assume_role_policy_document(trust.to_string()).set_tags(Some(tags));
        let answer = call.send().await.map_err(|error| failure("iam CreateRole", &wanted.name, &error))?;
        match answer.role() {
            Some(role) => Ok(role.arn().to_owned()),
            None => self.0.iam_arn(&format!("role{}{}", wanted.path, wanted.name)).await,
        }
    }

    async fn make_ready(&self, node: &Node, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let wanted: Desired = desired(node)?;
        let policy = permission::policy(&wanted.statements, &self.0).await?;
        let call = self.0.iam.put_role_policy().role_name(&wanted.name).policy_name(POLICY);
        let answer = call.policy_document(policy.to_string()).send().await;
        answer.map_err(|error| failure("iam PutRolePolicy", &wanted.name, &error)).map(drop)
    }

    async fn delete(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = desired(node)?;
        let mut pace = Pace::within(GONE_BUDGET);
        loop {
            match self.strip(&name).await {
                Ok(()) => {}
                Err(error) if error.message.starts_with("NoSuchEntity") => return Ok(()),
                Err(error) => return Err(error),
            }
            match self.0.iam.delete_role().role_name(&name).send().await {
                Ok(_) => return Ok(()),
                Err(error) if is(&error, &["NoSuchEntity"]) => return Ok(()),
                // A policy that was just taken off may still be seen, or someone has put one on.
                Err(error) if is(&error, &["DeleteConflict", "ConcurrentModification"]) => {}
                Err(error) => return Err(failure("iam DeleteRole", &name, &error)),
            }
            pace.wait(progress, "iam DeleteRole", &name, "its policies to go").await?;
        }
    }

    /// Under the path that all of ours lie under. ListRoles tells no tags.
    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let found = marked(&self.0, scope).await?.into_iter().map(|(name, mark)| {
            let policy = self.0.cli(&format!("iam delete-role-policy --role-name {name} --policy-name {POLICY}"));
            let command = format!("{policy}; {}", self.0.cli(&format!("iam delete-role --role-name {name}")));
            mark::owned(KIND, &name, mark, json!({"name": name}), command)
        });
        Ok(found.collect())
    }
}

impl Roles {
    async fn get(&self, name: &str) -> Result<Option<Role>, ProviderError> {
        match self.0.iam.get_role().role_name(name).send().await {
            Ok(answer) => Ok(answer.role),
            Err(error) if is(&error, &["NoSuchEntity"]) => Ok(None),
            Err(error) => Err(failure("iam GetRole", name, &error)),
        }
    }

    async fn has_policy(&self, name: &str) -> Result<bool, ProviderError> {
        match self.0.iam.get_role_policy().role_name(name).policy_name(POLICY).send().await {
            Ok(_) => Ok(true),
            Err(error) if is(&error, &["NoSuchEntity"]) => Ok(false),
            Err(error) => Err(failure("iam GetRolePolicy", name, &error)),
        }
    }

    /// Takes inline and attached policies off: a role that has any cannot be deleted.
    async fn strip(&self, name: &str) -> Result<(), ProviderError> {
        let iam = &self.0.iam;
        let mut inline = iam.list_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = inline.next().await {
            let policy = policy.map_err(|error| failure("iam ListRolePolicies", name, &error))?;
            let answer = iam.delete_role_policy().role_name(name).policy_name(policy).send().await;
            answer.map_err(|error| failure("iam DeleteRolePolicy", name, &error))?;
        }
        let mut attached = iam.list_attached_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = attached.next().await {
            let policy = policy.map_err(|error| failure("iam ListAttachedRolePolicies", name, &error))?;
            let answer = iam.detach_role_policy().role_name(name).set_policy_arn(policy.policy_arn).send().await;
            answer.map_err(|error| failure("iam DetachRolePolicy", name, &error))?;
        }
        Ok(())
    }
}

/// The names of our roles that are looked for, and their marks. ListRoles lists a path, and tells no tags.
pub(super) async fn marked(clients: &Clients, scope: &Scope) -> Result<Vec<(String, Mark)>, ProviderError> {
    let path = match scope {
        Scope::Stack(id) => role_path(id),
        Scope::Account => ROLES.to_owned(),
    };
    let mut names = Vec::new();
    let mut roles = clients.iam.list_roles().path_prefix(&path).into_paginator().items().send();
    while let Some(role) = roles.next().await {
        names.push(role.map_err(|error| failure("iam ListRoles", &path, &error))?.role_name);
    }
    let roles = &Roles(clients.clone());
    let tags = |name: String| async move {
        let found = roles.get(&name).await?;
        Ok(mark::collected(pairs(found.as_ref().map(Role::tags).unwrap_or_default())))
    };
    mark::ours(scope, names, tags).await
}

/// Only those services; Firehose only on behalf of this account (Firehose developer guide, "Cross-service confused
/// deputy prevention").
fn trust(services: &[String], account: &str) -> Value {
    let mut statement = json!({"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"});
    if services == [FIREHOSE] {
        statement["Condition"] = json!({"StringEquals": {"aws:SourceAccount": account}});
    }
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn pairs(tags: &[Tag]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|tag| (tag.key(), tag.value()))
}
