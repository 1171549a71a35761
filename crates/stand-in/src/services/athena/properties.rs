//! The properties of CREATE TABLE AS and UNLOAD (Athena user guide, "CREATE TABLE AS", "CTAS table properties"; "UNLOAD").

use super::{
    cursor::Setting,
    failure::Failure,
    write::{Encoding, RowFormat},
};
use crate::{hive::Delimiters, trino::Refusal};

/// What a statement says of the objects that it writes.
#[derive(Debug)]
pub(super) struct Properties {
    pub(super) encoding: Encoding,
    /// `external_location`.
    pub(super) location: Option<String>,
    pub(super) partitioned_by: Vec<String>,
}

/// The formats that Athena writes and the stand-in does not.
const OTHER_FORMATS: [&str; 3] = ["ORC", "AVRO", "ION"];
/// Properties that Athena has and the stand-in does not.
const MISSING: [&str; 14] = [
    "bucketed_by",
    "bucket_count",
    "orc_compression",
    "compression_level",
    "location",
    "partitioning",
    "vacuum_min_snapshots_to_keep",
    "vacuum_max_snapshot_age_seconds",
    "vacuum_max_metadata_files_to_keep",
    "optimize_rewrite_min_data_file_size_bytes",
    "optimize_rewrite_max_data_file_size_bytes",
    "optimize_rewrite_data_file_threshold",
    "optimize_rewrite_delete_file_threshold",
    "write_target_data_file_size_bytes",
];

impl Properties {
    /// Of CREATE TABLE AS.
    pub(super) fn of_table(settings: Vec<(String, Setting)>) -> Result<Self, Failure> {
        const OWN: [&str; 5] =
            ["table_type", "is_external", "external_location", "parquet_compression", "write_compression"];
        Self::read(settings, &OWN)
    }

    /// Of UNLOAD.
    pub(super) fn of_unload(settings: Vec<(String, Setting)>) -> Result<Self, Failure> {
        if !settings.iter().any(|(name, _)| name == "format") {
            return Err(invalid("UNLOAD needs the property format, for example WITH (format = 'PARQUET')"));
        }
        Self::read(settings, &["compression"])
    }

    fn read(settings: Vec<(String, Setting)>, own: &[&str]) -> Result<Self, Failure> {
        let (mut format, mut delimiter, mut compression) = (None, None, None);
        let (mut location, mut partitioned_by) = (None, Vec::new());
        for (index, (name, setting)) in settings.iter().enumerate() {
            if settings[..index].iter().any(|(other, _)| other == name) {
                return Err(Failure::user(format!("DUPLICATE_PROPERTY: Duplicate property: {name}")));
            }
            let is_known = ["format", "field_delimiter", "partitioned_by"].contains(&name.as_str());
            match name.as_str() {
                _ if MISSING.contains(&name.as_str()) => return Err(Refusal::missing(name).into()),
                _ if !is_known && !own.contains(&name.as_str()) => {
                    return Err(invalid(&format!("Catalog 'awsdatacatalog' table property '{name}' does not exist")));
                }
                "table_type" => check_table_type(text(name, setting)?)?,
                "is_external" => check_is_external(setting)?,
                "format" => format = Some(text(name, setting)?),
                "field_delimiter" => delimiter = Some(text(name, setting)?),
                "partitioned_by" => partitioned_by = list(name, setting)?,
                "external_location" => location = Some(text(name, setting)?.to_owned()),
                _ if compression.is_some() => {
                    return Err(invalid("parquet_compression and write_compression cannot both be set"));
                }
                _ => compression = Some((name.as_str(), text(name, setting)?)),
            }
        }
        let format = row_format(format.unwrap_or("PARQUET"), delimiter)?;
        let mut encoding = Encoding::usual(format);
        if let Some((name, value)) = compression {
            if name == "parquet_compression" && format != RowFormat::Parquet {
                return Err(invalid("parquet_compression is a property of the format PARQUET alone"));
            }
            let compressed = encoding.compressed(value);
            encoding = compressed.ok_or_else(|| Refusal::missing(&format!("{name} = '{value}' in this format")))?;
        }
        Ok(Self { encoding, location, partitioned_by })
    }
}

fn row_format(name: &str, delimiter: Option<&str>) -> Result<RowFormat, Failure> {
    let name = name.to_uppercase();
    match (name.as_str(), delimiter) {
        ("TEXTFILE", None) => Ok(RowFormat::Delimited(Delimiters::of_field(1))),
        ("TEXTFILE", Some(delimiter)) => match delimiter.as_bytes() {
            [sign] if !is_read_back(*sign) => Err(invalid(&format!(
                "field_delimiter {delimiter:?}: a digit, an end of a line, a backslash, N or one of the characters 2 to 8 would not be read back"
            ))),
            [sign] => Ok(RowFormat::Delimited(Delimiters::of_field(*sign))),
            _ if delimiter == "\\t" => Ok(RowFormat::Delimited(Delimiters::of_field(b'\t'))),
            _ => Err(invalid(&format!("field_delimiter {delimiter:?}: one character is expected"))),
        },
        ("PARQUET" | "JSON", Some(_)) => Err(invalid("field_delimiter is a property of the format TEXTFILE alone")),
        ("PARQUET", None) => Ok(RowFormat::Parquet),
        ("JSON", None) => Ok(RowFormat::Json),
        (other, _) if OTHER_FORMATS.contains(&other) => Err(Refusal::missing(&format!("format = '{other}'")).into()),
        (other, _) => Err(invalid(&format!(
            "format '{other}': one of PARQUET, JSON, TEXTFILE, {} is expected",
            OTHER_FORMATS.join(", ")
        ))),
    }
}

