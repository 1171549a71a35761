//! Objects: put, found, read and deleted.

use std::{ops::Range, sync::Arc};

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Store, buckets,
    condition::Condition,
    incoming::Received,
    no_such_key,
    object::{About, Moment, Object},
    reader::Reader,
};
use crate::service_error::ServiceError;

impl Store {
    /// Puts an object whose data has come in, and replaces the one that the key has.
    ///
    /// # Errors
    /// The bucket does not exist, its policy denies the put, or the condition does not hold.
    pub(crate) fn put(
        &self,
        (bucket, key): (&str, &str),
        data: Received,
        about: About,
        condition: &Condition,
    ) -> Result<Object, ServiceError> {
        let mut index = self.lock();
        let change = index.change()?;
        let (object, replaced) = enter(&change, (bucket, key), &data, about, condition)?;
        change.commit()?;
        data.keep();
        self.discard(index, replaced.into_iter().collect());
        Ok(object)
    }

    /// Puts objects at their buckets and keys, all of them or none.
    ///
    /// # Errors
    /// A bucket does not exist, or its policy denies the put.
    pub(crate) fn put_all(&self, objects: Vec<(String, String, Received)>) -> Result<(), ServiceError> {
        let mut index = self.lock();
        let change = index.change()?;
        let mut replaced = Vec::new();
        for (bucket, key, data) in &objects {
            replaced.extend(enter(&change, (bucket, key), data, About::default(), &Condition::None)?.1);
        }
        change.commit()?;
        objects.into_iter().for_each(|(_, _, data)| data.keep());
        self.discard(index, replaced);
        Ok(())
    }

    /// Returns an object without its data.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> Result<Object, ServiceError> {
        let index = self.lock();
        existing(&index.connection, bucket, key)
    }

    /// Returns an object and a reader of all its data.
    pub(crate) fn read(self: &Arc<Self>, bucket: &str, key: &str) -> Result<(Object, Reader), ServiceError> {
        let mut index = self.lock();
        let object = existing(&index.connection, bucket, key)?;
        let files = files(&index.connection, object.content)?;
        index.begin_reading(object.content);
        let reader = Reader::new(self.clone(), object.content, files);
        Ok((object, reader))
    }

    /// Returns which bytes of an object's data are a part of it; `None` if it has no part of that number.
    pub(crate) fn part_range(&self, object: &Object, number: u32) -> Result<Option<Range<u64>>, ServiceError> {
        let index = self.lock();
        let select = "SELECT number, size FROM part WHERE content = ?1 ORDER BY number";
        let mut statement = index.connection.prepare_cached(select)?;
        let mut rows = statement.query([object.content])?;
        let mut begin = 0;
        while let Some(row) = rows.next()? {
            let size: u64 = row.get(1)?;
            if row.get::<_, u32>(0)? == number {
                return Ok(Some(begin..begin + size));
            }
            begin += size;
        }
        Ok(None)
    }

    /// Deletes an object. Without a condition it may be absent.
    pub(crate) fn delete(&self, bucket: &str, key: &str, condition: &Condition) -> Result<(), ServiceError> {
        let mut index = self.lock();
        let change = index.change()?;
        let (bucket, _) = buckets::find(&change, bucket)?;
        let found = find(&change, bucket, key)?;
        condition.check(key, found.as_ref())?;
        let Some(object) = found else { return Ok(()) };
        change
            .prepare_cached("DELETE FROM object WHERE bucket = ?1 AND key = ?2")?
            .execute(params![bucket, key.as_bytes()])?;
        let discarded = forget_parts(&change, object.content)?;
        change.commit()?;
        self.discard(index, vec![discarded]);
        Ok(())
    }
}

/// The content of an object that another replaces, and its files.
type Replaced = (i64, Vec<i64>);

/// Enters an object whose data has come in. Returns it, and what it replaces.
fn enter(
    change: &Connection,
    (bucket, key): (&str, &str),
    data: &Received,
    about: About,
    condition: &Condition,
) -> Result<(Object, Option<Replaced>), ServiceError> {
    let bucket = buckets::admit_put(change, bucket, key)?;
    let (content, size, etag) = (data.number(), data.digest.size, data.digest.etag());
    let object = Object { content, size, modified: Moment::now(), etag, about };
    let insert = "INSERT INTO part (file, content, number, size, modified, etag) VALUES (?1, ?1, 1, ?2, ?3, ?4)";
    change.prepare_cached(insert)?.execute(params![content, size, object.modified.0, object.etag])?;
    let replaced = replace(change, (bucket, key), &object, condition)?;
    Ok((object, replaced))
}

/// Writes an object's row if the condition holds for the one that the key has. Returns the content and the files of that.
pub(super) fn replace(
    change: &Connection,
    (bucket, key): (i64, &str),
    object: &Object,
    condition: &Condition,
) -> Result<Option<(i64, Vec<i64>)>, ServiceError> {
    let found = find(change, bucket, key)?;
    condition.check(key, found.as_ref())?;
    let replaced = found.map(|old| forget_parts(change, old.content)).transpose()?;
    let about = serde_json::to_string(&object.about).map_err(ServiceError::internal)?;
    let row = params![bucket, key.as_bytes(), object.content, object.size, object.modified.0, object.etag, about];
    let write = "INSERT OR REPLACE INTO object (bucket, key, content, size, modified, etag, about)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    change.prepare_cached(write)?.execute(row)?;
    Ok(replaced)
}

/// Takes the parts of a content out of the index. Returns the content and its files.
pub(super) fn forget_parts(change: &Connection, content: i64) -> Result<(i64, Vec<i64>), ServiceError> {
    let files = files(change, content)?.into_iter().map(|(file, _)| file).collect();
    change.prepare_cached("DELETE FROM part WHERE content = ?1")?.execute([content])?;
    Ok((content, files))
}

fn files(connection: &Connection, content: i64) -> Result<Vec<(i64, u64)>, ServiceError> {
    let mut statement = connection.prepare_cached("SELECT file, size FROM part WHERE content = ?1 ORDER BY number")?;
    let rows = statement.query_map([content], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn existing(connection: &Connection, bucket: &str, key: &str) -> Result<Object, ServiceError> {
    let (bucket, _) = buckets::find(connection, bucket)?;
    find(connection, bucket, key)?.ok_or_else(|| no_such_key(key))
}

/// Returns the object that a key has.
pub(super) fn find(connection: &Connection, bucket: i64, key: &str) -> Result<Option<Object>, ServiceError> {
    let select = "SELECT content, size, modified, etag, about FROM object WHERE bucket = ?1 AND key = ?2";
    let mut statement = connection.prepare_cached(select)?;
    let row = statement.query_row(params![bucket, key.as_bytes()], |row| {
        let about: String = row.get(4)?;
        Ok((row.get(0)?, row.get(1)?, Moment(row.get(2)?), row.get(3)?, about))
    });
    let Some((content, size, modified, etag, about)) = row.optional()? else { return Ok(None) };
    let about = serde_json::from_str(&about).map_err(ServiceError::internal)?;
    Ok(Some(Object { content, size, modified, etag, about }))
}
