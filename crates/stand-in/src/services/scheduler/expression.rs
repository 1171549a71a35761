//! When a schedule fires: its expression, checked in all three forms; the stand-in keeps `at` alone.

use chrono::{DateTime, NaiveDateTime, Utc};

use super::refuse;
use crate::service_error::ServiceError;

/// `at(yyyy-mm-ddThh:mm:ss)` in UTC.
///
/// # Errors
/// `ValidationException` for what is no expression, and for the recurring forms, which the stand-in does not keep.
pub(super) fn read(expression: &str, timezone: &str) -> Result<DateTime<Utc>, ServiceError> {
    let invalid = || refuse::validation(format!("Invalid Schedule Expression {expression}."));
    let (form, inner) = expression.strip_suffix(')').and_then(|text| text.split_once('(')).ok_or_else(invalid)?;
    match form {
        "at" => {
            let time = NaiveDateTime::parse_from_str(inner, "%Y-%m-%dT%H:%M:%S").map_err(|_| invalid())?;
            in_utc(timezone)?;
            Ok(time.and_utc())
        }
        "rate" if is_rate(inner) => Err(refuse::not_covered("A recurring schedule (rate)")),
        "cron" if inner.split_whitespace().count() == 6 => Err(refuse::not_covered("A recurring schedule (cron)")),
        _ => Err(invalid()),
    }
}

fn in_utc(timezone: &str) -> Result<(), ServiceError> {
    if ["UTC", "Etc/UTC", "Etc/GMT", "GMT"].contains(&timezone) {
        return Ok(());
    }
    Err(refuse::not_covered(&format!("ScheduleExpressionTimezone {timezone} (it knows UTC)")))
}

/// A positive number and its unit.
fn is_rate(inner: &str) -> bool {
    let units = ["minute", "minutes", "hour", "hours", "day", "days"];
    inner
        .split_once(' ')
        .is_some_and(|(value, unit)| value.parse::<u32>().is_ok_and(|n| n > 0) && units.contains(&unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_is_read_and_the_rest_told_apart() {
        let time = read("at(2026-11-24T12:00:00)", "UTC").expect("a time");
        assert_eq!(time.to_rfc3339(), "2026-11-24T12:00:00+00:00");
        let why = |expression: &str, timezone: &str| read(expression, timezone).expect_err("refused").message;
        for covered_elsewhere in ["rate(5 minutes)", "cron(0 12 * * ? *)"] {
            assert!(why(covered_elsewhere, "UTC").contains("not supported by the stand-in"), "{covered_elsewhere}");
        }
        assert!(why("at(2026-11-24T12:00:00)", "Europe/Berlin").contains("Europe/Berlin"));
        let broken =
            ["at(2026-11-24 12:00)", "at(2026-13-24T12:00:00)", "rate(0 hours)", "rate(5 years)", "cron(* *)", "x"];
        for expression in broken {
            assert_eq!(why(expression, "UTC"), format!("Invalid Schedule Expression {expression}."));
        }
    }
}
