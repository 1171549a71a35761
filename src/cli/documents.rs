//! The documents of a stack, before anything is created: checks their file or template and reads their columns.

use demo_formats::schema::{self, Field, Schema};
use demo_function::{ARRIVED, ITEM_BYTES, PROCESSED};
use demo_workload::Identity;

use super::{exit::Stop, screen::Screen};
use crate::{
    load::Opened,
    report::terminal::grouped,
    spec::{Format, Stack, Workload},
};

/// What a stack sends.
#[derive(Clone)]
pub struct Documents {
    /// The columns of its tables.
    pub schema: Schema,
    /// The user's own documents, checked. Those of `store_sales` need no check, and are opened when they are sent.
    pub opened: Option<Opened>,
}

impl Documents {
    /// Checks a user's own documents and reports what it finds.
    ///
    /// Errors end the command with exit code 2: nothing was touched.
    pub async fn of(stack: &Stack, screen: &Screen) -> anyhow::Result<Self> {
        if matches!(stack.load.workload, Workload::StoreSales { .. }) {
            return Ok(Self { schema: schema::store_sales().clone(), opened: None });
        }
        let of = stack.clone();
        let opened = tokio::task::spawn_blocking(move || Opened::of(&of)).await?;
        let opened = opened.map_err(Stop::usage)?;
        told_apart(stack, &opened.source.identity()).map_err(Stop::usage)?;
        let schema = columns(stack, &opened).map_err(Stop::usage)?;
        tell(stack, &opened, &schema, screen);
        Ok(Self { schema, opened: Some(opened) })
    }

    /// The documents to send.
    pub async fn open(&self, stack: &Stack) -> anyhow::Result<Opened> {
        match &self.opened {
            Some(opened) => Ok(opened.clone()),
            None => {
                let of = stack.clone();
                Ok(tokio::task::spawn_blocking(move || Opened::of(&of)).await??)
            }
        }
    }
}

/// Checks that documents can be identified. Parquet keeps values, not lines, so its documents need a key.
fn told_apart(stack: &Stack, identity: &Identity) -> Result<(), String> {
    let parquet = stack.deliver.s3.as_ref().is_some_and(|s3| s3.format == Format::Parquet);
    if !parquet || *identity != Identity::Line {
        return Ok(());
    }
    Err("`deliver.s3.format: parquet` does not keep lines as they were sent, so lines cannot identify documents; \
         declare the fields that do, for example `key: [id]` in the workload"
        .to_owned())
}

/// The columns. Only tables need them: without a table, documents may have any keys.
fn columns(stack: &Stack, opened: &Opened) -> Result<Schema, String> {
    let catalog = stack.deliver.s3.as_ref().filter(|s3| s3.catalog.is_some());
    let schema = match opened.schema() {
        Err(_) if catalog.is_none() && stack.deliver.redshift.is_none() => opened.fields(),
        schema => schema.map_err(|error| error.to_string())?,
    };
    let partitions = catalog.map(|s3| s3.partition_columns()).unwrap_or_default();
    let taken = schema.columns.iter().find(|column| partitions.contains(&column.name.to_lowercase()));
    if let Some(Field { name, .. }) = taken {
        return Err(format!(
            "the documents have a field `{name}`, and `deliver.s3.prefix` has a partition key of the same name; \
             rename one of them"
        ));
    }
    let added = schema.columns.iter().find(|column| [ARRIVED, PROCESSED].contains(&column.name.as_str()));
    match added.filter(|_| stack.deliver.dynamodb.is_some()) {
        Some(Field { name, .. }) => Err(format!(
            "the documents have a field `{name}`, and the function that writes to DynamoDB adds an attribute of that \
             name to every item; rename the field"
        )),
        None => Ok(schema),
    }
}

fn tell(stack: &Stack, opened: &Opened, schema: &Schema, screen: &Screen) {
    let columns = match schema.columns.len() {
        0 => String::new(),
        1 => "1 column".to_owned(),
        many => format!("{many} columns"),
    };
    let (Some(found), Workload::JsonLines { file, .. }) = (opened.found(), &stack.load.workload) else {
        screen.line(&format!("documents of a template: {columns}"));
        return;
    };
    if found.broken > 0 {
        let broken = grouped(found.broken);
        let lines = found.broken_lines();
        screen.warning(&format!("skipping {broken} broken lines of {}\n{}", file.display(), lines.trim_end()));
    }
    if stack.deliver.dynamodb.is_some() && found.largest > ITEM_BYTES {
        let largest = grouped(found.largest as u64);
        screen.warning(&format!(
            "the largest document of {} has {largest} bytes, but DynamoDB takes items of at most {} bytes",
            file.display(),
            grouped(ITEM_BYTES as u64)
        ));
    }
    let blank = match found.blank {
        0 => String::new(),
        1 => ", 1 blank line".to_owned(),
        many => format!(", {} blank lines", grouped(many)),
    };
    let columns = if columns.is_empty() { columns } else { format!(", {columns}") };
    screen.line(&format!("{}: {} documents{columns}{blank}", file.display(), grouped(found.documents)));
}
