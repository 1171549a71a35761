//! Creating, showing, changing and deleting event source mappings.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{runtime::Handle, sync::watch, task::JoinHandle};

use super::{
    Answer, Durable, Inventory, Kinesis, Reply, S3, ServiceError,
    function::name_in,
    functions::Functions,
    last_result::LastResult,
    mapping::{Ledger, Mapping, MappingSettings, MappingState, StartingPosition},
    mapping_poller::MappingPoller,
    progress::Progress,
    refuse,
    route::{Paging, Wanted},
};

/// Lambda API reference, ListEventSourceMappings.
const LARGEST_PAGE: usize = 100;

/// Every mapping, and those that are at work.
pub(super) struct Mappings {
    folder: PathBuf,
    kinesis: Arc<Kinesis>,
    s3: Arc<S3>,
    functions: Arc<Functions>,
    ledger: Arc<Durable<Ledger>>,
    /// By the id of the mapping.
    running: Mutex<HashMap<String, Running>>,
}

/// A mapping at work.
struct Running {
    task: JoinHandle<()>,
    /// Told when the mapping is changed or deleted.
    changed: watch::Sender<()>,
    last_result: LastResult,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    event_source_arn: Option<String>,
    function_name: String,
    enabled: Option<bool>,
    starting_position: Option<StartingPosition>,
    starting_position_timestamp: Option<f64>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(flatten)]
    settings: MappingSettings,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    function_name: Option<String>,
    enabled: Option<bool>,
    #[serde(flatten)]
    settings: MappingSettings,
}

impl Mappings {
    pub(super) fn open(
        folder: &Path,
        kinesis: Arc<Kinesis>,
        s3: Arc<S3>,
        functions: Arc<Functions>,
    ) -> io::Result<Self> {
        fs::create_dir_all(folder.join("progress"))?;
        let ledger = Arc::new(Durable::<Ledger>::open(&folder.join("ledger.json"))?);
        let running = Mutex::default();
        let mappings = Self { folder: folder.to_owned(), kinesis, s3, functions, ledger, running };
        mappings.forget_deleted()?;
        let ids: Vec<String> = mappings.ledger.read().keys().cloned().collect();
        ids.iter().try_for_each(|id| mappings.start(id))?;
        Ok(mappings)
    }

