//! Statements of the Data API: what was asked, how it went, one file each, and one for each result.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::result::{self, Page};
use crate::{
    durable::Durable,
    service_error::ServiceError,
    services::redshift::{
        engine::{Outcome, Ran},
        wire::{invalid, missing, now},
    },
};

/// How long a statement is remembered, in seconds (Redshift Data API reference: 24 hours).
const KEPT: f64 = 86_400.0;

/// How far a statement is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum StatementState {
    #[default]
    Submitted,
    Started,
    Finished,
    Failed,
    Aborted,
}

impl StatementState {
    pub(super) fn ended(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Aborted)
    }
}

/// What makes two calls with one token the same call.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Asked {
    pub(super) sqls: Vec<String>,
    pub(super) is_batch: bool,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) cluster: Option<String>,
    pub(super) workgroup: Option<String>,
    pub(super) database: String,
    pub(super) db_user: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) name: Option<String>,
    pub(super) token: Option<String>,
}

/// A call of ExecuteStatement or BatchExecuteStatement.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Execution {
    pub(super) id: String,
    pub(super) asked: Asked,
    /// Of the warehouse that it runs on.
    pub(super) warehouse: String,
    pub(super) state: StatementState,
    pub(super) error: Option<String>,
    pub(super) created: f64,
    updated: f64,
    started: Option<f64>,
    pub(super) parts: Vec<Part>,
}

/// One statement of it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Part {
    state: StatementState,
    error: Option<String>,
    rows: i64,
    bytes: i64,
    pub(super) has_result: bool,
    query: i64,
}

impl Execution {
    pub(super) fn new(id: String, asked: Asked, warehouse: String) -> Self {
        let parts = vec![Part { rows: -1, bytes: -1, ..Part::default() }; asked.sqls.len()];
        let created = now();
        Self { id, asked, warehouse, created, updated: created, parts, ..Self::default() }
    }

    fn start(&mut self) {
        self.state = StatementState::Started;
        self.started = Some(now());
        self.updated = now();
        self.parts.iter_mut().for_each(|part| part.state = StatementState::Started);
    }

    /// Ends it as its statements ended; those that were never reached are aborted.
    fn end(&mut self, all: &[Ran]) {
        for (index, part) in self.parts.iter_mut().enumerate() {
            match all.get(index) {
                Some(ran) => part.end(ran),
                None => part.fail(StatementState::Aborted, "Statement was not run: one before it failed"),
            }
        }
        let failed = self.parts.iter().position(|part| part.state == StatementState::Failed);
        self.state = if failed.is_some() { StatementState::Failed } else { StatementState::Finished };
        self.error = failed.and_then(|at| {
            let error = self.parts[at].error.clone()?;
            Some(if self.asked.is_batch { format!("Query #{} failed with {error}", at + 1) } else { error })
        });
        self.updated = now();
    }

    /// Whether it ended so long ago that it is to be forgotten.
    fn is_old(&self) -> bool {
        self.state.ended() && self.updated + KEPT < now()
    }

    fn stop(&mut self, state: StatementState, why: &str) {
        self.state = state;
        self.error = (state != StatementState::Finished).then(|| why.to_owned());
        self.parts.iter_mut().for_each(|part| part.fail(state, why));
        self.updated = now();
    }

    /// As `DescribeStatement` answers it.
    pub(super) fn describe(&self) -> Value {
        let total = |value: fn(&Part) -> i64| if let [one] = self.parts.as_slice() { value(one) } else { -1 };
        let mut description = json!({
            "Id": self.id, "Status": self.state, "Error": self.error,
            "Database": self.asked.database, "ClusterIdentifier": self.asked.cluster,
            "WorkgroupName": self.asked.workgroup, "DbUser": self.asked.db_user, "SecretArn": self.asked.secret,
            "CreatedAt": self.created, "UpdatedAt": self.updated, "Duration": self.nanoseconds(),
            "HasResultSet": self.parts.iter().any(|part| part.has_result),
            "ResultRows": total(|part| part.rows), "ResultSize": total(|part| part.bytes),
            "RedshiftPid": 1, "RedshiftQueryId": total(|part| part.query), "ResultFormat": "JSON",
        });
        if !self.asked.parameters.is_empty() {
            let parameters = self.asked.parameters.iter().map(|(name, value)| json!({"name": name, "value": value}));
            description["QueryParameters"] = parameters.collect();
        }
        if self.asked.is_batch {
            let parts = self.parts.iter().zip(&self.asked.sqls).enumerate();
            description["SubStatements"] =
                parts.map(|(at, (part, sql))| part.describe(&format!("{}:{}", self.id, at + 1), sql, self)).collect();
        } else {
            description["QueryString"] = self.asked.sqls.first().cloned().into();
        }
        description
    }

