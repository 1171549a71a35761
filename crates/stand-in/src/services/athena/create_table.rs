//! `CREATE EXTERNAL TABLE`, in Hive's DDL: a table over objects that lie, or will lie, in S3.

use std::collections::{BTreeMap, HashSet};

use datafusion::sql::sqlparser::tokenizer::Token;
use serde_json::{Map, Value, json};

use super::{
    cursor::Cursor,
    failure::{Failure, of_hive},
    folders,
    job::Job,
    results::QueryResult,
    table_input::Storage,
    table_name::TableName,
    write::RowFormat,
};
use crate::{hive::Delimiters, trino::Refusal};

/// The statement (Athena user guide, "CREATE TABLE").
pub(super) struct CreateTable {
    table: TableName,
    is_optional: bool,
    columns: Vec<Value>,
    keys: Vec<Value>,
    parameters: BTreeMap<String, String>,
    storage: Storage,
    location: String,
}

/// What `ROW FORMAT` and `STORED AS` say.
#[derive(Default)]
struct Clauses {
    serde: Option<String>,
    serde_parameters: BTreeMap<String, String>,
    formats: Option<(String, String)>,
    /// `STORED AS PARQUET` or `TEXTFILE`.
    stored_as: Option<RowFormat>,
}

impl CreateTable {
    /// Reads the statement after `TABLE`.
    pub(super) fn parse(mut cursor: Cursor<'_>, is_external: bool) -> Result<Self, Failure> {
        let is_optional = cursor.takes("IF NOT EXISTS");
        let table = cursor.table()?;
        let columns = if *cursor.token() == Token::LParen { cursor.listed(column)? } else { Vec::new() };
        let (mut keys, mut location, mut clauses) = (Vec::new(), None, Clauses::default());
        let mut parameters = BTreeMap::new();
        let mut seen = HashSet::new();
        while !matches!(cursor.token(), Token::EOF | Token::SemiColon) {
            let clause = cursor.word();
            if !seen.insert(clause.clone()) {
                return Err(cursor.unexpected("each clause once"));
            }
            match clause.as_str() {
                "COMMENT" => {
                    cursor.next();
                    parameters.insert("comment".to_owned(), cursor.hive_text()?);
                }
                "PARTITIONED" => {
                    cursor.expect("PARTITIONED BY")?;
                    keys = cursor.listed(column)?;
                }
                "ROW" => clauses.read_row_format(&mut cursor)?,
                "STORED" => clauses.read_stored_as(&mut cursor)?,
                "LOCATION" => {
                    cursor.next();
                    location = Some(cursor.hive_text()?);
                }
                "TBLPROPERTIES" => {
                    cursor.next();
                    parameters.extend(cursor.hive_properties()?);
                }
                "CLUSTERED" | "WITH" | "LIKE" => {
                    return Err(Refusal::missing(&format!("CREATE TABLE … {clause}")).into());
                }
                _ => return Err(cursor.unexpected("LOCATION, TBLPROPERTIES or another clause of CREATE TABLE")),
            }
        }
        cursor.end()?;
        if parameters.get("table_type").is_some_and(|kind| kind.eq_ignore_ascii_case("ICEBERG")) {
            return Err(Refusal::missing("TBLPROPERTIES ('table_type' = 'ICEBERG')").into());
        }
        let location = location
            .ok_or_else(|| Failure::user("No location was specified for table. An S3 location must be specified"))?;
        folders::parsed(&location)?;
        if !is_external {
            return Err(Failure::user(
                "FAILED: SemanticException only external table creation is supported: write CREATE EXTERNAL TABLE",
            ));
        }
        if columns.is_empty() {
            return Err(Failure::user("FAILED: SemanticException at least one column must be specified for the table"));
        }
        parameters.insert("EXTERNAL".to_owned(), "TRUE".to_owned());
        Ok(Self { table, is_optional, columns, keys, parameters, storage: clauses.storage(), location })
    }

