//! How Athena computes partitions: each key's values, and where the objects of each combination lie.
//!
//! Facts: Athena user guide, "Supported types for partition projection" and "Set up partition projection".

use std::collections::BTreeMap;

use demo_formats::{
    pattern::{Field, Pattern, Piece, Values},
    prefix::{Folder, Prefix},
};

/// Years that are projected around that of `up`: Athena looks into every folder that a query does not rule out.
const YEARS_BACK: i32 = 1;
const YEARS_AHEAD: i32 = 3;

/// The values of one partition key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Projection {
    Integer { first: u32, last: u32, digits: usize },
    Enum(Vec<String>),
    Date { format: String, unit: &'static Unit },
}

/// A unit of time that a date may end in.
#[derive(Debug, PartialEq, Eq)]
struct Unit {
    /// The letters of `DateTimeFormatter` for it.
    letters: &'static str,
    /// What Athena calls it.
    name: &'static str,
    /// Around when a query is made, which is in UTC: a day ahead, for clocks and time zones that are.
    range: &'static str,
    /// How many the range has.
    values: u64,
}

const DAYS: &str = "NOW-366DAYS,NOW+1DAYS";
const DAYS_IN_RANGE: u64 = 366 + 1 + 1;

/// From the coarsest on. A year alone is an integer.
static UNITS: [Unit; 6] = [
    Unit { letters: "yu", name: "YEARS", range: "NOW-1YEARS,NOW+1YEARS", values: 3 },
    Unit { letters: "M", name: "MONTHS", range: "NOW-12MONTHS,NOW+1MONTHS", values: 12 + 1 + 1 },
    Unit { letters: "d", name: "DAYS", range: DAYS, values: DAYS_IN_RANGE },
    Unit { letters: "H", name: "HOURS", range: DAYS, values: DAYS_IN_RANGE * 24 },
    Unit { letters: "m", name: "MINUTES", range: DAYS, values: DAYS_IN_RANGE * 24 * 60 },
    Unit { letters: "s", name: "SECONDS", range: DAYS, values: DAYS_IN_RANGE * 24 * 60 * 60 },
];

/// Why Athena cannot compute the values of a partition key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Athena cannot compute the values of `{key}`: {why}")]
pub struct NotProjected {
    /// The key.
    pub key: String,
    /// What its values are not.
    pub why: &'static str,
}

/// The `projection.*` parameters of a table over `prefix` in `bucket`, and `storage.location.template`.
pub(crate) fn parameters(prefix: &Prefix, bucket: &str, year: i32) -> Result<BTreeMap<String, String>, NotProjected> {
    let mut parameters = BTreeMap::new();
    let mut template = format!("s3://{bucket}/{}", prefix.fixed());
    for folder in prefix.partition_folders() {
        template += &match &folder.key {
            Some(key) if folder.is_partition() => {
                let of_key = Projection::of(&folder, year)?.parameters();
                parameters.extend(of_key.into_iter().map(|(name, value)| (format!("projection.{key}.{name}"), value)));
                format!("{key}=${{{key}}}/")
            }
            _ => format!("{}/", folder.written),
        };
    }
    parameters.insert("projection.enabled".to_owned(), "true".to_owned());
    parameters.insert("storage.location.template".to_owned(), template);
    Ok(parameters)
}

/// How many values a partition's key has.
pub(crate) fn values(folder: &Folder, year: i32) -> Result<u64, NotProjected> {
    Projection::of(folder, year).map(|projection| projection.values())
}

impl Projection {
    fn of(folder: &Folder, year: i32) -> Result<Self, NotProjected> {
        let key = folder.key.clone().unwrap_or_default();
        let pattern = folder.pattern().ok_or("it does not follow from the time alone");
        let projection = pattern.and_then(|pattern| match pattern.pieces() {
            [Piece::Field(field)] => Ok(Self::of_field(*field, year)),
            _ => Self::of_date(&pattern),
        });
        projection.map_err(|why| NotProjected { key, why })
    }

    fn of_field(field: Field, year: i32) -> Self {
        let digits = field.width;
        match field.values() {
            Values::Words(words) => Self::Enum(words),
            Values::Numbers { first, last } => Self::Integer { first, last, digits },
            Values::Years => {
                let century = if digits == 2 { 100 } else { i32::MAX };
                let [first, last] = [year - YEARS_BACK, year + YEARS_AHEAD].map(|year| (year % century) as u32);
                let (first, last) = if first <= last { (first, last) } else { (0, 99) };
                Self::Integer { first, last, digits }
            }
        }
    }

