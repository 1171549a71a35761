//! Functions of Redshift's that DataFusion has not.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, StringArray},
        compute::cast,
        datatypes::{DataType, Int64Type},
    },
    error::{DataFusionError, Result},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
    prelude::SessionContext,
};
use serde_json::{Value, value::RawValue};

use super::{aggregate, dates, elements::Elements, failure::Failure};

/// A field of a SUPER value, as a SUPER value: what `column.a.b` becomes.
pub(super) const NAVIGATE: &str = "super_get";
/// A SUPER value that is a string or a number, as its plain text.
pub(super) const PLAIN: &str = "super_text";

/// Registers the functions; `comments` are what `obj_description` returns, by id.
pub(super) fn register(context: &SessionContext, comments: HashMap<i64, String>) {
    let texts: [(&'static str, TextFunction); 6] = [
        ("json_extract_path_text", extract_path),
        ("json_extract_array_element_text", extract_element),
        ("json_parse", parse),
        ("json_serialize", serialize),
        (NAVIGATE, navigate),
        (PLAIN, plain),
    ];
    for (name, function) in texts {
        context.register_udf(ScalarUDF::from(OnTexts::new(name, function)));
    }
    context.register_udf(ScalarUDF::from(IsValidJson::new()));
    context.register_udf(ScalarUDF::from(ObjDescription::new(comments)));
    context.register_udf(ScalarUDF::from(Elements::new()));
    context.register_udaf(aggregate::sum());
    dates::register(context);
}

/// Gets the values of one row, as texts, and gives a text.
type TextFunction = fn(&[Option<&str>]) -> Result<Option<String>, Failure>;

/// A function of texts.
#[derive(Debug)]
struct OnTexts {
    name: &'static str,
    function: TextFunction,
    signature: Signature,
}

impl OnTexts {
    fn new(name: &'static str, function: TextFunction) -> Self {
        Self { name, function, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl PartialEq for OnTexts {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for OnTexts {}

impl Hash for OnTexts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for OnTexts {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![DataType::Utf8; arguments.len()])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = texts(&call)?;
        let mut row = vec![None; columns.len()];
        let mut results = Vec::with_capacity(call.number_rows);
        for index in 0..call.number_rows {
            for (value, column) in row.iter_mut().zip(&columns) {
                let column = column.as_string::<i32>();
                *value = column.is_valid(index).then(|| column.value(index));
            }
            results.push((self.function)(&row)?);
        }
        Ok(ColumnarValue::Array(Arc::new(StringArray::from(results))))
    }
}

fn texts(call: &ScalarFunctionArgs) -> Result<Vec<ArrayRef>> {
    let columns = call.args.iter().map(|argument| argument.to_array(call.number_rows));
    columns.map(|column| Ok(cast(&column?, &DataType::Utf8)?)).collect()
}

/// The first argument, unless it is null.
fn first<'a>(row: &[Option<&'a str>]) -> Option<&'a str> {
    row.first().copied().flatten()
}

fn no_json(text: &str) -> Failure {
    let begun: String = text.chars().take(100).collect();
    Failure::new(format!("JSON parsing error: invalid JSON object {begun}"))
}

/// What stands under a path of keys; `null` is nothing.
fn under<'a>(json: &'a str, path: &[Option<&str>]) -> Result<Option<&'a RawValue>, serde_json::Error> {
    let mut value: &RawValue = serde_json::from_str(json)?;
    for key in path {
        let Some(key) = key else { return Ok(None) };
        if let Some(index) = key.strip_prefix('[').and_then(|key| key.strip_suffix(']')) {
            // A place leads nowhere in anything but an array.
            let Ok(array) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else { return Ok(None) };
            match index.parse::<usize>().ok().and_then(|index| array.get(index).copied()) {
                Some(inner) => value = inner,
                None => return Ok(None),
            }
            continue;
        }
        // A key leads nowhere in anything but an object.
        let Ok(object) = serde_json::from_str::<HashMap<String, &RawValue>>(value.get()) else { return Ok(None) };
        match object.get(*key) {
            Some(inner) => value = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(value).filter(|value| value.get() != "null"))
}

fn unquoted(json: &str) -> String {
    if json.starts_with('"') {
        return serde_json::from_str(json).unwrap_or_else(|_| json.to_owned());
    }
    json.to_owned()
}

fn extract_path(row: &[Option<&str>]) -> Result<Option<String>, Failure> {
    let (Some(json), mut path) = (first(row), row.get(1..).unwrap_or_default()) else { return Ok(None) };
    // A boolean at the end, which arrives as text, says whether what is no JSON is null.
    let null_if_invalid = matches!(path.last(), Some(Some("true" | "false"))) && path.len() > 1;
    let quiet = null_if_invalid && path.last() == Some(&Some("true"));
    if null_if_invalid {
        path = &path[..path.len() - 1];
    }
    match under(json, path) {
        Ok(value) => Ok(value.map(|value| unquoted(value.get()))),
        Err(_) if quiet => Ok(None),
        Err(_) => Err(no_json(json)),
    }
}

