//! A table as Glue is told of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::write::{Encoding, RowFormat};

/// Name and Hive type.
pub(super) type Column = (String, String);

/// How the objects of a table are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Storage {
    pub(super) input_format: String,
    pub(super) output_format: String,
    pub(super) serde: String,
    pub(super) serde_parameters: BTreeMap<String, String>,
}

impl Storage {
    /// Of objects in a format that the stand-in writes (Trino, `HiveStorageFormat`).
    pub(super) fn of(format: RowFormat) -> Self {
        const TEXT: (&str, &str) =
            ("org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat");
        let (formats, serde) = match format {
            RowFormat::Parquet => (
                (
                    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                ),
                "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
            ),
            RowFormat::Json => (TEXT, "org.apache.hive.hcatalog.data.JsonSerDe"),
            RowFormat::Delimited(_) => (TEXT, "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"),
        };
        let mut serde_parameters = BTreeMap::new();
        if let RowFormat::Delimited(delimiters) = format
            && let Some(sign) = delimiters.at(0)
        {
            serde_parameters.insert("field.delim".to_owned(), char::from(sign).to_string());
        }
        let (input_format, output_format) = formats;
        Self {
            input_format: input_format.to_owned(),
            output_format: output_format.to_owned(),
            serde: serde.to_owned(),
            serde_parameters,
        }
    }

    /// `StorageDescriptor` of these columns at this place.
    pub(super) fn descriptor(&self, columns: &[Column], location: &str) -> Value {
        json!({
            "Columns": listed(columns),
            "Location": location,
            "InputFormat": self.input_format,
            "OutputFormat": self.output_format,
            "SerdeInfo": {"SerializationLibrary": self.serde, "Parameters": self.serde_parameters},
        })
    }
}

/// `Columns` or `PartitionKeys`.
pub(super) fn listed(columns: &[Column]) -> Vec<Value> {
    columns.iter().map(|(name, kind)| json!({"Name": name, "Type": kind})).collect()
}

/// `TableInput` of a table that a query fills.
pub(super) fn filled(name: &str, encoding: &Encoding, columns: &[Column], keys: &[Column], location: &str) -> Value {
    let mut parameters = BTreeMap::from([("EXTERNAL", "TRUE"), ("has_encrypted_data", "false")]);
    parameters.insert(encoding.compression_property(), encoding.codec.name());
    json!({
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        "PartitionKeys": listed(keys),
        "StorageDescriptor": Storage::of(encoding.format).descriptor(columns, location),
    })
}

/// `PartitionInput` of these values.
pub(super) fn partition(values: &[String], descriptor: Value) -> Value {
    json!({"Values": values, "StorageDescriptor": descriptor})
}
