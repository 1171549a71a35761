//! What the operators of exact numbers, dates and intervals are.

use datafusion::arrow::datatypes::DataType;

use super::{
    super::{
        refusal::Refusal,
        scalar::{Call, Function, Outcome},
        signature::Bound,
        types::{self, DAY_TO_SECOND, DIGITS, YEAR_TO_MONTH, common, decimal, is_integer},
        value::Value,
    },
    cast,
    moment::{MILLIS_A_DAY, at, local},
    number::{power, rounded},
    time::later_by_months,
};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::computed("plus", |t, _| sum_types(t, "+"), |call, v| sum(call, v, 1), ("1 + 2.5", "3.5")),
    Function::computed(
        "minus",
        |t, _| sum_types(t, "-"),
        |call, v| sum(call, v, -1),
        ("DATE '2026-03-01' - INTERVAL '1' DAY", "2026-02-28"),
    ),
    Function::computed("multiply", |t, _| product_types(t), product, ("1.5 * 2.25", "3.375")),
    Function::computed("divide", |t, _| quotient_types(t), quotient, ("10.0 / 3", "3.3")),
    Function::computed("modulus", |t, _| rest_types(t), rest, ("-7 % 3", "-1")),
    Function::computed("negate", |t, _| negated_types(t), negate, ("-(-3)", "3")),
    Function::computed(
        "equal",
        |t, _| equal_types(t),
        |_, v| Ok((v[0] == v[1]).into()),
        ("MAP(ARRAY['a'], ARRAY[1]) = MAP(ARRAY['a'], ARRAY[1])", "true"),
    ),
];

fn no(arguments: &[DataType], operator: &str) -> Refusal {
    let [a, b] = [0, 1].map(|index: usize| arguments.get(index).map(types::name).unwrap_or_default());
    Refusal::mismatch(format!("Cannot apply operator: {a} {operator} {b}"))
}

/// Two exact numbers; a null is of the other's type.
fn exact(arguments: &[DataType]) -> Option<(DataType, DataType)> {
    let [a, b] = arguments else { return None };
    let is_exact = |kind: &DataType| decimal(kind).is_some();
    match (a, b) {
        (DataType::Null, DataType::Null) => Some((DataType::Int32, DataType::Int32)),
        (DataType::Null, b) if is_exact(b) => Some((b.clone(), b.clone())),
        (a, DataType::Null) if is_exact(a) => Some((a.clone(), a.clone())),
        (a, b) if is_exact(a) && is_exact(b) => Some((a.clone(), b.clone())),
        _ => None,
    }
}

/// A decimal's digits and scale.
type Size = (i16, i16);

/// The wider integer, or the decimal of that size.
fn numbers(arguments: &[DataType], operator: &str, of: fn(Size, Size) -> Size) -> Result<Bound, Refusal> {
    let (a, b) = exact(arguments).ok_or_else(|| no(arguments, operator))?;
    if is_integer(&a) && is_integer(&b) {
        let both = common(&a, &b).unwrap_or(DataType::Int64);
        return Ok((vec![both.clone(), both.clone()], both));
    }
    let sizes = |kind: &DataType| decimal(kind).map_or((0, 0), |(digits, scale)| (i16::from(digits), i16::from(scale)));
    let (digits, scale) = of(sizes(&a), sizes(&b));
    Ok((vec![a, b], DataType::Decimal128(digits.clamp(1, DIGITS.into()) as u8, scale.min(DIGITS.into()) as i8)))
}

fn is_interval(kind: &DataType) -> bool {
    *kind == DAY_TO_SECOND || *kind == YEAR_TO_MONTH
}

fn is_moment(kind: &DataType) -> bool {
    matches!(kind, DataType::Date32 | DataType::Timestamp(..) | DataType::Time32(_))
}

fn sum_types(arguments: &[DataType], operator: &str) -> Result<Bound, Refusal> {
    let kept = |result: &DataType| Ok((arguments.to_vec(), result.clone()));
    match arguments {
        [a, b] if is_interval(a) && a == b => kept(a),
        [a, b] if is_moment(a) && is_interval(b) => kept(a),
        [a, b] if is_interval(a) && is_moment(b) && operator == "+" => kept(b),
        [a, b] if is_moment(a) && is_moment(b) && operator == "-" => {
            let both = common(a, b).ok_or_else(|| no(arguments, operator))?;
            Ok((vec![both.clone(), both], DAY_TO_SECOND))
        }
        _ => numbers(arguments, operator, |(p, s), (q, t)| ((p - s).max(q - t) + s.max(t) + 1, s.max(t))),
    }
}

