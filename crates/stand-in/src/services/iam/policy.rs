//! Policy documents: their form.

use serde_json::Value;

use crate::service_error::ServiceError;

/// Checks the document of a permissions policy.
pub(super) fn check_permissions(document: &str) -> Result<(), ServiceError> {
    for statement in statements(document)? {
        check_effect_and_action(&statement)?;
        if has(&statement, "Principal") || has(&statement, "NotPrincipal") {
            return Err(malformed("Policy document should not specify a principal."));
        }
        let resources: Vec<_> =
            ["Resource", "NotResource"].iter().flat_map(|key| strings(statement.get(*key))).collect();
        if resources.is_empty() {
            return Err(malformed("Policy statement must contain resources."));
        }
        if let Some(odd) = resources.iter().find(|resource| **resource != "*" && !resource.starts_with("arn:")) {
            return Err(malformed(format!("Resource {odd} must be in ARN format or \"*\".")));
        }
    }
    Ok(())
}

/// Checks the document of a trust policy.
pub(super) fn check_trust(document: &str) -> Result<(), ServiceError> {
    for statement in statements(document)? {
        check_effect_and_action(&statement)?;
        if has(&statement, "Resource") || has(&statement, "NotResource") {
            return Err(malformed("Has prohibited field Resource"));
        }
        if !has(&statement, "Principal") && !has(&statement, "NotPrincipal") {
            return Err(malformed("Missing required field Principal"));
        }
        let actions = ["Action", "NotAction"].iter().flat_map(|key| strings(statement.get(*key)));
        if let Some(odd) = actions.into_iter().find(|action| *action != "*" && vendor(action) != "sts") {
            return Err(malformed(format!("AssumeRole policy may only specify STS AssumeRole actions, not {odd}.")));
        }
    }
    Ok(())
}

fn check_effect_and_action(statement: &Value) -> Result<(), ServiceError> {
    if !matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny")) {
        return Err(malformed("Missing required field Effect, Allow or Deny"));
    }
    let actions: Vec<_> = ["Action", "NotAction"].iter().flat_map(|key| strings(statement.get(*key))).collect();
    if actions.is_empty() {
        return Err(malformed("Policy statement must contain actions."));
    }
    if actions.iter().any(|action| *action != "*" && vendor(action).is_empty()) {
        return Err(malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."));
    }
    Ok(())
}

/// The statements of a document.
pub(super) fn statements(document: &str) -> Result<Vec<Value>, ServiceError> {
    let document: Value =
        serde_json::from_str(document).map_err(|e| malformed(format!("This policy contains invalid Json: {e}")))?;
    if !matches!(document.get("Version").and_then(Value::as_str), None | Some("2012-10-17" | "2008-10-17")) {
        return Err(malformed("The policy must contain a valid version string"));
    }
    match document.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() && statements.iter().all(Value::is_object) => {
            Ok(statements.clone())
        }
        Some(statement @ Value::Object(_)) => Ok(vec![statement.clone()]),
        _ => Err(malformed("Syntax errors in policy: Statement must be an object, or a list of them")),
    }
}

fn malformed(message: impl Into<String>) -> ServiceError {
    ServiceError::client("MalformedPolicyDocument", message)
}

fn has(statement: &Value, key: &str) -> bool {
    statement.get(key).is_some()
}

/// A string, or every string of a list.
pub(super) fn strings(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// What stands before the colon of an action, empty where there is none.
fn vendor(action: &str) -> &str {
    action.split_once(':').map_or("", |(vendor, _)| vendor)
}
