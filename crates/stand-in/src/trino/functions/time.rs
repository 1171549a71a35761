//! Functions of dates and times.

use chrono::{Datelike, Months, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use datafusion::{arrow::datatypes::DataType, scalar::ScalarValue};

use super::{
    super::{
        refusal::Refusal,
        scalar::{Call, Function, Outcome},
        signature::{Bound, bind},
        types::{self, DAY_TO_SECOND, YEAR_TO_MONTH},
        value::Value,
    },
    list::MOST,
    moment::{self, MILLIS_A_DAY, at, local},
};

const PART: &[&str] = &["date -> bigint", "timestamp -> bigint", "zoned -> bigint"];
const CLOCK: &[&str] = &["timestamp -> bigint", "zoned -> bigint", "time -> bigint"];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::computed(
        "at_timezone",
        zone_types,
        |_, v| Ok(v[0].clone()),
        ("at_timezone(TIMESTAMP '2026-03-04 05:06:07 UTC', 'Europe/Berlin')", "2026-03-04 06:06:07.000 Europe/Berlin"),
    ),
    Function::new(
        "date",
        &["date -> date", "timestamp -> date", "zoned -> date", "varchar -> date"],
        date,
        ("date('2026-03-04')", "2026-03-04"),
    ),
    Function::computed("date_add", shift_types, date_add, ("date_add('month', 1, DATE '2026-01-31')", "2026-02-28")),
    Function::computed(
        "date_diff",
        span_types,
        date_diff,
        ("date_diff('day', DATE '2026-01-01', DATE '2026-03-01')", "59"),
    ),
    Function::computed("date_trunc", trunc_types, date_trunc, ("date_trunc('month', DATE '2026-05-06')", "2026-05-01")),
    Function::new("day", PART, |c, v| part(c, v, |t| t.day().into()), ("day(DATE '2026-05-06')", "6")),
    Function::new(
        "day_of_month",
        PART,
        |c, v| part(c, v, |t| t.day().into()),
        ("day_of_month(DATE '2026-05-06')", "6"),
    ),
    Function::new(
        "day_of_week",
        PART,
        |c, v| part(c, v, |t| t.weekday().number_from_monday().into()),
        ("day_of_week(DATE '2026-05-06')", "3"),
    ),
    Function::new(
        "day_of_year",
        PART,
        |c, v| part(c, v, |t| t.ordinal().into()),
        ("day_of_year(DATE '2026-02-01')", "32"),
    ),
    Function::new(
        "dow",
        PART,
        |c, v| part(c, v, |t| t.weekday().number_from_monday().into()),
        ("dow(DATE '2026-05-06')", "3"),
    ),
    Function::new("doy", PART, |c, v| part(c, v, |t| t.ordinal().into()), ("doy(DATE '2026-02-01')", "32")),
    Function::new(
        "from_iso8601_date",
        &["varchar -> date"],
        iso_date,
        ("from_iso8601_date('2026-03-04')", "2026-03-04"),
    ),
    Function::computed(
        "from_iso8601_timestamp",
        iso_types,
        iso_timestamp,
        ("from_iso8601_timestamp('2026-03-04T05:06:07Z')", "2026-03-04 05:06:07.000 UTC"),
    ),
    Function::computed(
        "from_unixtime",
        unixtime_types,
        from_unixtime,
        ("from_unixtime(1772600000)", "2026-03-04 04:53:20.000 UTC"),
    ),
    Function::new(
        "hour",
        CLOCK,
        |c, v| part(c, v, |t| t.hour().into()),
        ("hour(TIMESTAMP '2026-03-04 05:06:07')", "5"),
    ),
    Function::new(
        "human_readable_seconds",
        &["double -> varchar"],
        human,
        ("human_readable_seconds(3661)", "1 hour, 1 minute, 1 second"),
    ),
    Function::computed("interval", interval_types, interval, ("INTERVAL '2' DAY", "2 00:00:00.000")),
    Function::new(
        "last_day_of_month",
        &["date -> date", "timestamp -> date", "zoned -> date"],
        last_day,
        ("last_day_of_month(DATE '2024-02-10')", "2024-02-29"),
    ),
    Function::new(
        "millisecond",
        CLOCK,
        |c, v| part(c, v, |t| (t.nanosecond() / 1_000_000).into()),
        ("millisecond(TIMESTAMP '2026-03-04 05:06:07.250')", "250"),
    ),
    Function::new(
        "minute",
        CLOCK,
        |c, v| part(c, v, |t| t.minute().into()),
        ("minute(TIMESTAMP '2026-03-04 05:06:07')", "6"),
    ),
    Function::new("month", PART, |c, v| part(c, v, |t| t.month().into()), ("month(DATE '2026-05-06')", "5")),
    Function::new(
        "quarter",
        PART,
        |c, v| part(c, v, |t| i64::from(t.month0()) / 3 + 1),
        ("quarter(DATE '2026-05-06')", "2"),
    ),
    Function::new(
        "second",
        CLOCK,
        |c, v| part(c, v, |t| t.second().into()),
        ("second(TIMESTAMP '2026-03-04 05:06:07')", "7"),
    ),
    Function::new(
        "sequence",
        &[
            "bigint, bigint -> array(bigint)",
            "bigint, bigint, bigint -> array(bigint)",
            "date, date -> array(date)",
            "date, date, interval day to second -> array(date)",
            "date, date, interval year to month -> array(date)",
            "timestamp, timestamp, interval day to second -> array(timestamp)",
            "timestamp, timestamp, interval year to month -> array(timestamp)",
        ],
        sequence,
        ("sequence(1, 10, 3)", "[1, 4, 7, 10]"),
    ),
    Function::computed(
        "timestamp_literal",
        iso_types,
        iso_timestamp,
        ("TIMESTAMP '2026-03-04 05:06:07 Asia/Tokyo'", "2026-03-04 05:06:07.000 Asia/Tokyo"),
    ),
    Function::new(
        "to_iso8601",
        &["date -> varchar", "timestamp -> varchar", "zoned -> varchar"],
        to_iso8601,
        ("to_iso8601(DATE '2026-03-04')", "2026-03-04"),
    ),
    Function::new(
        "to_milliseconds",
        &["interval day to second -> bigint"],
        |_, v| Ok(v[0].integer().into()),
        ("to_milliseconds(INTERVAL '2' SECOND)", "2000"),
    ),
    Function::new(
        "to_unixtime",
        &["timestamp -> double", "zoned -> double"],
        |_, v| Ok((v[0].integer() as f64 / 1e3).into()),
        ("to_unixtime(TIMESTAMP '2026-03-04 05:06:07')", "1.772600767E9"),
    ),
    Function::new("week", PART, |c, v| part(c, v, |t| t.iso_week().week().into()), ("week(DATE '2026-05-06')", "19")),
    Function::new(
        "week_of_year",
        PART,
        |c, v| part(c, v, |t| t.iso_week().week().into()),
        ("week_of_year(DATE '2026-05-06')", "19"),
    ),
    Function::computed(
        "with_timezone",
        zone_types,
        with_timezone,
        ("with_timezone(TIMESTAMP '2026-03-04 05:06:07', 'Asia/Tokyo')", "2026-03-04 05:06:07.000 Asia/Tokyo"),
    ),
    Function::new("year", PART, |c, v| part(c, v, |t| t.year().into()), ("year(DATE '2026-05-06')", "2026")),
    Function::new(
        "year_of_week",
        PART,
        |c, v| part(c, v, |t| t.iso_week().year().into()),
        ("year_of_week(DATE '2027-01-01')", "2026"),
    ),
    Function::new("yow", PART, |c, v| part(c, v, |t| t.iso_week().year().into()), ("yow(DATE '2027-01-01')", "2026")),
];