fn check_table_type(text: &str) -> Result<(), Failure> {
    match text.to_uppercase().as_str() {
        "HIVE" => Ok(()),
        "ICEBERG" => Err(Refusal::missing("table_type = 'ICEBERG'").into()),
        _ => Err(invalid(&format!("table_type '{text}': HIVE or ICEBERG is expected"))),
    }
}

/// Tables of Hive's are external in Athena; those of Iceberg are not.
fn check_is_external(setting: &Setting) -> Result<(), Failure> {
    match setting {
        Setting::Bare(word) if word == "true" => Ok(()),
        Setting::Bare(word) if word == "false" => Err(Refusal::missing("is_external = false").into()),
        _ => Err(invalid("Invalid value for property 'is_external': true or false is expected")),
    }
}

/// Whether a sign between columns is found again: Hive takes a digit for the number of a sign, 2 to 8 stand between nested values, and
/// a null is `\N`.
fn is_read_back(sign: u8) -> bool {
    !(sign.is_ascii_digit() || matches!(sign, 2..=8 | b'\n' | b'\r' | b'\\' | b'N'))
}

fn text<'a>(name: &str, setting: &'a Setting) -> Result<&'a str, Failure> {
    match setting {
        Setting::Text(text) => Ok(text),
        _ => Err(invalid(&format!("Invalid value for property '{name}': a text is expected"))),
    }
}

/// Names of columns, in lower case.
fn list(name: &str, setting: &Setting) -> Result<Vec<String>, Failure> {
    match setting {
        Setting::List(items) => Ok(items.iter().map(|item| item.to_lowercase()).collect()),
        _ => Err(invalid(&format!("Invalid value for property '{name}': ARRAY['column', …] is expected"))),
    }
}

fn invalid(message: &str) -> Failure {
    Failure::user(format!("INVALID_TABLE_PROPERTY: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(settings: &[(&str, &str)]) -> Result<Properties, String> {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), Setting::Text((*value).to_owned())));
        Properties::of_table(settings.collect()).map_err(|failure| failure.message)
    }

    #[test]
    fn a_format_and_a_compression_are_read() {
        let usual = of(&[]).expect("properties").encoding;
        assert_eq!((usual.format, usual.codec.name()), (RowFormat::Parquet, "GZIP"));
        let zstd = of(&[("format", "parquet"), ("write_compression", "zstd")]).expect("properties").encoding;
        assert_eq!(zstd.codec.name(), "ZSTD");
        let text = of(&[("format", "TEXTFILE"), ("field_delimiter", ",")]).expect("properties").encoding;
        assert_eq!(text.format, RowFormat::Delimited(Delimiters::of_field(b',')));
    }

    #[test]
    fn a_table_of_hive_is_external() {
        let of = |setting: Setting| {
            let settings = vec![("is_external".to_owned(), setting)];
            Properties::of_table(settings).map(drop).map_err(|failure| failure.message)
        };
        assert_eq!(of(Setting::Bare("true".to_owned())), Ok(()));
        let refused = of(Setting::Bare("false".to_owned())).expect_err("a managed table");
        assert_eq!(refused, "NOT_SUPPORTED: the stand-in has no `is_external = false`; Athena has it");
        let refused = of(Setting::Text("true".to_owned())).expect_err("a text");
        assert!(refused.starts_with("INVALID_TABLE_PROPERTY: Invalid value for property 'is_external'"), "{refused}");
    }

    #[test]
    fn a_sign_that_is_not_read_back_is_refused() {
        for sign in ["7", "\n", "\r", "\u{2}", "\u{8}", "\\", "N"] {
            let refused = of(&[("format", "TEXTFILE"), ("field_delimiter", sign)]).expect_err(sign);
            assert!(refused.starts_with("INVALID_TABLE_PROPERTY: field_delimiter "), "{refused}");
            assert!(refused.ends_with("would not be read back"), "{refused}");
        }
        for (text, sign) in [("\t", b'\t'), ("\\t", b'\t'), ("\u{1}", 1), ("|", b'|'), ("n", b'n')] {
            let read = of(&[("format", "TEXTFILE"), ("field_delimiter", text)]).expect(text).encoding;
            assert_eq!(read.format, RowFormat::Delimited(Delimiters::of_field(sign)));
        }
    }

    #[test]
    fn what_the_stand_in_does_not_write_is_refused_as_itself() {
        for (settings, words) in [
            (&[("format", "ORC")][..], "NOT_SUPPORTED: the stand-in has no `format = 'ORC'`; Athena has it"),
            (&[("format", "XML")], "INVALID_TABLE_PROPERTY: format 'XML'"),
            (&[("bucketed_by", "x")], "NOT_SUPPORTED: the stand-in has no `bucketed_by`"),
            (&[("table_type", "ICEBERG")], "NOT_SUPPORTED: the stand-in has no `table_type = 'ICEBERG'`"),
            (
                &[("colour", "red")],
                "INVALID_TABLE_PROPERTY: Catalog 'awsdatacatalog' table property 'colour' does not exist",
            ),
            (&[("format", "JSON"), ("parquet_compression", "GZIP")], "INVALID_TABLE_PROPERTY: parquet_compression"),
            (
                &[("format", "JSON"), ("write_compression", "BZIP2")],
                "NOT_SUPPORTED: the stand-in has no `write_compression = 'BZIP2'",
            ),
            (&[("field_delimiter", ",")], "INVALID_TABLE_PROPERTY: field_delimiter"),
            (&[("format", "JSON"), ("format", "JSON")], "DUPLICATE_PROPERTY"),
        ] {
            let refused = of(settings).expect_err(words);
            assert!(refused.starts_with(words), "{refused}");
        }
    }
}
