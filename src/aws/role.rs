//! The roles that services assume, each allowed what its statements say and no more.

use async_trait::async_trait;
use aws_sdk_iam::types::{Role, Tag};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    clients::Clients,
    failure::{broken, failure, is},
    kind::{Kind, Layer},
    names::{ROLES, role_path},
    ownership::{self, Ownership, Tags},
    partitions::decoded,
    permission::{self, On, Realm, Statement},
    tags,
};
use crate::engine::{Cause, Difference, Observed, Owned, Progress, ProviderError, Scope, StackId};

/// The service principal of Firehose.
pub const FIREHOSE: &str = "firehose.amazonaws.com";
/// The service principal of Lambda.
pub const LAMBDA: &str = "lambda.amazonaws.com";
/// The service principal of EventBridge Scheduler.
pub const SCHEDULER: &str = "scheduler.amazonaws.com";
/// The service principal of the tasks of ECS.
pub const ECS_TASKS: &str = "ecs-tasks.amazonaws.com";
/// The service principals of Redshift, Serverless and not; it asks for both (Redshift management guide, "Authorizing
/// Amazon Redshift to access AWS services").
pub const REDSHIFT: [&str; 2] = ["redshift-serverless.amazonaws.com", "redshift.amazonaws.com"];

const POLICY: &str = "deliver";
/// What a difference in who may assume a role is called.
const TRUST: &str = "trust";

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
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// Knows roles.
pub struct Roles(pub Clients);

#[async_trait]
impl Kind for Roles {
    type Desired = Desired;

    const KIND: &'static str = "role";
    const LAYER: Layer = Layer::Foundation;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    /// Handing a role to a service is `iam:PassRole`, bound to the services that the role is for.
    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        const ACTIONS: [&str; 11] = [
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
            "iam:PutRolePolicy",
            "iam:TagRole",
            "iam:UpdateAssumeRolePolicy",
        ];
        let on = On::Role(format!("{}{}", wanted.path, wanted.name));
        let pass = Statement::new(&["iam:PassRole"], [on.clone()]);
        let services = wanted.services.iter().cloned();
        vec![Statement::new(&ACTIONS, [on]), pass.when("StringEquals", "iam:PassedToService", services)]
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let Some(found) = self.get(&wanted.name).await? else { return Ok(Observed::Absent) };
        if let Err(why) = wanted.ownership.is_on(pairs(found.tags())) {
            return Ok(Observed::Foreign { why });
        }
        let (policy, realm) = (self.policy(&wanted.name).await?, Realm::of(&self.0).await?);
        let trusted = wanted.trust(&self.0.caller().await?.account);
        let mut differs = differences(TRUST, found.assume_role_policy_document().unwrap_or_default(), &trusted);
        if let Some(policy) = &policy {
            differs.extend(differences("policy", policy, &permission::document(&wanted.statements, &realm)));
        }
        differs.extend(tags::differences(&wanted.ownership, pairs(found.tags())));
        Ok(Observed::Ours { identity: found.arn().to_owned(), ready: policy.is_some(), differs })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let tags = to_tags(wanted.ownership.all(), "iam CreateRole", &wanted.name)?;
        let trust = wanted.trust(&self.0.caller().await?.account);
        let call = self.0.iam.create_role().role_name(&wanted.name).path(&wanted.path);
        let call = call.assume_role_policy_document(trust.to_string()).set_tags(Some(tags));
        let answer = call.send().await.map_err(|error| failure("iam CreateRole", &wanted.name, &error))?;
        match answer.role() {
            Some(role) => Ok(role.arn().to_owned()),
            None => self.0.iam_arn(&format!("role{}{}", wanted.path, wanted.name)).await,
        }
    }

    async fn make_ready(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let policy = permission::document(&wanted.statements, &Realm::of(&self.0).await?);
        let call = self.0.iam.put_role_policy().role_name(&wanted.name).policy_name(POLICY);
        let answer = call.policy_document(policy.to_string()).send().await;
        answer.map_err(|error| failure("iam PutRolePolicy", &wanted.name, &error)).map(drop)
    }

    /// Its policy is put once more by `make_ready`.
    async fn change(
        &self,
        wanted: &Desired,
        differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let name = &wanted.name;
        if tags::among(differs) {
            let tags = to_tags(tags::changing(&wanted.ownership), "iam TagRole", name)?;
            let answer = self.0.iam.tag_role().role_name(name).set_tags(Some(tags)).send().await;
            answer.map_err(|error| failure("iam TagRole", name, &error))?;
        }
        if differs.iter().all(|difference| difference.what != TRUST) {
            return Ok(());
        }
        let trust = wanted.trust(&self.0.caller().await?.account);
        let call = self.0.iam.update_assume_role_policy().role_name(name).policy_document(trust.to_string());
        call.send().await.map_err(|error| failure("iam UpdateAssumeRolePolicy", name, &error)).map(drop)
    }

    async fn delete(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = wanted;
        match self.strip(name).await {
            Ok(()) => {}
            Err(error) if error.message.starts_with("NoSuchEntity") => return Ok(()),
            Err(error) => return Err(error),
        }
        match self.0.iam.delete_role().role_name(name).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, &["NoSuchEntity"]) => Ok(()),
            Err(error) => Err(failure("iam DeleteRole", name, &error)),
        }
    }

    /// Under the path that all of ours lie under. ListRoles tells no tags.
    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let found = tagged(&self.0, scope).await?.into_iter().map(|(name, ownership)| {
            let policy = self.0.cli(&format!("iam delete-role-policy --role-name {name} --policy-name {POLICY}"));
            let command = format!("{policy}; {}", self.0.cli(&format!("iam delete-role --role-name {name}")));
            Self::found(&name, &Desired { name: name.clone(), ownership, ..Desired::default() }, command)
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

    /// The document of its policy, if it has one yet.
    async fn policy(&self, name: &str) -> Result<Option<String>, ProviderError> {
        match self.0.iam.get_role_policy().role_name(name).policy_name(POLICY).send().await {
            Ok(answer) => Ok(Some(answer.policy_document)),
            Err(error) if is(&error, &["NoSuchEntity"]) => Ok(None),
            Err(error) => Err(failure("iam GetRolePolicy", name, &error)),
        }
    }

    /// Takes inline and attached policies off: a role that has any cannot be deleted. A policy that is off already says
    /// nothing of the role: an earlier try may have taken it off and its answer been lost.
    async fn strip(&self, name: &str) -> Result<(), ProviderError> {
        let iam = &self.0.iam;
        let mut inline = iam.list_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = inline.next().await {
            let policy = policy.map_err(|error| failure("iam ListRolePolicies", name, &error))?;
            let answer = iam.delete_role_policy().role_name(name).policy_name(policy).send().await;
            ownership::unless_gone(answer.map_err(|error| failure("iam DeleteRolePolicy", name, &error)))?;
        }
        let mut attached = iam.list_attached_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = attached.next().await {
            let policy = policy.map_err(|error| failure("iam ListAttachedRolePolicies", name, &error))?;
            let answer = iam.detach_role_policy().role_name(name).set_policy_arn(policy.policy_arn).send().await;
            ownership::unless_gone(answer.map_err(|error| failure("iam DetachRolePolicy", name, &error)))?;
        }
        Ok(())
    }
}

/// The names of our roles that are looked for, and their ownership tags. ListRoles lists a path, and tells no tags.
pub(super) async fn tagged(clients: &Clients, scope: &Scope) -> Result<Vec<(String, Ownership)>, ProviderError> {
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
        Ok(ownership::collected(pairs(found.as_ref().map(Role::tags).unwrap_or_default())))
    };
    ownership::ours(scope, names, tags).await
}

