//! Which documents can be delivered to S3, and the DDL of the table over them.

use demo_formats::schema::{CatalogError, FieldPath, Schema, Stored};
use demo_workload::Identity;
use serde_json::Value;

use super::S3Delivery;
use crate::{
    deliveries::{documents::Documents, parts::Unfit},
    spec::Format,
};

/// Parquet keeps values, not lines, so its documents need a key.
pub(super) fn check_identity(s3: &S3Delivery, identity: &Identity) -> Result<(), Unfit> {
    if s3.format != Format::Parquet || *identity != Identity::Line {
        return Ok(());
    }
    Err(Unfit::new(
        "`deliver.s3.format: parquet` does not keep lines as they were sent, so lines cannot identify documents",
        "declare the fields that do, for example `key: [id]` in the workload",
    ))
}

/// Firehose sends a document to the error prefix in which it cannot follow a path of `partition_by` (jq's manual, "Object
/// Identifier-Index"). A value that is not one makes a folder of its whole text.
pub(super) fn check_document(s3: &S3Delivery, document: &[u8]) -> Result<(), Unfit> {
    if s3.partition_by.is_empty() {
        return Ok(());
    }
    let advice = "name a field with one value, such as `customer.region`";
    let whole: Value = serde_json::from_slice(document).map_err(|error| Unfit::new(error.to_string(), advice))?;
    for (key, path) in &s3.partition_by {
        let problem = match one_value(&whole, path) {
            Ok(()) => continue,
            Err(why) => format!("`deliver.s3.partition_by.{key}`: {why}"),
        };
        return Err(Unfit::new(problem, advice));
    }
    Ok(())
}

/// Whether a path leads to one value or to none.
fn one_value(document: &Value, path: &FieldPath) -> Result<(), String> {
    let mut value = document;
    for (depth, key) in path.0.iter().enumerate() {
        value = match value {
            Value::Null => return Ok(()),
            Value::Object(fields) => fields.get(key).unwrap_or(&Value::Null),
            other => {
                let outer = FieldPath(path.0[..depth].to_vec());
                return Err(format!("`{outer}` is {}, which has no field `{key}`,", kind(other)));
            }
        };
    }
    match value {
        Value::Array(_) | Value::Object(_) => Err(format!("`{path}` is not one value but {}", kind(value))),
        _ => Ok(()),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a struct",
    }
}

/// What partitions and, with a catalog, the table cannot have.
pub(super) fn check_documents(s3: &S3Delivery, read: &Documents<'_>) -> Vec<Unfit> {
    let mut unfit = unknown_fields(s3, read);
    if s3.catalog.is_some() {
        unfit.extend(doubled_keys(read));
        unfit.extend(read.schema.key_mappings().err().map(|error| no_column(&error, read)));
        unfit.extend(taken_names(s3, read.schema));
    }
    unfit
}

fn unknown_fields(s3: &S3Delivery, read: &Documents<'_>) -> Vec<Unfit> {
    let unknown = s3.partition_by.iter().filter(|(_, path)| read.seen(path).is_none());
    let told = unknown.map(|(key, path)| {
        let top = read.schema.names().map(|name| format!("`{name}`")).take(10).collect::<Vec<_>>().join(", ");
        let problem = format!("`deliver.s3.partition_by.{key}`: no document has a field `{path}`");
        Unfit::new(problem, format!("name a field that they have; at the top there are {top}"))
    });
    told.collect()
}

/// Athena user guide, "OpenX JSON SerDe": it allows no duplicate keys.
fn doubled_keys<'a>(read: &'a Documents<'_>) -> impl Iterator<Item = Unfit> + 'a {
    read.seen.iter().filter_map(|seen| {
        let at = read.at(seen.twice?);
        let problem = format!("`{}` is twice in one object in {at}, and Athena reads no such row", seen.path);
        Some(Unfit::new(problem, "keep one of the two, or remove `catalog`"))
    })
}

fn no_column(error: &CatalogError, read: &Documents<'_>) -> Unfit {
    let first = read.seen(error.path()).map_or_else(String::new, |seen| format!(" (first in {})", read.at(seen.first)));
    Unfit::new(format!("{error}{first}"), "rename the key, or remove `catalog`")
}

/// A table has each name once.
fn taken_names(s3: &S3Delivery, columns: &Schema) -> Option<Unfit> {
    let partitions = s3.partition_columns();
    let mut named = columns.columns.iter().zip(columns.glue_columns());
    let (taken, _) = named.find(|(_, (name, _))| partitions.contains(name))?;
    let problem = format!(
        "the documents have a field `{}`, and `deliver.s3.prefix` has a partition key of the same name",
        taken.name
    );
    Some(Unfit::new(problem, "rename one of them"))
}

/// Nothing without a catalog.
pub(super) fn ddl(s3: &S3Delivery, columns: &Schema) -> String {
    let stored = match s3.format {
        Format::Json => Stored::JsonLines,
        Format::Parquet => Stored::Parquet,
    };
    let table = s3.catalog.as_ref().map(|catalog| catalog.table.as_str());
    table.map_or_else(String::new, |table| columns.athena_ddl_of(table, "${location}", stored, &s3.partition_columns()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_to_one_value_or_to_none() {
        let document = json!({"id": 1, "items": [{"sku": "a"}], "name": "x", "o": {"a": {"b": true}, "n": null}});
        let path = |text: &str| FieldPath(text.split('.').map(str::to_owned).collect());
        for good in ["id", "name", "o.a.b", "o.n", "o.n.x", "nothing", "nothing.at.all"] {
            assert_eq!(one_value(&document, &path(good)), Ok(()), "{good}");
        }
        for (wrong, why) in [
            ("items.sku", "`items` is a list, which has no field `sku`,"),
            ("name.first", "`name` is a text, which has no field `first`,"),
            ("o.a.b.c", "`o.a.b` is true or false, which has no field `c`,"),
            ("o.a", "`o.a` is not one value but a struct"),
            ("items", "`items` is not one value but a list"),
        ] {
            assert_eq!(one_value(&document, &path(wrong)), Err(why.to_owned()));
        }
    }
}
