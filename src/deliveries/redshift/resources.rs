//! The resources of the delivery to Redshift.

use std::collections::BTreeMap;

use super::{RedshiftAt, RedshiftDelivery, RedshiftLoad, RedshiftNames};
use crate::{
    aws::{
        bucket::Buckets,
        delivery::{self, Deliveries},
        kind::{Kind, node},
        object::{self, Objects},
        ownership::Ownership,
        permission::{On, Statement},
        redshift::{self, Database, sql},
        role::{self, Roles},
        stream::Streams,
    },
    deliveries::parts::Parts,
    engine::{Node, ResourceKey, StackId},
    spec::Compression,
};

/// One delivery and what it is called.
struct Delivery<'a> {
    to: &'a RedshiftDelivery,
    names: RedshiftNames,
    parts: &'a Parts<'a>,
    database: Database,
}

/// The roles, the schema and its tables, the jsonpaths, the delivery stream and, where Redshift is ours, that.
pub(super) fn nodes(to: &RedshiftDelivery, parts: &Parts) -> Vec<Node> {
    let id = &parts.names.id;
    let delivery = Delivery { to, names: to.names(id), parts, database: to.database(id) };
    let mut nodes = vec![delivery.role()];
    if to.at == RedshiftAt::Created {
        nodes.extend(delivery.warehouse());
    }
    nodes.extend([delivery.schema(), delivery.table(), delivery.jsonpaths()]);
    match to.load {
        RedshiftLoad::Copy { .. } => nodes.extend([delivery.loads(), delivery.landing()]),
        RedshiftLoad::Firehose => nodes.push(delivery.stream()),
    }
    nodes
}

/// The schema, as far as the stack file alone tells of it.
pub(super) fn schema(to: &RedshiftDelivery, id: &StackId) -> Node {
    let (database, name) = (to.database(id), to.names(id).schema);
    let key = format!("{}.{name}", database.name);
    let desired = redshift::schema::Desired { database, name, ownership: Ownership::new(id, &BTreeMap::new()) };
    node::<redshift::schema::Schemas>(&key, &[], &desired, String::new())
}

