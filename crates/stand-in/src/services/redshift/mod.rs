//! Redshift: the Data API, Redshift Serverless, and an engine under both that stores rows and answers SQL.
//!
//! A fresh stand-in has one provisioned cluster and one Serverless workgroup, both named `demo`. Statements run in the
//! background; what they have committed survives a kill of the process. The SQL is DataFusion's with Redshift's words and
//! functions added, see [`engine`] for what is not covered; COPY loads JSON.

mod api;
mod data;
mod engine;
mod firehose;
mod serverless;
mod target;
#[cfg(test)]
mod tests;
mod warehouses;
mod wire;

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Arc,
};

pub(crate) use self::api::{DataApi, ServerlessApi};
pub(crate) use self::firehose::{Destination, Login, Trouble};
use self::{
    data::{Data, Executions},
    serverless::{Serverless, ServerlessState},
    warehouses::Warehouses,
};
use crate::{
    durable::Durable,
    services::{iam::Iam, s3::S3, secrets::Secrets},
};

/// The name of the cluster, the namespace and the workgroup of a fresh stand-in.
pub(crate) const PRELOADED: &str = "demo";
/// The database of every warehouse that names no other.
pub(crate) const DATABASE: &str = "dev";

/// Redshift over one folder: what its two APIs share.
pub(crate) struct Redshift {
    data: Arc<Data>,
    serverless: Serverless,
    warehouses: Arc<Warehouses>,
    secrets: Arc<Secrets>,
}

impl Redshift {
    /// Opens what lies in `folder`, which nobody but its owner may look into. A statement that was under way when it was
    /// closed is FINISHED where its effect is there, and FAILED otherwise.
    ///
    /// # Errors
    /// The folder cannot be made or read, or what lies in it is damaged.
    pub(crate) fn open(folder: &Path, s3: Arc<S3>, iam: Arc<Iam>, secrets: Arc<Secrets>) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        let state = Arc::new(Durable::<ServerlessState>::open(&folder.join("serverless.json"))?);
        let warehouses = Arc::new(Warehouses::new(&folder.join("warehouses"), state.clone(), s3, iam.clone()));
        warehouses.sweep()?;
        let is_committed = |warehouse: &str, statement: &str| warehouses.is_committed(warehouse, statement);
        let executions = Executions::open(&folder.join("statements"), is_committed)?;
        let data = Arc::new(Data::new(warehouses.clone(), secrets.clone(), executions));
        let serverless = Serverless::new(state, secrets.clone(), iam);
        Ok(Arc::new(Self { data, serverless, warehouses, secrets }))
    }
}
