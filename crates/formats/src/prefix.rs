//! Firehose's prefix expressions: `!{timestamp:…}`, `!{firehose:…}` and `!{partitionKeyFromQuery:…}`, parsed once, then
//! rendered per object.
//!
//! Facts: Amazon Data Firehose developer guide, "Custom prefixes for Amazon S3 objects".

mod folder;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rand::RngExt;

use crate::pattern::Pattern;

pub use folder::Folder;

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
    text: String,
    /// With where each begins in the text.
    parts: Vec<(usize, Part)>,
}

/// A part of a prefix: text, or what an expression stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text that stands for itself.
    Text(String),
    /// The time of the object's oldest record.
    Time(Pattern),
    /// Random characters.
    RandomString,
    /// The kind of error.
    ErrorOutputType,
    /// A value that dynamic partitioning takes from the record, by its name.
    Query(String),
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
                parts.push((at, Part::Text(text[at..open].to_owned())));
            }
            let Some(length) = text[open..].find('}') else {
                return Err(refuse(open, &text[open..], "`!{` has no closing `}`".to_owned()));
            };
            let whole = &text[open..=open + length];
            let part = expression(&whole[2..whole.len() - 1], purpose);
            parts.push((open, part.map_err(|problem| refuse(open, whole, problem))?));
            at = open + length + 1;
        }
        if at < text.len() {
            parts.push((at, Part::Text(text[at..].to_owned())));
        }
        let expressions = parts.iter().any(|(_, part)| !matches!(part, Part::Text(_)));
        if purpose == Use::Error && expressions && !parts.iter().any(|(_, part)| *part == Part::ErrorOutputType) {
            let problem = "an error prefix with expressions needs !{firehose:error-output-type} among them".to_owned();
            return Err(refuse(0, text, problem));
        }
        if purpose == Use::Data && !expressions {
            parts.push((text.len(), Part::Time(Pattern::parse(DEFAULT_STAMP).expect("the default pattern is one"))));
        }
        Ok(Self { text: text.to_owned(), parts })
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
        for (_, part) in &self.parts {
            match part {
                Part::Text(literal) => text += literal,
                Part::Time(pattern) => text += &pattern.render(at),
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
        for (_, part) in &self.parts {
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
            Some((_, Part::Text(text))) if self.parts.len() > 1 => {
                &text[..text.rfind('/').map_or(0, |slash| slash + 1)]
            }
            Some((_, Part::Text(text))) => text,
            _ => "",
        }
    }

    /// The folders below [`Prefix::fixed`], in order.
    pub fn folders(&self) -> Vec<Folder> {
        folder::below(self.fixed().len(), &self.text, &self.parts)
    }

    /// The folders of the partitions, and those between them.
    pub fn partition_folders(&self) -> Vec<Folder> {
        let mut folders = self.folders();
        let last = folders.iter().rposition(Folder::is_partition);
        folders.truncate(last.map_or(0, |last| last + 1));
        folders
    }

    /// The names of the partitions in order, e.g. `year`, `month`, `day`, `category`.
    pub fn partition_keys(&self) -> Vec<String> {
        self.folders().into_iter().filter(Folder::is_partition).filter_map(|folder| folder.key).collect()
    }
}

fn expression(inside: &str, purpose: Use) -> Result<Part, String> {
    match inside.split_once(':') {
        Some(("timestamp", pattern)) => Pattern::parse(pattern).map(Part::Time),
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
