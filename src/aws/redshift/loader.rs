//! Loads what has landed, each batch exactly once, whoever else loads and wherever an earlier loader was cut off.
//!
//! Three facts hold it. A manifest is only ever written where there is none of its number, by whoever knows all before
//! it, so an object is in one batch. A batch and the row that notes it are one transaction, so they are there together
//! or not at all. And that transaction first takes a lock and fails where the row is there, so it cannot happen twice.

use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use aws_sdk_s3::primitives::ByteStream;
use chrono::Utc;

use super::{
    JSONPATHS, MANIFESTS,
    data::{DataError, Database, Runner},
    errors::{self, Refused},
    manifest::{Batch, Object, key_of, number_of},
    sql::{self, TableName},
    url,
};
use crate::{
    aws::{
        clients::Clients,
        failure::{broken, failure, is},
        whole_object::{WholeObjectError, whole_object},
    },
    engine::{Cause, ProviderError},
};

/// Objects of a batch at most.
const MOST_OBJECTS: usize = 1000;
/// Between two looks, however often they are wanted.
const LEAST_PAUSE: Duration = Duration::from_millis(100);
/// What S3 answers where an object of the key is there, or is just being written (S3 API reference, PutObject,
/// If-None-Match).
const TAKEN: [&str; 2] = ["PreconditionFailed", "ConditionalRequestConflict"];

/// What a step has loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Batches that are in the table now and were not known to be before.
    pub batches: u64,
    /// Their objects.
    pub objects: u64,
    /// Bytes of these, compressed.
    pub bytes: u64,
}

