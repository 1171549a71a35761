//! The index: which buckets, objects, uploads and parts there are, in one SQLite file.

use std::{
    collections::{HashMap, hash_map::Entry},
    path::Path,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::service_error::ServiceError;

/// What [`SCHEMA`] is called in the file (`user_version`); a file of another version is refused.
const VERSION: i64 = 1;

/// An object's data is its parts in the order of their numbers. A part's `content` is the object's, or the one that an
/// upload will give its object; so completing an upload moves no data and no row of a part.
const SCHEMA: &str = "
    CREATE TABLE bucket (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, settings TEXT NOT NULL);
    CREATE TABLE object (
        bucket INTEGER NOT NULL, key BLOB NOT NULL, content INTEGER NOT NULL, size INTEGER NOT NULL,
        modified INTEGER NOT NULL, etag TEXT NOT NULL, about TEXT NOT NULL,
        PRIMARY KEY (bucket, key)
    ) WITHOUT ROWID;
    CREATE TABLE upload (
        content INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, bucket INTEGER NOT NULL, key BLOB NOT NULL,
        initiated INTEGER NOT NULL, about TEXT NOT NULL
    );
    CREATE INDEX upload_by_key ON upload (bucket, key, content);
    CREATE TABLE part (
        file INTEGER PRIMARY KEY, content INTEGER NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL,
        modified INTEGER NOT NULL, etag TEXT NOT NULL, checksum TEXT,
        UNIQUE (content, number)
    );
";

/// The one connection, and which contents are being read.
pub(super) struct Index {
    pub(super) connection: Connection,
    readers: HashMap<i64, Readers>,
}

/// Those who read a content.
#[derive(Default)]
struct Readers {
    count: usize,
    /// The files of a content that is no object's any more; the last reader removes them.
    discarded: Vec<i64>,
}

impl Index {
    /// Opens the index, or makes an empty one where there is no file. A kill loses nothing that was committed; like the rest
    /// of the stand-in's state, what the operating system had not yet written is lost when the power is.
    pub(super) fn open(path: &Path) -> Result<Self, ServiceError> {
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match transaction.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? {
            0 => {
                transaction.execute_batch(SCHEMA)?;
                transaction.pragma_update(None, "user_version", VERSION)?;
            }
            VERSION => {}
            other => {
                return Err(ServiceError::internal(format!(
                    "{} is of version {other}, and this version of the stand-in reads {VERSION}",
                    path.display()
                )));
            }
        }
        transaction.commit()?;
        Ok(Self { connection, readers: HashMap::new() })
    }

    /// Begins a change, which is undone unless it is committed.
    pub(super) fn change(&mut self) -> Result<Transaction<'_>, ServiceError> {
        Ok(self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    /// Counts one more reader of a content that an object has right now.
    pub(super) fn begin_reading(&mut self, content: i64) {
        self.readers.entry(content).or_default().count += 1;
    }

    /// Counts one reader less. Returns the files that nobody needs any more.
    pub(super) fn end_reading(&mut self, content: i64) -> Vec<i64> {
        let Entry::Occupied(mut readers) = self.readers.entry(content) else { return Vec::new() };
        readers.get_mut().count -= 1;
        if readers.get().count == 0 { readers.remove().discarded } else { Vec::new() }
    }

    /// Takes the files of a content that no object has any more. Returns those that nobody reads; the others are returned to
    /// their last reader.
    pub(super) fn discard(&mut self, content: i64, files: Vec<i64>) -> Vec<i64> {
        match self.readers.get_mut(&content) {
            Some(readers) => {
                readers.discarded.extend(files);
                Vec::new()
            }
            None => files,
        }
    }

    /// The highest number that a file or a content has.
    pub(super) fn highest_number(&self) -> Result<i64, ServiceError> {
        let highest = "SELECT max(
            (SELECT coalesce(max(file), 0) FROM part),
            (SELECT coalesce(max(content), 0) FROM part),
            (SELECT coalesce(max(content), 0) FROM upload))";
        Ok(self.connection.query_row(highest, [], |row| row.get(0))?)
    }

    /// Whether the index names a data file.
    pub(super) fn names_file(&self, file: i64) -> Result<bool, ServiceError> {
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM part WHERE file = ?1")?;
        Ok(statement.exists([file])?)
    }
}

impl From<rusqlite::Error> for ServiceError {
    fn from(e: rusqlite::Error) -> Self {
        Self::internal(format!("the index of S3's objects: {e}"))
    }
}
