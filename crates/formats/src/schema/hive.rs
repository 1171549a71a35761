use std::collections::{BTreeMap, HashSet};

use super::{Field, FieldPath, Schema, Type};

/// The Hive SerDe that reads one JSON document per line ("OpenX JSON SerDe", Athena user guide).
pub const JSON_SERDE: &str = "org.openx.data.jsonserde.JsonSerDe";

/// The partition columns of a delivered table. Text, because the paths are zero-padded (`month=07`).
pub const PARTITIONS: [&str; 3] = ["year", "month", "day"];

/// Athena user guide, "Names for tables, databases, and columns".
const LONGEST_NAME: usize = 255;
/// Glue API reference, Column.
const LONGEST_TYPE: usize = 131_072;

/// Why a table of Glue cannot have the documents' fields as columns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// A key is no name, whatever is put in place of what Athena does not take.
    #[error("`{0}` cannot be a column: a name in Athena has 1 to {LONGEST_NAME} characters")]
    Name(FieldPath),
    /// Two keys have the name of one column.
    #[error(
        "`{first}` and `{second}` would be one column: names in Athena have no case, and `_` for all but letters and digits"
    )]
    Collision {
        /// As one document has it.
        first: FieldPath,
        /// As the same or another has it.
        second: FieldPath,
    },
    /// A column's type is longer than Glue takes.
    #[error(
        "the type of column `{0}` is longer than the {LONGEST_TYPE} characters that Glue takes; it has too many fields"
    )]
    TooLong(FieldPath),
}

impl CatalogError {
    /// The field that cannot be a column.
    pub fn path(&self) -> &FieldPath {
        match self {
            Self::Name(path) | Self::TooLong(path) | Self::Collision { second: path, .. } => path,
        }
    }
}

/// What the objects of a table hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// One JSON document per line.
    JsonLines,
    /// Parquet.
    Parquet,
}

impl Type {
    /// The type as Hive, Glue and Athena write it: `bigint`, `struct<a:bigint,b:string>`.
    pub fn hive(&self) -> String {
        match self {
            Self::BigInt => "bigint".to_owned(),
            Self::Double => "double".to_owned(),
            // The SerDe that Athena's is named after reads no decimals, and a double would lose digits.
            Self::Decimal => "string".to_owned(),
            Self::String => "string".to_owned(),
            Self::Boolean => "boolean".to_owned(),
            Self::Array(of) => format!("array<{}>", of.hive()),
            Self::Struct(fields) => {
                let fields: Vec<_> = fields.iter().map(Field::hive).collect();
                format!("struct<{}>", fields.join(","))
            }
        }
    }
}

impl Field {
    fn hive(&self) -> String {
        format!("{}:{}", self.hive_name(), self.kind.hive())
    }

    fn hive_name(&self) -> String {
        hive_name(&self.name)
    }

    /// By what the SerDe finds it: it has keys in lower case (`case.insensitive`).
    fn key(&self) -> String {
        self.name.to_lowercase()
    }
}

/// What a key is called in Hive, which has names in lower case only, of which Athena takes letters, digits and `_` (Athena
/// user guide, "Names for tables, databases, and columns").
pub fn hive_name(key: &str) -> String {
    let known = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    key.to_lowercase().chars().map(known).collect()
}

/// Names of columns and fields as they are met, and the key of each.
#[derive(Default)]
struct Names(BTreeMap<String, (String, FieldPath)>);

impl Names {
    fn add(&mut self, fields: &[Field], outer: &FieldPath) -> Result<(), CatalogError> {
        let mut here = HashSet::new();
        for field in fields {
            let path = FieldPath(outer.0.iter().cloned().chain([field.name.clone()]).collect());
            let (name, key) = (field.hive_name(), field.key());
            if name.is_empty() || name.len() > LONGEST_NAME {
                return Err(CatalogError::Name(path));
            }
            // What a name is mapped to holds at every depth.
            let (known, first) = self.0.entry(name.clone()).or_insert_with(|| (key.clone(), path.clone()));
            if *known != key || !here.insert(name) {
                return Err(CatalogError::Collision { first: first.clone(), second: path });
            }
            self.add(field.kind.fields(), &path)?;
        }
        Ok(())
    }
}

impl Schema {
    /// The key of each name, at any depth, that is not its own: the SerDe's `mapping.NAME` (Athena user guide, "OpenX JSON
    /// SerDe") and Firehose's `ColumnToJsonKeyMappings`.
    ///
    /// # Errors
    /// A table of Glue cannot have these columns.
    pub fn key_mappings(&self) -> Result<BTreeMap<String, String>, CatalogError> {
        let mut names = Names::default();
        names.add(&self.columns, &FieldPath(Vec::new()))?;
        if let Some(column) = self.columns.iter().find(|column| column.kind.hive().len() > LONGEST_TYPE) {
            return Err(CatalogError::TooLong(FieldPath(vec![column.name.clone()])));
        }
        let mapped = names.0.into_iter().map(|(name, (key, _))| (name, key));
        Ok(mapped.filter(|(name, key)| name != key).collect())
    }

    /// Name and Hive type of each column, as a Glue table's storage descriptor wants them.
    pub fn glue_columns(&self) -> Vec<(String, String)> {
        self.columns.iter().map(|field| (field.hive_name(), field.kind.hive())).collect()
    }

    /// `CREATE EXTERNAL TABLE` for Athena over one JSON document per line below `location`, by year, month and day.
    pub fn athena_ddl(&self, table: &str, location: &str) -> String {
        self.athena_ddl_of(table, location, Stored::JsonLines, &PARTITIONS.map(str::to_owned))
    }

    /// `CREATE EXTERNAL TABLE` for Athena over what lies below `location`, with `partitions` as columns of text.
    pub fn athena_ddl_of(&self, table: &str, location: &str, stored: Stored, partitions: &[String]) -> String {
        let columns = column_lines(&self.glue_columns());
        let by: Vec<_> = partitions.iter().map(|name| (name.clone(), Type::String.hive())).collect();
        let by = if by.is_empty() { String::new() } else { format!("PARTITIONED BY (\n{}\n)\n", column_lines(&by)) };
        let rows = match stored {
            Stored::JsonLines => format!("ROW FORMAT SERDE '{JSON_SERDE}'{}", self.serde_properties()),
            Stored::Parquet => "STORED AS PARQUET".to_owned(),
        };
        format!("CREATE EXTERNAL TABLE IF NOT EXISTS {table} (\n{columns}\n)\n{by}{rows}\nLOCATION '{location}';\n")
    }

    /// Of columns that are called otherwise than their keys.
    fn serde_properties(&self) -> String {
        let mapped = self.key_mappings().unwrap_or_default();
        let quoted = |text: String| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
        let lines: Vec<_> =
            mapped.into_iter().map(|(name, key)| format!("  'mapping.{name}' = {}", quoted(key))).collect();
        if lines.is_empty() { String::new() } else { format!("\nWITH SERDEPROPERTIES (\n{}\n)", lines.join(",\n")) }
    }
}

fn column_lines(columns: &[(String, String)]) -> String {
    let lines: Vec<_> = columns.iter().map(|(name, kind)| format!("  `{name}` {kind}")).collect();
    lines.join(",\n")
}
