//! The namespace of our own: a database with an admin whose password Redshift makes and keeps.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_redshiftserverless::types::{Namespace, NamespaceStatus, Tag};
use serde::{Deserialize, Serialize};

use super::{
    access::{admin_secret, serverless},
    data::Database,
    place::{self, Seen},
    workgroup::{foreign, tag, tags_of, to_tags},
};
use crate::{
    aws::{
        clients::Clients,
        failure::{failure, is},
        kind::{Kind, Layer},
        ownership::{self, Ownership},
        pace::Pace,
        permission::{On, Statement},
        tags,
    },
    engine::{Difference, Foreign, Node, Observed, Owned, Progress, ProviderError, Scope, StackId},
};

const READY_BUDGET: Duration = Duration::from_secs(15 * 60);
const GONE_BUDGET: Duration = Duration::from_secs(30 * 60);
const CREATE: &str = "redshift-serverless CreateNamespace";
const GET: &str = "redshift-serverless GetNamespace";
const DELETE: &str = "redshift-serverless DeleteNamespace";

/// A namespace as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// Its first database.
    pub database: String,
    /// The role that COPY assumes by default: path and name, `/demo/…/name`.
    pub role: String,
    /// Whose it is.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// Knows namespaces.
pub struct Namespaces {
    clients: Clients,
    seen: Seen<String>,
}

#[async_trait]
impl Kind for Namespaces {
    type Desired = Desired;

    const KIND: &'static str = "redshift-namespace";
    const LAYER: Layer = Layer::Container;

    fn new(clients: &Clients) -> Self {
        Self { clients: clients.clone(), seen: Seen::default() }
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    /// Redshift names a namespace's ARN itself; ours has our ownership tags. Its admin's secret is made in the caller's
    /// name (Redshift management guide, "Managing Amazon Redshift admin passwords using AWS Secrets Manager").
    fn permissions(wanted: &Desired, id: &StackId) -> Vec<Statement> {
        const SECRET: [&str; 5] = [
            "secretsmanager:CreateSecret",
            "secretsmanager:DeleteSecret",
            "secretsmanager:RotateSecret",
            "secretsmanager:TagResource",
            "secretsmanager:UpdateSecret",
        ];
        let mut statements = serverless("Namespace", "namespace/*", id);
        statements.extend([
            Statement::new(&SECRET, [admin_secret(&wanted.name)]),
            Statement::new(&["secretsmanager:GetRandomPassword"], [On::anything()]),
        ]);
        statements
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        self.seen.note(&wanted.name);
        let Some(found) = self.get(&wanted.name).await? else { return Ok(Observed::Absent) };
        let identity = found.namespace_arn().unwrap_or_default().to_owned();
        let tags = tags_of(&self.clients, &identity).await?;
        if let Err(why) = wanted.ownership.is_on(pairs(&tags)) {
            return Ok(Observed::Foreign { why });
        }
        let ready = found.status() == Some(&NamespaceStatus::Available);
        let database = found.db_name().unwrap_or_default();
        let mut differs = tags::differences(&wanted.ownership, pairs(&tags));
        if database != wanted.database {
            differs.push(Difference::replace("database", database, &wanted.database));
        }
        Ok(Observed::Ours { identity, ready, differs })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let (name, role) = (&wanted.name, self.clients.iam_arn(&format!("role{}", wanted.role)).await?);
        let tags = to_tags(wanted.ownership.all(), CREATE, name)?;
        let call = self.clients.redshift_serverless.create_namespace().namespace_name(name).db_name(&wanted.database);
        let call = call.manage_admin_password(true).iam_roles(&role).default_iam_role_arn(&role);
        let answer = call.set_tags(Some(tags)).send().await.map_err(|error| failure(CREATE, name, &error))?;
        Ok(answer.namespace().and_then(|namespace| namespace.namespace_arn()).unwrap_or_default().to_owned())
    }

    async fn make_ready(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = wanted;
        let mut pace = Pace::within(READY_BUDGET);
        loop {
            let found = self.get(name).await?;
            let status = found.as_ref().and_then(Namespace::status);
            if status == Some(&NamespaceStatus::Available) {
                return Ok(());
            }
            let what = status.map_or("not visible yet", NamespaceStatus::as_str);
            pace.wait(progress, GET, name, what).await?;
        }
    }

    /// Its tags.
    async fn change(
        &self,
        wanted: &Desired,
        _differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let Desired { name, ownership, .. } = wanted;
        let found = self.get(name).await?;
        tag(&self.clients, found.as_ref().and_then(Namespace::namespace_arn), ownership, name).await
    }

    /// Tables and views of others in its database.
    async fn foreign(&self, wanted: &Desired) -> Result<Vec<Foreign>, ProviderError> {
        foreign(&self.clients, &wanted.name, &wanted.ownership).await
    }

    /// Without a last snapshot.
    async fn delete(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = wanted;
        let mut pace = Pace::within(GONE_BUDGET);
        while let Some(found) = self.get(name).await? {
            if found.status() != Some(&NamespaceStatus::Deleting) {
                match self.clients.redshift_serverless.delete_namespace().namespace_name(name).send().await {
                    Ok(_) => {}
                    Err(error) if is(&error, &["ResourceNotFoundException"]) => return Ok(()),
                    Err(error) => return Err(failure(DELETE, name, &error)),
                }
            }
            pace.wait(progress, DELETE, name, found.status().map_or("DELETING", NamespaceStatus::as_str)).await?;
        }
        Ok(())
    }

    fn note(&self, node: &Node) {
        place::told(node).iter().filter_map(Database::created).for_each(|name| self.seen.note(&name));
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let tags = |name: String| async move {
            let arn = self.get(&name).await?.and_then(|found| found.namespace_arn).unwrap_or_default();
            let tags = if arn.is_empty() { Vec::new() } else { tags_of(&self.clients, &arn).await? };
            Ok(ownership::collected(pairs(&tags)))
        };
        let owned = |(name, ownership): (String, Ownership)| {
            let command = format!("redshift-serverless delete-namespace --namespace-name {name}");
            Self::found(
                &name,
                &Desired { name: name.clone(), ownership, ..Desired::default() },
                self.clients.cli(&command),
            )
        };
        let names = self.seen.and_tagged(&self.clients, scope).await?;
        Ok(ownership::ours(scope, names, tags).await?.into_iter().map(owned).collect())
    }
}

impl Namespaces {
    async fn get(&self, name: &str) -> Result<Option<Namespace>, ProviderError> {
        match self.clients.redshift_serverless.get_namespace().namespace_name(name).send().await {
            Ok(answer) => Ok(answer.namespace),
            Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(None),
            Err(error) => Err(failure(GET, name, &error)),
        }
    }
}

fn pairs(tags: &[Tag]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|tag| (tag.key(), tag.value()))
}
