//! Functions of text.

use datafusion::{arrow::datatypes::DataType, scalar::ScalarValue};

use super::{
    super::{
        refusal::Refusal,
        scalar::{Call, Function, Outcome},
        signature::{Bound, bind},
        types::is_text,
        value::Value,
    },
    cast,
};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("chr", &["bigint -> varchar"], chr, ("chr(65)", "A")),
    Function::new("codepoint", &["varchar -> integer"], codepoint, ("codepoint('A')", "65")),
    Function::new(
        "concat_ws",
        &["varchar, varchar... -> varchar"],
        concat_ws,
        ("concat_ws('-', 'a', NULL, 'b')", "a-b"),
    )
    .with_nulls(),
    Function::new("ends_with", &["varchar, varchar -> boolean"], ends_with, ("ends_with('hello', 'lo')", "true")),
    Function::computed(
        "format",
        format_types,
        format,
        ("format('%s has %d items at %.2f', 'x', 3, 1.5e0)", "x has 3 items at 1.50"),
    )
    .with_nulls(),
    Function::new(
        "hamming_distance",
        &["varchar, varchar -> bigint"],
        hamming,
        ("hamming_distance('abc', 'abd')", "1"),
    ),
    Function::new("length", &["varchar -> bigint", "varbinary -> bigint"], length, ("length('Çelik')", "5")),
    Function::new(
        "levenshtein_distance",
        &["varchar, varchar -> bigint"],
        levenshtein,
        ("levenshtein_distance('kitten', 'sitting')", "3"),
    ),
    Function::new("lower", &["varchar -> varchar"], lower, ("lower('ABC')", "abc")),
    Function::new("lpad", &["varchar, bigint, varchar -> varchar"], lpad, ("lpad('7', 3, '0')", "007")),
    Function::new("ltrim", &["varchar -> varchar", "varchar, varchar -> varchar"], ltrim, ("ltrim('  x')", "x")),
    Function::new("luhn_check", &["varchar -> boolean"], luhn, ("luhn_check('79927398713')", "true")),
    Function::new(
        "replace",
        &["varchar, varchar -> varchar", "varchar, varchar, varchar -> varchar"],
        replace,
        ("replace('a-b-c', '-', '+')", "a+b+c"),
    ),
    Function::new("rpad", &["varchar, bigint, varchar -> varchar"], rpad, ("rpad('7', 3, 'ab')", "7ab")),
    Function::new("rtrim", &["varchar -> varchar", "varchar, varchar -> varchar"], rtrim, ("rtrim('x  ')", "x")),
    Function::new("soundex", &["varchar -> varchar"], soundex, ("soundex('Robert')", "R163")),
    Function::new(
        "split",
        &["varchar, varchar -> array(varchar)", "varchar, varchar, bigint -> array(varchar)"],
        split,
        ("split('a,b,,c', ',')", "[a, b, , c]"),
    ),
    Function::new(
        "split_part",
        &["varchar, varchar, bigint -> varchar"],
        split_part,
        ("split_part('a/b/c', '/', 2)", "b"),
    ),
    Function::new(
        "split_to_map",
        &["varchar, varchar, varchar -> map(varchar, varchar)"],
        split_to_map,
        ("split_to_map('a=1;b=2', ';', '=')", "{a=1, b=2}"),
    ),
    Function::new("starts_with", &["varchar, varchar -> boolean"], starts_with, ("starts_with('hello', 'he')", "true")),
    Function::new(
        "strpos",
        &["varchar, varchar -> bigint", "varchar, varchar, bigint -> bigint"],
        strpos,
        ("strpos('a-b-c', '-', 2)", "4"),
    ),
    Function::new(
        "substr",
        &["varchar, bigint -> varchar", "varchar, bigint, bigint -> varchar"],
        substr,
        ("substr('hello', 2, 3)", "ell"),
    ),
    Function::new(
        "substring",
        &["varchar, bigint -> varchar", "varchar, bigint, bigint -> varchar"],
        substr,
        ("substring('hello', -3)", "llo"),
    ),
    Function::new(
        "translate",
        &["varchar, varchar, varchar -> varchar"],
        translate,
        ("translate('abcd', 'bd', 'x')", "axc"),
    ),
    Function::new("trim", &["varchar -> varchar", "varchar, varchar -> varchar"], trim, ("trim('  x ')", "x")),
    Function::new("upper", &["varchar -> varchar"], upper, ("upper('abc')", "ABC")),
];