    pub(super) fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        let ledger = self.ledger.read();
        ledger.iter().try_for_each(|(id, mapping)| {
            into.add("lambda mapping", format!("{} of {}", id, mapping.function), mapping)
        })
    }

    pub(super) fn create(&self, request: Create) -> Answer {
        let (id, mapping) = (super::uuid(), self.new_mapping(request)?);
        self.refuse_doubled(&mapping)?;
        self.mark_start(&id, &mapping)?;
        let added = self.ledger.change(|ledger| {
            doubled(ledger, &mapping)?;
            ledger.insert(id.clone(), mapping.clone());
            Ok(())
        });
        if let Err(error) = added {
            fs::remove_file(self.progress_file(&id))?;
            return Err(error);
        }
        self.start(&id)?;
        Reply::json(202, &mapping.describe(&id, LastResult::NONE))
    }

    fn new_mapping(&self, request: Create) -> Result<Mapping, ServiceError> {
        refuse::reserved(&request.tags)?;
        let stream_arn = request.event_source_arn.ok_or_else(|| refuse::parameter("EventSourceArn is required."))?;
        if !stream_arn.contains(":kinesis:") {
            return Err(refuse::not_covered(&format!("The event source {stream_arn}")));
        }
        let starting_position = request.starting_position.ok_or_else(|| {
            refuse::parameter(
                "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.",
            )
        })?;
        let at_timestamp = starting_position == StartingPosition::AtTimestamp;
        if at_timestamp != request.starting_position_timestamp.is_some() {
            return Err(refuse::parameter(
                "StartingPositionTimestamp is required with the StartingPosition AT_TIMESTAMP, and allowed with no other.",
            ));
        }
        request.settings.check(&self.s3)?;
        let function = name_in(&request.function_name).to_owned();
        self.functions.find(&function)?;
        Ok(Mapping {
            stream_arn,
            function,
            starting_position,
            starting_timestamp: request.starting_position_timestamp,
            state: MappingState::Creating,
            enabled: request.enabled.unwrap_or(true),
            settings: request.settings,
            modified: super::now(),
            tags: request.tags,
        })
    }

    fn refuse_doubled(&self, mapping: &Mapping) -> Result<(), ServiceError> {
        doubled(&self.ledger.read(), mapping)
    }

    /// Records where each existing shard begins; a shard that a later reshard creates is read from its beginning.
    fn mark_start(&self, id: &str, mapping: &Mapping) -> Result<(), ServiceError> {
        let (kinesis, arn) = (&self.kinesis, &mapping.stream_arn);
        let shards = kinesis.shards(arn).map_err(|_| refuse::parameter(format!("Stream not found: {arn}")))?;
        let progress = Durable::<Progress>::open(&self.progress_file(id))?;
        let stream = kinesis.stream_id(arn).map_err(|_| refuse::parameter(format!("Stream not found: {arn}")))?;
        progress.change(|progress| {
            progress.follow(stream);
            for shard in shards {
                let position = match (mapping.starting_position, mapping.starting_timestamp) {
                    (StartingPosition::Latest, _) => kinesis.end(arn, &shard.id)?,
                    (StartingPosition::AtTimestamp, Some(seconds)) => {
                        kinesis.position_at(arn, &shard.id, (seconds.max(0.0) * 1000.0) as u64)?
                    }
                    _ => kinesis.start(arn, &shard.id)?,
                };
                progress.begin(&shard.id, position);
            }
            Ok(())
        })
    }

    pub(super) fn get(&self, id: &str) -> Answer {
        self.answer(200, id)
    }

    pub(super) fn list(&self, wanted: &Wanted, paging: &Paging) -> Answer {
        let function = wanted.function.as_deref().map(name_in);
        let ledger = self.ledger.read();
        let fits = |mapping: &Mapping| {
            function.is_none_or(|function| mapping.function == function)
                && wanted.stream_arn.as_ref().is_none_or(|arn| mapping.stream_arn == *arn)
        };
        let all = ledger.iter().filter(|(_, mapping)| fits(mapping));
        let all = all.map(|(id, mapping)| (id.clone(), mapping.describe(id, &self.last_result(id))));
        let (page, marker): (Vec<Value>, _) = paging.page(all, LARGEST_PAGE);
        Reply::json(200, &json!({"EventSourceMappings": page, "NextMarker": marker}))
    }

    pub(super) fn update(&self, id: &str, request: Update) -> Answer {
        if let Some(function) = &request.function_name {
            self.functions.find(name_in(function))?;
        }
        self.ledger.change(|ledger| {
            let mapping = settled(ledger, id, "update")?;
            if let Some(function) = &request.function_name {
                name_in(function).clone_into(&mut mapping.function);
            }
            mapping.settings.update(request.settings);
            mapping.settings.check(&self.s3)?;
            mapping.state = match (mapping.enabled, request.enabled) {
                (true, Some(false)) => MappingState::Disabling,
                (false, Some(true)) => MappingState::Enabling,
                _ => MappingState::Updating,
            };
            mapping.enabled = request.enabled.unwrap_or(mapping.enabled);
            mapping.modified = super::now();
            Ok::<_, ServiceError>(())
        })?;
        self.tell(id);
        self.answer(202, id)
    }

    pub(super) fn delete(&self, id: &str) -> Answer {
        let mapping = self.ledger.change(|ledger| {
            let mapping = settled(ledger, id, "delete")?;
            mapping.state = MappingState::Deleting;
            Ok::<_, ServiceError>(mapping.clone())
        })?;
        let answer = Reply::json(202, &mapping.describe(id, &self.last_result(id)));
        self.tell(id);
        answer
    }

    pub(super) fn list_tags(&self, id: &str) -> Answer {
        Reply::json(200, &json!({"Tags": self.find(id)?.tags}))
    }

    pub(super) fn change_tags(&self, id: &str, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Answer {
        self.ledger.change(|ledger| {
            change(&mut ledger.get_mut(id).ok_or_else(absent)?.tags);
            Ok::<_, ServiceError>(())
        })?;
        Ok(Reply::no_content())
    }

    fn answer(&self, status: u16, id: &str) -> Answer {
        Reply::json(status, &self.find(id)?.describe(id, &self.last_result(id)))
    }

    fn find(&self, id: &str) -> Result<Mapping, ServiceError> {
        self.ledger.read().get(id).cloned().ok_or_else(absent)
    }

    fn last_result(&self, id: &str) -> String {
        self.running().get(id).map_or_else(|| LastResult::NONE.to_owned(), |running| running.last_result.get())
    }

    fn tell(&self, id: &str) {
        if let Some(running) = self.running().get(id) {
            running.changed.send_replace(());
        }
    }

    fn start(&self, id: &str) -> io::Result<()> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let file = self.progress_file(id);
        let progress = Arc::new(Durable::<Progress>::open(&file)?);
        let ((changed, changes), last_result) = (watch::channel(()), LastResult::default());
        let poller = MappingPoller {
            id: id.to_owned(),
            ledger: self.ledger.clone(),
            progress,
            kinesis: self.kinesis.clone(),
            s3: self.s3.clone(),
            functions: self.functions.clone(),
            changes,
            last_result: last_result.clone(),
        };
        let (ledger, id) = (self.ledger.clone(), id.to_owned());
        let task = runtime.spawn({
            let id = id.clone();
            async move {
                poller.run().await;
                if let Err(error) = forget(&ledger, &id, &file) {
                    tracing::warn!(mapping = id, %error, "the deleted mapping is not yet forgotten");
                }
            }
        });
        let mut running = self.running();
        running.retain(|_, running| !running.task.is_finished());
        running.insert(id, Running { task, changed, last_result });
        Ok(())
    }

    /// Ends what a crash left half deleted or half created.
    fn forget_deleted(&self) -> io::Result<()> {
        self.ledger.change(|ledger| {
            ledger.retain(|_, mapping| mapping.state != MappingState::Deleting);
            Ok::<_, io::Error>(())
        })?;
        let known: Vec<PathBuf> = self.ledger.read().keys().map(|id| self.progress_file(id)).collect();
        for entry in fs::read_dir(self.folder.join("progress"))? {
            let path = entry?.path();
            if !known.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn progress_file(&self, id: &str) -> PathBuf {
        self.folder.join("progress").join(format!("{id}.json"))
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Mappings {
    fn drop(&mut self) {
        self.running().values().for_each(|running| running.task.abort());
    }
}

/// Removes what is known of a mapping; its progress last, which the next opening clears away otherwise.
fn forget(ledger: &Durable<Ledger>, id: &str, progress: &Path) -> Result<(), ServiceError> {
    ledger.change(|ledger| {
        ledger.remove(id);
        Ok::<_, ServiceError>(())
    })?;
    Ok(fs::remove_file(progress)?)
}

/// A mapping that is not on its way to another state.
fn settled<'a>(ledger: &'a mut Ledger, id: &str, what: &str) -> Result<&'a mut Mapping, ServiceError> {
    let mapping = ledger.get_mut(id).ok_or_else(absent)?;
    if mapping.state.is_between() {
        return Err(refuse::in_use(format!(
            "Cannot {what} the event source mapping because it is in use (its state is {:?}).",
            mapping.state
        )));
    }
    Ok(mapping)
}

fn doubled(ledger: &Ledger, mapping: &Mapping) -> Result<(), ServiceError> {
    let same = |other: &Mapping| other.stream_arn == mapping.stream_arn && other.function == mapping.function;
    match ledger.iter().find(|(_, other)| same(other)) {
        None => Ok(()),
        Some((id, _)) => Err(refuse::conflict(format!(
            "The event source arn (\" {} \") and function (\" {} \") provided mapping already exists. Please update or delete the existing mapping with UUID {id}",
            mapping.stream_arn, mapping.function
        ))),
    }
}

fn absent() -> ServiceError {
    refuse::not_found("The resource you requested does not exist.")
}
