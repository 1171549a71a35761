//! Policy documents: their form, and whom a trust policy admits.

use serde_json::Value;

use crate::local::{ACCOUNT, fault::Fault};

/// Checks the document of a permissions policy.
pub fn check_permissions(document: &str) -> Result<(), Fault> {
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
pub fn check_trust(document: &str) -> Result<(), Fault> {
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

/// Whether a trust policy lets `service` assume the role: some statement allows it and none denies it.
///
/// Conditions are known as `StringEquals` on `sts:ExternalId` and `aws:SourceAccount`, both of which Firehose sends as
/// the account; a statement with any other condition allows nothing, and denies nothing.
pub fn admits(document: &str, service: &str) -> bool {
    let Ok(statements) = statements(document) else { return false };
    let applies = |effect: &str| {
        statements.iter().any(|statement| {
            statement.get("Effect").and_then(Value::as_str) == Some(effect)
                && principal_is(statement, service)
                && strings(statement.get("Action")).iter().any(|pattern| matches_action(pattern, "sts:AssumeRole"))
                && conditions_hold(statement.get("Condition"))
        })
    };
    applies("Allow") && !applies("Deny")
}

fn principal_is(statement: &Value, service: &str) -> bool {
    let principal = statement.get("Principal");
    let of_kind = |kind| strings(principal.and_then(|principal| principal.get(kind)));
    principal.and_then(Value::as_str) == Some("*") || of_kind("Service").contains(&service)
}

fn conditions_hold(condition: Option<&Value>) -> bool {
    let Some(condition) = condition else { return true };
    condition.as_object().is_some_and(|operators| {
        operators.iter().all(|(operator, keys)| {
            operator == "StringEquals" && keys.as_object().is_some_and(|keys| keys.iter().all(account_condition))
        })
    })
}

fn account_condition((key, value): (&String, &Value)) -> bool {
    let known = ["sts:externalid", "aws:sourceaccount"].contains(&key.to_ascii_lowercase().as_str());
    known && strings(Some(value)).contains(&ACCOUNT)
}

fn check_effect_and_action(statement: &Value) -> Result<(), Fault> {
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

fn statements(document: &str) -> Result<Vec<Value>, Fault> {
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

fn malformed(message: impl Into<String>) -> Fault {
    Fault::client("MalformedPolicyDocument", message)
}

fn has(statement: &Value, key: &str) -> bool {
    statement.get(key).is_some()
}

/// A string, or every string of a list.
fn strings(value: Option<&Value>) -> Vec<&str> {
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

/// Actions know the wildcard `*` and are not distinguished by case (IAM user guide, "IAM JSON policy elements: Action").
fn matches_action(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == action };
    let Some(mut left) = action.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}
