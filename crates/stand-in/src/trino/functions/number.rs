//! Functions of numbers.

use datafusion::{arrow::datatypes::DataType, scalar::ScalarValue};
use rand::RngExt;

use super::super::{
    refusal::Refusal,
    scalar::{Call, Function, Outcome},
    signature::{Bound, bind},
    types::{self, decimal},
    value::Value,
};

const ONE: &[&str] = &["double -> double"];
const TWO: &[&str] = &["double, double -> double"];
const BITS: &[&str] = &["bigint, bigint -> bigint"];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("abs", &["N -> N"], abs, ("abs(-5)", "5")),
    Function::new("acos", ONE, |_, v| float(v[0].double().acos()), ("acos(1)", "0.0")),
    Function::new("asin", ONE, |_, v| float(v[0].double().asin()), ("asin(0)", "0.0")),
    Function::new("atan", ONE, |_, v| float(v[0].double().atan()), ("atan(0)", "0.0")),
    Function::new("atan2", TWO, |_, v| float(v[0].double().atan2(v[1].double())), ("atan2(0, 1)", "0.0")),
    Function::new("bit_count", &["bigint, bigint -> bigint"], bit_count, ("bit_count(7, 64)", "3")),
    Function::new("bitwise_and", BITS, |_, v| whole(v[0].integer() & v[1].integer()), ("bitwise_and(12, 10)", "8")),
    Function::new("bitwise_left_shift", &["N, bigint -> N"], left_shift, ("bitwise_left_shift(1, 4)", "16")),
    Function::new("bitwise_not", &["bigint -> bigint"], |_, v| whole(!v[0].integer()), ("bitwise_not(5)", "-6")),
    Function::new("bitwise_or", BITS, |_, v| whole(v[0].integer() | v[1].integer()), ("bitwise_or(12, 10)", "14")),
    Function::new("bitwise_right_shift", &["N, bigint -> N"], right_shift, ("bitwise_right_shift(16, 2)", "4")),
    Function::new("bitwise_xor", BITS, |_, v| whole(v[0].integer() ^ v[1].integer()), ("bitwise_xor(12, 10)", "6")),
    Function::new("cbrt", ONE, |_, v| float(v[0].double().cbrt()), ("cbrt(27)", "3.0")),
    Function::computed("ceil", whole_types, ceiling, ("ceil(1.2)", "2")),
    Function::computed("ceiling", whole_types, ceiling, ("ceiling(-1.5e0)", "-1.0")),
    Function::new("cos", ONE, |_, v| float(v[0].double().cos()), ("cos(0)", "1.0")),
    Function::new("cosh", ONE, |_, v| float(v[0].double().cosh()), ("cosh(0)", "1.0")),
    Function::new("degrees", ONE, |_, v| float(v[0].double().to_degrees()), ("degrees(pi())", "180.0")),
    Function::new("e", &["-> double"], |_, _| float(std::f64::consts::E), ("e()", "2.718281828459045")),
    Function::new("exp", ONE, |_, v| float(v[0].double().exp()), ("exp(0)", "1.0")),
    Function::computed("floor", whole_types, floor, ("floor(-1.2)", "-2")),
    Function::new("from_base", &["varchar, bigint -> bigint"], from_base, ("from_base('ff', 16)", "255")),
    Function::new("greatest", &["T, T... -> T"], |_, v| extreme(v, |a, b| a > b), ("greatest(1, 5, 3)", "5")),
    Function::new("infinity", &["-> double"], |_, _| float(f64::INFINITY), ("infinity()", "Infinity")),
    Function::new(
        "is_finite",
        &["double -> boolean"],
        |_, v| Ok(v[0].double().is_finite().into()),
        ("is_finite(1e0)", "true"),
    ),
    Function::new(
        "is_infinite",
        &["double -> boolean"],
        |_, v| Ok(v[0].double().is_infinite().into()),
        ("is_infinite(1e0 / 0)", "true"),
    ),
    Function::new(
        "is_nan",
        &["double -> boolean"],
        |_, v| Ok(v[0].double().is_nan().into()),
        ("is_nan(nan())", "true"),
    ),
    Function::new("least", &["T, T... -> T"], |_, v| extreme(v, |a, b| a < b), ("least(1.5, 2)", "1.5")),
    Function::new("ln", ONE, |_, v| float(v[0].double().ln()), ("ln(1)", "0.0")),
    Function::new("log", TWO, |_, v| float(v[1].double().ln() / v[0].double().ln()), ("log(2, 8)", "3.0")),
    Function::new("log10", ONE, |_, v| float(v[0].double().log10()), ("log10(1000)", "3.0")),
    Function::new("log2", ONE, |_, v| float(v[0].double().log2()), ("log2(8)", "3.0")),
    Function::new("nan", &["-> double"], |_, _| float(f64::NAN), ("nan()", "NaN")),
    Function::new("pi", &["-> double"], |_, _| float(std::f64::consts::PI), ("pi()", "3.141592653589793")),
    Function::new("pow", TWO, |_, v| float(v[0].double().powf(v[1].double())), ("pow(2, 10)", "1024.0")),
    Function::new("power", TWO, |_, v| float(v[0].double().powf(v[1].double())), ("power(2, 10)", "1024.0")),
    Function::new("radians", ONE, |_, v| float(v[0].double().to_radians()), ("radians(180)", "3.141592653589793")),
    Function::new("rand", RANDOM, random, ("rand() < 1", "true")).volatile(),
    Function::new("random", RANDOM, random, ("random(10) < 10", "true")).volatile(),
    Function::computed("round", round_types, round, ("round(2.567, 2)", "2.570")),
    Function::new("sign", &["N -> N"], sign, ("sign(-3)", "-1")),
    Function::new("sin", ONE, |_, v| float(v[0].double().sin()), ("sin(0)", "0.0")),
    Function::new("sinh", ONE, |_, v| float(v[0].double().sinh()), ("sinh(0)", "0.0")),
    Function::new("sqrt", ONE, |_, v| float(v[0].double().sqrt()), ("sqrt(16)", "4.0")),
    Function::new("tan", ONE, |_, v| float(v[0].double().tan()), ("tan(0)", "0.0")),
    Function::new("tanh", ONE, |_, v| float(v[0].double().tanh()), ("tanh(0)", "0.0")),
    Function::new("to_base", &["bigint, bigint -> varchar"], to_base, ("to_base(255, 16)", "ff")),
    Function::computed("truncate", round_types, truncate, ("truncate(2.567, 2)", "2.560")),
    Function::new(
        "width_bucket",
        &["double, double, double, bigint -> bigint"],
        width_bucket,
        ("width_bucket(5.3e0, 0.2e0, 10.6e0, 5)", "3"),
    ),
];

