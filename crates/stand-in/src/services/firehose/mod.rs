//! Firehose that truly delivers.
//!
//! A delivery stream from Kinesis starts at what is newest in each shard when it is created; shards that resharding makes
//! later are read from their beginning. An object's records are remembered before it is put, so that a process killed at any
//! moment neither loses records nor delivers them twice. What goes to Redshift lands in S3 first, and is loaded from there by
//! COPY. Format conversion makes Parquet by the columns of a Glue table. Dynamic partitioning knows a part of jq; its
//! partitions share one buffer, and all are written when that is due. Aggregated records of a stream are taken apart before
//! anything else is done with them. Not covered: destinations other than S3 and Redshift, Lambda, ORC, `Content-Encoding`,
//! multi-record de-aggregation of what is put directly, encryption, backup, time zones, throughput limits.

mod buffer;
mod codec;
mod conversion;
mod deliver;
mod direct;
mod extraction;
mod failure;
mod jq;
mod item;
mod landing;
mod loads;
mod manage;
mod parquet;
mod processing;
mod progress;
mod recipe;
mod records;
mod redshift;
mod redshift_settings;
mod refuse;
mod settings;
mod source;
mod spool;
mod stream;
mod tags;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use tokio::{runtime::Handle, sync::watch, task::JoinHandle};

use self::{
    deliver::Delivery,
    loads::Loads,
    progress::Progress,
    redshift::Loader,
    source::RecordSource,
    spool::Spool,
    stream::{DeliveryStream, Ledger, Status},
};
use crate::{
    durable::Durable,
    inventory::Inventory,
    protocol::{Json, Protocol, uuid},
    service::{Answer, Call, Operation::Immediate, Operations, Service},
    service_error::ServiceError,
    services::{glue::Glue, iam::Iam, kinesis::Kinesis, redshift::Redshift, s3::S3},
};

/// Delivery streams of an account, to begin with (Service Quotas, Amazon Data Firehose).
const MOST_STREAMS: usize = 5_000;

/// Amazon Data Firehose. Dropping it stops delivery; opening it again continues from there.
pub struct Firehose {
    folder: PathBuf,
    kinesis: Arc<Kinesis>,
    s3: Arc<S3>,
    iam: Arc<Iam>,
    redshift: Arc<Redshift>,
    glue: Arc<Glue>,
    ledger: Arc<Durable<Ledger>>,
    /// Delivery streams of the account.
    stream_quota: AtomicUsize,
    /// By the id of the delivery stream.
    running: Mutex<HashMap<String, Running>>,
}

/// A delivery at work.
struct Running {
    task: JoinHandle<()>,
    deleted: watch::Sender<bool>,
    source: RecordSource,
    progress: Arc<Durable<Progress>>,
}

