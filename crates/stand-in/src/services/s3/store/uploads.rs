//! Multipart uploads: contents in the making.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::{
    Store, buckets,
    checksum::{Algorithm, Checksum, Digest, Kind, etag_of_parts},
    condition::Condition,
    incoming::Received,
    object::{About, Moment, Object},
    objects::{find, forget_parts, replace},
};
use crate::{protocol::uuid, service_error::ServiceError};

/// Bytes of every part but the last (Amazon S3 user guide, "Amazon S3 multipart upload limits").
const SMALLEST_PART: u64 = 5 << 20;

/// An upload that is neither completed nor aborted.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(super) content: i64,
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) initiated: Moment,
    pub(crate) plan: Plan,
}

/// What was said when an upload was created.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) about: About,
    /// The checksum that its parts bring, and the object will have.
    pub(crate) checksum: Option<(Algorithm, Kind)>,
}

/// A part that has been uploaded.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    file: i64,
    pub(crate) number: u32,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) modified: Moment,
    /// Without quotation marks.
    pub(crate) etag: String,
    pub(crate) checksum: Option<Checksum>,
}

/// What completes an upload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Completion {
    pub(crate) parts: Vec<ChosenPart>,
    pub(crate) condition: Condition,
    /// The size that the object must have, in bytes.
    pub(crate) size: Option<u64>,
    pub(crate) kind: Option<Kind>,
    /// The checksum that the object must have.
    pub(crate) checksum: Option<(Algorithm, String)>,
}

/// A part that an upload is completed with.
#[derive(Clone, Debug)]
pub(crate) struct ChosenPart {
    pub(crate) number: u32,
    /// Without quotation marks.
    pub(crate) etag: String,
    pub(crate) checksum: Option<(Algorithm, String)>,
}

impl Store {
    /// Begins an upload and returns its id.
    pub(crate) fn create_upload(&self, (bucket, key): (&str, &str), plan: &Plan) -> Result<String, ServiceError> {
        let (index, id) = (self.lock(), uuid().replace('-', ""));
        let bucket = buckets::admit_put(&index.connection, bucket, key)?;
        let plan = serde_json::to_string(plan).map_err(ServiceError::internal)?;
        let insert = "INSERT INTO upload (content, id, bucket, key, initiated, about) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let row = params![self.data.number(), id, bucket, key.as_bytes(), Moment::now().0, plan];
        index.connection.prepare_cached(insert)?.execute(row)?;
        Ok(id)
    }

    /// Returns an upload; `NoSuchUpload` if the key has none of this id.
    pub(crate) fn upload(&self, at: (&str, &str), id: &str) -> Result<Upload, ServiceError> {
        existing(&self.lock().connection, at, id)
    }

    /// Returns the uploads of a bucket whose keys begin with a prefix, by key and then by age.
    pub(crate) fn uploads(&self, bucket: &str, prefix: &str) -> Result<Vec<Upload>, ServiceError> {
        let index = self.lock();
        let (bucket, _) = buckets::find(&index.connection, bucket)?;
        let select = "SELECT content, id, key, initiated, about FROM upload
            WHERE bucket = ?1 AND key >= ?2 ORDER BY key, content";
        let mut statement = index.connection.prepare_cached(select)?;
        let mut rows = statement.query(params![bucket, prefix.as_bytes()])?;
        let mut uploads = Vec::new();
        while let Some(row) = rows.next()? {
            let upload = upload(row)?;
            if !upload.key.starts_with(prefix) {
                break;
            }
            uploads.push(upload);
        }
        Ok(uploads)
    }

    /// Adds a part whose data has come in, and replaces the one of the same number.
    pub(crate) fn put_part(
        &self,
        at: (&str, &str),
        id: &str,
        number: u32,
        data: Received,
    ) -> Result<Part, ServiceError> {
        let mut index = self.lock();
        let change = index.change()?;
        let upload = existing(&change, at, id)?;
        let replaced = "DELETE FROM part WHERE content = ?1 AND number = ?2 RETURNING file";
        let replaced: Option<i64> =
            change.prepare_cached(replaced)?.query_row(params![upload.content, number], |row| row.get(0)).optional()?;
        let Digest { size, checksum, .. } = &data.digest;
        let part = Part {
            file: data.number(),
            number,
            size: *size,
            modified: Moment::now(),
            etag: data.digest.etag(),
            checksum: checksum.clone(),
        };
        insert(&change, upload.content, &part)?;
        change.commit()?;
        data.keep();
        drop(index);
        self.data.remove(replaced.as_slice());
        Ok(part)
    }

