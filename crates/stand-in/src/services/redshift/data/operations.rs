//! The operations that send, stop and answer statements.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::AbortHandle;

use super::execution::{Asked, Execution, Executions};
use crate::{
    protocol::uuid,
    service_error::ServiceError,
    services::{
        redshift::{
            engine::{Access, Failure, Outcome, Ran, ResultColumn, Statement, Warehouse},
            target::Target,
            warehouses::Warehouses,
            wire::{Paging, invalid, offset},
        },
        secrets::Secrets,
    },
    sql::{TIME_LIMIT, run_isolated},
};

/// Redshift Data API reference, BatchExecuteStatement: the most statements of one call.
const MOST_STATEMENTS: usize = 40;
/// Redshift Data API reference, Sql: the longest statement, in bytes.
const LONGEST_STATEMENT: usize = 100_000;

/// Runs statements, and keeps what came of them.
pub(in crate::services::redshift) struct Data {
    pub(super) warehouses: Arc<Warehouses>,
    secrets: Arc<Secrets>,
    executions: Executions,
    running: Mutex<HashMap<String, AbortHandle>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::services::redshift) struct Execute {
    sql: String,
    #[serde(default)]
    parameters: Vec<Parameter>,
    #[serde(flatten)]
    target: Target,
    #[serde(flatten)]
    options: Options,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::services::redshift) struct BatchExecute {
    sqls: Vec<String>,
    #[serde(default)]
    parameters: Vec<Parameter>,
    #[serde(flatten)]
    target: Target,
    #[serde(flatten)]
    options: Options,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Options {
    statement_name: Option<String>,
    client_token: Option<String>,
    with_event: Option<bool>,
    result_format: Option<String>,
    session_id: Option<String>,
    session_keep_alive_seconds: Option<u32>,
    execution_mode: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameter {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::services::redshift) struct One {
    id: String,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::services::redshift) struct List {
    statement_name: Option<String>,
    status: Option<String>,
    cluster_identifier: Option<String>,
    workgroup_name: Option<String>,
    database: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

impl Data {
    pub(in crate::services::redshift) fn new(
        warehouses: Arc<Warehouses>,
        secrets: Arc<Secrets>,
        executions: Executions,
    ) -> Self {
        Self { warehouses, secrets, executions, running: Mutex::default() }
    }

    pub(in crate::services::redshift) fn execute(self: &Arc<Self>, request: Execute) -> Result<Value, ServiceError> {
        self.submit(vec![request.sql], false, request.parameters, request.target, request.options)
    }

    pub(in crate::services::redshift) fn batch_execute(
        self: &Arc<Self>,
        request: BatchExecute,
    ) -> Result<Value, ServiceError> {
        if !(1..=MOST_STATEMENTS).contains(&request.sqls.len()) {
            return Err(invalid(format!("Sqls must have 1 to {MOST_STATEMENTS} statements")));
        }
        self.submit(request.sqls, true, request.parameters, request.target, request.options)
    }

    fn submit(
        self: &Arc<Self>,
        sqls: Vec<String>,
        is_batch: bool,
        parameters: Vec<Parameter>,
        target: Target,
        options: Options,
    ) -> Result<Value, ServiceError> {
        check(&sqls, &options)?;
        let (warehouse_id, warehouse, access) = self.find(&target)?;
        let Target { cluster_identifier, workgroup_name, database, db_user, secret_arn } = target;
        let asked = Asked {
            sqls,
            is_batch,
            parameters: parameters.into_iter().map(|parameter| (parameter.name, parameter.value)).collect(),
            cluster: cluster_identifier,
            workgroup: workgroup_name,
            database: database.ok_or_else(|| invalid("Database must be specified."))?,
            db_user,
            secret: secret_arn,
            name: options.statement_name,
            token: options.client_token,
        };
        let execution = Execution::new(uuid(), asked, warehouse_id);
        if let Some(earlier) = self.executions.add(execution.clone())? {
            return Ok(submitted(&earlier));
        }
        let answer = submitted(&execution);
        let id = execution.id.clone();
        let mut running = self.running();
        let task = tokio::spawn(self.clone().run(execution, warehouse, access)).abort_handle();
        running.insert(id, task);
        Ok(answer)
    }

    /// The warehouse that a target means, with its id, once the target's secret is there too.
    pub(super) fn find(&self, target: &Target) -> Result<(String, Arc<Warehouse>, Access), ServiceError> {
        let found = self.warehouses.of_target(target)?;
        if let Some(secret) = &target.secret_arn {
            let unreadable =
                |error: ServiceError| invalid(format!("The secret {secret} cannot be read: {}", error.message));
            self.secrets.read(secret).map_err(unreadable)?;
        }
        Ok(found)
    }

    async fn run(self: Arc<Self>, execution: Execution, warehouse: Arc<Warehouse>, access: Access) {
        let id = execution.id.clone();
        let work = self.clone().work(execution, warehouse.clone(), access);
        let why = match run_isolated(TIME_LIMIT, work).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("ERROR: the stand-in failed while the statement ran: {error}")),
            Err(ended) => Some(format!("ERROR: {ended}")),
        };
        if let Some(why) = why {
            tracing::error!(statement = id, why, "a statement did not end by itself");
            if let Err(error) = self.executions.give_up(&id, warehouse.is_committed(&id), &why) {
                tracing::error!(statement = id, %error, "the end of a statement could not be kept");
            }
        }
        self.running().remove(&id);
    }

    async fn work(
        self: Arc<Self>,
        execution: Execution,
        warehouse: Arc<Warehouse>,
        access: Access,
    ) -> Result<(), ServiceError> {
        self.executions.start(&execution.id)?;
        let Execution { id, asked, .. } = &execution;
        let parsed = Statement::parse_all(&asked.sqls, &asked.parameters);
        let all = match parsed.iter().position(Result::is_err) {
            None => warehouse.run(id, &asked.database, &access, parsed.into_iter().flatten().collect()).await,
            Some(bad) => parsed.into_iter().take(bad + 1).map(unrun).collect(),
        };
        self.executions.end(id, &all)
    }

    pub(in crate::services::redshift) fn describe(&self, request: &One) -> Result<Value, ServiceError> {
        Ok(self.executions.get(&request.id)?.describe())
    }

    pub(in crate::services::redshift) fn cancel(&self, request: &One) -> Result<Value, ServiceError> {
        let state = self.executions.get(&request.id)?.state;
        if state.ended() {
            return Err(invalid("Could not cancel a query that is already in a terminal state."));
        }
        if let Some(task) = self.running().remove(&request.id) {
            task.abort();
        }
        self.executions.abort(&request.id)?;
        Ok(json!({"Status": true}))
    }

    pub(in crate::services::redshift) fn list(&self, request: &List) -> Result<Value, ServiceError> {
        let mut all = self.executions.newest();
        all.retain(|execution| request.wants(execution));
        let (page, token) = request.paging.page(all.iter().map(Execution::summary), 100)?;
        Ok(json!({"Statements": page, "NextToken": token}))
    }

    pub(in crate::services::redshift) fn result(&self, request: &One) -> Result<Value, ServiceError> {
        let page = self.executions.result(&request.id, offset(request.next_token.as_deref())? as u64)?;
        Ok(json!({
            "Records": page.records,
            "ColumnMetadata": page.columns.iter().map(metadata).collect::<Vec<_>>(),
            "TotalNumRows": page.rows,
            "NextToken": page.next.map(|next| next.to_string()),
        }))
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, AbortHandle>> {
        self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl List {
    fn wants(&self, execution: &Execution) -> bool {
        let status = self.status.as_deref().unwrap_or("ALL");
        let is = |asked: &Option<String>, held: &Option<String>| asked.is_none() || asked == held;
        let named = |prefix: &String| execution.asked.name.as_ref().is_some_and(|name| name.starts_with(prefix));
        (status == "ALL" || json!(execution.state) == status)
            && self.statement_name.as_ref().is_none_or(named)
            && is(&self.cluster_identifier, &execution.asked.cluster)
            && is(&self.workgroup_name, &execution.asked.workgroup)
            && self.database.as_ref().is_none_or(|database| *database == execution.asked.database)
    }
}

fn check(sqls: &[String], options: &Options) -> Result<(), ServiceError> {
    if sqls.iter().any(|sql| sql.trim().is_empty() || sql.len() > LONGEST_STATEMENT) {
        return Err(invalid(format!("a statement must have 1 to {LONGEST_STATEMENT} bytes")));
    }
    let not_covered = |what: &str| Err(invalid(format!("{what} is not supported by the stand-in.")));
    match options {
        Options { session_id: Some(_), .. } | Options { session_keep_alive_seconds: Some(1..), .. } => {
            not_covered("a session that outlives its statement")
        }
        Options { with_event: Some(true), .. } => not_covered("WithEvent"),
        Options { result_format: Some(format), .. } if format != "JSON" => {
            not_covered("a ResultFormat other than JSON")
        }
        Options { execution_mode: Some(mode), .. } if mode != "TRANSACTION" => not_covered("ExecutionMode AUTO_COMMIT"),
        _ => Ok(()),
    }
}

/// A statement of a batch in which one cannot be parsed.
fn unrun(parsed: Result<Statement, Failure>) -> Ran {
    Ran { query: 0, outcome: parsed.map(|_| Outcome::default()) }
}

fn submitted(execution: &Execution) -> Value {
    let Execution { id, asked, created, .. } = execution;
    json!({
        "Id": id, "CreatedAt": created, "Database": asked.database, "DbUser": asked.db_user,
        "ClusterIdentifier": asked.cluster, "WorkgroupName": asked.workgroup, "SecretArn": asked.secret,
    })
}

/// A column as `ColumnMetadata` shows it.
pub(super) fn metadata(column: &ResultColumn) -> Value {
    let kind = column.kind;
    let (precision, scale) = match (kind.length(), kind.digits()) {
        (Some(length), _) => (length, 0),
        (None, Some(digits)) => digits,
        (None, None) => (0, 0),
    };
    json!({
        "name": column.name, "label": column.name, "typeName": kind.short_name(), "length": kind.length().unwrap_or(0),
        "precision": precision, "scale": scale, "nullable": i32::from(column.nullable),
        "schemaName": column.schema, "tableName": column.table, "isCurrency": false,
        "isCaseSensitive": kind.length().is_some(), "isSigned": kind.digits().is_some(),
    })
}
