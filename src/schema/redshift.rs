use super::{Field, Schema, Type};

const SMALLEST_STRUCT: usize = 4096;

impl Type {
    /// The type as Redshift writes it. A struct or an array is held as its JSON text.
    pub fn redshift(&self) -> String {
        match self {
            Self::BigInt => "BIGINT".to_owned(),
            Self::Double => "FLOAT8".to_owned(),
            Self::String => "VARCHAR(256)".to_owned(),
            Self::Boolean => "BOOLEAN".to_owned(),
            Self::Array(_) | Self::Struct(_) => format!("VARCHAR({})", self.json_bytes()),
        }
    }

    /// Room for a struct's JSON text: twice what its keys and punctuation alone take, a power of two, at least 4,096.
    fn json_bytes(&self) -> usize {
        (2 * self.skeleton_bytes()).next_power_of_two().max(SMALLEST_STRUCT)
    }

    fn skeleton_bytes(&self) -> usize {
        match self {
            Self::String => "\"\"".len(),
            Self::BigInt | Self::Double | Self::Boolean => 1,
            Self::Array(of) => "[]".len() + of.skeleton_bytes(),
            Self::Struct(fields) => "}".len() + fields.iter().map(Field::skeleton_bytes).sum::<usize>(),
        }
    }
}

impl Field {
    fn skeleton_bytes(&self) -> usize {
        ",\"\":".len() + self.name.len() + self.kind.skeleton_bytes()
    }
}

impl Schema {
    /// `CREATE TABLE` for Redshift. Its columns are those of [`Schema::jsonpaths`], in the same order.
    pub fn redshift_ddl(&self, table: &str) -> String {
        let lines: Vec<_> =
            self.columns.iter().map(|field| format!("  {} {}", field.name, field.kind.redshift())).collect();
        format!("CREATE TABLE IF NOT EXISTS {table} (\n{}\n);\n", lines.join(",\n"))
    }

    /// The jsonpaths file of a Redshift `COPY … JSON 's3://…'`: one path per column, in order.
    pub fn jsonpaths(&self) -> String {
        let paths: Vec<_> = self.names().map(|name| format!("    \"$.{name}\"")).collect();
        format!("{{\n  \"jsonpaths\": [\n{}\n  ]\n}}\n", paths.join(",\n"))
    }

    /// The column list of a Redshift `COPY table (…)` or of a Firehose `DataTableColumns`.
    pub fn column_list(&self) -> String {
        self.names().collect::<Vec<_>>().join(",")
    }
}
