//! In what form rows lie in objects.

use std::collections::BTreeMap;

use crate::hive::Delimiters;

/// A format and a compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::services::athena) struct Encoding {
    pub(in crate::services::athena) format: RowFormat,
    pub(in crate::services::athena) codec: Codec,
}

/// The formats that the stand-in writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::services::athena) enum RowFormat {
    Parquet,
    Json,
    /// `TEXTFILE`.
    Delimited(Delimiters),
}

/// The compressions that the stand-in writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::services::athena) enum Codec {
    None,
    Gzip,
    Snappy,
    Zstd,
}

impl Codec {
    /// Its name in a property.
    pub(in crate::services::athena) fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Gzip => "GZIP",
            Self::Snappy => "SNAPPY",
            Self::Zstd => "ZSTD",
        }
    }
}

impl Encoding {
    /// Of a format, with the compression that Athena takes where nothing else is said (Athena user guide, "Use compression in
    /// Athena": GZIP).
    pub(in crate::services::athena) fn usual(format: RowFormat) -> Self {
        Self { format, codec: Codec::Gzip }
    }

    /// With the compression of this name; `None` where the stand-in does not write it in this format.
    pub(in crate::services::athena) fn compressed(self, name: &str) -> Option<Self> {
        let is_parquet = self.format == RowFormat::Parquet;
        let codec = match name.to_ascii_uppercase().as_str() {
            "NONE" | "UNCOMPRESSED" => Codec::None,
            "GZIP" => Codec::Gzip,
            "SNAPPY" if is_parquet => Codec::Snappy,
            "ZSTD" if is_parquet => Codec::Zstd,
            _ => return None,
        };
        Some(Self { codec, ..self })
    }

    /// What the names of objects end with.
    pub(super) fn extension(&self) -> &'static str {
        match (self.format, self.codec) {
            (RowFormat::Json | RowFormat::Delimited(_), Codec::Gzip) => ".gz",
            _ => "",
        }
    }

    /// The name of the table's property that holds the compression.
    pub(in crate::services::athena) fn compression_property(&self) -> &'static str {
        if self.format == RowFormat::Parquet { "parquet.compression" } else { "write.compression" }
    }

    /// Of a table of this format with these parameters; what is wrong with them otherwise.
    pub(in crate::services::athena) fn of_table(
        format: RowFormat,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let usual = Self::usual(format);
        let names = [usual.compression_property(), "write.compression"];
        let Some(name) = names.iter().find_map(|name| parameters.get(*name)) else { return Ok(usual) };
        usual.compressed(name).ok_or_else(|| format!("the table's compression is {name:?}"))
    }
}
