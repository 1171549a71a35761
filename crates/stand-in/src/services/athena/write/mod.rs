//! The rows of a query, written into objects that nobody sees before the statement has succeeded.

mod commit;
mod delimited;
mod encoder;
mod encoding;
mod fit;
mod json;
mod partition;

use std::{collections::BTreeMap, sync::Arc};

use chrono::Utc;
use datafusion::{
    arrow::{
        array::new_null_array,
        datatypes::{Schema, SchemaRef},
        record_batch::RecordBatch,
    },
    error::DataFusionError,
};
use futures::StreamExt;

pub(super) use self::{
    commit::Written,
    encoding::{Encoding, RowFormat},
};
use self::{encoder::Encoder, fit::fit};
use super::{
    failure::Failure,
    plan::Planned,
    store::{Location, Store},
};
use crate::protocol::uuid;

/// How many partitions a statement may write (Athena user guide, "Use CTAS and INSERT INTO to work around the 100 partition limit").
const PARTITIONS: usize = 100;
/// How many bytes all objects under construction hold together before they are written out.
const HELD: usize = 64 << 20;

/// Where a partition's objects lie, by its values.
pub(super) type Folders = Box<dyn Fn(&[String]) -> Result<Location, Failure> + Send + Sync>;

/// Where rows go, and in what form.
pub(super) struct Target {
    /// All columns, those of the partitions last.
    pub(super) schema: SchemaRef,
    /// How many columns are of the partitions.
    pub(super) keys: usize,
    pub(super) encoding: Encoding,
    pub(super) folders: Folders,
}

struct RowWriter {
    store: Arc<dyn Store>,
    target: Target,
    /// The columns that the objects have.
    data: SchemaRef,
    open: BTreeMap<Vec<String>, Open>,
    rows: u64,
}

/// An object under construction.
struct Open {
    folder: Location,
    key: String,
    encoder: Encoder,
}

/// Writes the rows of a query, whose column `places[n]` is the target's column `n`: nulls where that is none, and where nothing is
/// said, each at its own place.
pub(super) async fn write(
    query: Planned,
    store: Arc<dyn Store>,
    target: Target,
    places: Option<Vec<Option<usize>>>,
) -> Result<Written, Failure> {
    let places = places.unwrap_or_else(|| (0..target.schema.fields().len()).map(Some).collect());
    let mut writer = RowWriter::new(store, target);
    let mut rows = query.stream().await?;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        writer.write(&batch, &places)?;
    }
    writer.finish()
}

impl RowWriter {
    fn new(store: Arc<dyn Store>, target: Target) -> Self {
        let width = target.schema.fields().len() - target.keys;
        let data = Arc::new(Schema::new(target.schema.fields()[..width].to_vec()));
        Self { store, target, data, open: BTreeMap::new(), rows: 0 }
    }

    /// Writes a batch whose columns have these places.
    fn write(&mut self, batch: &RecordBatch, places: &[Option<usize>]) -> Result<(), Failure> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let columns = self.target.schema.fields().iter().zip(places).map(|(field, place)| match place {
            Some(place) => fit(batch.column(*place), field.data_type()),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        });
        let columns = columns.collect::<Result<_, _>>()?;
        let fitted = RecordBatch::try_new(self.target.schema.clone(), columns)
            .map_err(|error| Failure::from(DataFusionError::from(error)))?;
        for (values, rows) in partition::split(&fitted, self.target.keys)? {
            self.opened(values)?.encoder.write(&rows)?;
        }
        self.rows += batch.num_rows() as u64;
        let share = HELD / self.open.len().max(1);
        self.open.values_mut().try_for_each(|open| open.encoder.hold_at_most(share))
    }

    fn opened(&mut self, values: Vec<String>) -> Result<&mut Open, Failure> {
        if !self.open.contains_key(&values) {
            if self.open.len() == PARTITIONS {
                return Err(Failure::user(format!(
                    "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of {PARTITIONS} open writers for partitions/buckets"
                )));
            }
            let open = self.begin(&values)?;
            self.open.insert(values.clone(), open);
        }
        self.open.get_mut(&values).ok_or_else(|| Failure::system("a partition is not open"))
    }

    fn begin(&self, values: &[String]) -> Result<Open, Failure> {
        let folder = (self.target.folders)(values)?;
        let extension = self.target.encoding.extension();
        let key = format!("{}{}_{}{extension}", folder.prefix, Utc::now().format("%Y%m%d_%H%M%S"), uuid());
        let draft = self.store.draft().map_err(|error| Failure::system(error.to_string()))?;
        Ok(Open { folder, key, encoder: Encoder::new(&self.target.encoding, &self.data, draft)? })
    }

    fn finish(self) -> Result<Written, Failure> {
        let mut written = Written { rows: self.rows, ..Written::default() };
        for (values, open) in self.open {
            let draft = open.encoder.finish()?;
            written.drafts.push((open.folder.bucket.clone(), open.key, draft));
            written.partitions.push((values, open.folder));
        }
        Ok(written)
    }
}