/// Why a step did not end.
#[derive(Debug, thiserror::Error)]
pub enum LoaderError {
    /// COPY has refused documents. It would again: nothing of the batch is in the table, nor will be.
    #[error("batch {batch} was not loaded into {table}: {why}{}", .refused.iter().map(|refused| format!("\n  {refused}")).collect::<String>())]
    Refused {
        /// The batch.
        batch: u64,
        /// The table.
        table: String,
        /// Redshift's own words.
        why: String,
        /// The values that it refused, as far as the system views tell.
        refused: Vec<Refused>,
    },
    /// A statement failed for another reason, or a call had no answer. The next step goes on from there.
    #[error(transparent)]
    Data(#[from] DataError),
    /// S3 failed. The next step goes on from there.
    #[error(transparent)]
    S3(#[from] ProviderError),
}

impl LoaderError {
    /// Whether the next step would fail as this one did.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

/// What lands where, and which table it is loaded into.
#[derive(Clone, Debug)]
pub struct Landing {
    /// The bucket.
    pub bucket: String,
    /// What the keys of the objects begin with.
    pub prefix: String,
    /// The table.
    pub table: TableName,
    /// The role that COPY assumes: an ARN; Redshift's default role when `None`.
    pub role: Option<String>,
    /// How often to look for new objects.
    pub every: Duration,
    /// Documents that one COPY may leave out because it cannot load them.
    pub max_errors: u32,
}

/// Loads what lands under a key prefix into a table.
#[derive(Debug)]
pub struct Loader {
    clients: Clients,
    runner: Runner,
    landing: Landing,
    looked: Option<Instant>,
    next: u64,
    taken: HashSet<String>,
    intended: BTreeMap<u64, Batch>,
}

impl Loader {
    /// Into a table of this database.
    pub fn new(clients: &Clients, database: &Database, landing: Landing) -> Self {
        Self {
            clients: clients.clone(),
            runner: Runner::new(clients, database),
            landing,
            looked: None,
            next: 1,
            taken: HashSet::new(),
            intended: BTreeMap::new(),
        }
    }

    /// How often it looks.
    pub fn every(&self) -> Duration {
        self.landing.every
    }

    /// Loads what has landed since the last look, and what an earlier loader has left; nothing before it is time.
    ///
    /// # Errors
    /// [`LoaderError::Refused`] lasts; after any other error the next step goes on. May be dropped at any point.
    pub async fn step(&mut self) -> Result<Loaded, LoaderError> {
        if self.looked.is_some_and(|looked| looked.elapsed() < self.landing.every) {
            return Ok(Loaded::default());
        }
        self.catch_up().await?;
        self.forget_loaded().await?;
        self.intend().await?;
        let mut loaded = Loaded::default();
        while let Some(batch) = self.intended.first_entry().map(|first| first.get().clone()) {
            self.load(&batch).await?;
            self.intended.remove(&batch.number);
            loaded.batches += 1;
            loaded.objects += batch.objects.len() as u64;
            loaded.bytes += batch.bytes();
        }
        self.looked = Some(Instant::now());
        Ok(loaded)
    }

    /// Loads again and again, until documents are refused; beside something that ends by itself. What fails is met
    /// again by whoever loads last.
    pub async fn keep_loading(mut self) {
        loop {
            match self.step().await {
                Ok(_) => {}
                Err(error) if error.is_lasting() => return,
                Err(error) => tracing::debug!("loading continues: {error}"),
            }
            tokio::time::sleep(self.landing.every.max(LEAST_PAUSE)).await;
        }
    }

    /// Learns of every manifest that is there and not known yet.
    async fn catch_up(&mut self) -> Result<(), LoaderError> {
        let mut keys = self.list(MANIFESTS, Some(key_of(self.next - 1))).await?;
        keys.retain(|object| number_of(&object.key).is_some_and(|number| number >= self.next));
        for Object { key, .. } in keys {
            let number = number_of(&key).expect("only such are left");
            let batch = self.read(number, &key).await?;
            self.know(batch);
        }
        Ok(())
    }

    /// Writes down which objects are loaded together, until every object that is there is in a batch.
    async fn intend(&mut self) -> Result<(), LoaderError> {
        let mut new = self.list(&self.landing.prefix, None).await?;
        loop {
            new.retain(|object| !self.taken.contains(&object.key));
            if new.is_empty() {
                return Ok(());
            }
            let objects = new.iter().take(MOST_OBJECTS).cloned().collect();
            let batch = Batch { number: self.next, objects };
            if self.write(&batch).await? {
                self.know(batch);
            } else {
                self.catch_up().await?;
            }
        }
    }

    fn know(&mut self, batch: Batch) {
        self.next = self.next.max(batch.number + 1);
        self.taken.extend(batch.objects.iter().map(|object| object.key.clone()));
        self.intended.insert(batch.number, batch);
    }

    async fn forget_loaded(&mut self) -> Result<(), LoaderError> {
        let Some(&first) = self.intended.keys().next() else { return Ok(()) };
        for number in self.loaded_since(first).await? {
            self.intended.remove(&number);
        }
        Ok(())
    }

    async fn loaded_since(&self, first: u64) -> Result<Vec<u64>, DataError> {
        let answer = self.runner.run(&[sql::loaded_since(&self.landing.table.schema, first)], usize::MAX).await?;
        let number = |row: &Vec<Option<String>>| row.first()?.as_ref()?.parse().ok();
        Ok(answer.rows.iter().filter_map(number).collect())
    }

    async fn load(&self, batch: &Batch) -> Result<(), LoaderError> {
        let (manifest, jsonpaths) =
            (url(&self.landing.bucket, &key_of(batch.number)), url(&self.landing.bucket, JSONPATHS));
        let copy = sql::Copy {
            table: &self.landing.table,
            manifest: &manifest,
            jsonpaths: &jsonpaths,
            role: self.landing.role.as_deref(),
            max_errors: self.landing.max_errors,
        };
        let now = Utc::now().format("%Y-%m-%d %H:%M:%S").to_string();
        let statements = sql::load(&copy, batch.number, batch.objects.len(), batch.bytes(), &now);
        match self.runner.run(&statements, 0).await {
            Ok(_) => Ok(()),
            Err(DataError::Ended { reason, .. }) if self.loaded_since(batch.number).await?.contains(&batch.number) => {
                tracing::debug!("batch {} was loaded by another loader: {reason}", batch.number);
                Ok(())
            }
            Err(error) => Err(self.explained(batch, error).await),
        }
    }

    /// A failed COPY with what it has refused, or why that cannot be seen; any other failure as it is.
    async fn explained(&self, batch: &Batch, error: DataError) -> LoaderError {
        let DataError::Ended { reason, .. } = &error else { return error.into() };
        if !reason.contains("load_error") {
            return error.into();
        }
        let (number, table) = (batch.number, self.landing.table.to_string());
        match errors::of(batch, &self.landing.bucket, &self.landing.prefix, &self.runner, &self.clients).await {
            Ok(refused) => LoaderError::Refused { batch: number, table, why: reason.clone(), refused },
            Err(unseen) => {
                let why = format!("{reason}; cannot look up what was refused: {unseen}");
                LoaderError::Refused { batch: number, table, why, refused: Vec::new() }
            }
        }
    }

    async fn list(&self, prefix: &str, after: Option<String>) -> Result<Vec<Object>, ProviderError> {
        let call = self.clients.s3.list_objects_v2().bucket(&self.landing.bucket).prefix(prefix).set_start_after(after);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure("s3 ListObjectsV2", &url(&self.landing.bucket, prefix), &error))?;
            found.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| {
                let bytes = object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
                Some(Object { key: object.key?, bytes })
            }));
        }
        Ok(found)
    }

    async fn read(&self, number: u64, key: &str) -> Result<Batch, ProviderError> {
        const CALL: &str = "s3 GetObject";
        let title = url(&self.landing.bucket, key);
        let manifest =
            whole_object(&self.clients.s3, &self.landing.bucket, key).await.map_err(|error| match error {
                WholeObjectError::Call(error) => failure(CALL, &title, &error),
                cut => broken(Cause::Unreachable, CALL, &title, cut.to_string(), "run the command again"),
            })?;
        Batch::read(number, &self.landing.bucket, &manifest).map_err(|why| {
            let advice = "not a manifest of this stack: run `demo down` and `demo up` to create the stack again";
            broken(Cause::Other, CALL, &title, why, advice)
        })
    }

    /// Whether the manifest was written: not where there is one of its number.
    async fn write(&self, batch: &Batch) -> Result<bool, ProviderError> {
        let key = key_of(batch.number);
        let body = ByteStream::from(batch.manifest(&self.landing.bucket).into_bytes());
        let call = self.clients.s3.put_object().bucket(&self.landing.bucket).key(&key).if_none_match("*").body(body);
        match call.content_type("application/json").send().await {
            Ok(_) => Ok(true),
            Err(error) if is(&error, &TAKEN) => Ok(false),
            Err(error) => Err(failure("s3 PutObject", &url(&self.landing.bucket, &key), &error)),
        }
    }
}
