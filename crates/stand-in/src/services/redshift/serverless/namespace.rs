//! A namespace: a warehouse's databases, administrator and roles.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::MOMENT;
use crate::{
    ACCOUNT, REGION, clock,
    protocol::uuid,
    service_error::ServiceError,
    services::{
        redshift::{
            DATABASE,
            engine::Roles,
            wire::{Tag, invalid},
        },
        secrets::REDSHIFT_ADMIN,
    },
};

/// A namespace.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::services::redshift) struct Namespace {
    pub(in crate::services::redshift) id: String,
    pub(in crate::services::redshift) database: String,
    pub(super) admin: String,
    /// The administrator's own password; a secret holds it where there is one.
    pub(super) password: Option<String>,
    pub(in crate::services::redshift) secret: Option<String>,
    pub(super) roles: Vec<String>,
    pub(super) default_role: Option<String>,
    log_exports: Vec<String>,
    created: DateTime<Utc>,
    pub(super) deleted: Option<DateTime<Utc>>,
    pub(super) tags: Vec<Tag>,
    /// It came with the stand-in.
    preloaded: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::services::redshift) struct CreateNamespace {
    pub(super) namespace_name: String,
    admin_username: Option<String>,
    admin_user_password: Option<String>,
    #[serde(default)]
    pub(super) manage_admin_password: bool,
    db_name: Option<String>,
    default_iam_role_arn: Option<String>,
    #[serde(default)]
    iam_roles: Vec<String>,
    #[serde(default)]
    log_exports: Vec<String>,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::services::redshift) struct UpdateNamespace {
    pub(super) namespace_name: String,
    default_iam_role_arn: Option<String>,
    iam_roles: Option<Vec<String>>,
    log_exports: Option<Vec<String>>,
}

impl Namespace {
    pub(super) fn new(request: CreateNamespace) -> Result<Self, ServiceError> {
        if request.manage_admin_password && request.admin_user_password.is_some() {
            return Err(invalid("adminUserPassword cannot be given together with manageAdminPassword."));
        }
        if request.admin_user_password.is_some() != request.admin_username.is_some() && !request.manage_admin_password {
            return Err(invalid("adminUsername and adminUserPassword must be given together."));
        }
        check_default(request.default_iam_role_arn.as_ref(), &request.iam_roles)?;
        Ok(Self {
            id: uuid(),
            database: request.db_name.unwrap_or_else(|| DATABASE.to_owned()),
            admin: request.admin_username.unwrap_or_else(|| "admin".to_owned()),
            password: request.admin_user_password,
            secret: None,
            roles: request.iam_roles,
            default_role: request.default_iam_role_arn,
            log_exports: request.log_exports,
            created: clock::utc(),
            deleted: None,
            tags: request.tags,
            preloaded: false,
        })
    }

    /// The one that a fresh stand-in has.
    pub(super) fn preloaded() -> Self {
        Self {
            id: "00000000-0000-4000-8000-000000000001".into(),
            database: DATABASE.to_owned(),
            admin: REDSHIFT_ADMIN.0.to_owned(),
            password: Some(REDSHIFT_ADMIN.1.to_owned()),
            secret: None,
            roles: Vec::new(),
            default_role: None,
            log_exports: Vec::new(),
            created: DateTime::UNIX_EPOCH,
            deleted: None,
            tags: Vec::new(),
            preloaded: true,
        }
    }

    pub(super) fn update(&mut self, request: UpdateNamespace) -> Result<(), ServiceError> {
        let roles = request.iam_roles.unwrap_or_else(|| self.roles.clone());
        let default = request.default_iam_role_arn.or_else(|| self.default_role.clone());
        check_default(default.as_ref(), &roles)?;
        self.roles = roles;
        self.default_role = default;
        self.log_exports = request.log_exports.unwrap_or_else(|| self.log_exports.clone());
        Ok(())
    }

    pub(in crate::services::redshift) fn arn(&self) -> String {
        format!("arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:namespace/{}", self.id)
    }

    /// The roles that COPY may use.
    pub(in crate::services::redshift) fn access(&self) -> Roles {
        match self.preloaded {
            true => Roles::Any,
            false => Roles::These { all: self.roles.clone(), default: self.default_role.clone() },
        }
    }

    /// The administrator's name, own password, and secret.
    pub(in crate::services::redshift) fn login(&self) -> (String, Option<String>, Option<String>) {
        (self.admin.clone(), self.password.clone(), self.secret.clone())
    }

    pub(in crate::services::redshift) fn is_gone(&self, now: DateTime<Utc>) -> bool {
        self.deleted.is_some_and(|deleted| (now - deleted).num_milliseconds() >= MOMENT)
    }

    pub(super) fn describe(&self, name: &str) -> Value {
        json!({
            "namespaceName": name, "namespaceId": self.id, "namespaceArn": self.arn(),
            "adminUsername": self.admin, "dbName": self.database, "iamRoles": self.roles,
            "defaultIamRoleArn": self.default_role, "logExports": self.log_exports,
            "adminPasswordSecretArn": self.secret, "kmsKeyId": "AWS_OWNED_KMS_KEY",
            "status": if self.deleted.is_some() { "DELETING" } else { "AVAILABLE" },
            "creationDate": self.created.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        })
    }
}

fn check_default(default: Option<&String>, roles: &[String]) -> Result<(), ServiceError> {
    match default {
        Some(arn) if !roles.contains(arn) => {
            Err(invalid(format!("The default IAM role {arn} must be one of iamRoles.")))
        }
        _ => Ok(()),
    }
}
