//! The Serverless workgroup of our own: what computes, at the smallest capacity, reached by the Data API alone.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_redshiftserverless::types::{Tag, Workgroup, WorkgroupStatus};
use serde::{Deserialize, Serialize};

use super::access::serverless;
use super::{
    data::Database,
    place::{self, Seen},
    relations,
};
use crate::{
    aws::{
        clients::Clients,
        failure::{broken, failure, is, says},
        kind::{Hourly, Kind, Layer},
        ownership::{self, Ownership, Tags},
        pace::Pace,
        permission::{On, Statement},
        prices::Prices,
        tags,
    },
    engine::{Cause, Difference, Foreign, Node, Observed, Owned, Progress, ProviderError, Scope, StackId},
};

/// The smallest in every region, in Redshift Processing Units (Redshift Serverless API reference, CreateWorkgroup).
pub(crate) const BASE_CAPACITY: i32 = 8;
const READY_BUDGET: Duration = Duration::from_secs(30 * 60);
const GONE_BUDGET: Duration = Duration::from_secs(30 * 60);
const CREATE: &str = "redshift-serverless CreateWorkgroup";
const GET: &str = "redshift-serverless GetWorkgroup";
const DELETE: &str = "redshift-serverless DeleteWorkgroup";

/// A workgroup as it is wanted. It lies in the default VPC, and nobody reaches it over the network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// The namespace that it computes for.
    pub namespace: String,
    /// Whose it is.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// Knows workgroups.
pub struct Workgroups {
    clients: Clients,
    seen: Seen<String>,
}

#[async_trait]
impl Kind for Workgroups {
    type Desired = Desired;

    const KIND: &'static str = "redshift-workgroup";
    const LAYER: Layer = Layer::Content;

