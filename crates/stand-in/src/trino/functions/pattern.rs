//! Functions of regular expressions, and of LIKE.

use std::{cell::RefCell, collections::HashMap};

use regex::Regex;

use super::super::{
    refusal::Refusal,
    scalar::{Call, Function, Outcome},
    value::Value,
};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("regexp_count", &["varchar, varchar -> bigint"], count, (r"regexp_count('1a 2b 14m', '\d+')", "3")),
    Function::new(
        "regexp_extract",
        &["varchar, varchar -> varchar", "varchar, varchar, bigint -> varchar"],
        extract,
        (r"regexp_extract('1a 2b 14m', '(\d+)([a-z]+)', 2)", "a"),
    ),
    Function::new(
        "regexp_extract_all",
        &["varchar, varchar -> array(varchar)", "varchar, varchar, bigint -> array(varchar)"],
        extract_all,
        (r"regexp_extract_all('1a 2b 14m', '\d+')", "[1, 2, 14]"),
    ),
    Function::new("regexp_like", &["varchar, varchar -> boolean"], like, (r"regexp_like('1a 2b 14m', '\d+b')", "true")),
    Function::new(
        "regexp_position",
        &["varchar, varchar -> integer", "varchar, varchar, bigint -> integer"],
        position,
        (r"regexp_position('abc1', '\d')", "4"),
    ),
    Function::new(
        "regexp_replace",
        &["varchar, varchar -> varchar", "varchar, varchar, varchar -> varchar"],
        replace,
        (r"regexp_replace('1a 2b', '(\d+)([ab])', '$2$1')", "a1 b2"),
    ),
    Function::new(
        "regexp_split",
        &["varchar, varchar -> array(varchar)"],
        split,
        (r"regexp_split('a1b22c', '\d+')", "[a, b, c]"),
    ),
    Function::new(
        "like",
        &["varchar, varchar -> boolean", "varchar, varchar, varchar -> boolean"],
        sql_like,
        (r"'a_c' LIKE 'a\_c' ESCAPE '\'", "true"),
    ),
];

/// How many expressions a thread keeps compiled.
const KEPT: usize = 32;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::default();
}

/// The expression, compiled once for all rows.
fn compiled(pattern: &str) -> Result<Regex, Refusal> {
    COMPILED.with_borrow_mut(|compiled| {
        if let Some(known) = compiled.get(pattern) {
            return Ok(known.clone());
        }
        let regex = Regex::new(pattern).map_err(|error| match error {
            regex::Error::Syntax(why) if why.contains("look-around") || why.contains("backreference") => {
                Refusal::new("NOT_SUPPORTED", format!("the stand-in has no look-around and no back-references in regular expressions; Athena has them: {pattern}"))
            }
            _ => Refusal::argument(format!("Invalid regular expression: {pattern}")),
        })?;
        if compiled.len() >= KEPT {
            compiled.clear();
        }
        compiled.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    })
}

fn group(regex: &Regex, values: &[Value]) -> Result<usize, Refusal> {
    let (group, most) = (values.get(2).map_or(0, Value::integer), regex.captures_len() - 1);
    usize::try_from(group)
        .ok()
        .filter(|group| *group <= most)
        .ok_or_else(|| Refusal::argument(format!("Pattern has {most} groups. Cannot access group {group}")))
}

fn count(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(compiled(values[1].text())?.find_iter(values[0].text()).count().into())
}

fn extract(_: &Call<'_>, values: &[Value]) -> Outcome {
    let regex = compiled(values[1].text())?;
    let group = group(&regex, values)?;
    Ok(regex.captures(values[0].text()).and_then(|found| Some(found.get(group)?.as_str())).into())
}

fn extract_all(_: &Call<'_>, values: &[Value]) -> Outcome {
    let regex = compiled(values[1].text())?;
    let group = group(&regex, values)?;
    let each = regex.captures_iter(values[0].text()).map(|found| found.get(group).map(|part| part.as_str()).into());
    Ok(Value::List(each.collect()))
}

fn like(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(compiled(values[1].text())?.is_match(values[0].text()).into())
}

fn position(_: &Call<'_>, values: &[Value]) -> Outcome {
    let text = values[0].text();
    let from = values.get(2).map_or(1, Value::integer);
    if from < 1 {
        return Err(Refusal::argument("start position cannot be smaller than 1"));
    }
    let Some((from, _)) = text.char_indices().nth(from as usize - 1) else { return Ok(Value::Integer(-1)) };
    let found = compiled(values[1].text())?.find_at(text, from).map(|found| text[..found.start()].chars().count() + 1);
    Ok(found.map_or(Value::Integer(-1), Value::from))
}

fn replace(_: &Call<'_>, values: &[Value]) -> Outcome {
    let regex = compiled(values[1].text())?;
    let replacement = java_replacement(values.get(2).map_or("", Value::text), regex.captures_len())?;
    Ok(regex.replace_all(values[0].text(), replacement).into_owned().into())
}

/// Java's `$1`, `${name}` and `\$` as the library has them.
fn java_replacement(text: &str, groups: usize) -> Result<String, Refusal> {
    let (mut made, mut chars) = (String::new(), text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('$') => made.push_str("$$"),
                Some(other) => made.push(other),
                None => return Err(Refusal::argument("Invalid replacement sequence: a backslash at its end")),
            },
            '$' if chars.peek().is_some_and(char::is_ascii_digit) => {
                let mut group = 0;
                while let Some(digit) = chars
                    .peek()
                    .and_then(|c| c.to_digit(10))
                    .filter(|digit| group * 10 + (*digit as usize) < groups.max(1))
                {
                    group = group * 10 + digit as usize;
                    chars.next();
                }
                if chars.peek().is_some_and(char::is_ascii_digit) && group == 0 {
                    return Err(Refusal::argument(format!("Invalid replacement sequence: unknown group in {text}")));
                }
                made.push_str(&format!("${{{group}}}"));
            }
            '$' if chars.peek() == Some(&'{') => made.push('$'),
            '$' => return Err(Refusal::argument(format!("Invalid replacement sequence: {text}"))),
            _ => made.push(c),
        }
    }
    Ok(made)
}

fn split(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(Value::List(compiled(values[1].text())?.split(values[0].text()).map(Value::from).collect()))
}

/// LIKE, in which nothing escapes unless ESCAPE says what does.
fn sql_like(_: &Call<'_>, values: &[Value]) -> Outcome {
    let escape = values.get(2).map(Value::text).unwrap_or_default();
    if escape.chars().count() > 1 {
        return Err(Refusal::argument("Escape string must be a single character"));
    }
    let (mut pattern, mut chars) = ("(?s)^".to_owned(), values[1].text().chars());
    while let Some(c) = chars.next() {
        match c {
            c if escape.starts_with(c) => match chars.next() {
                Some(c) if c == '%' || c == '_' || escape.starts_with(c) => {
                    pattern.push_str(&regex::escape(&c.to_string()))
                }
                _ => {
                    return Err(Refusal::argument(
                        "Escape character must be followed by '%', '_' or the escape character itself",
                    ));
                }
            },
            '%' => pattern.push_str(".*"),
            '_' => pattern.push('.'),
            c => pattern.push_str(&regex::escape(&c.to_string())),
        }
    }
    pattern.push('$');
    Ok(compiled(&pattern)?.is_match(values[0].text()).into())
}
