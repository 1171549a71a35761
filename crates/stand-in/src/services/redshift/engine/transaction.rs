//! A transaction: statements on a copy of the catalogue, which becomes the catalogue when all of them have gone well.

use std::{path::PathBuf, sync::Arc};

use chrono::{DateTime, Utc};
use datafusion::sql::sqlparser::ast::Query;

use super::{
    access::Access,
    catalog::{Catalog, Column, Load, LoadError, Name, Schema, Segment, Table},
    change,
    copy::{Copy, Input, Loaded},
    failure::Failure,
    rows::Rows,
    segment::SegmentWriter,
    select::{self, ResultSet},
    statement::Statement,
    view::View,
};

/// As many rows are written at a time.
const BATCH: usize = 8_192;

/// A statement that ran: its number, as the system tables have it, and what came of it.
#[derive(Debug)]
pub(in crate::services::redshift) struct Ran {
    pub(in crate::services::redshift) query: i64,
    pub(in crate::services::redshift) outcome: Result<Outcome, Failure>,
}

/// What came of a statement that went well.
#[derive(Clone, Debug, Default)]
pub(in crate::services::redshift) struct Outcome {
    pub(in crate::services::redshift) result: Option<ResultSet>,
    /// How many rows were answered or written.
    pub(in crate::services::redshift) rows: i64,
}

