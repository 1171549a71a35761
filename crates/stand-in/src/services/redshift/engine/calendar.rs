//! Reckoning with dates and times as Redshift does.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Weekday};
use datafusion::arrow::array::timezone::Tz;

use super::failure::Failure;

/// A part of a date, in months or in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Months(i64),
    Micros(i64),
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Its names (database developer guide, "Date parts for date or timestamp functions"), the one that PostgreSQL has too first.
const PARTS: [(&[&str], Part); 12] = [
    (&["millennium", "millennia", "mil", "mils"], Part::Months(12_000)),
    (&["century", "centuries", "c", "cent", "cents"], Part::Months(1_200)),
    (&["decade", "decades", "dec", "decs"], Part::Months(120)),
    (&["year", "years", "y", "yr", "yrs"], Part::Months(12)),
    (&["quarter", "quarters", "qtr", "qtrs"], Part::Months(3)),
    (&["month", "months", "mon", "mons"], Part::Months(1)),
    (&["week", "weeks", "w"], Part::Micros(7 * DAY)),
    (&["day", "days", "d"], Part::Micros(DAY)),
    (&["hour", "hours", "h", "hr", "hrs"], Part::Micros(3_600 * SECOND)),
    (&["minute", "minutes", "m", "min", "mins"], Part::Micros(60 * SECOND)),
    (&["second", "seconds", "s", "sec", "secs"], Part::Micros(SECOND)),
    (
        &["millisecond", "milliseconds", "ms", "msec", "msecs", "msecond", "mseconds", "millisec", "millisecs"],
        Part::Micros(1_000),
    ),
];
const MICROSECOND: &[&str] =
    &["microsecond", "microseconds", "us", "usec", "usecs", "usecond", "useconds", "microsec", "microsecs"];
/// Those that can be read off a date and not be added to it.
const READ: [&[&str]; 3] = [&["dow", "dayofweek", "dw", "weekday"], &["doy", "dayofyear", "dy", "yearday"], &["epoch"]];

fn part(written: &str) -> Result<Part, Failure> {
    let is_named = |names: &&[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(written));
    if is_named(&MICROSECOND) {
        return Ok(Part::Micros(1));
    }
    let known = PARTS.iter().find(|(names, _)| is_named(names));
    known.map(|(_, part)| *part).ok_or_else(|| Failure::new(format!("date part \"{written}\" is not supported")))
}

/// The name that a part goes by everywhere.
pub(super) fn canonical(written: &str) -> Option<&'static str> {
    let all = PARTS.iter().map(|(names, _)| *names).chain([MICROSECOND]).chain(READ);
    all.into_iter().find(|names| names.iter().any(|name| name.eq_ignore_ascii_case(written))).map(|names| names[0])
}

fn out_of_range() -> Failure {
    Failure::new("timestamp out of range")
}

fn after_months(from: NaiveDateTime, months: i64) -> Option<NaiveDateTime> {
    let count = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    if months < 0 { from.checked_sub_months(count) } else { from.checked_add_months(count) }
}

/// `DATEADD`; the day of a shorter month is its last.
pub(super) fn add(written: &str, count: i64, to: NaiveDateTime) -> Result<NaiveDateTime, Failure> {
    let moved = match part(written)? {
        Part::Months(months) => count.checked_mul(months).and_then(|months| after_months(to, months)),
        Part::Micros(micros) => {
            count.checked_mul(micros).and_then(|micros| to.checked_add_signed(TimeDelta::microseconds(micros)))
        }
    };
    moved.ok_or_else(out_of_range)
}

/// `ADD_MONTHS`: from the last day of a month to the last of another.
pub(super) fn add_months(to: NaiveDateTime, count: i64) -> Result<NaiveDateTime, Failure> {
    let moved = after_months(to, count).ok_or_else(out_of_range)?;
    if to.date() == last_day(to.date())? {
        return Ok(last_day(moved.date())?.and_time(moved.time()));
    }
    Ok(moved)
}

/// `DATEDIFF`: how many times a part begins between them.
pub(super) fn boundaries(written: &str, from: NaiveDateTime, to: NaiveDateTime) -> Result<i64, Failure> {
    Ok(match part(written)? {
        // The guide does not say on which day a week begins here.
        Part::Micros(micros) if micros == 7 * DAY => return Err(Failure::unsupported("DATEDIFF in weeks")),
        Part::Months(months) => {
            let place = |at: NaiveDateTime| (i64::from(at.year()) * 12 + i64::from(at.month0())).div_euclid(months);
            place(to) - place(from)
        }
        Part::Micros(micros) => {
            let place = |at: NaiveDateTime| at.and_utc().timestamp_micros().div_euclid(micros);
            place(to) - place(from)
        }
    })
}

/// `LAST_DAY`: of the month.
pub(super) fn last_day(of: NaiveDate) -> Result<NaiveDate, Failure> {
    let first_of_next = of.with_day(1).and_then(|first| first.checked_add_months(Months::new(1)));
    first_of_next.and_then(|first| first.pred_opt()).ok_or_else(out_of_range)
}