const RANDOM: &[&str] = &["-> double", "bigint -> bigint", "bigint, bigint -> bigint"];

fn float(number: f64) -> Outcome {
    Ok(Value::Double(number))
}

fn whole(number: i64) -> Outcome {
    Ok(Value::Integer(number))
}

fn abs(call: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(match &values[0] {
        Value::Integer(number) => {
            let number = number.checked_abs();
            number
                .ok_or_else(|| Refusal::range(format!("Value is out of range for abs({})", types::name(call.result))))?
                .into()
        }
        Value::Decimal(digits) => Value::Decimal(digits.abs()),
        other => Value::Double(other.double().abs()),
    })
}

fn bit_count(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (number, bits) = (values[0].integer(), values[1].integer());
    if !(2..=64).contains(&bits) {
        return Err(Refusal::argument(format!("Bits specified in bit_count must be between 2 and 64, got {bits}")));
    }
    let mask = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
    whole((number as u64 & mask).count_ones().into())
}

fn bits(kind: &DataType) -> i64 {
    kind.primitive_width().unwrap_or(8) as i64 * 8
}

fn left_shift(call: &Call<'_>, values: &[Value]) -> Outcome {
    let (number, shift, bits) = (values[0].integer(), values[1].integer(), bits(call.result));
    if !(0..bits).contains(&shift) {
        return whole(0);
    }
    let unused = 64 - bits;
    whole((number << shift) << unused >> unused)
}

fn right_shift(call: &Call<'_>, values: &[Value]) -> Outcome {
    let (number, shift, bits) = (values[0].integer(), values[1].integer(), bits(call.result));
    if !(0..bits).contains(&shift) {
        return whole(0);
    }
    let mask = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
    whole(((number as u64 & mask) >> shift) as i64)
}

fn extreme(values: &[Value], is_more: fn(&Value, &Value) -> bool) -> Outcome {
    let mut most = &values[0];
    for value in values {
        if is_more(value, most) {
            most = value;
        }
    }
    Ok(most.clone())
}

fn from_base(_: &Call<'_>, values: &[Value]) -> Outcome {
    let radix = radix(&values[1])?;
    let number = i64::from_str_radix(values[0].text(), radix);
    number
        .map(Value::Integer)
        .map_err(|_| Refusal::argument(format!("Not a valid base-{radix} number: {}", values[0].text())))
}

fn radix(value: &Value) -> Result<u32, Refusal> {
    let radix = u32::try_from(value.integer()).ok().filter(|radix| (2..=36).contains(radix));
    radix.ok_or_else(|| Refusal::argument("Radix must be between 2 and 36"))
}

fn to_base(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (number, radix) = (values[0].integer(), radix(&values[1])?);
    let (mut rest, mut digits) = (number.unsigned_abs(), Vec::new());
    loop {
        digits.extend(char::from_digit((rest % u64::from(radix)) as u32, radix));
        rest /= u64::from(radix);
        if rest == 0 {
            break;
        }
    }
    digits.extend((number < 0).then_some('-'));
    Ok(digits.into_iter().rev().collect::<String>().into())
}

fn sign(call: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(match &values[0] {
        Value::Integer(number) => number.signum().into(),
        Value::Decimal(digits) => Value::Decimal(digits.signum() * scale(call.result).map_or(1, power)),
        other if other.double() == 0.0 || other.double().is_nan() => other.clone(),
        other => Value::Double(other.double().signum()),
    })
}

