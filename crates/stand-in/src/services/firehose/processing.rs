//! What happens to records on their way: `ProcessingConfiguration` of the Firehose API.

use serde::{Deserialize, Serialize};

use super::{ServiceError, refuse};

const DELIMITER: &str = "AppendDelimiterToRecord";
const EXTRACTION: &str = "MetadataExtraction";
const QUERY: &str = "MetadataExtractionQuery";
const ENGINE: &str = "JsonParsingEngine";
/// The only one (Firehose developer guide, "Understand partitioning keys").
const JQ: &str = "JQ-1.6";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Processing {
    #[serde(default)]
    enabled: bool,
    #[serde(default)]
    processors: Vec<Processor>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Processor {
    r#type: String,
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Parameter {
    parameter_name: String,
    parameter_value: String,
}

impl Processing {
    pub(super) fn check(&self) -> Result<(), ServiceError> {
        if !self.enabled {
            return Ok(());
        }
        if let Some(other) = self.processors.iter().find(|p| ![DELIMITER, EXTRACTION].contains(&p.r#type.as_str())) {
            return Err(refuse::not_covered(&format!("the processor {}", other.r#type)));
        }
        let Some(extraction) = self.processor(EXTRACTION) else { return Ok(()) };
        if extraction.parameter(QUERY).is_none() {
            return Err(refuse::argument(format!("{EXTRACTION} processor needs the parameter {QUERY}.")));
        }
        match extraction.parameter(ENGINE) {
            Some(JQ) => Ok(()),
            other => Err(refuse::argument(format!(
                "{ENGINE} of the {EXTRACTION} processor must be {JQ}, not {}.",
                other.unwrap_or("left out")
            ))),
        }
    }

    /// What is appended to each record; usually nothing.
    pub(super) fn delimiter(&self) -> String {
        let Some(processor) = self.processor(DELIMITER) else { return String::new() };
        // The API takes the newline as a backslash and an n.
        processor.parameter("Delimiter").map_or("\n".to_owned(), |delimiter| delimiter.replace("\\n", "\n"))
    }

    /// The expression that derives a record's partition.
    pub(super) fn query(&self) -> Option<&str> {
        self.processor(EXTRACTION)?.parameter(QUERY)
    }

    fn processor(&self, kind: &str) -> Option<&Processor> {
        self.processors.iter().find(|processor| self.enabled && processor.r#type == kind)
    }
}

impl Processor {
    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|parameter| parameter.parameter_name == name);
        found.map(|parameter| parameter.parameter_value.as_str())
    }
}
