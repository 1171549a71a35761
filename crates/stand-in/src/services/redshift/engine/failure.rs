//! Why a statement failed, in Redshift's words.

use datafusion::{
    arrow::error::ArrowError,
    common::SchemaError,
    error::{DataFusionError, Result},
    sql::sqlparser::{parser::ParserError, tokenizer::TokenizerError},
};

use crate::{service_error::ServiceError, sql::TooLarge};

/// A statement's end other than success; its text is what DescribeStatement answers as `Error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{severity}: {message}")]
pub(in crate::services::redshift) struct Failure {
    severity: &'static str,
    message: String,
}

impl Failure {
    pub(in crate::services::redshift) fn new(message: impl Into<String>) -> Self {
        Self { severity: "ERROR", message: message.into() }
    }

    pub(super) fn no_database(name: &str) -> Self {
        Self { severity: "FATAL", message: format!("database \"{name}\" does not exist") }
    }

    /// A statement, or a part of one, that only the real Redshift runs.
    pub(in crate::services::redshift) fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new(format!("{what} is not supported by the stand-in"))
    }

    pub(in crate::services::redshift) fn no_relation(name: impl std::fmt::Display) -> Self {
        Self::new(format!("relation \"{name}\" does not exist"))
    }

    pub(in crate::services::redshift) fn no_schema(name: &str) -> Self {
        Self::new(format!("schema \"{name}\" does not exist"))
    }

    pub(in crate::services::redshift) fn syntax(near: impl std::fmt::Display) -> Self {
        Self::new(format!("syntax error at or near \"{near}\""))
    }
}

/// DataFusion's result with a [`Failure`] inside.
pub(super) fn fail<T>(failure: Failure) -> Result<T> {
    Err(failure.into())
}

impl From<Failure> for DataFusionError {
    fn from(failure: Failure) -> Self {
        Self::External(Box::new(failure))
    }
}

impl From<TooLarge> for Failure {
    fn from(error: TooLarge) -> Self {
        Self::new(error.to_string())
    }
}

impl From<DataFusionError> for Failure {
    fn from(error: DataFusionError) -> Self {
        let root = error.find_root();
        match root {
            DataFusionError::External(inner) => match inner.downcast_ref::<Self>() {
                Some(failure) => failure.clone(),
                None => Self::new(inner.to_string()),
            },
            DataFusionError::SchemaError(inner, _) => match inner.as_ref() {
                SchemaError::FieldNotFound { field, .. } => {
                    Self::new(format!("column \"{}\" does not exist", field.flat_name()))
                }
                other => Self::new(other.to_string()),
            },
            DataFusionError::SQL(inner, _) => Self::new(inner.to_string()),
            DataFusionError::Plan(message)
            | DataFusionError::NotImplemented(message)
            | DataFusionError::Execution(message) => Self::new(message.clone()),
            DataFusionError::ArrowError(inner, _) => Self::from(inner.as_ref()),
            other => Self::new(other.strip_backtrace()),
        }
    }
}

impl From<ParserError> for Failure {
    fn from(error: ParserError) -> Self {
        match error {
            ParserError::ParserError(message) | ParserError::TokenizerError(message) => {
                Self::new(format!("syntax error: {message}"))
            }
            other => Self::new(other.to_string()),
        }
    }
}

impl From<TokenizerError> for Failure {
    fn from(error: TokenizerError) -> Self {
        Self::new(format!("syntax error: {error}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(format!("the stand-in cannot read or write its own files: {error}"))
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<&ArrowError> for Failure {
    fn from(error: &ArrowError) -> Self {
        match error {
            ArrowError::DivideByZero => Self::new("division by zero"),
            other => Self::new(other.to_string()),
        }
    }
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        Self::from(&error)
    }
}

impl From<datafusion::parquet::errors::ParquetError> for Failure {
    fn from(error: datafusion::parquet::errors::ParquetError) -> Self {
        Self::new(format!("the stand-in cannot write its rows: {error}"))
    }
}
