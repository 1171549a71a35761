//! Redshift Serverless: namespaces and workgroups. A workgroup is CREATING for a moment, and both are DELETING for one.

mod namespace;
mod operations;
mod workgroup;

pub(super) use self::{
    namespace::Namespace,
    operations::{Serverless, ServerlessState},
    workgroup::Workgroup,
};

/// How long a workgroup is CREATING, and whatever is deleted DELETING, in milliseconds.
const MOMENT: i64 = 300;
