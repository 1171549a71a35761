//! Registers partitions as data lands: a folder listing and a batch call, where MSCK would take minutes.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_glue::types::{PartitionInput, StorageDescriptor, Table};
use tokio::time::sleep;

use super::failure::{broken, failure, is};
use crate::engine::{Cause, ProviderError};

/// Partitions that one BatchCreatePartition takes (Glue API reference).
const PARTITIONS_A_CALL: usize = 100;
/// A folder listing and two calls to Glue each time.
const REGISTER_EVERY: Duration = Duration::from_secs(5);
const CREATE: &str = "glue BatchCreatePartition";

/// Adds every `key=value/…` folder under the table's location that the catalog does not have. Returns the values of
/// those added, such as `["2026", "11", "24"]`; those that another process added first are not among them.
pub async fn register(
    glue: &aws_sdk_glue::Client,
    s3: &aws_sdk_s3::Client,
    database: &str,
    table: &str,
) -> Result<Vec<Vec<String>>, ProviderError> {
    let title = format!("{database}/{table}");
    let answer = glue.get_table().database_name(database).name(table).send().await;
    let answer = answer.map_err(|error| failure("glue GetTable", &title, &error))?;
    let found = answer.table().ok_or_else(|| broken(Cause::Other, "glue GetTable", &title, "no table".into(), ""))?;
    let storage = found.storage_descriptor().cloned().unwrap_or_else(|| StorageDescriptor::builder().build());
    let (bucket, prefix) = location(&storage).ok_or_else(|| {
        let message = format!("its location is not in S3: {:?}", storage.location());
        broken(Cause::Other, "glue GetTable", &title, message, "run `demo down` and `demo up` to create it again")
    })?;
    let known = known(glue, database, table).await?;
    let landed = landed(s3, bucket, prefix, found).await?;
    let new: Vec<Folder> = landed.into_iter().filter(|folder| !known.contains(&folder.values)).collect();
    let mut added = Vec::new();
    for batch in new.chunks(PARTITIONS_A_CALL) {
        added.extend(create(glue, database, table, &storage, bucket, batch).await?);
    }
    Ok(added)
}

/// Registers for as long as it is polled, so that SQL finds what has landed. What fails is tried again; a verification, which
/// registers once more, tells what fails for good.
pub async fn keep_registering(glue: aws_sdk_glue::Client, s3: aws_sdk_s3::Client, database: String, table: String) {
    loop {
        if let Err(error) = register(&glue, &s3, &database, &table).await {
            tracing::debug!("registering partitions continues: {error}");
        }
        sleep(REGISTER_EVERY).await;
    }
}

/// Whether any object lies at the table's location.
pub(super) async fn has_objects(s3: &aws_sdk_s3::Client, table: &Table) -> Result<bool, ProviderError> {
    let Some((bucket, prefix)) = table.storage_descriptor().and_then(location) else { return Ok(false) };
    match s3.list_objects_v2().bucket(bucket).prefix(prefix).max_keys(1).send().await {
        Ok(page) => Ok(!page.contents().is_empty()),
        Err(error) if is(&error, &["NoSuchBucket"]) => Ok(false),
        Err(error) => Err(failure("s3 ListObjectsV2", bucket, &error)),
    }
}

struct Folder {
    /// With a slash at its end.
    prefix: String,
    values: Vec<String>,
}

fn location(storage: &StorageDescriptor) -> Option<(&str, &str)> {
    let path = storage.location()?.strip_prefix("s3://")?;
    Some(path.split_once('/').unwrap_or((path, "")))
}

async fn known(
    glue: &aws_sdk_glue::Client,
    database: &str,
    table: &str,
) -> Result<BTreeSet<Vec<String>>, ProviderError> {
    let call = glue.get_partitions().database_name(database).table_name(table).exclude_column_schema(true);
    let mut known = BTreeSet::new();
    let mut pages = call.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| failure("glue GetPartitions", table, &error))?;
        known.extend(page.partitions().iter().map(|partition| partition.values().to_vec()));
    }
    Ok(known)
}

