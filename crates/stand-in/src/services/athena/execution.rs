//! Query executions: what was asked, how it went, one file each.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    failure::Failure,
    kind::Kind,
    plan::CATALOG,
    results::QueryResult,
    wire::{invalid, now},
    workgroup,
};
use crate::{durable::Durable, service_error::ServiceError};

/// How long an execution is remembered, in seconds (Athena user guide, "View recent queries": 45 days).
const KEPT: f64 = 45.0 * 86_400.0;

/// How far an execution is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum QueryState {
    #[default]
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl QueryState {
    pub(super) fn ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// One execution.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Execution {
    pub(super) id: String,
    /// What the caller asked for.
    pub(super) asked: Asked,
    /// Bucket and key of the result.
    pub(super) output: (String, String),
    #[serde(default)]
    pub(super) kind: Kind,
    /// What Athena calls its kind more closely.
    #[serde(default)]
    substatement: Option<String>,
    /// Whether its workgroup alone says where results go.
    #[serde(default)]
    pub(super) is_output_enforced: bool,
    pub(super) state: QueryState,
    reason: Option<String>,
    system_error: bool,
    submitted: f64,
    started: Option<f64>,
    completed: Option<f64>,
    scanned: u64,
    /// Name and Athena type of the result's columns.
    pub(super) columns: Vec<(String, String)>,
    /// How many rows it wrote, where it writes rows.
    #[serde(default)]
    pub(super) written: Option<u64>,
    /// Where the list of the objects lies that it wrote.
    #[serde(default)]
    manifest: Option<String>,
}

/// What makes two calls with one token the same call.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Asked {
    pub(super) sql: String,
    pub(super) database: Option<String>,
    pub(super) workgroup: String,
    pub(super) token: Option<String>,
    pub(super) output: Option<String>,
    /// What the placeholders of `sql` stand for.
    #[serde(default)]
    pub(super) parameters: Vec<String>,
}

impl Execution {
    /// A new one, queued, its result to lie at `output`.
    pub(super) fn new(
        id: String,
        asked: Asked,
        output: (String, String),
        (kind, substatement): (Kind, Option<&str>),
    ) -> Self {
        let substatement = substatement.map(str::to_owned);
        Self { id, asked, output, kind, substatement, submitted: now(), ..Self::default() }
    }

    fn start(&mut self) {
        self.state = QueryState::Running;
        self.started = Some(now());
    }

    fn succeed(&mut self, answer: &QueryResult, scanned: u64) {
        self.columns = answer.columns.clone();
        self.written = answer.written;
        self.manifest = answer.manifest.clone();
        self.end(QueryState::Succeeded, None, scanned);
    }

    fn fail(&mut self, failure: &Failure, scanned: u64) {
        self.system_error = failure.system;
        let state = if failure.failed { QueryState::Failed } else { QueryState::Cancelled };
        self.end(state, Some(failure.message.clone()), scanned);
    }

    fn end(&mut self, state: QueryState, reason: Option<String>, scanned: u64) {
        self.state = state;
        self.reason = reason;
        self.scanned = scanned;
        self.completed = Some(now());
    }

    /// As `GetQueryExecution` answers it.
    pub(super) fn describe(&self) -> Value {
        let mut status = json!({"State": self.state, "SubmissionDateTime": self.submitted});
        if let Some(completed) = self.completed {
            status["CompletionDateTime"] = completed.into();
        }
        if let Some(reason) = &self.reason {
            status["StateChangeReason"] = reason.as_str().into();
        }
        if self.state == QueryState::Failed {
            status["AthenaError"] = json!({
                "ErrorCategory": if self.system_error { 1 } else { 2 },
                "ErrorType": if self.system_error { 200 } else { 1000 },
                "Retryable": false,
                "ErrorMessage": self.reason,
            });
        }
        let until = self.completed.unwrap_or_else(now);
        let started = self.started.unwrap_or(until);
        let millis = |from: f64, to: f64| ((to - from) * 1e3).round().max(0.0) as u64;
        let mut described = json!({
            "QueryExecutionId": self.id,
            "Query": self.asked.sql,
            "StatementType": self.kind.statement_type(),
            "ResultConfiguration": {"OutputLocation": format!("s3://{}/{}", self.output.0, self.output.1)},
            "QueryExecutionContext": {"Database": self.asked.database, "Catalog": CATALOG},
            "Status": status,
            "Statistics": {
                "EngineExecutionTimeInMillis": millis(started, until),
                "DataScannedInBytes": self.scanned,
                "QueryQueueTimeInMillis": millis(self.submitted, started),
                "TotalExecutionTimeInMillis": millis(self.submitted, until),
            },
            "WorkGroup": self.asked.workgroup,
            "EngineVersion": workgroup::engine_version(),
        });
        if let Some(substatement) = &self.substatement {
            described["SubstatementType"] = substatement.as_str().into();
        }
        if let Some(manifest) = &self.manifest {
            described["Statistics"]["DataManifestLocation"] = manifest.as_str().into();
        }
        described
    }
}

