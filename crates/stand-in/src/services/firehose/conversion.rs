//! The settings of format conversion: `DataFormatConversionConfiguration` of the Firehose API.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Iam, ServiceError, refuse};
use crate::{ACCOUNT, REGION, hive, services::glue::Glue};

const SERVICE: &str = "firehose.amazonaws.com";
const LATEST: &str = "LATEST";
/// Of OpenXJsonSerDe: names of columns and the keys of their values.
const MAPPINGS: &str = "ColumnToJsonKeyMappings";

/// Of OpenXJsonSerDe: keys with dots are those of columns with underscores.
const DOTS: &str = "ConvertDotsInJsonKeysToUnderscores";

/// The configuration as it was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ConversionSettings {
    #[serde(default = "on")]
    pub(super) enabled: bool,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    schema_configuration: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    input_format_configuration: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    output_format_configuration: Value,
}

fn on() -> bool {
    true
}

/// How records become Parquet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Conversion {
    pub(super) table: Table,
    /// Name and Hive type.
    pub(super) columns: Vec<(String, String)>,
    /// Under which keys the columns' values are.
    #[serde(default)]
    pub(super) keys: hive::KeyMappings,
    /// Whether a key `a.b` is one for a column `a_b`.
    #[serde(default)]
    pub(super) dots_in_keys: bool,
    /// `UNCOMPRESSED`, `SNAPPY` or `GZIP`.
    pub(super) compression: String,
}

/// The table as an error record names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Table {
    catalog_id: String,
    database_name: String,
    table_name: String,
    region: String,
    version_id: String,
    catalog_arn: String,
}

impl ConversionSettings {
    /// Checks what can be checked without the table.
    pub(super) fn check(&self, iam: &Iam) -> Result<(), ServiceError> {
        for (name, value) in [
            ("SchemaConfiguration", &self.schema_configuration),
            ("InputFormatConfiguration", &self.input_format_configuration),
            ("OutputFormatConfiguration", &self.output_format_configuration),
        ] {
            if !value.is_object() {
                return Err(refuse::argument(format!("{name} is required when data format conversion is enabled.")));
            }
        }
        let role = self.schema("RoleARN")?;
        if !iam.may_assume(role, SERVICE) {
            return Err(refuse::role(role));
        }
        self.schema("DatabaseName").and(self.schema("TableName"))?;
        match self.schema_configuration["VersionId"].as_str() {
            Some(version) if version != LATEST => Err(refuse::not_covered("a VersionId other than LATEST")),
            _ => self.check_formats(),
        }
    }

    fn check_formats(&self) -> Result<(), ServiceError> {
        let deserializer = &self.input_format_configuration["Deserializer"];
        if deserializer["OpenXJsonSerDe"].is_object() == deserializer["HiveJsonSerDe"].is_object() {
            return Err(refuse::argument("Exactly one deserializer must be given: OpenXJsonSerDe or HiveJsonSerDe."));
        }
        let open_x = deserializer["OpenXJsonSerDe"].as_object();
        let covered = |(name, value): (&String, &Value)| match name.as_str() {
            "CaseInsensitive" => value == true,
            DOTS => value.is_boolean(),
            MAPPINGS => serde_json::from_value::<hive::KeyMappings>(value.clone()).is_ok(),
            _ => false,
        };
        if open_x.is_some_and(|options| !options.iter().all(covered)) {
            return Err(refuse::not_covered("an option of OpenXJsonSerDe"));
        }
        let serializer = &self.output_format_configuration["Serializer"];
        if serializer["OrcSerDe"].is_object() {
            return Err(refuse::not_covered("OrcSerDe"));
        }
        if !serializer["ParquetSerDe"].is_object() {
            return Err(refuse::argument("Exactly one serializer must be given: OrcSerDe or ParquetSerDe."));
        }
        match self.compression() {
            "UNCOMPRESSED" | "GZIP" | "SNAPPY" => Ok(()),
            other => {
                let set = "Member must satisfy enum value set: [UNCOMPRESSED, GZIP, SNAPPY]";
                Err(refuse::constraint("outputFormatConfiguration.serializer.parquetSerDe.compression", other, set))
            }
        }
    }

    /// With the columns that the table has now.
    pub(super) fn with_columns(&self, glue: &Glue) -> Result<Conversion, ServiceError> {
        let (database, table) = (self.schema("DatabaseName")?, self.schema("TableName")?);
        let info = glue.table(database, table).ok_or_else(|| {
            refuse::argument(format!(
                "The specified table/database could not be found: {database}.{table}. Please ensure that the \
                 table/database exists (Service: AWSGlue; Error Code: EntityNotFoundException)"
            ))
        })?;
        for (name, kind) in &info.columns {
            hive::arrow_type(kind).map_err(|why| refuse::argument(format!("The schema is invalid: {name}: {why}")))?;
        }
        let text = |name: &str, default: &str| self.schema_configuration[name].as_str().unwrap_or(default).to_owned();
        let region = text("Region", REGION);
        let named = Table {
            catalog_id: text("CatalogId", ACCOUNT),
            database_name: database.to_owned(),
            table_name: table.to_owned(),
            version_id: text("VersionId", LATEST),
            catalog_arn: format!("arn:aws:glue:{region}:{ACCOUNT}:catalog"),
            region,
        };
        let open_x = &self.input_format_configuration["Deserializer"]["OpenXJsonSerDe"];
        let keys: Option<hive::KeyMappings> =
            serde_json::from_value(open_x[MAPPINGS].clone()).map_err(ServiceError::internal)?;
        Ok(Conversion {
            table: named,
            columns: info.columns,
            keys: keys.unwrap_or_default(),
            dots_in_keys: open_x[DOTS] == true,
            compression: self.compression().to_owned(),
        })
    }

    fn schema(&self, name: &str) -> Result<&str, ServiceError> {
        let value = self.schema_configuration[name].as_str();
        value.filter(|value| !value.is_empty()).ok_or_else(|| {
            refuse::argument(format!("SchemaConfiguration.{name} is required when data format conversion is enabled."))
        })
    }

    fn compression(&self) -> &str {
        self.output_format_configuration["Serializer"]["ParquetSerDe"]["Compression"].as_str().unwrap_or("SNAPPY")
    }
}
