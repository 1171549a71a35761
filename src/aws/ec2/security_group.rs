//! The security group of a stack's tasks: nothing comes in, and everything goes out, as EC2 makes one.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    call::Fields,
    network::default_subnets,
    tags::{self as fields, Items, Tag, pairs},
};
use crate::{
    aws::{
        clients::Clients,
        failure::{broken, failure, is},
        kind::{Kind, Layer},
        ownership::{self, Ownership},
        pace::Pace,
        permission::{On, Statement},
        tags,
    },
    engine::{Cause, Difference, Observed, Owned, Progress, ProviderError, Scope, StackId},
};

const CREATE: &str = "ec2 CreateSecurityGroup";
const DESCRIBE: &str = "ec2 DescribeSecurityGroups";
const DELETE: &str = "ec2 DeleteSecurityGroup";
const TAG: &str = "ec2 CreateTags";
const GONE_BUDGET: Duration = Duration::from_secs(5 * 60);
const DESCRIPTION: &str = "Workers of a load by demo";

/// A security group as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// Whose it is.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// Knows security groups.
pub struct SecurityGroups(pub Clients);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    group_id: String,
    group_name: String,
    #[serde(default)]
    tag_set: Items<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Groups {
    #[serde(default)]
    security_group_info: Items<Group>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    group_id: String,
}

#[async_trait]
impl Kind for SecurityGroups {
    type Desired = Desired;

    const KIND: &'static str = "security-group";
    const LAYER: Layer = Layer::Foundation;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    /// Its id is of EC2's choice, so only tags tell it from others. What a request asks for the VPC knows no tags.
    fn permissions(_wanted: &Desired, id: &StackId) -> Vec<Statement> {
        let (groups, vpcs) = (On::resource("ec2", "security-group/*"), On::resource("ec2", "vpc/*"));
        let of_stack = |statement: Statement, key: &str| {
            statement.when("StringLike", &format!("{key}/{}", ownership::STACK), [id.to_string()])
        };
        let create = Statement::new(&["ec2:CreateSecurityGroup"], [groups.clone()]);
        let label = Statement::new(&["ec2:CreateTags"], [groups.clone()]);
        let change = Statement::new(&["ec2:CreateTags", "ec2:DeleteSecurityGroup"], [groups]);
        vec![
            of_stack(create, "aws:RequestTag"),
            Statement::new(&["ec2:CreateSecurityGroup"], [vpcs]),
            label.when("StringEquals", "ec2:CreateAction", ["CreateSecurityGroup".to_owned()]),
            of_stack(change, "aws:ResourceTag"),
            Statement::new(&["ec2:DescribeSubnets"], [On::anything()]),
        ]
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let found = self.named(&wanted.name).await?;
        if let Some(ours) = found.iter().find(|group| wanted.ownership.is_on(pairs(&group.tag_set)).is_ok()) {
            let differs = tags::differences(&wanted.ownership, pairs(&ours.tag_set));
            return Ok(Observed::Ours { identity: self.arn(&ours.group_id).await?, ready: true, differs });
        }
        let whose = |group: &Group| wanted.ownership.is_on(pairs(&group.tag_set)).err();
        let why = found.first().and_then(whose);
        Ok(why.map_or(Observed::Absent, |why| Observed::Foreign { why }))
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let name = &wanted.name;
        let subnets = default_subnets(&self.0).await?;
        let own = [("GroupName", name.as_str()), ("GroupDescription", DESCRIPTION), ("VpcId", subnets[0].vpc.as_str())];
        let mut form: Fields = own.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        form.push(("TagSpecification.1.ResourceType".to_owned(), "security-group".to_owned()));
        form.extend(fields::fields("TagSpecification.1.Tag", wanted.ownership.all()));
        let answer = self.0.ec2.call("CreateSecurityGroup", form).await;
        let created: Created = answer.map_err(|error| failure(CREATE, name, &error))?.read(CREATE, name)?;
        self.arn(&created.group_id).await
    }

    /// Only its tags.
    async fn change(
        &self,
        wanted: &Desired,
        _differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let mut form = vec![("ResourceId.1".to_owned(), self.id_of(wanted).await?)];
        form.extend(fields::fields("Tag", tags::changing(&wanted.ownership)));
        let answer = self.0.ec2.call("CreateTags", form).await;
        answer.map_err(|error| failure(TAG, &wanted.name, &error)).map(drop)
    }

