//! The dates that a projected partition key takes (Athena user guide, "Supported types for partition projection", "Date
//! type"): all from one end of a range to the other, an interval apart, in UTC.

use std::collections::HashSet;

use chrono::{Months, NaiveDateTime, TimeDelta};
use demo_formats::pattern::{Field, Pattern, Piece, Values};

use super::failure::Failure;

/// Athena user guide, "Partition your data": partitions that one scan reads.
const MOST: usize = 1_000_000;

/// Dates as a pattern writes them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dates {
    pattern: Pattern,
    values: HashSet<String>,
}

/// What lies between a date and the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    count: u32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    Months(u32),
    Time(TimeDelta),
}

impl Unit {
    /// `YEARS`, or `year`, as ranges have it too.
    fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_uppercase();
        Some(match name.strip_suffix('S').unwrap_or(&name) {
            "YEAR" => Self::Months(12),
            "MONTH" => Self::Months(1),
            "WEEK" => Self::Time(TimeDelta::weeks(1)),
            "DAY" => Self::Time(TimeDelta::days(1)),
            "HOUR" => Self::Time(TimeDelta::hours(1)),
            "MINUTE" => Self::Time(TimeDelta::minutes(1)),
            "SECOND" => Self::Time(TimeDelta::seconds(1)),
            "MILLISECOND" => Self::Time(TimeDelta::milliseconds(1)),
            _ => return None,
        })
    }

    fn after(self, at: NaiveDateTime, count: i64) -> Option<NaiveDateTime> {
        match self {
            Self::Months(months) => {
                let by = Months::new(u32::try_from(count.unsigned_abs().checked_mul(u64::from(months))?).ok()?);
                if count < 0 { at.checked_sub_months(by) } else { at.checked_add_months(by) }
            }
            Self::Time(time) => at.checked_add_signed(time.checked_mul(i32::try_from(count).ok()?)?),
        }
    }
}

impl Step {
    /// By the properties `interval` and `interval.unit`. Where the pattern ends in a day or a month, they are a day or a
    /// month when left out.
    pub(super) fn of(pattern: &Pattern, interval: Option<&str>, unit: Option<&str>) -> Result<Self, String> {
        let has = |letters: &str| fields(pattern).any(|field| letters.contains(field.letter));
        if has("HhmsSa") && (interval.is_none() || unit.is_none()) {
            return Err("interval and interval.unit are required with a format finer than a day".to_owned());
        }
        let count = interval.unwrap_or("1");
        let count = count.parse().ok().filter(|count| *count > 0);
        let count = count.ok_or_else(|| format!("interval {:?}: a positive integer is expected", interval))?;
        let usual = if has("dDE") { "DAYS" } else { "MONTHS" };
        let unit = unit.unwrap_or(usual);
        let unit = Unit::named(unit).ok_or_else(|| format!("interval.unit {unit:?} is not a unit of time"))?;
        Ok(Self { count, unit })
    }
}

impl Dates {
    /// From the first of `range` to the last, both included.
    pub(super) fn new(pattern: Pattern, range: &str, step: Step, now: NaiveDateTime) -> Result<Self, Failure> {
        let expected = || {
            Failure::user(format!(
                "INVALID_TABLE_PROPERTY: partition projection: range {range:?}: two dates of the \
                                      format {pattern} or NOW, with a comma between, are expected"
            ))
        };
        let (from, to) = range.split_once(',').ok_or_else(expected)?;
        let bound = |text: &str| moment(text, &pattern, now).map(|at| whole(at, &pattern));
        let (mut at, to) = (bound(from).ok_or_else(expected)?, bound(to).ok_or_else(expected)?);
        let mut values = HashSet::new();
        while at <= to {
            values.insert(pattern.render(at.and_utc()));
            if values.len() > MOST {
                return Err(Failure::user(format!("partition projection: range {range:?} has more than {MOST} dates")));
            }
            let Some(next) = step.unit.after(at, i64::from(step.count)) else { break };
            at = next;
        }
        Ok(Self { pattern, values })
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.values.contains(text)
    }

    /// A regular expression of what they look like.
    pub(super) fn look(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => regex::escape(text),
            Piece::Field(field) => match field.values() {
                Values::Words(words) => format!("(?:{})", words.join("|")),
                Values::Years | Values::Numbers { .. } => "[0-9]+".to_owned(),
            },
        };
        self.pattern.pieces().iter().map(piece).collect()
    }
}

fn fields(pattern: &Pattern) -> impl Iterator<Item = &Field> {
    pattern.pieces().iter().filter_map(|piece| match piece {
        Piece::Field(field) => Some(field),
        Piece::Text(_) => None,
    })
}

/// A date as the pattern has it, or `NOW`, or such as `NOW-3YEARS`.
fn moment(text: &str, pattern: &Pattern, now: NaiveDateTime) -> Option<NaiveDateTime> {
    let upper = text.to_ascii_uppercase();
    let Some(offset) = upper.trim().strip_prefix("NOW") else { return parsed(text, pattern) };
    let offset: String = offset.chars().filter(|c| !c.is_whitespace()).collect();
    if offset.is_empty() {
        return Some(now);
    }
    let unit_at = offset.find(|c: char| c.is_ascii_alphabetic())?;
    Unit::named(&offset[unit_at..])?.after(now, offset[..unit_at].parse().ok()?)
}

