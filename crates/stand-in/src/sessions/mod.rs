//! Who calls as a role: each of its requests carries the token of its session, and may do what the role's inline policies allow.
//!
//! A task of ECS gets such a session. Its requests are signed with the stand-in's one key, so a session holds nobody back who
//! wants to do more; it shows what a role lacks before AWS does.

mod permission;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{Method, request::Parts};

use self::permission::Permission;
use crate::{
    ACCOUNT,
    protocol::Protocol,
    query::parse_form,
    service::{Call, Service},
    service_error::ServiceError,
    services::iam::Iam,
};

/// What everybody may do (AWS STS API reference, GetCallerIdentity).
const NEEDS_NOTHING: (&str, &str) = ("sts", "GetCallerIdentity");

/// Every session there is.
pub(crate) struct Sessions {
    iam: Arc<Iam>,
    /// The ARNs of the roles, by their tokens.
    roles: Mutex<HashMap<String, String>>,
}

/// A role that somebody acts as, until this is dropped.
pub(crate) struct Session {
    /// What its requests carry.
    pub(crate) token: String,
    sessions: Arc<Sessions>,
}

impl Sessions {
    pub(crate) fn new(iam: Arc<Iam>) -> Arc<Self> {
        Arc::new(Self { iam, roles: Mutex::default() })
    }

    /// Lets somebody act as a role.
    pub(crate) fn begin(self: &Arc<Self>, role: &str) -> Session {
        let token = format!("stand-in/{:032x}", rand::random::<u128>());
        self.roles().insert(token.clone(), role.to_owned());
        Session { token, sessions: self.clone() }
    }

    /// Refuses a call of a role that its policies do not allow.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    pub(crate) fn check(&self, service: &dyn Service, call: &Call) -> Result<(), ServiceError> {
        let Some(role) = self.role_of(&call.request) else { return Ok(()) };
        if NEEDS_NOTHING == (service.name(), call.operation.as_str()) {
            return Ok(());
        }
        self.check_permission(&role, Permission::of_call(service, call)).map_err(|message| match service.protocol() {
            Protocol::Json(_) => ServiceError::client("AccessDeniedException", message),
            _ => ServiceError { status: 403, code: "AccessDenied", message },
        })
    }

    /// The same of a request in S3's protocol.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub(crate) fn check_s3(&self, request: &Parts) -> Result<(), ServiceError> {
        let Some(role) = self.role_of(request) else { return Ok(()) };
        self.check_permission(&role, Permission::of_s3(request)).map_err(denied_by_s3)
    }

    /// What a role is told of an object that is not there: nothing, unless it may list the bucket (Amazon S3 API reference,
    /// GetObject).
    ///
    /// # Errors
    /// `AccessDenied`.
    pub(crate) fn check_absence(&self, request: &Parts) -> Result<(), ServiceError> {
        let is_read = request.method == Method::GET || request.method == Method::HEAD;
        match self.role_of(request) {
            Some(role) if is_read => {
                self.check_permission(&role, Permission::to_list_bucket(request)).map_err(denied_by_s3)
            }
            _ => Ok(()),
        }
    }

    fn check_permission(&self, role: &str, permission: Option<Permission>) -> Result<(), String> {
        let name = role.rsplit('/').next().unwrap_or(role);
        let user = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/stand-in");
        let Some(permission) = permission else {
            return Err(format!("User: {user} calls something of which the stand-in cannot tell what it needs"));
        };
        let Permission { action, resource, prefix } = &permission;
        let context = prefix.iter().map(|prefix| ("s3:prefix".to_owned(), vec![prefix.clone()])).collect();
        let is_allowed = match resource {
            Some(resource) => self.iam.permits_in(role, action, resource, context),
            None => self.iam.permits_somewhere(role, action),
        };
        let resource = resource.as_deref().unwrap_or("any");
        match is_allowed {
            true => Ok(()),
            false => Err(format!(
                "User: {user} is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
            )),
        }
    }

    /// The role of a request. A token that is none of ours is as good as none: the environment may have one of AWS's.
    fn role_of(&self, request: &Parts) -> Option<String> {
        let in_header = request.headers.get("x-amz-security-token").and_then(|token| token.to_str().ok());
        let in_url = || {
            let fields = parse_form(request.uri.query()?.as_bytes());
            fields.into_iter().find(|(name, _)| name == "X-Amz-Security-Token").map(|(_, token)| token)
        };
        let roles = self.roles();
        if roles.is_empty() {
            return None;
        }
        roles.get(&in_header.map(str::to_owned).or_else(in_url)?).cloned()
    }

    fn roles(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.sessions.roles().remove(&self.token);
    }
}

fn denied_by_s3(message: String) -> ServiceError {
    ServiceError { status: 403, code: "AccessDenied", message }
}

#[cfg(test)]
mod tests;