    async fn delete(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let found = self.named(&wanted.name).await?;
        for group in found.iter().filter(|group| wanted.ownership.is_on(pairs(&group.tag_set)).is_ok()) {
            self.delete_group(&group.group_id, &wanted.name, progress).await?;
        }
        Ok(())
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let found = match scope {
            Scope::Stack(id) => self.filtered(&format!("tag:{}", ownership::STACK), id.as_str()).await?,
            Scope::Account => self.filtered("tag-key", ownership::STACK).await?,
        };
        let owned = |group: Group| {
            let ownership = Ownership::found(scope, pairs(&group.tag_set))?;
            let command = self.0.cli(&format!("ec2 delete-security-group --group-id {}", group.group_id));
            let name = group.group_name;
            Some(Self::found(&name, &Desired { name: name.clone(), ownership }, command))
        };
        Ok(found.into_iter().filter_map(owned).collect())
    }
}

/// The id of a stack's security group.
///
/// # Errors
/// A call fails, or there is none.
pub async fn id_of(clients: &Clients, wanted: &Desired) -> Result<String, ProviderError> {
    SecurityGroups(clients.clone()).id_of(wanted).await
}

impl SecurityGroups {
    async fn id_of(&self, wanted: &Desired) -> Result<String, ProviderError> {
        let found = self.named(&wanted.name).await?;
        let ours = found.into_iter().find(|group| wanted.ownership.is_on(pairs(&group.tag_set)).is_ok());
        ours.map(|group| group.group_id).ok_or_else(|| {
            let message = "there is no such security group of the stack".to_owned();
            broken(Cause::Other, DESCRIBE, &wanted.name, message, "run `demo up` to create it")
        })
    }

    /// Network interfaces hold it for as long as they are in it; those of tasks go before ECS calls these stopped, or soon after.
    async fn delete_group(&self, id: &str, name: &str, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let mut pace = Pace::within(GONE_BUDGET);
        loop {
            let form = vec![("GroupId".to_owned(), id.to_owned())];
            match self.0.ec2.call("DeleteSecurityGroup", form).await {
                Ok(_) => return Ok(()),
                Err(error) if is(&error, &["InvalidGroup.NotFound"]) => return Ok(()),
                Err(error) if is(&error, &["DependencyViolation"]) => {}
                Err(error) => return Err(failure(DELETE, name, &error)),
            }
            pace.wait(progress, DELETE, name, "in use by a network interface").await?;
        }
    }

    /// Those of a name: each VPC may have one.
    async fn named(&self, name: &str) -> Result<Vec<Group>, ProviderError> {
        self.filtered("group-name", name).await
    }

    async fn filtered(&self, filter: &str, value: &str) -> Result<Vec<Group>, ProviderError> {
        let (mut groups, mut token) = (Vec::new(), None::<String>);
        loop {
            let mut form = vec![
                ("Filter.1.Name".to_owned(), filter.to_owned()),
                ("Filter.1.Value.1".to_owned(), value.to_owned()),
            ];
            form.extend(token.map(|token| ("NextToken".to_owned(), token)));
            let answer = self.0.ec2.call("DescribeSecurityGroups", form).await;
            let answer = answer.map_err(|error| failure(DESCRIBE, value, &error))?;
            let page: Groups = answer.read(DESCRIBE, value)?;
            groups.extend(page.security_group_info.item);
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(groups);
            }
        }
    }

    async fn arn(&self, id: &str) -> Result<String, ProviderError> {
        self.0.arn("ec2", &format!("security-group/{id}")).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read_from_what_ec2_answers() {
        let answer = "<DescribeSecurityGroupsResponse><securityGroupInfo><item><ownerId>0</ownerId><groupId>sg-1</groupId>\
                      <groupName>a-00000001</groupName><ipPermissions/><ipPermissionsEgress><item><ipProtocol>-1</ipProtocol>\
                      <groups/></item></ipPermissionsEgress><tagSet><item><key>demo:stack</key><value>a-00000001</value></item>\
                      <item><key>empty</key><value/></item></tagSet></item></securityGroupInfo><nextToken>t</nextToken>\
                      </DescribeSecurityGroupsResponse>";
        let found: Groups = quick_xml::de::from_str(answer).expect("groups");
        let [group] = found.security_group_info.item.as_slice() else { panic!("{found:?}") };
        assert_eq!((group.group_id.as_str(), group.group_name.as_str()), ("sg-1", "a-00000001"));
        let tags: Vec<_> = pairs(&group.tag_set).collect();
        assert_eq!(tags, [("demo:stack", "a-00000001"), ("empty", "")]);
        assert_eq!(found.next_token.as_deref(), Some("t"));
    }
}
