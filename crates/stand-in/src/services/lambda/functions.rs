//! Creating, showing, changing and deleting functions.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::{
    AccessKey, Answer, Durable, Iam, Inventory, Logs, Reply, S3, ServiceError,
    code::{Code, CodeSource},
    function::{self, Environment, Function, FunctionSettings, Ledger, LoggingConfig, arn, name_in},
    pool::Pool,
    refuse,
    route::Paging,
};
use crate::faults::Faults;

const SERVICE: &str = "lambda.amazonaws.com";
/// Lambda API reference, ListFunctions.
const LARGEST_PAGE: usize = 50;

/// Every function, and the processes of those that were invoked.
pub(super) struct Functions {
    folder: PathBuf,
    s3: Arc<S3>,
    iam: Arc<Iam>,
    pub(super) logs: Arc<Logs>,
    pub(super) key: AccessKey,
    pub(super) faults: Arc<Faults>,
    ledger: Durable<Ledger>,
    /// Where the stand-in answers; `None` while it does not.
    pub(super) address: watch::Sender<Option<SocketAddr>>,
    /// By the revision of the function.
    pools: Mutex<HashMap<String, Arc<Pool>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    function_name: String,
    code: CodeSource,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default, rename = "Publish")]
    publish: bool,
    #[serde(flatten)]
    settings: FunctionSettings,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UpdateCode {
    #[serde(flatten)]
    code: CodeSource,
    architectures: Option<Vec<String>>,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    publish: bool,
    revision_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateConfiguration {
    role: Option<String>,
    handler: Option<String>,
    description: Option<String>,
    timeout: Option<i64>,
    memory_size: Option<i64>,
    environment: Option<Environment>,
    logging_config: Option<LoggingConfig>,
    revision_id: Option<String>,
    /// What the stand-in does not know.
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl UpdateConfiguration {
    fn apply(self, settings: &mut FunctionSettings) {
        let Self { role, handler, description, timeout, memory_size, environment, logging_config, other, .. } = self;
        replace(&mut settings.role, role);
        replace(&mut settings.handler, handler);
        replace(&mut settings.description, description);
        replace(&mut settings.timeout, timeout);
        replace(&mut settings.memory_size, memory_size);
        replace(&mut settings.environment, environment);
        replace(&mut settings.logging_config, logging_config);
        settings.other = other;
    }
}

fn replace<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

impl Functions {
    pub(super) fn open(
        folder: &Path,
        s3: Arc<S3>,
        iam: Arc<Iam>,
        logs: Arc<Logs>,
        key: AccessKey,
        faults: Arc<Faults>,
    ) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder.join("code"))?;
        let ledger = Durable::<Ledger>::open(&folder.join("ledger.json"))?;
        let (address, pools) = (watch::Sender::new(None), Mutex::default());
        let functions = Self { folder: folder.to_owned(), s3, iam, logs, key, faults, ledger, address, pools };
        functions.remove_strays()?;
        Ok(Arc::new(functions))
    }

    pub(super) fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        self.ledger.read().iter().try_for_each(|(name, function)| into.add("lambda function", name, function))
    }

    pub(super) fn start(&self, address: SocketAddr) {
        self.pools().clear();
        self.address.send_replace(Some(address));
    }

    pub(super) fn pause(&self) {
        self.address.send_replace(None);
    }

    pub(super) async fn create(&self, request: Create) -> Answer {
        let name = name_in(&request.function_name).to_owned();
        function::check_name(&name)?;
        refuse::reserved(&request.tags)?;
        request.settings.check()?;
        if request.publish {
            return Err(refuse::not_covered("Publish"));
        }
        self.check_role(&request.settings.role)?;
        self.refuse_taken(&name)?;
        let (code, unpacked) = self.unpack(request.code).await?;
        let now = super::now();
        let function = Function {
            revision: super::uuid(),
            code,
            settings: request.settings,
            code_sha256: unpacked.sha256,
            code_size: unpacked.size,
            created: now,
            modified: now,
            tags: request.tags,
        };
        let described = function.describe(&name, now);
        let added = self.ledger.change(|ledger| {
            if ledger.contains_key(&name) {
                return Err(taken(&name));
            }
            ledger.insert(name.clone(), function.clone());
            Ok(())
        });
        if let Err(error) = added {
            fs::remove_dir_all(self.code_folder(&function.code))?;
            return Err(error);
        }
        Reply::json(201, &described)
    }

    async fn unpack(&self, source: CodeSource) -> Result<(String, Code), ServiceError> {
        let code = super::uuid();
        let folder = self.code_folder(&code);
        match source.unpack(&self.s3, &folder).await {
            Ok(unpacked) => Ok((code, unpacked)),
            Err(error) => {
                if folder.exists() {
                    fs::remove_dir_all(&folder)?;
                }
                Err(error)
            }
        }
    }

    pub(super) fn get(&self, name: &str) -> Answer {
        let name = name_in(name);
        let function = self.find(name)?;
        let mut answer = json!({
            "Configuration": function.describe(name, super::now()),
            "Code": {"RepositoryType": "S3"},
        });
        if !function.tags.is_empty() {
            answer["Tags"] = json!(function.tags);
        }
        Reply::json(200, &answer)
    }

    pub(super) fn get_configuration(&self, name: &str) -> Answer {
        let name = name_in(name);
        Reply::json(200, &self.find(name)?.describe(name, super::now()))
    }

    pub(super) fn list(&self, paging: &Paging) -> Answer {
        let (ledger, now) = (self.ledger.read(), super::now());
        let all = ledger.iter().map(|(name, function)| (name.clone(), function.describe(name, now)));
        let (functions, marker): (Vec<Value>, _) = paging.page(all, LARGEST_PAGE);
        Reply::json(200, &json!({"Functions": functions, "NextMarker": marker}))
    }

    pub(super) async fn update_code(&self, name: &str, request: UpdateCode) -> Answer {
        let before = self.find(name_in(name))?;
        if request.publish {
            return Err(refuse::not_covered("Publish"));
        }
        let (code, unpacked) = self.unpack(request.code).await?;
        let fresh = self.code_folder(&code);
        let put = |function: &mut Function| {
            function.code = code;
            function.code_sha256 = unpacked.sha256;
            function.code_size = unpacked.size;
            replace(&mut function.settings.architectures, request.architectures);
        };
        let expected = request.revision_id.as_deref();
        if request.dry_run {
            fs::remove_dir_all(fresh)?;
            return try_out(name_in(name), before, expected, put);
        }
        let updated = self.change(name, expected, put);
        fs::remove_dir_all(if updated.is_ok() { self.code_folder(&before.code) } else { fresh })?;
        updated
    }

    pub(super) fn update_configuration(&self, name: &str, request: UpdateConfiguration) -> Answer {
        if let Some(role) = &request.role {
            self.check_role(role)?;
        }
        let expected = request.revision_id.clone();
        self.change(name, expected.as_deref(), |function| request.apply(&mut function.settings))
    }

    /// Changes a function, if it is of the revision `expected`; its processes end, since they run what it was before.
    fn change(&self, name: &str, expected: Option<&str>, change: impl FnOnce(&mut Function)) -> Answer {
        let (name, now) = (name_in(name), super::now());
        let (before, after) = self.ledger.change(|ledger| {
            let function = ledger.get_mut(name).ok_or_else(|| refuse::no_function(&arn(name)))?;
            if function.is_pending(now) || function.is_updating(now) {
                return Err(refuse::busy(&arn(name)));
            }
            let before = function.revision.clone();
            revise(function, expected, change)?;
            function.modified = now;
            Ok::<_, ServiceError>((before, function.clone()))
        })?;
        self.end_processes(&before);
        Reply::json(200, &after.describe(name, now))
    }

    pub(super) fn delete(&self, name: &str) -> Answer {
        let name = name_in(name);
        let function =
            self.ledger.change(|ledger| ledger.remove(name).ok_or_else(|| refuse::no_function(&arn(name))))?;
        self.end_processes(&function.revision);
        fs::remove_dir_all(self.code_folder(&function.code))?;
        Ok(Reply::no_content())
    }

    pub(super) fn list_tags(&self, arn: &str) -> Answer {
        Reply::json(200, &json!({"Tags": self.find(name_in(arn))?.tags}))
    }

    pub(super) fn change_tags(&self, arn: &str, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Answer {
        self.ledger.change(|ledger| {
            let function = ledger.get_mut(name_in(arn)).ok_or_else(|| refuse::no_function(arn))?;
            change(&mut function.tags);
            Ok::<_, ServiceError>(())
        })?;
        Ok(Reply::no_content())
    }

    pub(super) fn find(&self, name: &str) -> Result<Function, ServiceError> {
        self.ledger.read().get(name).cloned().ok_or_else(|| refuse::no_function(&arn(name)))
    }

    /// The role of a function, empty where there is no such function.
    pub(super) fn role(&self, name: &str) -> String {
        self.ledger.read().get(name).map(|function| function.settings.role.clone()).unwrap_or_default()
    }

    fn check_role(&self, role: &str) -> Result<(), ServiceError> {
        if self.iam.may_assume(role, SERVICE) { Ok(()) } else { Err(refuse::role()) }
    }

    fn refuse_taken(&self, name: &str) -> Result<(), ServiceError> {
        if self.ledger.read().contains_key(name) { Err(taken(name)) } else { Ok(()) }
    }

    pub(super) fn code_folder(&self, code: &str) -> PathBuf {
        self.folder.join("code").join(code)
    }

    fn end_processes(&self, revision: &str) {
        self.pools().remove(revision);
    }

    /// Ends the processes of a function that have nothing to do.
    pub(super) fn end_idle(&self, name: &str) {
        let Ok(function) = self.find(name) else { return };
        if let Some(pool) = self.pools().get(&function.revision) {
            pool.end_idle();
        }
    }

    pub(super) fn pools(&self) -> MutexGuard<'_, HashMap<String, Arc<Pool>>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes code that no function has, which a crash may have left.
    fn remove_strays(&self) -> io::Result<()> {
        let known: Vec<PathBuf> =
            self.ledger.read().values().map(|function| self.code_folder(&function.code)).collect();
        for entry in fs::read_dir(self.folder.join("code"))? {
            let path = entry?.path();
            if !known.contains(&path) {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }
}

/// What a change would make of a function, which stays as it is.
fn try_out(name: &str, mut function: Function, expected: Option<&str>, change: impl FnOnce(&mut Function)) -> Answer {
    revise(&mut function, expected, change)?;
    Reply::json(200, &function.describe(name, super::now()))
}

fn revise(
    function: &mut Function,
    expected: Option<&str>,
    change: impl FnOnce(&mut Function),
) -> Result<(), ServiceError> {
    if expected.is_some_and(|expected| expected != function.revision) {
        return Err(refuse::revision(&function.revision));
    }
    change(function);
    function.settings.check()?;
    function.revision = super::uuid();
    Ok(())
}

fn taken(name: &str) -> ServiceError {
    refuse::conflict(format!("Function already exist: {name}"))
}
