//! The services of the stand-in, each in a folder or file of its own, and the table of them all.

mod athena;
mod dynamodb;
mod ec2;
pub(crate) mod ecs;
pub(crate) mod firehose;
mod glue;
pub(crate) mod iam;
pub(crate) mod kinesis;
pub(crate) mod lambda;
pub(crate) mod logs;
mod quotas;
mod redshift;
pub(crate) mod s3;
pub(crate) mod scheduler;
mod secrets;
mod sts;

use std::{io, path::Path, sync::Arc};

use self::{
    athena::Athena,
    dynamodb::DynamoDb,
    ec2::Ec2,
    ecs::Ecs,
    firehose::Firehose,
    glue::Glue,
    iam::Iam,
    kinesis::Kinesis,
    lambda::Lambda,
    logs::Logs,
    quotas::Quotas,
    redshift::{DataApi, Redshift, ServerlessApi},
    s3::S3,
    scheduler::Scheduler,
    secrets::Secrets,
    sts::Sts,
};
use crate::{faults::FaultService, keys::AccessKey, service::Service, sessions::Sessions};

/// Every service over one state folder.
pub(crate) struct Services {
    /// The table of all, in no particular order but one: IAM stands before STS and EC2, and answers for all where a request
    /// of the query protocol names none of them.
    pub(crate) all: Vec<Arc<dyn Service>>,
    /// Those that callers use by name.
    pub(crate) ecs: Arc<Ecs>,
    pub(crate) firehose: Arc<Firehose>,
    pub(crate) iam: Arc<Iam>,
    pub(crate) kinesis: Arc<Kinesis>,
    pub(crate) lambda: Arc<Lambda>,
    pub(crate) s3: Arc<S3>,
    pub(crate) scheduler: Arc<Scheduler>,
    /// The roles that tasks act as.
    pub(crate) sessions: Arc<Sessions>,
}

impl Services {
    /// Opens each service in its own folder under `folder`. Functions and tasks call the stand-in with `key`.
    ///
    /// # Errors
    /// A service's state cannot be read.
    pub(crate) fn open(folder: &Path, key: &AccessKey) -> io::Result<Self> {
        let kinesis = Kinesis::open(&folder.join("kinesis"))?;
        let s3 = S3::open(&folder.join("s3"), key)?;
        let iam = Iam::open(&folder.join("iam"))?;
        let glue = Glue::open(&folder.join("glue"))?;
        let athena = Athena::open(&folder.join("athena"), glue.clone(), s3.clone())?;
        let secrets = Secrets::open(&folder.join("secrets"))?;
        let redshift = Redshift::open(&folder.join("redshift"), s3.clone(), iam.clone(), secrets.clone())?;
        let (stream, store, roles) = (kinesis.clone(), s3.clone(), iam.clone());
        let firehose = Firehose::open(&folder.join("firehose"), stream, store, roles, redshift.clone(), glue.clone())?;
        let dynamodb = DynamoDb::open(&folder.join("dynamodb"))?;
        let logs = Logs::open(&folder.join("logs"))?;
        let (stream, store, roles) = (kinesis.clone(), s3.clone(), iam.clone());
        let lambda = Lambda::open(&folder.join("lambda"), stream, store, roles, logs.clone(), key.clone())?;
        let ec2 = Ec2::open(&folder.join("ec2"))?;
        let (roles, network, faults) = (iam.clone(), ec2.clone(), kinesis.faults().clone());
        let sessions = Sessions::new(iam.clone());
        let ecs = Ecs::open(&folder.join("ecs"), roles, logs.clone(), network, key.clone(), faults, sessions.clone())?;
        let scheduler = Scheduler::open(&folder.join("scheduler"), kinesis.clone(), iam.clone())?;
        let quotas = Quotas::of(kinesis.clone(), firehose.clone(), ecs.clone());
        let mut all: Vec<Arc<dyn Service>> = vec![
            athena,
            dynamodb,
            ecs.clone(),
            firehose.clone(),
            glue,
            iam.clone(),
            kinesis.clone(),
            lambda.clone(),
            logs,
            quotas,
            Arc::new(DataApi(redshift.clone())),
            Arc::new(ServerlessApi(redshift)),
            s3.clone(),
            scheduler.clone(),
            secrets,
            Arc::new(Sts),
            ec2,
        ];
        all.push(Arc::new(FaultService { faults: kinesis.faults().clone(), services: all.clone() }));
        Ok(Self { all, ecs, firehose, iam, kinesis, lambda, s3, scheduler, sessions })
    }
}

#[cfg(test)]
mod tests;