/// What of a time the pattern writes; the rest at its beginning.
fn whole(at: NaiveDateTime, pattern: &Pattern) -> NaiveDateTime {
    parsed(&pattern.render(at.and_utc()), pattern).unwrap_or(at)
}

fn parsed(text: &str, pattern: &Pattern) -> Option<NaiveDateTime> {
    let mut format: String = pattern.pieces().iter().map(chrono_format).collect();
    let mut text = text.to_owned();
    let day_of_year = format.contains("%j");
    for (part, first) in [("%m", " 01"), ("%d", " 01"), ("%H", " 00"), ("%M", " 00"), ("%S", " 00")] {
        let month_is_named = part == "%m" && (format.contains("%b") || format.contains("%B"));
        let is_known = format.contains(part) || month_is_named || day_of_year && matches!(part, "%m" | "%d");
        if !is_known {
            text.push_str(first);
            format.push_str(&format!(" {part}"));
        }
    }
    NaiveDateTime::parse_from_str(&text, &format).ok()
}

fn chrono_format(piece: &Piece) -> String {
    let Field { letter, width } = match piece {
        Piece::Text(text) => return text.replace('%', "%%"),
        Piece::Field(field) => *field,
    };
    match (letter, width) {
        ('y' | 'u', 2) => "%y",
        ('y' | 'u', _) => "%Y",
        ('M', 3) => "%b",
        ('M', 4) => "%B",
        ('M', _) => "%m",
        ('d', _) => "%d",
        ('D', _) => "%j",
        ('H', _) => "%H",
        ('h', _) => "%I",
        ('m', _) => "%M",
        ('s', _) => "%S",
        ('E', 4) => "%A",
        ('E', _) => "%a",
        ('a', _) => "%p",
        (_, digits) => return format!("%{digits}f"),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> NaiveDateTime {
        NaiveDateTime::parse_from_str("2026-11-30T23:59:58", "%Y-%m-%dT%H:%M:%S").expect("a time")
    }

    fn dates(format: &str, range: &str, interval: &[&str]) -> Result<Vec<String>, String> {
        let pattern = Pattern::parse(format).expect(format);
        let step = Step::of(&pattern, interval.first().copied(), interval.get(1).copied())?;
        let dates = Dates::new(pattern, range, step, now()).map_err(|failure| failure.message)?;
        let look = regex::Regex::new(&format!("^{}$", dates.look())).expect("an expression");
        assert!(dates.values.iter().all(|value| look.is_match(value)), "{dates:?}");
        let mut values: Vec<_> = dates.values.into_iter().collect();
        values.sort();
        Ok(values)
    }

    #[test]
    fn every_date_of_the_range_is_there_ends_included() {
        let day = ["2026-11-29", "2026-11-30", "2026-12-01"].map(str::to_owned);
        assert_eq!(dates("yyyy-MM-dd", "NOW-1DAY,NOW+1DAYS", &[]), Ok(day.to_vec()));
        assert_eq!(dates("yyyy-MM-dd", "2026-11-29, NOW", &[]), Ok(day[..2].to_vec()));
        assert_eq!(dates("yyyyMMddHH", "2026113022,NOW", &["1", "HOURS"]).map(|hours| hours.len()), Ok(2));
        assert_eq!(dates("MMM d yy", "Oct 31 26,Nov 1 26", &[]), Ok(vec!["Nov 1 26".into(), "Oct 31 26".into()]));
        assert_eq!(dates("yyyy/MM", "NOW-2MONTHS,NOW", &[]).map(|months| months.len()), Ok(3));
        assert_eq!(dates("yyyy-DDD", "2026-001,2026-365", &[]).map(|days| days.len()), Ok(365));
    }

    #[test]
    fn an_interval_leaves_out_what_is_between() {
        let values = dates("yyyy-MM", "2017-01,2017-06", &["2", "MONTHS"]);
        assert_eq!(values, Ok(vec!["2017-01".into(), "2017-03".into(), "2017-05".into()]));
        assert_eq!(dates("yyyy-MM-dd", "2026-01-01,2026-01-31", &["1", "weeks"]).map(|weeks| weeks.len()), Ok(5));
    }

    #[test]
    fn what_is_missing_or_wrong_is_told() {
        let why = |format, range, interval: &[&str]| dates(format, range, interval).expect_err(range);
        assert!(why("yyyyMMddHH", "NOW,NOW", &[]).contains("interval.unit are required"));
        assert!(why("yyyyMMdd", "NOW,NOW", &["0"]).contains("positive integer"));
        assert!(why("yyyyMMdd", "NOW,NOW", &["1", "MOONS"]).contains("not a unit"));
        assert!(why("yyyyMMdd", "2026-01-01,NOW", &[]).contains("of the format yyyyMMdd"));
        assert!(why("yyyyMMdd", "NOW", &[]).contains("comma"));
        assert!(why("yyyyMMddHHmmss", "NOW-1YEAR,NOW", &["1", "SECONDS"]).contains("more than 1000000"));
    }
}
