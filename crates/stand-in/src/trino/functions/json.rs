//! Functions of JSON. A value of JSON is its text, the keys of its objects in order.

use serde_json::Value as Json;

use super::super::{
    refusal::Refusal,
    scalar::{Call, Function, Outcome},
    value::Value,
};

const PATH: &[&str] = &["varchar, varchar -> json", "json, varchar -> json"];
const PATH_TEXT: &[&str] = &["varchar, varchar -> varchar", "json, varchar -> varchar"];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "is_json_scalar",
        &["varchar -> boolean", "json -> boolean"],
        is_scalar,
        ("is_json_scalar('[1]')", "false"),
    ),
    Function::new(
        "json_array_contains",
        &[
            "varchar, varchar -> boolean",
            "json, varchar -> boolean",
            "varchar, bigint -> boolean",
            "json, bigint -> boolean",
            "varchar, double -> boolean",
            "json, double -> boolean",
            "varchar, boolean -> boolean",
            "json, boolean -> boolean",
        ],
        array_contains,
        ("json_array_contains('[1, 2, 3]', 2)", "true"),
    ),
    Function::new(
        "json_array_get",
        &["varchar, bigint -> json", "json, bigint -> json"],
        array_get,
        ("json_array_get('[7, 8]', 1)", "8"),
    ),
    Function::new(
        "json_array_length",
        &["varchar -> bigint", "json -> bigint"],
        array_length,
        ("json_array_length('[1, 2]')", "2"),
    ),
    Function::new("json_exists", PATH_IS, exists, ("json_exists('{\"a\": 1}', 'lax $.a')", "true")),
    Function::new("json_extract", PATH, extract, ("json_extract('{\"a\": {\"b\": [1]}}', '$.a')", "{\"b\":[1]}")),
    Function::new(
        "json_extract_scalar",
        PATH_TEXT,
        extract_scalar,
        ("json_extract_scalar('{\"a\": [1, \"x\"]}', '$.a[1]')", "x"),
    ),
    Function::new(
        "json_format",
        &["json -> varchar"],
        |_, v| Ok(v[0].clone()),
        ("json_format(JSON '{\"a\": 1}')", "{\"a\":1}"),
    ),
    Function::new(
        "json_parse",
        &["varchar -> json"],
        parse,
        ("json_parse('{\"b\": 1, \"a\": 2.50}')", "{\"a\":2.5,\"b\":1}"),
    ),
    Function::new("json_query", PATH_TEXT, query, ("json_query('{\"a\": [1, 2]}', 'lax $.a')", "[1,2]")),
    Function::new(
        "json_size",
        &["varchar, varchar -> bigint", "json, varchar -> bigint"],
        size,
        ("json_size('{\"a\": [1, 2]}', '$.a')", "2"),
    ),
    Function::new("json_value", PATH_TEXT, value, ("json_value('{\"a\": \"x\"}', 'lax $.a')", "x")),
];

const PATH_IS: &[&str] = &["varchar, varchar -> boolean", "json, varchar -> boolean"];

/// The value that a text has; nothing where it is no JSON.
pub(super) fn parsed(text: &str) -> Option<Json> {
    serde_json::from_str(text).ok()
}

fn parse(_: &Call<'_>, values: &[Value]) -> Outcome {
    let text = values[0].text();
    parsed(text)
        .map(|json| printed(&json).into())
        .ok_or_else(|| Refusal::argument(format!("Cannot convert value to JSON: '{text}'")))
}

/// The text of a value, numbers as Java prints them.
pub(super) fn printed(json: &Json) -> String {
    let mut text = String::new();
    print(&mut text, json);
    text
}

fn print(text: &mut String, json: &Json) {
    match json {
        Json::Number(number) if number.is_f64() => text.push_str(&java(number.as_f64().unwrap_or_default())),
        Json::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(text, index);
                print(text, item);
            }
            text.push(']');
        }
        Json::Object(fields) => {
            text.push('{');
            for (index, (key, value)) in fields.iter().enumerate() {
                separate(text, index);
                quote(text, key);
                text.push(':');
                print(text, value);
            }
            text.push('}');
        }
        Json::String(string) => quote(text, string),
        other => text.push_str(&other.to_string()),
    }
}

pub(super) fn separate(text: &mut String, index: usize) {
    if index > 0 {
        text.push(',');
    }
}

pub(super) fn quote(text: &mut String, string: &str) {
    text.push_str(&Json::from(string).to_string());
}

/// `1.0E10`, `0.001`: as Java's `Double.toString`.
pub(super) fn java(number: f64) -> String {
    if number == 0.0 || (1e-3..1e7).contains(&number.abs()) {
        return format!("{number:?}");
    }
    let text = format!("{number:E}");
    let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
    format!("{mantissa}{}E{exponent}", if mantissa.contains('.') { "" } else { ".0" })
}