fn product_types(arguments: &[DataType]) -> Result<Bound, Refusal> {
    match arguments {
        [a, b] if is_interval(a) && types::is_number(b) => Ok((vec![a.clone(), DataType::Float64], a.clone())),
        [a, b] if types::is_number(a) && is_interval(b) => Ok((vec![DataType::Float64, b.clone()], b.clone())),
        _ => numbers(arguments, "*", |(p, s), (q, t)| (p + q, s + t)),
    }
}

fn quotient_types(arguments: &[DataType]) -> Result<Bound, Refusal> {
    match arguments {
        [a, b] if is_interval(a) && types::is_number(b) => Ok((vec![a.clone(), DataType::Float64], a.clone())),
        _ => numbers(arguments, "/", |(p, s), (_, t)| (p + t + (t - s).max(0), s.max(t))),
    }
}

fn rest_types(arguments: &[DataType]) -> Result<Bound, Refusal> {
    numbers(arguments, "%", |(p, s), (q, t)| ((p - s).min(q - t) + s.max(t), s.max(t)))
}

fn negated_types(arguments: &[DataType]) -> Result<Bound, Refusal> {
    match arguments {
        [kind] if types::is_number(kind) || is_interval(kind) || *kind == DataType::Null => {
            Ok((arguments.to_vec(), kind.clone()))
        }
        _ => {
            Err(Refusal::mismatch(format!("Cannot negate {}", arguments.first().map(types::name).unwrap_or_default())))
        }
    }
}

fn equal_types(arguments: &[DataType]) -> Result<Bound, Refusal> {
    let both = match arguments {
        [a, b] => common(a, b),
        _ => None,
    };
    let both = both.ok_or_else(|| no(arguments, "="))?;
    Ok((vec![both.clone(), both], DataType::Boolean))
}

/// An integer that its type has room for.
fn whole(call: &Call<'_>, values: &[Value], name: &str, operator: char, number: i128) -> Outcome {
    let fits = match call.result {
        DataType::Int8 => i8::try_from(number).is_ok(),
        DataType::Int16 => i16::try_from(number).is_ok(),
        DataType::Int32 => i32::try_from(number).is_ok(),
        _ => i64::try_from(number).is_ok(),
    };
    if fits {
        return Ok(Value::Integer(number as i64));
    }
    let (kind, a, b) = (types::name(call.result), values[0].integer(), values[1].integer());
    Err(Refusal::range(format!("{kind} {name} overflow: {a} {operator} {b}")))
}

fn in_range(digits: Option<i128>) -> Outcome {
    let fits = digits.filter(|digits| digits.unsigned_abs() < power(38).unsigned_abs());
    fits.map(Value::Decimal).ok_or_else(|| Refusal::range("Decimal overflow"))
}

/// The digits of both at the result's scale.
fn aligned(call: &Call<'_>, values: &[Value], scale: i8) -> Option<(i128, i128)> {
    let digits = |index: usize| {
        let had = decimal(&call.arguments[index]).map_or(0, |(_, scale)| scale);
        let digits = if let Value::Decimal(digits) = values[index] { digits } else { values[index].integer().into() };
        digits.checked_mul(power(u32::try_from(scale - had).ok()?))
    };
    Some((digits(0)?, digits(1)?))
}

fn scale(call: &Call<'_>) -> i8 {
    decimal(call.result).map_or(0, |(_, scale)| scale)
}