impl Firehose {
    /// Opens the delivery streams that lie in `folder` and goes on delivering; to be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the folder cannot be read or written, what lies there is damaged, or there is no runtime.
    pub(crate) fn open(
        folder: &Path,
        kinesis: Arc<Kinesis>,
        s3: Arc<S3>,
        iam: Arc<Iam>,
        redshift: Arc<Redshift>,
        glue: Arc<Glue>,
    ) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder.join("deliveries"))?;
        // A destination may hold a password.
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        let ledger = Arc::new(Durable::<Ledger>::open(&folder.join("ledger.json"))?);
        let (stream_quota, running) = (AtomicUsize::new(MOST_STREAMS), Mutex::default());
        let folder = folder.to_owned();
        let firehose = Self { folder, kinesis, s3, iam, redshift, glue, ledger, stream_quota, running };
        firehose.forget_deleted()?;
        let streams = firehose.ledger.read().clone();
        for (name, stream) in &streams {
            firehose.start(name, stream)?;
        }
        Ok(Arc::new(firehose))
    }

    /// How many delivery streams there may be.
    pub(crate) fn stream_quota(&self) -> usize {
        self.stream_quota.load(Ordering::Relaxed)
    }

    /// Sets that quota, as Service Quotas does on request, until the stand-in closes; what is there stays.
    pub fn set_stream_quota(&self, streams: usize) {
        self.stream_quota.store(streams, Ordering::Relaxed);
    }

    /// Whether every record that the source has now is delivered.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such delivery stream, or its source is gone.
    pub fn is_caught_up(&self, name: &str) -> Result<bool, ServiceError> {
        let id = self.find(name)?.id;
        let (source, progress) = {
            let running = self.running();
            let running = running.get(&id).ok_or_else(|| refuse::not_found(name))?;
            (running.source.clone(), running.progress.clone())
        };
        for shard in source.shards()? {
            let end = source.end(&shard)?;
            if progress.read().delivered.get(&shard).copied().unwrap_or(0) < end {
                return Ok(false);
            }
        }
        Ok(progress.read().loads.as_ref().is_none_or(Loads::is_empty))
    }

    fn find(&self, name: &str) -> Result<DeliveryStream, ServiceError> {
        self.ledger.read().get(name).cloned().ok_or_else(|| refuse::not_found(name))
    }

    fn delivery_folder(&self, id: &str) -> PathBuf {
        self.folder.join("deliveries").join(id)
    }

    fn source(&self, stream: &DeliveryStream) -> io::Result<RecordSource> {
        match &stream.source {
            Some(source) => Ok(RecordSource::Stream { kinesis: self.kinesis.clone(), arn: source.stream_arn.clone() }),
            None => Ok(RecordSource::Spool(Arc::new(Spool::open(&self.delivery_folder(&stream.id).join("spool"))?))),
        }
    }

    fn start(&self, name: &str, stream: &DeliveryStream) -> io::Result<()> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let folder = self.delivery_folder(&stream.id);
        let progress = Arc::new(Durable::<Progress>::open(&folder.join("progress.json"))?);
        let source = self.source(stream)?;
        let (deleted, is_deleted) = watch::channel(false);
        let (ledger, name) = (self.ledger.clone(), name.to_owned());
        let stores = (self.s3.clone(), self.glue.clone());
        let delivery =
            Delivery::new(name.clone(), ledger.clone(), progress.clone(), source.clone(), stores, is_deleted);
        let loader = stream.redshift.is_some().then(|| Loader {
            name: name.clone(),
            ledger: ledger.clone(),
            progress: progress.clone(),
            s3: self.s3.clone(),
            redshift: self.redshift.clone(),
        });
        let task = runtime.spawn(async move {
            match loader {
                Some(loader) => loader.run_alongside(delivery.run()).await,
                None => delivery.run().await,
            }
            if let Err(error) = forget(&ledger, &name, &folder) {
                tracing::warn!(delivery = name, %error, "the deleted delivery stream is not yet forgotten");
            }
        });
        let mut running = self.running();
        running.retain(|_, running| !running.task.is_finished());
        running.insert(stream.id.clone(), Running { task, deleted, source, progress });
        Ok(())
    }

    /// Ends what a crash left half deleted or half created.
    fn forget_deleted(&self) -> io::Result<()> {
        self.ledger.change(|ledger| {
            ledger.retain(|_, stream| stream.status != Status::Deleting);
            Ok::<_, io::Error>(())
        })?;
        let known: Vec<PathBuf> = self.ledger.read().values().map(|stream| self.delivery_folder(&stream.id)).collect();
        for entry in fs::read_dir(self.folder.join("deliveries"))? {
            let path = entry?.path();
            if !known.contains(&path) {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static OPERATIONS: Operations<Firehose> = Operations(&[
    ("CreateDeliveryStream", Immediate(|firehose, call| firehose.create(parse(&call.body)?))),
    ("DeleteDeliveryStream", Immediate(|firehose, call| firehose.delete(parse(&call.body)?))),
    ("DescribeDeliveryStream", Immediate(|firehose, call| firehose.describe(parse(&call.body)?))),
    ("ListDeliveryStreams", Immediate(|firehose, call| firehose.list(parse(&call.body)?))),
    ("UpdateDestination", Immediate(|firehose, call| firehose.update_destination(parse(&call.body)?))),
    ("TagDeliveryStream", Immediate(|firehose, call| firehose.tag(parse(&call.body)?))),
    ("UntagDeliveryStream", Immediate(|firehose, call| firehose.untag(parse(&call.body)?))),
    ("ListTagsForDeliveryStream", Immediate(|firehose, call| firehose.list_tags(parse(&call.body)?))),
    ("PutRecord", Immediate(|firehose, call| firehose.put_record(parse(&call.body)?))),
    ("PutRecordBatch", Immediate(|firehose, call| firehose.put_record_batch(parse(&call.body)?))),
]);

#[async_trait]
impl Service for Firehose {
    fn name(&self) -> &'static str {
        "firehose"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json(Json::of_target("Firehose_20150804"))
    }

    fn operations(&self) -> Vec<&'static str> {
        OPERATIONS.names()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        OPERATIONS.run(&*self, &call).await
    }

    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        let ledger = self.ledger.read();
        ledger.iter().try_for_each(|(name, stream)| into.add("firehose delivery stream", name, stream))
    }
}

impl Drop for Firehose {
    fn drop(&mut self) {
        self.running().values().for_each(|running| running.task.abort());
    }
}

/// Removes what is known of a delivery stream; its folder last, which the next opening clears away otherwise.
fn forget(ledger: &Durable<Ledger>, name: &str, folder: &Path) -> Result<(), ServiceError> {
    ledger.change(|ledger| {
        ledger.remove(name);
        Ok::<_, ServiceError>(())
    })?;
    Ok(fs::remove_dir_all(folder)?)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ServiceError> {
    serde_json::from_slice(body).map_err(|e| refuse::unreadable(&e))
}
