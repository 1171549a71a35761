//! Partition projection: partitions that follow from the table's parameters instead of being registered
//! (Athena user guide, "Set up partition projection").
//!
//! The stand-in turns it round: it lists what lies under the template's fixed beginning once, and each key tells by
//! the template which partition it is in. So the width of a range costs nothing. An `interval` is not looked at: a
//! value within the range counts. One placeholder may stand once in the template.

use std::collections::BTreeMap;

use chrono::{DateTime, Months, NaiveDateTime, TimeDelta, Utc};
use regex::Regex;

use super::{failure::Failure, store::Location};
use crate::services::glue::TableInfo;

/// A table's projected partitions.
#[derive(Debug)]
pub(super) struct Projection {
    /// Where the template's placeholders have not begun yet.
    pub(super) root: Location,
    key: Regex,
    domains: Vec<Domain>,
}

/// The values that a partition key takes.
#[derive(Clone, Debug, PartialEq)]
enum Domain {
    Enum(Vec<String>),
    Integer { from: i64, to: i64, digits: usize },
    Date { format: String, from: NaiveDateTime, to: NaiveDateTime },
    Injected,
}

impl Projection {
    /// The table's projection, if it has one that is switched on.
    pub(super) fn of(table: &TableInfo, now: DateTime<Utc>) -> Result<Option<Self>, Failure> {
        let parameters = Parameters(&table.parameters);
        if !parameters.get("projection.enabled").is_ok_and(|on| on.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let keys: Vec<&str> = table.partition_keys.iter().map(|(name, _)| name.as_str()).collect();
        let domains = keys.iter().map(|key| parameters.domain(key, now.naive_utc())).collect::<Result<Vec<_>, _>>()?;
        let template = match parameters.get("storage.location.template") {
            Ok(template) => template.to_owned(),
            Err(_) => hive_template(&table.location, &keys),
        };
        let (root, key) = compile(&template, &keys, &domains)?;
        Ok(Some(Self { root, key, domains }))
    }

    /// The partition values that an object's key tells, when it lies in a projected partition.
    pub(super) fn values_of(&self, key: &str) -> Option<Vec<String>> {
        let found = self.key.captures(key)?;
        let values = self.domains.iter().enumerate().map(|(index, domain)| {
            let value = found.name(&group(index))?.as_str();
            domain.has(value).then(|| value.to_owned())
        });
        values.collect()
    }
}

struct Parameters<'a>(&'a BTreeMap<String, String>);

impl Parameters<'_> {
    fn get(&self, name: &str) -> Result<&str, Failure> {
        self.0.get(name).map(|value| value.trim()).ok_or_else(|| invalid(format!("the table has no parameter {name}")))
    }

    fn domain(&self, key: &str, now: NaiveDateTime) -> Result<Domain, Failure> {
        let of = |what: &str| self.get(&format!("projection.{key}.{what}"));
        match of("type")?.to_ascii_lowercase().as_str() {
            "enum" => Ok(Domain::Enum(of("values")?.split(',').map(|value| value.trim().to_owned()).collect())),
            "injected" => Ok(Domain::Injected),
            "integer" => {
                let (from, to) = range(of("range")?, |text| text.parse().ok())?;
                let digits = of("digits").ok().map_or(Ok(0), str::parse);
                let digits = digits.map_err(|_| invalid(format!("projection.{key}.digits is no number")))?;
                Ok(Domain::Integer { from, to, digits })
            }
            "date" => {
                let format = chrono_format(of("format")?)?;
                let (from, to) = range(of("range")?, |text| moment(text, &format, now))?;
                Ok(Domain::Date { format, from, to })
            }
            other => {
                Err(invalid(format!("projection.{key}.type {other:?}: enum, integer, date or injected is expected")))
            }
        }
    }
}

impl Domain {
    /// What a value looks like in a key.
    fn pattern(&self) -> String {
        match self {
            Self::Integer { .. } => "-?[0-9]+".to_owned(),
            Self::Date { format, .. } => {
                let digits = regex::escape(format).replace("%Y", "[0-9]{4}").replace("%%", "\u{0}");
                let two = Regex::new("%[a-zA-Z]").expect("a valid pattern");
                two.replace_all(&digits, "[0-9]{2}").replace('\u{0}', "%")
            }
            Self::Enum(_) | Self::Injected => "[^/]+".to_owned(),
        }
    }

    fn has(&self, text: &str) -> bool {
        match self {
            Self::Injected => true,
            Self::Enum(values) => values.iter().any(|value| value == text),
            Self::Integer { from, to, digits } => text.parse::<i64>().is_ok_and(|number| {
                (*from..=*to).contains(&number) && text == format!("{number:0digits$}", digits = *digits)
            }),
            Self::Date { format, from, to } => {
                parse_moment(text, format).is_some_and(|moment| (*from..=*to).contains(&moment))
            }
        }
    }
}

fn range<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<(T, T), Failure> {
    let ends = text.split_once(',').and_then(|(from, to)| Some((parse(from.trim())?, parse(to.trim())?)));
    ends.ok_or_else(|| invalid(format!("range {text:?}: two values with a comma between are expected")))
}

