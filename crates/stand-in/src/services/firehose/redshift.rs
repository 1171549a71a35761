//! What lies in the intermediate bucket, loaded into Redshift: one COPY after the other, each with a manifest of all objects
//! that have landed since the last.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{Durable, S3, ServiceError, loads::Batch, progress::Progress, stream::Ledger};
use crate::{
    clock,
    services::redshift::{Destination, Login, Redshift, Trouble},
};

/// Between two listings of the delivered objects.
const POLL: Duration = Duration::from_millis(100);
/// Before the second attempt of a COPY.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Between two attempts, at most.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// One delivery stream's loads.
pub(super) struct Loader {
    pub(super) name: String,
    pub(super) ledger: Arc<Durable<Ledger>>,
    pub(super) progress: Arc<Durable<Progress>>,
    pub(super) s3: Arc<S3>,
    pub(super) redshift: Arc<Redshift>,
}

/// What a load needs to know of its delivery stream.
struct LoadPlan {
    bucket: String,
    destination: Destination,
    login: Login,
    retries: Duration,
}

impl Loader {
    /// Loads beside a delivery until that has ended, and then what is left, each batch in one attempt.
    pub(super) async fn run_alongside(self, delivery: impl Future<Output = ()>) {
        let (ended, is_ended) = watch::channel(false);
        let delivery = async move {
            delivery.await;
            ended.send_replace(true);
        };
        tokio::join!(delivery, self.run(is_ended));
    }

    async fn run(self, mut ended: watch::Receiver<bool>) {
        loop {
            let is_last = *ended.borrow();
            match self.turn(&mut ended).await {
                Ok(true) => {}
                Ok(false) if is_last => return,
                Ok(false) => rest(&mut ended, POLL).await,
                Err(error) => {
                    tracing::warn!(delivery = self.name, %error, "what has landed waits to be loaded");
                    if is_last {
                        return;
                    }
                    rest(&mut ended, LONGEST_WAIT).await;
                }
            }
        }
    }

    /// Loads one batch, or gives it up. Says whether there was one.
    async fn turn(&self, ended: &mut watch::Receiver<bool>) -> Result<bool, ServiceError> {
        let Some(plan) = self.plan() else { return Ok(false) };
        let Some(batch) = self.batch()? else { return Ok(false) };
        let name = format!("{}/{}-{}", batch.begun.format("%Y/%m/%d/%H"), self.name, batch.id);
        let manifest = format!("manifests/{name}");
        self.s3.put(&plan.bucket, &manifest, batch.manifest(&plan.bucket)).await?;
        if let Err(trouble) = self.load(&plan, &batch, &manifest, ended).await {
            let key = format!("errors/manifests/{name}");
            self.s3.put(&plan.bucket, &key, batch.manifest(&plan.bucket)).await?;
            let objects = batch.keys.len();
            tracing::warn!(delivery = self.name, %trouble, "{objects} objects are skipped; s3://{}/{key} lists them", plan.bucket);
        }
        self.progress.change(|progress| {
            progress.loads.get_or_insert_default().batch = None;
            Ok::<_, ServiceError>(())
        })?;
        Ok(true)
    }

    /// Tries until it has gone well or the time for it is over.
    async fn load(
        &self,
        plan: &LoadPlan,
        batch: &Batch,
        manifest: &str,
        ended: &mut watch::Receiver<bool>,
    ) -> Result<(), Trouble> {
        let until = batch.begun + plan.retries;
        let manifest = format!("s3://{}/{manifest}", plan.bucket);
        let mut wait = FIRST_WAIT;
        loop {
            let loaded = self.redshift.copy_for_firehose(&plan.destination, &plan.login, &manifest, &batch.id).await;
            let trouble = match loaded {
                Ok(rows) => {
                    tracing::info!(delivery = self.name, rows, "loaded {manifest}");
                    return Ok(());
                }
                Err(trouble) => trouble,
            };
            if clock::utc() >= until || *ended.borrow() {
                return Err(trouble);
            }
            tracing::info!(delivery = self.name, %trouble, "COPY is tried again");
            let left = (until - clock::utc()).to_std().unwrap_or_default();
            rest(ended, wait.min(left)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// The batch that is under way, or a new one of all that has landed.
    fn batch(&self) -> Result<Option<Batch>, ServiceError> {
        let loads = self.progress.read().loads.clone().unwrap_or_default();
        if loads.batch.is_some() || loads.landed.is_empty() {
            return Ok(loads.batch);
        }
        self.progress.change(|progress| {
            let loads = progress.loads.get_or_insert_default();
            let keys = std::mem::take(&mut loads.landed);
            loads.batch = Some(Batch { id: super::uuid(), keys, begun: clock::utc() });
            Ok(loads.batch.clone())
        })
    }

    fn plan(&self) -> Option<LoadPlan> {
        let ledger = self.ledger.read();
        let stream = ledger.get(&self.name)?;
        let redshift = stream.redshift.as_ref()?;
        Some(LoadPlan {
            bucket: stream.settings.bucket().to_owned(),
            destination: redshift.destination(),
            login: redshift.login()?,
            retries: redshift.retries(),
        })
    }
}

/// Waits, but no longer than until the delivery has ended.
async fn rest(ended: &mut watch::Receiver<bool>, time: Duration) {
    if *ended.borrow() {
        return sleep(time.min(POLL)).await;
    }
    // An error means that the delivery is gone, which is its end as well; that the time is over is what is waited for.
    let _ = timeout(time, ended.wait_for(|ended| *ended)).await;
}
