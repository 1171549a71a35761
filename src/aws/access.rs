//! The least that a person must be allowed to do to plan, bring up, run, verify, query and take down one stack.
//!
//! It follows from the stack's graph. Names are those of the stack with `????????` where its id's random digits stand, so
//! one policy serves every stack that is made from the file. `*` stands only where the Service Authorization Reference
//! knows no resource for an action, or where the service itself chooses the name.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    kinds,
    permission::{On, Realm, Statement, document},
};
use crate::engine::{Graph, StackId};

/// What a managed policy may have, white space aside (IAM user guide, "IAM and AWS STS quotas").
pub const MOST_CHARACTERS: usize = 6_144;
/// In place of the digits that are another's for every stack; `?` is any one character in a policy.
const ANY_DIGITS: &str = "????????";

/// Everything that the commands do to a stack, and to what it only refers to.
pub fn statements(graph: &Graph, id: &StackId) -> Vec<Statement> {
    let mut needed = always();
    needed.extend(graph.nodes().iter().flat_map(|node| kinds::permissions(node, id)));
    merged(needed)
}

/// What is looked at whatever the stack is: limits, and lists in which `down` searches for what is left.
fn always() -> Vec<Statement> {
    const LISTS: [&str; 18] = [
        "athena:ListWorkGroups",
        "dynamodb:ListTables",
        "ec2:DescribeSecurityGroups",
        "ecs:ListClusters",
        "ecs:ListTaskDefinitions",
        "firehose:ListDeliveryStreams",
        "iam:GetAccountSummary",
        "iam:ListRoles",
        "kinesis:DescribeLimits",
        "kinesis:ListStreams",
        "lambda:ListEventSourceMappings",
        "lambda:ListFunctions",
        "logs:DescribeLogGroups",
        "s3:ListAllMyBuckets",
        "scheduler:ListSchedules",
        "servicequotas:GetAWSDefaultServiceQuota",
        "servicequotas:GetServiceQuota",
        "sts:GetCallerIdentity",
    ];
    let databases = ["catalog", "database/*"].map(|resource| On::resource("glue", resource));
    vec![Statement::new(&LISTS, [On::anything()]), Statement::new(&["glue:GetDatabases"], databases)]
}

/// The statements as managed policies, one if they fit into one; each is a whole document.
pub fn policies(statements: &[Statement], id: &StackId, realm: &Realm) -> Vec<Value> {
    let whole = document(statements, realm).to_string().replace(id.suffix(), ANY_DIGITS);
    let whole: Value = serde_json::from_str(&whole).expect("a name changes no JSON");
    let mut policies: Vec<Vec<Value>> = vec![Vec::new()];
    for statement in whole["Statement"].as_array().into_iter().flatten() {
        let last = policies.last_mut().expect("there is always one");
        last.push(statement.clone());
        if last.len() > 1 && length(last) > MOST_CHARACTERS {
            last.pop();
            policies.push(vec![statement.clone()]);
        }
    }
    policies.iter().map(|statements| of(statements)).collect()
}

fn of(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn length(statements: &[Value]) -> usize {
    of(statements).to_string().chars().count()
}

/// The same with the fewest statements: first those of the same resources in one, then those of the same actions.
fn merged(statements: Vec<Statement>) -> Vec<Statement> {
    let by_resources = joined(statements, |into, from| {
        let same = into.on == from.on && into.when == from.when;
        if same {
            into.actions.extend(from.actions.iter().cloned());
        }
        same
    });
    let mut by_actions = joined(by_resources.into_iter().map(tidy).collect(), |into, from| {
        let same = into.actions == from.actions && into.when == from.when;
        if same {
            into.on.extend(from.on.iter().cloned());
        }
        same
    });
    by_actions.sort_by(|a, b| a.actions.cmp(&b.actions));
    by_actions.into_iter().map(tidy).collect()
}

fn joined(statements: Vec<Statement>, join: impl Fn(&mut Statement, &Statement) -> bool) -> Vec<Statement> {
    let mut joined: Vec<Statement> = Vec::new();
    for statement in statements {
        if !joined.iter_mut().any(|into| join(into, &statement)) {
            joined.push(statement);
        }
    }
    joined
}

/// Each action and each resource once.
fn tidy(mut statement: Statement) -> Statement {
    statement.actions = statement.actions.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let mut on: Vec<On> = Vec::new();
    statement.on.retain(|one| {
        let new = !on.contains(one);
        on.push(one.clone());
        new
    });
    statement
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(name: &str) -> On {
        On::Stream(name.to_owned())
    }

    #[test]
    fn what_is_said_twice_is_written_once() {
        let statements = vec![
            Statement::new(&["kinesis:PutRecords"], [on("a")]),
            Statement::new(&["kinesis:ListShards", "kinesis:PutRecords"], [on("a")]),
            Statement::new(&["kinesis:PutRecords", "kinesis:ListShards"], [on("b"), on("b")]),
            Statement::new(&["kinesis:PutRecords", "kinesis:ListShards"], [on("c")]).when(
                "StringEquals",
                "k",
                ["v".into()],
            ),
        ];
        let merged = merged(statements);
        assert_eq!(merged.len(), 2);
        assert_eq!(
            (&merged[0].actions[..], &merged[0].on[..]),
            (&["kinesis:ListShards".to_owned(), "kinesis:PutRecords".to_owned()][..], &[on("a"), on("b")][..])
        );
    }

    #[test]
    fn one_policy_serves_every_stack_of_a_file_and_a_long_one_is_several() {
        let id: StackId = "sales-7f3a91c2".parse().expect("an id");
        let realm = Realm { region: "us-east-1".to_owned(), account: "123456789012".to_owned() };
        let one = policies(&[Statement::new(&["kinesis:PutRecords"], [on("sales-7f3a91c2")])], &id, &realm);
        assert_eq!(
            one[0]["Statement"][0]["Resource"][0],
            "arn:aws:kinesis:us-east-1:123456789012:stream/sales-????????"
        );
        let many: Vec<Statement> =
            (0..200).map(|n| Statement::new(&["kinesis:PutRecords"], [on(&format!("s{n}"))])).collect();
        let several = policies(&many, &id, &realm);
        assert!(several.len() > 1 && several.iter().all(|policy| policy.to_string().len() <= MOST_CHARACTERS));
        let all: usize = several.iter().map(|policy| policy["Statement"].as_array().map_or(0, Vec::len)).sum();
        assert_eq!(all, 200);
    }
}