    fn new(clients: &Clients) -> Self {
        Self { clients: clients.clone(), seen: Seen::default() }
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    /// It is put into the default VPC, which is looked up in the caller's name, as a role of Redshift's own is made
    /// where there is none yet (Redshift management guide, "Using service-linked roles").
    fn permissions(_wanted: &Desired, id: &StackId) -> Vec<Statement> {
        const NETWORK: [&str; 5] = [
            "ec2:DescribeAccountAttributes",
            "ec2:DescribeAvailabilityZones",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ];
        let linked = On::Role("/aws-service-role/redshift.amazonaws.com/AWSServiceRoleForRedshift".to_owned());
        let linked = Statement::new(&["iam:CreateServiceLinkedRole"], [linked]);
        let mut statements = serverless("Workgroup", "workgroup/*", id);
        statements.extend([
            Statement::new(&NETWORK, [On::anything()]),
            linked.when("StringEquals", "iam:AWSServiceName", ["redshift.amazonaws.com".to_owned()]),
        ]);
        statements
    }

    fn hourly(_wanted: &Desired, prices: &Prices) -> Hourly {
        let dollars = f64::from(BASE_CAPACITY) * prices.rpu_hour;
        Hourly::WhileComputing { detail: format!("{BASE_CAPACITY} RPUs"), dollars }
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        self.seen.note(&wanted.name);
        let Some(found) = get(&self.clients, &wanted.name).await? else { return Ok(Observed::Absent) };
        let identity = found.workgroup_arn().unwrap_or_default().to_owned();
        let tags = tags_of(&self.clients, &identity).await?;
        if let Err(why) = wanted.ownership.is_on(pairs(&tags)) {
            return Ok(Observed::Foreign { why });
        }
        let ready = found.status() == Some(&WorkgroupStatus::Available);
        let differs = tags::differences(&wanted.ownership, pairs(&tags));
        Ok(Observed::Ours { identity, ready, differs })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let Desired { name, namespace, ownership } = wanted;
        let tags = to_tags(ownership.all(), CREATE, name)?;
        let call = self.clients.redshift_serverless.create_workgroup().workgroup_name(name).namespace_name(namespace);
        let call = call.base_capacity(BASE_CAPACITY).publicly_accessible(false).set_tags(Some(tags));
        match call.send().await {
            Ok(answer) => {
                let arn = answer.workgroup().and_then(|workgroup| workgroup.workgroup_arn());
                Ok(arn.unwrap_or_default().to_owned())
            }
            Err(error) if is(&error, &["ValidationException"]) && says(&error, &["VPC", "subnet"]) => {
                let advice = "a workgroup of our own lies in the default VPC with subnets in three zones: make one \
                              (`aws ec2 create-default-vpc`), or name a workgroup that exists";
                Err(ProviderError { advice: advice.to_owned(), ..failure(CREATE, name, &error) })
            }
            Err(error) => Err(failure(CREATE, name, &error)),
        }
    }

    async fn make_ready(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = wanted;
        let mut pace = Pace::within(READY_BUDGET);
        loop {
            let found = get(&self.clients, name).await?;
            let status = found.as_ref().and_then(Workgroup::status);
            if status == Some(&WorkgroupStatus::Available) {
                return Ok(());
            }
            let what = status.map_or("not visible yet", WorkgroupStatus::as_str);
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
        let found = get(&self.clients, name).await?;
        tag(&self.clients, found.as_ref().and_then(Workgroup::workgroup_arn), ownership, name).await
    }

    /// Tables and views of others in its namespace's database: without it, nobody can look into that.
    async fn foreign(&self, wanted: &Desired) -> Result<Vec<Foreign>, ProviderError> {
        foreign(&self.clients, &wanted.name, &wanted.ownership).await
    }

    async fn delete(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = wanted;
        let mut pace = Pace::within(GONE_BUDGET);
        while let Some(found) = get(&self.clients, name).await? {
            if found.status() != Some(&WorkgroupStatus::Deleting) {
                match self.clients.redshift_serverless.delete_workgroup().workgroup_name(name).send().await {
                    Ok(_) => {}
                    Err(error) if is(&error, &["ResourceNotFoundException"]) => return Ok(()),
                    Err(error) => return Err(failure(DELETE, name, &error)),
                }
            }
            pace.wait(progress, DELETE, name, found.status().map_or("DELETING", WorkgroupStatus::as_str)).await?;
        }
        Ok(())
    }

    fn note(&self, node: &Node) {
        place::told(node).iter().filter_map(Database::created).for_each(|name| self.seen.note(&name));
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let tags = |name: String| async move {
            let arn = get(&self.clients, &name).await?.and_then(|found| found.workgroup_arn).unwrap_or_default();
            let tags = if arn.is_empty() { Vec::new() } else { tags_of(&self.clients, &arn).await? };
            Ok(ownership::collected(pairs(&tags)))
        };
        let owned = |(name, ownership): (String, Ownership)| {
            let command = format!("redshift-serverless delete-workgroup --workgroup-name {name}");
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

/// The workgroup of this name, whosever it is.
pub(crate) async fn get(clients: &Clients, name: &str) -> Result<Option<Workgroup>, ProviderError> {
    match clients.redshift_serverless.get_workgroup().workgroup_name(name).send().await {
        Ok(answer) => Ok(answer.workgroup),
        Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(None),
        Err(error) => Err(failure(GET, name, &error)),
    }
}

/// What others have made in the namespace and workgroup of this name. One that does not answer has never been used, or was
/// looked into before.
pub(super) async fn foreign(
    clients: &Clients,
    name: &str,
    ownership: &Ownership,
) -> Result<Vec<Foreign>, ProviderError> {
    let found = get(clients, name).await?;
    match found.as_ref().and_then(Workgroup::status) {
        Some(WorkgroupStatus::Available) => relations::in_namespace(clients, name, ownership).await,
        _ => Ok(Vec::new()),
    }
}

/// The tags of a namespace or a workgroup; none where it has just gone.
pub(super) async fn tags_of(clients: &Clients, arn: &str) -> Result<Vec<Tag>, ProviderError> {
    match clients.redshift_serverless.list_tags_for_resource().resource_arn(arn).send().await {
        Ok(answer) => Ok(answer.tags.unwrap_or_default()),
        Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(Vec::new()),
        Err(error) => Err(failure("redshift-serverless ListTagsForResource", arn, &error)),
    }
}

/// Puts the tags that may change on a namespace or a workgroup, by its ARN.
pub(super) async fn tag(
    clients: &Clients,
    arn: Option<&str>,
    ownership: &Ownership,
    name: &str,
) -> Result<(), ProviderError> {
    const CALL: &str = "redshift-serverless TagResource";
    let gone = || broken(Cause::Other, CALL, name, "it no longer exists".to_owned(), "`demo up` creates it again");
    let tags = to_tags(tags::changing(ownership), CALL, name)?;
    let call = clients.redshift_serverless.tag_resource().resource_arn(arn.ok_or_else(gone)?).set_tags(Some(tags));
    call.send().await.map_err(|error| failure(CALL, name, &error)).map(drop)
}

pub(super) fn to_tags(tags: Tags, call: &str, name: &str) -> Result<Vec<Tag>, ProviderError> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    let tags: Result<Vec<_>, _> = tags.into_iter().map(tag).collect();
    tags.map_err(|error| broken(Cause::Other, call, name, error.to_string(), "change the stack's tags"))
}

fn pairs(tags: &[Tag]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|tag| (tag.key(), tag.value()))
}