/// `MONTHS_BETWEEN`: whole ones between equal days and between last days, otherwise with a part of 31 days.
pub(super) fn months_between(a: NaiveDateTime, b: NaiveDateTime) -> Result<f64, Failure> {
    let months = f64::from((a.year() - b.year()) * 12) + f64::from(a.month()) - f64::from(b.month());
    let both_last = a.date() == last_day(a.date())? && b.date() == last_day(b.date())?;
    if a.day() == b.day() || both_last {
        return Ok(months);
    }
    let since_midnight = |at: NaiveDateTime| (at.time() - NaiveTime::MIN).as_seconds_f64();
    let days = f64::from(a.day()) - f64::from(b.day()) + (since_midnight(a) - since_midnight(b)) / 86_400.0;
    Ok(months + days / 31.0)
}

/// `NEXT_DAY`: the first day of that name after the date; two letters of the name are enough.
pub(super) fn next_day(after: NaiveDate, name: &str) -> Result<NaiveDate, Failure> {
    let days = [
        (Weekday::Mon, "monday"),
        (Weekday::Tue, "tuesday"),
        (Weekday::Wed, "wednesday"),
        (Weekday::Thu, "thursday"),
        (Weekday::Fri, "friday"),
        (Weekday::Sat, "saturday"),
        (Weekday::Sun, "sunday"),
    ];
    let written = name.trim().to_ascii_lowercase();
    let is_meant = |(_, day): &&(Weekday, &str)| written.len() >= 2 && day.starts_with(&written);
    let (day, _) = days.iter().find(is_meant).ok_or_else(|| Failure::new(format!("invalid day name: {name}")))?;
    let ahead = (day.num_days_from_monday() + 7 - after.weekday().num_days_from_monday() - 1) % 7 + 1;
    after.checked_add_days(Days::new(ahead.into())).ok_or_else(out_of_range)
}

/// `CONVERT_TIMEZONE`: what a clock shows in one place when it shows this in another.
pub(super) fn convert_timezone(from: &str, to: &str, at: NaiveDateTime) -> Result<NaiveDateTime, Failure> {
    let zone = |name: &str| -> Result<Tz, Failure> {
        name.parse().map_err(|_| Failure::new(format!("time zone \"{name}\" not recognized")))
    };
    let (from, to) = (zone(from)?, zone(to)?);
    let shown = from.from_local_datetime(&at).earliest();
    let shown = shown.ok_or_else(|| Failure::new(format!("there is no {at} in the time zone {from:?}")))?;
    Ok(shown.with_timezone(&to).naive_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        let date = |text| NaiveDate::parse_from_str(text, "%Y-%m-%d").map(NaiveDateTime::from);
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").or_else(|_| date(text)).expect("a time")
    }

    /// From the pages of the functions in the guide.
    #[test]
    fn dates_are_reckoned_as_in_the_guide() {
        assert_eq!(add("month", 1, at("2017-04-30")), Ok(at("2017-05-30")));
        assert_eq!(add_months(at("2017-04-30"), 1), Ok(at("2017-05-31")));
        assert_eq!(add("month", 18, at("2008-02-28")), Ok(at("2009-08-28")));
        assert_eq!(add("m", 30, at("2008-01-01 12:00:00")), Ok(at("2008-01-01 12:30:00")));
        assert_eq!(boundaries("year", at("2008-12-31"), at("2009-01-01")), Ok(1));
        assert_eq!(boundaries("qtr", at("1998-07-01"), at("2008-08-01")), Ok(40));
        assert_eq!(boundaries("hr", at("2009-01-01 00:59:59"), at("2009-01-01 01:00:00")), Ok(1));
        assert_eq!(boundaries("day", at("2009-01-02"), at("2009-01-01 23:00:00")), Ok(-1));
        assert_eq!(last_day(at("2024-02-10").date()), Ok(at("2024-02-29").date()));
        assert_eq!(months_between(at("1969-01-18"), at("1969-03-18")), Ok(-2.0));
        assert_eq!(months_between(at("2008-02-29"), at("2008-01-31")), Ok(1.0));
        assert_eq!(months_between(at("2026-03-17"), at("2026-02-01 12:00:00")), Ok(1.0 + 15.5 / 31.0));
        assert_eq!(next_day(at("2014-08-20").date(), "Tuesday"), Ok(at("2014-08-26").date()));
        assert_eq!(next_day(at("2014-08-20").date(), "we"), Ok(at("2014-08-27").date()));
        let zoned = convert_timezone("UTC", "America/New_York", at("2013-02-01 08:00:00"));
        assert_eq!(zoned, Ok(at("2013-02-01 03:00:00")));
    }

    #[test]
    fn what_is_no_part_is_refused() {
        assert!(add("fortnight", 1, at("2026-01-01")).is_err());
        assert!(add("dow", 1, at("2026-01-01")).is_err());
        assert!(boundaries("week", at("2026-01-01"), at("2026-02-01")).is_err());
        assert!(add("millennium", i64::MAX, at("2026-01-01")).is_err());
        assert!(convert_timezone("UTC", "Mars/Base", at("2026-01-01")).is_err());
    }
}
