//! Every warehouse by what callers know it as: a cluster, a workgroup, an endpoint.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use super::{
    DATABASE, PRELOADED,
    engine::{Access, Roles, Warehouse},
    serverless::{Namespace, ServerlessState, Workgroup},
    target::Target,
    wire::invalid,
};
use crate::{
    clock,
    durable::Durable,
    inventory::Inventory,
    service_error::ServiceError,
    services::{
        iam::Iam,
        s3::S3,
        secrets::{REDSHIFT_ADMIN, Secrets},
    },
};

/// The host of the provisioned cluster.
const CLUSTER_HOST: &str = "demo.local.redshift.amazonaws.com";
const PORT: &str = "5439";

/// The warehouses, each opened when it is first asked for.
pub(super) struct Warehouses {
    folder: PathBuf,
    serverless: Arc<Durable<ServerlessState>>,
    s3: Arc<S3>,
    iam: Arc<Iam>,
    open: Mutex<HashMap<String, Arc<Warehouse>>>,
}

impl Warehouses {
    pub(super) fn new(folder: &Path, serverless: Arc<Durable<ServerlessState>>, s3: Arc<S3>, iam: Arc<Iam>) -> Self {
        Self { folder: folder.to_owned(), serverless, s3, iam, open: Mutex::default() }
    }

    /// The warehouse that a call of the Data API means, with its id.
    pub(super) fn of_target(&self, target: &Target) -> Result<(String, Arc<Warehouse>, Access), ServiceError> {
        match (&target.cluster_identifier, &target.workgroup_name) {
            (Some(_), Some(_)) => Err(invalid("ClusterIdentifier and WorkgroupName cannot be given together.")),
            (None, None) => Err(invalid("Either ClusterIdentifier or WorkgroupName must be specified.")),
            (Some(cluster), None) if cluster == PRELOADED => self.cluster(),
            (None, Some(workgroup)) => match self.namespace_of(workgroup) {
                Some(namespace) => self.namespace(&namespace),
                None => Err(no_endpoint(workgroup)),
            },
            (Some(other), None) => Err(no_endpoint(other)),
        }
    }

    /// The warehouse behind `jdbc:redshift://host:port/database`, its database, and who may log in.
    pub(super) fn of_url(&self, url: &str) -> Result<Option<Endpoint>, ServiceError> {
        let Some((host, database)) = address(url) else { return Ok(None) };
        if host == CLUSTER_HOST {
            let admin = (REDSHIFT_ADMIN.0.to_owned(), Some(REDSHIFT_ADMIN.1.to_owned()), None);
            return Ok(Some(Endpoint { found: self.cluster()?, database, admin }));
        }
        let name = host.split('.').next().unwrap_or_default();
        let Some(namespace) = self.namespace_of(name).filter(|_| Workgroup::host(name) == host) else {
            return Ok(None);
        };
        let (admin, password, secret) = namespace.login();
        Ok(Some(Endpoint { found: self.namespace(&namespace)?, database, admin: (admin, password, secret) }))
    }

    /// Whether a statement of the Data API had its effect in a warehouse.
    pub(super) fn is_committed(&self, warehouse: &str, statement: &str) -> bool {
        let namespaces = self.serverless.read().namespaces.clone();
        let namespace = namespaces.values().find(|namespace| namespace_id(namespace) == warehouse);
        let found = match namespace {
            Some(namespace) => self.namespace(namespace),
            None => self.cluster(),
        };
        found.is_ok_and(|(id, warehouse_found, _)| id == warehouse && warehouse_found.is_committed(statement))
    }