type StoredExecution = Arc<Durable<Execution>>;

/// All executions.
pub(super) struct Executions {
    folder: PathBuf,
    all: Mutex<BTreeMap<String, StoredExecution>>,
}

impl Executions {
    /// Those in `folder` that are not too old; whatever ran when the stand-in ended is failed.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut all = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let stored: Durable<Execution> = Durable::open(&path)?;
            let (id, ended, submitted) = {
                let execution = stored.read();
                (execution.id.clone(), execution.state.ended(), execution.submitted)
            };
            if submitted + KEPT < now() {
                fs::remove_file(&path)?;
                continue;
            }
            if !ended {
                let gone = Failure::system("the stand-in was restarted while the query ran; start it again");
                stored.change(|execution| {
                    execution.fail(&gone, 0);
                    Ok::<_, io::Error>(())
                })?;
            }
            all.insert(id, Arc::new(stored));
        }
        Ok(Self { folder: folder.to_owned(), all: Mutex::new(all) })
    }

    /// Keeps a new execution; gives the id of the one that the same token started before, if there is one.
    pub(super) fn add(&self, execution: Execution) -> Result<Option<String>, ServiceError> {
        let mut all = self.all();
        if let Some(earlier) = same_token(&all, &execution.asked)? {
            return Ok(Some(earlier));
        }
        let id = execution.id.clone();
        let stored: Durable<Execution> = Durable::open(&self.folder.join(format!("{id}.json")))?;
        stored.change(|empty| {
            *empty = execution;
            Ok::<_, ServiceError>(())
        })?;
        all.insert(id, Arc::new(stored));
        Ok(None)
    }

    pub(super) fn get(&self, id: &str) -> Result<Execution, ServiceError> {
        Ok(self.stored(id)?.read().clone())
    }

    pub(super) fn start(&self, id: &str) -> Result<(), ServiceError> {
        self.change(id, Execution::start)
    }

    pub(super) fn succeed(&self, id: &str, answer: &QueryResult, scanned: u64) -> Result<(), ServiceError> {
        self.change(id, |execution| execution.succeed(answer, scanned))
    }

    pub(super) fn fail(&self, id: &str, failure: &Failure, scanned: u64) -> Result<(), ServiceError> {
        self.change(id, |execution| execution.fail(failure, scanned))
    }

    /// The caller's own stop.
    pub(super) fn cancel(&self, id: &str, scanned: u64) -> Result<(), ServiceError> {
        self.change(id, |execution| {
            execution.end(QueryState::Cancelled, Some("Query was cancelled by user".into()), scanned)
        })
    }

    /// The ids of a workgroup's executions, the newest first.
    pub(super) fn of_workgroup(&self, name: &str) -> Vec<String> {
        let all = self.all();
        let mut found: Vec<(f64, String)> = all
            .values()
            .map(|stored| stored.read())
            .filter(|execution| execution.asked.workgroup == name)
            .map(|execution| (execution.submitted, execution.id.clone()))
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        found.into_iter().map(|(_, id)| id).collect()
    }

    pub(super) fn remove(&self, id: &str) -> Result<(), ServiceError> {
        let mut all = self.all();
        fs::remove_file(self.folder.join(format!("{id}.json")))?;
        all.remove(id);
        Ok(())
    }

    /// Changes an execution that has not ended; one that has stays as it is.
    fn change(&self, id: &str, change: impl FnOnce(&mut Execution)) -> Result<(), ServiceError> {
        let stored = self.stored(id)?;
        if stored.read().state.ended() {
            return Ok(());
        }
        stored.change(|execution| {
            if !execution.state.ended() {
                change(execution);
            }
            Ok(())
        })
    }

    fn stored(&self, id: &str) -> Result<StoredExecution, ServiceError> {
        self.all().get(id).cloned().ok_or_else(|| invalid(format!("QueryExecution {id} was not found")))
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, StoredExecution>> {
        self.all.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn same_token(all: &BTreeMap<String, StoredExecution>, asked: &Asked) -> Result<Option<String>, ServiceError> {
    if asked.token.is_none() {
        return Ok(None);
    }
    for stored in all.values() {
        let earlier = stored.read();
        if earlier.asked.token == asked.token && earlier.asked.workgroup == asked.workgroup {
            return match earlier.asked == *asked {
                true => Ok(Some(earlier.id.clone())),
                false => Err(invalid(
                    "Idempotent parameters do not match: the ClientRequestToken was used for another query",
                )),
            };
        }
    }
    Ok(None)
}
