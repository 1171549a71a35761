//! The operations that start, stop and answer queries.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use futures::FutureExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::AbortHandle};

use super::{
    catalog::GlueCatalog,
    end::{End, FirstEnd},
    engine,
    execution::{Asked, Execution, Executions, QueryState},
    failure::Failure,
    job::Job,
    kind::Kind,
    layout::Meter,
    prepared::Prepared,
    results::{self, QueryResult, Row},
    store::Store,
    wire::{Paging, invalid},
    workgroup::{Delete, PRIMARY, Workgroups},
};
use crate::{
    durable::Durable,
    protocol::uuid,
    service_error::ServiceError,
    services::glue::Glue,
    sql::{TIME_LIMIT, run_isolated},
};

/// Glue's, the one that every account has (Athena user guide, "Use AWS Glue Data Catalog").
const CATALOG: &str = "AwsDataCatalog";
/// How many queries run at a time; the others are queued.
const AT_A_TIME: usize = 4;
/// The most bytes of a statement (Athena user guide, "Service Quotas": 262144 bytes), here with its parameters.
const MAX_STATEMENT: usize = 262_144;
/// Athena API reference, GetQueryResults: the most rows of a page.
const PAGE_ROWS: usize = 1000;

/// Runs queries, and keeps what came of them.
pub(super) struct Queries {
    glue: Arc<Glue>,
    store: Arc<dyn Store>,
    pub(super) workgroups: Durable<Workgroups>,
    executions: Executions,
    turns: Semaphore,
    running: Mutex<HashMap<String, Running>>,
    /// The result that was read last, by its execution.
    last_read: Mutex<Option<(String, Bytes)>>,
}

struct Running {
    task: AbortHandle,
    meter: Arc<Meter>,
    end: Arc<FirstEnd>,
}

