//! Documents from a template: text with fields such as `{{ first_name }}`, in the language of Jinja.
//!
//! ```text
//! {"id": {{ sequence }}, "name": "{{ first_name }}", "vip": {{ chance(5) }}, "tags": {{ [word, word] }}}
//! ```
//!
//! [`FIELDS`] lists the fields. Each use draws anew; `{% set name = first_name %}` keeps what was drawn. A text is escaped
//! for the inside of a JSON string, so its quotes stand in the template; numbers, truths, lists and nothing (`none`)
//! are written as JSON. A document is what was rendered, which must be one JSON object, without its white space.
//!
//! Document n of a seed is always the same, in whatever order documents are made.

mod arguments;
mod chains;
mod distributions;
mod fields;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod text;
mod uses;

use std::sync::Arc;

pub(crate) use fields::{Choose, Earlier, Values};
pub use fields::{FIELDS, Field};
pub(crate) use text::{Text, nearest, not_an_object};
pub use uses::{Quoted, Use, place, uses};

use super::{
    clock::{Clock, FromNow},
    json_lines::{Rules, record_bytes},
    object,
};

/// The fields that a clock gives.
pub const TIMES: [&str; 2] = ["now", "now_ms"];
/// The field that tells the documents of an entity apart.
pub const STATUS: &str = "status";
/// The fields that refer to other documents.
pub const REFERENCES: [&str; 2] = ["ref", "entity"];

/// Documents that are made to see whether the template is right.
const TRIED: u64 = 100;

/// A template that was found right.
#[derive(Debug)]
pub struct Template {
    text: Text,
    seed: u64,
    rules: Rules,
    clock: Arc<dyn Clock>,
}

/// What is wrong with a template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It is no template.
    #[error("the template's line {line}: {why}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// It has an expression that is too long to be read, or too many.
    #[error(
        "the template's line {line}: more than {most} {what}; make the template smaller, or its expressions shorter"
    )]
    Chain {
        /// Where its tag begins, counted from 1.
        line: usize,
        /// How many there may be.
        most: usize,
        /// Of what.
        what: &'static str,
    },
    /// It has a field that there is not.
    #[error("the template's line {line}: there is no field `{name}`{}; `demo sample --fields` lists them", did_you_mean(.near))]
    Unknown {
        /// Where it is used first, counted from 1.
        line: usize,
        /// As it is written.
        name: String,
        /// What may have been meant.
        near: Vec<&'static str>,
    },
    /// What is wrong with the template of one kind of a mix.
    #[error("kind `{kind}`: {source}")]
    Kind {
        /// The kind.
        kind: String,
        /// What is wrong.
        source: Box<TemplateError>,
    },
    /// The kinds of a mix do not go together.
    #[error("{0}")]
    Kinds(String),
    /// A document of it is none.
    #[error("document {number} of the template {why}")]
    Document {
        /// Its number.
        number: u64,
        /// What is wrong with it.
        why: String,
    },
}

fn did_you_mean(near: &[&str]) -> String {
    if near.is_empty() { String::new() } else { format!(" (did you mean `{}`?)", near.join("` or `")) }
}

impl Template {
    /// Reads a template and makes its first hundred documents. Their event times go on from the present.
    ///
    /// # Errors
    /// What is wrong with the template or with one of those.
    pub fn new(text: &str, seed: u64, rules: Rules) -> Result<Self, TemplateError> {
        let template = Self { text: Text::parse(text)?, seed, rules, clock: Arc::new(FromNow::new()) };
        (1..=TRIED).try_for_each(|number| template.document(number, &mut Vec::new()))?;
        Ok(template)
    }

    /// The same documents, with event times by another clock.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Appends a document, numbered from 1, with its newline.
    ///
    /// # Errors
    /// It is not one JSON object, lacks its key, or is too long for a record.
    pub fn document(&self, number: u64, out: &mut Vec<u8>) -> Result<(), TemplateError> {
        let values = Values::new(self.seed, number, self.clock.at(number));
        let made = self.text.render(values).and_then(|text| finish(&text, &self.rules, out));
        made.map_err(|why| TemplateError::Document { number, why })
    }

    /// By what its documents are told apart.
    pub fn identity(&self) -> &super::Identity {
        &self.rules.identity
    }
}

/// A part of a template's text that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where the part begins, in bytes of the template.
    pub offset: usize,
    /// The part.
    pub part: String,
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub expected: &'static str,
    /// What may have been meant.
    pub near: Option<&'static str>,
}

/// What is wrong with the text of a template, before anything is rendered from it.
pub fn mistake(template: &str) -> Option<Mistake> {
    let on_line = |line: usize, problem: String, expected| {
        let before: usize = template.split_inclusive('\n').take(line - 1).map(str::len).sum();
        let whole = template[before..].lines().next().unwrap_or_default();
        let part = whole.trim();
        let offset = before + whole.find(part).unwrap_or_default();
        Some(Mistake { offset, part: part.to_owned(), problem, expected, near: None })
    };
    match Text::parse(template).err()? {
        TemplateError::Syntax { line, why } => {
            on_line(line, why, "`{{ … }}` around each value and `{% … %}` around each statement")
        }
        TemplateError::Chain { line, most, what } => {
            on_line(line, format!("more than {most} {what}"), "a smaller template, or shorter expressions")
        }
        TemplateError::Unknown { line, name, near } => {
            let problem = format!("there is no field `{name}`");
            let found = on_line(line, problem, "one of the fields that `demo sample --fields` lists")?;
            let within = text::alone(&found.part, &name).unwrap_or_default();
            Some(Mistake { offset: found.offset + within, part: name, near: near.first().copied(), ..found })
        }
        other => on_line(1, other.to_string(), "another template"),
    }
}

/// Appends what was rendered as one line, or says why it is no document.
pub(crate) fn finish(text: &str, rules: &Rules, out: &mut Vec<u8>) -> Result<(), String> {
    object::check(text.as_bytes()).map_err(|error| not_an_object(text, &error))?;
    let begin = out.len();
    object::compact(text.as_bytes(), out);
    let bytes = record_bytes(&out[begin..], &rules.identity).map_err(|why| format!("is none: {why}"))?;
    if bytes > rules.max_bytes {
        return Err(format!("takes {bytes} bytes as a record, which may have {}", rules.max_bytes));
    }
    out.push(b'\n');
    Ok(())
}
