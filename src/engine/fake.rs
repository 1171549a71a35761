//! A cloud in memory, with crashes and failures by script.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Cause, Difference, Node, Observed, Owned, Progress, Provider, ProviderError, Providers, ResourceKey, Scope, StackId,
};

/// The one kind that the fake knows.
pub(super) const KIND: &str = "thing";

#[derive(Clone, Debug)]
struct Thing {
    owner: String,
    ready: bool,
    /// What can be changed in place.
    size: u64,
    /// What cannot.
    shape: u64,
}

/// A thing as it is wanted.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Desired {
    owner: String,
    size: u64,
    shape: u64,
}

/// Where the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kill {
    /// The call never reaches the cloud.
    Before(usize),
    /// It has its effect, the answer is never seen.
    After(usize),
}

/// The cloud; outlives the processes that call it.
#[derive(Default)]
pub(super) struct Cloud {
    things: Mutex<BTreeMap<String, Thing>>,
    pub failing_creates: Mutex<BTreeSet<String>>,
    pub failing_deletes: Mutex<BTreeSet<String>>,
    /// Creates that fail once without having reached the cloud, as far as anyone can tell.
    pub unreached_creates: Mutex<BTreeSet<String>>,
    pub lost_answers: Mutex<BTreeSet<String>>,
    /// The effects on the cloud, in order, such as `create a`.
    pub log: Mutex<Vec<String>>,
    creating: AtomicUsize,
    /// Most creates ever under way at once.
    pub most_at_once: AtomicUsize,
}

impl Cloud {
    pub(super) fn put_foreign(&self, name: &str) {
        let thing = Thing { owner: "someone".to_owned(), ready: true, size: 0, shape: 0 };
        self.things().insert(name.to_owned(), thing);
    }

    pub(super) fn size_of(&self, name: &str) -> u64 {
        self.things()[name].size
    }

    pub(super) fn remove(&self, name: &str) {
        self.things().remove(name);
    }

    pub(super) fn owned_by(&self, owner: &str) -> Vec<String> {
        self.things().iter().filter(|(_, thing)| thing.owner == owner).map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn log(&self) -> Vec<String> {
        self.log.lock().expect("no panic while locked").clone()
    }

    fn things(&self) -> MutexGuard<'_, BTreeMap<String, Thing>> {
        self.things.lock().expect("no panic while locked")
    }

    fn did(&self, what: &str, name: &str) {
        self.log.lock().expect("no panic while locked").push(format!("{what} {name}"));
    }
}

/// One process's way to the cloud.
pub(super) struct Fake {
    pub cloud: Arc<Cloud>,
    kill: Option<Kill>,
    calls: AtomicUsize,
    /// Raised when the process is dead.
    pub dead: tokio::sync::Notify,
}

impl Fake {
    pub(super) fn new(cloud: &Arc<Cloud>, kill: Option<Kill>) -> Arc<Self> {
        Arc::new(Self { cloud: cloud.clone(), kill, calls: AtomicUsize::new(0), dead: tokio::sync::Notify::new() })
    }

