use super::{Field, Schema, Type};

/// The Hive SerDe that reads one JSON document per line ("OpenX JSON SerDe", Athena user guide).
pub const JSON_SERDE: &str = "org.openx.data.jsonserde.JsonSerDe";

/// The partition columns of a delivered table. Text, because the paths are zero-padded (`month=07`).
pub const PARTITIONS: [&str; 3] = ["year", "month", "day"];

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

    /// Name and Hive type of each partition column, as a Glue table wants them.
    pub fn partition_columns(&self) -> Vec<(String, String)> {
        PARTITIONS.iter().map(|name| ((*name).to_owned(), Type::String.hive())).collect()
    }

    /// `CREATE EXTERNAL TABLE` for Athena over one JSON document per line below `location`.
    pub fn athena_ddl(&self, table: &str, location: &str) -> String {
        format!(
            "CREATE EXTERNAL TABLE IF NOT EXISTS {table} (\n{columns}\n)\nPARTITIONED BY (\n{partitions}\n)\n\
             ROW FORMAT SERDE '{JSON_SERDE}'\nLOCATION '{location}';\n",
            columns = column_lines(&self.glue_columns()),
            partitions = column_lines(&self.partition_columns()),
        )
    }
}

fn column_lines(columns: &[(String, String)]) -> String {
    let lines: Vec<_> = columns.iter().map(|(name, kind)| format!("  `{name}` {kind}")).collect();
    lines.join(",\n")
}