/// How many characters `lpad` and `rpad` make at most.
const MOST_PADDED: i64 = 1 << 20;

fn chr(_: &Call<'_>, values: &[Value]) -> Outcome {
    let code = values[0].integer();
    let c = u32::try_from(code).ok().and_then(char::from_u32);
    c.map(|c| c.to_string().into()).ok_or_else(|| Refusal::argument(format!("Not a valid Unicode code point: {code}")))
}

fn codepoint(_: &Call<'_>, values: &[Value]) -> Outcome {
    let mut chars = values[0].text().chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(Value::Integer(u32::from(c).into())),
        _ => Err(Refusal::argument("Input string must be a single character string")),
    }
}

fn concat_ws(_: &Call<'_>, values: &[Value]) -> Outcome {
    if values[0].is_null() {
        return Ok(Value::Null);
    }
    let parts: Vec<&str> = values[1..].iter().filter(|value| !value.is_null()).map(Value::text).collect();
    Ok(parts.join(values[0].text()).into())
}

fn starts_with(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(values[0].text().starts_with(values[1].text()).into())
}

fn ends_with(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(values[0].text().ends_with(values[1].text()).into())
}

fn hamming(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (a, b) = (values[0].text(), values[1].text());
    if a.chars().count() != b.chars().count() {
        return Err(Refusal::argument("The input strings to hamming_distance function must have the same length"));
    }
    Ok(a.chars().zip(b.chars()).filter(|(a, b)| a != b).count().into())
}

fn length(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(match &values[0] {
        Value::Bytes(bytes) => bytes.len(),
        other => other.text().chars().count(),
    }
    .into())
}

fn levenshtein(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (a, b): (Vec<char>, Vec<char>) = (values[0].text().chars().collect(), values[1].text().chars().collect());
    if a.len().saturating_mul(b.len()) > 1_000_000 {
        return Err(Refusal::argument("The combined inputs for Levenshtein distance are too large"));
    }
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (row, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut above[0], row + 1);
        for (at, y) in b.iter().enumerate() {
            let least = (diagonal + usize::from(x != y)).min(above[at] + 1).min(above[at + 1] + 1);
            diagonal = std::mem::replace(&mut above[at + 1], least);
        }
    }
    Ok(above[b.len()].into())
}

fn lower(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(values[0].text().to_lowercase().into())
}

fn upper(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(values[0].text().to_uppercase().into())
}

fn padding(values: &[Value]) -> Result<(Vec<char>, usize, Vec<char>), Refusal> {
    let (text, size) = (values[0].text().chars().collect(), values[1].integer());
    let pad: Vec<char> = values[2].text().chars().collect();
    if !(0..=MOST_PADDED).contains(&size) {
        return Err(Refusal::argument(format!(
            "Target length must be in the range [0..{MOST_PADDED}] on the stand-in"
        )));
    }
    if pad.is_empty() {
        return Err(Refusal::argument("Padding string must not be empty"));
    }
    Ok((text, size as usize, pad))
}

fn lpad(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (text, size, pad) = padding(values)?;
    let before = size.saturating_sub(text.len());
    Ok(pad.iter().cycle().take(before).chain(text.iter().take(size)).collect::<String>().into())
}

fn rpad(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (text, size, pad) = padding(values)?;
    let behind = size.saturating_sub(text.len());
    Ok(text.iter().take(size).chain(pad.iter().cycle().take(behind)).collect::<String>().into())
}

fn is_trimmed(values: &[Value]) -> impl Fn(char) -> bool + '_ {
    move |c| match values.get(1) {
        Some(set) => set.text().contains(c),
        None => c.is_whitespace(),
    }
}

fn trim(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(values[0].text().trim_matches(is_trimmed(values)).into())
}

fn ltrim(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(values[0].text().trim_start_matches(is_trimmed(values)).into())
}

fn rtrim(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(values[0].text().trim_end_matches(is_trimmed(values)).into())
}

fn luhn(_: &Call<'_>, values: &[Value]) -> Outcome {
    let digits = values[0].text().chars().rev().map(|c| c.to_digit(10)).collect::<Option<Vec<u32>>>();
    let digits =
        digits.ok_or_else(|| Refusal::argument(format!("'{}' is not a valid digit string", values[0].text())))?;
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(at, digit)| if at % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
        .sum();
    Ok((!digits.is_empty() && sum.is_multiple_of(10)).into())
}

