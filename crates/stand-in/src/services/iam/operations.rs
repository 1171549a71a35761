//! One function for each operation of the API.

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Iam, Role, Roles, policy};
use crate::{
    query::{Fields, Xml, invalid, percent_encode},
    service_error::ServiceError,
    tags::reserved,
};

/// Roles of an account (the IAM user guide's "IAM and AWS STS quotas"; the default quota).
const ROLES: usize = 1_000;
/// Longest name of a role (IAM user guide, "IAM and AWS STS quotas").
const ROLE_NAME_CHARACTERS: usize = 64;
/// Longest name of a policy (the same page).
const POLICY_NAME_CHARACTERS: usize = 128;
/// Longest path (the same page).
const PATH_CHARACTERS: usize = 512;
/// Trust policy, without white space (the same page; the default quota).
const TRUST_POLICY_CHARACTERS: usize = 2_048;
/// All inline policies of a role together, without white space (the same page).
const INLINE_POLICIES_CHARACTERS: usize = 10_240;
/// Managed policies on one role (the same page; the default quota).
const ATTACHED_POLICIES: usize = 10;
/// Tags on one role (the same page).
const TAGS: usize = 50;

pub(super) type XmlAnswer = Result<String, ServiceError>;

impl Iam {
    pub(super) fn create_role(&self, fields: Fields<'_>) -> XmlAnswer {
        let role = new_role(fields)?;
        self.roles.change(|roles| {
            if roles.keys().any(|name| name.eq_ignore_ascii_case(&role.name)) {
                let message = format!("Role with name {} already exists.", role.name);
                return Err(ServiceError { status: 409, code: "EntityAlreadyExists", message });
            }
            if roles.len() >= ROLES {
                return Err(limit_exceeded(format!("Cannot exceed quota for RolesPerAccount: {ROLES}")));
            }
            roles.insert(role.name.clone(), role.clone());
            Ok(())
        })?;
        Ok(result("CreateRole", Xml::default().node("Role", describe(&role, Detail::Full))))
    }

    pub(super) fn get_role(&self, fields: Fields<'_>) -> XmlAnswer {
        let roles = self.roles.read();
        let role = role_in(&roles, fields)?;
        Ok(result("GetRole", Xml::default().node("Role", describe(role, Detail::Full))))
    }

    pub(super) fn list_roles(&self, fields: Fields<'_>) -> XmlAnswer {
        let prefix = fields.get("PathPrefix").unwrap_or("/");
        let roles = self.roles.read();
        let under_prefix = roles.values().filter(|role| role.path.starts_with(prefix));
        let (page, marker) = page(under_prefix, |role| &role.name, fields)?;
        let list = Xml::default().list("Roles", page.into_iter().map(|role| describe(role, Detail::Listed)));
        Ok(result("ListRoles", end_of_page(list, marker)))
    }

    pub(super) fn delete_role(&self, fields: Fields<'_>) -> XmlAnswer {
        self.roles.change(|roles| {
            let role = role_in(roles, fields)?;
            let conflict = match (role.inline_policies.is_empty(), role.attached_policies.is_empty()) {
                (true, true) => None,
                (_, false) => Some("must detach all policies first."),
                (false, true) => Some("must delete policies first."),
            };
            if let Some(remedy) = conflict {
                let message = format!("Cannot delete entity, {remedy}");
                return Err(ServiceError { status: 409, code: "DeleteConflict", message });
            }
            let name = role.name.clone();
            roles.remove(&name);
            Ok(String::new())
        })
    }

    pub(super) fn update_role(&self, fields: Fields<'_>) -> XmlAnswer {
        let description = description(fields)?;
        let max_session = fields.number("MaxSessionDuration", 3_600, 43_200)?;
        self.change_role(fields, |role| {
            role.description = description.or(role.description.take());
            role.max_session = max_session.unwrap_or(role.max_session);
            Ok(())
        })?;
        Ok(result("UpdateRole", Xml::default()))
    }

    pub(super) fn update_assume_role_policy(&self, fields: Fields<'_>) -> XmlAnswer {
        let document = trust_policy(fields, "PolicyDocument")?;
        self.change_role(fields, |role| {
            role.trust_policy = document;
            Ok(())
        })
    }

