//! CAST, between all types that Trino casts.

use std::fmt::Write;

use datafusion::{
    arrow::datatypes::{DataType, TimeUnit},
    logical_expr::{Cast, Expr},
    scalar::ScalarValue,
};
use serde_json::Value as Json;

use super::{
    super::{
        refusal::Refusal,
        scalar::{Call, Function, Outcome},
        signature::Bound,
        types::{self, JSON, decimal, is_text},
        value::Value,
    },
    json::{java, parsed, printed, quote, separate},
    maps, moment,
    number::{power, rounded},
};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::computed(
        "cast",
        cast_types,
        |call, values| cast(&values[0], &call.arguments[0], call.result),
        ("CAST('12' AS bigint)", "12"),
    )
    .simplified(arrow_cast)
    .with_nulls(),
    Function::computed("try_cast", cast_types, try_cast, ("TRY_CAST('x' AS bigint)", "null")),
];

fn cast_types(arguments: &[DataType], constants: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    let Some(Some(ScalarValue::Utf8(Some(text)))) = constants.get(1) else {
        return Ok((arguments.to_vec(), DataType::Null));
    };
    let to = types::parse(text)?;
    match can(&arguments[0], &to) {
        true => Ok((arguments.to_vec(), to)),
        false => Err(Refusal::mismatch(format!("Cannot cast {} to {}", types::name(&arguments[0]), types::name(&to)))),
    }
}

/// Arrow's own cast, where it does the same on whole columns.
fn arrow_cast(arguments: &[Expr], types: &[DataType]) -> Option<Expr> {
    let Expr::Literal(ScalarValue::Utf8(Some(text)), _) = &arguments[1] else { return None };
    let to = types::parse(text).ok()?;
    is_plain(&types[0], &to).then(|| Expr::Cast(Cast::new(Box::new(arguments[0].clone()), to)))
}

/// Whether there is a cast at all.
fn can(from: &DataType, to: &DataType) -> bool {
    use DataType as D;
    let is_moment = |kind: &DataType| matches!(kind, D::Date32 | D::Timestamp(..));
    let is_simple = |kind: &DataType| types::is_number(kind) || is_text(kind) || *kind == D::Boolean;
    match (from, to) {
        _ if from == to => true,
        (D::Null, _) => true,
        (D::List(a), D::List(b)) => can(a.data_type(), b.data_type()),
        (D::Map(..), D::Map(..)) => match (types::entries(from), types::entries(to)) {
            (Some((k, v)), Some((l, w))) => can(k, l) && can(v, w),
            _ => false,
        },
        (D::Struct(a), D::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| can(a.data_type(), b.data_type()))
        }
        (from, to) if *from == JSON => match to {
            D::List(item) => can(&JSON, item.data_type()),
            D::Map(..) => types::entries(to).is_some_and(|(key, value)| is_simple(key) && can(&JSON, value)),
            D::Struct(fields) => fields.iter().all(|field| can(&JSON, field.data_type())),
            _ => is_simple(to),
        },
        (from, to) if *to == JSON => match from {
            D::List(item) => can(item.data_type(), &JSON),
            D::Map(..) => types::entries(from).is_some_and(|(key, value)| is_simple(key) && can(value, &JSON)),
            D::Struct(fields) => fields.iter().all(|field| can(field.data_type(), &JSON)),
            _ => is_simple(from) || is_moment(from),
        },
        (D::Boolean, to) | (to, D::Boolean) => types::is_number(to) || is_text(to),
        _ if types::is_number(from) && types::is_number(to) => true,
        _ if is_text(from) => types::is_number(to) || is_moment(to) || *to == types::TIME,
        _ if is_text(to) => {
            types::is_number(from) || is_moment(from) || matches!(from, D::Time32(_) | D::Duration(_) | D::Interval(_))
        }
        (D::Timestamp(..), to) if *to == types::TIME => true,
        _ => is_moment(from) && is_moment(to),
    }
}

fn try_cast(call: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(cast(&values[0], &call.arguments[0], call.result).unwrap_or_default())
}