/// What is run: its text, what stands for its question marks, and the database of its plain names.
struct Statement {
    sql: String,
    parameters: Vec<String>,
    database: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Start {
    query_string: String,
    client_request_token: Option<String>,
    #[serde(default)]
    query_execution_context: Context,
    #[serde(default)]
    result_configuration: ResultConfiguration,
    work_group: Option<String>,
    execution_parameters: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Context {
    catalog: Option<String>,
    database: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ResultConfiguration {
    output_location: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct One {
    query_execution_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Many {
    query_execution_ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    work_group: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Results {
    query_execution_id: String,
    #[serde(flatten)]
    paging: Paging,
}

impl Queries {
    pub(super) fn new(
        glue: Arc<Glue>,
        store: Arc<dyn Store>,
        workgroups: Durable<Workgroups>,
        executions: Executions,
    ) -> Self {
        let turns = Semaphore::new(AT_A_TIME);
        Self { glue, store, workgroups, executions, turns, running: Mutex::default(), last_read: Mutex::default() }
    }

    pub(super) fn start(self: &Arc<Self>, request: Start) -> Result<Value, ServiceError> {
        let (execution, cutoff) = self.admit(request)?;
        let id = execution.id.clone();
        if let Some(earlier) = self.executions.add(execution)? {
            return Ok(json!({"QueryExecutionId": earlier}));
        }
        let meter = Arc::new(Meter::new(cutoff));
        let end = Arc::new(FirstEnd::default());
        let mut running = self.running();
        let work = self.clone().run(id.clone(), meter.clone(), end.clone());
        let task = tokio::spawn(work).abort_handle();
        running.insert(id.clone(), Running { task, meter, end });
        Ok(json!({"QueryExecutionId": id}))
    }

    /// The execution that a call asks for, and how many bytes it may scan.
    fn admit(&self, request: Start) -> Result<(Execution, Option<u64>), ServiceError> {
        let parameters = request.execution_parameters.unwrap_or_default();
        if request.query_string.trim().is_empty() || request.query_string.len() > MAX_STATEMENT {
            return Err(invalid(format!("QueryString must have 1 to {MAX_STATEMENT} bytes")));
        }
        if request.query_string.len() + parameters.iter().map(String::len).sum::<usize>() > MAX_STATEMENT {
            return Err(invalid(format!(
                "QueryString and ExecutionParameters together must have at most {MAX_STATEMENT} bytes"
            )));
        }
        if request.client_request_token.as_ref().is_some_and(|token| !(32..=128).contains(&token.len())) {
            return Err(invalid("ClientRequestToken must have 32 to 128 characters"));
        }
        let Context { catalog, database } = request.query_execution_context;
        if let Some(other) = catalog.filter(|catalog| !catalog.eq_ignore_ascii_case(CATALOG)) {
            return Err(invalid(format!("Catalog {other} is not supported by the stand-in, which has {CATALOG} only")));
        }
        let asked = Asked {
            sql: request.query_string,
            database,
            workgroup: request.work_group.unwrap_or_else(|| PRIMARY.to_owned()),
            token: request.client_request_token,
            output: request.result_configuration.output_location,
            parameters,
        };
        let kind = self.kind(&asked);
        let workgroups = self.workgroups.read();
        let workgroup = workgroups.enabled(&asked.workgroup)?;
        let location = workgroup.output_for(asked.output.as_deref())?;
        if !self.store.exists(&location.bucket) {
            return Err(invalid(format!("Unable to verify/create output bucket {}", location.bucket)));
        }
        let id = uuid();
        let output = (location.bucket, kind.0.key(&location.prefix, &id));
        let mut execution = Execution::new(id, asked, output, kind);
        execution.is_output_enforced = workgroup.is_output_enforced();
        Ok((execution, workgroup.cutoff()))
    }

    /// The kind of a statement; of one that is prepared, where it executes that.
    fn kind(&self, asked: &Asked) -> (Kind, Option<&'static str>) {
        if let Some(Ok(Prepared::Execute { name, .. })) = Prepared::parse(&asked.sql)
            && let Ok(prepared) = self.workgroups.prepared(&asked.workgroup, &name)
        {
            return Kind::of(&prepared);
        }
        Kind::of(&asked.sql)
    }

    async fn run(self: Arc<Self>, id: String, meter: Arc<Meter>, end: Arc<FirstEnd>) {
        let ended = AssertUnwindSafe(self.execute(&id, &meter, end)).catch_unwind().await;
        let ended = ended.unwrap_or_else(|_| Err(ServiceError::internal("it panicked; the log has more")));
        if let Err(error) = ended {
            tracing::error!(query = id, %error, "the stand-in failed while a query ran");
            let failure = Failure::system(format!("the stand-in failed while the query ran: {error}"));
            if let Err(error) = self.executions.fail(&id, &failure, meter.scanned()) {
                tracing::error!(query = id, %error, "the end of a query could not be kept");
            }
        }
        self.running().remove(&id);
    }

    async fn execute(&self, id: &str, meter: &Arc<Meter>, end: Arc<FirstEnd>) -> Result<(), ServiceError> {
        let _turn = self.turns.acquire().await.map_err(ServiceError::internal)?;
        self.executions.start(id)?;
        let execution = self.executions.get(id)?;
        let Execution { asked, output, kind, is_output_enforced, .. } = execution;
        let (bucket, key) = output.clone();
        let catalog = GlueCatalog::new(self.glue.clone(), self.store.clone(), meter.clone());
        let mut outcome = match self.statement(asked)? {
            Ok(Some(Statement { sql, parameters, database })) => {
                let job = Job { catalog, database, sql, parameters, output, end, is_output_enforced };
                run_isolated(TIME_LIMIT, engine::run(job)).await.unwrap_or_else(|ended| Err(ended.into()))
            }
            Ok(None) => Ok(QueryResult::default()),
            Err(failure) => Err(failure),
        };
        if let Ok(answer) = &mut outcome
            && !kind.writes_rows()
        {
            let csv = Bytes::from(std::mem::take(&mut answer.csv));
            if let Err(error) = self.store.put(&bucket, &key, csv).await {
                outcome = Err(Failure::user(format!("the result cannot be written to s3://{bucket}/{key}: {error}")));
            }
        }
        match outcome {
            Ok(answer) => self.executions.succeed(id, &answer, meter.scanned()),
            Err(failure) => self.executions.fail(id, &failure, meter.scanned()),
        }
    }

    /// The statement that is to be run; nothing where it was about a prepared one.
    fn statement(&self, asked: Asked) -> Result<Result<Option<Statement>, Failure>, ServiceError> {
        let Asked { sql, database, workgroup, parameters, .. } = asked;
        let database = database.unwrap_or_else(|| "default".to_owned());
        Ok(match Prepared::parse(&sql) {
            None => Ok(Some(Statement { sql, parameters, database })),
            Some(Err(failure)) => Err(failure),
            Some(Ok(Prepared::Prepare { name, statement })) => {
                self.workgroups.prepare(&workgroup, name, statement)?;
                Ok(None)
            }
            Some(Ok(Prepared::Deallocate { name })) => self.workgroups.deallocate(&workgroup, &name)?.map(|()| None),
            Some(Ok(Prepared::Execute { name, parameters: using })) => {
                let parameters = if using.is_empty() { parameters } else { using };
                let prepared = self.workgroups.prepared(&workgroup, &name);
                prepared.map(|sql| Some(Statement { sql, parameters, database }))
            }
        })
    }

    pub(super) fn stop(&self, request: One) -> Result<Value, ServiceError> {
        let id = request.query_execution_id;
        let mut running = self.running();
        let mut scanned = 0;
        // What is being made visible comes to its own end.
        if running.get(&id).is_some_and(|query| !query.end.is(End::Stopped)) {
            return Ok(json!({}));
        }
        if let Some(query) = running.remove(&id) {
            query.task.abort();
            scanned = query.meter.scanned();
        }
        drop(running);
        self.executions.cancel(&id, scanned)?;
        Ok(json!({}))
    }

    pub(super) fn get(&self, request: One) -> Result<Value, ServiceError> {
        Ok(json!({"QueryExecution": self.executions.get(&request.query_execution_id)?.describe()}))
    }

    pub(super) fn batch_get(&self, request: Many) -> Result<Value, ServiceError> {
        if request.query_execution_ids.len() > 50 {
            return Err(invalid("at most 50 QueryExecutionIds in one call"));
        }
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for id in request.query_execution_ids {
            match self.executions.get(&id) {
                Ok(execution) => found.push(execution.describe()),
                Err(error) => missing.push(json!({
                    "QueryExecutionId": id, "ErrorCode": error.code, "ErrorMessage": error.message,
                })),
            }
        }
        Ok(json!({"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}))
    }

    pub(super) fn list(&self, request: List) -> Result<Value, ServiceError> {
        let name = request.work_group.as_deref().unwrap_or(PRIMARY);
        self.workgroups.read().get(name)?;
        let (page, token) = request.paging.page(self.executions.of_workgroup(name).into_iter(), 50)?;
        Ok(json!({"QueryExecutionIds": page, "NextToken": token}))
    }

    pub(super) async fn results(&self, request: Results) -> Result<Value, ServiceError> {
        let execution = self.executions.get(&request.query_execution_id)?;
        if execution.state != QueryState::Succeeded {
            return Err(invalid(no_results(execution.state)));
        }
        let csv = if execution.kind.writes_rows() { Bytes::new() } else { self.read(&execution).await? };
        let size = request.paging.size(PAGE_ROWS)?;
        let (rows, next) = results::read_rows(&csv, request.paging.offset()?, size);
        let mut answer = json!({
            "ResultSet": {
                "Rows": rows.iter().map(row).collect::<Vec<_>>(),
                "ResultSetMetadata": {"ColumnInfo": execution.columns.iter().map(column_info).collect::<Vec<_>>()},
            },
        });
        if execution.kind != Kind::Definition {
            answer["UpdateCount"] = execution.written.unwrap_or_default().into();
        }
        if let Some(next) = next {
            answer["NextToken"] = next.to_string().into();
        }
        Ok(answer)
    }

    /// The result's text; pages of one result mostly follow each other, so the last one is held.
    async fn read(&self, execution: &Execution) -> Result<Bytes, ServiceError> {
        let held = self.last_read().clone().filter(|(id, _)| *id == execution.id);
        if let Some((_, csv)) = held {
            return Ok(csv);
        }
        let (bucket, key) = &execution.output;
        let csv = self.store.get(bucket, key).await;
        let csv = csv.map_err(|error| invalid(format!("Could not find results at s3://{bucket}/{key}: {error}")))?;
        *self.last_read() = Some((execution.id.clone(), csv.clone()));
        Ok(csv)
    }

    pub(super) fn delete_workgroup(&self, request: Delete) -> Result<Value, ServiceError> {
        let name = request.work_group;
        let has_named_queries = self.workgroups.read().get(&name)?.has_named_queries();
        let executions = self.executions.of_workgroup(&name);
        if !request.recursive_delete_option && (has_named_queries || !executions.is_empty()) {
            return Err(invalid(format!("WorkGroup {name} is not empty: delete it with RecursiveDeleteOption")));
        }
        self.workgroups.remove(&name)?;
        for id in executions {
            self.stop(One { query_execution_id: id.clone() })?;
            self.executions.remove(&id)?;
        }
        Ok(json!({}))
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn last_read(&self) -> MutexGuard<'_, Option<(String, Bytes)>> {
        self.last_read.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn no_results(state: QueryState) -> String {
    let name = json!(state);
    let name = name.as_str().unwrap_or_default();
    if state.ended() {
        format!("Query did not finish successfully. Final query state: {name}")
    } else {
        format!("Query has not yet finished. Current state: {name}")
    }
}

fn row(row: &Row) -> Value {
    let datum = |value: &Option<String>| match value {
        Some(text) => json!({"VarCharValue": text}),
        None => json!({}),
    };
    json!({"Data": row.iter().map(datum).collect::<Vec<_>>()})
}

fn column_info((name, kind): &(String, String)) -> Value {
    let (precision, scale) = match kind.as_str() {
        "bigint" => (19, 0),
        "integer" => (10, 0),
        "smallint" => (5, 0),
        "tinyint" => (3, 0),
        "double" | "float" => (17, 0),
        "varchar" | "string" => (i32::MAX, 0),
        "decimal" => (38, 0),
        _ => (0, 0),
    };
    json!({
        "CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": name, "Label": name, "Type": kind,
        "Precision": precision, "Scale": scale, "Nullable": "UNKNOWN",
        "CaseSensitive": matches!(kind.as_str(), "varchar" | "string"),
    })
}
