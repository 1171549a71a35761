//! Firehose that truly delivers.

use std::{io, path::Path, sync::Arc};

use bytes::Bytes;

use super::{fault::Fault, iam::Iam, kinesis::Kinesis, s3::S3};

/// The service.
pub struct Firehose {}

impl Firehose {
    /// Opens the delivery streams that lie in `folder` and goes on delivering.
    pub fn open(folder: &Path, kinesis: Arc<Kinesis>, s3: Arc<S3>, iam: Arc<Iam>) -> io::Result<Arc<Self>> {
        let _ = (folder, kinesis, s3, iam);
        unimplemented!()
    }

    /// One call of the wire protocol, as [`Kinesis::call`].
    pub async fn call(&self, operation: &str, body: Bytes) -> Result<Bytes, Fault> {
        let _ = (operation, body);
        unimplemented!()
    }
}
