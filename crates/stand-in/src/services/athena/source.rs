//! Objects read as rows, whatever their format.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::{
    arrow::{datatypes::SchemaRef, record_batch::RecordBatch},
    error::Result,
    execution::TaskContext,
    physical_plan::{SendableRecordBatchStream, stream::RecordBatchReceiverStream, streaming::PartitionStream},
};
use tokio::sync::mpsc::Sender;

use super::{
    failure::Failure,
    layout::{Format, Layout, Meter, Part, Wanted},
    parquet,
    store::Store,
    text,
};

/// The objects that one of the scan's workers reads.
pub(super) struct ObjectScan {
    pub(super) layout: Arc<Layout>,
    pub(super) parts: Vec<Part>,
    pub(super) store: Arc<dyn Store>,
    pub(super) meter: Arc<Meter>,
}

impl std::fmt::Debug for ObjectScan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("layout", &self.layout).field("parts", &self.parts.len()).finish()
    }
}

impl PartitionStream for ObjectScan {
    fn schema(&self) -> &SchemaRef {
        &self.layout.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStream::builder(self.layout.schema.clone(), 2);
        let output = stream.tx();
        let (layout, parts) = (self.layout.clone(), self.parts.clone());
        let (store, meter) = (self.store.clone(), self.meter.clone());
        stream.spawn(async move {
            for part in parts {
                if layout.format != Format::Parquet {
                    meter.add(part.object.size)?;
                }
                let data = fetch(store.as_ref(), &part).await?;
                let (layout, meter, output) = (layout.clone(), meter.clone(), output.clone());
                let reading = tokio::task::spawn_blocking(move || read(&part, &layout, data, &meter, &output));
                let wanted = reading.await.map_err(|e| Failure::system(e.to_string()))??;
                if !wanted {
                    break;
                }
            }
            Ok(())
        });
        stream.build()
    }
}

async fn fetch(store: &dyn Store, part: &Part) -> Result<Bytes, Failure> {
    let data = store.get(&part.bucket, &part.object.key).await;
    data.map_err(|error| part.bad("HIVE_CANNOT_OPEN_SPLIT", format!(": {error}")))
}

/// Gives all rows of one object to `output`.
fn read(
    part: &Part,
    layout: &Layout,
    data: Bytes,
    meter: &Meter,
    output: &Sender<Result<RecordBatch>>,
) -> Result<Wanted> {
    match layout.format {
        Format::Json | Format::Delimited(_) => text::Reader::new(layout, part).read(&data, output),
        Format::Parquet => parquet::read(layout, part, data, meter, output),
    }
}
