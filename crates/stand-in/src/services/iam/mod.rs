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

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use self::access::{Decision, Request};
use crate::{
    durable::Durable,
    inventory::Inventory,
    protocol::{Protocol, Query},
    query::{Fields, parse_form},
    service::{Answer, Call, Operation::Immediate, Operations, Reply, Service},
    service_error::ServiceError,
};

/// IAM over one folder.
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
        format!("arn:aws:iam::{}:role{}{}", crate::ACCOUNT, self.path, self.name)
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
    pub(crate) fn open(folder: &Path) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder)?;
        let roles = Durable::open(&folder.join("roles.json"))?;
        Ok(Arc::new(Self { roles, caller_policy: Mutex::default() }))
    }

    /// Whether a role of this ARN exists and its trust policy admits `service` (such as `firehose.amazonaws.com`).
    pub fn may_assume(&self, role_arn: &str, service: &str) -> bool {
        self.admits(role_arn, service, None)
    }

    /// The same for a service that says what it acts for, as `aws:SourceArn`.
    pub(crate) fn may_assume_for(&self, role_arn: &str, service: &str, source_arn: &str) -> bool {
        self.admits(role_arn, service, Some(source_arn))
    }

    /// Whether a role of this ARN exists and its inline policies allow `action` (such as `kinesis:DeleteStream`) on
    /// `resource`, an ARN.
    pub(crate) fn permits(&self, role_arn: &str, action: &str, resource: &str) -> bool {
        self.permits_in(role_arn, action, resource, Vec::new())
    }

    /// The same of a request that carries these values of condition keys.
    pub(crate) fn permits_in(
        &self,
        role_arn: &str,
        action: &str,
        resource: &str,
        context: Vec<(String, Vec<String>)>,
    ) -> bool {
        let request = Request { action, resource, context };
        self.is_allowed(role_arn, |role| access::evaluate(role.policies(), &request))
    }

    /// Whether a role of this ARN exists and its inline policies allow `action` on some resource, whichever.
    pub(crate) fn permits_somewhere(&self, role_arn: &str, action: &str) -> bool {
        self.is_allowed(role_arn, |role| access::evaluate_anywhere(role.policies(), action))
    }

    fn is_allowed(&self, role_arn: &str, decide: impl FnOnce(&Role) -> Decision) -> bool {
        let roles = self.roles.read();
        roles.values().find(|role| role.arn() == role_arn).is_some_and(|role| decide(role) == Decision::Allowed)
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

    /// The names of all roles in the store, in order.
    pub fn role_names(&self) -> Vec<String> {
        self.roles.read().keys().cloned().collect()
    }
}

static OPERATIONS: Operations<Iam> = Operations(&[
    (
        "CreateRole",
        Immediate(|iam, call| {
            xml(
                call,
                &["RoleName", "AssumeRolePolicyDocument", "Path", "Description", "MaxSessionDuration", "Tags"],
                |fields| iam.create_role(fields),
            )
        }),
    ),
    ("GetRole", Immediate(|iam, call| xml(call, &["RoleName"], |fields| iam.get_role(fields)))),
    (
        "ListRoles",
        Immediate(|iam, call| xml(call, &["PathPrefix", "Marker", "MaxItems"], |fields| iam.list_roles(fields))),
    ),
    (
        "UpdateRole",
        Immediate(|iam, call| {
            xml(call, &["RoleName", "Description", "MaxSessionDuration"], |fields| iam.update_role(fields))
        }),
    ),
    ("DeleteRole", Immediate(|iam, call| xml(call, &["RoleName"], |fields| iam.delete_role(fields)))),
    (
        "UpdateAssumeRolePolicy",
        Immediate(|iam, call| {
            xml(call, &["RoleName", "PolicyDocument"], |fields| iam.update_assume_role_policy(fields))
        }),
    ),
    (
        "PutRolePolicy",
        Immediate(|iam, call| {
            xml(call, &["RoleName", "PolicyName", "PolicyDocument"], |fields| iam.put_role_policy(fields))
        }),
    ),
    (
        "GetRolePolicy",
        Immediate(|iam, call| xml(call, &["RoleName", "PolicyName"], |fields| iam.get_role_policy(fields))),
    ),
    (
        "ListRolePolicies",
        Immediate(|iam, call| xml(call, &["RoleName", "Marker", "MaxItems"], |fields| iam.list_role_policies(fields))),
    ),
    (
        "DeleteRolePolicy",
        Immediate(|iam, call| xml(call, &["RoleName", "PolicyName"], |fields| iam.delete_role_policy(fields))),
    ),
    (
        "AttachRolePolicy",
        Immediate(|iam, call| xml(call, &["RoleName", "PolicyArn"], |fields| iam.attach_role_policy(fields))),
    ),
    (
        "DetachRolePolicy",
        Immediate(|iam, call| xml(call, &["RoleName", "PolicyArn"], |fields| iam.detach_role_policy(fields))),
    ),
    (
        "ListAttachedRolePolicies",
        Immediate(|iam, call| {
            xml(call, &["RoleName", "Marker", "MaxItems"], |fields| iam.list_attached_role_policies(fields))
        }),
    ),
    (
        "ListInstanceProfilesForRole",
        Immediate(|iam, call| {
            xml(call, &["RoleName", "Marker", "MaxItems"], |fields| iam.list_instance_profiles_for_role(fields))
        }),
    ),
    ("TagRole", Immediate(|iam, call| xml(call, &["RoleName", "Tags"], |fields| iam.tag_role(fields)))),
    ("UntagRole", Immediate(|iam, call| xml(call, &["RoleName", "TagKeys"], |fields| iam.untag_role(fields)))),
    (
        "ListRoleTags",
        Immediate(|iam, call| xml(call, &["RoleName", "Marker", "MaxItems"], |fields| iam.list_role_tags(fields))),
    ),
    ("GetUser", Immediate(|iam, call| xml(call, &["UserName"], |fields| iam.get_user(fields)))),
    ("GetAccountSummary", Immediate(|iam, call| xml(call, &[], |_| Ok(iam.get_account_summary())))),
    (
        "SimulatePrincipalPolicy",
        Immediate(|iam, call| {
            xml(
                call,
                &["PolicySourceArn", "PolicyInputList", "ActionNames", "ResourceArns", "ContextEntries"],
                |fields| iam.simulate_principal_policy(fields),
            )
        }),
    ),
]);

#[async_trait]
impl Service for Iam {
    fn name(&self) -> &'static str {
        "iam"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Query(Query::new("2010-05-08", "https://iam.amazonaws.com/doc/2010-05-08/"))
    }

    fn operations(&self) -> Vec<&'static str> {
        OPERATIONS.names()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        OPERATIONS.run(&*self, &call).await
    }

    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        self.roles.read().iter().try_for_each(|(name, role)| into.add("iam role", name, role))
    }
}

/// Answers a form, which may have these members, with the XML of the action's result.
fn xml(call: &Call, members: &[&str], run: impl FnOnce(Fields<'_>) -> Result<String, ServiceError>) -> Answer {
    let form = parse_form(&call.body);
    let fields = Fields(&form).with_only(members)?;
    run(fields).map(Reply::ok)
}
