//! Redshift's column types: as SQL writes them, as Arrow holds them, as the catalogues and the Data API name them.

use datafusion::{
    arrow::datatypes::{DataType as Arrow, TimeUnit},
    sql::sqlparser::ast::{CharacterLength, DataType, ExactNumberInfo, TimezoneInfo},
};
use serde::{Deserialize, Serialize};

use super::failure::Failure;

/// The largest VARCHAR, in bytes (Redshift database developer guide, "Character types").
const LONGEST_VARCHAR: u32 = 65_535;
/// The largest CHAR, in bytes (the same).
const LONGEST_CHAR: u32 = 4_096;

/// A column's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::services::redshift) enum Kind {
    SmallInt,
    Integer,
    BigInt,
    Real,
    Double,
    Decimal {
        precision: u8,
        scale: i8,
    },
    Boolean,
    /// At most so many bytes.
    Varchar(u32),
    /// Exactly so many bytes; kept without the blanks at its end.
    Char(u32),
    Date,
    Timestamp,
    /// JSON, kept as its text.
    Super,
}

impl Kind {
    pub(super) fn parse(written: &DataType) -> Result<Self, Failure> {
        Ok(match written {
            DataType::SmallInt(_) | DataType::Int2(_) => Self::SmallInt,
            DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => Self::Integer,
            DataType::BigInt(_) | DataType::Int8(_) => Self::BigInt,
            DataType::Real | DataType::Float4 => Self::Real,
            DataType::DoublePrecision | DataType::Float8 | DataType::Double(_) => Self::Double,
            DataType::Float(ExactNumberInfo::Precision(bits)) if *bits <= 24 => Self::Real,
            DataType::Float(_) => Self::Double,
            DataType::Decimal(size) | DataType::Numeric(size) | DataType::Dec(size) => decimal(size)?,
            DataType::Boolean | DataType::Bool => Self::Boolean,
            DataType::Varchar(length) | DataType::CharacterVarying(length) | DataType::Nvarchar(length) => {
                Self::Varchar(bytes(length.as_ref(), 256, LONGEST_VARCHAR)?)
            }
            DataType::Text => Self::Varchar(256),
            DataType::Char(length) | DataType::Character(length) => {
                Self::Char(bytes(length.as_ref(), 1, LONGEST_CHAR)?)
            }
            DataType::Date => Self::Date,
            DataType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => Self::Timestamp,
            DataType::Custom(name, _) if name.to_string().eq_ignore_ascii_case("super") => Self::Super,
            other => return Err(Failure::unsupported(format!("the type {other}"))),
        })
    }

    pub(in crate::services::redshift) fn arrow(self) -> Arrow {
        match self {
            Self::SmallInt => Arrow::Int16,
            Self::Integer => Arrow::Int32,
            Self::BigInt => Arrow::Int64,
            Self::Real => Arrow::Float32,
            Self::Double => Arrow::Float64,
            Self::Decimal { precision, scale } => Arrow::Decimal128(precision, scale),
            Self::Boolean => Arrow::Boolean,
            Self::Varchar(_) | Self::Char(_) | Self::Super => Arrow::Utf8,
            Self::Date => Arrow::Date32,
            Self::Timestamp => Arrow::Timestamp(TimeUnit::Microsecond, None),
        }
    }

    /// The type of a result's column that is no table's own.
    pub(super) fn of_arrow(arrow: &Arrow) -> Self {
        match arrow {
            Arrow::Int8 | Arrow::UInt8 | Arrow::Int16 => Self::SmallInt,
            Arrow::UInt16 | Arrow::Int32 => Self::Integer,
            Arrow::UInt32 | Arrow::Int64 | Arrow::UInt64 => Self::BigInt,
            Arrow::Float16 | Arrow::Float32 => Self::Real,
            Arrow::Float64 => Self::Double,
            Arrow::Decimal128(precision, scale) => Self::Decimal { precision: *precision, scale: *scale },
            Arrow::Boolean => Self::Boolean,
            Arrow::Date32 | Arrow::Date64 => Self::Date,
            Arrow::Timestamp(..) => Self::Timestamp,
            _ => Self::Varchar(LONGEST_VARCHAR),
        }
    }

    /// As `information_schema` and `SVV_COLUMNS` name it.
    pub(in crate::services::redshift) fn name(self) -> &'static str {
        match self {
            Self::SmallInt => "smallint",
            Self::Integer => "integer",
            Self::BigInt => "bigint",
            Self::Real => "real",
            Self::Double => "double precision",
            Self::Decimal { .. } => "numeric",
            Self::Boolean => "boolean",
            Self::Varchar(_) => "character varying",
            Self::Char(_) => "character",
            Self::Date => "date",
            Self::Timestamp => "timestamp without time zone",
            Self::Super => "super",
        }
    }

    /// As `PG_TABLE_DEF` writes it, with its size.
    pub(in crate::services::redshift) fn full_name(self) -> String {
        match self {
            Self::Varchar(length) | Self::Char(length) => format!("{}({length})", self.name()),
            Self::Decimal { precision, scale } => format!("numeric({precision},{scale})"),
            _ => self.name().to_owned(),
        }
    }

    /// As the Data API names it.
    pub(in crate::services::redshift) fn short_name(self) -> &'static str {
        match self {
            Self::SmallInt => "int2",
            Self::Integer => "int4",
            Self::BigInt => "int8",
            Self::Real => "float4",
            Self::Double => "float8",
            Self::Decimal { .. } => "numeric",
            Self::Boolean => "bool",
            Self::Varchar(_) => "varchar",
            Self::Char(_) => "bpchar",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Super => "super",
        }
    }

    /// Of texts, in bytes.
    pub(in crate::services::redshift) fn length(self) -> Option<u32> {
        match self {
            Self::Varchar(length) | Self::Char(length) => Some(length),
            _ => None,
        }
    }

    /// Digits in all, and after the point.
    pub(in crate::services::redshift) fn digits(self) -> Option<(u32, i32)> {
        match self {
            Self::SmallInt => Some((16, 0)),
            Self::Integer => Some((32, 0)),
            Self::BigInt => Some((64, 0)),
            Self::Decimal { precision, scale } => Some((precision.into(), scale.into())),
            _ => None,
        }
    }
}

fn decimal(size: &ExactNumberInfo) -> Result<Kind, Failure> {
    let (precision, scale) = match size {
        ExactNumberInfo::None => (18, 0),
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    let fits = (1..=38).contains(&precision) && scale >= 0 && scale.unsigned_abs() <= precision;
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision), Ok(scale)) if fits => Ok(Kind::Decimal { precision, scale }),
        _ => Err(Failure::new(format!("DECIMAL precision {precision} must be between 1 and 38"))),
    }
}

fn bytes(length: Option<&CharacterLength>, otherwise: u32, most: u32) -> Result<u32, Failure> {
    let asked = match length {
        None => return Ok(otherwise),
        Some(CharacterLength::Max) => return Ok(most),
        Some(CharacterLength::IntegerLength { length, .. }) => *length,
    };
    let fitting = u32::try_from(asked).ok().filter(|length| (1..=most).contains(length));
    fitting.ok_or_else(|| Failure::new(format!("length for type character varying cannot exceed {most}")))
}
