//! Firehose's prefix expressions: `!{timestamp:…}`, `!{firehose:…}` and `!{partitionKeyFromQuery:…}`, parsed once, then
//! rendered per object.
//!
//! Facts: Amazon Data Firehose developer guide, "Custom prefixes for Amazon S3 objects".

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Timelike, Utc};
use rand::RngExt;

/// Which of a delivery's two prefixes an expression is for; they admit different expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// `Prefix`: `firehose:error-output-type` is not allowed.
    Data,
    /// `ErrorOutputPrefix`: must contain `firehose:error-output-type` when it has any expression, and no
    /// `partitionKeyFromQuery`.
    Error,
}

/// A parsed prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Timestamp(Vec<Stamp>),
    RandomString,
    ErrorOutputType,
    /// A value that dynamic partitioning takes from the record.
    Query(String),
}

/// A piece of a `DateTimeFormatter` pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stamp {
    Text(String),
    Field { letter: char, width: usize },
}

/// What Firehose would refuse about a prefix, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct PrefixError {
    /// Byte offset of the offending part in the prefix.
    pub offset: usize,
    /// The offending part.
    pub text: String,
    /// What is wrong and what was expected.
    pub problem: String,
}

/// What Firehose appends to a prefix that has no expression.
const DEFAULT_STAMP: &str = "yyyy/MM/dd/HH/";

/// Longest prefix that leaves room for the object's own name in S3's 1,024 bytes (Firehose API, `Prefix`).
const LONGEST: usize = 1024;

/// Random characters of `!{firehose:random-string}`.
const RANDOM_LENGTH: usize = 11;

const EXPRESSIONS: &str =
    "!{timestamp:…}, !{firehose:random-string}, !{firehose:error-output-type} or !{partitionKeyFromQuery:…}";

impl Prefix {
    /// Parses `text` as Firehose would, or says what it would refuse.
    pub fn parse(text: &str, purpose: Use) -> Result<Self, PrefixError> {
        let refuse =
            |offset: usize, part: &str, problem: String| PrefixError { offset, text: part.to_owned(), problem };
        if text.len() > LONGEST {
            return Err(refuse(0, text, format!("a prefix has at most {LONGEST} bytes, this one {}", text.len())));
        }
        let (mut parts, mut at) = (Vec::new(), 0);
        while let Some(found) = text[at..].find("!{") {
            let open = at + found;
            if open > at {
                parts.push(Part::Text(text[at..open].to_owned()));
            }
            let Some(length) = text[open..].find('}') else {
                return Err(refuse(open, &text[open..], "`!{` has no closing `}`".to_owned()));
            };
            let whole = &text[open..=open + length];
            let part = expression(&whole[2..whole.len() - 1], purpose);
            parts.push(part.map_err(|problem| refuse(open, whole, problem))?);
            at = open + length + 1;
        }
        if at < text.len() {
            parts.push(Part::Text(text[at..].to_owned()));
        }
        let expressions = parts.iter().any(|part| !matches!(part, Part::Text(_)));
        if purpose == Use::Error && expressions && !parts.contains(&Part::ErrorOutputType) {
            let problem = "an error prefix with expressions needs !{firehose:error-output-type} among them".to_owned();
            return Err(refuse(0, text, problem));
        }
        if purpose == Use::Data && !expressions {
            parts.push(Part::Timestamp(stamps(DEFAULT_STAMP).expect("the default pattern is one")));
        }
        Ok(Self { parts })
    }

    /// The key prefix of an object whose oldest record arrived `at`; `error_type` such as `processing-failed`.
    pub fn render(&self, at: DateTime<Utc>, error_type: Option<&str>) -> String {
        self.write(at, error_type, &BTreeMap::new())
    }

    /// The key prefix of an object of one partition; `values` by the names of [`Prefix::query_keys`].
    pub fn render_partition(&self, at: DateTime<Utc>, values: &BTreeMap<String, String>) -> String {
        self.write(at, None, values)
    }

