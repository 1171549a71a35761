//! What a warehouse may reach: the stand-in's S3, in the name of a role.

use std::sync::Arc;

use super::{copy::Role, failure::Failure};
use crate::services::{iam::Iam, s3::S3};

/// Who may assume a warehouse's roles (Redshift management guide, "Authorizing Amazon Redshift to access other AWS services").
const SERVICES: [&str; 2] = ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"];

/// S3, and the roles that a warehouse has.
#[derive(Clone)]
pub(in crate::services::redshift) struct Access {
    pub(in crate::services::redshift) s3: Arc<S3>,
    pub(in crate::services::redshift) iam: Arc<Iam>,
    pub(in crate::services::redshift) roles: Roles,
}

/// The roles that are associated with a warehouse.
#[derive(Clone, Debug)]
pub(in crate::services::redshift) enum Roles {
    /// The warehouse came with the stand-in: every role, and a default one of its own.
    Any,
    /// ARNs.
    These { all: Vec<String>, default: Option<String> },
}

impl Access {
    /// Refuses a role that the warehouse has not, or cannot assume.
    pub(super) fn check_role(&self, role: &Role) -> Result<(), Failure> {
        match (role, &self.roles) {
            (Role::Caller, _) | (Role::Default, Roles::Any) => Ok(()),
            (Role::Default, Roles::These { default: None, .. }) => {
                Err(Failure::new("The cluster has no default IAM role: associate one, or give IAM_ROLE an ARN"))
            }
            (Role::Default, Roles::These { default: Some(arn), .. }) => self.check_trust(arn),
            (Role::Arn(arn), Roles::These { all, .. }) if !all.contains(arn) => {
                Err(Failure::new(format!("The IAM role {arn} is not valid: it is not associated with the cluster")))
            }
            (Role::Arn(arn), _) => self.check_trust(arn),
        }
    }

    fn check_trust(&self, arn: &str) -> Result<(), Failure> {
        if SERVICES.iter().any(|service| self.iam.may_assume(arn, service)) {
            return Ok(());
        }
        Err(Failure::new(format!(
            "Not authorized to get credentials of role {arn}: it is not there, or does not trust {}",
            SERVICES[0]
        )))
    }
}