fn is_moment(kind: &DataType) -> bool {
    matches!(kind, DataType::Date32 | DataType::Timestamp(..))
}

/// The constant text among the arguments.
fn constant(constants: &[Option<ScalarValue>], index: usize) -> Option<&str> {
    match constants.get(index) {
        Some(Some(ScalarValue::Utf8(Some(text)))) => Some(text),
        _ => None,
    }
}

fn part(call: &Call<'_>, values: &[Value], of: fn(NaiveDateTime) -> i64) -> Outcome {
    Ok(of(local(&values[0], &call.arguments[0])).into())
}

fn date(call: &Call<'_>, values: &[Value]) -> Outcome {
    super::cast::cast(&values[0], &call.arguments[0], &DataType::Date32)
}

/// A moment, and the zone that it is shown in: a constant.
fn zone_types(arguments: &[DataType], constants: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    let bound = bind("at_timezone", &["timestamp, varchar -> zoned", "zoned, varchar -> zoned"], arguments)?;
    let Some(name) = constant(constants, 1) else {
        return match constants.is_empty() {
            true => Ok(bound),
            false => Err(Refusal::new(
                "NOT_SUPPORTED",
                "the stand-in takes time zones as constants alone; Athena takes them from columns too",
            )),
        };
    };
    moment::zone(name)?;
    Ok((bound.0, types::zoned(name)))
}

