//! Properties of prefix expressions.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::{Prefix, Use};

/// A part of a prefix: its text, and what it is rendered to.
#[derive(Clone, Debug)]
enum Written {
    Text(String),
    /// A pattern of `DateTimeFormatter` with chrono's for the same.
    Time(&'static str, &'static str),
    /// A partition key from the record, with its value.
    Query(String, String),
}

const TIMES: &[(&str, &str)] = &[
    ("yyyy", "%Y"),
    ("yy", "%y"),
    ("MM", "%m"),
    ("MMM", "%b"),
    ("dd", "%d"),
    ("DDD", "%j"),
    ("HH", "%H"),
    ("hh", "%I"),
    ("mm", "%M"),
    ("ss", "%S"),
    ("SSS", "%3f"),
    ("SSSSSSSSS", "%9f"),
    ("EEEE", "%A"),
    ("a", "%p"),
    ("yyyy/MM/dd/HH", "%Y/%m/%d/%H"),
    ("'at 'HH''mm", "at %H'%M"),
];

fn parts() -> impl Strategy<Value = Vec<Written>> {
    let part = prop_oneof![
        "[a-z0-9/=_.ä-]{1,12}".prop_map(Written::Text),
        prop::sample::select(TIMES).prop_map(|(pattern, chrono)| Written::Time(pattern, chrono)),
        ("[a-z_][a-z0-9_]{0,8}", "[a-zA-Z0-9 ]{0,8}").prop_map(|(name, value)| Written::Query(name, value)),
    ];
    prop::collection::vec(part, 1..8)
}

fn times() -> impl Strategy<Value = DateTime<Utc>> {
    // From 1970 to 9999: years of four digits.
    (0_i64..253_402_300_800, 0_u32..1_000_000_000)
        .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).expect("a time"))
}

proptest! {
    #[test]
    fn a_prefix_is_rendered_part_by_part(parts in parts(), at in times()) {
        let mut values = BTreeMap::new();
        let (mut text, mut expected) = (String::new(), String::new());
        for part in &parts {
            match part {
                Written::Text(literal) => {
                    text += literal;
                    expected += literal;
                }
                Written::Time(pattern, chrono) => {
                    text += &format!("!{{timestamp:{pattern}}}");
                    expected += &at.format(chrono).to_string();
                }
                Written::Query(name, value) => {
                    let value = values.entry(name.clone()).or_insert_with(|| value.clone());
                    text += &format!("!{{partitionKeyFromQuery:{name}}}");
                    expected += value;
                }
            }
        }
        if parts.iter().all(|part| matches!(part, Written::Text(_))) {
            expected += &at.format("%Y/%m/%d/%H/").to_string();
        }
        let prefix = Prefix::parse(&text, Use::Data).expect("a prefix");
        prop_assert_eq!(prefix.render_partition(at, &values), expected.clone());
        prop_assert!(expected.starts_with(prefix.fixed()), "{:?}", prefix.fixed());
        prop_assert_eq!(prefix.query_keys().len(), values.len());
    }

    #[test]
    fn what_is_accepted_can_be_rendered(text in "(!\\{|[!{}:'/=a-z]|timestamp:|[yuMdHhmsDSEa]{1,9}|firehose:random-string){0,12}", at in times()) {
        for purpose in [Use::Data, Use::Error] {
            match Prefix::parse(&text, purpose) {
                Ok(prefix) => drop(prefix.render(at, Some("failed"))),
                Err(error) => prop_assert!(text[error.offset..].starts_with(&error.text), "{error:?}"),
            }
        }
    }

    #[test]
    fn any_text_is_a_prefix_or_refused(text in any::<String>()) {
        let _ = Prefix::parse(&text, Use::Data);
        let _ = Prefix::parse(&text, Use::Error);
    }
}