    /// Runs it.
    pub(super) fn run(self, job: &Job) -> Result<QueryResult, Failure> {
        let name = self.table.within(&job.database);
        let glue = &job.catalog.glue;
        if glue.table_names(&name.database).is_none() {
            return Err(Failure::user(format!(
                "FAILED: SemanticException [Error 10072]: Database does not exist: {}",
                name.database
            )));
        }
        if glue.table(&name.database, &name.table).is_some() {
            if self.is_optional {
                return Ok(QueryResult::default());
            }
            return Err(of_hive(&format!("AlreadyExistsException(message:Table {} already exists)", name.table)));
        }
        let mut descriptor = self.storage.descriptor(&[], &self.location);
        descriptor["Columns"] = self.columns.into();
        let input = json!({
            "Name": name.table,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": self.parameters,
            "PartitionKeys": self.keys,
            "StorageDescriptor": descriptor,
        });
        glue.create_table(&name.database, input).map_err(|error| of_hive(&error.to_string()))?;
        Ok(QueryResult::default())
    }
}

/// Reads `name type [COMMENT 'text']`.
fn column(cursor: &mut Cursor<'_>) -> Result<Value, Failure> {
    let mut column = Map::from_iter([("Name".to_owned(), Value::from(cursor.name()?))]);
    column.insert("Type".to_owned(), cursor.hive_type()?.into());
    if cursor.takes("COMMENT") {
        column.insert("Comment".to_owned(), cursor.hive_text()?.into());
    }
    Ok(column.into())
}

impl Clauses {
    fn read_row_format(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
        if cursor.takes("ROW FORMAT SERDE") {
            self.serde = Some(cursor.hive_text()?);
            if cursor.takes("WITH SERDEPROPERTIES") {
                self.serde_parameters = cursor.hive_properties()?;
            }
            return Ok(());
        }
        cursor.expect("ROW FORMAT DELIMITED")?;
        const CLAUSES: [(&str, &[&str]); 6] = [
            ("FIELDS TERMINATED BY", &["field.delim", "serialization.format"]),
            ("ESCAPED BY", &["escape.delim"]),
            ("COLLECTION ITEMS TERMINATED BY", &["collection.delim"]),
            ("MAP KEYS TERMINATED BY", &["mapkey.delim"]),
            ("LINES TERMINATED BY", &["line.delim"]),
            ("NULL DEFINED AS", &["serialization.null.format"]),
        ];
        for (words, names) in CLAUSES {
            if cursor.takes(words) {
                let sign = cursor.hive_text()?;
                self.serde_parameters.extend(names.iter().map(|name| ((*name).to_owned(), sign.clone())));
            }
        }
        Ok(())
    }

    fn read_stored_as(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
        cursor.expect("STORED AS")?;
        if cursor.takes("INPUTFORMAT") {
            let input = cursor.hive_text()?;
            cursor.expect("OUTPUTFORMAT")?;
            self.formats = Some((input, cursor.hive_text()?));
            return Ok(());
        }
        let format = cursor.word();
        self.stored_as = Some(match format.as_str() {
            "PARQUET" => RowFormat::Parquet,
            "TEXTFILE" => RowFormat::Delimited(Delimiters::of_field(1)),
            "ORC" | "AVRO" | "RCFILE" | "SEQUENCEFILE" | "ION" => {
                return Err(Refusal::missing(&format!("STORED AS {format}")).into());
            }
            _ => return Err(cursor.unexpected("PARQUET, TEXTFILE or INPUTFORMAT")),
        });
        cursor.next();
        Ok(())
    }

    /// Text, where nothing else is said.
    fn storage(self) -> Storage {
        let mut storage = Storage::of(self.stored_as.unwrap_or(RowFormat::Delimited(Delimiters::of_field(1))));
        storage.serde_parameters = self.serde_parameters;
        if let Some(serde) = self.serde {
            storage.serde = serde;
        }
        if let Some((input_format, output_format)) = self.formats {
            (storage.input_format, storage.output_format) = (input_format, output_format);
        }
        storage
    }
}
