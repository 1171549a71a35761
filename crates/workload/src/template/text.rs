//! The text of a template, and how it is rendered.

use std::collections::BTreeSet;

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, escape_formatter,
    value::{Value, ValueKind},
};

use super::{
    TemplateError, chains,
    fields::{self, FIELDS, Field, Values},
};

/// The only template of its environment.
const NAME: &str = "template";
/// Steps of a document, of which each makes up to 64 bytes: the largest document, a record of 1 MiB, has thirty times as many
/// as it needs.
const STEPS: u64 = 500_000;
/// Characters of a template, or of what was rendered, that a message shows.
const SHOWN: usize = 200;

/// A template that can be rendered.
#[derive(Debug)]
pub(crate) struct Text {
    environment: Environment<'static>,
}

impl Text {
    /// # Errors
    /// It is no template, or has a field that there is not.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        chains::check(text).map_err(|chains::TooLong { line, most, what }| TemplateError::Chain {
            line,
            most,
            what,
        })?;
        let mut environment = Environment::new();
        environment.set_fuel(Some(STEPS));
        // Through it a loop could put values into each other without end.
        environment.remove_global("namespace");
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::Json);
        environment.set_formatter(write);
        environment.add_template_owned(NAME, text.to_owned()).map_err(|error| syntax(&error))?;
        known_fields(&environment, text)?;
        Ok(Self { environment })
    }

    /// # Errors
    /// Why it cannot be made.
    pub(crate) fn render(&self, values: Values) -> Result<String, String> {
        let template = self.environment.get_template(NAME).expect("it was added when this was made");
        let rendered = template.render(Value::from_object(values));
        rendered.map_err(|error| format!("cannot be made: {}", said(&error)))
    }
}

/// A text without the quotes around it; all else as JSON.
fn write(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() => {
            let quoted = serde_json::to_string(text)
                .map_err(|error| Error::new(ErrorKind::WriteFailure, "a text is no JSON").with_source(error))?;
            Ok(out.write_str(&quoted[1..quoted.len() - 1])?)
        }
        None if value.kind() == ValueKind::Plain => Err(without_arguments(value)),
        None if value.kind() == ValueKind::Number && f64::try_from(value.clone()).is_ok_and(|n| !n.is_finite()) => {
            Err(Error::new(ErrorKind::InvalidOperation, "a number is infinite, which JSON does not know"))
        }
        _ => escape_formatter(out, state, value),
    }
}

fn without_arguments(value: &Value) -> Error {
    let usage = value.downcast_object_ref::<fields::Callable>().map_or("a value", |callable| callable.field.usage);
    Error::new(ErrorKind::InvalidOperation, format!("a field without its arguments; it is used as `{usage}`"))
}

fn known_fields(environment: &Environment<'_>, text: &str) -> Result<(), TemplateError> {
    let template = environment.get_template(NAME).expect("it was just added");
    let used: BTreeSet<String> = template.undeclared_variables(false).into_iter().collect();
    let known = |name: &str| fields::field(name).is_some() || environment.globals().any(|(global, _)| global == name);
    let unknown = used.into_iter().filter(|name| !known(name));
    let placed = unknown.map(|name| (line_of(text, &name), name));
    match placed.min() {
        None => Ok(()),
        Some((line, name)) => Err(TemplateError::Unknown { line, near: near(&name), name: brief(&name) }),
    }
}

/// Of the first place where a word stands alone.
fn line_of(text: &str, word: &str) -> usize {
    text[..alone(text, word).unwrap_or_default()].matches('\n').count() + 1
}

/// Where a word first stands alone, in bytes.
pub(super) fn alone(text: &str, word: &str) -> Option<usize> {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut places = text.match_indices(word).map(|(at, _)| at);
    places.find(|at| !text[..*at].ends_with(part_of_word) && !text[at + word.len()..].starts_with(part_of_word))
}

/// Up to three fields whose names are like this, the nearest first.
fn near(name: &str) -> Vec<&'static str> {
    nearest(name, FIELDS.iter().map(Field::name))
}

/// Up to three names that are like this, the nearest first.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = name.to_lowercase().replace('-', "_");
    let far = (wanted.chars().count() / 3).max(1);
    let mut close: Vec<_> = names
        .map(|name| (strsim::damerau_levenshtein(&wanted, name), name))
        .filter(|(distance, one)| *distance <= far && *distance < one.len())
        .collect();
    close.sort_unstable();
    close.into_iter().map(|(_, name)| name).take(3).collect()
}

fn syntax(error: &Error) -> TemplateError {
    TemplateError::Syntax { line: error.line().unwrap_or(1), why: why(error) }
}

fn said(error: &Error) -> String {
    let line = error.line().map_or(String::new(), |line| format!("the template's line {line}: "));
    format!("{line}{}", why(error))
}

fn why(error: &Error) -> String {
    if error.kind() == ErrorKind::OutOfFuel {
        return format!("a document takes more than {STEPS} steps; make it smaller, or its loops shorter");
    }
    error.detail().map_or_else(|| error.kind().to_string(), brief)
}

/// What is quoted of a template, however long it is there.
fn brief(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Shows where the rendered text stops being JSON.
pub(crate) fn not_an_object(text: &str, error: &serde_json::Error) -> String {
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let shown = brief(line.trim());
    format!(
        "is not one JSON object: {error}: `{shown}` (a text needs quotes around its field: \"{{{{ first_name }}}}\")"
    )
}