/// The folders that hold objects, one level of listing for each partition key.
async fn landed(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    prefix: &str,
    table: &Table,
) -> Result<Vec<Folder>, ProviderError> {
    let mut level = vec![Folder { prefix: prefix.to_owned(), values: Vec::new() }];
    for key in table.partition_keys() {
        let mut next = Vec::new();
        for folder in &level {
            let call = s3.list_objects_v2().bucket(bucket).prefix(&folder.prefix).delimiter("/");
            let mut pages = call.into_paginator().send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| failure("s3 ListObjectsV2", bucket, &error))?;
                let prefixes = page.common_prefixes().iter().filter_map(|common| common.prefix());
                next.extend(prefixes.filter_map(|below| step(folder, key.name(), below)));
            }
        }
        level = next;
    }
    Ok(level)
}

/// The folder below for this key; none where the folder is not `key=value`. A value is percent-encoded, as Hive writes it.
fn step(folder: &Folder, key: &str, below: &str) -> Option<Folder> {
    let name = below.strip_prefix(&folder.prefix)?.strip_suffix('/')?;
    let value = name.strip_prefix(key)?.strip_prefix('=').filter(|value| !value.is_empty())?;
    let values = folder.values.iter().cloned().chain([decoded(value)]).collect();
    Some(Folder { prefix: below.to_owned(), values })
}

/// `Home/Garden` from `Home%2FGarden`; text that is not percent-encoded stays as it is.
pub(super) fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, after @ ..] = rest {
        let code = after.get(..2).filter(|code| *first == b'%' && code.iter().all(u8::is_ascii_hexdigit));
        let byte = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

async fn create(
    glue: &aws_sdk_glue::Client,
    database: &str,
    table: &str,
    storage: &StorageDescriptor,
    bucket: &str,
    batch: &[Folder],
) -> Result<Vec<Vec<String>>, ProviderError> {
    let inputs = batch.iter().map(|folder| {
        let mut storage = storage.clone();
        storage.location = Some(format!("s3://{bucket}/{}", folder.prefix));
        PartitionInput::builder().set_values(Some(folder.values.clone())).storage_descriptor(storage).build()
    });
    let call = glue.batch_create_partition().database_name(database).table_name(table);
    let answer = call.set_partition_input_list(Some(inputs.collect())).send().await;
    let answer = answer.map_err(|error| failure(CREATE, table, &error))?;
    let mut failed = BTreeSet::new();
    for error in answer.errors() {
        let detail = error.error_detail();
        let code = detail.and_then(|detail| detail.error_code()).unwrap_or_default();
        if code != "AlreadyExistsException" {
            let message = detail.and_then(|detail| detail.error_message()).unwrap_or_default();
            let message = format!("{code}: {message} (partition {})", error.partition_values().join("/"));
            return Err(broken(Cause::Other, CREATE, table, message, "the next registration retries it"));
        }
        failed.insert(error.partition_values().to_vec());
    }
    Ok(batch.iter().map(|folder| folder.values.clone()).filter(|values| !failed.contains(values)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_the_key_are_partitions() {
        let folder = Folder { prefix: "a/year=2026/".to_owned(), values: vec!["2026".to_owned()] };
        let below = step(&folder, "month", "a/year=2026/month=11/").expect("a partition");
        assert_eq!((below.prefix.as_str(), below.values), ("a/year=2026/month=11/", vec!["2026".into(), "11".into()]));
        for not in ["a/year=2026/months=11/", "a/year=2026/month=/", "a/year=2026/day=1/", "b/month=11/"] {
            assert!(step(&folder, "month", not).is_none(), "{not}");
        }
    }

    #[test]
    fn a_value_is_decoded_and_its_folder_stays_as_it_is_written() {
        let folder = Folder { prefix: "a/".to_owned(), values: Vec::new() };
        let below = step(&folder, "category", "a/category=Home%2FGarden%20%C3%A9/").expect("a partition");
        assert_eq!(
            (below.prefix.as_str(), below.values),
            ("a/category=Home%2FGarden%20%C3%A9/", vec!["Home/Garden é".into()])
        );
        for plain in ["100%", "%zz", "50%+1", "%ff"] {
            assert_eq!(decoded(plain), plain);
        }
    }
}