    pub(super) fn put_role_policy(&self, fields: Fields<'_>) -> XmlAnswer {
        let name = name(fields, "PolicyName", POLICY_NAME_CHARACTERS)?;
        let document = fields.required("PolicyDocument")?;
        policy::check_permissions(document)?;
        self.change_role(fields, |role| {
            role.inline_policies.insert(name.to_owned(), document.to_owned());
            if role.inline_policies.values().map(|text| solid_characters(text)).sum::<usize>()
                > INLINE_POLICIES_CHARACTERS
            {
                return Err(limit_exceeded(format!(
                    "Maximum policy size of {INLINE_POLICIES_CHARACTERS} bytes exceeded for role {}",
                    role.name
                )));
            }
            Ok(())
        })
    }

    pub(super) fn get_role_policy(&self, fields: Fields<'_>) -> XmlAnswer {
        let roles = self.roles.read();
        let role = role_in(&roles, fields)?;
        let name = fields.required("PolicyName")?;
        let document = role.inline_policies.get(name).ok_or_else(|| no_such_inline_policy(name))?;
        let policy = Xml::default()
            .text("RoleName", &role.name)
            .text("PolicyName", name)
            .text("PolicyDocument", &percent_encode(document));
        Ok(result("GetRolePolicy", policy))
    }

    pub(super) fn list_role_policies(&self, fields: Fields<'_>) -> XmlAnswer {
        let roles = self.roles.read();
        let (page, marker) = page(role_in(&roles, fields)?.inline_policies.keys(), |name| name, fields)?;
        let list = Xml::default().texts("PolicyNames", page.into_iter().map(String::as_str));
        Ok(result("ListRolePolicies", end_of_page(list, marker)))
    }

    pub(super) fn delete_role_policy(&self, fields: Fields<'_>) -> XmlAnswer {
        let name = fields.required("PolicyName")?;
        self.change_role(fields, |role| {
            role.inline_policies.remove(name).map(drop).ok_or_else(|| no_such_inline_policy(name))
        })
    }

    pub(super) fn attach_role_policy(&self, fields: Fields<'_>) -> XmlAnswer {
        let arn = fields.required("PolicyArn")?;
        if !arn.starts_with("arn:aws:iam::aws:policy/") {
            return Err(no_such_entity(format!("Policy {arn} does not exist or is not attachable.")));
        }
        self.change_role(fields, |role| {
            role.attached_policies.insert(arn.to_owned());
            if role.attached_policies.len() > ATTACHED_POLICIES {
                return Err(limit_exceeded(format!("Cannot exceed quota for PoliciesPerRole: {ATTACHED_POLICIES}")));
            }
            Ok(())
        })
    }

    pub(super) fn detach_role_policy(&self, fields: Fields<'_>) -> XmlAnswer {
        let arn = fields.required("PolicyArn")?;
        self.change_role(fields, |role| {
            let was_attached = role.attached_policies.remove(arn);
            was_attached.then_some(()).ok_or_else(|| no_such_entity(format!("Policy {arn} was not found.")))
        })
    }

    pub(super) fn list_attached_role_policies(&self, fields: Fields<'_>) -> XmlAnswer {
        let roles = self.roles.read();
        let (page, marker) = page(role_in(&roles, fields)?.attached_policies.iter(), |arn| arn, fields)?;
        let describe = |arn: &String| {
            let name = arn.rsplit('/').next().unwrap_or(arn);
            Xml::default().text("PolicyName", name).text("PolicyArn", arn)
        };
        let list = Xml::default().list("AttachedPolicies", page.into_iter().map(describe));
        Ok(result("ListAttachedRolePolicies", end_of_page(list, marker)))
    }

    /// Always empty: the stand-in has no instances, so no profiles for them.
    pub(super) fn list_instance_profiles_for_role(&self, fields: Fields<'_>) -> XmlAnswer {
        role_in(&self.roles.read(), fields)?;
        Ok(result("ListInstanceProfilesForRole", end_of_page(Xml::default().texts("InstanceProfiles", []), None)))
    }

    pub(super) fn tag_role(&self, fields: Fields<'_>) -> XmlAnswer {
        let tags = tags(fields)?;
        self.change_role(fields, |role| {
            for (key, value) in tags {
                role.tags.retain(|present, _| !present.eq_ignore_ascii_case(&key));
                role.tags.insert(key, value);
            }
            check_tag_count(role.tags.len())
        })
    }