fn sum(call: &Call<'_>, values: &[Value], sign: i64) -> Outcome {
    let [a, b] = [&call.arguments[0], &call.arguments[1]];
    if is_moment(a) && is_moment(b) {
        let size = if *a == DataType::Date32 { MILLIS_A_DAY } else { 1 };
        return Ok(Value::Time((values[0].integer() - values[1].integer()) * size));
    }
    if is_interval(a) && is_interval(b) {
        return Ok(Value::Time(values[0].integer() + sign * values[1].integer()));
    }
    if is_moment(a) {
        return shifted(&values[0], a, sign * values[1].integer(), b);
    }
    if is_moment(b) {
        return shifted(&values[1], b, values[0].integer(), a);
    }
    if is_integer(call.result) {
        let (name, operator) = if sign > 0 { ("addition", '+') } else { ("subtraction", '-') };
        let number = i128::from(values[0].integer()) + i128::from(sign) * i128::from(values[1].integer());
        return whole(call, values, name, operator, number);
    }
    in_range(aligned(call, values, scale(call)).and_then(|(a, b)| a.checked_add(b * i128::from(sign))))
}

/// A moment, so much later.
fn shifted(moment: &Value, kind: &DataType, by: i64, interval: &DataType) -> Outcome {
    if *interval == YEAR_TO_MONTH {
        let later = later_by_months(local(moment, kind), by);
        return later.map(|later| at(later, kind)).ok_or_else(|| Refusal::argument("the date is out of range"));
    }
    if *kind == DataType::Date32 {
        if by % MILLIS_A_DAY != 0 {
            return Err(Refusal::argument("Cannot add hour, minutes or seconds to a date"));
        }
        return Ok(Value::Time(moment.integer() + by / MILLIS_A_DAY));
    }
    let later = moment.integer() + by;
    Ok(Value::Time(if matches!(kind, DataType::Time32(_)) { later.rem_euclid(MILLIS_A_DAY) } else { later }))
}

fn product(call: &Call<'_>, values: &[Value]) -> Outcome {
    if is_interval(call.result) {
        let (interval, number) = if is_interval(&call.arguments[0]) { (0, 1) } else { (1, 0) };
        return Ok(Value::Time((values[interval].integer() as f64 * values[number].double()) as i64));
    }
    if is_integer(call.result) {
        let number = i128::from(values[0].integer()) * i128::from(values[1].integer());
        return whole(call, values, "multiplication", '*', number);
    }
    let digits = |value: &Value| if let Value::Decimal(digits) = value { *digits } else { value.integer().into() };
    in_range(digits(&values[0]).checked_mul(digits(&values[1])))
}

fn by_zero() -> Refusal {
    Refusal::new("DIVISION_BY_ZERO", "Division by zero")
}

fn quotient(call: &Call<'_>, values: &[Value]) -> Outcome {
    if is_interval(call.result) {
        return match values[1].double() {
            0.0 => Err(by_zero()),
            number => Ok(Value::Time((values[0].integer() as f64 / number) as i64)),
        };
    }
    let is_zero = |value: &Value| matches!(value, Value::Integer(0) | Value::Decimal(0));
    if is_zero(&values[1]) {
        return Err(by_zero());
    }
    if is_integer(call.result) {
        let number = i128::from(values[0].integer()) / i128::from(values[1].integer());
        return whole(call, values, "division", '/', number);
    }
    let scales = [0, 1].map(|index: usize| decimal(&call.arguments[index]).map_or(0, |(_, scale)| scale));
    let digits = |value: &Value| if let Value::Decimal(digits) = value { *digits } else { value.integer().into() };
    let by = power((scale(call) - scales[0] + scales[1]) as u32);
    in_range(digits(&values[0]).checked_mul(by).map(|digits_of| rounded(digits_of, digits(&values[1]))))
}

fn rest(call: &Call<'_>, values: &[Value]) -> Outcome {
    let (a, b) = aligned(call, values, scale(call)).ok_or_else(|| Refusal::range("Decimal overflow"))?;
    if b == 0 {
        return Err(by_zero());
    }
    Ok(if is_integer(call.result) { Value::Integer((a % b) as i64) } else { Value::Decimal(a % b) })
}

fn negate(call: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(match &values[0] {
        Value::Integer(number) => return whole_negated(call, *number),
        Value::Decimal(digits) => Value::Decimal(-digits),
        Value::Time(time) => Value::Time(-time),
        other => Value::Double(0.0 - cast::double(other, call.result)),
    })
}

fn whole_negated(call: &Call<'_>, number: i64) -> Outcome {
    let no = || Refusal::range(format!("{} negation overflow: {number}", types::name(call.result)));
    number.checked_neg().map(Value::Integer).ok_or_else(no)
}