/// A value of one type in another.
pub(super) fn cast(value: &Value, from: &DataType, to: &DataType) -> Outcome {
    if value.is_null() || from == to {
        return Ok(value.clone());
    }
    match (from, to) {
        _ if *to == JSON => Ok(written(value, from).into()),
        _ if *from == JSON => read(value.text(), to),
        (_, to) if is_text(to) => Ok(text(value, from).into()),
        (from, _) if is_text(from) => of_text(value.text(), to),
        (_, DataType::Boolean) => Ok((double(value, from) != 0.0).into()),
        (DataType::Boolean, _) => cast(&Value::Integer(value.is_true().into()), &DataType::Int64, to),
        (_, DataType::Decimal128(digits, scale)) => to_decimal(value, from, (*digits, *scale)),
        (_, DataType::Float64) => Ok(double(value, from).into()),
        (_, DataType::Float32) => Ok(f64::from(double(value, from) as f32).into()),
        (_, to) if types::is_integer(to) => to_integer(value, from, to),
        (DataType::List(a), DataType::List(b)) => {
            let items = value.list().iter().map(|item| cast(item, a.data_type(), b.data_type()));
            items.collect::<Result<_, _>>().map(Value::List)
        }
        (DataType::Struct(a), DataType::Struct(b)) => {
            let fields = value.list().iter().zip(a.iter().zip(b));
            let fields = fields.map(|(value, (a, b))| cast(value, a.data_type(), b.data_type()));
            fields.collect::<Result<_, _>>().map(Value::Row)
        }
        (DataType::Map(..), DataType::Map(..)) => to_map(value, from, to),
        _ => Ok(moment::cast(value, from, to)),
    }
}

fn to_map(value: &Value, from: &DataType, to: &DataType) -> Outcome {
    let (Some((k, v)), Some((l, w))) = (types::entries(from), types::entries(to)) else { return Ok(Value::Null) };
    let entry = |(key, value): &(Value, Value)| Ok((cast(key, k, l)?, cast(value, v, w)?));
    maps::map_of(value.map().iter().map(entry).collect::<Result<Vec<_>, Refusal>>()?)
}

/// A number as a double.
pub(super) fn double(value: &Value, kind: &DataType) -> f64 {
    match value {
        Value::Decimal(digits) => {
            let scale = decimal(kind).map_or(0, |(_, scale)| scale);
            written_decimal(*digits, scale).parse().unwrap_or(f64::NAN)
        }
        other => other.double(),
    }
}

fn to_integer(value: &Value, from: &DataType, to: &DataType) -> Outcome {
    let whole = match value {
        Value::Integer(number) => i128::from(*number),
        Value::Decimal(digits) => rounded(*digits, power(decimal(from).map_or(0, |(_, scale)| scale as u32))),
        other => {
            let number = other.double();
            if !number.is_finite() || number.abs() >= 1e19 {
                return Err(Refusal::cast(format!("Cannot cast {} to {}", text(value, from), types::name(to))));
            }
            (number.abs() + 0.5).floor().copysign(number) as i128
        }
    };
    in_range(whole, to).ok_or_else(|| Refusal::range(format!("Out of range for {}: {whole}", types::name(to))))
}

fn in_range(number: i128, kind: &DataType) -> Option<Value> {
    let fits = match kind {
        DataType::Int8 => i8::try_from(number).is_ok(),
        DataType::Int16 => i16::try_from(number).is_ok(),
        DataType::Int32 => i32::try_from(number).is_ok(),
        _ => i64::try_from(number).is_ok(),
    };
    fits.then_some(Value::Integer(number as i64))
}

fn to_decimal(value: &Value, from: &DataType, (digits, scale): (u8, i8)) -> Outcome {
    let no = || {
        let (from, to) = (types::name(from).to_uppercase(), format!("DECIMAL({digits}, {scale})"));
        Refusal::cast(format!("Cannot cast {from} '{}' to {to}", text(value, from_kind(&from))))
    };
    let exact = match (value, decimal(from)) {
        (Value::Integer(number), _) => i128::from(*number).checked_mul(power(scale as u32)),
        (Value::Decimal(number), Some((_, had))) if scale >= had => number.checked_mul(power((scale - had) as u32)),
        (Value::Decimal(number), Some((_, had))) => Some(rounded(*number, power((had - scale) as u32))),
        (other, _) => match text_decimal(&format!("{}", other.double()), scale) {
            Some(digits) => Some(digits),
            None => return Err(no()),
        },
    };
    let fits = exact.filter(|exact| exact.unsigned_abs() < power(digits.into()).unsigned_abs());
    fits.map(Value::Decimal).ok_or_else(no)
}

