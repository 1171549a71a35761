//! Where the Data API sends a statement.

use serde::Deserialize;

/// Where a statement is sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Target {
    pub(super) cluster_identifier: Option<String>,
    /// A name or an ARN.
    pub(super) workgroup_name: Option<String>,
    pub(super) database: Option<String>,
    pub(super) db_user: Option<String>,
    pub(super) secret_arn: Option<String>,
}