fn width_bucket(_: &Call<'_>, values: &[Value]) -> Outcome {
    let [x, low, high] = [0, 1, 2].map(|index: usize| values[index].double());
    let buckets = values[3].integer();
    if buckets <= 0 {
        return Err(Refusal::argument("bucketCount must be greater than 0"));
    }
    if low == high {
        return Err(Refusal::argument("bounds cannot equal each other"));
    }
    let (from, to) = (low.min(high), low.max(high));
    let place = match x {
        x if x < from => 0,
        x if x >= to => buckets + 1,
        x => (buckets as f64 * (x - from) / (to - from)) as i64 + 1,
    };
    whole(if low > high { buckets - place + 1 } else { place })
}

fn random(call: &Call<'_>, values: &[Value]) -> Outcome {
    if *call.result == DataType::Float64 {
        return float(rand::rng().random());
    }
    let (from, to) = match values {
        [to] => (0, to.integer()),
        [from, to, ..] => (from.integer(), to.integer()),
        [] => (0, 1),
    };
    if from >= to {
        return Err(Refusal::argument("bound must be positive"));
    }
    whole(rand::rng().random_range(from..to))
}

fn scale(kind: &DataType) -> Option<u32> {
    if let DataType::Decimal128(_, scale) = kind { Some(*scale as u32) } else { None }
}

/// Ten to the power of so many digits.
pub(super) fn power(digits: u32) -> i128 {
    10_i128.pow(digits.min(38))
}

/// Divides, and rounds a half away from zero.
pub(in super::super) fn rounded(digits: i128, by: i128) -> i128 {
    let (quotient, rest) = (digits / by, digits % by);
    if rest.abs() >= by.abs() - rest.abs() { quotient + digits.signum() * by.signum() } else { quotient }
}

/// A decimal has no scale any more, and a digit more before it if it had one.
fn whole_types(arguments: &[DataType], _: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    match arguments {
        [DataType::Decimal128(digits, scale)] => {
            let more = u8::from(*scale > 0);
            let result = DataType::Decimal128((digits - *scale as u8 + more).clamp(1, types::DIGITS), 0);
            Ok((arguments.to_vec(), result))
        }
        _ => bind("ceiling", &["N -> N"], arguments),
    }
}

fn ceiling(call: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(match &values[0] {
        Value::Decimal(digits) => {
            let by = power(decimal(&call.arguments[0]).map_or(0, |(_, scale)| scale as u32));
            Value::Decimal(-(-digits).div_euclid(by))
        }
        Value::Double(number) => number.ceil().into(),
        other => other.clone(),
    })
}

fn floor(call: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(match &values[0] {
        Value::Decimal(digits) => {
            let by = power(decimal(&call.arguments[0]).map_or(0, |(_, scale)| scale as u32));
            Value::Decimal(digits.div_euclid(by))
        }
        Value::Double(number) => number.floor().into(),
        other => other.clone(),
    })
}

fn round_types(arguments: &[DataType], constants: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    match arguments {
        [DataType::Decimal128(..)] => whole_types(arguments, constants),
        [DataType::Decimal128(digits, scale), _] => {
            let result = DataType::Decimal128((digits + 1).min(types::DIGITS), *scale);
            Ok((vec![arguments[0].clone(), DataType::Int64], result))
        }
        _ => bind("round", &["N -> N", "N, bigint -> N"], arguments),
    }
}

fn round(call: &Call<'_>, values: &[Value]) -> Outcome {
    by_places(call, values, rounded, |number| number.abs().mul_add(1.0, 0.5).floor().copysign(number))
}

fn truncate(call: &Call<'_>, values: &[Value]) -> Outcome {
    by_places(call, values, |digits, by| digits / by, f64::trunc)
}

fn by_places(call: &Call<'_>, values: &[Value], divided: fn(i128, i128) -> i128, whole: fn(f64) -> f64) -> Outcome {
    let places = values.get(1).map(Value::integer);
    Ok(match &values[0] {
        Value::Decimal(digits) => {
            let scale = decimal(&call.arguments[0]).map_or(0, |(_, scale)| i64::from(scale));
            let dropped = scale - places.unwrap_or(0);
            match dropped {
                ..=0 => Value::Decimal(*digits),
                39.. => Value::Decimal(0),
                _ => {
                    let by = power(dropped as u32);
                    let rounded = divided(*digits, by);
                    Value::Decimal(if places.is_some() { rounded * by } else { rounded })
                }
            }
        }
        Value::Double(number) if !number.is_finite() => (*number).into(),
        Value::Double(number) => {
            let factor = 10_f64.powi(places.unwrap_or(0).clamp(-400, 400) as i32);
            let scaled = number * factor;
            if scaled.is_finite() { (whole(scaled) / factor).into() } else { (*number).into() }
        }
        Value::Integer(number) if places.unwrap_or(0) < 0 => {
            let by = power(places.unwrap_or(0).unsigned_abs() as u32);
            ((divided(i128::from(*number), by) * by) as i64).into()
        }
        other => other.clone(),
    })
}