fn with_timezone(call: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(at(local(&values[0], &call.arguments[0]), call.result))
}

fn shift_types(arguments: &[DataType], _: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    let bound = bind(
        "date_add",
        &[
            "varchar, bigint, date -> date",
            "varchar, bigint, timestamp -> timestamp",
            "varchar, bigint, zoned -> zoned",
        ],
        arguments,
    )?;
    let result = bound.0[2].clone();
    Ok((bound.0, result))
}

fn trunc_types(arguments: &[DataType], _: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    let bound = bind(
        "date_trunc",
        &["varchar, date -> date", "varchar, timestamp -> timestamp", "varchar, zoned -> zoned"],
        arguments,
    )?;
    let result = bound.0[1].clone();
    Ok((bound.0, result))
}

fn span_types(arguments: &[DataType], _: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    match arguments {
        [unit, a, b] if types::is_text(unit) && is_moment(a) && is_moment(b) => {
            let both = types::common(a, b).unwrap_or(types::TIMESTAMP);
            Ok((vec![DataType::Utf8, both.clone(), both], DataType::Int64))
        }
        _ => {
            bind("date_diff", &["varchar, date, date -> bigint", "varchar, timestamp, timestamp -> bigint"], arguments)
        }
    }
}

/// What a unit is: so many months, or so many milliseconds.
enum Unit {
    Months(i64),
    Millis(i64),
}

fn unit(name: &str, kind: &DataType) -> Result<Unit, Refusal> {
    let no = || {
        let kind = if *kind == DataType::Date32 { "DATE" } else { "TIMESTAMP" };
        Refusal::argument(format!("'{name}' is not a valid {kind} field"))
    };
    let unit = match name.to_ascii_lowercase().as_str() {
        "year" => Unit::Months(12),
        "quarter" => Unit::Months(3),
        "month" => Unit::Months(1),
        "week" => Unit::Millis(7 * MILLIS_A_DAY),
        "day" => Unit::Millis(MILLIS_A_DAY),
        "hour" => Unit::Millis(3_600_000),
        "minute" => Unit::Millis(60_000),
        "second" => Unit::Millis(1_000),
        "millisecond" => Unit::Millis(1),
        _ => return Err(no()),
    };
    match unit {
        Unit::Millis(millis) if millis < MILLIS_A_DAY && *kind == DataType::Date32 => Err(no()),
        unit => Ok(unit),
    }
}

/// A moment later by so many months, the day no later than its month's last.
pub(in super::super) fn later_by_months(moment: NaiveDateTime, months: i64) -> Option<NaiveDateTime> {
    let by = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    if months < 0 { moment.checked_sub_months(by) } else { moment.checked_add_months(by) }
}

fn later(moment: NaiveDateTime, unit: &Unit, times: i64) -> Option<NaiveDateTime> {
    match unit {
        Unit::Months(months) => later_by_months(moment, months.checked_mul(times)?),
        Unit::Millis(millis) => moment.checked_add_signed(TimeDelta::try_milliseconds(millis.checked_mul(times)?)?),
    }
}

fn date_add(call: &Call<'_>, values: &[Value]) -> Outcome {
    let kind = &call.arguments[2];
    let moment = later(local(&values[2], kind), &unit(values[0].text(), kind)?, values[1].integer());
    moment.map(|moment| at(moment, kind)).ok_or_else(|| Refusal::argument("date_add is out of range"))
}

