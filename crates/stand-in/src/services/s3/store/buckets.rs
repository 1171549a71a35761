//! The buckets of the index.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, bucket::Bucket, no_such_bucket};
use crate::service_error::ServiceError;

impl Store {
    /// Creates a bucket; one that exists stays as it is.
    pub(crate) fn create_bucket(&self, name: &str, bucket: &Bucket) -> Result<(), ServiceError> {
        let insert = "INSERT INTO bucket (name, settings) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING";
        self.lock().connection.prepare_cached(insert)?.execute(params![name, written(bucket)?])?;
        Ok(())
    }

    /// Deletes a bucket.
    ///
    /// # Errors
    /// `NoSuchBucket`, or `BucketNotEmpty`: it has objects or uploads.
    pub(crate) fn delete_bucket(&self, name: &str) -> Result<(), ServiceError> {
        let mut index = self.lock();
        let change = index.change()?;
        let (id, _) = find(&change, name)?;
        let in_use = "SELECT 1 FROM object WHERE bucket = ?1 UNION ALL SELECT 1 FROM upload WHERE bucket = ?1";
        if change.prepare_cached(in_use)?.exists([id])? {
            let message = format!("the bucket {name} you tried to delete is not empty");
            return Err(ServiceError { status: 409, code: "BucketNotEmpty", message });
        }
        change.execute("DELETE FROM bucket WHERE id = ?1", [id])?;
        Ok(change.commit()?)
    }

    /// Returns a bucket's settings; `NoSuchBucket` if it does not exist.
    pub(crate) fn bucket(&self, name: &str) -> Result<Bucket, ServiceError> {
        Ok(find(&self.lock().connection, name)?.1)
    }

    /// Returns every bucket in the order of their names.
    pub(crate) fn buckets(&self) -> Result<Vec<(String, Bucket)>, ServiceError> {
        let index = self.lock();
        let mut statement = index.connection.prepare_cached("SELECT name, settings FROM bucket ORDER BY name")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        rows.map(|row| row.map_err(ServiceError::from).and_then(|(name, text)| Ok((name, read(&text)?)))).collect()
    }

    /// Changes a bucket's settings.
    pub(crate) fn change_bucket(&self, name: &str, set: impl FnOnce(&mut Bucket)) -> Result<(), ServiceError> {
        let mut index = self.lock();
        let change = index.change()?;
        let (id, mut bucket) = find(&change, name)?;
        set(&mut bucket);
        change.execute("UPDATE bucket SET settings = ?2 WHERE id = ?1", params![id, written(&bucket)?])?;
        Ok(change.commit()?)
    }
}

/// Returns a bucket's number and settings.
pub(super) fn find(connection: &Connection, name: &str) -> Result<(i64, Bucket), ServiceError> {
    let mut statement = connection.prepare_cached("SELECT id, settings FROM bucket WHERE name = ?1")?;
    let found = statement.query_row([name], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).optional()?;
    let (id, settings) = found.ok_or_else(|| no_such_bucket(name))?;
    Ok((id, read(&settings)?))
}

/// Returns the number of a bucket that a key may be put into.
pub(super) fn admit_put(connection: &Connection, name: &str, key: &str) -> Result<i64, ServiceError> {
    let (id, bucket) = find(connection, name)?;
    if bucket.denies_put(name, key) {
        let message = "denied by the bucket's policy".to_owned();
        return Err(ServiceError { status: 403, code: "AccessDenied", message });
    }
    Ok(id)
}

fn read(settings: &str) -> Result<Bucket, ServiceError> {
    serde_json::from_str(settings).map_err(ServiceError::internal)
}

fn written(bucket: &Bucket) -> Result<String, ServiceError> {
    serde_json::to_string(bucket).map_err(ServiceError::internal)
}
