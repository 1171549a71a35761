//! Partition projection: partitions that follow from the table's parameters instead of being registered
//! (Athena user guide, "Set up partition projection").
//!
//! The stand-in turns it round: it lists what lies under the template's fixed beginning once, and each key tells by
//! the template which partition it is in.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use demo_formats::pattern::Pattern;
use regex::Regex;

use super::{
    failure::Failure,
    projected_dates::{Dates, Step},
    store::Location,
};
use crate::{hive::HIVE_NULL, services::glue::TableInfo};

/// A table's projected partitions.
#[derive(Debug)]
pub(super) struct Projection {
    /// Where the template's placeholders have not begun yet.
    pub(super) root: Location,
    template: Location,
    /// The names of the partition keys.
    names: Vec<String>,
    key: Regex,
    /// The partition key of each group of `key`.
    groups: Vec<usize>,
    domains: Vec<Domain>,
    injected: Vec<String>,
}

/// The values that a partition key takes.
#[derive(Clone, Debug, PartialEq)]
enum Domain {
    Enum(Vec<String>),
    Integer { from: i64, to: i64, digits: usize, interval: i64 },
    Date(Dates),
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
        let (whole, root, key, groups) = compile(&template, &keys, &domains)?;
        let names = keys.iter().map(|key| (*key).to_owned()).collect();
        let injected = keys.iter().zip(&domains).filter(|(_, domain)| **domain == Domain::Injected);
        let injected = injected.map(|(key, _)| (*key).to_owned()).collect();
        Ok(Some(Self { root, template: whole, names, key, groups, domains, injected }))
    }

    /// Fails unless the query says which value it is of each injected key (Athena user guide, "Dynamic ID partitioning").
    pub(super) fn check_injected(&self, is_fixed: impl Fn(&str) -> bool) -> Result<(), Failure> {
        match self.injected.iter().find(|key| !is_fixed(key)) {
            None => Ok(()),
            Some(key) => Err(Failure::user(format!(
                "CONSTRAINT_VIOLATION: For the injected projected partition column {key}, the WHERE clause must contain \
                 only static equality conditions, and at least one such condition must be present."
            ))),
        }
    }

    /// Where the objects of the partition with these values lie.
    pub(super) fn location_of(&self, values: &[String]) -> Result<Location, Failure> {
        let mut prefix = String::new();
        let mut rest = self.template.prefix.as_str();
        while let Some((literal, after)) = rest.split_once("${") {
            let (placeholder, after) = after.split_once('}').unwrap_or((after, ""));
            let key = self.names.iter().position(|name| name.eq_ignore_ascii_case(placeholder));
            let found = key.and_then(|key| Some((&self.names[key], &self.domains[key], values.get(key)?)));
            let (name, domain, value) = found.ok_or_else(|| invalid(format!("no partition key {placeholder}")))?;
            let value = domain.written(value);
            // No query asks for a null where it must name the value.
            if !domain.has(&value) || (*domain == Domain::Injected && value == HIVE_NULL) {
                return Err(invalid(format!(
                    "{value:?} is no value of the partition key {name}: its rows would not be found"
                )));
            }
            prefix.push_str(literal);
            prefix.push_str(&value);
            rest = after;
        }
        prefix.push_str(rest);
        let written = values.iter().zip(&self.domains).map(|(value, domain)| domain.written(value));
        if self.values_of(&prefix) != Some(written.collect()) {
            return Err(invalid(format!(
                "the location {prefix:?} does not tell the values {values:?} of its partition: its rows would not be found"
            )));
        }
        Ok(Location { bucket: self.template.bucket.clone(), prefix })
    }

    /// The partition values that an object's key contains, when it lies in a projected partition.
    pub(super) fn values_of(&self, key: &str) -> Option<Vec<String>> {
        let found = self.key.captures(key)?;
        let mut values: Vec<Option<&str>> = vec![None; self.domains.len()];
        for (value, index) in found.iter().skip(1).zip(&self.groups) {
            let value = value?.as_str();
            if *values[*index].get_or_insert(value) != value {
                return None;
            }
        }
        let known =
            values.into_iter().zip(&self.domains).map(|(value, domain)| value.filter(|value| domain.has(value)));
        known.map(|value| value.map(str::to_owned)).collect()
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
            "enum" => {
                let values = self.0.get(&format!("projection.{key}.values"));
                let values =
                    values.ok_or_else(|| invalid(format!("the table has no parameter projection.{key}.values")))?;
                // "Any white space is considered part of an enum value."
                Ok(Domain::Enum(values.split(',').map(str::to_owned).collect()))
            }
            "injected" => Ok(Domain::Injected),
            "integer" => {
                let (from, to) = range(of("range")?, |text| text.parse().ok())?;
                let number = |name: &str, usual: i64| {
                    let written = of(name).ok().map_or(Ok(usual), str::parse);
                    let positive = written.ok().filter(|number| *number > 0 || *number == usual);
                    positive.ok_or_else(|| invalid(format!("projection.{key}.{name}: a positive integer is expected")))
                };
                let digits = usize::try_from(number("digits", 0)?).unwrap_or_default();
                Ok(Domain::Integer { from, to, digits, interval: number("interval", 1)? })
            }
            "date" => {
                let wrong = |why: String| invalid(format!("projection.{key}: {why}"));
                let pattern = Pattern::parse(of("format")?).map_err(wrong)?;
                let step = Step::of(&pattern, of("interval").ok(), of("interval.unit").ok()).map_err(wrong)?;
                Ok(Domain::Date(Dates::new(pattern, of("range")?, step, now)?))
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
            Self::Date(dates) => dates.look(),
            Self::Enum(_) | Self::Injected => "[^/]+".to_owned(),
        }
    }

    /// A value as a key has it.
    fn written(&self, value: &str) -> String {
        match (self, value.parse::<i64>()) {
            (Self::Integer { digits, .. }, Ok(number)) => format!("{number:0digits$}", digits = *digits),
            _ => value.to_owned(),
        }
    }

    fn has(&self, text: &str) -> bool {
        match self {
            Self::Injected => true,
            Self::Enum(values) => values.iter().any(|value| value == text),
            Self::Integer { from, to, digits, interval } => text.parse::<i64>().is_ok_and(|number| {
                (*from..=*to).contains(&number)
                    && (number - from) % interval == 0
                    && text == format!("{number:0digits$}", digits = *digits)
            }),
            Self::Date(dates) => dates.has(text),
        }
    }
}