fn replace(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (text, from, to) = (values[0].text(), values[1].text(), values.get(2).map_or("", Value::text));
    if text.matches(from).count().saturating_mul(to.len()) > MOST_PADDED as usize * 64 {
        return Err(Refusal::argument("inputs to \"replace\" function are too large"));
    }
    Ok(text.replace(from, to).into())
}

fn soundex(_: &Call<'_>, values: &[Value]) -> Outcome {
    let code = |c: char| match c.to_ascii_lowercase() {
        'b' | 'f' | 'p' | 'v' => '1',
        'c' | 'g' | 'j' | 'k' | 'q' | 's' | 'x' | 'z' => '2',
        'd' | 't' => '3',
        'l' => '4',
        'm' | 'n' => '5',
        'r' => '6',
        'h' | 'w' => '-',
        _ => '0',
    };
    let letters: Vec<char> = values[0].text().chars().filter(char::is_ascii_alphabetic).collect();
    let Some(first) = letters.first() else { return Ok("".into()) };
    let (mut text, mut last) = (first.to_ascii_uppercase().to_string(), code(*first));
    for digit in letters[1..].iter().map(|c| code(*c)).filter(|digit| *digit != '-') {
        if digit != last && digit != '0' {
            text.push(digit);
        }
        last = digit;
    }
    Ok(format!("{text:0<4}")[..4].into())
}

fn delimiter(values: &[Value]) -> Result<&str, Refusal> {
    let delimiter = values[1].text();
    if delimiter.is_empty() {
        Err(Refusal::argument("The delimiter may not be the empty string"))
    } else {
        Ok(delimiter)
    }
}

fn split(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (text, delimiter) = (values[0].text(), delimiter(values)?);
    let limit = values.get(2).map_or(i64::MAX, Value::integer);
    if limit <= 0 {
        return Err(Refusal::argument("Limit must be positive"));
    }
    Ok(Value::List(text.splitn(limit as usize, delimiter).map(Value::from).collect()))
}

fn split_part(_: &Call<'_>, values: &[Value]) -> Outcome {
    let index = values[2].integer();
    if index <= 0 {
        return Err(Refusal::argument("Index must be greater than zero"));
    }
    Ok(values[0].text().split(delimiter(values)?).nth(index as usize - 1).into())
}

fn split_to_map(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (entries, pair) = (delimiter(values)?, values[2].text());
    let mut map: Vec<(Value, Value)> = Vec::new();
    for entry in values[0].text().split(entries).filter(|entry| !entry.is_empty()) {
        let (key, value) = entry.split_once(pair).ok_or_else(|| {
            Refusal::argument(format!(
                "Key-value delimiter must appear exactly once in each entry. Bad input: '{entry}'"
            ))
        })?;
        if map.iter().any(|(known, _)| known.text() == key) {
            return Err(Refusal::argument(format!("Duplicate keys ({key}) are not allowed")));
        }
        map.push((key.into(), value.into()));
    }
    Ok(Value::Map(map))
}

fn strpos(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (text, sought) = (values[0].text(), values[1].text());
    let instance = values.get(2).map_or(1, Value::integer);
    let position = |at: usize| text[..at].chars().count() + 1;
    if instance == 0 {
        return Err(Refusal::argument("'instance' must not be a positive or negative number."));
    }
    if sought.is_empty() {
        return Ok(1_usize.into());
    }
    let found = match instance {
        1.. => text.match_indices(sought).nth(instance as usize - 1),
        _ => text.rmatch_indices(sought).nth(instance.unsigned_abs() as usize - 1),
    };
    Ok(found.map_or(0, |(at, _)| position(at)).into())
}

fn substr(_: &Call<'_>, values: &[Value]) -> Outcome {
    let chars: Vec<char> = values[0].text().chars().collect();
    let (from, size) = (values[1].integer(), values.get(2).map_or(i64::MAX, Value::integer));
    let start = match from {
        1.. => from - 1,
        0 => return Ok("".into()),
        _ => chars.len() as i64 + from,
    };
    if start < 0 || start >= chars.len() as i64 || size <= 0 {
        return Ok("".into());
    }
    Ok(chars.iter().skip(start as usize).take(size as usize).collect::<String>().into())
}