    fn write(&self, at: DateTime<Utc>, error_type: Option<&str>, values: &BTreeMap<String, String>) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => text += literal,
                Part::Timestamp(pattern) => pattern.iter().for_each(|stamp| stamp.render(at, &mut text)),
                Part::RandomString => text.extend((0..RANDOM_LENGTH).map(|_| random_character())),
                Part::ErrorOutputType => text += error_type.unwrap_or_default(),
                Part::Query(name) => text += values.get(name).map_or("", String::as_str),
            }
        }
        text
    }

    /// The names of the `!{partitionKeyFromQuery:…}` expressions in order, each once.
    pub fn query_keys(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for part in &self.parts {
            if let Part::Query(name) = part
                && !names.contains(&name.as_str())
            {
                names.push(name.as_str());
            }
        }
        names
    }

    /// The part before the first path segment that holds an expression: where a table over this delivery lies.
    pub fn fixed(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) if self.parts.len() > 1 => &text[..text.rfind('/').map_or(0, |slash| slash + 1)],
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// The names of `key=!{…}` segments in order, e.g. `year`, `month`, `day`, `category`.
    pub fn partition_keys(&self) -> Vec<String> {
        let keyed = self.keyed().filter(|(_, part)| matches!(part, Part::Timestamp(_) | Part::Query(_)));
        keyed.map(|(key, _)| key.to_owned()).collect()
    }

    /// The `DateTimeFormatter` pattern of each partition key that is a time, in the same order: `yyyy`, `MM`, `dd`.
    pub fn partition_patterns(&self) -> Vec<(String, String)> {
        let stamped = self.keyed().filter_map(|(key, part)| match part {
            Part::Timestamp(stamps) => Some((key.to_owned(), stamps.iter().map(Stamp::pattern).collect())),
            _ => None,
        });
        stamped.collect()
    }

    /// Each expression that follows a `key=` at a segment's beginning.
    fn keyed(&self) -> impl Iterator<Item = (&str, &Part)> {
        self.parts.windows(2).filter_map(|pair| match pair {
            [Part::Text(text), part] => {
                let key = text.rsplit('/').next()?.strip_suffix('=')?;
                (!key.is_empty()).then_some((key, part))
            }
            _ => None,
        })
    }
}

fn expression(inside: &str, purpose: Use) -> Result<Part, String> {
    match inside.split_once(':') {
        Some(("timestamp", pattern)) => stamps(pattern).map(Part::Timestamp),
        Some(("firehose", "random-string")) => Ok(Part::RandomString),
        Some(("firehose", "error-output-type")) if purpose == Use::Error => Ok(Part::ErrorOutputType),
        Some(("firehose", "error-output-type")) => {
            Err("firehose:error-output-type belongs in the error prefix only".to_owned())
        }
        Some(("firehose", other)) => Err(format!(
            "firehose has random-string and error-output-type, not `{other}`{}",
            near(other, &["random-string", "error-output-type"])
        )),
        Some(("partitionKeyFromQuery", _)) if purpose == Use::Error => {
            Err("partitionKeyFromQuery belongs in the data prefix only".to_owned())
        }
        Some(("partitionKeyFromQuery", name)) => query_key(name),
        Some(("partitionKeyFromLambda", _)) => {
            Err("partitions by a Lambda function are not supported; expected !{partitionKeyFromQuery:…}".to_owned())
        }
        Some((namespace, _)) => {
            let near = near(namespace, &["timestamp", "firehose", "partitionKeyFromQuery"]);
            Err(format!("unknown namespace `{namespace}`{near}; expected {EXPRESSIONS}"))
        }
        None => Err(format!("an expression is `namespace:value`; expected {EXPRESSIONS}")),
    }
}

fn query_key(name: &str) -> Result<Part, String> {
    let known = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match name.chars().next() {
        Some(first) if !first.is_ascii_digit() && name.chars().all(known) => Ok(Part::Query(name.to_owned())),
        _ => Err(format!("partitionKeyFromQuery has a name of letters, digits and `_`, not `{name}`")),
    }
}

fn near(word: &str, known: &[&str]) -> String {
    let best = known.iter().map(|k| (strsim::damerau_levenshtein(word, k), k)).min();
    best.filter(|(distance, k)| *distance <= k.len() / 3)
        .map_or(String::new(), |(_, k)| format!(" (did you mean `{k}`?)"))
}