    /// Returns the parts of an upload with numbers above `after`, in their order, and the upload.
    pub(crate) fn parts(&self, at: (&str, &str), id: &str, after: u32) -> Result<(Upload, Vec<Part>), ServiceError> {
        let index = self.lock();
        let upload = existing(&index.connection, at, id)?;
        let parts = parts(&index.connection, upload.content, after)?;
        Ok((upload, parts))
    }

    /// Forgets an upload with its parts.
    pub(crate) fn abort_upload(&self, at: (&str, &str), id: &str) -> Result<(), ServiceError> {
        let mut index = self.lock();
        let change = index.change()?;
        let upload = existing(&change, at, id)?;
        change.execute("DELETE FROM upload WHERE content = ?1", [upload.content])?;
        let discarded = forget_parts(&change, upload.content)?;
        change.commit()?;
        self.discard(index, vec![discarded]);
        Ok(())
    }

    /// Makes an object of the parts of an upload. An upload that was completed already, whose answer the caller may have
    /// missed, answers with its object again.
    pub(crate) fn complete_upload(
        &self,
        (bucket, key): (&str, &str),
        id: &str,
        completion: &Completion,
    ) -> Result<Object, ServiceError> {
        let mut index = self.lock();
        let change = index.change()?;
        let admitted = buckets::admit_put(&change, bucket, key)?;
        let upload = match existing(&change, (bucket, key), id) {
            Err(error) if error.code == NO_SUCH_UPLOAD => {
                let completed = find(&change, admitted, key)?;
                return completed.filter(|object| object.about.upload.as_deref() == Some(id)).ok_or(error);
            }
            other => other?,
        };
        let all = parts(&change, upload.content, 0)?;
        let chosen = choose(&all, &completion.parts, &upload)?;
        let object = assemble(&upload, &chosen, completion)?;
        let replaced = replace(&change, (admitted, key), &object, &completion.condition)?;
        let unused: Vec<i64> =
            all.iter().map(|part| part.file).filter(|file| chosen.iter().all(|part| part.file != *file)).collect();
        for file in &unused {
            change.prepare_cached("DELETE FROM part WHERE file = ?1")?.execute([file])?;
        }
        change.execute("DELETE FROM upload WHERE content = ?1", [upload.content])?;
        change.commit()?;
        let unused = Some((upload.content, unused));
        self.discard(index, replaced.into_iter().chain(unused).collect());
        Ok(object)
    }
}

const NO_SUCH_UPLOAD: &str = "NoSuchUpload";

/// The parts that a request names, in its order.
fn choose<'a>(all: &'a [Part], named: &[ChosenPart], upload: &Upload) -> Result<Vec<&'a Part>, ServiceError> {
    if !named.is_sorted_by(|one, next| one.number < next.number) {
        let message =
            "The list of parts was not in ascending order. The parts list must be specified in order by part number.";
        return Err(ServiceError::client("InvalidPartOrder", message));
    }
    let by_number: HashMap<u32, &Part> = all.iter().map(|part| (part.number, part)).collect();
    let chosen = named.iter().map(|named| {
        let part = by_number.get(&named.number).filter(|part| part.etag == named.etag);
        let part = part.filter(|part| named.checksum.as_ref().is_none_or(|given| part.has(given)));
        let part = part.ok_or_else(|| invalid_part(named.number))?;
        match upload.plan.checksum {
            Some((algorithm, Kind::Composite)) if named.checksum.is_none() => {
                Err(missing_checksum(algorithm, named.number))
            }
            _ => Ok(*part),
        }
    });
    let chosen: Vec<&Part> = chosen.collect::<Result<_, _>>()?;
    match chosen.split_last() {
        None => Err(ServiceError::client("MalformedXML", "An upload is completed with at least one part")),
        Some((_, but_last)) if but_last.iter().any(|part| part.size < SMALLEST_PART) => {
            let message =
                "Your proposed upload is smaller than the minimum allowed size: every part but the last has 5 MiB";
            Err(ServiceError::client("EntityTooSmall", message))
        }
        Some(_) => Ok(chosen),
    }
}