    /// A date has every unit from the year on, each once, in any order, so that each of its values is one time.
    fn of_date(pattern: &Pattern) -> Result<Self, &'static str> {
        const NO_DATE: &str = "it is neither one field nor a date from its year on";
        let pieces = pattern.pieces();
        let fields = pieces.iter().filter_map(|piece| match piece {
            Piece::Field(field) => Some(field),
            Piece::Text(_) => None,
        });
        let rank = |field: &Field| UNITS.iter().position(|unit| unit.letters.contains(field.letter));
        let mut ranks = fields.map(rank).collect::<Option<Vec<_>>>().ok_or(NO_DATE)?;
        ranks.sort_unstable();
        if ranks.len() < 2 || !ranks.iter().copied().eq(0..ranks.len()) {
            return Err(NO_DATE);
        }
        if pieces.iter().any(|piece| matches!(piece, Piece::Field(Field { letter: 'M', width: 3.. }))) {
            return Err("a month's name in a date depends on a language");
        }
        let narrow = |piece: &Piece| matches!(piece, Piece::Field(Field { width: 1, .. }));
        let runs_together = pieces
            .windows(2)
            .any(|pair| pair.iter().all(|piece| matches!(piece, Piece::Field(_))) && pair.iter().any(narrow));
        if runs_together {
            return Err("two dates may look the same, since its numbers have no fixed widths");
        }
        Ok(Self::Date { format: pattern.to_string(), unit: &UNITS[ranks.len() - 1] })
    }

    fn values(&self) -> u64 {
        match self {
            Self::Integer { first, last, .. } => u64::from(last - first) + 1,
            Self::Enum(words) => words.len() as u64,
            Self::Date { unit, .. } => unit.values,
        }
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Integer { first, last, digits } => {
                let digits = (*digits > 1).then(|| ("digits", digits.to_string()));
                let range = ("range", format!("{first},{last}"));
                [("type", "integer".to_owned()), range].into_iter().chain(digits).collect()
            }
            Self::Enum(words) => vec![("type", "enum".to_owned()), ("values", words.join(","))],
            Self::Date { format, unit } => vec![
                ("type", "date".to_owned()),
                ("format", format.clone()),
                ("range", unit.range.to_owned()),
                ("interval", "1".to_owned()),
                ("interval.unit", unit.name.to_owned()),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use demo_formats::prefix::Use;

    use super::*;

    fn prefix(text: &str) -> Prefix {
        Prefix::parse(text, Use::Data).expect(text)
    }

    /// What follows `projection.`, and the template, in one line.
    fn projected(text: &str) -> String {
        let parameters = parameters(&prefix(text), "b", 2026).expect(text);
        let template = parameters["storage.location.template"].clone();
        let short = parameters.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix("projection.").filter(|name| *name != "enabled")?;
            Some(format!("{name}={value}"))
        });
        [short.collect::<Vec<_>>().join(" "), template].join(" | ")
    }

    fn refused(text: &str) -> String {
        parameters(&prefix(text), "b", 2026).expect_err(text).to_string()
    }

    #[test]
    fn each_key_has_its_type_and_each_folder_its_place() {
        for (text, expected) in [
            (
                "t/year=!{timestamp:yyyy}/month=!{timestamp:M}/",
                "month.range=1,12 month.type=integer year.digits=4 year.range=2025,2029 year.type=integer \
                 | s3://b/t/year=${year}/month=${month}/",
            ),
            (
                "t/m=!{timestamp:MMM}/data/a=!{timestamp:a}/x/",
                "a.type=enum a.values=AM,PM m.type=enum m.values=Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec \
                 | s3://b/t/m=${m}/data/a=${a}/",
            ),
            (
                "dt=!{timestamp:yyyy-MM-dd}/h=!{timestamp:HH}/!{timestamp:mm}/",
                "dt.format=yyyy-MM-dd dt.interval=1 dt.interval.unit=DAYS dt.range=NOW-366DAYS,NOW+1DAYS dt.type=date \
                 h.digits=2 h.range=0,23 h.type=integer | s3://b/dt=${dt}/h=${h}/",
            ),
            (
                "t/ts=!{timestamp:yyyy/MM/dd/HH}/",
                "ts.format=yyyy/MM/dd/HH ts.interval=1 ts.interval.unit=HOURS ts.range=NOW-366DAYS,NOW+1DAYS \
                 ts.type=date | s3://b/t/ts=${ts}/",
            ),
            (
                "t/mm=at-!{timestamp:MM}.!{timestamp:yyyy}/",
                "mm.format='at-'MM.yyyy mm.interval=1 mm.interval.unit=MONTHS mm.range=NOW-12MONTHS,NOW+1MONTHS \
                 mm.type=date | s3://b/t/mm=${mm}/",
            ),
            ("t/y=!{timestamp:yy}/", "y.digits=2 y.range=25,29 y.type=integer | s3://b/t/y=${y}/"),
        ] {
            assert_eq!(projected(text), expected, "{text}");
        }
    }

    #[test]
    fn years_of_two_digits_reach_over_a_century() {
        let parameters = parameters(&prefix("t/y=!{timestamp:yy}/"), "b", 2098).expect("projected");
        assert_eq!(parameters["projection.y.range"], "0,99");
    }

    #[test]
    fn what_is_not_one_time_a_value_is_refused() {
        for text in
            ["k=!{timestamp:MM-dd}/", "k=d!{timestamp:dd}/", "k=!{timestamp:yyyy-DDD}/", "k=!{timestamp:yyyy-HH}/"]
        {
            assert!(refused(text).ends_with("of `k`: it is neither one field nor a date from its year on"), "{text}");
        }
        assert!(refused("k=!{timestamp:yyyyMd}/").contains("may look the same"));
        assert!(refused("k=!{timestamp:dd-MMM-yyyy}/").contains("month's name"));
        assert!(refused("k=!{timestamp:yyyyMMyyyy}/").contains("neither"));
        assert!(refused("k=!{timestamp:yyyy}!{firehose:random-string}/").contains("from the time alone"));
    }

    #[test]
    fn values_are_counted() {
        let count = |text: &str| values(&prefix(text).partition_folders()[0], 2026).expect(text);
        assert_eq!(count("k=!{timestamp:yyyy}/"), 5);
        assert_eq!(count("k=!{timestamp:yyyy-MM-dd}/"), 368);
        assert_eq!(count("k=!{timestamp:E}/"), 7);
        assert_eq!(count("k=!{timestamp:SSS}/"), 1000);
    }
}
