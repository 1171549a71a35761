//! The operations on partitions.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    catalog::Catalog,
    expression::Expression,
    partition::{Partition, key},
    wire::{Object, Paging, check_batch, error_detail, listing, not_found, request},
};
use crate::service_error::ServiceError;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Create {
    database_name: String,
    table_name: String,
    partition_input: Object,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct BatchCreate {
    database_name: String,
    table_name: String,
    partition_input_list: Vec<Object>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    database_name: String,
    table_name: String,
    partition_values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Update {
    database_name: String,
    table_name: String,
    partition_value_list: Vec<String>,
    partition_input: Object,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Segment {
    segment_number: usize,
    total_segments: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    database_name: String,
    table_name: String,
    expression: Option<String>,
    segment: Option<Segment>,
    #[serde(default)]
    exclude_column_schema: bool,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Values {
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct BatchGet {
    database_name: String,
    table_name: String,
    partitions_to_get: Vec<Values>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct BatchDelete {
    database_name: String,
    table_name: String,
    partitions_to_delete: Vec<Values>,
}

impl Catalog {
    pub(super) fn create_partition(&self, request: Create) -> Result<Value, ServiceError> {
        let partition = Partition::new(request.partition_input)?;
        self.change_table(&request.database_name, &request.table_name, |table| table.add(partition))?;
        Ok(json!({}))
    }

    pub(super) fn batch_create_partition(&self, request: BatchCreate) -> Result<Value, ServiceError> {
        check_batch(request.partition_input_list.len(), 100, "partitions")?;
        let partitions: Vec<_> =
            request.partition_input_list.into_iter().map(Partition::new).collect::<Result<_, _>>()?;
        self.change_table(&request.database_name, &request.table_name, |table| {
            let each = partitions.into_iter().map(|partition| (partition.values().to_vec(), table.add(partition)));
            Ok(json!({"Errors": failures(each)}))
        })
    }

    /// Creates those of these partitions that do not exist, all of them or none.
    pub(super) fn add_partitions(&self, database: &str, table: &str, inputs: Vec<Value>) -> Result<(), ServiceError> {
        let inputs = inputs.into_iter().map(|input| Partition::new(request(input)?));
        let partitions: Vec<_> = inputs.collect::<Result<_, ServiceError>>()?;
        self.change_table(database, table, |table| {
            partitions.iter().try_for_each(|partition| table.check_values(partition.values()))?;
            for partition in partitions {
                table.partitions.entry(key(partition.values())).or_insert(partition);
            }
            Ok(())
        })
    }

    pub(super) fn get_partition(&self, request: Named) -> Result<Value, ServiceError> {
        self.with_table(&request.database_name, &request.table_name, |table| {
            table.check_values(&request.partition_values)?;
            let partition = table.partitions.get(&key(&request.partition_values));
            let partition = partition.ok_or_else(|| not_found("Cannot find partition."))?;
            Ok(json!({"Partition": table.describe_partition(partition)}))
        })
    }

    pub(super) fn get_partitions(&self, request: List) -> Result<Value, ServiceError> {
        self.with_table(&request.database_name, &request.table_name, |table| {
            let keys = table.partition_keys();
            let wanted = Expression::parse(request.expression.as_deref(), &keys)?;
            let mut matching = Vec::new();
            for (index, (key, partition)) in table.partitions.iter().enumerate() {
                let in_segment = request.segment.as_ref().is_none_or(|segment| {
                    segment.total_segments > 0 && index % segment.total_segments == segment.segment_number
                });
                if in_segment && wanted.matches(partition.values())? {
                    matching.push((key.clone(), partition));
                }
            }
            let (page, token) = request.paging.page(matching.into_iter(), 1000)?;
            let mut page: Vec<Value> = page.into_iter().map(|partition| table.describe_partition(partition)).collect();
            if request.exclude_column_schema {
                page.iter_mut().for_each(remove_columns);
            }
            Ok(listing("Partitions", page, token))
        })
    }

    pub(super) fn batch_get_partition(&self, request: BatchGet) -> Result<Value, ServiceError> {
        check_batch(request.partitions_to_get.len(), 1000, "partitions")?;
        self.with_table(&request.database_name, &request.table_name, |table| {
            let found =
                request.partitions_to_get.iter().filter_map(|wanted| table.partitions.get(&key(&wanted.values)));
            let found: Vec<_> = found.map(|partition| table.describe_partition(partition)).collect();
            Ok(json!({"Partitions": found, "UnprocessedKeys": []}))
        })
    }

    pub(super) fn update_partition(&self, request: Update) -> Result<Value, ServiceError> {
        let partition = Partition::new(request.partition_input)?;
        self.change_table(&request.database_name, &request.table_name, |table| {
            table.drop(&request.partition_value_list)?;
            table.add(partition)
        })?;
        Ok(json!({}))
    }

    pub(super) fn delete_partition(&self, request: Named) -> Result<Value, ServiceError> {
        self.change_table(&request.database_name, &request.table_name, |table| table.drop(&request.partition_values))?;
        Ok(json!({}))
    }

    pub(super) fn batch_delete_partition(&self, request: BatchDelete) -> Result<Value, ServiceError> {
        check_batch(request.partitions_to_delete.len(), 25, "partitions")?;
        self.change_table(&request.database_name, &request.table_name, |table| {
            let each = request.partitions_to_delete.into_iter().map(|gone| {
                let outcome = table.drop(&gone.values);
                (gone.values, outcome)
            });
            Ok(json!({"Errors": failures(each)}))
        })
    }
}

fn remove_columns(partition: &mut Value) {
    if let Some(storage) = partition["StorageDescriptor"].as_object_mut() {
        storage.remove("Columns");
    }
}

/// The errors of a batch, one for each partition that failed.
fn failures(each: impl Iterator<Item = (Vec<String>, Result<(), ServiceError>)>) -> Vec<Value> {
    each.filter_map(|(values, outcome)| {
        let error = outcome.err()?;
        Some(json!({"PartitionValues": values, "ErrorDetail": error_detail(&error)}))
    })
    .collect()
}