fn date_diff(call: &Call<'_>, values: &[Value]) -> Outcome {
    let kind = &call.arguments[1];
    let (from, to) = (local(&values[1], kind), local(&values[2], kind));
    Ok(match unit(values[0].text(), kind)? {
        Unit::Millis(millis) => (to.signed_duration_since(from).num_milliseconds() / millis).into(),
        Unit::Months(months) => (whole_months(from, to) / months).into(),
    })
}

fn whole_months(from: NaiveDateTime, to: NaiveDateTime) -> i64 {
    let months = i64::from(to.year() - from.year()) * 12 + i64::from(to.month()) - i64::from(from.month());
    match later_by_months(from, months) {
        Some(there) if months > 0 && there > to => months - 1,
        Some(there) if months < 0 && there < to => months + 1,
        Some(there) if months == 0 && there != to => 0,
        _ => months,
    }
}

fn date_trunc(call: &Call<'_>, values: &[Value]) -> Outcome {
    let kind = &call.arguments[1];
    let name = values[0].text().to_ascii_lowercase();
    let moment = local(&values[1], kind);
    unit(&name, kind)?;
    let midnight = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN);
    let first = |month: u32| NaiveDate::from_ymd_opt(moment.year(), month, 1).map(midnight);
    let start = match name.as_str() {
        "year" => first(1),
        "quarter" => first(moment.month0() / 3 * 3 + 1),
        "month" => first(moment.month()),
        "week" => Some(midnight(moment.date().week(chrono::Weekday::Mon).first_day())),
        "day" => Some(midnight(moment.date())),
        "hour" => moment.date().and_hms_opt(moment.hour(), 0, 0),
        "minute" => moment.date().and_hms_opt(moment.hour(), moment.minute(), 0),
        "second" => moment.with_nanosecond(0),
        _ => Some(moment),
    };
    Ok(at(start.unwrap_or(moment), kind))
}

fn iso_date(_: &Call<'_>, values: &[Value]) -> Outcome {
    let text = values[0].text();
    moment::of_text(text, &DataType::Date32).ok_or_else(|| Refusal::argument(format!("Invalid format: \"{text}\"")))
}

/// In the zone of a constant's text; a column has one zone, which is UTC.
fn iso_types(arguments: &[DataType], constants: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    let bound = bind("from_iso8601_timestamp", &["varchar -> zoned"], arguments)?;
    let zone = constant(constants, 0).and_then(|text| moment::split_zone(text).1).unwrap_or("UTC");
    moment::zone(zone)?;
    Ok((bound.0, types::zoned(zone)))
}

fn iso_timestamp(call: &Call<'_>, values: &[Value]) -> Outcome {
    let text = values[0].text();
    let moment = moment::of_text(text, call.result);
    let moment = moment.ok_or_else(|| Refusal::argument(format!("Invalid format: \"{text}\"")))?;
    let named = moment::split_zone(text).1.filter(|zone| !["UTC", "Z", "+00:00"].contains(zone));
    match (named, call.result) {
        (Some(zone), DataType::Timestamp(_, Some(kept))) if zone != kept.as_ref() => Err(Refusal::new(
            "NOT_SUPPORTED",
            format!(
                "the stand-in has one time zone for all values of a column, here {kept}, and {text} has another; Athena keeps each"
            ),
        )),
        _ => Ok(moment),
    }
}

fn unixtime_types(arguments: &[DataType], constants: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    let (coerced, _) = bind("from_unixtime", &["double -> zoned", "double, varchar -> zoned"], arguments)?;
    let zone = constant(constants, 1).unwrap_or("UTC");
    moment::zone(zone)?;
    Ok((coerced, types::zoned(zone)))
}

fn from_unixtime(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(Value::Time((values[0].double() * 1e3).round() as i64))
}

fn to_iso8601(call: &Call<'_>, values: &[Value]) -> Outcome {
    let (value, kind) = (&values[0], &call.arguments[0]);
    let moment = local(value, kind);
    Ok(match kind {
        DataType::Date32 => moment.format("%Y-%m-%d").to_string(),
        DataType::Timestamp(_, None) => moment.format("%Y-%m-%dT%H:%M:%S%.3f").to_string(),
        _ => {
            let offset = moment::offset(value, kind);
            let offset = if offset == "+00:00" { "Z" } else { &offset };
            format!("{}{offset}", moment.format("%Y-%m-%dT%H:%M:%S%.3f"))
        }
    }
    .into())
}

