//! A statement's result on disk: a line of columns, then a line for each row, so that a page is read from where it begins.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::Path,
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    service_error::ServiceError,
    services::redshift::engine::{ResultColumn, ResultSet},
};

/// How large a page is, about, in bytes of JSON.
const PAGE: usize = 1 << 20;
/// … and how many rows it has at most.
const PAGE_ROWS: usize = 1_000;

/// What the first line says.
#[derive(Deserialize, Serialize)]
struct Head {
    columns: Vec<ResultColumn>,
    rows: usize,
}

/// Rows of a result.
pub(super) struct Page {
    pub(super) columns: Vec<ResultColumn>,
    /// Of the whole result.
    pub(super) rows: usize,
    pub(super) records: Vec<Box<RawValue>>,
    /// Where the next page begins, if there is one.
    pub(super) next: Option<u64>,
}

/// Keeps a result.
pub(super) fn keep(file: &Path, result: &ResultSet) -> Result<(), ServiceError> {
    let head = Head { columns: result.columns.clone(), rows: result.rows };
    let mut lines = serde_json::to_vec(&head).map_err(ServiceError::internal)?;
    lines.push(b'\n');
    lines.extend_from_slice(&result.records);
    Ok(fs::write(file, lines)?)
}

impl Page {
    /// The rows from byte `from` of the file on; from the first row, where that is 0.
    pub(super) fn read(file: &Path, from: u64) -> Result<Self, ServiceError> {
        let mut file = BufReader::new(File::open(file)?);
        let mut line = String::new();
        let mut at = file.read_line(&mut line)? as u64;
        let Head { columns, rows } = serde_json::from_str(&line).map_err(ServiceError::internal)?;
        if from > at {
            at = file.seek(SeekFrom::Start(from))?;
        }
        let (mut records, mut bytes) = (Vec::new(), 0);
        while records.len() < PAGE_ROWS && bytes < PAGE {
            line.clear();
            let length = file.read_line(&mut line)?;
            if length == 0 {
                return Ok(Self { columns, rows, records, next: None });
            }
            (at, bytes) = (at + length as u64, bytes + length);
            let record = RawValue::from_string(line.trim_end().to_owned());
            records.push(record.map_err(|_| super::super::wire::invalid("NextToken is none that was given out"))?);
        }
        let next = (!file.fill_buf()?.is_empty()).then_some(at);
        Ok(Self { columns, rows, records, next })
    }
}