    /// As `ListStatements` answers it.
    pub(super) fn summary(&self) -> Value {
        json!({
            "Id": self.id, "Status": self.state, "StatementName": self.asked.name, "SecretArn": self.asked.secret,
            "QueryString": self.asked.sqls.first(), "QueryStrings": self.asked.sqls,
            "IsBatchStatement": self.asked.is_batch, "CreatedAt": self.created, "UpdatedAt": self.updated,
        })
    }

    fn nanoseconds(&self) -> i64 {
        let until = if self.state.ended() { self.updated } else { now() };
        self.started.map_or(-1, |started| ((until - started).max(0.0) * 1e9) as i64)
    }
}

impl Part {
    fn end(&mut self, ran: &Ran) {
        self.query = ran.query;
        match &ran.outcome {
            Ok(outcome) => self.finish(outcome),
            Err(failure) => self.fail(StatementState::Failed, &failure.to_string()),
        }
    }

    fn finish(&mut self, outcome: &Outcome) {
        self.state = StatementState::Finished;
        self.rows = outcome.rows;
        self.has_result = outcome.result.is_some();
        self.bytes = outcome.result.as_ref().map_or(0, |result| result.records.len() as i64);
    }

    fn fail(&mut self, state: StatementState, why: &str) {
        self.state = state;
        self.error = (state != StatementState::Finished).then(|| why.to_owned());
    }

    fn describe(&self, id: &str, sql: &str, whole: &Execution) -> Value {
        json!({
            "Id": id, "Status": self.state, "Error": self.error, "QueryString": sql,
            "CreatedAt": whole.created, "UpdatedAt": whole.updated, "Duration": whole.nanoseconds(),
            "HasResultSet": self.has_result, "ResultRows": self.rows, "ResultSize": self.bytes,
            "RedshiftQueryId": self.query,
        })
    }
}

type StoredExecution = Arc<Durable<Execution>>;

/// All statements.
pub(in crate::services::redshift) struct Executions {
    folder: PathBuf,
    all: Mutex<BTreeMap<String, StoredExecution>>,
}