impl Desired {
    /// The policy document that says who assumes it: only its services; Firehose, EventBridge Scheduler and
    /// ECS only on behalf of this account (the developer guide of each, "Cross-service confused deputy prevention").
    pub fn trust(&self, account: &str) -> Value {
        let services = &self.services;
        let mut statement = json!({"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"});
        if [FIREHOSE, SCHEDULER, ECS_TASKS].iter().any(|service| services == &[*service]) {
            statement["Condition"] = json!({"StringEquals": {"aws:SourceAccount": account}});
        }
        json!({"Version": "2012-10-17", "Statement": [statement]})
    }
}

fn to_tags(tags: Tags, call: &str, name: &str) -> Result<Vec<Tag>, ProviderError> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    let tags: Result<Vec<_>, _> = tags.into_iter().map(tag).collect();
    tags.map_err(|error| broken(Cause::Other, call, name, error.to_string(), "change the stack's tags"))
}

/// The statements that one document has and the other has not. `found` is as IAM answers, percent-encoded (IAM API
/// reference, GetRolePolicy).
fn differences(what: &str, found: &str, wanted: &Value) -> Vec<Difference> {
    let found: Value = serde_json::from_str(&decoded(found)).unwrap_or_default();
    let (is, want) = (statements(&found), statements(wanted));
    let only = |some: &[Value], other: &[Value]| match some.iter().filter(|one| !other.contains(one)) {
        all if all.clone().count() == 0 => "without more".to_owned(),
        all => all.map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    if is == want { Vec::new() } else { vec![Difference::in_place(what, only(&is, &want), only(&want, &is))] }
}

/// One statement need not be in a list.
fn statements(document: &Value) -> Vec<Value> {
    match &document["Statement"] {
        Value::Array(statements) => statements.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

fn pairs(tags: &[Tag]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|tag| (tag.key(), tag.value()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_compared_as_json_and_the_statements_that_differ_are_told() {
        let wanted =
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["a:B"]}, {"Sid": "x"}]});
        let same = "%7B%22Statement%22%3A%20%5B%7B%22Action%22%3A%5B%22a%3AB%22%5D%2C%22Effect%22%3A%22Allow%22%7D%2C%7B%22Sid%22%3A%22x%22%7D%5D%7D";
        assert_eq!(differences("policy", same, &wanted), []);
        let one = r#"{"Statement": {"Sid": "x"}}"#;
        let missing = r#"{"Action":["a:B"],"Effect":"Allow"}"#;
        assert_eq!(differences("policy", one, &wanted), [Difference::in_place("policy", "without more", missing)]);
        let all = format!(r#"{missing}, {{"Sid":"x"}}"#);
        assert_eq!(differences("policy", "", &wanted), [Difference::in_place("policy", "without more", all)]);
    }
}