/// What a type of that name prints its values as, for messages: only the text counts.
fn from_kind(name: &str) -> &'static DataType {
    if name.starts_with("DECIMAL") { &DataType::Null } else { &DataType::Float64 }
}

/// The digits of a decimal text at this scale, a half rounded up.
pub(super) fn text_decimal(text: &str, scale: i8) -> Option<i128> {
    let text = text.trim();
    let (text, exponent) = match text.split_once(['e', 'E']) {
        Some((text, exponent)) => (text, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{part}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    let number: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let shift = i32::from(scale) - part.len() as i32 + exponent;
    let number = match shift {
        39.. if number != 0 => return None,
        0.. => number.checked_mul(power(shift as u32))?,
        -38..0 => rounded(number, power(shift.unsigned_abs())),
        _ => 0,
    };
    Some(sign * number)
}

fn of_text(text: &str, to: &DataType) -> Outcome {
    let no = || Refusal::cast(format!("Cannot cast '{text}' to {}", java_name(to)));
    match to {
        DataType::Boolean => match text.to_ascii_lowercase().as_str() {
            "t" | "true" | "1" => Ok(true.into()),
            "f" | "false" | "0" => Ok(false.into()),
            _ => Err(no()),
        },
        DataType::Float64 | DataType::Float32 => {
            let number: f64 = java_number(text).ok_or_else(no)?;
            Ok(if *to == DataType::Float32 { f64::from(number as f32) } else { number }.into())
        }
        DataType::Decimal128(digits, scale) => {
            let exact = text_decimal(text, *scale).ok_or_else(no)?;
            let fits = exact.unsigned_abs() < power((*digits).into()).unsigned_abs();
            if fits { Ok(Value::Decimal(exact)) } else { Err(no()) }
        }
        to if types::is_integer(to) => text.parse::<i128>().ok().and_then(|number| in_range(number, to)).ok_or_else(no),
        to => moment::of_text(text, to).ok_or_else(|| {
            Refusal::cast(format!("Value cannot be cast to {}: {text}", types::name(to).replace("(3)", "")))
        }),
    }
}

fn java_number(text: &str) -> Option<f64> {
    match text.trim() {
        "NaN" => Some(f64::NAN),
        "Infinity" | "+Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        text if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => text.parse().ok(),
        _ => None,
    }
}

fn java_name(kind: &DataType) -> String {
    match kind {
        DataType::Int32 => "INT".to_owned(),
        other => types::name(other).to_uppercase(),
    }
}

/// The digits with their point.
pub(super) fn written_decimal(digits: i128, scale: i8) -> String {
    let (sign, text) = (if digits < 0 { "-" } else { "" }, digits.unsigned_abs().to_string());
    if scale <= 0 {
        return format!("{sign}{text}");
    }
    let text = format!("{text:0>width$}", width = scale as usize + 1);
    let (whole, part) = text.split_at(text.len() - scale as usize);
    format!("{sign}{whole}.{part}")
}

/// A value as CAST writes it to text.
pub(super) fn text(value: &Value, kind: &DataType) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(is) => is.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(digits) => written_decimal(*digits, decimal(kind).map_or(0, |(_, scale)| scale)),
        Value::Double(number) => scientific(*number, *kind == DataType::Float32),
        Value::Text(text) => text.clone(),
        Value::Time(time) => moment::written(*time, kind),
        Value::Bytes(_) | Value::List(_) | Value::Map(_) | Value::Row(_) => written(value, kind),
    }
}

/// `1.5E0`, as Trino casts a double.
fn scientific(number: f64, is_real: bool) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let text = if is_real { format!("{:E}", number as f32) } else { format!("{number:E}") };
    let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E{exponent}")
}

/// Whether nothing can fail and nothing is rounded.
fn is_plain(from: &DataType, to: &DataType) -> bool {
    use DataType as D;
    let widens =
        types::is_integer(from) && types::is_integer(to) && types::integer_digits(from) <= types::integer_digits(to);
    widens
        || (types::is_integer(from) && types::is_float(to))
        || (is_text(from) && is_text(to))
        || matches!((from, to), (D::Float32, D::Float64) | (D::Date32, D::Timestamp(TimeUnit::Millisecond, None)))
}

/// A value as JSON.
fn written(value: &Value, kind: &DataType) -> String {
    let mut made = String::new();
    write(&mut made, value, kind);
    made
}