    pub(super) fn untag_role(&self, fields: Fields<'_>) -> XmlAnswer {
        let keys = fields.members("TagKeys", "");
        self.change_role(fields, |role| {
            role.tags.retain(|present, _| !keys.iter().any(|key| present.eq_ignore_ascii_case(key)));
            Ok(())
        })
    }

    pub(super) fn list_role_tags(&self, fields: Fields<'_>) -> XmlAnswer {
        let roles = self.roles.read();
        let (page, marker) = page(role_in(&roles, fields)?.tags.iter(), |(key, _)| key, fields)?;
        let list = Xml::default().list("Tags", page.into_iter().map(describe_tag));
        Ok(result("ListRoleTags", end_of_page(list, marker)))
    }

    fn change_role(&self, fields: Fields<'_>, change: impl FnOnce(&mut Role) -> Result<(), ServiceError>) -> XmlAnswer {
        self.roles.change(|roles| {
            let name = fields.required("RoleName")?;
            change(roles.get_mut(name).ok_or_else(|| no_such_role(name))?)?;
            Ok(String::new())
        })
    }
}

fn new_role(fields: Fields<'_>) -> Result<Role, ServiceError> {
    Ok(Role {
        name: name(fields, "RoleName", ROLE_NAME_CHARACTERS)?.to_owned(),
        path: path(fields)?.to_owned(),
        id: new_role_id(),
        created: Utc::now().timestamp(),
        description: description(fields)?,
        max_session: fields.number("MaxSessionDuration", 3_600, 43_200)?.unwrap_or(3_600),
        trust_policy: trust_policy(fields, "AssumeRolePolicyDocument")?,
        tags: tags(fields)?.into_iter().collect(),
        inline_policies: Default::default(),
        attached_policies: Default::default(),
    })
}

fn description(fields: Fields<'_>) -> Result<Option<String>, ServiceError> {
    let description = fields.get("Description").map(str::to_owned);
    if description.as_ref().is_some_and(|text| text.chars().count() > 1_000) {
        return Err(invalid("Description", "…", "Member must have length less than or equal to 1000"));
    }
    Ok(description)
}

/// `AROA` and 17 of base 32's characters (IAM user guide, "IAM identifiers").
fn new_role_id() -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let random: u128 = rand::random();
    let characters = (0..17).map(|n| char::from(ALPHABET[(random >> (5 * n)) as usize % ALPHABET.len()]));
    "AROA".chars().chain(characters).collect()
}

fn name<'a>(fields: Fields<'a>, field: &str, longest: usize) -> Result<&'a str, ServiceError> {
    let name = fields.required(field)?;
    if name.is_empty() || name.len() > longest {
        return Err(invalid(field, name, &format!("Member must have length between 1 and {longest}")));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)) {
        let message = format!(
            "The specified value for {field} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
        );
        return Err(ServiceError::client("ValidationError", message));
    }
    Ok(name)
}

fn path(fields: Fields<'_>) -> Result<&str, ServiceError> {
    let path = fields.get("Path").unwrap_or("/");
    let well_formed = path.starts_with('/')
        && path.ends_with('/')
        && path.len() <= PATH_CHARACTERS
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    let refusal = "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.";
    well_formed.then_some(path).ok_or_else(|| ServiceError::client("ValidationError", refusal))
}

fn trust_policy(fields: Fields<'_>, field: &str) -> Result<String, ServiceError> {
    let document = fields.required(field)?;
    policy::check_trust(document)?;
    if solid_characters(document) > TRUST_POLICY_CHARACTERS {
        return Err(limit_exceeded(format!("Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY_CHARACTERS}")));
    }
    Ok(document.to_owned())
}

/// IAM counts no white space against the size of a policy.
fn solid_characters(document: &str) -> usize {
    document.chars().filter(|character| !character.is_whitespace()).count()
}

