//! Why a query did not succeed, as Athena would say it.

use datafusion::{
    common::SchemaError,
    error::{DataFusionError, Result},
};

use crate::sql::{Ended, TooLarge};

/// A query's end other than success.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Failure {
    /// Led by Athena's name of the kind, e.g. `SYNTAX_ERROR: …`.
    pub(super) message: String,
    /// `true`: FAILED; `false`: CANCELLED.
    pub(super) failed: bool,
    /// The stand-in's own error, not the query's.
    pub(super) system: bool,
}

impl Failure {
    /// The query, or the data under it, is wrong.
    pub(super) fn user(message: impl Into<String>) -> Self {
        Self { message: message.into(), failed: true, system: false }
    }

    /// The stand-in could not do its part.
    pub(super) fn system(message: impl Into<String>) -> Self {
        Self { message: format!("GENERIC_INTERNAL_ERROR: {}", message.into()), failed: true, system: true }
    }

    /// The workgroup's limit on scanned bytes stopped the query.
    pub(super) fn cutoff(limit: u64) -> Self {
        let message =
            format!("Query cancelled! : Bytes scanned limit was exceeded: the workgroup allows {limit} bytes a query");
        Self { message, failed: false, system: false }
    }
}

/// A statement of Athena's that only the real one runs.
pub(super) fn unsupported(what: &str) -> Failure {
    Failure::user(format!(
        "NOT_SUPPORTED: {what} is not supported by the stand-in; it runs SELECT, SHOW DATABASES, SHOW TABLES, SHOW PARTITIONS and DESCRIBE"
    ))
}

impl From<Failure> for DataFusionError {
    fn from(failure: Failure) -> Self {
        Self::External(Box::new(failure))
    }
}

impl From<TooLarge> for Failure {
    fn from(error: TooLarge) -> Self {
        Self::user(format!("STACK_OVERFLOW: {error}"))
    }
}

impl From<Ended> for Failure {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Late(limit) => Self::user(format!(
                "EXCEEDED_TIME_LIMIT: Query exceeded the maximum execution time limit of {:.2}m",
                limit.as_secs_f64() / 60.0
            )),
            Ended::Memory => Self::user(format!("EXCEEDED_LOCAL_MEMORY_LIMIT: {ended}")),
            other => Self::system(other.to_string()),
        }
    }
}

impl From<DataFusionError> for Failure {
    fn from(error: DataFusionError) -> Self {
        let root = error.find_root();
        match root {
            DataFusionError::External(inner) => match inner.downcast_ref::<Failure>() {
                Some(failure) => failure.clone(),
                None => Self::system(inner.to_string()),
            },
            DataFusionError::SQL(inner, _) => Self::user(format!("SYNTAX_ERROR: {inner}")),
            DataFusionError::SchemaError(inner, _) => match inner.as_ref() {
                SchemaError::FieldNotFound { field, .. } => Self::user(format!(
                    "COLUMN_NOT_FOUND: Column '{}' cannot be resolved: {}",
                    field.flat_name(),
                    root.strip_backtrace()
                )),
                other => Self::user(format!("SYNTAX_ERROR: {other}")),
            },
            DataFusionError::Plan(message) => Self::user(format!("SYNTAX_ERROR: {message}")),
            DataFusionError::NotImplemented(message) => Self::user(format!("NOT_SUPPORTED: {message}")),
            DataFusionError::ResourcesExhausted(message) => {
                Self::user(format!("EXCEEDED_LOCAL_MEMORY_LIMIT: {message}"))
            }
            DataFusionError::ArrowError(inner, _) => Self::user(format!("INVALID_FUNCTION_ARGUMENT: {inner}")),
            DataFusionError::Execution(message) => Self::user(format!("INVALID_FUNCTION_ARGUMENT: {message}")),
            other => Self::system(other.strip_backtrace()),
        }
    }
}

/// DataFusion's result with a [`Failure`] inside.
pub(super) fn fail<T>(failure: Failure) -> Result<T> {
    Err(failure.into())
}
