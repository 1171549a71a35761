//! Properties of the fields that take arguments.

use demo_formats::schema::FieldPath;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::{super::Identity, Rules, Template, TemplateError};

/// Days from 0001-01-01 to 9999-12-31.
const DAYS: i32 = 3_652_059;

/// The values of a field in some documents, written as JSON.
fn values(field: &str) -> Result<Vec<Json>, TemplateError> {
    values_in(&format!("{{\"v\": {{{{ [{field}] }}}} }}"))
}

/// The values of a field in some documents, written between quotes of the template.
fn quoted_values(field: &str) -> Result<Vec<Json>, TemplateError> {
    values_in(&format!("{{\"v\": [\"{{{{ {field} }}}}\"]}}"))
}

fn values_in(template: &str) -> Result<Vec<Json>, TemplateError> {
    let rules = Rules { identity: Identity::Line, max_bytes: 1 << 20 };
    let template = Template::new(template, 7, rules)?;
    let value = |number| {
        let mut document = Vec::new();
        template.document(number, &mut document)?;
        let document: Json = serde_json::from_slice(&document).expect("a document is JSON");
        Ok(document["v"][0].clone())
    };
    [1, 2, 3, u64::MAX].into_iter().map(value).collect()
}

fn values_of(field: &str) -> Result<Vec<Json>, TestCaseError> {
    values(field).map_err(|error| TestCaseError::fail(format!("{field}: {error}")))
}

/// Finite numbers, many of them near the largest.
fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![prop::num::f64::NORMAL, prop::num::f64::SUBNORMAL, -1e6..1e6, 1e290..1e308, -1e308..-1e290]
}

/// Any text as a literal of a template.
fn literal(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "\\r");
    format!("\"{escaped}\"")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn int_stays_between_its_ends(first in -i64::MAX.., span in prop_oneof![0_u64..3, any::<u64>()]) {
        let last = first.saturating_add_unsigned(span);
        for value in values_of(&format!("int({first}, {last})"))? {
            prop_assert!(value.as_i64().is_some_and(|value| (first..=last).contains(&value)), "{value}");
        }
        let reversed = values(&format!("int({last}, {first})"));
        prop_assert!(first == last || reversed.is_err());
    }

    #[test]
    fn float_stays_between_its_ends(a in -1_000_000_i64..1_000_000, b in -1_000_000_i64..1_000_000, decimals in 0_u32..7) {
        let scale = 10_f64.powi(decimals as i32);
        let (from, to) = (a.min(b) as f64 / scale, a.max(b) as f64 / scale);
        for value in values_of(&format!("float({from:?}, {to:?}, {decimals})"))? {
            let number = value.as_f64().expect("a number");
            prop_assert!((from..=to).contains(&number), "{number} is not from {from} to {to}");
            prop_assert_eq!((number * scale).round() / scale, number);
        }
    }

    #[test]
    fn float_takes_every_finite_range(a in finite(), b in finite(), decimals in 0_u32..16) {
        let (from, to) = (a.min(b), a.max(b));
        prop_assume!((to - from).is_finite());
        for value in values_of(&format!("float({from:?}, {to:?}, {decimals})"))? {
            prop_assert!(value.is_number(), "{value}");
        }
    }

    #[test]
    fn choice_gives_a_text_as_it_was_written(texts in prop::collection::vec("[ -~äß€😀\n]{0,8}", 1..5)) {
        let list: Vec<String> = texts.iter().map(|text| literal(text)).collect();
        let field = format!("choice([{}])", list.join(", "));
        let quoted = quoted_values(&field).map_err(|error| TestCaseError::fail(error.to_string()))?;
        for value in values_of(&field)?.into_iter().chain(quoted) {
            prop_assert!(texts.iter().any(|text| value == text.as_str()), "{value} of {texts:?}");
        }
    }

    #[test]
    fn digits_replaces_its_marks_and_nothing_else(pattern in "[#^a-z0-9 .-]{0,12}") {
        for value in values_of(&format!("digits({})", literal(&pattern)))? {
            let text = value.as_str().expect("a text");
            prop_assert_eq!(text.chars().count(), pattern.chars().count());
            for (drawn, mark) in text.chars().zip(pattern.chars()) {
                let fits = match mark {
                    '#' => drawn.is_ascii_digit(),
                    '^' => ('1'..='9').contains(&drawn),
                    other => drawn == other,
                };
                prop_assert!(fits, "{text} of {pattern}");
            }
        }
    }

    #[test]
    fn lorem_gives_as_many_words(words in 0_usize..200) {
        for value in values_of(&format!("lorem({words})"))? {
            prop_assert_eq!(value.as_str().expect("a text").split_whitespace().count(), words);
        }
    }

    #[test]
    fn date_between_stays_between_its_days(day in 1..DAYS, span in prop_oneof![0_i32..3, 0..DAYS]) {
        let date = |day: i32| chrono::NaiveDate::from_num_days_from_ce_opt(day).expect("a day");
        let (first, last) = (date(day), date((day + span).min(DAYS)));
        for value in values_of(&format!("date_between(\"{first}\", \"{last}\")"))? {
            let drawn: chrono::NaiveDate = value.as_str().expect("a text").parse().expect("a day");
            prop_assert!((first..=last).contains(&drawn), "{drawn}");
        }
    }

    #[test]
    fn any_text_is_a_template_or_refused(text in "(\\{\\{|\\}\\}|\\{%|[ -~]|int|float|name|\\(|\\)|\n){0,20}") {
        let rules = Rules { identity: Identity::Fields(vec![FieldPath(vec!["id".to_owned()])]), max_bytes: 1 << 20 };
        let _ = Template::new(&text, 1, rules);
    }
}
