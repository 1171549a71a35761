//! Athena: SQL on DataFusion over the catalogued objects.

use std::{io, path::Path, sync::Arc};

use bytes::Bytes;

use super::{fault::Fault, glue::Glue, s3::S3};

/// The service.
pub struct Athena {}

impl Athena {
    /// Opens the workgroups and executions that lie in `folder`.
    pub fn open(folder: &Path, glue: Arc<Glue>, s3: Arc<S3>) -> io::Result<Arc<Self>> {
        let _ = (folder, glue, s3);
        unimplemented!()
    }

    /// One call of the wire protocol, as `Kinesis::call`.
    pub async fn call(&self, operation: &str, body: Bytes) -> Result<Bytes, Fault> {
        let _ = (operation, body);
        unimplemented!()
    }
}