impl Executions {
    /// Those in `folder`. One that was under way when the stand-in ended has succeeded where its warehouse holds its
    /// effect, as `is_committed` tells by the warehouse's and the statement's id, and failed otherwise.
    pub(in crate::services::redshift) fn open(
        folder: &Path,
        is_committed: impl Fn(&str, &str) -> bool,
    ) -> io::Result<Self> {
        fs::create_dir_all(folder.join("results"))?;
        let executions = Self { folder: folder.to_owned(), all: Mutex::default() };
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                executions.open_one(&path, &is_committed)?;
            }
        }
        Ok(executions)
    }

    fn open_one(&self, path: &Path, is_committed: &impl Fn(&str, &str) -> bool) -> io::Result<()> {
        let stored: Durable<Execution> = Durable::open(path)?;
        let execution = stored.read().clone();
        if execution.is_old() {
            return self.remove(&execution);
        }
        if !execution.state.ended() {
            let state = if is_committed(&execution.warehouse, &execution.id) {
                StatementState::Finished
            } else {
                StatementState::Failed
            };
            stored.change(|execution| {
                execution.stop(state, "ERROR: the stand-in was restarted while the statement ran; send it again");
                Ok::<_, io::Error>(())
            })?;
        }
        self.all().insert(execution.id, Arc::new(stored));
        Ok(())
    }

    /// Keeps a new one; gives the one that the same token started before, if there is one.
    pub(super) fn add(&self, execution: Execution) -> Result<Option<Execution>, ServiceError> {
        let mut all = self.all();
        self.forget_old(&mut all)?;
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

    fn forget_old(&self, all: &mut BTreeMap<String, StoredExecution>) -> io::Result<()> {
        let old = all.values().filter(|stored| stored.read().is_old());
        let old: Vec<Execution> = old.map(|stored| stored.read().clone()).collect();
        for execution in old {
            self.remove(&execution)?;
            all.remove(&execution.id);
        }
        Ok(())
    }

    fn remove(&self, execution: &Execution) -> io::Result<()> {
        for part in 0..execution.parts.len() {
            remove_if_there(&self.result_file(&execution.id, part))?;
        }
        remove_if_there(&self.folder.join(format!("{}.json", execution.id)))
    }

    pub(super) fn get(&self, id: &str) -> Result<Execution, ServiceError> {
        Ok(self.stored(id)?.read().clone())
    }

    pub(super) fn start(&self, id: &str) -> Result<(), ServiceError> {
        self.change(id, Execution::start)
    }

    /// Keeps the results and then the end.
    pub(super) fn end(&self, id: &str, all: &[Ran]) -> Result<(), ServiceError> {
        for (part, ran) in all.iter().enumerate() {
            if let Ok(Outcome { result: Some(result), .. }) = &ran.outcome {
                result::keep(&self.result_file(id, part), result)?;
            }
        }
        self.change(id, |execution| execution.end(all))
    }

    /// Ends one whose own task cannot record its end: FINISHED where its effect is there, and FAILED otherwise.
    pub(super) fn give_up(&self, id: &str, is_committed: bool, why: &str) -> Result<(), ServiceError> {
        let state = if is_committed { StatementState::Finished } else { StatementState::Failed };
        self.change(id, |execution| execution.stop(state, why))
    }

    pub(super) fn abort(&self, id: &str) -> Result<(), ServiceError> {
        self.change(id, |execution| execution.stop(StatementState::Aborted, "Query aborted by user"))
    }

    /// A page of a statement's result: of the only statement, or of the one that a batch's suffix names.
    pub(super) fn result(&self, id: &str, from: u64) -> Result<Page, ServiceError> {
        let none = || missing("Query does not have result. Please check query status with DescribeStatement.");
        let (id, number) = id.split_once(':').map_or((id, None), |(id, number)| (id, Some(number)));
        let execution = self.get(id)?;
        let part = match number {
            Some(number) => number.parse::<usize>().ok().and_then(|number| number.checked_sub(1)).ok_or_else(none)?,
            None if execution.asked.is_batch => {
                return Err(invalid(
                    "the result of a batch is that of one of its statements: give its Id with :1, :2 …",
                ));
            }
            None => 0,
        };
        let has_result = execution.parts.get(part).is_some_and(|part| part.has_result);
        if execution.state != StatementState::Finished || !has_result {
            return Err(none());
        }
        Page::read(&self.result_file(id, part), from)
    }

    /// All, the newest first.
    pub(super) fn newest(&self) -> Vec<Execution> {
        let mut all: Vec<Execution> = self.all().values().map(|stored| stored.read().clone()).collect();
        all.sort_by(|a, b| b.created.total_cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
        all
    }

    fn result_file(&self, id: &str, part: usize) -> PathBuf {
        self.folder.join("results").join(format!("{id}-{part}.json"))
    }

    /// Changes one that has not ended; one that has stays as it is.
    fn change(&self, id: &str, change: impl FnOnce(&mut Execution)) -> Result<(), ServiceError> {
        self.stored(id)?.change(|execution| {
            if !execution.state.ended() {
                change(execution);
            }
            Ok(())
        })
    }

    fn stored(&self, id: &str) -> Result<StoredExecution, ServiceError> {
        let id = id.split(':').next().unwrap_or(id);
        self.all().get(id).cloned().ok_or_else(|| missing("Query does not exist."))
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, StoredExecution>> {
        self.all.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn same_token(all: &BTreeMap<String, StoredExecution>, asked: &Asked) -> Result<Option<Execution>, ServiceError> {
    if asked.token.is_none() {
        return Ok(None);
    }
    for stored in all.values() {
        let earlier = stored.read();
        if earlier.asked.token == asked.token {
            return match earlier.asked == *asked {
                true => Ok(Some(earlier.clone())),
                false => Err(invalid("the ClientToken was used for another statement")),
            };
        }
    }
    Ok(None)
}
