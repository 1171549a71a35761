//! Who the caller is: there is one, whoever signs with the stand-in's key.

use super::{ACCOUNT, caller_arn, caller_id, query::Xml, service_error::ServiceError};

/// One call of the query protocol: the XML of the action's result.
///
/// # Errors
/// `InvalidAction` for all but `GetCallerIdentity`.
pub(crate) fn call(action: &str) -> Result<String, ServiceError> {
    match action {
        "GetCallerIdentity" => Ok(get_caller_identity()),
        _ => Err(ServiceError::client(
            "InvalidAction",
            format!("Could not find operation {action} for version 2011-06-15 (the stand-in knows GetCallerIdentity)"),
        )),
    }
}

fn get_caller_identity() -> String {
    let identity = Xml::default().text("Arn", &caller_arn()).text("UserId", &caller_id()).text("Account", ACCOUNT);
    Xml::default().node("GetCallerIdentityResult", identity).finish()
}