fn range<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<(T, T), Failure> {
    let ends = text.split_once(',').and_then(|(from, to)| Some((parse(from.trim())?, parse(to.trim())?)));
    ends.ok_or_else(|| invalid(format!("range {text:?}: two values with a comma between are expected")))
}

fn hive_template(location: &str, keys: &[&str]) -> String {
    let mut template = location.trim_end_matches('/').to_owned();
    for key in keys {
        template.push_str(&format!("/{key}=${{{key}}}"));
    }
    template
}

/// The template, its fixed beginning, what a key under it looks like, and which partition key each group of that is.
fn compile(
    template: &str,
    keys: &[&str],
    domains: &[Domain],
) -> Result<(Location, Location, Regex, Vec<usize>), Failure> {
    let whole = Location::parse(template).ok_or_else(|| invalid(format!("{template:?} is no s3:// location")))?;
    let fixed = whole.prefix.find("${").unwrap_or(whole.prefix.len());
    let root = Location { bucket: whole.bucket.clone(), prefix: whole.prefix[..fixed].to_owned() };
    let (mut pattern, mut groups) = (String::from("^"), Vec::new());
    let mut rest = whole.prefix.as_str();
    while let Some((literal, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or_else(|| invalid(format!("{template:?}: no closing brace")))?;
        let index = keys.iter().position(|key| key.eq_ignore_ascii_case(name));
        let index = index.ok_or_else(|| invalid(format!("{template:?}: the table has no partition key {name}")))?;
        pattern.push_str(&format!("{}({})", regex::escape(literal), domains[index].pattern()));
        groups.push(index);
        rest = after;
    }
    pattern.push_str(&regex::escape(rest));
    if let Some(missing) = (0..keys.len()).find(|index| !groups.contains(index)) {
        return Err(invalid(format!("{template:?} has no placeholder ${{{}}}", keys[missing])));
    }
    let regex = Regex::new(&pattern).map_err(|e| invalid(e.to_string()))?;
    Ok((whole, root, regex, groups))
}

fn invalid(message: String) -> Failure {
    Failure::user(format!("INVALID_TABLE_PROPERTY: partition projection: {message}"))
}
