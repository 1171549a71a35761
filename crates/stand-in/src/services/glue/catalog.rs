//! The store of databases and tables.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    database::Database,
    table::Table,
    wire::{already_exists, not_found},
};
use crate::{durable::Durable, inventory::Inventory, service_error::ServiceError};

/// A table's file, and the table in it.
pub(super) struct Stored {
    path: PathBuf,
    table: Durable<Table>,
}

type Tables = BTreeMap<(String, String), Stored>;

/// Databases in one file, each table in a file of its own. Whoever holds both locks takes the tables' first.
pub(super) struct Catalog {
    folder: PathBuf,
    next_file: AtomicU64,
    pub(super) databases: Durable<BTreeMap<String, Database>>,
    tables: RwLock<Tables>,
}

impl Catalog {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder.join("tables"))?;
        let databases = Durable::open(&folder.join("databases.json"))?;
        let mut tables = Tables::new();
        let mut last = 0;
        for entry in fs::read_dir(folder.join("tables"))? {
            let path = entry?.path();
            let Some(number) = file_number(&path) else { continue };
            last = last.max(number);
            let table: Durable<Table> = Durable::open(&path)?;
            let key = table.read().key();
            tables.insert(key, Stored { path, table });
        }
        Ok(Self {
            folder: folder.to_owned(),
            next_file: AtomicU64::new(last + 1),
            databases,
            tables: RwLock::new(tables),
        })
    }

    /// What `look` sees in the table.
    pub(super) fn with_table<R>(
        &self,
        database: &str,
        table: &str,
        look: impl FnOnce(&Table) -> Result<R, ServiceError>,
    ) -> Result<R, ServiceError> {
        let tables = self.read();
        let stored = self.find(&tables, database, table)?;
        let table = stored.table.read();
        look(&table)
    }

    /// Changes the table; the change is on disk when this returns.
    pub(super) fn change_table<R>(
        &self,
        database: &str,
        table: &str,
        change: impl FnOnce(&mut Table) -> Result<R, ServiceError>,
    ) -> Result<R, ServiceError> {
        let tables = self.read();
        self.find(&tables, database, table)?.table.change(change)
    }

    pub(super) fn add_table(&self, table: Table) -> Result<(), ServiceError> {
        let mut tables = self.write();
        let key = table.key();
        self.check_database(&key.0)?;
        if tables.contains_key(&key) {
            return Err(already_exists(format!("Table {} already exists.", key.1)));
        }
        let number = self.next_file.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join("tables").join(format!("{number}.json"));
        let stored = Stored { table: Durable::open(&path)?, path };
        stored.table.change(|empty| {
            *empty = table;
            Ok::<_, ServiceError>(())
        })?;
        tables.insert(key, stored);
        Ok(())
    }

    pub(super) fn remove_table(&self, database: &str, table: &str) -> Result<(), ServiceError> {
        let mut tables = self.write();
        let path = self.find(&tables, database, table)?.path.clone();
        self.remove_file(&path)?;
        tables.remove(&(database.to_lowercase(), table.to_lowercase()));
        Ok(())
    }

    /// Removes the database's tables, then the database.
    pub(super) fn remove_database(&self, name: &str) -> Result<(), ServiceError> {
        let mut tables = self.write();
        self.check_database(name)?;
        let keys: Vec<_> = tables.keys().filter(|(database, _)| database == name).cloned().collect();
        for key in keys {
            if let Some(stored) = tables.get(&key) {
                self.remove_file(&stored.path)?;
            }
            tables.remove(&key);
        }
        self.databases.change(|databases| {
            databases.remove(name);
            Ok(())
        })
    }

    /// Each table of the database in name order, as `look` sees it.
    pub(super) fn each_table<R>(
        &self,
        database: &str,
        look: impl Fn(&Table) -> R,
    ) -> Result<Vec<(String, R)>, ServiceError> {
        let tables = self.read();
        self.check_database(database)?;
        Ok(tables
            .iter()
            .filter(|((of, _), _)| of == database)
            .map(|((_, name), stored)| (name.clone(), look(&stored.table.read())))
            .collect())
    }

    pub(super) fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        let tables = self.read();
        for (name, database) in self.databases.read().iter() {
            into.add("glue database", name, database)?;
        }
        tables.iter().try_for_each(|((database, name), stored)| {
            into.add("glue table", format!("{database}.{name}"), &*stored.table.read())
        })
    }

    pub(super) fn database_names(&self) -> Vec<String> {
        self.databases.read().keys().cloned().collect()
    }

    pub(super) fn table_names(&self, database: &str) -> Option<Vec<String>> {
        let tables = self.each_table(&database.to_lowercase(), |_| ()).ok()?;
        Some(tables.into_iter().map(|(name, ())| name).collect())
    }

    pub(super) fn check_database(&self, name: &str) -> Result<(), ServiceError> {
        if self.databases.read().contains_key(name) {
            return Ok(());
        }
        Err(not_found(format!("Database {name} not found.")))
    }

    fn find<'a>(&self, tables: &'a Tables, database: &str, table: &str) -> Result<&'a Stored, ServiceError> {
        let key = (database.to_lowercase(), table.to_lowercase());
        self.check_database(&key.0)?;
        tables.get(&key).ok_or_else(|| not_found(format!("Table {} not found.", key.1)))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => File::open(self.folder.join("tables"))?.sync_all(),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The number of a table's file `<number>.json`; others, such as one left half-written, are none of ours.
fn file_number(path: &Path) -> Option<u64> {
    if path.extension()? != "json" {
        return None;
    }
    path.file_stem()?.to_str()?.parse().ok()
}
