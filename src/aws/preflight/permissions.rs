//! What IAM would say to the calls that a stack needs, asked without making them.

use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType};
use demo_formats::partition;
use futures::{StreamExt, stream};

use super::{report::Finding, seldom};
use crate::{
    aws::{
        access,
        clients::{Caller, Clients},
        failure::failure,
        permission::{Realm, Statement},
    },
    engine::{Cause, Graph, ProviderError, StackId},
};

const WHAT: &str = "permissions";
const CALL: &str = "iam SimulatePrincipalPolicy";
/// Questions at a time, well under what IAM takes in a second.
const AT_A_TIME: usize = 8;
/// Refusals that are named one by one.
const MOST_NAMED: usize = 12;
/// In the place of the caller's own id, which only a call itself carries.
const USER_ID: &str = "the-caller";

/// Whether who is calling may do all that the stack needs.
pub(super) async fn check(graph: &Graph, id: &StackId, caller: &Caller, clients: &Clients) -> Finding {
    let principal = match principal(caller, clients).await {
        Principal::Anything => return Finding::fine(WHAT, "the root user may do everything"),
        Principal::Unknown(why) => return Finding::note(WHAT, why, ""),
        Principal::Arn(arn) => arn,
    };
    let realm = Realm { region: clients.region().to_owned(), account: caller.account.clone() };
    let statements = access::statements(graph, id);
    let count: usize = statements.iter().map(|statement| statement.actions.len()).sum();
    let asked = stream::iter(&statements).map(|statement| refused(statement, &principal, &realm, clients));
    let answers: Vec<Result<Vec<String>, ProviderError>> = asked.buffered(AT_A_TIME).collect().await;
    let mut denied = Vec::new();
    for answer in answers {
        match answer {
            Ok(refused) => denied.extend(refused),
            Err(error) => return Finding::unseen(WHAT, error),
        }
    }
    if denied.is_empty() {
        return Finding::fine(WHAT, format!("all {count} actions that the stack needs are allowed"));
    }
    let more = denied.len().saturating_sub(MOST_NAMED);
    denied.truncate(MOST_NAMED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let why = format!("{principal} may not {}{more}", denied.join(", "));
    Finding::wrong(Cause::Permission, WHAT, why, "run `demo policy FILE` to print the permissions to ask for")
}

enum Principal {
    /// What IAM can be asked about.
    Arn(String),
    /// No policy binds it.
    Anything,
    /// Why it cannot be asked about.
    Unknown(String),
}

/// A session's role is asked about, since IAM knows no sessions (IAM API reference, SimulatePrincipalPolicy).
async fn principal(caller: &Caller, clients: &Clients) -> Principal {
    let resource = caller.arn.splitn(6, ':').nth(5).unwrap_or_default();
    match resource.split('/').collect::<Vec<_>>().as_slice() {
        ["root"] => Principal::Anything,
        ["user", ..] => Principal::Arn(caller.arn.clone()),
        ["assumed-role", role, ..] => Principal::Arn(role_arn(role, caller, clients).await),
        _ => Principal::Unknown(format!("cannot check in IAM: {}", caller.arn)),
    }
}

/// With the role's path, which a session's ARN does not have; without it where it may not be seen.
async fn role_arn(role: &str, caller: &Caller, clients: &Clients) -> String {
    let found = clients.iam.get_role().role_name(role).send().await;
    let arn = found.ok().and_then(|answer| answer.role).map(|role| role.arn);
    arn.unwrap_or_else(|| format!("arn:{}:iam::{}:role/{role}", clients.partition(), caller.account))
}

/// Those of a statement's actions that are refused, with a resource of each.
async fn refused(
    statement: &Statement,
    principal: &str,
    realm: &Realm,
    clients: &Clients,
) -> Result<Vec<String>, ProviderError> {
    let arns: Vec<String> = statement.on.iter().map(|on| on.arn(realm)).collect();
    let mut refused = Vec::new();
    let mut marker = None;
    loop {
        let call = clients.iam.simulate_principal_policy().policy_source_arn(principal).set_marker(marker);
        let call = call.set_action_names(Some(statement.actions.clone())).set_resource_arns(Some(arns.clone()));
        let call = call.set_context_entries(Some(context(statement, realm))).customize();
        let page = call.config_override(aws_sdk_iam::config::Builder::new().retry_config(seldom())).send().await;
        let page = page.map_err(|error| failure(CALL, principal, &error))?;
        refused.extend(page.evaluation_results().iter().filter_map(denied));
        marker = page.marker;
        if marker.is_none() {
            refused.dedup();
            return Ok(refused);
        }
    }
}

/// A result is of one action: on all resources together, and on each. What hangs on a condition is not known to be refused.
fn denied(result: &EvaluationResult) -> Option<String> {
    let allowed = |decision: &PolicyEvaluationDecisionType| *decision == PolicyEvaluationDecisionType::Allowed;
    let action = result.eval_action_name();
    let each = result.resource_specific_results();
    if each.is_empty() {
        let refused = !allowed(result.eval_decision()) && result.missing_context_values().is_empty();
        return refused.then(|| named(action, result.eval_resource_name().unwrap_or("*")));
    }
    let refused =
        each.iter().find(|one| !allowed(one.eval_resource_decision()) && one.missing_context_values().is_empty());
    refused.map(|one| named(action, one.eval_resource_name()))
}

fn named(action: &str, resource: &str) -> String {
    if resource == "*" { action.to_owned() } else { format!("{action} on {resource}") }
}

/// What the calls would carry that the statement's conditions ask for.
fn context(statement: &Statement, realm: &Realm) -> Vec<ContextEntry> {
    let entry = |key: &str, values: Vec<String>| {
        let kind = if values.len() > 1 { ContextKeyTypeEnum::StringList } else { ContextKeyTypeEnum::String };
        let entry = ContextEntry::builder().context_key_name(key).set_context_key_values(Some(values));
        entry.context_key_type(kind).build()
    };
    let asked = statement.when.values().flatten();
    let mut entries: Vec<ContextEntry> = asked
        .map(|(key, values)| entry(key, values.iter().take(1).map(|value| concrete(value, realm)).collect()))
        .collect();
    if !entries.is_empty() {
        entries.push(entry("aws:userid", vec![USER_ID.to_owned()]));
    }
    entries
}

/// A value as a call has it: without the wildcards of a policy.
fn concrete(value: &str, realm: &Realm) -> String {
    let at = [Some(partition::of(&realm.region)), None, Some(realm.region.as_str()), Some(realm.account.as_str())];
    if !value.starts_with("arn:*:") {
        return value.replace("${aws:userid}", USER_ID);
    }
    let parts = value.splitn(6, ':').enumerate();
    let part = |(position, part): (usize, &str)| match at.get(position.wrapping_sub(1)) {
        Some(Some(known)) if part == "*" => (*known).to_owned(),
        _ => part.to_owned(),
    };
    parts.map(part).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::types::ResourceSpecificResult;

    use super::*;

    fn result(decision: &str, missing: &[&str], each: &[(&str, &str)]) -> EvaluationResult {
        let each = each.iter().map(|(resource, decision)| {
            let result = ResourceSpecificResult::builder().eval_resource_name(*resource);
            result.eval_resource_decision((*decision).into()).build().expect("a result")
        });
        EvaluationResult::builder()
            .eval_action_name("s3:PutObject")
            .eval_resource_name("arn:b")
            .eval_decision(decision.into())
            .set_missing_context_values(Some(missing.iter().map(|&key| key.to_owned()).collect()))
            .set_resource_specific_results(Some(each.collect()))
            .build()
            .expect("a result")
    }

    #[test]
    fn a_refusal_is_told_from_what_hangs_on_a_condition() {
        assert_eq!(denied(&result("allowed", &[], &[])), None);
        assert_eq!(denied(&result("implicitDeny", &[], &[])).as_deref(), Some("s3:PutObject on arn:b"));
        assert_eq!(denied(&result("implicitDeny", &["aws:MultiFactorAuthPresent"], &[])), None);
        let each = [("arn:a", "allowed"), ("arn:c", "explicitDeny")];
        assert_eq!(denied(&result("explicitDeny", &[], &each)).as_deref(), Some("s3:PutObject on arn:c"));
    }

    #[test]
    fn a_condition_is_asked_with_what_the_call_carries() {
        let realm = Realm { region: "cn-north-1".to_owned(), account: "123456789012".to_owned() };
        let arn = concrete("arn:*:lambda:*:*:function:f", &realm);
        assert_eq!(arn, "arn:aws-cn:lambda:cn-north-1:123456789012:function:f");
        assert_eq!(concrete("${aws:userid}", &realm), USER_ID);
        assert_eq!(concrete("sales-*", &realm), "sales-*");
    }
}
