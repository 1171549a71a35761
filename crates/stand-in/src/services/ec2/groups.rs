//! Security groups.

use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::{
    Ec2, XmlAnswer,
    filters::{self, Filters, Page},
    network::{DEFAULT_GROUP, DEFAULT_VPC},
    refuse,
    tags::{self, Tags},
};
use crate::{
    ACCOUNT, REGION,
    query::{Fields, Xml},
    service_error::ServiceError,
};

/// Security groups of a Region (Amazon VPC user guide, "Amazon VPC quotas"; the default quota).
const GROUPS: usize = 2_500;
/// Characters of a name and of a description (Amazon EC2 API reference, CreateSecurityGroup).
const CHARACTERS: usize = 255;
const SYMBOLS: &str = "._-:/()#,@[]+=&;{}!$* ";

/// A security group as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SecurityGroup {
    pub(super) name: String,
    description: String,
    pub(super) tags: Tags,
}

impl SecurityGroup {
    /// The default VPC's own.
    fn default_one() -> Self {
        let description = "default VPC security group".to_owned();
        Self { name: "default".to_owned(), description, tags: Tags::new() }
    }

    fn describe(&self, id: &str) -> Xml {
        let everywhere = Xml::default().items("ipRanges", [Xml::default().text("cidrIp", "0.0.0.0/0")]);
        let group = Xml::default().text("userId", ACCOUNT).text("groupId", id);
        let from_itself = Xml::default().text("ipProtocol", "-1").items("groups", [group]);
        let ingress = (id == DEFAULT_GROUP).then_some(from_itself);
        Xml::default()
            .text("groupId", id)
            .text("securityGroupArn", &arn(id))
            .text("groupName", &self.name)
            .text("groupDescription", &self.description)
            .text("ownerId", ACCOUNT)
            .text("vpcId", DEFAULT_VPC)
            .items("ipPermissions", ingress)
            .items("ipPermissionsEgress", [Xml::default().text("ipProtocol", "-1").append(everywhere)])
            .items("tagSet", tags::describe(&self.tags))
    }

    fn is_wanted(&self, id: &str, filters: &Filters<'_>) -> Result<bool, ServiceError> {
        filters.admit(|name| match name {
            "group-id" => Some(vec![id.to_owned()]),
            "group-name" => Some(vec![self.name.clone()]),
            "description" => Some(vec![self.description.clone()]),
            "vpc-id" => Some(vec![DEFAULT_VPC.to_owned()]),
            "owner-id" => Some(vec![ACCOUNT.to_owned()]),
            _ => filters::of_tags(name, &self.tags),
        })
    }
}

impl Ec2 {
    pub(super) fn create_group(&self, fields: Fields<'_>) -> XmlAnswer {
        let name = text(fields, "GroupName")?;
        let description = text(fields, "GroupDescription")?;
        if name.starts_with("sg-") {
            return Err(refuse::value(format!(
                "Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*."
            )));
        }
        if let Some(absent) = fields.get("VpcId").filter(|id| *id != DEFAULT_VPC) {
            return Err(refuse::no_vpc(absent));
        }
        let tags = tags_of_group(fields)?;
        let id = format!("sg-{:017x}", rand::random::<u128>() >> 60);
        let group = SecurityGroup { name: name.to_owned(), description: description.to_owned(), tags: tags.clone() };
        self.groups.change(|groups| {
            if name == "default" || groups.values().any(|there| there.name == name) {
                let message = format!("The security group '{name}' already exists for VPC '{DEFAULT_VPC}'");
                return Err(ServiceError::client("InvalidGroup.Duplicate", message));
            }
            if groups.len() >= GROUPS {
                let message = "The maximum number of security groups has been reached.";
                return Err(ServiceError::client("SecurityGroupLimitExceeded", message));
            }
            groups.insert(id.clone(), group);
            Ok(())
        })?;
        let made = Xml::default().text("return", "true").text("groupId", &id).text("securityGroupArn", &arn(&id));
        Ok(made.items("tagSet", tags::describe(&tags)).finish())
    }

    pub(super) fn describe_groups(&self, fields: Fields<'_>) -> XmlAnswer {
        let (ids, names) = (fields.items("GroupId", ""), fields.items("GroupName", ""));
        let (filters, page) = (Filters::of(fields)?, Page::of(fields)?);
        let known = self.groups.read();
        let default_one = SecurityGroup::default_one();
        let all = || known.iter().map(|(id, group)| (id.as_str(), group)).chain([(DEFAULT_GROUP, &default_one)]);
        if let Some(absent) = ids.iter().find(|id| all().all(|(known, _)| known != **id)) {
            return Err(refuse::no_group(absent));
        }
        if let Some(absent) = names.iter().find(|name| all().all(|(_, group)| group.name != **name)) {
            return Err(refuse::no_group(absent));
        }
        let mut wanted = Vec::new();
        for (id, group) in all() {
            let is_named = ids.is_empty() && names.is_empty() || ids.contains(&id) || names.contains(&&*group.name);
            if is_named && group.is_wanted(id, &filters)? {
                wanted.push((id.to_owned(), group.describe(id)));
            }
        }
        wanted.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(page.list("securityGroupInfo", wanted.into_iter()))
    }

    pub(super) fn delete_group(&self, fields: Fields<'_>) -> XmlAnswer {
        let interfaces = self.interfaces.lock().unwrap_or_else(PoisonError::into_inner);
        let id = self.groups.change(|groups| {
            let named = |name| groups.iter().find(|(_, group)| group.name == name).map(|(id, _)| id.clone());
            let id = match (fields.get("GroupId"), fields.get("GroupName")) {
                (Some(id), _) => id.to_owned(),
                (None, Some("default")) => DEFAULT_GROUP.to_owned(),
                (None, Some(name)) => named(name).ok_or_else(|| refuse::no_group(name))?,
                (None, None) => return Err(refuse::missing("GroupId")),
            };
            if id == DEFAULT_GROUP {
                let message = format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
                return Err(ServiceError::client("CannotDelete", message));
            }
            if interfaces.values().any(|groups| groups.contains(&id)) {
                let message = format!("resource {id} has a dependent object");
                return Err(ServiceError::client("DependencyViolation", message));
            }
            groups.remove(&id).ok_or_else(|| refuse::no_group(&id))?;
            Ok(id)
        })?;
        Ok(Xml::default().text("return", "true").text("groupId", &id).finish())
    }
}

fn arn(id: &str) -> String {
    format!("arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{id}")
}

/// A name or a description.
fn text<'a>(fields: Fields<'a>, name: &str) -> Result<&'a str, ServiceError> {
    let text = fields.get(name).filter(|text| !text.is_empty()).ok_or_else(|| refuse::missing(name))?;
    let is_known = |c: char| c.is_ascii_alphanumeric() || SYMBOLS.contains(c);
    if text.len() > CHARACTERS || !text.chars().all(is_known) {
        return Err(refuse::value(format!(
            "Value ({text}) for parameter {name} is invalid. Character sets beyond ASCII are not supported, nor more than {CHARACTERS} characters; of symbols it may have {SYMBOLS}"
        )));
    }
    Ok(text)
}

fn tags_of_group(fields: Fields<'_>) -> Result<Tags, ServiceError> {
    match fields.items("TagSpecification", ".ResourceType").as_slice() {
        [] => Ok(Tags::new()),
        ["security-group"] => tags::read(fields, "TagSpecification.1.Tag"),
        other => Err(refuse::value(format!(
            "'{}' is not a valid taggable resource type for this operation.",
            other.join(", ")
        ))),
    }
}
