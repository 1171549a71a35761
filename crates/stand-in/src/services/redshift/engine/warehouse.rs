//! One cluster's or namespace's databases, on disk.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::{Mutex, RwLock};

use super::{
    access::Access,
    catalog::Catalog,
    failure::Failure,
    statement::Statement,
    transaction::{Ran, Transaction},
};
use crate::durable::Durable;

/// A cluster's or namespace's databases. What a transaction changed is there for good once it has returned: its rows lie in
/// files of their own, synced, and the catalogue that names them is replaced whole.
pub(in crate::services::redshift) struct Warehouse {
    folder: PathBuf,
    catalog: Durable<Catalog>,
    /// One transaction that writes at a time.
    writing: Mutex<()>,
    /// Held shared by whoever may read segments of an older catalogue.
    reading: RwLock<()>,
}

impl Warehouse {
    /// Opens what lies in `folder`, with a database of that name in it.
    pub(in crate::services::redshift) fn open(folder: &Path, database: &str) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder.join("segments"))?;
        let catalog = Durable::<Catalog>::open(&folder.join("catalog.json"))?;
        if !catalog.read().databases.contains_key(database) {
            catalog.change(|catalog| {
                catalog.add_database(database);
                Ok::<_, io::Error>(())
            })?;
        }
        let (writing, reading) = (Mutex::new(()), RwLock::new(()));
        let warehouse = Self { folder: folder.to_owned(), catalog, writing, reading };
        warehouse.sweep()?;
        Ok(Arc::new(warehouse))
    }

    /// The catalogue as it is now.
    pub(in crate::services::redshift) fn catalog(&self) -> Catalog {
        self.catalog.read().clone()
    }

    /// Whether a statement of the Data API had its effect.
    pub(in crate::services::redshift) fn is_committed(&self, id: &str) -> bool {
        self.catalog.read().is_committed(id)
    }

    /// Runs statements as one transaction, of the Data API's statement `id`; what came of each, the last one a failure
    /// where there was one, and then nothing has changed.
    pub(in crate::services::redshift) async fn run(
        &self,
        id: &str,
        database: &str,
        access: &Access,
        statements: Vec<Statement>,
    ) -> Vec<Ran> {
        let only_reads = statements.iter().all(Statement::only_reads);
        let _turn = if only_reads { None } else { Some(self.writing.lock().await) };
        let reading = self.reading.read().await;
        let mut transaction = Transaction::new(self.folder.join("segments"), database, access, self.catalog());
        let mut all = Vec::new();
        for statement in statements {
            let ran = transaction.run(statement).await;
            let failed = ran.outcome.is_err();
            all.push(ran);
            if failed {
                break;
            }
        }
        drop(reading);
        let went_well = all.iter().all(|ran| ran.outcome.is_ok());
        if !only_reads
            && let Err(failure) = self.end(id, transaction, went_well)
            && let Some(last) = all.last_mut()
        {
            last.outcome = Err(failure);
        }
        all
    }

    /// Makes a transaction's catalogue the warehouse's, or only remembers the loads that it tried.
    fn end(&self, id: &str, transaction: Transaction<'_>, went_well: bool) -> Result<(), Failure> {
        let Transaction { catalog: changed, loads, .. } = transaction;
        self.catalog.change(|catalog| {
            if went_well {
                *catalog = changed;
                catalog.commit(id);
            } else {
                catalog.skip_queries_of(&changed);
            }
            for (load, errors) in loads {
                catalog.remember(load, errors);
            }
            Ok::<_, Failure>(())
        })?;
        // The transaction has ended: what is left behind is swept away after the next one.
        if let Err(error) = self.sweep() {
            tracing::warn!(folder = %self.folder.display(), %error, "rows that are no longer needed are not yet removed");
        }
        Ok(())
    }

    /// Removes the files that the catalogue does not name, unless somebody may still read them. Only while nobody writes.
    fn sweep(&self) -> io::Result<()> {
        let Ok(_alone) = self.reading.try_write() else { return Ok(()) };
        let known: HashSet<String> = self.catalog.read().files().map(str::to_owned).collect();
        for entry in fs::read_dir(self.folder.join("segments"))? {
            let entry = entry?;
            if entry.file_name().to_str().is_none_or(|name| !known.contains(name)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}
