//! Dates as text by a pattern (Redshift database developer guide, "Datetime format strings").

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};

use super::failure::Failure;

/// A piece of a pattern.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Field(&'static str),
    Literal(&'a str),
}

/// The fields, each before those that it begins with; the case of a name in letters is that of its pattern.
const FIELDS: [&str; 37] = [
    "YYYY", "YY", "MONTH", "Month", "month", "MON", "Mon", "mon", "MM", "MI", "MS", "DAY", "Day", "day", "DDD", "DD",
    "DY", "Dy", "dy", "D", "HH24", "HH12", "HH", "SS", "US", "AM", "PM", "am", "pm", "Q", "WW", "W", "IW", "CC", "J",
    "IYYY", "FM",
];

fn pieces(pattern: &str) -> Result<Vec<Piece<'_>>, Failure> {
    let (mut pieces, mut rest) = (Vec::new(), pattern);
    while let Some(first) = rest.chars().next() {
        if let Some(field) = field(rest) {
            pieces.push(Piece::Field(field));
            rest = &rest[field.len()..];
        } else if let Some((quoted, after)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            pieces.push(Piece::Literal(quoted));
            rest = after;
        } else if first.is_ascii_alphabetic() && first != 'T' {
            return Err(Failure::unsupported(format!("\"{rest}\" in the date pattern \"{pattern}\"")));
        } else {
            pieces.push(Piece::Literal(&rest[..first.len_utf8()]));
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(pieces)
}

/// The field that a pattern begins with; numbers have the same in small letters.
fn field(pattern: &str) -> Option<&'static str> {
    let exact = FIELDS.iter().filter(|field| pattern.starts_with(**field));
    let is_of_numbers = |field: &&&str| NUMBERS.contains(*field);
    let small = FIELDS
        .iter()
        .filter(is_of_numbers)
        .filter(|field| pattern.get(..field.len()).is_some_and(|begun| begun.eq_ignore_ascii_case(field)));
    exact.chain(small).copied().max_by_key(|field| field.len())
}

const NUMBERS: [&str; 18] =
    ["YYYY", "YY", "MM", "MI", "MS", "DDD", "DD", "D", "HH24", "HH12", "HH", "SS", "US", "Q", "WW", "IW", "J", "IYYY"];

/// `TO_CHAR` of a time.
pub(super) fn write(at: NaiveDateTime, pattern: &str) -> Result<String, Failure> {
    let (mut text, mut is_filled) = (String::new(), true);
    for piece in pieces(pattern)? {
        match piece {
            Piece::Literal(literal) => text.push_str(literal),
            // It is for the one field that follows it.
            Piece::Field("FM") => {
                is_filled = false;
                continue;
            }
            Piece::Field(field) => text.push_str(&written(at, field, is_filled)),
        }
        is_filled = true;
    }
    Ok(text)
}

fn written(at: NaiveDateTime, field: &str, is_filled: bool) -> String {
    let number = |number: u32, digits: usize| {
        if is_filled { format!("{number:0digits$}") } else { number.to_string() }
    };
    let year = u32::try_from(at.year()).unwrap_or_default();
    match field {
        "YYYY" => number(year, 4),
        "YY" => number(year % 100, 2),
        "IYYY" => number(at.iso_week().year().try_into().unwrap_or_default(), 4),
        "MM" => number(at.month(), 2),
        "DD" => number(at.day(), 2),
        "DDD" => number(at.ordinal(), 3),
        "D" => (at.weekday().num_days_from_sunday() + 1).to_string(),
        "HH24" => number(at.hour(), 2),
        "HH12" | "HH" => number(at.hour12().1, 2),
        "MI" => number(at.minute(), 2),
        "SS" => number(at.second(), 2),
        "MS" => number(at.nanosecond() / 1_000_000, 3),
        "US" => number(at.nanosecond() / 1_000, 6),
        "AM" | "PM" => if at.hour12().0 { "PM" } else { "AM" }.to_owned(),
        "am" | "pm" => if at.hour12().0 { "pm" } else { "am" }.to_owned(),
        "Q" => at.quarter().to_string(),
        "WW" => number(at.ordinal0() / 7 + 1, 2),
        "W" => (at.day0() / 7 + 1).to_string(),
        "IW" => number(at.iso_week().week(), 2),
        "CC" => number(year.saturating_sub(1) / 100 + 1, 2),
        // The days since 4714 B.C.: of day 1 of our era, 1,721,426.
        "J" => (i64::from(at.num_days_from_ce()) + 1_721_425).to_string(),
        name => in_letters(at, name, is_filled),
    }
}

