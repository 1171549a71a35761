//! What policies decide: whom a trust policy admits, and what permissions policies allow.
//!
//! Conditions are known as `StringEquals`, `StringLike`, `ArnEquals` and `ArnLike` on keys that a request carries. A statement
//! with any other condition allows nothing, and denies nothing.

use serde_json::Value;

use super::policy::{statements, strings};
use crate::ACCOUNT;

/// What is asked of policies.
pub(super) struct Request<'a> {
    /// For example `kinesis:DeleteStream`.
    pub(crate) action: &'a str,
    /// An ARN, or `*`.
    pub(crate) resource: &'a str,
    /// The values of condition keys.
    pub(crate) context: Vec<(String, Vec<String>)>,
}

/// What policies say to a request (IAM user guide, "Policy evaluation logic").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Allowed,
    ExplicitDeny,
    ImplicitDeny,
}

impl Decision {
    /// As SimulatePrincipalPolicy writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ExplicitDeny => "explicitDeny",
            Self::ImplicitDeny => "implicitDeny",
        }
    }
}

/// Whether a trust policy lets `service` assume the role: some statement allows it and none denies it. Services send the
/// account as `sts:ExternalId` (Firehose) and `aws:SourceAccount`, and what they act for as `aws:SourceArn`.
pub(super) fn admits(document: &str, service: &str, source_arn: Option<&str>) -> bool {
    let account = vec![ACCOUNT.to_owned()];
    let mut context = vec![("sts:ExternalId".to_owned(), account.clone()), ("aws:SourceAccount".to_owned(), account)];
    context.extend(source_arn.map(|arn| ("aws:SourceArn".to_owned(), vec![arn.to_owned()])));
    let request = Request { action: "sts:AssumeRole", resource: "*", context };
    let decision =
        decide([document], |statement| principal_is(statement, service) && request.is_under(statement, "Action"));
    decision == Decision::Allowed
}

/// What permissions policies together decide.
pub(super) fn evaluate<'a>(documents: impl IntoIterator<Item = &'a str>, request: &Request<'_>) -> Decision {
    decide(documents, |statement| request.is_under(statement, "Action") && request.is_on(statement))
}

/// What they decide of an action, whatever the resources of their statements.
pub(super) fn evaluate_anywhere<'a>(documents: impl IntoIterator<Item = &'a str>, action: &str) -> Decision {
    let request = Request { action, resource: "*", context: Vec::new() };
    decide(documents, |statement| request.is_under(statement, "Action"))
}

fn decide<'a>(documents: impl IntoIterator<Item = &'a str>, applies: impl Fn(&Value) -> bool) -> Decision {
    let statements: Vec<Value> =
        documents.into_iter().filter_map(|document| statements(document).ok()).flatten().collect();
    let some = |effect: &str| {
        let of_effect = |statement: &&Value| statement.get("Effect").and_then(Value::as_str) == Some(effect);
        statements.iter().filter(of_effect).any(&applies)
    };
    match (some("Deny"), some("Allow")) {
        (true, _) => Decision::ExplicitDeny,
        (false, true) => Decision::Allowed,
        (false, false) => Decision::ImplicitDeny,
    }
}

impl Request<'_> {
    fn is_under(&self, statement: &Value, element: &str) -> bool {
        let matches = |pattern: &str| matches_action(pattern, self.action);
        named(statement, element, matches) && self.meets(statement.get("Condition"))
    }

    fn is_on(&self, statement: &Value) -> bool {
        named(statement, "Resource", |pattern| matches(pattern, self.resource))
    }

    fn meets(&self, condition: Option<&Value>) -> bool {
        let Some(condition) = condition else { return true };
        condition.as_object().is_some_and(|operators| {
            operators.iter().all(|(operator, keys)| {
                keys.as_object().is_some_and(|keys| keys.iter().all(|(key, wanted)| self.has(operator, key, wanted)))
            })
        })
    }

    fn has(&self, operator: &str, key: &str, wanted: &Value) -> bool {
        let carried = self.context.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key));
        let mut carried = carried.flat_map(|(_, values)| values);
        let wanted: Vec<String> = strings(Some(wanted)).into_iter().map(|value| self.filled_in(value)).collect();
        match operator {
            "StringEquals" => carried.any(|value| wanted.contains(value)),
            "StringLike" | "ArnLike" | "ArnEquals" => {
                carried.any(|value| wanted.iter().any(|pattern| matches(pattern, value)))
            }
            _ => false,
        }
    }

    /// A value whose variables, such as `${aws:userid}`, stand for what the request carries.
    fn filled_in(&self, value: &str) -> String {
        self.context.iter().fold(value.to_owned(), |value, (name, values)| match values.first() {
            Some(first) => value.replace(&format!("${{{name}}}"), first),
            None => value,
        })
    }
}

/// Whether an element of a statement (or its `Not` form) covers something.
fn named(statement: &Value, element: &str, covers: impl Fn(&str) -> bool) -> bool {
    match statement.get(element) {
        Some(patterns) => strings(Some(patterns)).into_iter().any(covers),
        None => statement.get(format!("Not{element}")).is_some_and(|not| !strings(Some(not)).into_iter().any(covers)),
    }
}

fn principal_is(statement: &Value, service: &str) -> bool {
    let principal = statement.get("Principal");
    let of_kind = |kind| strings(principal.and_then(|principal| principal.get(kind)));
    principal.and_then(Value::as_str) == Some("*") || of_kind("Service").contains(&service)
}

/// Actions are not distinguished by case (IAM user guide, "IAM JSON policy elements: Action").
fn matches_action(pattern: &str, action: &str) -> bool {
    matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// `*` is any text, `?` any one character (the same guide, "IAM JSON policy elements: Resource").
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[from] => (at, from) = (at + 1, from + 1),
            _ => {
                let Some((starred, eaten)) = star else { return false };
                star = Some((starred, eaten + 1));
                (at, from) = (starred + 1, eaten + 1);
            }
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}