/// A moment as the format has it, or `NOW`, or such as `NOW-3YEARS`.
fn moment(text: &str, format: &str, now: NaiveDateTime) -> Option<NaiveDateTime> {
    let upper = text.to_ascii_uppercase();
    let Some(offset) = upper.strip_prefix("NOW") else { return parse_moment(text, format) };
    let offset: String = offset.chars().filter(|c| !c.is_whitespace()).collect();
    if offset.is_empty() {
        return Some(now);
    }
    let unit_at = offset.find(|c: char| c.is_ascii_alphabetic())?;
    let count: i64 = offset[..unit_at].parse().ok()?;
    let months = |months: i64| {
        let by = Months::new(u32::try_from(months.abs()).ok()?);
        if months < 0 { now.checked_sub_months(by) } else { now.checked_add_months(by) }
    };
    match offset[unit_at..].trim_end_matches('S') {
        "YEAR" => months(count.checked_mul(12)?),
        "MONTH" => months(count),
        "WEEK" => now.checked_add_signed(TimeDelta::try_weeks(count)?),
        "DAY" => now.checked_add_signed(TimeDelta::try_days(count)?),
        "HOUR" => now.checked_add_signed(TimeDelta::try_hours(count)?),
        "MINUTE" => now.checked_add_signed(TimeDelta::try_minutes(count)?),
        "SECOND" => now.checked_add_signed(TimeDelta::try_seconds(count)?),
        _ => None,
    }
}

/// A moment, the parts that the format leaves out at their beginning.
fn parse_moment(text: &str, format: &str) -> Option<NaiveDateTime> {
    let mut text_whole = text.to_owned();
    let mut format_whole = format.to_owned();
    for (part, first) in [("%m", " 01"), ("%d", " 01"), ("%H", " 00"), ("%M", " 00"), ("%S", " 00")] {
        if !format.contains(part) {
            text_whole.push_str(first);
            format_whole.push_str(&format!(" {part}"));
        }
    }
    let moment = NaiveDateTime::parse_from_str(&text_whole, &format_whole).ok()?;
    (moment.format(format).to_string() == text).then_some(moment)
}

/// A Java date format as chrono's.
fn chrono_format(java: &str) -> Result<String, Failure> {
    let mut format = String::new();
    let mut rest = java;
    while let Some(first) = rest.chars().next() {
        let run = rest.chars().take_while(|c| *c == first).count();
        let (letters, after) = rest.split_at(run * first.len_utf8());
        rest = after;
        match letters {
            "yyyy" | "uuuu" => format.push_str("%Y"),
            "MM" => format.push_str("%m"),
            "dd" => format.push_str("%d"),
            "HH" => format.push_str("%H"),
            "mm" => format.push_str("%M"),
            "ss" => format.push_str("%S"),
            "'" => {
                let (text, after) =
                    rest.split_once('\'').ok_or_else(|| invalid(format!("format {java:?}: no closing '")))?;
                format.push_str(&text.replace('%', "%%"));
                rest = after;
            }
            _ if first.is_ascii_alphabetic() => {
                return Err(invalid(format!("format {java:?}: {letters:?} is not supported by the stand-in")));
            }
            _ => format.push_str(&letters.replace('%', "%%")),
        }
    }
    Ok(format)
}

fn hive_template(location: &str, keys: &[&str]) -> String {
    let mut template = location.trim_end_matches('/').to_owned();
    for key in keys {
        template.push_str(&format!("/{key}=${{{key}}}"));
    }
    template
}

fn group(index: usize) -> String {
    format!("k{index}")
}

/// The template's fixed beginning, and what a key under it looks like.
fn compile(template: &str, keys: &[&str], domains: &[Domain]) -> Result<(Location, Regex), Failure> {
    let whole = Location::parse(template).ok_or_else(|| invalid(format!("{template:?} is no s3:// location")))?;
    let fixed = whole.prefix.find("${").unwrap_or(whole.prefix.len());
    let root = Location { bucket: whole.bucket, prefix: whole.prefix[..fixed].to_owned() };
    let mut pattern = String::from("^");
    let mut seen = vec![false; keys.len()];
    let mut rest = whole.prefix.as_str();
    while let Some((literal, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or_else(|| invalid(format!("{template:?}: no closing brace")))?;
        let index = keys.iter().position(|key| key.eq_ignore_ascii_case(name));
        let index = index.ok_or_else(|| invalid(format!("{template:?}: the table has no partition key {name}")))?;
        if std::mem::replace(&mut seen[index], true) {
            return Err(invalid(format!("{template:?}: the stand-in takes ${{{name}}} only once")));
        }
        pattern.push_str(&regex::escape(literal));
        pattern.push_str(&format!("(?<{}>{})", group(index), domains[index].pattern()));
        rest = after;
    }
    pattern.push_str(&regex::escape(rest));
    if let Some(missing) = seen.iter().position(|seen| !seen) {
        return Err(invalid(format!("{template:?} has no placeholder ${{{}}}", keys[missing])));
    }
    let regex = Regex::new(&pattern).map_err(|e| invalid(e.to_string()))?;
    Ok((root, regex))
}

fn invalid(message: String) -> Failure {
    Failure::user(format!("INVALID_TABLE_PROPERTY: partition projection: {message}"))
}
