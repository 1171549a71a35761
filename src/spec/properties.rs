//! Properties of what people write: quantities, `--set` flags, and overlays over trees.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::{
    quantity::{Refusal, rate, size, time},
    schedule::Rate,
    sets,
    threshold::{METRICS, Side, limit, metric},
    threshold_flag,
    tree::{Node, Source},
};

fn source(text: String) -> Arc<Source> {
    Arc::new(Source { order: 0, name: format!("--set {text}"), text, folder: None })
}

/// Any JSON value without floating-point numbers, whose YAML text may round.
fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        "[ -~äß€😀]{0,8}".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            object(inner).prop_map(Json::Object),
        ]
    })
}

/// An object with keys of a small alphabet, so that two objects share some.
fn object(value: impl Strategy<Value = Json>) -> impl Strategy<Value = Map<String, Json>> {
    prop::collection::btree_map("[a-d]", value, 0..4).prop_map(|entries| entries.into_iter().collect())
}

/// JSON Merge Patch (RFC 7396, section 2).
fn merge_patch(target: &Json, patch: &Json) -> Json {
    let Json::Object(patch) = patch else { return patch.clone() };
    let mut merged = target.as_object().cloned().unwrap_or_default();
    for (key, value) in patch {
        match value {
            Json::Null => drop(merged.remove(key)),
            value => drop(merged.insert(key.clone(), merge_patch(merged.get(key).unwrap_or(&Json::Null), value))),
        }
    }
    Json::Object(merged)
}

/// Text near what is written for a quantity.
fn near_quantity() -> impl Strategy<Value = String> {
    let number = prop_oneof!["[0-9]{0,12}", "[0-9]{1,4}[.,_][0-9]{0,4}", "[0-9.,_]{0,6}"];
    let unit = prop_oneof![
        "(ms|s|m|h|d|min|hours|KiB|MiB|GiB|kB|mb|g|/s|/min|k|K/s|k/s)?",
        " ?[a-zA-Z/]{0,4}",
        Just(String::new())
    ];
    ("(>= ?|> ?|≥)?", number, unit).prop_map(|(before, number, unit)| format!("{before}{number}{unit}"))
}

/// What a refusal suggests must itself be accepted.
fn suggestion_is_accepted<T>(
    text: &str,
    parsed: Result<T, Refusal>,
    parse: impl Fn(&str) -> Result<T, Refusal>,
) -> Result<(), TestCaseError> {
    if let Err(Refusal { suggestion: Some(suggestion), .. }) = parsed {
        let again = parse(&suggestion);
        prop_assert!(again.is_ok(), "`{text}` is refused with the suggestion `{suggestion}`, which is refused too");
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_written_time_is_read(count in 0_u64..36_000, unit in prop::sample::select(vec![
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ])) {
        let (unit, millis) = unit;
        prop_assert_eq!(time(&format!("{count}{unit}"), "s").map(|time| time.as_millis() as u64), Ok(count * millis));
    }

    #[test]
    fn a_written_size_is_read(count in 0_u64..1 << 30, unit in prop::sample::select(vec![
        ("KiB", 10), ("MiB", 20), ("GiB", 30),
    ])) {
        let (unit, bits) = unit;
        prop_assert_eq!(size(&format!("{count}{unit}")), Ok(count << bits));
    }

    #[test]
    fn a_written_rate_is_read(per_second in prop_oneof![1e-6_f64..1.0, 1.0..1e9]) {
        prop_assert_eq!(rate(&format!("{per_second}/s")), Ok(Rate::PerSecond(per_second)));
        let throughput = metric("throughput").expect("a metric");
        prop_assert_eq!(limit(throughput, &format!(">= {per_second}/s")), Ok((Side::AtLeast, per_second)));
    }

    #[test]
    fn what_is_suggested_is_accepted(text in near_quantity()) {
        for unit in ["ms", "s"] {
            suggestion_is_accepted(&text, time(&text, unit), |text| time(text, unit))?;
        }
        suggestion_is_accepted(&text, size(&text), size)?;
        suggestion_is_accepted(&text, rate(&text), rate)?;
        for metric in &METRICS {
            suggestion_is_accepted(&text, limit(metric, &text), |text| limit(metric, text))?;
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = (time(&text, "s"), size(&text), rate(&text));
        METRICS.iter().for_each(|metric| drop(limit(metric, &text)));
        let _ = threshold_flag::parse(&source(text.clone()), &mut Vec::new());
        let _ = sets::parse(&source(text), &mut Vec::new());
    }

    #[test]
    fn an_overlay_is_a_merge_patch(base in json(), over in json()) {
        let source = source(String::new());
        let mut merged = Node::from_json(&source, &base);
        prop_assert_eq!(merged.to_json(), base.clone());
        merged.merge(Node::from_json(&source, &over));
        prop_assert_eq!(merged.to_json(), merge_patch(&base, &over));
    }

    #[test]
    fn a_set_flag_is_an_overlay_with_one_value(keys in prop::collection::vec("[a-z_äß]{1,6}", 1..5), value in json()) {
        let path = keys.join(".");
        let mut found = Vec::new();
        let node = sets::parse(&source(format!("{path}={value}")), &mut found);
        prop_assert!(found.is_empty(), "{found:?}");
        let node = node.expect("a value");
        prop_assert_eq!(node.at(&path).map(Node::to_json), Some(value.clone()));
        let expected = keys.iter().rev().fold(value, |inner, key| json!({ key: inner }));
        prop_assert_eq!(node.to_json(), expected);
        prop_assert_eq!(&node.at(&keys[0]).and_then(|first| first.key.as_ref()).map(|key| key.text()), &Some(keys[0].clone()));
    }
}