fn tags(fields: Fields<'_>) -> Result<Vec<(String, String)>, ServiceError> {
    let (keys, values) = (fields.members("Tags", ".Key"), fields.members("Tags", ".Value"));
    if keys.len() != values.len() {
        return Err(invalid("Tags", "", "Each tag must have a key and a value"));
    }
    for (n, key) in keys.iter().enumerate() {
        if key.is_empty() || key.chars().count() > 128 {
            return Err(invalid("Tags", key, "Tag keys must have length between 1 and 128"));
        }
        if keys[..n].iter().any(|earlier| earlier.eq_ignore_ascii_case(key)) {
            let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(ServiceError::client("InvalidInput", message));
        }
    }
    let tags: Vec<(String, String)> =
        keys.into_iter().map(str::to_owned).zip(values.iter().map(|value| (*value).to_owned())).collect();
    if let Some(problem) = reserved(tags.iter().map(|(key, _)| key)) {
        return Err(ServiceError::client("InvalidInput", problem));
    }
    if let Some(long) = values.iter().find(|value| value.chars().count() > 256) {
        return Err(invalid("Tags", long, "Tag values must have length less than or equal to 256"));
    }
    check_tag_count(tags.len())?;
    Ok(tags)
}

fn check_tag_count(count: usize) -> Result<(), ServiceError> {
    let message = "The number of tags has reached the maximum limit.";
    (count <= TAGS).then_some(()).ok_or_else(|| limit_exceeded(message.to_owned()))
}

fn role_in<'a>(roles: &'a Roles, fields: Fields<'_>) -> Result<&'a Role, ServiceError> {
    let name = fields.required("RoleName")?;
    roles.get(name).ok_or_else(|| no_such_role(name))
}

pub(super) fn no_such_role(name: &str) -> ServiceError {
    no_such_entity(format!("The role with name {name} cannot be found."))
}

fn no_such_inline_policy(name: &str) -> ServiceError {
    no_such_entity(format!("The role policy with name {name} cannot be found."))
}

pub(super) fn no_such_entity(message: String) -> ServiceError {
    ServiceError { status: 404, code: "NoSuchEntity", message }
}

fn limit_exceeded(message: String) -> ServiceError {
    ServiceError { status: 409, code: "LimitExceeded", message }
}

/// What an answer contains of a role: ListRoles leaves out the tags (IAM API reference, ListRoles).
#[derive(PartialEq)]
enum Detail {
    Full,
    Listed,
}

fn describe(role: &Role, detail: Detail) -> Xml {
    let created = DateTime::from_timestamp(role.created, 0).unwrap_or_default();
    let mut xml = Xml::default()
        .text("Path", &role.path)
        .text("RoleName", &role.name)
        .text("RoleId", &role.id)
        .text("Arn", &role.arn())
        .text("CreateDate", &created.to_rfc3339_opts(SecondsFormat::Secs, true))
        .text("AssumeRolePolicyDocument", &percent_encode(&role.trust_policy))
        .text("MaxSessionDuration", &role.max_session.to_string());
    if let Some(description) = &role.description {
        xml = xml.text("Description", description);
    }
    if detail == Detail::Full && !role.tags.is_empty() {
        xml = xml.list("Tags", role.tags.iter().map(describe_tag));
    }
    xml
}

fn describe_tag((key, value): (&String, &String)) -> Xml {
    Xml::default().text("Key", key).text("Value", value)
}

/// The items after `Marker`, at most `MaxItems` (100 unless told), and the next marker where more follow. Items come
/// ordered by `key`; a marker is the key of the last one served.
pub(super) fn page<'a, T>(
    items: impl Iterator<Item = T>,
    key: impl Fn(&T) -> &'a String,
    fields: Fields<'_>,
) -> Result<(Vec<T>, Option<String>), ServiceError> {
    let size = fields.number("MaxItems", 1, 1_000)?.unwrap_or(100) as usize;
    let after = fields.get("Marker");
    let mut items = items.filter(|item| after.is_none_or(|after| key(item).as_str() > after)).peekable();
    let page: Vec<_> = items.by_ref().take(size).collect();
    let marker = items.peek().and_then(|_| page.last()).map(|last| key(last).clone());
    Ok((page, marker))
}

pub(super) fn end_of_page(list: Xml, marker: Option<String>) -> Xml {
    let list = list.text("IsTruncated", if marker.is_some() { "true" } else { "false" });
    match marker {
        Some(marker) => list.text("Marker", &marker),
        None => list,
    }
}

pub(super) fn result(action: &str, inner: Xml) -> String {
    Xml::default().node(&format!("{action}Result"), inner).finish()
}