fn last_day(call: &Call<'_>, values: &[Value]) -> Outcome {
    let day = local(&values[0], &call.arguments[0]).date();
    let next = day.with_day(1).and_then(|first| first.checked_add_months(Months::new(1)));
    Ok(next.and_then(|next| next.pred_opt()).map(moment::days).unwrap_or_default())
}

fn human(_: &Call<'_>, values: &[Value]) -> Outcome {
    let seconds = values[0].double();
    if !seconds.is_finite() {
        return Err(Refusal::argument("Invalid argument found: seconds must be finite"));
    }
    let mut rest = seconds.abs().round() as u64;
    let units = [("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let mut parts = Vec::new();
    for (name, size) in units {
        let count = rest / size;
        rest %= size;
        if count > 0 || (size == 1 && parts.is_empty()) {
            parts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    Ok(parts.join(", ").into())
}

fn interval_types(arguments: &[DataType], constants: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    let kind = match constant(constants, 1) {
        Some("year" | "month") => YEAR_TO_MONTH,
        _ => DAY_TO_SECOND,
    };
    Ok((arguments.to_vec(), kind))
}

fn interval(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (text, name) = (values[0].text(), values[1].text());
    let no = || Refusal::new("INVALID_LITERAL", format!("'{text}' is not a valid INTERVAL literal"));
    let size = match name {
        "year" => 12.0,
        "month" => 1.0,
        "day" => MILLIS_A_DAY as f64,
        "hour" => 3_600_000.0,
        "minute" => 60_000.0,
        "second" => 1_000.0,
        _ => return Err(Refusal::new("SYNTAX_ERROR", format!("an INTERVAL has no {name}"))),
    };
    let number: f64 = text.trim().parse().map_err(|_| no())?;
    if number.fract() != 0.0 && name != "second" {
        return Err(no());
    }
    Ok(Value::Time((number * size).round() as i64))
}

fn sequence(call: &Call<'_>, values: &[Value]) -> Outcome {
    let too_many = || Refusal::argument(format!("result of sequence function must not have more than {MOST} entries"));
    let wrong_step = || {
        Refusal::argument(
            "sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than start",
        )
    };
    let (from, to) = (values[0].integer(), values[1].integer());
    let step = values.get(2).map_or(if from <= to { 1 } else { -1 }, Value::integer);
    if step == 0 {
        return Err(Refusal::argument("step must not be zero"));
    }
    if (step > 0 && from > to) || (step < 0 && from < to) {
        return Err(wrong_step());
    }
    let is_monthly = call.arguments.get(2) == Some(&YEAR_TO_MONTH);
    let is_daily = call.arguments[0] == DataType::Date32;
    if is_monthly {
        let kind = &call.arguments[0];
        let (start, stop) = (local(&values[0], kind), local(&values[1], kind));
        let each = (0..=MOST).map_while(|index| later_by_months(start, step.checked_mul(index)?));
        let each = each.take_while(|moment| if step > 0 { *moment <= stop } else { *moment >= stop });
        let items: Vec<Value> = each.map(|moment| at(moment, kind)).collect();
        return if items.len() > MOST as usize { Err(too_many()) } else { Ok(Value::List(items)) };
    }
    let step = if is_daily && values.len() > 2 { step / MILLIS_A_DAY } else { step };
    if step == 0 {
        return Err(Refusal::argument("sequence step must be a day interval if start and end values are dates"));
    }
    if (i128::from(to) - i128::from(from)) / i128::from(step) >= i128::from(MOST) {
        return Err(too_many());
    }
    let made =
        |number: i64| if call.arguments[0] == DataType::Int64 { Value::Integer(number) } else { Value::Time(number) };
    let count = (i128::from(to) - i128::from(from)) / i128::from(step);
    Ok(Value::List((0..=count as i64).map(|index| made(from + index * step)).collect()))
}
