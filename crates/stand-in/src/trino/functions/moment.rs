//! Dates and times as numbers, as text, and in time zones.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike};
use datafusion::arrow::{array::timezone::Tz, datatypes::DataType};

use super::super::{
    refusal::Refusal,
    types::{self, TIME},
    value::Value,
};

pub(super) const MILLIS_A_DAY: i64 = 86_400_000;

/// The day with this number.
pub(super) fn day(days: i64) -> NaiveDate {
    let day = TimeDelta::try_days(days).and_then(|days| NaiveDate::default().checked_add_signed(days));
    day.unwrap_or(NaiveDate::MAX)
}

pub(super) fn days(day: NaiveDate) -> Value {
    Value::Time(day.signed_duration_since(NaiveDate::default()).num_days())
}

fn naive(millis: i64) -> NaiveDateTime {
    DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<chrono::Utc>::MAX_UTC).naive_utc()
}

/// A time zone by its name, or by its offset.
pub(super) fn zone(name: &str) -> Result<Tz, Refusal> {
    let name = if name == "Z" { "UTC" } else { name };
    name.parse().map_err(|_| Refusal::argument(format!("'{name}' is not a valid time zone")))
}

fn zone_of(kind: &DataType) -> Option<Tz> {
    if let DataType::Timestamp(_, Some(name)) = kind { zone(name).ok() } else { None }
}

/// What a clock shows at that moment, in the zone of its type.
pub(super) fn local(value: &Value, kind: &DataType) -> NaiveDateTime {
    match kind {
        DataType::Date32 => day(value.integer()).and_time(NaiveTime::MIN),
        kind if *kind == TIME => naive(value.integer()),
        kind => {
            let utc = naive(value.integer());
            match zone_of(kind) {
                Some(zone) => zone.from_utc_datetime(&utc).naive_local(),
                None => utc,
            }
        }
    }
}

/// The moment at which a clock shows this.
pub(super) fn at(local: NaiveDateTime, kind: &DataType) -> Value {
    match kind {
        DataType::Date32 => days(local.date()),
        kind if *kind == TIME => Value::Time(
            i64::from(local.time().num_seconds_from_midnight()) * 1_000
                + i64::from(local.and_utc().timestamp_subsec_millis()),
        ),
        kind => {
            let utc = match zone_of(kind) {
                Some(zone) => zone.from_local_datetime(&local).earliest().map_or(local, |moment| moment.naive_utc()),
                None => local,
            };
            Value::Time(utc.and_utc().timestamp_millis())
        }
    }
}

/// How far from UTC a zone is at that moment, as `+02:00`.
pub(super) fn offset(value: &Value, kind: &DataType) -> String {
    let seconds =
        zone_of(kind).map_or(0, |zone| zone.offset_from_utc_datetime(&naive(value.integer())).fix().local_minus_utc());
    let sign = if seconds < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", seconds.abs() / 3600, seconds.abs() / 60 % 60)
}

/// A date or a moment in the type of another.
pub(super) fn cast(value: &Value, from: &DataType, to: &DataType) -> Value {
    match (from, to) {
        (DataType::Timestamp(_, Some(_)), DataType::Timestamp(_, Some(_))) => value.clone(),
        _ => at(local(value, from), to),
    }
}

/// A text as a value of this type.
pub(super) fn of_text(text: &str, kind: &DataType) -> Option<Value> {
    let text = text.trim();
    match kind {
        DataType::Date32 => Some(days(date(text)?)),
        kind if *kind == TIME => Some(at(NaiveDate::default().and_time(time(text)?), kind)),
        DataType::Timestamp(_, None) => Some(at(moment(split_zone(text).0)?, kind)),
        DataType::Timestamp(_, Some(_)) => {
            let (text, named) = split_zone(text);
            let written = match named {
                Some(name) => types::zoned(name),
                None => kind.clone(),
            };
            zone_of(&written)?;
            Some(at(moment(text)?, &written))
        }
        _ => None,
    }
}

fn date(text: &str) -> Option<NaiveDate> {
    let mut parts = text
        .strip_prefix('-')
        .unwrap_or(text)
        .splitn(3, '-')
        .map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u32>().ok()).flatten());
    let [year, month, day] = [parts.next()??, parts.next()??, parts.next()??];
    NaiveDate::from_ymd_opt(year as i32, month, day)
}

fn time(text: &str) -> Option<NaiveTime> {
    let formats = ["%H:%M:%S%.f", "%H:%M"];
    formats.iter().find_map(|format| NaiveTime::parse_from_str(text, format).ok())
}

fn moment(text: &str) -> Option<NaiveDateTime> {
    match text.split_once([' ', 'T']) {
        Some((day, clock)) => Some(date(day)?.and_time(time(clock.trim())?)),
        None => Some(date(text)?.and_time(NaiveTime::MIN)),
    }
}

/// A moment's text without its zone, and the zone.
pub(in super::super) fn split_zone(text: &str) -> (&str, Option<&str>) {
    let text = text.trim();
    let Some(clock) = text.find(':') else { return (text, None) };
    if let Some((moment, zone)) = text.rsplit_once(' ').filter(|(moment, _)| moment.len() > clock) {
        return (moment.trim_end(), Some(zone));
    }
    if let Some(moment) = text.strip_suffix('Z') {
        return (moment, Some("UTC"));
    }
    match text[clock..].find(['+', '-']) {
        Some(at) => (&text[..clock + at], Some(&text[clock + at..])),
        None => (text, None),
    }
}

/// A value as text.
pub(in super::super) fn written(time: i64, kind: &DataType) -> String {
    let value = Value::Time(time);
    match kind {
        DataType::Date32 => day(time).format("%Y-%m-%d").to_string(),
        DataType::Time32(_) => local(&value, kind).format("%H:%M:%S%.3f").to_string(),
        DataType::Duration(_) => {
            let (sign, millis) = (if time < 0 { "-" } else { "" }, time.unsigned_abs());
            let [days, hours, minutes, seconds] =
                [millis / 86_400_000, millis / 3_600_000 % 24, millis / 60_000 % 60, millis / 1_000 % 60];
            format!("{sign}{days} {hours:02}:{minutes:02}:{seconds:02}.{:03}", millis % 1_000)
        }
        DataType::Interval(_) => {
            let (sign, months) = (if time < 0 { "-" } else { "" }, time.unsigned_abs());
            format!("{sign}{}-{}", months / 12, months % 12)
        }
        DataType::Timestamp(_, Some(zone)) => format!("{} {zone}", local(&value, kind).format("%Y-%m-%d %H:%M:%S%.3f")),
        _ => local(&value, kind).format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
    }
}
