//! What one column of points stands on: a stand-in, the stack, a state folder, and what belongs to others.

use std::{fs, path::Path, sync::Arc};

use aws_stand_in::internals::{Inventory, StandIn};
use bytes::Bytes;
use demo_formats::schema::Schema;
use kinesis_demo::{
    aws::{Clients, Names, packaging::Package},
    engine::{Applied, Cancel, Down, Graph, Home, Journal, StackId},
    pipeline::{
        Materials, graph,
        lifecycle::{self, LifecycleError},
    },
    spec::Stack,
};
use tempfile::TempDir;

use super::{
    case::{Case, schema_of},
    others,
};
use crate::inside::{self, Wire};

/// The digits that the tried stack's names end in.
pub const SUFFIX: &str = "7f3a91c2";

pub struct Ground {
    folder: TempDir,
    pub stand_in: Arc<StandIn>,
    pub wire: Arc<Wire>,
    /// Clients of the test's own, which nothing happens to.
    pub aside: Clients,
    pub stack: Stack,
    schema: Schema,
    function: Package,
    pub id: StackId,
    pub home: Home,
    /// What is there while the stack is not.
    pub others: Inventory,
}

impl Ground {
    pub async fn of(case: &Case) -> Self {
        let mut ground = Self::bare(case).await;
        others::settle_on(&ground).await;
        ground.others = ground.inventory();
        ground
    }

    /// Without anything of others.
    pub async fn bare(case: &Case) -> Self {
        let folder = in_memory();
        let stand_in = StandIn::open(&folder.path().join("local")).expect("opened");
        let (wire, aside) = (Wire::to(stand_in.clone()), Wire::to(stand_in.clone()).clients().await);
        let stack = case.stack();
        let (schema, function) = (schema_of(&stack), code(folder.path()));
        let id = format!("{}-{SUFFIX}", stack.name).parse().expect("an id");
        let home = Home::at(folder.path().join("home")).expect("a home");
        let others = stand_in.inventory().expect("readable");
        Self { folder, stand_in, wire, aside, stack, schema, function, id, home, others }
    }

    pub fn graph(&self, id: &StackId) -> Graph {
        graph(&self.stack, id, chrono::Utc::now(), &self.materials()).expect("a graph")
    }

    /// Begins the state folder anew, with the journal of a stack of which nothing is made yet.
    pub async fn begin(&mut self) {
        let path = self.folder.path().join("home");
        fs::remove_dir_all(&path).expect("removed");
        self.home = Home::at(path).expect("a home");
        drop(self.journal(&self.home, &self.id).await);
        self.wire.forget();
    }

    pub async fn journal(&self, home: &Home, id: &StackId) -> Journal {
        let fingerprint = self.aside.fingerprint().await.expect("a place");
        Journal::create(home, id, fingerprint, serde_json::json!({})).expect("a journal")
    }

    /// `demo up`, from the first call to the last, as a process of its own; but for the look before, which changes nothing.
    pub async fn up(&self) -> Result<Applied, LifecycleError> {
        let clients = self.wire.clients().await;
        let journal = lifecycle::open(&self.home, &self.stack, serde_json::json!({}), &clients).await?;
        inside::make(&journal, &self.stack, &self.materials(), &clients).await
    }

    /// `demo down`, likewise; of the stack that is up, or else of the one that was.
    pub async fn down(&self) -> Result<Down, LifecycleError> {
        let clients = self.wire.clients().await;
        let state = self.home.find(&self.stack.name).or_else(|_| self.home.find(self.id.as_str()))?;
        let journal = lifecycle::open_known(&self.home, &state, &clients).await?;
        lifecycle::down(&journal, &clients, &(), &Cancel::new()).await
    }

    /// Leaves in the bucket, where there is one, what a running stack would: objects, and an upload that nobody ended.
    pub async fn land(&self) {
        let Some(bucket) = Names::of(&self.stack, &self.id).bucket else { return };
        if !self.stand_in.s3.exists(&bucket) {
            return;
        }
        for name in ["a.gz", "b.gz"] {
            self.stand_in.s3.put(&bucket, &self.landed(name), Bytes::from_static(b"{}\n")).await.expect("put");
        }
        let upload = self.aside.s3.create_multipart_upload().bucket(&bucket).key(self.landed("half.gz"));
        upload.send().await.expect("begun");
    }

    /// The key that the stack's Firehose would give an object.
    pub fn landed(&self, name: &str) -> String {
        format!("landed/year=2026/{}-1-2026-11-29-10-00-00-{name}", self.id)
    }

    pub fn inventory(&self) -> Inventory {
        self.stand_in.inventory().expect("readable")
    }

    /// Calls since the point began.
    pub fn calls(&self) -> usize {
        self.wire.calls().len()
    }

    /// What tells how many bytes of its journal the tried stack has.
    pub fn written(&self) -> impl Fn() -> u64 + Send + 'static {
        let journal = self.home.journal(&self.id);
        move || fs::metadata(&journal).map_or(0, |file| file.len())
    }

    pub fn materials(&self) -> Materials<'_> {
        Materials { schema: &self.schema, function: Some(&self.function), worker: Some(self.function.architecture) }
    }
}

/// On a file system in memory, where there is one: every call of the stand-in is synced.
pub fn in_memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a folder")
}

/// The smallest code that Lambda takes: the header of an executable.
fn code(folder: &Path) -> Package {
    let mut header = vec![0; 64];
    header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    (header[16], header[18], header[20], header[52]) = (3, 62, 1, 64);
    let file = folder.join("function");
    fs::write(&file, header).expect("written");
    Package::find(Some(&file)).expect("a package")
}
