//! SimulatePrincipalPolicy: what a principal's policies would say to calls, without making them; and who the caller is, and how
//! many roles there are.

use std::sync::PoisonError;

use super::{
    Iam,
    access::{Decision, Request, evaluate},
    operations::{XmlAnswer, end_of_page, no_such_entity, no_such_role, page, result},
    policy,
};
use crate::{
    ACCOUNT, USER, caller_arn, caller_id,
    query::{Fields, Xml, invalid},
    service_error::ServiceError,
};

/// AWS's own default (IAM user guide, "IAM and AWS STS quotas"); the stand-in itself takes more.
const ROLES_QUOTA: usize = 1_000;

/// One action on one resource, and what was decided.
struct Evaluation<'a> {
    /// Where it stands in the answer; in the order of the request.
    place: String,
    action: &'a str,
    resource: &'a str,
    decision: Decision,
}

impl Iam {
    /// The one user there is, also where no name is given.
    pub(super) fn get_user(&self, fields: Fields<'_>) -> XmlAnswer {
        let name = fields.get("UserName").unwrap_or(USER);
        if name != USER {
            return Err(no_such_entity(format!("The user with name {name} cannot be found.")));
        }
        let user = Xml::default()
            .text("Path", "/")
            .text("UserName", name)
            .text("UserId", &caller_id())
            .text("Arn", &caller_arn())
            .text("CreateDate", "2026-01-01T00:00:00Z");
        Ok(result("GetUser", Xml::default().node("User", user)))
    }

    /// Those of the numbers that AWS reports which are about roles.
    pub(super) fn get_account_summary(&self) -> String {
        let numbers = [("Roles", self.roles.read().len()), ("RolesQuota", ROLES_QUOTA)];
        let entry = |(key, value): (&str, usize)| Xml::default().text("key", key).text("value", &value.to_string());
        let map = numbers.map(entry).into_iter().fold(Xml::default(), |map, entry| map.node("entry", entry));
        result("GetAccountSummary", Xml::default().node("SummaryMap", map))
    }

    /// Each action on each resource, by the principal's own policies and those that the request adds.
    pub(super) fn simulate_principal_policy(&self, fields: Fields<'_>) -> XmlAnswer {
        let mut policies = self.policies_of(fields.required("PolicySourceArn")?)?;
        for document in fields.members("PolicyInputList", "") {
            policy::check_permissions(document)?;
            policies.push(document.to_owned());
        }
        let actions = fields.members("ActionNames", "");
        if let Some(odd) = actions.iter().find(|action| !action.contains(':')) {
            return Err(invalid("ActionNames", odd, "Member must be an action with its vendor, such as s3:GetObject"));
        }
        if actions.is_empty() {
            return Err(invalid("ActionNames", "", "Member must not be null"));
        }
        let resources = match fields.members("ResourceArns", "") {
            none if none.is_empty() => vec!["*"],
            some => some,
        };
        let context = context(fields);
        let pairs = actions.iter().flat_map(|action| resources.iter().map(move |resource| (*action, *resource)));
        let evaluations = pairs.enumerate().map(|(place, (action, resource))| {
            let request = Request { action, resource, context: context.clone() };
            let decision = evaluate(policies.iter().map(String::as_str), &request);
            Evaluation { place: format!("{place:08}"), action, resource, decision }
        });
        let evaluations: Vec<Evaluation<'_>> = evaluations.collect();
        let (page, marker) = page(evaluations.iter(), |evaluation| &evaluation.place, fields)?;
        let list = Xml::default().list("EvaluationResults", page.into_iter().map(Evaluation::describe));
        Ok(result("SimulatePrincipalPolicy", end_of_page(list, marker)))
    }

    /// The caller's, or a role's.
    fn policies_of(&self, principal: &str) -> Result<Vec<String>, ServiceError> {
        if principal == caller_arn() || principal == format!("arn:aws:iam::{ACCOUNT}:root") {
            let everything = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
            let policy = self.caller_policy.lock().unwrap_or_else(PoisonError::into_inner);
            return Ok(vec![policy.clone().unwrap_or_else(|| everything.to_owned())]);
        }
        let roles = self.roles.read();
        let role = roles.values().find(|role| role.arn() == principal);
        let role = role.ok_or_else(|| no_such_role(principal.rsplit('/').next().unwrap_or(principal)))?;
        Ok(role.policies().map(str::to_owned).collect())
    }
}

impl Evaluation<'_> {
    fn describe(&self) -> Xml {
        Xml::default()
            .text("EvalActionName", self.action)
            .text("EvalResourceName", self.resource)
            .text("EvalDecision", self.decision.name())
            .texts("MatchedStatements", [])
            .texts("MissingContextValues", [])
    }
}

/// The condition keys that the request says a call would carry.
fn context(fields: Fields<'_>) -> Vec<(String, Vec<String>)> {
    let names = fields.members("ContextEntries", ".ContextKeyName").into_iter().enumerate();
    let values = |n: usize| fields.members(&format!("ContextEntries.member.{}.ContextKeyValues", n + 1), "");
    names.map(|(n, name)| (name.to_owned(), values(n).into_iter().map(str::to_owned).collect())).collect()
}
