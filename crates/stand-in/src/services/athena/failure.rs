//! Why a query did not succeed, as Athena would say it.

use datafusion::{
    arrow::error::ArrowError,
    common::SchemaError,
    error::{DataFusionError, Result},
};

use crate::{
    sql::{Ended, TooLarge},
    trino::{self, Refusal},
};

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
        "NOT_SUPPORTED: {what} is not supported by the stand-in; docs/sql.md lists the statements that it runs"
    ))
}

/// What Hive says, which runs Athena's statements about tables, partitions and databases.
pub(super) fn of_hive(message: &str) -> Failure {
    Failure::user(format!(
        "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. {message}"
    ))
}

impl From<Failure> for DataFusionError {
    fn from(failure: Failure) -> Self {
        Self::External(Box::new(failure))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::user(refusal.to_string())
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
            DataFusionError::External(inner) => match (inner.downcast_ref::<Self>(), inner.downcast_ref::<Refusal>()) {
                (Some(failure), _) => failure.clone(),
                (_, Some(refusal)) => refusal.clone().into(),
                _ => Self::system(inner.to_string()),
            },
            DataFusionError::SQL(inner, _) => Self::user(format!("SYNTAX_ERROR: {inner}")),
            DataFusionError::SchemaError(inner, _) => of_schema(inner),
            DataFusionError::Plan(message) => of_plan(message),
            DataFusionError::NotImplemented(message)
                if ["OuterReferenceColumn", "ScalarSubquery"].iter().any(|name| message.contains(name)) =>
            {
                Self::user("NOT_SUPPORTED: the stand-in cannot run this correlated subquery; Athena can")
            }
            DataFusionError::NotImplemented(message) => Self::user(format!("NOT_SUPPORTED: {message}")),
            DataFusionError::ResourcesExhausted(message) => {
                Self::user(format!("EXCEEDED_LOCAL_MEMORY_LIMIT: {message}"))
            }
            DataFusionError::ArrowError(inner, _) => of_arrow(inner),
            DataFusionError::Execution(message) if message.contains("more than one row") => {
                Self::user("SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows")
            }
            DataFusionError::Execution(message) => Self::user(format!("INVALID_FUNCTION_ARGUMENT: {message}")),
            other => Self::system(other.strip_backtrace()),
        }
    }
}

fn of_schema(error: &SchemaError) -> Failure {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let again = format!("{}{}", field.name, trino::AGAIN);
            if valid_fields.iter().any(|valid| valid.name.starts_with(&again)) {
                return Failure::user(format!("AMBIGUOUS_NAME: Column '{}' is ambiguous", field.name));
            }
            Failure::user(format!(
                "COLUMN_NOT_FOUND: Column '{}' cannot be resolved",
                field.flat_name().replace('"', "")
            ))
        }
        SchemaError::AmbiguousReference { field } => {
            Failure::user(format!("AMBIGUOUS_NAME: Column '{}' is ambiguous", field.name))
        }
        other => Failure::user(format!("SYNTAX_ERROR: {other}")),
    }
}

/// What DataFusion finds when it plans, by its words, in Trino's kinds.
fn of_plan(message: &str) -> Failure {
    const KINDS: &[(&str, &str)] = &[
        ("must be in GROUP BY or an aggregate function", "EXPRESSION_NOT_AGGREGATE"),
        ("must appear in the GROUP BY clause", "EXPRESSION_NOT_AGGREGATE"),
        ("Invalid function", "FUNCTION_NOT_FOUND"),
        ("failed to match any signature", "FUNCTION_NOT_FOUND"),
        ("Aggregate functions are not allowed in the WHERE clause", "EXPRESSION_NOT_SCALAR"),
        ("Window functions are not allowed in the WHERE clause", "EXPRESSION_NOT_SCALAR"),
        ("Cannot create filter with non-boolean predicate", "TYPE_MISMATCH"),
        ("queries have different number of columns", "TYPE_MISMATCH"),
        ("have the same number of columns", "TYPE_MISMATCH"),
        ("Inconsistent data type across values", "TYPE_MISMATCH"),
        ("Inconsistent data length across values", "TYPE_MISMATCH"),
        ("Cannot infer common argument type", "TYPE_MISMATCH"),
        ("Source table contains", "MISMATCHED_COLUMN_ALIASES"),
        ("Failed to coerce arguments", "FUNCTION_NOT_FOUND"),
        ("does not support zero arguments", "FUNCTION_NOT_FOUND"),
        ("Scalar subquery should only return one column", "SUBQUERY_MULTIPLE_ROWS"),
    ];
    let kind = KINDS.iter().find(|(words, _)| message.contains(words)).map_or("SYNTAX_ERROR", |(_, kind)| kind);
    Failure::user(format!("{kind}: {message}"))
}

fn of_arrow(error: &ArrowError) -> Failure {
    Failure::user(match error {
        ArrowError::DivideByZero => "DIVISION_BY_ZERO: Division by zero".to_owned(),
        ArrowError::ArithmeticOverflow(message) => format!("NUMERIC_VALUE_OUT_OF_RANGE: {message}"),
        ArrowError::CastError(message) => format!("INVALID_CAST_ARGUMENT: {message}"),
        ArrowError::ExternalError(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(DataFusionError::External(inner)) => match inner.downcast_ref::<Refusal>() {
                Some(refusal) => refusal.to_string(),
                None => format!("INVALID_FUNCTION_ARGUMENT: {inner}"),
            },
            _ => format!("INVALID_FUNCTION_ARGUMENT: {inner}"),
        },
        other => format!("INVALID_FUNCTION_ARGUMENT: {other}"),
    })
}

/// DataFusion's result with a [`Failure`] inside.
pub(super) fn fail<T>(failure: Failure) -> Result<T> {
    Err(failure.into())
}