    /// The schemas and tables of every warehouse.
    pub(super) fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        let now = clock::utc();
        let namespaces = self.serverless.read().namespaces.clone();
        let there = namespaces.values().filter(|namespace| !namespace.is_gone(now));
        let found = there.map(|namespace| self.namespace(namespace)).chain([self.cluster()]);
        for found in found {
            let (id, warehouse, _) = found?;
            for (database, held) in &warehouse.catalog().databases {
                for (schema, held) in &held.schemas {
                    into.add("redshift schema", format!("{id}.{database}.{schema}"), held)?;
                }
            }
        }
        Ok(())
    }

    /// Removes what is left of namespaces that are no longer there, where the process ended between the two.
    pub(super) fn sweep(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let known: Vec<String> = self.serverless.read().namespaces.values().map(namespace_id).collect();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("namespace-") && !known.contains(&name) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes everything in a deleted namespace.
    pub(super) fn forget(&self, namespace: &str) -> io::Result<()> {
        let id = format!("namespace-{namespace}");
        self.open().remove(&id);
        match fs::remove_dir_all(self.folder.join(&id)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    /// The namespace of a workgroup, by the workgroup's name or ARN.
    fn namespace_of(&self, workgroup: &str) -> Option<Namespace> {
        let state = self.serverless.read();
        let mut workgroups = state.workgroups.iter();
        let (_, found) = workgroups.find(|(name, held)| *name == workgroup || held.arn() == workgroup)?;
        state.namespaces.get(&found.namespace).cloned()
    }

    fn cluster(&self) -> Result<(String, Arc<Warehouse>, Access), ServiceError> {
        let id = format!("cluster-{PRELOADED}");
        let warehouse = self.opened(&id, DATABASE)?;
        Ok((id, warehouse, self.access(Roles::Any)))
    }

    fn namespace(&self, namespace: &Namespace) -> Result<(String, Arc<Warehouse>, Access), ServiceError> {
        let id = namespace_id(namespace);
        let warehouse = self.opened(&id, &namespace.database)?;
        Ok((id, warehouse, self.access(namespace.access())))
    }

    fn access(&self, roles: Roles) -> Access {
        Access { s3: self.s3.clone(), iam: self.iam.clone(), roles }
    }

    fn opened(&self, id: &str, database: &str) -> Result<Arc<Warehouse>, ServiceError> {
        let mut open = self.open();
        if let Some(warehouse) = open.get(id) {
            return Ok(warehouse.clone());
        }
        let warehouse = Warehouse::open(&self.folder.join(id), database)?;
        open.insert(id.to_owned(), warehouse.clone());
        Ok(warehouse)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Arc<Warehouse>>> {
        self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Host and database of a JDBC address at the one port that warehouses have.
fn address(url: &str) -> Option<(&str, String)> {
    let (address, database) = url.strip_prefix("jdbc:redshift://")?.split_once('/')?;
    let (host, port) = address.split_once(':')?;
    let database = database.split(['?', ';']).next().unwrap_or_default();
    (port == PORT).then(|| (host, database.to_owned()))
}

/// What a JDBC address leads to.
pub(super) struct Endpoint {
    pub(super) found: (String, Arc<Warehouse>, Access),
    pub(super) database: String,
    /// Name, password, and the secret that holds the password where it is managed.
    admin: (String, Option<String>, Option<String>),
}

impl Endpoint {
    /// Whether these are the administrator's credentials.
    pub(super) fn admits(&self, username: &str, password: &str, secrets: &Secrets) -> bool {
        let (admin, own, secret) = &self.admin;
        let managed = secret.as_ref().and_then(|secret| credentials(&secrets.read(secret).ok()?));
        let expected = managed.map(|(_, password)| password).or_else(|| own.clone());
        admin == username && expected.as_deref() == Some(password)
    }
}

/// Name and password from a secret's value, as Redshift writes it.
pub(super) fn credentials(secret: &str) -> Option<(String, String)> {
    let value: serde_json::Value = serde_json::from_str(secret).ok()?;
    Some((value["username"].as_str()?.to_owned(), value["password"].as_str()?.to_owned()))
}

fn namespace_id(namespace: &Namespace) -> String {
    format!("namespace-{}", namespace.id)
}

fn no_endpoint(name: &str) -> ServiceError {
    invalid(format!("Redshift endpoint doesn't exist in this region. ({name})"))
}
