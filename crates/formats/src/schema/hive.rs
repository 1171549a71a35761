use super::{Field, Schema, Type};

/// The Hive SerDe that reads one JSON document per line ("OpenX JSON SerDe", Athena user guide).
pub const JSON_SERDE: &str = "org.openx.data.jsonserde.JsonSerDe";

/// The partition columns of a delivered table. Text, because the paths are zero-padded (`month=07`).
pub const PARTITIONS: [&str; 3] = ["year", "month", "day"];

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

    /// Hive has names in lower case only; the SerDe finds the key whatever its case (`case.insensitive`).
    fn hive_name(&self) -> String {
        self.name.to_lowercase()
    }
}

impl Schema {
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
            Stored::JsonLines => format!("ROW FORMAT SERDE '{JSON_SERDE}'"),
            Stored::Parquet => "STORED AS PARQUET".to_owned(),
        };
        format!("CREATE EXTERNAL TABLE IF NOT EXISTS {table} (\n{columns}\n)\n{by}{rows}\nLOCATION '{location}';\n")
    }
}

fn column_lines(columns: &[(String, String)]) -> String {
    let lines: Vec<_> = columns.iter().map(|(name, kind)| format!("  `{name}` {kind}")).collect();
    lines.join(",\n")
}