    pub(super) fn providers(self: &Arc<Self>) -> Providers {
        Providers::new([self.clone() as Arc<dyn Provider>])
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Makes one call: it dies before or after `effect`, or answers.
    async fn call<T>(&self, effect: impl FnOnce() -> T) -> T {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        if self.kill == Some(Kill::Before(number)) {
            self.die().await;
        }
        let answer = effect();
        tokio::task::yield_now().await;
        if self.kill == Some(Kill::After(number)) {
            self.die().await;
        }
        answer
    }

    async fn die(&self) -> ! {
        self.dead.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl Provider for Fake {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn read(&self, node: &Node) -> Result<Observed, ProviderError> {
        self.call(|| {
            Ok(match self.cloud.things().get(&node.key.name) {
                None => Observed::Absent,
                Some(thing) if thing.owner == wanted(node).owner => Observed::Ours {
                    identity: format!("id-{}", node.key.name),
                    ready: thing.ready,
                    differs: differences(&wanted(node), thing),
                },
                Some(thing) => Observed::Foreign { why: thing.owner.clone() },
            })
        })
        .await
    }

    async fn create(&self, node: &Node, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let name = &node.key.name;
        let now = self.cloud.creating.fetch_add(1, Ordering::SeqCst) + 1;
        self.cloud.most_at_once.fetch_max(now, Ordering::SeqCst);
        let answer = self
            .call(|| {
                if take(&self.cloud.unreached_creates, name) {
                    return Err(ProviderError { cause: Cause::Unreachable, ..refused("create", name) });
                }
                if take(&self.cloud.failing_creates, name) {
                    return Err(refused("create", name));
                }
                let Desired { owner, size, shape } = wanted(node);
                let thing = Thing { owner, ready: false, size, shape };
                assert!(self.cloud.things().insert(name.clone(), thing).is_none(), "{name} was there already");
                self.cloud.did("create", name);
                if take(&self.cloud.lost_answers, name) {
                    Err(ProviderError { cause: Cause::Unreachable, ..refused("create", name) })
                } else {
                    Ok(format!("id-{name}"))
                }
            })
            .await;
        self.cloud.creating.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    async fn make_ready(&self, node: &Node, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        self.call(|| {
            let mut things = self.cloud.things();
            things.get_mut(&node.key.name).ok_or_else(|| refused("make ready", &node.key.name))?.ready = true;
            Ok(())
        })
        .await
    }

    async fn change(&self, node: &Node, _differs: &[Difference], _: &Progress<'_>) -> Result<(), ProviderError> {
        let name = &node.key.name;
        self.call(|| {
            let mut things = self.cloud.things();
            let thing = things.get_mut(name).ok_or_else(|| refused("change", name))?;
            (thing.size, thing.ready) = (wanted(node).size, false);
            self.cloud.did("change", name);
            Ok(())
        })
        .await
    }

    async fn delete(&self, node: &Node, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let name = &node.key.name;
        self.call(|| {
            if self.cloud.failing_deletes.lock().expect("no panic while locked").contains(name) {
                return Err(refused("delete", name));
            }
            let removed = self.cloud.things().remove(name);
            assert!(removed.is_none_or(|thing| thing.owner == wanted(node).owner), "{name} was someone else's");
            self.cloud.did("delete", name);
            Ok(())
        })
        .await
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let things = self.call(|| self.cloud.things().clone()).await;
        let ours = things.into_iter().filter(|(_, thing)| scope.covers(&thing.owner));
        Ok(ours
            .map(|(name, thing)| Owned {
                command: format!("rm {name}"),
                node: Node {
                    key: key(&name),
                    depends_on: Vec::new(),
                    desired: json!(Desired { owner: thing.owner.clone(), size: thing.size, shape: thing.shape }),
                    detail: String::new(),
                },
                expires: None,
                stack: thing.owner,
            })
            .collect())
    }
}

pub(super) fn key(name: &str) -> ResourceKey {
    ResourceKey::new(KIND, name)
}

/// A thing that belongs to a stack.
pub(super) fn thing(stack: &StackId, name: &str, on: &[&str]) -> Node {
    Node {
        key: key(name),
        depends_on: on.iter().map(|name| key(name)).collect(),
        desired: json!(Desired { owner: stack.to_string(), size: 1, shape: 1 }),
        detail: String::new(),
    }
}

/// The same thing, wanted otherwise.
pub(super) fn resized(node: &Node, size: u64, shape: u64) -> Node {
    Node { desired: json!(Desired { size, shape, ..wanted(node) }), ..node.clone() }
}

fn wanted(node: &Node) -> Desired {
    serde_json::from_value(node.desired.clone()).expect("a thing's properties")
}

fn differences(wanted: &Desired, found: &Thing) -> Vec<Difference> {
    let size = (found.size != wanted.size).then(|| Difference::in_place("size", found.size, wanted.size));
    let shape = (found.shape != wanted.shape).then(|| Difference::replace("shape", found.shape, wanted.shape));
    size.into_iter().chain(shape).collect()
}

fn take(names: &Mutex<BTreeSet<String>>, name: &str) -> bool {
    names.lock().expect("no panic while locked").remove(name)
}

fn refused(call: &str, name: &str) -> ProviderError {
    ProviderError {
        cause: Cause::Other,
        call: call.to_owned(),
        resource: name.to_owned(),
        message: "refused by script".to_owned(),
        advice: String::new(),
    }
}
