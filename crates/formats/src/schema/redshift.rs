use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Field, Schema, Type};

const SMALLEST_STRUCT: usize = 4096;

/// Bytes of the longest text (Redshift developer guide, "Character types").
pub const REDSHIFT_TEXT: usize = 65_535;

/// Words that are no names unless quoted (Redshift developer guide, "Reserved words").
const RESERVED: &str = " \
    aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between binary \
    blanksasnull both bytedict bzip2 case cast check collate column connect constraint create credentials cross \
    current_date current_time current_timestamp current_user current_user_id default deferrable deflate defrag delta \
    delta32k desc disable distinct do else emptyasnull enable encode encrypt encryption end except explicit false for \
    foreign freeze from full globaldict256 globaldict64k grant group gzip having identity ignore ilike in initially \
    inner intersect interval into is isnull join leading left like limit localtime localtimestamp lun luns lzo lzop \
    minus mostly16 mostly32 mostly8 natural new not notnull null nulls off offline offset oid old on only open or \
    order outer overlaps parallel partition percent permissions pivot placing primary raw readratio recover \
    references rejectlog resort respect restore right select session_user similar snapshot some sysdate system table \
    tag tdes text255 text32k then timestamp to top trailing true truncatecolumns type union unique unnest unpivot \
    user using verbose wallet when where with without ";

/// The table beside the one that COPY loads, in which the loads are noted.
pub const REDSHIFT_LOADS: &str = "demo_loads";

/// What a struct becomes in Redshift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structs {
    /// Its JSON text.
    Varchar,
    /// `SUPER`.
    Super,
}

/// A name as Redshift's SQL takes it: in quotes where it must be.
pub fn redshift_name(name: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_word = name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty();
    if is_word && !RESERVED.contains(&format!(" {name} ")) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("\"{}\"", name.replace('"', "\"\"")))
    }
}

impl Type {
    fn skeleton_bytes(&self) -> usize {
        match self {
            Self::String => "\"\"".len(),
            Self::BigInt | Self::Decimal | Self::Double | Self::Boolean => 1,
            Self::Array(of) => "[]".len() + of.skeleton_bytes(),
            Self::Struct(fields) => "}".len() + fields.iter().map(Field::skeleton_bytes).sum::<usize>(),
        }
    }
}

impl Field {
    /// Its name in Redshift, which has ASCII letters in lower case, in quotes too (Redshift developer guide, "Names and
    /// identifiers").
    pub fn redshift_column(&self) -> String {
        self.name.to_ascii_lowercase()
    }

    /// Its type as Redshift writes it. What a struct becomes, a list becomes too. How long a text of another document may be
    /// is not known, so that a column of texts takes the longest.
    fn redshift_type(&self, structs: Structs) -> String {
        match (&self.kind, structs) {
            (Type::BigInt, _) => "BIGINT".to_owned(),
            (Type::Decimal, _) => "DECIMAL(38,0)".to_owned(),
            (Type::Double, _) => "FLOAT8".to_owned(),
            (Type::String, _) => format!("VARCHAR({REDSHIFT_TEXT})"),
            (Type::Boolean, _) => "BOOLEAN".to_owned(),
            (Type::Array(_) | Type::Struct(_), Structs::Varchar) => format!("VARCHAR({})", self.json_bytes()),
            (Type::Array(_) | Type::Struct(_), Structs::Super) => "SUPER".to_owned(),
        }
    }

    /// Room for a struct's or a list's JSON text: twice what keys and punctuation alone take, and twice the longest that was
    /// read; a power of two, at least 4,096.
    fn json_bytes(&self) -> usize {
        let room = 2 * self.kind.skeleton_bytes().max(self.longest);
        room.next_power_of_two().clamp(SMALLEST_STRUCT, REDSHIFT_TEXT)
    }

    fn skeleton_bytes(&self) -> usize {
        ",\"\":".len() + self.name.len() + self.kind.skeleton_bytes()
    }

    /// JSONPath of the field in its document, as COPY takes it.
    fn jsonpath(&self) -> String {
        if self.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            format!("$.{}", self.name)
        } else {
            format!("$['{}']", self.name.replace('\\', "\\\\").replace('\'', "\\'"))
        }
    }
}

impl Schema {
    /// Name and Redshift type of each column. Their order is that of [`Schema::jsonpaths`].
    pub fn redshift_columns(&self, structs: Structs) -> Vec<(String, String)> {
        self.columns.iter().map(|field| (field.redshift_column(), field.redshift_type(structs))).collect()
    }

    /// `CREATE TABLE` for Redshift.
    pub fn redshift_ddl(&self, table: &str, structs: Structs) -> String {
        let columns = self.redshift_columns(structs);
        let lines: Vec<_> = columns.iter().map(|(name, kind)| format!("  {} {kind}", redshift_name(name))).collect();
        format!("CREATE TABLE IF NOT EXISTS {table} (\n{}\n);\n", lines.join(",\n"))
    }

    /// The jsonpaths file of a Redshift `COPY … JSON 's3://…'`: one path per column, in order.
    pub fn jsonpaths(&self) -> String {
        let quoted = |field: &Field| format!("    {}", serde_json::Value::String(field.jsonpath()));
        let paths: Vec<_> = self.columns.iter().map(quoted).collect();
        format!("{{\n  \"jsonpaths\": [\n{}\n  ]\n}}\n", paths.join(",\n"))
    }

    /// The column list of a Redshift `COPY table (…)` or of a Firehose `DataTableColumns`.
    pub fn column_list(&self) -> String {
        let names = self.columns.iter().map(|field| redshift_name(&field.redshift_column()).into_owned());
        names.collect::<Vec<_>>().join(",")
    }
}
