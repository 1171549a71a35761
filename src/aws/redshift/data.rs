//! SQL by the Data API: statements started as one transaction, waited for, the last one's rows fetched.

use std::time::Duration;

use aws_sdk_redshiftdata::{
    operation::describe_statement::DescribeStatementOutput,
    types::{Field, StatementStatusString, StatusString},
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{
    aws::{
        clients::Clients,
        failure::{broken, failure},
        told::brief,
    },
    engine::{Cancel, Cause, ProviderError},
};

/// The first wait for an answer, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(3));
/// A workgroup that was idle takes its time too.
const BUDGET: Duration = Duration::from_secs(60 * 60);
/// Characters of a statement in an error.
const SHOWN: usize = 120;
const EXECUTE: &str = "redshift-data BatchExecuteStatement";
const DESCRIBE: &str = "redshift-data DescribeStatement";
const CANCEL: &str = "redshift-data CancelStatement";
const RESULT: &str = "redshift-data GetStatementResult";
const NOT_THERE: [&str; 3] = ["doesn't exist", "not found", "does not exist"];

/// Where statements run, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Database {
    /// Which Redshift.
    pub at: At,
    /// The database.
    pub name: String,
    /// The secret with the user: a name or an ARN. Without it, the caller's own identity decides.
    pub secret: Option<String>,
}

/// Which Redshift.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// Somebody's Serverless workgroup.
    Workgroup(String),
    /// Somebody's cluster.
    Cluster {
        /// Its identifier.
        identifier: String,
        /// The database user, where there is no secret.
        user: Option<String>,
    },
    /// The workgroup of our own, in the namespace of the same name, whose admin's secret Redshift keeps.
    Ours(String),
}

impl Database {
    /// For people: `workgroup demo, database dev`.
    pub fn title(&self) -> String {
        let at = match &self.at {
            At::Workgroup(name) | At::Ours(name) => format!("workgroup {name}"),
            At::Cluster { identifier, .. } => format!("cluster {identifier}"),
        };
        format!("{at}, database {}", self.name)
    }

    /// The command that runs a statement there by hand.
    pub(super) fn command(&self, clients: &Clients, statement: &str) -> String {
        let mut command = "redshift-data execute-statement".to_owned();
        command += &match &self.at {
            At::Workgroup(name) | At::Ours(name) => format!(" --workgroup-name {name}"),
            At::Cluster { identifier, user } => {
                let user = user.as_ref().map(|user| format!(" --db-user {user}")).unwrap_or_default();
                format!(" --cluster-identifier {identifier}{user}")
            }
        };
        command += &match (&self.at, &self.secret) {
            (At::Ours(name), _) => {
                let get = format!("redshift-serverless get-namespace --namespace-name {name}");
                let get = clients.cli(&format!("{get} --query namespace.adminPasswordSecretArn --output text"));
                format!(" --secret-arn $({get})")
            }
            (_, Some(secret)) => format!(" --secret-arn {secret}"),
            (_, None) => String::new(),
        };
        let statement = statement.replace('\'', r"'\''");
        clients.cli(&format!("{command} --database {} --sql '{statement}'", self.name))
    }
}

/// What the last of some statements answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Name and type (`int8`, `varchar`, …) of each column.
    pub columns: Vec<(String, String)>,
    /// The rows; `None` is null.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there are more rows than were asked for.
    pub truncated: bool,
    /// From the start until the rows were here.
    pub took: Duration,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// A call was refused, or had no answer; the statements may have run all the same.
    #[error(transparent)]
    Call(#[from] ProviderError),
    /// The statements ended as FAILED or ABORTED; nothing of them holds.
    #[error("Redshift ({database}) statement {id} is {status}: {}\n  in: {statement}", brief(.reason))]
    Ended {
        /// Where.
        database: String,
        /// The Data API's id, to look it up by.
        id: String,
        /// `FAILED` or `ABORTED`.
        status: String,
        /// Redshift's own words.
        reason: String,
        /// The one that failed, shortened.
        statement: String,
    },
}

impl DataError {
    /// Whether no such workgroup, cluster or database. A secret that is gone says nothing of them.
    pub fn is_nowhere(&self) -> bool {
        match self {
            Self::Call(error) => {
                let refused = ["ValidationException", "ResourceNotFoundException"];
                refused.iter().any(|code| error.message.starts_with(code))
                    && NOT_THERE.iter().any(|text| error.message.contains(text))
                    && !(error.call == EXECUTE && error.message.to_lowercase().contains("secret"))
            }
            Self::Ended { reason, .. } => reason.contains("database") && reason.contains("does not exist"),
        }
    }

