//! Dates and times by formats: those of MySQL, and those of Java's Joda.

use chrono::{
    NaiveDate, NaiveDateTime,
    format::{Parsed, StrftimeItems, parse},
};

use super::{
    super::{
        refusal::Refusal,
        scalar::{Call, Function, Outcome},
        types,
        value::Value,
    },
    moment::{at, local},
};

const SHOWN: &[&str] = &["date, varchar -> varchar", "timestamp, varchar -> varchar", "zoned, varchar -> varchar"];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "date_format",
        SHOWN,
        date_format,
        ("date_format(TIMESTAMP '2026-03-04 15:06:07', '%W %M %e %Y %h:%i %p')", "Wednesday March 4 2026 03:06 PM"),
    ),
    Function::new(
        "date_parse",
        &["varchar, varchar -> timestamp"],
        date_parse,
        ("date_parse('04/Mar/2026', '%d/%b/%Y')", "2026-03-04 00:00:00.000"),
    ),
    Function::new(
        "format_datetime",
        SHOWN,
        format_datetime,
        ("format_datetime(TIMESTAMP '2026-03-04 15:06:07', 'yyyy-MM-dd HH:mm')", "2026-03-04 15:06"),
    ),
    Function::new(
        "parse_datetime",
        &["varchar, varchar -> zoned"],
        parse_datetime,
        ("parse_datetime('2026-03-04', 'yyyy-MM-dd')", "2026-03-04 00:00:00.000 UTC"),
    ),
];

/// The library's format for one of MySQL's.
fn mysql(format: &str) -> Result<String, Refusal> {
    let (mut made, mut chars) = (String::new(), format.chars());
    while let Some(c) = chars.next() {
        if c != '%' {
            made.push(c);
            continue;
        }
        let mut literal = String::new();
        made.push_str(match chars.next() {
            Some('a') => "%a",
            Some('b') => "%b",
            Some('c') => "%-m",
            Some('d') => "%d",
            Some('e') => "%-d",
            Some('f') => "%6f",
            Some('H') => "%H",
            Some('h' | 'I') => "%I",
            Some('i') => "%M",
            Some('j') => "%j",
            Some('k') => "%-H",
            Some('l') => "%-I",
            Some('M') => "%B",
            Some('m') => "%m",
            Some('p') => "%p",
            Some('r') => "%I:%M:%S %p",
            Some('S' | 's') => "%S",
            Some('T') => "%H:%M:%S",
            Some('v') => "%V",
            Some('W') => "%A",
            Some('x') => "%G",
            Some('Y') => "%Y",
            Some('y') => "%y",
            Some('%') => "%%",
            Some(other @ ('D' | 'U' | 'u' | 'V' | 'w' | 'X')) => {
                return Err(Refusal::argument(format!("%{other} not supported in date format string")));
            }
            Some(other) => {
                literal.push(other);
                &literal
            }
            None => return Err(Refusal::argument(format!("Invalid format: \"{format}\""))),
        });
    }
    Ok(made)
}

/// The library's format for one of Joda's.
fn joda(format: &str) -> Result<String, Refusal> {
    let (mut made, mut rest) = (String::new(), format);
    while let Some(c) = rest.chars().next() {
        let run = rest.chars().take_while(|other| *other == c).count();
        if c == '\'' {
            let (quoted, behind) =
                rest[1..].split_once('\'').ok_or_else(|| Refusal::argument(format!("Invalid format: \"{format}\"")))?;
            made.push_str(if quoted.is_empty() { "'" } else { quoted });
            rest = behind;
            continue;
        }
        rest = &rest[run * c.len_utf8()..];
        let mut literal = String::new();
        made.push_str(match (c, run) {
            ('y' | 'Y', 2) => "%y",
            ('y' | 'Y', _) => "%Y",
            ('M', 1) => "%-m",
            ('M', 2) => "%m",
            ('M', 3) => "%b",
            ('M', _) => "%B",
            ('d', 1) => "%-d",
            ('d', _) => "%d",
            ('D', _) => "%j",
            ('H', 1) => "%-H",
            ('H', _) => "%H",
            ('h', 1) => "%-I",
            ('h', _) => "%I",
            ('m', _) => "%M",
            ('s', _) => "%S",
            ('S', 3) => "%3f",
            ('S', 6) => "%6f",
            ('a', _) => "%p",
            ('E', ..=3) => "%a",
            ('E', _) => "%A",
            ('e', _) => "%u",
            ('w', _) => "%V",
            ('x', _) => "%G",
            (c, _) if c.is_ascii_alphabetic() => {
                return Err(Refusal::new(
                    "NOT_SUPPORTED",
                    format!("the stand-in has no `{}` in date formats; Athena has it", c.to_string().repeat(run)),
                ));
            }
            ('%', _) => "%%",
            (other, run) => {
                literal.extend(std::iter::repeat_n(other, run));
                &literal
            }
        });
    }
    Ok(made)
}

fn shown(moment: NaiveDateTime, format: &str) -> Value {
    moment.and_utc().format(format).to_string().into()
}

fn read(text: &str, format: &str) -> Result<NaiveDateTime, Refusal> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, StrftimeItems::new(format)).ok();
    let is_read = parse(&mut Parsed::new(), text, StrftimeItems::new(format)).is_ok();
    let moment = || {
        let ordinal = parsed.ordinal().is_some();
        let year = parsed
            .year()
            .or_else(|| parsed.year_mod_100().map(|year| if year < 70 { 2000 + year } else { 1900 + year }))
            .unwrap_or(1970);
        let day = match ordinal {
            true => NaiveDate::from_yo_opt(year, parsed.ordinal()?)?,
            false => NaiveDate::from_ymd_opt(year, parsed.month().unwrap_or(1), parsed.day().unwrap_or(1))?,
        };
        let hour = parsed.hour_mod_12().unwrap_or(0) + parsed.hour_div_12().unwrap_or(0) * 12;
        day.and_hms_nano_opt(
            hour,
            parsed.minute().unwrap_or(0),
            parsed.second().unwrap_or(0),
            parsed.nanosecond().unwrap_or(0),
        )
    };
    is_read.then(moment).flatten().ok_or_else(|| Refusal::argument(format!("Invalid format: \"{text}\"")))
}

fn date_format(call: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(shown(local(&values[0], &call.arguments[0]), &mysql(values[1].text())?))
}

fn date_parse(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(at(read(values[0].text(), &mysql(values[1].text())?)?, &types::TIMESTAMP))
}

fn format_datetime(call: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(shown(local(&values[0], &call.arguments[0]), &joda(values[1].text())?))
}

fn parse_datetime(call: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(at(read(values[0].text(), &joda(values[1].text())?)?, call.result))
}
