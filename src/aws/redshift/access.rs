//! What Redshift Serverless and the Data API ask of who is calling.

use super::data::{At, Database};
use crate::{
    aws::{
        ownership,
        permission::{On, Statement},
    },
    engine::StackId,
};

/// Creating with our ownership tags, deleting what has them, and reading.
pub(super) fn serverless(what: &str, resource: &str, id: &StackId) -> Vec<Statement> {
    let [create, delete, get] = ["Create", "Delete", "Get"].map(|verb| format!("redshift-serverless:{verb}{what}"));
    let on = On::resource("redshift-serverless", resource);
    let tagged = |statement: Statement, key: &str| {
        statement.when("StringLike", &format!("{key}/{}", ownership::STACK), [id.to_string()])
    };
    vec![
        tagged(Statement::new(&[create.as_str(), "redshift-serverless:TagResource"], [on.clone()]), "aws:RequestTag"),
        tagged(Statement::new(&[delete.as_str(), "redshift-serverless:TagResource"], [on.clone()]), "aws:ResourceTag"),
        Statement::new(&[get.as_str(), "redshift-serverless:ListTagsForResource"], [on]),
    ]
}

/// Statements are the caller's own (Redshift management guide, "Authorizing access to the Amazon Redshift Data API").
pub(super) fn sql(database: &Database) -> Vec<Statement> {
    const OWN: [&str; 2] = ["redshift-data:DescribeStatement", "redshift-data:GetStatementResult"];
    let own = Statement::new(&OWN, [On::anything()]);
    let own = own.when("StringEquals", "redshift-data:statement-owner-iam-userid", ["${aws:userid}".to_owned()]);
    let execute = Statement::new(&["redshift-data:BatchExecuteStatement"], [warehouse(&database.at)]);
    let mut statements = vec![own, execute, credentials(database)];
    if let At::Workgroup(_) = &database.at {
        statements.push(Statement::new(&["redshift-serverless:GetWorkgroup"], [warehouse(&database.at)]));
    }
    statements
}

/// A workgroup's ARN has an id of Redshift's own.
fn warehouse(at: &At) -> On {
    match at {
        At::Workgroup(_) | At::Ours(_) => On::resource("redshift-serverless", "workgroup/*"),
        At::Cluster { identifier, .. } => On::resource("redshift", format!("cluster:{identifier}")),
    }
}

/// How who is calling becomes a user of the database.
fn credentials(Database { at, name, secret }: &Database) -> Statement {
    const READ: [&str; 2] = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"];
    let redshift = |resource: String| On::resource("redshift", resource);
    match (secret, at) {
        (Some(secret), At::Workgroup(_) | At::Cluster { .. }) => Statement::new(&READ, [On::secret(secret)]),
        (_, At::Ours(namespace)) => Statement::new(&READ, [admin_secret(namespace)]),
        (None, At::Workgroup(_)) => Statement::new(&["redshift-serverless:GetCredentials"], [warehouse(at)]),
        (None, At::Cluster { identifier, user: Some(user) }) => {
            let on = [format!("dbuser:{identifier}/{user}"), format!("dbname:{identifier}/{name}")];
            Statement::new(&["redshift:GetClusterCredentials"], on.map(redshift))
        }
        (None, At::Cluster { identifier, user: None }) => {
            let on = redshift(format!("dbname:{identifier}/{name}"));
            Statement::new(&["redshift:GetClusterCredentialsWithIAM"], [on])
        }
    }
}

pub(super) fn admin_secret(namespace: &str) -> On {
    On::resource("secretsmanager", format!("secret:redshift!{namespace}-*"))
}
