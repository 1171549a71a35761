//! Where the objects of a partition lie, by its values.

use std::collections::BTreeMap;

use chrono::Utc;

use super::{failure::Failure, projection::Projection, store::Location, write::Folders};
use crate::{
    hive,
    services::glue::{PartitionInfo, TableInfo},
};

/// `key=value/…/` below a folder.
pub(super) fn of_keys(root: Location, keys: Vec<String>) -> Folders {
    Box::new(move |values| Ok(below(&root, &keys, values)))
}

fn below(root: &Location, keys: &[String], values: &[String]) -> Location {
    let folders = keys.iter().zip(values);
    folders.fold(root.clone(), |root, (key, value)| root.folder(&format!("{key}={}", hive::path_name(value))))
}

/// Where a table has them: where its projection says, in the folder of a partition that is registered, or below its own folder.
pub(super) fn of_table(table: &TableInfo, registered: Vec<PartitionInfo>) -> Result<Folders, Failure> {
    if let Some(projection) = Projection::of(table, Utc::now())? {
        return Ok(Box::new(move |values| projection.location_of(values)));
    }
    let root = parsed(&table.location)?;
    let keys: Vec<String> = table.partition_keys.iter().map(|(name, _)| name.clone()).collect();
    let known: BTreeMap<_, _> =
        registered.into_iter().map(|partition| (partition.values, partition.location)).collect();
    Ok(Box::new(move |values| match known.get(values) {
        Some(location) => parsed(location),
        None => Ok(below(&root, &keys, values)),
    }))
}

/// A location of the catalog.
pub(super) fn parsed(text: &str) -> Result<Location, Failure> {
    Location::parse(text).ok_or_else(|| Failure::user(format!("HIVE_METASTORE_ERROR: {text:?} is no s3:// location")))
}