fn write(made: &mut String, value: &Value, kind: &DataType) {
    match (value, kind) {
        (Value::Null, _) => made.push_str("null"),
        (Value::Text(string), kind) if *kind == JSON => made.push_str(string),
        (Value::Text(string), _) => quote(made, string),
        (Value::Double(number), DataType::Float32) => {
            made.push_str(&java((*number as f32).to_string().parse().unwrap_or(*number)))
        }
        (Value::Double(number), _) if number.is_finite() => made.push_str(&java(*number)),
        (Value::Double(_) | Value::Time(_), _) => quote(made, &text(value, kind)),
        (Value::List(items), DataType::List(item)) => {
            made.push('[');
            for (index, value) in items.iter().enumerate() {
                separate(made, index);
                write(made, value, item.data_type());
            }
            made.push(']');
        }
        (Value::Row(values), DataType::Struct(fields)) => {
            made.push('{');
            for (index, (value, field)) in values.iter().zip(fields).enumerate() {
                separate(made, index);
                let is_unnamed = *field.name() == types::anonymous(index);
                quote(made, if is_unnamed { "" } else { field.name() });
                made.push(':');
                write(made, value, field.data_type());
            }
            made.push('}');
        }
        (Value::Map(entries), kind) => {
            let Some((key_kind, value_kind)) = types::entries(kind) else { return };
            let mut entries: Vec<(String, &Value)> =
                entries.iter().map(|(key, value)| (text(key, key_kind), value)).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            made.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                separate(made, index);
                quote(made, &key);
                made.push(':');
                write(made, value, value_kind);
            }
            made.push('}');
        }
        (Value::Bytes(bytes), _) => drop(write!(made, "{bytes:?}")),
        (other, kind) => made.push_str(&text(other, kind)),
    }
}

/// A value of this type from JSON.
fn read(text: &str, kind: &DataType) -> Outcome {
    let json =
        parsed(text).ok_or_else(|| Refusal::cast(format!("Cannot cast to {}: not JSON: {text}", types::name(kind))))?;
    read_value(&json, kind)
}

fn read_value(json: &Json, kind: &DataType) -> Outcome {
    let no = || Refusal::cast(format!("Cannot cast to {}. {}", types::name(kind), printed(json)));
    match (json, kind) {
        (Json::Null, kind) if *kind == JSON => Ok("null".into()),
        (Json::Null, _) => Ok(Value::Null),
        (json, kind) if *kind == JSON => Ok(printed(json).into()),
        (Json::Array(items), DataType::List(item)) => {
            items.iter().map(|json| read_value(json, item.data_type())).collect::<Result<_, _>>().map(Value::List)
        }
        (Json::Array(items), DataType::Struct(fields)) if items.len() == fields.len() => {
            let each = items.iter().zip(fields).map(|(json, field)| read_value(json, field.data_type()));
            each.collect::<Result<_, _>>().map(Value::Row)
        }
        (Json::Object(members), DataType::Struct(fields)) => {
            let member = |name: &str| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            let each = fields.iter().map(|field| match member(field.name()) {
                Some((_, json)) => read_value(json, field.data_type()),
                None => Ok(Value::Null),
            });
            each.collect::<Result<_, _>>().map(Value::Row)
        }
        (Json::Object(members), DataType::Map(..)) => {
            let Some((key_kind, value_kind)) = types::entries(kind) else { return Err(no()) };
            let entry = |(key, json): (&String, &Json)| {
                let key = cast(&key.as_str().into(), &DataType::Utf8, key_kind)?;
                Ok((key, read_value(json, value_kind)?))
            };
            Ok(Value::Map(members.iter().map(entry).collect::<Result<_, Refusal>>()?))
        }
        (Json::Array(_) | Json::Object(_), _) => Err(no()),
        (Json::String(string), kind) => cast(&string.as_str().into(), &DataType::Utf8, kind),
        (Json::Bool(is), kind) if is_text(kind) => Ok(is.to_string().into()),
        (Json::Bool(is), kind) => cast(&(*is).into(), &DataType::Boolean, kind),
        (Json::Number(number), kind) => match number.as_i64() {
            Some(number) => cast(&number.into(), &DataType::Int64, kind),
            None => cast(&number.as_f64().unwrap_or_default().into(), &DataType::Float64, kind),
        },
    }
}
