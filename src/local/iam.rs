//! Roles and their inline policies.

use std::{io, path::Path, sync::Arc};

use super::fault::Fault;

/// The service.
pub struct Iam {}

impl Iam {
    /// Opens the roles that lie in `folder`.
    pub fn open(folder: &Path) -> io::Result<Arc<Self>> {
        let _ = folder;
        unimplemented!()
    }

    /// One call of the query protocol: its form fields in, the XML of the answer out.
    pub async fn call(&self, action: &str, fields: &[(String, String)]) -> Result<String, Fault> {
        let _ = (action, fields);
        unimplemented!()
    }

    /// Whether a role of this ARN exists and its trust policy admits `service` (such as `firehose.amazonaws.com`).
    pub fn may_assume(&self, role_arn: &str, service: &str) -> bool {
        let _ = (role_arn, service);
        unimplemented!()
    }
}
