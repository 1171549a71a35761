//! Invoking a function: for a caller of the API, and for a mapping.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderMap;

use super::{
    Answer, Reply, ServiceError,
    function::{Function, name_in},
    functions::Functions,
    pool::Pool,
    process::{Invocation, Launch, Outcome},
    refuse,
};

/// The largest payload of an invocation, in bytes (Lambda developer guide, "Lambda quotas").
pub(super) const LARGEST_PAYLOAD: usize = 6 << 20;

/// Headers of Invoke that the stand-in does not know.
const NOT_COVERED: [&str; 3] = ["x-amz-client-context", "x-amz-durable-execution-name", "x-amz-tenant-id"];

impl Functions {
    /// The operation Invoke.
    pub(super) async fn answer_invoke(&self, name: &str, headers: &HeaderMap, body: Bytes) -> Answer {
        let name = name_in(name);
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let kind = header("x-amz-invocation-type").unwrap_or("RequestResponse");
        let with_log = header("x-amz-log-type") == Some("Tail");
        if let Some(other) = NOT_COVERED.iter().find(|name| headers.contains_key(**name)) {
            return Err(refuse::not_covered(other));
        }
        match kind {
            "RequestResponse" => {}
            "DryRun" => return self.find(name).map(|_| Reply::no_content()),
            other => return Err(refuse::not_covered(&format!("The invocation type {other}"))),
        }
        let invocation = self.invoke(name, payload(body)?).await?;
        Ok(answer(invocation, with_log))
    }

    /// Runs one invocation to its end.
    ///
    /// # Errors
    /// It was not begun: there is no such function, it is not active yet, or the stand-in does not answer.
    pub(super) async fn invoke(&self, name: &str, payload: Bytes) -> Result<Invocation, ServiceError> {
        let function = self.find(name)?;
        if function.is_pending(super::now()) {
            return Err(refuse::conflict(
                "The operation cannot be performed at this time. The function is currently in the following state: Pending",
            ));
        }
        let killed = self.faults.kills(name);
        self.pool(name, &function)?.invoke(payload, killed).await
    }

    fn pool(&self, name: &str, function: &Function) -> Result<Arc<Pool>, ServiceError> {
        let address = *self.address.borrow();
        let address = address.ok_or_else(|| ServiceError {
            status: 503,
            code: "ServiceException",
            message: "the stand-in does not serve, so a function could not call it".to_owned(),
        })?;
        let mut pools = self.pools();
        if let Some(pool) = pools.get(&function.revision) {
            return Ok(pool.clone());
        }
        // Looked up under the lock that a change takes after it is made, so that no pool outlives what it runs.
        if self.find(name)?.revision != function.revision {
            return Err(refuse::conflict(format!("The function {name} was changed in this moment.")));
        }
        let launch = Launch {
            name: name.to_owned(),
            task: self.code_folder(&function.code),
            handler: function.settings.handler.clone(),
            memory: function.settings.memory_size,
            timeout: Duration::from_secs(function.settings.timeout.unsigned_abs()),
            log_group: function.log_group(name),
            endpoint: format!("http://{address}"),
            key: self.key.clone(),
            variables: function.settings.environment.variables.clone(),
        };
        let pool = Arc::new(Pool::new(launch, self.logs.clone()));
        pools.insert(function.revision.clone(), pool.clone());
        Ok(pool)
    }
}

fn payload(body: Bytes) -> Result<Bytes, ServiceError> {
    if body.len() > LARGEST_PAYLOAD {
        return Err(refuse::too_large(format!(
            "{} byte payload is too large for the RequestResponse invocation type (limit {LARGEST_PAYLOAD} bytes)",
            body.len()
        )));
    }
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(&body) {
        Ok(_) => Ok(body),
        Err(e) => Err(ServiceError::client(
            "InvalidRequestContentException",
            format!("Could not parse request body into json: {e}"),
        )),
    }
}

fn answer(invocation: Invocation, with_log: bool) -> Reply {
    let mut headers = vec![("x-amz-executed-version", "$LATEST".to_owned())];
    if with_log {
        headers.push(("x-amz-log-result", invocation.log));
    }
    let body = match invocation.outcome {
        Outcome::Returned(body) => body,
        Outcome::Failed(error) => {
            headers.push(("x-amz-function-error", "Unhandled".to_owned()));
            error
        }
    };
    Reply { status: 200, headers, body }
}