    /// As an error about a resource.
    pub(crate) fn about(self, resource: &str, advice: &str) -> ProviderError {
        match self {
            Self::Call(error) => error,
            Self::Ended { .. } => broken(Cause::Other, "redshift SQL", resource, self.to_string(), advice),
        }
    }
}

/// Runs statements in one database.
#[derive(Clone, Debug)]
pub struct Runner {
    clients: Clients,
    database: Database,
}

impl Runner {
    /// In this database.
    pub fn new(clients: &Clients, database: &Database) -> Self {
        Self { clients: clients.clone(), database: database.clone() }
    }

    /// Runs the statements in one transaction, 40 at most (Redshift Data API reference, BatchExecuteStatement), and
    /// fetches up to `max_rows` rows of the last one.
    ///
    /// # Errors
    /// [`DataError::Ended`] when they do not succeed; [`DataError::Call`] when a call fails.
    pub async fn run(&self, statements: &[String], max_rows: usize) -> Result<Answer, DataError> {
        self.run_unless(&Cancel::new(), statements, max_rows).await
    }

    /// [`Runner::run`], unless the flag is raised while the statements run: then they are cancelled.
    ///
    /// # Errors
    /// As [`Runner::run`]; [`DataError::Call`] with [`Cause::Interrupted`] once they are cancelled.
    pub async fn run_unless(
        &self,
        cancel: &Cancel,
        statements: &[String],
        max_rows: usize,
    ) -> Result<Answer, DataError> {
        let began = Instant::now();
        let id = self.start(statements).await?;
        let ended = match cancel.unless_raised(self.wait(&id, statements)).await {
            Ok(ended) => ended?,
            Err(_) => return Err(self.cancel(id).await),
        };
        let last = ended.sub_statements().last().filter(|last| last.has_result_set() == Some(true));
        let mut answer = match last {
            Some(last) => self.fetch(last.id(), max_rows).await?,
            None => Answer::default(),
        };
        answer.took = began.elapsed();
        Ok(answer)
    }

    /// [`Runner::run`] for one statement, or none where no such workgroup, cluster or database.
    pub(in crate::aws) async fn look(&self, statement: String) -> Result<Option<Answer>, DataError> {
        match self.run(&[statement], usize::MAX).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_nowhere() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn start(&self, statements: &[String]) -> Result<String, DataError> {
        let Database { at, name, secret } = &self.database;
        let call = self.clients.redshift_data.batch_execute_statement().set_sqls(Some(statements.to_vec()));
        let call = call.database(name).client_token(format!("{:032x}", rand::random::<u128>()));
        let call = match at {
            At::Workgroup(workgroup) => call.workgroup_name(workgroup).set_secret_arn(secret.clone()),
            At::Cluster { identifier, user } => {
                call.cluster_identifier(identifier).set_db_user(user.clone()).set_secret_arn(secret.clone())
            }
            At::Ours(workgroup) => call.workgroup_name(workgroup).secret_arn(self.admin_secret(workgroup).await?),
        };
        let answer = call.send().await.map_err(|error| failure(EXECUTE, &self.database.title(), &error))?;
        Ok(answer.id.unwrap_or_default())
    }

    /// Redshift makes and keeps it (Redshift Serverless API reference, CreateNamespace, manageAdminPassword).
    async fn admin_secret(&self, namespace: &str) -> Result<String, DataError> {
        const CALL: &str = "redshift-serverless GetNamespace";
        let answer = self.clients.redshift_serverless.get_namespace().namespace_name(namespace).send().await;
        let answer = answer.map_err(|error| failure(CALL, namespace, &error))?;
        let arn = answer.namespace().and_then(|namespace| namespace.admin_password_secret_arn());
        arn.map(str::to_owned).ok_or_else(|| {
            let message = "it has no admin secret".to_owned();
            broken(Cause::Other, CALL, namespace, message, "run `demo down`, then `demo up` again").into()
        })
    }

    /// Asks again and again, with growing and jittered waits, until the statements have ended.
    async fn wait(&self, id: &str, statements: &[String]) -> Result<DescribeStatementOutput, DataError> {
        let (mut wait, longest) = WAITS;
        let deadline = Instant::now() + BUDGET;
        loop {
            let answer = self.clients.redshift_data.describe_statement().id(id).send().await;
            let answer = answer.map_err(|error| failure(DESCRIBE, &self.database.title(), &error))?;
            match answer.status() {
                Some(StatusString::Finished) => return Ok(answer),
                Some(StatusString::Failed | StatusString::Aborted) => return Err(self.ended(id, &answer, statements)),
                _ if Instant::now() >= deadline => {
                    let message = format!("statement {id} is still running after {} s", BUDGET.as_secs());
                    let advice = "check SYS_QUERY_HISTORY; another session may hold a lock";
                    return Err(broken(Cause::TimedOut, DESCRIBE, &self.database.title(), message, advice).into());
                }
                _ => {}
            }
            tokio::time::sleep(wait.mul_f64(rand::random_range(0.75..1.25))).await;
            wait = wait.mul_f64(1.5).min(longest);
        }
    }

    async fn cancel(&self, id: String) -> DataError {
        match self.clients.redshift_data.cancel_statement().id(&id).send().await {
            Ok(_) => {
                let message = format!("statement {id} was cancelled");
                broken(Cause::Interrupted, CANCEL, &self.database.title(), message, "").into()
            }
            Err(error) => failure(CANCEL, &self.database.title(), &error).into(),
        }
    }

    fn ended(&self, id: &str, answer: &DescribeStatementOutput, statements: &[String]) -> DataError {
        let failed = [StatementStatusString::Failed, StatementStatusString::Aborted];
        let at = answer.sub_statements().iter().position(|sub| sub.status().is_some_and(|is| failed.contains(is)));
        let reason = at.and_then(|at| answer.sub_statements()[at].error()).or(answer.error());
        let statement = statements.get(at.unwrap_or_default()).map(String::as_str).unwrap_or_default();
        DataError::Ended {
            database: self.database.title(),
            id: id.to_owned(),
            status: answer.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
            reason: reason.unwrap_or("Redshift gives no reason").to_owned(),
            statement: shortened(statement),
        }
    }

    async fn fetch(&self, id: &str, max_rows: usize) -> Result<Answer, DataError> {
        let mut answer = Answer::default();
        let mut pages = self.clients.redshift_data.get_statement_result().id(id).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure(RESULT, &self.database.title(), &error))?;
            if answer.columns.is_empty() {
                let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
                let columns = page.column_metadata().iter();
                answer.columns = columns.map(|column| (text(column.name()), text(column.type_name()))).collect();
            }
            for row in page.records() {
                if answer.rows.len() == max_rows {
                    answer.truncated = true;
                    return Ok(answer);
                }
                answer.rows.push(row.iter().map(value).collect());
            }
        }
        Ok(answer)
    }
}