fn translate(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (from, to): (Vec<char>, Vec<char>) = (values[1].text().chars().collect(), values[2].text().chars().collect());
    let each = values[0].text().chars().filter_map(|c| match from.iter().position(|known| *known == c) {
        Some(at) => to.get(at).copied(),
        None => Some(c),
    });
    Ok(each.collect::<String>().into())
}

/// Java's format specifiers, those of them that text and numbers have.
fn format(call: &Call<'_>, values: &[Value]) -> Outcome {
    if values[0].is_null() {
        return Ok(Value::Null);
    }
    let bad = |what: &str| Refusal::argument(format!("Invalid format string: {} ({what})", values[0].text()));
    let (mut text, mut next) = (String::new(), 1);
    let mut chars = values[0].text().chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let mut spec = String::new();
        while let Some(c) = chars.next_if(|c| !c.is_alphabetic() && *c != '%') {
            spec.push(c);
        }
        match chars.next().ok_or_else(|| bad("it ends in a specifier"))? {
            '%' => text.push('%'),
            'n' => text.push('\n'),
            conversion => {
                let value = values.get(next).ok_or_else(|| bad("too few arguments"))?;
                let formatted = formatted(&spec, conversion, value, &call.arguments[next]);
                text.push_str(&formatted.ok_or_else(|| bad(&format!("%{spec}{conversion}")))?);
                next += 1;
            }
        }
    }
    Ok(text.into())
}

/// A value by one specifier; nothing where it has no such conversion.
fn formatted(spec: &str, conversion: char, value: &Value, kind: &DataType) -> Option<String> {
    let flags: String = spec.chars().take_while(|c| "-+ 0,#(".contains(*c)).collect();
    let (width, precision) = match spec[flags.len()..].split_once('.') {
        Some((width, precision)) => (width, Some(precision.parse::<usize>().ok()?)),
        None => (&spec[flags.len()..], None),
    };
    let width = if width.is_empty() { 0 } else { width.parse::<usize>().ok()? };
    if width > 10_000 || precision.is_some_and(|precision| precision > 1_000) {
        return None;
    }
    let body = match (conversion, value) {
        (_, Value::Null) => "null".to_owned(),
        ('s' | 'S', value) => {
            let text = cast::text(value, kind);
            let text: String = text.chars().take(precision.unwrap_or(usize::MAX)).collect();
            if conversion == 'S' { text.to_uppercase() } else { text }
        }
        ('d', Value::Integer(number)) => {
            signed(&flags, *number < 0, grouped(&flags, &number.unsigned_abs().to_string()))
        }
        ('x', Value::Integer(number)) => format!("{number:x}"),
        ('X', Value::Integer(number)) => format!("{number:X}"),
        ('o', Value::Integer(number)) => format!("{number:o}"),
        ('f', Value::Double(_) | Value::Decimal(_)) => {
            let number = cast::double(value, kind);
            let digits = format!("{:.*}", precision.unwrap_or(6), number.abs());
            let (whole, rest) = digits
                .split_once('.')
                .map_or((digits.as_str(), String::new()), |(whole, rest)| (whole, format!(".{rest}")));
            signed(&flags, number < 0.0, grouped(&flags, whole) + &rest)
        }
        ('b' | 'B', Value::Boolean(is)) => is.to_string(),
        _ => return None,
    };
    let missing = width.saturating_sub(body.chars().count());
    Some(match flags {
        flags if flags.contains('-') => body + &" ".repeat(missing),
        flags if flags.contains('0') && conversion != 's' => {
            let sign = if body.starts_with(['-', '+']) { &body[..1] } else { "" };
            format!("{sign}{}{}", "0".repeat(missing), &body[sign.len()..])
        }
        _ => " ".repeat(missing) + &body,
    })
}

fn grouped(flags: &str, digits: &str) -> String {
    if !flags.contains(',') {
        return digits.to_owned();
    }
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8_lossy(&groups.join(&b',')).into_owned()
}

fn signed(flags: &str, is_negative: bool, digits: String) -> String {
    match is_negative {
        true => format!("-{digits}"),
        false if flags.contains('+') => format!("+{digits}"),
        false => digits,
    }
}

fn format_types(arguments: &[DataType], _: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    match arguments.first() {
        Some(first) if is_text(first) && arguments.len() > 1 => Ok((arguments.to_vec(), DataType::Utf8)),
        _ => bind("format", &["varchar, T... -> varchar"], arguments),
    }
}
