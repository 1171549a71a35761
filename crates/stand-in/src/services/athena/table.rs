//! A Glue table as DataFusion scans it.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use chrono::Utc;
use datafusion::{
    arrow::{
        array::{Array, AsArray},
        datatypes::{DataType, Field, Schema, SchemaRef},
        record_batch::RecordBatch,
    },
    catalog::{Session, TableProvider},
    common::ToDFSchema,
    error::Result,
    logical_expr::{
        BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType,
        expr::InList,
        expr_rewriter,
        utils::{conjunction, split_conjunction},
    },
    physical_plan::{
        ExecutionPlan, PhysicalExpr,
        empty::EmptyExec,
        streaming::{PartitionStream, StreamingTableExec},
    },
    scalar::ScalarValue,
};

use super::{
    failure::Failure,
    folders::parsed,
    layout::{Format, Layout, Meter, Origin, Part},
    projection::Projection,
    source::ObjectScan,
    store::{Location, Store},
};
use crate::{
    hive::{self, Delimiters},
    services::{
        glue::{PartitionInfo, TableInfo},
        s3::Object,
    },
    trino,
};

/// The SerDes whose tables are JSON, one object a line.
const JSON_SERDES: [&str; 3] = [
    "org.openx.data.jsonserde.JsonSerDe",
    "org.apache.hive.hcatalog.data.JsonSerDe",
    "org.apache.hadoop.hive.serde2.JsonSerDe",
];

const PARQUET_SERDES: [&str; 2] =
    ["org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", "parquet.hive.serde.ParquetHiveSerDe"];

const TEXT_SERDE: &str = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe";

/// A table of objects in S3.
pub(super) struct GlueTable {
    info: TableInfo,
    format: Format,
    registered: Vec<PartitionInfo>,
    /// The documents' columns, then the partition keys, then where the object lies if that is asked for.
    schema: SchemaRef,
    keys: SchemaRef,
    store: Arc<dyn Store>,
    meter: Arc<Meter>,
}

impl std::fmt::Debug for GlueTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GlueTable").field("info", &self.info).finish_non_exhaustive()
    }
}

impl GlueTable {
    pub(super) fn new(
        info: TableInfo,
        registered: Vec<PartitionInfo>,
        store: Arc<dyn Store>,
        meter: Arc<Meter>,
        with_path: bool,
    ) -> Result<Self, Failure> {
        let format = format(&info)?;
        let keys = Arc::new(Schema::new(fields(&info.partition_keys)?));
        let mut all = fields(&info.columns)?;
        if matches!(format, Format::Delimited(_)) && all.iter().any(|field| has_map(field.data_type())) {
            return Err(Failure::user("NOT_SUPPORTED: the stand-in reads no map in a delimited table; Athena does"));
        }
        all.extend(fields(&info.partition_keys)?);
        all.extend(with_path.then(|| Field::new(trino::PATH, DataType::Utf8, false)));
        Ok(Self { info, registered, format, schema: Arc::new(Schema::new(all)), keys, store, meter })
    }

    fn layout(&self, projection: Option<&Vec<usize>>) -> Result<Layout> {
        let every: Vec<usize> = (0..self.schema.fields().len()).collect();
        let projection = projection.unwrap_or(&every);
        let documents = self.info.columns.len();
        let origin = |index: &usize| match index.checked_sub(documents) {
            None => Origin::Document(*index),
            Some(key) if key < self.info.partition_keys.len() => Origin::Partition(key),
            Some(_) => Origin::Path,
        };
        let ignore = self.info.serde_parameters.get("ignore.malformed.json");
        Ok(Layout {
            format: self.format,
            schema: Arc::new(self.schema.project(projection)?),
            origins: projection.iter().map(origin).collect(),
            header_lines: header_lines(&self.info)?,
            keys: hive::KeyMappings::of_serde(&self.info.serde_parameters),
            ignore_malformed: ignore.is_some_and(|value| value.eq_ignore_ascii_case("true")),
        })
    }

    /// The objects of the partitions that `filter` leaves.
    async fn parts(&self, filter: &Filter) -> Result<Vec<Part>> {
        if let Some(projection) = Projection::of(&self.info, Utc::now())? {
            self.projected(&projection, filter).await
        } else if self.info.partition_keys.is_empty() {
            let location = parsed(&self.info.location)?;
            Ok(parts(&location.bucket, self.list(&location).await?, Arc::default()).collect())
        } else {
            self.registered(filter).await
        }
    }