/// A month's or a day's name, as long as the longest one if it is filled.
fn in_letters(at: NaiveDateTime, field: &str, is_filled: bool) -> String {
    let (pattern, width) = match field.to_ascii_uppercase().as_str() {
        "MONTH" => ("%B", 9),
        "MON" => ("%b", 0),
        "DAY" => ("%A", 9),
        _ => ("%a", 0),
    };
    let name = at.format(pattern).to_string();
    let name = match field {
        field if field.chars().all(char::is_uppercase) => name.to_uppercase(),
        field if field.chars().all(char::is_lowercase) => name.to_lowercase(),
        _ => name,
    };
    if is_filled { format!("{name:width$}") } else { name }
}

/// `TO_DATE`.
pub(super) fn read(text: &str, pattern: &str) -> Result<NaiveDate, Failure> {
    let mut strptime = String::new();
    for piece in pieces(pattern)? {
        match piece {
            Piece::Literal(literal) => strptime.push_str(&literal.replace('%', "%%")),
            Piece::Field("FM") => {}
            Piece::Field(field) => strptime.push_str(read_by(field, pattern)?),
        }
    }
    let wrong = || Failure::new(format!("invalid value \"{text}\" for the date pattern \"{pattern}\""));
    let (date, _) = NaiveDate::parse_and_remainder(text, &strptime).map_err(|_| wrong())?;
    Ok(date)
}

fn read_by(field: &str, pattern: &str) -> Result<&'static str, Failure> {
    Ok(match field.to_ascii_uppercase().as_str() {
        "YYYY" => "%Y",
        "YY" => "%y",
        "MM" => "%m",
        "MON" | "MONTH" => "%B",
        "DD" => "%d",
        "DDD" => "%j",
        "DAY" | "DY" => "%A",
        "HH24" => "%H",
        "HH12" | "HH" => "%I",
        "MI" => "%M",
        "SS" => "%S",
        "AM" | "PM" => "%p",
        _ => return Err(Failure::unsupported(format!("{field} in TO_DATE's pattern \"{pattern}\""))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_writes_and_reads_dates() {
        let at = NaiveDate::from_ymd_opt(2026, 3, 4).and_then(|date| date.and_hms_micro_opt(15, 6, 7, 8_900));
        let at = at.expect("a time");
        let written = |pattern: &str| write(at, pattern).map_err(|failure| failure.to_string());
        assert_eq!(written("YYYY-MM-DD HH24:MI:SS.US"), Ok("2026-03-04 15:06:07.008900".into()));
        assert_eq!(
            written("Month|MON|fmt").map(|_| ()),
            Err("ERROR: \"fmt\" in the date pattern \"Month|MON|fmt\" is not supported by the stand-in".into())
        );
        assert_eq!(written("FMMonth DD, YYYY FMHH12 PM \"at\" Q"), Ok("March 04, 2026 3 PM at 1".into()));
        assert_eq!(written("DAY|Dy|D|DDD|IW|WW|W|J|CC"), Ok("WEDNESDAY|Wed|4|063|10|09|1|2461104|21".into()));
        let read = |text, pattern| read(text, pattern).map_err(|failure| failure.to_string());
        assert_eq!(read("02 Oct 2001", "DD Mon YYYY"), Ok(NaiveDate::from_ymd_opt(2001, 10, 2).expect("a date")));
        assert_eq!(read("20010631", "YYYYMMDD").map_err(|text| text.contains("20010631")), Err(true));
    }
}