impl Delivery<'_> {
    fn role(&self) -> Node {
        let Self { to, names, parts, .. } = self;
        let [find, write] = Statement::write_bucket(parts.bucket());
        let mut statements = vec![Statement::read_stream(&parts.names.stream), find, write];
        let secret = to.secret.as_ref().filter(|_| to.load == RedshiftLoad::Firehose);
        statements
            .extend(secret.map(|secret| Statement::new(&["secretsmanager:GetSecretValue"], [On::secret(secret)])));
        // It is made before anything in the database, and so tells where that is.
        let ownership = parts.ownership.with(self.database.tags());
        let desired = role::Desired { ownership, ..parts.role(&names.role, &[role::FIREHOSE], statements) };
        parts.role_node(&desired)
    }

    /// What COPY reads by, and the namespace and workgroup of our own.
    fn warehouse(&self) -> [Node; 3] {
        let Self { to, names, parts, .. } = self;
        let (bucket, ownership) = (parts.bucket(), parts.ownership.clone());
        let under = |prefix: &str| On::Objects { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
        let statements = vec![
            Statement::new(&["s3:GetBucketLocation", "s3:ListBucket"], [On::Bucket(bucket.to_owned())]),
            Statement::new(&["s3:GetObject"], [under(to.prefix.fixed()), under(redshift::FOLDER)]),
        ];
        let role = parts.role_node(&parts.role(&names.copy_role, &role::REDSHIFT, statements));
        let desired = redshift::namespace::Desired {
            name: names.workgroup.clone(),
            database: to.database.clone(),
            role: format!("{}{}", parts.names.role_path, names.copy_role),
            ownership: ownership.clone(),
        };
        let on = [Roles::key(&names.role), Roles::key(&names.copy_role)];
        let detail = format!("database {}", to.database);
        let namespace = node::<redshift::namespace::Namespaces>(&names.workgroup, &on, &desired, detail);
        let (name, namespace_name) = (names.workgroup.clone(), names.workgroup.clone());
        let desired = redshift::workgroup::Desired { name, namespace: namespace_name, ownership };
        let on = [redshift::namespace::Namespaces::key(&names.workgroup)];
        let detail = "8 RPU, reachable through the Data API only".to_owned();
        [role, namespace, node::<redshift::workgroup::Workgroups>(&names.workgroup, &on, &desired, detail)]
    }

    fn schema(&self) -> Node {
        let Self { to, names, parts, database } = self;
        let (name, ownership) = (names.schema.clone(), parts.ownership.clone());
        let desired = redshift::schema::Desired { database: database.clone(), name, ownership };
        let mut on = vec![Roles::key(&names.role)];
        on.extend((to.at == RedshiftAt::Created).then_some(redshift::workgroup::Workgroups::key(&names.workgroup)));
        node::<redshift::schema::Schemas>(&self.schema_name(), &on, &desired, format!("in {}", database.title()))
    }

    fn table(&self) -> Node {
        let columns = self.parts.materials.schema.redshift_columns(self.to.structs);
        let detail = format!("{} columns", columns.len());
        self.table_of(&self.names.table, columns, detail)
    }

    fn loads(&self) -> Node {
        self.table_of(sql::LOADS, sql::loads_columns(), "loaded batches".to_owned())
    }

    fn jsonpaths(&self) -> Node {
        let (bucket, ownership) = (self.parts.bucket(), self.parts.ownership.clone());
        let (key, text) = (redshift::JSONPATHS.to_owned(), self.parts.materials.schema.jsonpaths());
        let desired = object::Desired { bucket: bucket.to_owned(), key, text, ownership };
        let name = format!("{bucket}/{}", redshift::JSONPATHS);
        node::<Objects>(&name, &[Buckets::key(bucket)], &desired, String::new())
    }

    /// Into the bucket, from where batches are loaded.
    fn landing(&self) -> Node {
        let desired = delivery::Desired {
            route: self.route(),
            compression: Compression::Gzip,
            parquet: None,
            partition_by: BTreeMap::new(),
        };
        let detail = format!("stream → s3://{}/{}", self.parts.bucket(), self.to.prefix.fixed());
        node::<Deliveries>(&self.names.delivery, &self.stands_on(), &desired, detail)
    }

    /// Into the table, by Firehose's own COPY.
    fn stream(&self) -> Node {
        let Self { to, names, parts, database } = self;
        let (bucket, table) = (parts.bucket(), sql::TableName::new(&names.schema, &names.table).to_string());
        let endpoint = match &to.at {
            RedshiftAt::Workgroup { name } => redshift::delivery::Endpoint::Workgroup(name.clone()),
            RedshiftAt::Cluster { endpoint, .. } => {
                redshift::delivery::Endpoint::Address(endpoint.clone().expect("the spec asks for a cluster's endpoint"))
            }
            RedshiftAt::Created => unreachable!("the spec refuses `create` with Firehose's own destination"),
        };
        let desired = redshift::delivery::Desired {
            route: self.route(),
            endpoint,
            database: database.name.clone(),
            secret: to.secret.clone().expect("the spec asks for a secret"),
            table: table.clone(),
            columns: parts.materials.schema.column_list(),
            options: sql::options(&redshift::url(bucket, redshift::JSONPATHS), to.max_errors),
        };
        let (table_key, jsonpaths) = (self.table_name(&names.table), format!("{bucket}/{}", redshift::JSONPATHS));
        let mut on = self.stands_on().to_vec();
        on.extend([redshift::table::Tables::key(&table_key), Objects::key(&jsonpaths)]);
        node::<redshift::delivery::RedshiftDeliveries>(&names.delivery, &on, &desired, format!("stream → {table}"))
    }

    fn table_of(&self, name: &str, columns: Vec<(String, String)>, detail: String) -> Node {
        let desired = redshift::table::Desired {
            database: self.database.clone(),
            schema: self.names.schema.clone(),
            name: name.to_owned(),
            columns,
            ownership: self.parts.ownership.clone(),
        };
        let on = [redshift::schema::Schemas::key(&self.schema_name())];
        node::<redshift::table::Tables>(&self.table_name(name), &on, &desired, detail)
    }

    fn route(&self) -> delivery::Route {
        let Self { to, names, parts, .. } = self;
        delivery::Route {
            name: names.delivery.clone(),
            stream: parts.names.stream.clone(),
            role: format!("{}{}", parts.names.role_path, names.role),
            bucket: parts.bucket().to_owned(),
            prefix: to.prefix_text.clone(),
            error_prefix: to.error_prefix_text.clone().unwrap_or_default(),
            buffer_mib: to.buffer.mib,
            buffer_seconds: to.buffer.interval.as_secs() as u32,
            ownership: parts.ownership.clone(),
        }
    }

    fn stands_on(&self) -> [ResourceKey; 3] {
        let (stream, bucket) = (self.parts.names.stream.as_str(), self.parts.bucket());
        [Streams::key(stream), Buckets::key(bucket), Roles::key(&self.names.role)]
    }

    fn schema_name(&self) -> String {
        format!("{}.{}", self.database.name, self.names.schema)
    }

    fn table_name(&self, table: &str) -> String {
        format!("{}.{table}", self.schema_name())
    }
}