/// Splits a `DateTimeFormatter` pattern into fields and literal text.
fn stamps(pattern: &str) -> Result<Vec<Stamp>, String> {
    if pattern.is_empty() {
        return Err("timestamp needs a pattern, for example yyyy/MM/dd".to_owned());
    }
    let (mut stamps, mut rest) = (Vec::new(), pattern);
    while let Some(first) = rest.chars().next() {
        let end = if first == '\'' {
            let close = rest[1..].find('\'').ok_or("a quote in the timestamp pattern is not closed")?;
            let text = if close == 0 { "'" } else { &rest[1..=close] };
            stamps.push(Stamp::Text(text.to_owned()));
            close + 2
        } else if first.is_ascii_alphabetic() {
            let width = rest.chars().take_while(|c| *c == first).count();
            stamps.push(field(first, width)?);
            width
        } else if matches!(first, '{' | '}' | '[' | ']' | '#') {
            return Err(format!("`{first}` is reserved in a timestamp pattern; quote it"));
        } else {
            stamps.push(Stamp::Text(first.to_string()));
            first.len_utf8()
        };
        rest = &rest[end..];
    }
    Ok(stamps)
}

fn field(letter: char, width: usize) -> Result<Stamp, String> {
    let known = match letter {
        'y' | 'u' => matches!(width, 1 | 2 | 4),
        'M' => (1..=4).contains(&width),
        'd' | 'H' | 'm' | 's' | 'h' => width <= 2,
        'D' => width <= 3,
        'S' => width <= 9,
        'E' => width <= 4,
        'a' => width == 1,
        _ => false,
    };
    if known {
        return Ok(Stamp::Field { letter, width });
    }
    let written = letter.to_string().repeat(width);
    let hint = match letter {
        'Y' => " (the week-based year; for the calendar year write yyyy)",
        _ => "",
    };
    Err(format!("timestamp pattern `{written}` is not supported{hint}; expected y, M, d, D, H, h, m, s, S, E or a"))
}

impl Stamp {
    fn render(&self, at: DateTime<Utc>, text: &mut String) {
        let (letter, width) = match self {
            Self::Text(literal) => return text.push_str(literal),
            Self::Field { letter, width } => (*letter, *width),
        };
        let number = match letter {
            'y' | 'u' if width == 2 => at.year().rem_euclid(100) as u32,
            'y' | 'u' => at.year().unsigned_abs(),
            'M' if width == 3 => return text.push_str(&at.format("%b").to_string()),
            'M' if width == 4 => return text.push_str(&at.format("%B").to_string()),
            'M' => at.month(),
            'd' => at.day(),
            'D' => at.ordinal(),
            'H' => at.hour(),
            'h' => at.hour12().1,
            'm' => at.minute(),
            's' => at.second(),
            'S' => at.nanosecond() / 10u32.pow(9 - width as u32),
            'E' if width == 4 => return text.push_str(&at.format("%A").to_string()),
            'E' => return text.push_str(&at.format("%a").to_string()),
            'a' => return text.push_str(if at.hour() < 12 { "AM" } else { "PM" }),
            _ => unreachable!("`field` admits no other letter"),
        };
        text.push_str(&format!("{number:0width$}"));
    }

    fn pattern(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Field { letter, width } => letter.to_string().repeat(*width),
        }
    }
}