fn value(field: &Field) -> Option<String> {
    match field {
        Field::StringValue(text) => Some(text.clone()),
        Field::LongValue(number) => Some(number.to_string()),
        Field::DoubleValue(number) => Some(number.to_string()),
        Field::BooleanValue(is) => Some(is.to_string()),
        Field::BlobValue(blob) => Some(String::from_utf8_lossy(blob.as_ref()).into_owned()),
        _ => None,
    }
}

fn shortened(statement: &str) -> String {
    match statement.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &statement[..end]),
        None => statement.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(reason: &str) -> DataError {
        let [database, id, status, statement] = ["d", "1", "FAILED", "SELECT 1"].map(str::to_owned);
        DataError::Ended { database, id, status, reason: reason.to_owned(), statement }
    }

    #[test]
    fn what_is_nowhere_is_told_from_what_is_refused() {
        let call = |message: &str| DataError::Call(broken(Cause::Other, EXECUTE, "demo", message.to_owned(), ""));
        assert!(call("ValidationException: Redshift endpoint doesn't exist in this region.").is_nowhere());
        assert!(call("ResourceNotFoundException: namespace demo not found").is_nowhere());
        assert!(!call("AccessDeniedException: not found").is_nowhere());
        assert!(!call("ValidationException: The secret demo/redshift was not found").is_nowhere());
        assert!(ended("FATAL: database \"dev\" does not exist").is_nowhere());
        assert!(!ended("ERROR: relation \"t\" does not exist").is_nowhere());
    }

    #[test]
    fn long_statements_are_shortened_between_characters() {
        assert_eq!(shortened("SELECT 1"), "SELECT 1");
        let long = shortened(&"é".repeat(500));
        assert_eq!(long.chars().count(), SHOWN + 1);
    }

    #[test]
    fn values_keep_their_digits() {
        assert_eq!(value(&Field::LongValue(i64::MAX)).as_deref(), Some("9223372036854775807"));
        assert_eq!(value(&Field::DoubleValue(0.1)).as_deref(), Some("0.1"));
        assert_eq!(value(&Field::IsNull(true)), None);
    }
}