enum Step {
    Key(String),
    Index(usize),
}

/// `$.a.b[0]["c"]`.
fn steps(path: &str) -> Result<Vec<Step>, Refusal> {
    let no = || Refusal::argument(format!("Invalid JSON path: '{path}'"));
    let mut rest = path.trim().strip_prefix('$').ok_or_else(no)?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix('.') {
            let end = behind.find(['.', '[']).unwrap_or(behind.len());
            let (key, behind) = behind.split_at(end);
            if key.is_empty() || !key.chars().all(|c| c.is_alphanumeric() || "_-:@".contains(c)) {
                return Err(no());
            }
            steps.push(Step::Key(key.to_owned()));
            rest = behind;
            continue;
        }
        let inside = rest.strip_prefix('[').ok_or_else(no)?;
        let quote = inside.chars().next().filter(|c| "'\"".contains(*c));
        if let Some(quote) = quote {
            let (key, behind) = inside[1..].split_once(quote).ok_or_else(no)?;
            steps.push(Step::Key(key.to_owned()));
            rest = behind.strip_prefix(']').ok_or_else(no)?;
        } else {
            let (index, behind) = inside.split_once(']').ok_or_else(no)?;
            steps.push(match index.trim().parse() {
                Ok(index) => Step::Index(index),
                Err(_) => return Err(no()),
            });
            rest = behind;
        }
    }
    Ok(steps)
}

fn walk<'a>(json: &'a Json, steps: &[Step]) -> Option<&'a Json> {
    steps.iter().try_fold(json, |json, step| match step {
        Step::Key(key) => json.get(key),
        Step::Index(index) => json.get(index),
    })
}

/// What lies at the path; nothing where the text is no JSON, or has nothing there.
fn at<T>(values: &[Value], path: &str, of: impl FnOnce(&Json) -> T) -> Result<Option<T>, Refusal> {
    let steps = steps(path)?;
    let json = parsed(values[0].text());
    Ok(json.as_ref().and_then(|json| walk(json, &steps)).map(of))
}

/// A path of SQL/JSON, of which the stand-in has members and indices.
fn standard(path: &str) -> Result<&str, Refusal> {
    let plain = path.trim().strip_prefix("lax ").or_else(|| path.trim().strip_prefix("strict "));
    let plain = plain.map(str::trim).filter(|plain| !plain.contains(['?', '*', '(', '@']));
    plain.ok_or_else(|| {
        Refusal::new("NOT_SUPPORTED", format!("the stand-in has no such JSON path, Athena may have it: {path}"))
    })
}

fn extract(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(at(values, values[1].text(), printed)?.into())
}

fn scalar(json: &Json) -> Option<String> {
    match json {
        Json::Null | Json::Array(_) | Json::Object(_) => None,
        Json::String(text) => Some(text.clone()),
        other => Some(printed(other)),
    }
}

fn extract_scalar(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(at(values, values[1].text(), scalar)?.flatten().into())
}

fn value(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(at(values, standard(values[1].text())?, scalar)?.flatten().into())
}

fn query(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(at(values, standard(values[1].text())?, printed)?.into())
}

fn exists(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(at(values, standard(values[1].text())?, |_| ())?.is_some().into())
}

fn size(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(at(values, values[1].text(), |json| match json {
        Json::Array(items) => items.len(),
        Json::Object(fields) => fields.len(),
        _ => 0,
    })?
    .into())
}

fn is_scalar(_: &Call<'_>, values: &[Value]) -> Outcome {
    let json = parsed(values[0].text())
        .ok_or_else(|| Refusal::argument(format!("Invalid JSON value: {}", values[0].text())))?;
    Ok((!json.is_array() && !json.is_object()).into())
}

fn array_length(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(parsed(values[0].text()).and_then(|json| Some(json.as_array()?.len())).into())
}

fn array_get(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (json, index) = (parsed(values[0].text()), values[1].integer());
    let items = json.as_ref().and_then(Json::as_array);
    let found = items.and_then(|items| match index {
        0.. => items.get(index as usize),
        _ => items.len().checked_sub(index.unsigned_abs() as usize).and_then(|at| items.get(at)),
    });
    Ok(found.map(|json| json.as_str().map_or_else(|| printed(json), str::to_owned)).into())
}

fn array_contains(_: &Call<'_>, values: &[Value]) -> Outcome {
    let is_it = |json: &Json| match &values[1] {
        Value::Text(text) => json.as_str() == Some(text),
        Value::Integer(number) => json.as_i64() == Some(*number),
        Value::Double(number) => json.is_f64() && json.as_f64() == Some(*number),
        other => json.as_bool() == Some(other.is_true()),
    };
    let json = parsed(values[0].text());
    Ok(json.as_ref().and_then(Json::as_array).map(|items| items.iter().any(is_it)).into())
}