    async fn registered(&self, filter: &Filter) -> Result<Vec<Part>> {
        let rows = self.registered.iter().map(|partition| self.values(&partition.values));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let kept = filter.keep(&self.keys, &rows)?;
        let mut all = Vec::new();
        for ((partition, values), kept) in self.registered.iter().zip(rows).zip(kept) {
            if kept {
                let location = parsed(&partition.location)?;
                all.extend(parts(&location.bucket, self.list(&location).await?, Arc::new(values)));
            }
        }
        Ok(all)
    }

    async fn projected(&self, projection: &Projection, filter: &Filter) -> Result<Vec<Part>> {
        projection.check_injected(|key| filter.fixed.iter().any(|fixed| fixed == key))?;
        let mut partitions: BTreeMap<Vec<String>, Vec<Object>> = BTreeMap::new();
        for object in self.list(&projection.root).await? {
            if let Some(values) = projection.values_of(&object.key) {
                partitions.entry(values).or_default().push(object);
            }
        }
        let rows = partitions.keys().map(|values| self.values(values)).collect::<Result<Vec<_>, _>>()?;
        let kept = filter.keep(&self.keys, &rows)?;
        let kept = partitions.into_values().zip(rows).zip(kept).filter(|(_, kept)| *kept);
        Ok(kept.flat_map(|((objects, values), _)| parts(&projection.root.bucket, objects, Arc::new(values))).collect())
    }

    fn values(&self, texts: &[String]) -> Result<Vec<ScalarValue>, Failure> {
        let typed = texts.iter().zip(self.keys.fields());
        typed.map(|(text, key)| hive::partition_value(text, key.data_type()).map_err(Failure::user)).collect()
    }

    /// What Hive would read under a location: no empty objects, none whose name begins with `_` or `.`.
    async fn list(&self, location: &Location) -> Result<Vec<Object>, Failure> {
        let listed = self.store.list(&location.bucket, &location.prefix).await;
        let mut objects = listed.map_err(|error| {
            Failure::user(format!("HIVE_FILESYSTEM_ERROR: s3://{}/{}: {error}", location.bucket, location.prefix))
        })?;
        objects.retain(|object| {
            let name = object.key.rsplit('/').next().unwrap_or_default();
            object.size > 0 && !name.is_empty() && !name.starts_with(['_', '.'])
        });
        Ok(objects)
    }
}

#[async_trait]
impl TableProvider for GlueTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// What is asked of partition keys alone decides which partitions are read; the rest DataFusion filters itself.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let of_keys = |filter: &&Expr| {
            let columns = filter.column_refs();
            !columns.is_empty()
                && !filter.is_volatile()
                && columns.iter().all(|column| self.keys.column_with_name(&column.name).is_some())
        };
        let answer = |of_keys| {
            if of_keys { TableProviderFilterPushDown::Exact } else { TableProviderFilterPushDown::Unsupported }
        };
        Ok(filters.iter().map(of_keys).map(answer).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let layout = Arc::new(self.layout(projection)?);
        let parts = self.parts(&Filter::new(state, filters, &self.keys)?).await?;
        if parts.is_empty() {
            return Ok(Arc::new(EmptyExec::new(layout.schema.clone())));
        }
        let shares = share_out(parts, state.config().target_partitions());
        let sources = shares.into_iter().map(|parts| {
            let source =
                ObjectScan { layout: layout.clone(), parts, store: self.store.clone(), meter: self.meter.clone() };
            Arc::new(source) as Arc<dyn PartitionStream>
        });
        let scan = StreamingTableExec::try_new(layout.schema.clone(), sources.collect(), None, [], false, limit)?;
        Ok(Arc::new(scan))
    }
}

/// A filter over partition keys.
struct Filter {
    expression: Option<Arc<dyn PhysicalExpr>>,
    /// The keys that it compares with literals alone.
    fixed: Vec<String>,
}

impl Filter {
    fn new(state: &dyn Session, filters: &[Expr], keys: &SchemaRef) -> Result<Self> {
        let unqualified = filters.iter().cloned().map(expr_rewriter::unnormalize_col);
        let Some(filter) = conjunction(unqualified) else { return Ok(Self { expression: None, fixed: Vec::new() }) };
        let fixed = split_conjunction(&filter).into_iter().filter_map(fixed).map(str::to_owned).collect();
        let schema = keys.as_ref().clone().to_dfschema()?;
        Ok(Self { expression: Some(state.create_physical_expr(filter, &schema)?), fixed })
    }

