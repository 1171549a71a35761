//! What the resources of the delivery to Redshift are called, and where they are.

use super::{RedshiftAt, RedshiftDelivery, RedshiftLoad};
use crate::{
    aws::{
        Clients, Names,
        names::joined,
        redshift::{At, Database, Loader, loader::Landing, sql::TableName},
    },
    engine::StackId,
};

/// The names of a delivery to Redshift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedshiftNames {
    /// The delivery stream that lands records in S3 or, with Firehose's own destination, in Redshift.
    pub delivery: String,
    /// The role that it assumes.
    pub role: String,
    /// The namespace and the workgroup, where they are ours.
    pub workgroup: String,
    /// The role that COPY assumes, where the workgroup is ours.
    pub copy_role: String,
    /// The schema.
    pub schema: String,
    /// The table in it.
    pub table: String,
}

impl RedshiftDelivery {
    /// The names of its resources.
    pub fn names(&self, id: &StackId) -> RedshiftNames {
        RedshiftNames {
            delivery: format!("{id}-redshift"),
            role: format!("{id}-redshift"),
            workgroup: id.to_string(),
            copy_role: format!("{id}-copy"),
            schema: joined(&self.schema, id, '_'),
            table: self.table.clone(),
        }
    }

    /// The database that its table is in.
    pub fn database(&self, id: &StackId) -> Database {
        let at = match &self.at {
            RedshiftAt::Workgroup { name } => At::Workgroup(name.clone()),
            RedshiftAt::Cluster { identifier, user, .. } => {
                At::Cluster { identifier: identifier.clone(), user: user.clone() }
            }
            RedshiftAt::Created => At::Ours(self.names(id).workgroup),
        };
        Database { at, name: self.database.clone(), secret: self.secret.clone() }
    }

    /// What loads its table, where COPY does.
    pub fn loader(&self, names: &Names, clients: &Clients) -> Option<Loader> {
        let RedshiftLoad::Copy { every } = self.load else { return None };
        let RedshiftNames { schema, table, .. } = self.names(&names.id);
        let landing = Landing {
            bucket: names.bucket.clone().expect("a stack with a delivery has a bucket"),
            prefix: self.prefix.fixed().to_owned(),
            table: TableName::new(schema, table),
            role: self.role.clone(),
            every,
            max_errors: self.max_errors,
        };
        Some(Loader::new(clients, &self.database(&names.id), landing))
    }
}