/// A transaction under way.
pub(super) struct Transaction<'a> {
    pub(super) folder: PathBuf,
    pub(super) database: String,
    pub(super) access: &'a Access,
    pub(super) catalog: Catalog,
    /// The loads that ran, which are remembered even where the transaction is not.
    pub(super) loads: Vec<(Load, Vec<LoadError>)>,
    search_path: Vec<String>,
    began: DateTime<Utc>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(folder: PathBuf, database: &str, access: &'a Access, catalog: Catalog) -> Self {
        let search_path = vec!["public".to_owned()];
        let (database, began) = (database.to_owned(), Utc::now());
        Self { folder, database, access, catalog, loads: Vec::new(), search_path, began }
    }

    pub(super) async fn run(&mut self, statement: Statement) -> Ran {
        let query = self.catalog.next_query();
        Ran { query, outcome: self.outcome(statement, query).await }
    }

    async fn outcome(&mut self, statement: Statement, query: i64) -> Result<Outcome, Failure> {
        self.catalog.database(&self.database)?;
        let mut outcome = Outcome::default();
        match statement {
            Statement::Select(select) => {
                let result = select::select(self.view(), *select).await?;
                outcome.rows = result.rows as i64;
                outcome.result = Some(result);
            }
            Statement::SetSearchPath(path) => self.search_path = path,
            // It was read for the statements that follow.
            Statement::SetCase(_) => {}
            Statement::CreateSchema { name, if_not_exists } => self.create_schema(&name, if_not_exists)?,
            Statement::DropSchema { names, if_exists, cascade } => self.drop_schemas(&names, if_exists, cascade)?,
            Statement::CreateTable { name, columns, if_not_exists } => {
                self.create_table(&name, columns, if_not_exists)?
            }
            Statement::DropTable { names, if_exists } => self.drop_tables(&names, if_exists)?,
            Statement::CommentOnSchema { name, comment } => {
                self.catalog.database_mut(&self.database)?.schema_mut(&name)?.comment = comment;
            }
            Statement::CommentOnTable { name, comment } => self.table_mut(&name)?.comment = comment,
            Statement::Truncate(names) => {
                for name in &names {
                    self.table_mut(name)?.segments.clear();
                }
            }
            // A transaction that writes is alone from its beginning.
            Statement::Lock(names) => {
                for name in &names {
                    self.table(name)?;
                }
            }
            Statement::Delete { table, condition } => outcome.rows = self.delete(&table, condition.map(|c| *c)).await?,
            Statement::Insert { table, columns, source } => {
                outcome.rows = self.insert(&table, &columns, *source).await?
            }
            Statement::Copy(copy) => outcome.rows = self.copy(*copy, query).await?,
        }
        Ok(outcome)
    }

    fn view(&self) -> View {
        View {
            folder: self.folder.clone(),
            catalog: Arc::new(self.catalog.clone()),
            database: self.database.clone(),
            search_path: self.search_path.clone(),
            now: self.began,
        }
    }

    fn table(&self, name: &Name) -> Result<&Table, Failure> {
        self.catalog.database(&self.database)?.table(name, &self.search_path)
    }

    fn table_mut(&mut self, name: &Name) -> Result<&mut Table, Failure> {
        self.catalog.database_mut(&self.database)?.table_mut(name, &self.search_path)
    }

    fn create_schema(&mut self, name: &str, if_not_exists: bool) -> Result<(), Failure> {
        let id = self.catalog.next_id();
        let schemas = &mut self.catalog.database_mut(&self.database)?.schemas;
        if schemas.contains_key(name) {
            let taken = Failure::new(format!("Schema \"{name}\" already exists"));
            return if if_not_exists { Ok(()) } else { Err(taken) };
        }
        schemas.insert(name.to_owned(), Schema::new(id));
        Ok(())
    }

    fn drop_schemas(&mut self, names: &[String], if_exists: bool, cascade: bool) -> Result<(), Failure> {
        let database = self.catalog.database_mut(&self.database)?;
        for name in names {
            match database.schema(name) {
                Err(_) if if_exists => continue,
                Err(failure) => return Err(failure),
                Ok(schema) if !schema.tables.is_empty() && !cascade => {
                    return Err(Failure::new(format!(
                        "cannot drop schema {name} because other objects depend on it\n  Hint: Use DROP ... CASCADE to drop the dependent objects too."
                    )));
                }
                Ok(_) => drop(database.schemas.remove(name)),
            }
        }
        Ok(())
    }

    fn create_table(&mut self, name: &Name, columns: Vec<Column>, if_not_exists: bool) -> Result<(), Failure> {
        let id = self.catalog.next_id();
        let first = self.search_path.first().cloned().unwrap_or_else(|| "public".to_owned());
        let schema = name.schema.clone().unwrap_or(first);
        let tables = &mut self.catalog.database_mut(&self.database)?.schema_mut(&schema)?.tables;
        if tables.contains_key(&name.table) {
            let taken = Failure::new(format!("Relation \"{}\" already exists", name.table));
            return if if_not_exists { Ok(()) } else { Err(taken) };
        }
        tables.insert(name.table.clone(), Table::new(id, columns));
        Ok(())
    }

    fn drop_tables(&mut self, names: &[Name], if_exists: bool) -> Result<(), Failure> {
        for name in names {
            if let Err(failure) = self.table(name) {
                if if_exists {
                    continue;
                }
                return Err(failure);
            }
            let database = self.catalog.database_mut(&self.database)?;
            let schema = database.resolve(name, &self.search_path).ok_or_else(|| Failure::no_relation(name))?;
            database.schema_mut(&schema)?.tables.remove(&name.table);
        }
        Ok(())
    }

    async fn insert(&mut self, name: &Name, columns: &[String], source: Query) -> Result<i64, Failure> {
        let table = self.table(name)?.clone();
        let places = change::places(&table, name, columns)?;
        let source = change::with_defaults(&table, &places, source)?;
        let mut writer = SegmentWriter::create(&self.folder, table.arrow())?;
        select::run(self.view(), source, |batch| writer.write(&change::fitted(&table, &places, batch)?)).await?;
        self.append(name, writer.finish()?)
    }

    async fn delete(
        &mut self,
        name: &Name,
        condition: Option<datafusion::sql::sqlparser::ast::Expr>,
    ) -> Result<i64, Failure> {
        let before = self.table(name)?.rows() as i64;
        let Some(condition) = condition else {
            self.table_mut(name)?.segments.clear();
            return Ok(before);
        };
        let table = self.table(name)?.clone();
        let mut writer = SegmentWriter::create(&self.folder, table.arrow())?;
        let kept = change::rows_without(name, &condition)?;
        let places: Vec<usize> = (0..table.columns.len()).collect();
        select::run(self.view(), kept, |batch| writer.write(&change::fitted(&table, &places, batch)?)).await?;
        self.table_mut(name)?.segments.clear();
        Ok(before - self.append(name, writer.finish()?)?)
    }

    fn append(&mut self, name: &Name, segment: Option<Segment>) -> Result<i64, Failure> {
        let rows = segment.as_ref().map_or(0, |segment| segment.rows as i64);
        self.table_mut(name)?.segments.extend(segment);
        Ok(rows)
    }

    async fn copy(&mut self, copy: Copy, query: i64) -> Result<i64, Failure> {
        let started = Utc::now().timestamp_micros();
        let Ok(table) = self.table(&copy.table).cloned() else {
            return Err(Failure::new(format!("Cannot COPY into nonexistent table {}", copy.table.table)));
        };
        change::refuse_unset(&table, &copy.columns)?;
        self.access.check_role(&copy.role)?;
        let input = Input::fetch(&copy, &table.columns, &self.access.s3).await?;
        let (folder, shape) = (self.folder.clone(), table.clone());
        let writing = tokio::task::spawn_blocking(move || write(input, &folder, &shape));
        let (loaded, segment) =
            writing.await.map_err(|e| Failure::new(format!("the stand-in failed in COPY: {e}")))??;
        let rows = segment.as_ref().filter(|_| !loaded.is_rejected).map_or(0, |segment| segment.rows as i64);
        let load = Load {
            query,
            database: self.database.clone(),
            table: copy.table.table.clone(),
            started,
            ended: Utc::now().timestamp_micros(),
            source: copy.source.clone(),
            completed: !loaded.is_rejected,
            rows,
            bytes: loaded.bytes,
            files: loaded.files,
            errors: loaded.rejected as i64,
        };
        let errors = loaded.errors.into_iter().map(|error| LoadError {
            query,
            database: self.database.clone(),
            table_id: table.id,
            started,
            ..error
        });
        self.loads.push((load, errors.collect()));
        if loaded.is_rejected {
            return Err(Failure::new(format!(
                "Load into table '{}' failed.  Check 'sys_load_error_detail' system table for details.",
                copy.table.table
            )));
        }
        self.append(&copy.table, segment)
    }
}

fn write(input: Input, folder: &std::path::Path, table: &Table) -> Result<(Loaded, Option<Segment>), Failure> {
    let mut writer = SegmentWriter::create(folder, table.arrow())?;
    let mut rows = Rows::of(table);
    let loaded = input.load(table.columns.len(), |cells| {
        rows.push(cells);
        if rows.count() >= BATCH {
            writer.write(&rows.finish()?)?;
        }
        Ok(())
    })?;
    writer.write(&rows.finish()?)?;
    Ok((loaded, writer.finish()?))
}
