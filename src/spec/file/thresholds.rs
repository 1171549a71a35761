//! `thresholds` as they are written: a limit for each of the metrics, whose table makes the schema.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::spec::threshold::{METRICS, Unit};

/// Limits by the names of metrics.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::spec) struct ThresholdsFile(pub BTreeMap<String, LimitFile>);

/// A limit, or `{limit: …, abort: true}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(in crate::spec) enum LimitFile {
    Scalar(Scalar),
    Map(LimitMap),
}

/// A limit as YAML has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(in crate::spec) enum Scalar {
    Number(serde_json::Number),
    Text(String),
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::spec) struct LimitMap {
    /// None where something is wrong with it, which has been complained of.
    pub limit: Option<Scalar>,
    pub abort: Option<bool>,
}

impl Scalar {
    pub(in crate::spec) fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl JsonSchema for ThresholdsFile {
    fn schema_name() -> Cow<'static, str> {
        "ThresholdsFile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let definitions = generator.definitions_mut();
        let mut properties = Map::new();
        for metric in &METRICS {
            let name = definition(metric.unit, metric.more_is_better);
            definitions.entry(&name).or_insert_with(|| limit(metric.unit, metric.more_is_better));
            let description = format!("A limit for {}.", metric.about);
            let property = json!({"$ref": format!("#/$defs/{name}"), "description": description});
            properties.insert(metric.name.to_owned(), property);
        }
        let schema = json!({
            "type": "object",
            "description": "a map of limits, such as `{lost: 0}`",
            "properties": properties,
            "additionalProperties": false,
        });
        Schema::try_from(schema).expect("an object")
    }
}

/// The definition of a limit of this unit.
fn definition(unit: Unit, more_is_better: bool) -> String {
    let side = if more_is_better { "Least" } else { "Most" };
    format!("{side}{unit:?}")
}

fn limit(unit: Unit, more_is_better: bool) -> Json {
    let expected = format!("a limit, such as {}", unit.example(more_is_better));
    let map = json!({
        "type": "object",
        "description": format!("{expected}, and whether the load stops when it is crossed"),
        "properties": {
            "limit": {"anyOf": scalars(unit), "description": expected},
            "abort": {"type": "boolean", "description": "Whether the load stops when the limit is crossed; `false` when left out."},
        },
        "required": ["limit"],
        "additionalProperties": false,
    });
    let mut alternatives = scalars(unit);
    alternatives.push(map);
    json!({"anyOf": alternatives, "description": expected})
}

/// How a limit may be written: as a text, and where its unit is none, as a number.
fn scalars(unit: Unit) -> Vec<Json> {
    let number = match unit {
        Unit::Count => Some(json!({"type": "integer", "minimum": 0})),
        Unit::Ratio => Some(json!({"type": "number", "minimum": 0})),
        _ => None,
    };
    let pattern = match unit {
        Unit::Count => r"[0-9]+",
        Unit::Millis | Unit::Seconds => r"[0-9]+(ms|s|m|h|d)",
        Unit::PerSecond => r"[0-9]+(\.[0-9]+)?/s",
        Unit::BytesPerSecond => r"[0-9]+(\.[0-9]+)?[kMG]?B/s",
        Unit::Ratio => r"[0-9]+(\.[0-9]+)?",
        Unit::Dollars => r"\$[0-9]+(\.[0-9]+)?",
    };
    let off = if unit == Unit::PerSecond { "|off" } else { "" };
    let text = json!({"type": "string", "pattern": format!("^((<=?|>=?)? *{pattern}{off})$")});
    number.into_iter().chain([text]).collect()
}