fn random_character() -> char {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char::from(ALPHABET[rand::rng().random_range(0..ALPHABET.len())])
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    const SEED: &str = "tpcds/streaming/store_sales/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/";

    fn at() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, 7, 15, 4, 5).single().expect("a time")
    }

    fn refusal(text: &str, purpose: Use) -> PrefixError {
        Prefix::parse(text, purpose).expect_err("refused")
    }

    #[test]
    fn the_data_prefix_renders_partitions_and_knows_its_table() {
        let prefix = Prefix::parse(SEED, Use::Data).expect("a prefix");
        assert_eq!(prefix.render(at(), None), "tpcds/streaming/store_sales/year=2026/month=03/day=07/");
        assert_eq!(prefix.fixed(), "tpcds/streaming/store_sales/");
        assert_eq!(prefix.partition_keys(), ["year", "month", "day"]);
        let patterns: Vec<String> = prefix.partition_patterns().into_iter().map(|(_, pattern)| pattern).collect();
        assert_eq!(patterns, ["yyyy", "MM", "dd"]);
    }

    #[test]
    fn the_error_prefix_names_what_went_wrong() {
        let text = "e/year=!{timestamp:yyyy}/!{firehose:error-output-type}/";
        let prefix = Prefix::parse(text, Use::Error).expect("a prefix");
        assert_eq!(prefix.render(at(), Some("processing-failed")), "e/year=2026/processing-failed/");
    }

    #[test]
    fn a_prefix_without_a_timestamp_gets_firehoses_own() {
        let prefix = Prefix::parse("raw/", Use::Data).expect("a prefix");
        assert_eq!(prefix.render(at(), None), "raw/2026/03/07/15/");
        assert_eq!(prefix.fixed(), "raw/");
        assert_eq!(Prefix::parse("errors/", Use::Error).expect("a prefix").render(at(), None), "errors/");
    }

    #[test]
    fn partitions_come_from_the_record_too() {
        let text = "sales/day=!{timestamp:dd}/category=!{partitionKeyFromQuery:category}/";
        let prefix = Prefix::parse(text, Use::Data).expect("a prefix");
        let values = [("category".to_owned(), "Home%2FGarden".to_owned())].into();
        assert_eq!(prefix.render_partition(at(), &values), "sales/day=07/category=Home%2FGarden/");
        assert_eq!(prefix.query_keys(), ["category"]);
        assert_eq!(prefix.partition_keys(), ["day", "category"]);
        assert_eq!(prefix.partition_patterns(), [("day".to_owned(), "dd".to_owned())]);
        let alone = Prefix::parse("by/!{partitionKeyFromQuery:a}/!{partitionKeyFromQuery:a}/", Use::Data);
        let alone = alone.expect("a prefix");
        assert_eq!(alone.render_partition(at(), &[("a".to_owned(), "x".to_owned())].into()), "by/x/x/");
        assert_eq!((alone.query_keys(), alone.partition_keys()), (vec!["a"], vec![]));
    }

    #[test]
    fn patterns_follow_the_formatter() {
        for (pattern, expected) in [
            ("yy-M-d", "26-3-7"),
            ("DDD", "066"),
            ("HH'h'mm", "15h04"),
            ("hh a", "03 PM"),
            ("MMM EEEE", "Mar Saturday"),
            ("yyyy''", "2026'"),
        ] {
            let prefix = Prefix::parse(&format!("!{{timestamp:{pattern}}}"), Use::Data).expect(pattern);
            assert_eq!(prefix.render(at(), None), expected, "{pattern}");
        }
    }

    #[test]
    fn random_strings_differ() {
        let prefix = Prefix::parse("!{firehose:random-string}/!{timestamp:ss}", Use::Data).expect("a prefix");
        let (one, two) = (prefix.render(at(), None), prefix.render(at(), None));
        assert_ne!(one, two);
        assert_eq!(one.len(), RANDOM_LENGTH + 3);
    }

    #[test]
    fn what_firehose_refuses_is_refused_with_its_place() {
        let open = refusal("a/!{timestamp:yyyy", Use::Data);
        assert_eq!((open.offset, open.text.as_str()), (2, "!{timestamp:yyyy"));
        assert!(refusal("!{timestmp:yyyy}/", Use::Data).problem.contains("did you mean `timestamp`"));
        assert!(refusal("!{firehose:random}/", Use::Data).problem.contains("random-string"));
        assert!(refusal("!{timestamp:YYYY}/", Use::Data).problem.contains("write yyyy"));
        assert!(refusal("!{timestamp:}/", Use::Data).problem.contains("needs a pattern"));
        assert!(refusal("!{timestamp:'x}/", Use::Data).problem.contains("not closed"));
        assert!(refusal("!{yyyy}/", Use::Data).problem.contains("namespace:value"));
        assert!(refusal("e/!{firehose:error-output-type}/", Use::Data).problem.contains("error prefix only"));
        let error_type = "e/!{firehose:error-output-type}/!{partitionKeyFromQuery:a}/";
        assert!(refusal(error_type, Use::Error).problem.contains("data prefix only"));
        assert!(refusal("!{partitionKeyFromQuery:a b}/", Use::Data).problem.contains("not `a b`"));
        assert!(refusal("!{partitionKeyFromLambda:a}/", Use::Data).problem.contains("Lambda"));
        assert!(refusal("e/!{timestamp:yyyy}/", Use::Error).problem.contains("needs !{firehose:error-output-type}"));
        assert!(refusal(&"x".repeat(1025), Use::Data).problem.contains("1024"));
    }
}
