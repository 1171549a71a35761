//! Arguments of a template's fields, and numbers as a field gives them.

use minijinja::value::Value;

/// More decimals than a double has.
pub(super) const MOST_DECIMALS: u64 = 15;

pub(super) fn rounded(number: f64, decimals: i32) -> Value {
    let scale = 10_f64.powi(decimals);
    let scaled = number * scale;
    // A number near the largest has no decimals.
    if scaled.is_finite() { (scaled.round() / scale).into() } else { number.into() }
}

pub(super) fn count(expected: usize, arguments: &[Value]) -> String {
    format!("{} arguments instead of {expected}", arguments.len())
}

pub(super) fn whole(value: &Value) -> Result<i64, String> {
    value.as_i64().filter(|_| value.is_integer()).ok_or_else(|| format!("`{value}` is no whole number"))
}

pub(super) fn up_to(value: &Value, most: u64) -> Result<u64, String> {
    let number = u64::try_from(whole(value)?).ok().filter(|number| *number <= most);
    number.ok_or_else(|| format!("{value} is not from 0 to {most}"))
}

pub(super) fn number(value: &Value) -> Result<f64, String> {
    let number = f64::try_from(value.clone()).ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("`{value}` is no number"))
}