    /// Which of the partitions with these values are to be read.
    fn keep(&self, keys: &SchemaRef, rows: &[Vec<ScalarValue>]) -> Result<Vec<bool>> {
        let Some(filter) = &self.expression else { return Ok(vec![true; rows.len()]) };
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let columns =
            (0..keys.fields().len()).map(|key| ScalarValue::iter_to_array(rows.iter().map(|row| row[key].clone())));
        let batch = RecordBatch::try_new(keys.clone(), columns.collect::<Result<_>>()?)?;
        let verdicts = filter.evaluate(&batch)?.into_array(rows.len())?;
        let verdicts = verdicts.as_boolean();
        Ok((0..rows.len()).map(|row| verdicts.is_valid(row) && verdicts.value(row)).collect())
    }
}

/// The column that a condition has equal to one literal, or to one of several.
fn fixed(condition: &Expr) -> Option<&str> {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), Expr::Literal(..)) | (Expr::Literal(..), Expr::Column(column)) => Some(&column.name),
            _ => None,
        },
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            fixed(left).filter(|name| fixed(right) == Some(name))
        }
        Expr::InList(InList { expr, list, negated: false }) => match expr.as_ref() {
            Expr::Column(column) if list.iter().all(|value| matches!(value, Expr::Literal(..))) => Some(&column.name),
            _ => None,
        },
        _ => None,
    }
}

/// What the objects of a table hold, by its SerDe.
pub(super) fn format(table: &TableInfo) -> Result<Format, Failure> {
    match table.serde.as_str() {
        serde if JSON_SERDES.contains(&serde) => Ok(Format::Json),
        serde if PARQUET_SERDES.contains(&serde) => Ok(Format::Parquet),
        TEXT_SERDE => {
            let delimiters = Delimiters::of_serde(&table.serde_parameters);
            delimiters.map(Format::Delimited).map_err(|why| Failure::user(format!("NOT_SUPPORTED: {why}")))
        }
        serde => Err(Failure::user(format!(
            "NOT_SUPPORTED: the table's SerDe is {serde:?}; the stand-in reads {}, {}, {TEXT_SERDE}",
            JSON_SERDES.join(", "),
            PARQUET_SERDES.join(", ")
        ))),
    }
}

/// How many lines of each object are above its first row.
pub(super) fn header_lines(table: &TableInfo) -> Result<u64, Failure> {
    const NAME: &str = "skip.header.line.count";
    let Some(count) = table.parameters.get(NAME) else { return Ok(0) };
    count.parse().map_err(|_| Failure::user(format!("HIVE_INVALID_METADATA: {NAME} {count:?}: a number is expected")))
}

fn fields(columns: &[(String, String)]) -> Result<Vec<Field>, Failure> {
    let field = |(name, hive): &(String, String)| -> Result<Field, Failure> {
        let data_type: DataType =
            hive::arrow_type(hive).map_err(|why| Failure::user(format!("NOT_SUPPORTED: column {name}: {why}")))?;
        Ok(Field::new(name, data_type, true))
    };
    columns.iter().map(field).collect()
}

fn has_map(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) => true,
        DataType::List(item) => has_map(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_map(field.data_type())),
        _ => false,
    }
}

fn parts(bucket: &str, objects: Vec<Object>, values: Arc<Vec<ScalarValue>>) -> impl Iterator<Item = Part> {
    objects.into_iter().map(move |object| Part { bucket: bucket.to_owned(), object, values: values.clone() })
}

/// Deals the objects out among at most `workers`, the largest first, each to whoever has least.
fn share_out(mut parts: Vec<Part>, workers: usize) -> Vec<Vec<Part>> {
    let mut shares = vec![(0, Vec::new()); workers.clamp(1, parts.len())];
    parts.sort_by_key(|part| std::cmp::Reverse(part.object.size));
    for part in parts {
        let least = shares.iter_mut().min_by_key(|(bytes, _)| *bytes).expect("there is a share");
        least.0 += part.object.size;
        least.1.push(part);
    }
    shares.into_iter().map(|(_, parts)| parts).collect()
}
