//! Roles and their policies: the operations of IAM that a pipeline's role needs from its first day to its last.
//!
//! The stand-in keeps policies and checks their form, asks a trust policy who may assume the role ([`Iam::may_assume`]), and
//! evaluates a role's inline policies where somebody acts as it ([`Iam::permits`]). Managed policies are names without
//! content, and permit nothing. The one caller may do all; what SimulatePrincipalPolicy says of it can be set by
//! [`Iam::restrict_caller`].

mod access;
mod operations;
mod policy;
mod simulate;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use self::access::{Decision, Request};
use super::{durable::Durable, kept::Kept, query::Fields, service_error::ServiceError};

/// The service.
pub struct Iam {
    roles: Durable<Roles>,
    /// The one caller's policy; `None` permits everything.
    caller_policy: Mutex<Option<String>>,
}

/// Every role by its name.
type Roles = BTreeMap<String, Role>;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Role {
    name: String,
    path: String,
    id: String,
    /// Seconds since 1970.
    created: i64,
    description: Option<String>,
    /// In seconds.
    max_session: u32,
    trust_policy: String,
    tags: BTreeMap<String, String>,
    inline_policies: BTreeMap<String, String>,
    /// ARNs of managed policies.
    attached_policies: BTreeSet<String>,
}

impl Role {
    fn arn(&self) -> String {
        format!("arn:aws:iam::{}:role{}{}", super::ACCOUNT, self.path, self.name)
    }

    /// The documents of its inline policies.
    fn policies(&self) -> impl Iterator<Item = &str> {
        self.inline_policies.values().map(String::as_str)
    }
}

impl Iam {
    /// Opens the roles that lie in `folder`.
    ///
    /// # Errors
    /// The folder cannot be made or read, or what lies in it is not a set of roles.
    pub fn open(folder: &Path) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder)?;
        let roles = Durable::open(&folder.join("roles.json"))?;
        Ok(Arc::new(Self { roles, caller_policy: Mutex::default() }))
    }

    /// One call of the query protocol: its form fields in, the XML of the action's result out (empty where the action
    /// has no result). The protocol puts the response element around it.
    ///
    /// # Errors
    /// As IAM's API reference has them; `InvalidAction` for an action that the stand-in does not know.
    pub async fn call(&self, action: &str, fields: &[(String, String)]) -> Result<String, ServiceError> {
        let fields = Fields(fields);
        match action {
            "CreateRole" => self.create_role(fields),
            "GetRole" => self.get_role(fields),
            "ListRoles" => self.list_roles(fields),
            "UpdateRole" => self.update_role(fields),
            "DeleteRole" => self.delete_role(fields),
            "UpdateAssumeRolePolicy" => self.update_assume_role_policy(fields),
            "PutRolePolicy" => self.put_role_policy(fields),
            "GetRolePolicy" => self.get_role_policy(fields),
            "ListRolePolicies" => self.list_role_policies(fields),
            "DeleteRolePolicy" => self.delete_role_policy(fields),
            "AttachRolePolicy" => self.attach_role_policy(fields),
            "DetachRolePolicy" => self.detach_role_policy(fields),
            "ListAttachedRolePolicies" => self.list_attached_role_policies(fields),
            "ListInstanceProfilesForRole" => self.list_instance_profiles_for_role(fields),
            "TagRole" => self.tag_role(fields),
            "UntagRole" => self.untag_role(fields),
            "ListRoleTags" => self.list_role_tags(fields),
            "GetUser" => self.get_user(fields),
            "GetAccountSummary" => Ok(self.get_account_summary()),
            "SimulatePrincipalPolicy" => self.simulate_principal_policy(fields),
            _ => Err(ServiceError::client(
                "InvalidAction",
                format!("Could not find operation {action} for version 2010-05-08 (the stand-in knows roles only)"),
            )),
        }
    }

    /// Whether a role of this ARN exists and its trust policy admits `service` (such as `firehose.amazonaws.com`).
    pub fn may_assume(&self, role_arn: &str, service: &str) -> bool {
        self.admits(role_arn, service, None)
    }

    /// The same for a service that says what it acts for, as `aws:SourceArn`.
    pub fn may_assume_for(&self, role_arn: &str, service: &str, source_arn: &str) -> bool {
        self.admits(role_arn, service, Some(source_arn))
    }

    /// Whether a role of this ARN exists and its inline policies allow `action` (such as `kinesis:DeleteStream`) on
    /// `resource`, an ARN.
    pub fn permits(&self, role_arn: &str, action: &str, resource: &str) -> bool {
        let roles = self.roles.read();
        let request = Request { action, resource, context: Vec::new() };
        let role = roles.values().find(|role| role.arn() == role_arn);
        role.is_some_and(|role| access::evaluate(role.policies(), &request) == Decision::Allowed)
    }

    /// Has SimulatePrincipalPolicy answer for the one caller by this policy until the stand-in closes; `None` lets it do all
    /// again. Calls themselves are never refused by it.
    ///
    /// # Errors
    /// `MalformedPolicyDocument`.
    pub fn restrict_caller(&self, policy: Option<&str>) -> Result<(), ServiceError> {
        policy.map(policy::check_permissions).transpose()?;
        *self.caller_policy.lock().unwrap_or_else(PoisonError::into_inner) = policy.map(str::to_owned);
        Ok(())
    }

    fn admits(&self, role_arn: &str, service: &str, source_arn: Option<&str>) -> bool {
        let roles = self.roles.read();
        let role = roles.values().find(|role| role.arn() == role_arn);
        role.is_some_and(|role| access::admits(&role.trust_policy, service, source_arn))
    }

    /// What is there, for a look into the store itself.
    pub(super) fn note(&self, kept: &mut Kept) -> Result<(), ServiceError> {
        self.roles.read().iter().try_for_each(|(name, role)| kept.note("iam role", name, role))
    }

    /// The names of all roles, in order: what a look into the store itself finds.
    pub fn role_names(&self) -> Vec<String> {
        self.roles.read().keys().cloned().collect()
    }
}