/// The object that the parts make.
fn assemble(upload: &Upload, chosen: &[&Part], completion: &Completion) -> Result<Object, ServiceError> {
    let size = chosen.iter().map(|part| part.size).sum();
    if completion.size.is_some_and(|expected| expected != size) {
        let message = format!("x-amz-mp-object-size does not match the size of the parts, {size} bytes");
        return Err(ServiceError::client("InvalidRequest", message));
    }
    let checksum = upload.plan.checksum.map(|(algorithm, kind)| checksum(algorithm, kind, chosen)).transpose()?;
    if completion.kind.is_some_and(|kind| checksum.as_ref().is_none_or(|checksum| checksum.kind != kind)) {
        let message = "The checksum type of the request is not the one that the upload was created with";
        return Err(ServiceError::client("InvalidRequest", message));
    }
    let holds = |(algorithm, value): &(Algorithm, String)| {
        checksum.as_ref().is_some_and(|checksum| checksum.algorithm == *algorithm && checksum.value == *value)
    };
    if completion.checksum.as_ref().is_some_and(|expected| !holds(expected)) {
        let message = "The checksum you specified did not match what we received";
        return Err(ServiceError::client("BadDigest", message));
    }
    let etags: Vec<String> = chosen.iter().map(|part| part.etag.clone()).collect();
    let parts = u32::try_from(chosen.len()).ok();
    let about = About { checksum, parts, upload: Some(upload.id.clone()), ..upload.plan.about.clone() };
    Ok(Object { content: upload.content, size, modified: Moment::now(), etag: etag_of_parts(&etags), about })
}

fn checksum(algorithm: Algorithm, kind: Kind, chosen: &[&Part]) -> Result<Checksum, ServiceError> {
    let parts = chosen.iter().map(|part| match &part.checksum {
        Some(checksum) if checksum.algorithm == algorithm => Ok((checksum.clone(), part.size)),
        _ => Err(missing_checksum(algorithm, part.number)),
    });
    let parts: Vec<(Checksum, u64)> = parts.collect::<Result<_, _>>()?;
    Checksum::of_parts(algorithm, kind, &parts)
        .ok_or_else(|| ServiceError::internal(format!("no {} checksum of {}", kind.name(), algorithm.name())))
}

impl Part {
    fn has(&self, (algorithm, value): &(Algorithm, String)) -> bool {
        self.checksum.as_ref().is_some_and(|own| own.algorithm == *algorithm && own.value == *value)
    }
}

fn invalid_part(number: u32) -> ServiceError {
    let message = format!(
        "One or more of the specified parts could not be found: part {number} was not uploaded, or its ETag or checksum is another"
    );
    ServiceError::client("InvalidPart", message)
}

fn missing_checksum(algorithm: Algorithm, number: u32) -> ServiceError {
    let name = algorithm.name().to_lowercase();
    let message =
        format!("The upload was created using a {name} checksum. It was missing for part {number} in the request.");
    ServiceError::client("InvalidRequest", message)
}

fn existing(connection: &Connection, (bucket, key): (&str, &str), id: &str) -> Result<Upload, ServiceError> {
    let (bucket, _) = buckets::find(connection, bucket)?;
    let select = "SELECT content, id, key, initiated, about FROM upload WHERE id = ?1 AND bucket = ?2 AND key = ?3";
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query(params![id, bucket, key.as_bytes()])?;
    match rows.next()? {
        Some(row) => upload(row),
        None => Err(ServiceError {
            status: 404,
            code: NO_SUCH_UPLOAD,
            message: format!("the upload {id} does not exist: it may have been aborted or completed"),
        }),
    }
}

fn upload(row: &Row<'_>) -> Result<Upload, ServiceError> {
    let plan: String = row.get(4)?;
    Ok(Upload {
        content: row.get(0)?,
        id: row.get(1)?,
        key: String::from_utf8(row.get(2)?).map_err(ServiceError::internal)?,
        initiated: Moment(row.get(3)?),
        plan: serde_json::from_str(&plan).map_err(ServiceError::internal)?,
    })
}

fn parts(connection: &Connection, content: i64, after: u32) -> Result<Vec<Part>, ServiceError> {
    let select = "SELECT file, number, size, modified, etag, checksum FROM part
        WHERE content = ?1 AND number > ?2 ORDER BY number";
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query(params![content, after])?;
    let mut parts = Vec::new();
    while let Some(row) = rows.next()? {
        let checksum: Option<String> = row.get(5)?;
        let checksum = checksum.map(|text| serde_json::from_str(&text)).transpose().map_err(ServiceError::internal)?;
        parts.push(Part {
            file: row.get(0)?,
            number: row.get(1)?,
            size: row.get(2)?,
            modified: Moment(row.get(3)?),
            etag: row.get(4)?,
            checksum,
        });
    }
    Ok(parts)
}

fn insert(change: &Connection, content: i64, part: &Part) -> Result<(), ServiceError> {
    let checksum = part.checksum.as_ref().map(serde_json::to_string).transpose().map_err(ServiceError::internal)?;
    let insert = "INSERT INTO part (file, content, number, size, modified, etag, checksum)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let row = params![part.file, content, part.number, part.size, part.modified.0, part.etag, checksum];
    change.prepare_cached(insert)?.execute(row)?;
    Ok(())
}