fn extract_element(row: &[Option<&str>]) -> Result<Option<String>, Failure> {
    let [Some(json), Some(place), ..] = row else { return Ok(None) };
    let items: Vec<&RawValue> = serde_json::from_str(json).map_err(|_| no_json(json))?;
    let item = place.parse::<usize>().ok().and_then(|place| items.get(place));
    Ok(item.map(|item| item.get()).filter(|item| *item != "null").map(unquoted))
}

fn parse(row: &[Option<&str>]) -> Result<Option<String>, Failure> {
    let Some(json) = first(row) else { return Ok(None) };
    canonical(json).map(Some).ok_or_else(|| no_json(json))
}

/// JSON as a SUPER column keeps it: the same text for the same value, numbers as they were written; nothing where it is none.
pub(in crate::services::redshift) fn canonical(json: &str) -> Option<String> {
    let json = json.trim();
    if json.starts_with(['{', '[', '"']) {
        return serde_json::from_str::<Value>(json).ok().map(|value| value.to_string());
    }
    serde_json::from_str::<&RawValue>(json).ok().map(|value| value.get().to_owned())
}

fn serialize(row: &[Option<&str>]) -> Result<Option<String>, Failure> {
    Ok(first(row).map(str::to_owned))
}

/// Lax, as Redshift navigates: what is not there is null.
fn navigate(row: &[Option<&str>]) -> Result<Option<String>, Failure> {
    let Some(json) = first(row) else { return Ok(None) };
    let found = under(json, row.get(1..).unwrap_or_default());
    Ok(found.map_err(|_| no_json(json))?.map(|value| value.get().to_owned()))
}

fn plain(row: &[Option<&str>]) -> Result<Option<String>, Failure> {
    Ok(first(row).map(unquoted))
}

/// `IS_VALID_JSON(text)`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct IsValidJson {
    signature: Signature,
}

impl IsValidJson {
    fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for IsValidJson {
    fn name(&self) -> &str {
        "is_valid_json"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![DataType::Utf8; arguments.len()])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = texts(&call)?;
        let [column] = columns.as_slice() else {
            return Err(DataFusionError::Plan("is_valid_json takes one argument".into()));
        };
        let valid = |text: &str| text.trim_start().starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok();
        let valid = column.as_string::<i32>().iter().map(|text| text.map(valid));
        Ok(ColumnarValue::Array(Arc::new(valid.collect::<BooleanArray>())))
    }
}

/// `obj_description(id[, catalogue])`: the comment on a table or schema.
#[derive(Debug)]
struct ObjDescription {
    comments: HashMap<i64, String>,
    signature: Signature,
}

impl ObjDescription {
    fn new(comments: HashMap<i64, String>) -> Self {
        Self { comments, signature: Signature::user_defined(Volatility::Stable) }
    }
}

impl PartialEq for ObjDescription {
    fn eq(&self, other: &Self) -> bool {
        self.comments == other.comments
    }
}

impl Eq for ObjDescription {}

impl Hash for ObjDescription {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.comments.len().hash(state);
    }
}

impl ScalarUDFImpl for ObjDescription {
    fn name(&self) -> &str {
        "obj_description"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        Ok([DataType::Int64, DataType::Utf8].into_iter().take(arguments.len()).collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(ids) = call.args.first() else {
            return Err(DataFusionError::Plan("obj_description takes the id of an object".into()));
        };
        let ids = ids.to_array(call.number_rows)?;
        let comment = |id: Option<i64>| id.and_then(|id| self.comments.get(&id).cloned());
        let comments = ids.as_primitive::<Int64Type>().iter().map(comment);
        Ok(ColumnarValue::Array(Arc::new(comments.collect::<StringArray>())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_extracted_as_text() {
        let extract = |row: &[&str]| {
            extract_path(&row.iter().map(|text| Some(*text)).collect::<Vec<_>>()).map_err(|failure| failure.to_string())
        };
        let json = r#"{"a": {"b": "x\"y", "n": 1.50, "z": null}}"#;
        assert_eq!(extract(&[json, "a", "b"]), Ok(Some("x\"y".into())));
        assert_eq!(extract(&[json, "a", "n"]), Ok(Some("1.50".into())));
        assert_eq!(extract(&[json, "a", "z"]), Ok(None));
        assert_eq!(extract(&[json, "a", "none"]), Ok(None));
        assert_eq!(extract(&["{broken", "a", "true"]), Ok(None));
        assert!(extract(&["{broken", "a"]).expect_err("an error").contains("{broken"));
        assert_eq!(extract_path(&[None, Some("a")]), Ok(None));
    }

    #[test]
    fn navigation_keeps_what_kind_of_value_it_is() {
        assert_eq!(navigate(&[Some(r#"{"a": {"b": "x"}}"#), Some("a"), Some("b")]), Ok(Some("\"x\"".into())));
        assert_eq!(plain(&[Some("\"x\"")]), Ok(Some("x".into())));
        assert_eq!(navigate(&[Some(r#"{"a": 1}"#), Some("a"), Some("b")]), Ok(None));
        assert_eq!(parse(&[Some("{ \"a\":  [1, 2] }")]), Ok(Some(r#"{"a":[1,2]}"#.into())));
    }
}
