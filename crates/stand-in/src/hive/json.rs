//! A scan over JSON text that finds an object's fields and validates what it passes, without building anything.

use std::borrow::Cow;

/// How deep objects and arrays may lie in each other.
const MAX_DEPTH: usize = 128;

/// The text is no JSON from this byte on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) at: usize,
}

type End = Result<usize, Malformed>;

/// Shows each field of the object that starts at `at`: its key as it is written, without the quotes, and where its
/// value lies. Returns where the object ends; what follows is not read.
pub(super) fn fields(text: &[u8], at: usize, field: impl FnMut(&[u8], usize, usize)) -> End {
    object(text, skip_space(text, at), 0, field)
}

/// Shows where each item of the array that starts at `at` lies.
pub(super) fn items(text: &[u8], at: usize, item: impl FnMut(usize, usize)) -> End {
    array(text, skip_space(text, at), 0, item)
}

/// A JSON string's content, from between its quotes; a broken escape is kept as it is written.
pub(super) fn unescape(raw: &[u8]) -> Cow<'_, str> {
    if !raw.contains(&b'\\') {
        return String::from_utf8_lossy(raw);
    }
    let quoted = format!("\"{}\"", String::from_utf8_lossy(raw));
    match serde_json::from_str(&quoted) {
        Ok(text) => Cow::Owned(text),
        Err(_) => String::from_utf8_lossy(raw),
    }
}

fn object(text: &[u8], at: usize, depth: usize, mut field: impl FnMut(&[u8], usize, usize)) -> End {
    let mut at = skip_space(text, expect(text, at, b'{')?);
    if text.get(at) == Some(&b'}') {
        return Ok(at + 1);
    }
    loop {
        let key_end = string(text, at)?;
        let value = skip_space(text, expect(text, skip_space(text, key_end), b':')?);
        let value_end = any(text, value, depth + 1)?;
        field(&text[at + 1..key_end - 1], value, value_end);
        at = skip_space(text, value_end);
        match text.get(at) {
            Some(b',') => at = skip_space(text, at + 1),
            Some(b'}') => return Ok(at + 1),
            _ => return Err(Malformed { at }),
        }
    }
}

fn array(text: &[u8], at: usize, depth: usize, mut item: impl FnMut(usize, usize)) -> End {
    let mut at = skip_space(text, expect(text, at, b'[')?);
    if text.get(at) == Some(&b']') {
        return Ok(at + 1);
    }
    loop {
        let end = any(text, at, depth + 1)?;
        item(at, end);
        at = skip_space(text, end);
        match text.get(at) {
            Some(b',') => at = skip_space(text, at + 1),
            Some(b']') => return Ok(at + 1),
            _ => return Err(Malformed { at }),
        }
    }
}

fn any(text: &[u8], at: usize, depth: usize) -> End {
    match text.get(at) {
        Some(b'"') => string(text, at),
        Some(b'{') if depth < MAX_DEPTH => object(text, at, depth, ignore_field),
        Some(b'[') if depth < MAX_DEPTH => array(text, at, depth, ignore_item),
        Some(b't') => literal(text, at, b"true"),
        Some(b'f') => literal(text, at, b"false"),
        Some(b'n') => literal(text, at, b"null"),
        Some(b'-' | b'0'..=b'9') => Ok(number(text, at)),
        _ => Err(Malformed { at }),
    }
}

fn ignore_field(_: &[u8], _: usize, _: usize) {}

fn ignore_item(_: usize, _: usize) {}

fn string(text: &[u8], at: usize) -> End {
    let mut at = expect(text, at, b'"')?;
    loop {
        let rest = &text[at..];
        match rest.iter().position(|b| matches!(b, b'"' | b'\\')) {
            None => return Err(Malformed { at: text.len() }),
            Some(offset) if rest[offset] == b'"' => return Ok(at + offset + 1),
            Some(offset) if at + offset + 2 > text.len() => return Err(Malformed { at: text.len() }),
            Some(offset) => at += offset + 2,
        }
    }
}

fn number(text: &[u8], at: usize) -> usize {
    let digits = text[at..].iter().take_while(|b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
    at + digits.count()
}

fn literal(text: &[u8], at: usize, word: &[u8]) -> End {
    if text[at..].starts_with(word) { Ok(at + word.len()) } else { Err(Malformed { at }) }
}

fn expect(text: &[u8], at: usize, byte: u8) -> End {
    if text.get(at) == Some(&byte) { Ok(at + 1) } else { Err(Malformed { at }) }
}

fn skip_space(text: &[u8], at: usize) -> usize {
    at + text[at.min(text.len())..].iter().take_while(|b| b.is_ascii_whitespace()).count()
}
