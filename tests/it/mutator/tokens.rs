//! Changes to text by its tokens: words, numbers, white space and single signs.

use std::iter::repeat_n;

use super::{damage, dice::Dice};

/// So that an input stays within what a command line may be.
const LONGEST: usize = 100_000;

/// Values at limits, and what means something else to one who reads carelessly.
pub const ODD: [&str; 40] = [
    "",
    "0",
    "-1",
    "-0",
    "1.5",
    "1e308",
    "1e400",
    "NaN",
    ".inf",
    "0x10",
    "1_000",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "99999999999999999999999999999999999999999",
    "null",
    "~",
    "true",
    "''",
    "\"",
    "{}",
    "[]",
    "&a",
    "*a",
    "!!binary",
    "<<",
    "{{",
    "}}",
    "{%",
    "--",
    "/*",
    "%",
    "\\",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{feff}",
    "é😀",
    "../../../../dev/null",
    "/dev/zero",
];

/// Changes a few tokens, for others of the same text, of `words`, or of [`ODD`].
pub fn mutate(text: &str, words: &[String], dice: &mut Dice) -> String {
    let mut tokens = split(text);
    for _ in 0..1 + dice.below(4) {
        once(&mut tokens, words, dice);
    }
    let text: String = tokens.concat();
    let mut text = if dice.one_in(10) { damaged(text, dice) } else { text };
    text.truncate(text.floor_char_boundary(LONGEST));
    text
}

fn once(tokens: &mut Vec<String>, words: &[String], dice: &mut Dice) {
    if tokens.is_empty() {
        tokens.push((*dice.pick(&ODD)).to_owned());
    }
    let at = dice.below(tokens.len());
    let end = at + 1 + dice.below((tokens.len() - at).min(24));
    match dice.below(8) {
        0 => {
            let other = dice.below(tokens.len());
            tokens.swap(at, other);
        }
        1 => drop(tokens.drain(at..end)),
        2 => {
            let piece = tokens[at..end].to_vec();
            let bytes: usize = piece.iter().map(String::len).sum();
            let times = dice.times().min(LONGEST / bytes.max(1));
            tokens.splice(at..at, repeat_n(piece, times).flatten());
        }
        3 => nest(tokens, at, end, dice),
        4 if !words.is_empty() => tokens[at] = dice.pick(words).clone(),
        5 => tokens[at] = dice.pick(&ODD).repeat(dice.times()),
        6 => tokens.insert(at, (*dice.pick(&ODD)).to_owned()),
        _ => tokens[at] = (*dice.pick(&ODD)).to_owned(),
    }
}

/// Puts brackets around some tokens, up to very many.
fn nest(tokens: &mut Vec<String>, at: usize, end: usize, dice: &mut Dice) {
    let (open, close) = *dice.pick(&[("(", ")"), ("[", "]"), ("{", "}"), ("{a: ", "}"), ("{{", "}}"), ("\"", "\"")]);
    let times = dice.times();
    tokens.insert(end, close.repeat(times));
    tokens.insert(at, open.repeat(times));
}

fn damaged(text: String, dice: &mut Dice) -> String {
    let mut damaged = text.into_bytes();
    damage::mutate(&mut damaged, dice);
    String::from_utf8_lossy(&damaged).into_owned()
}

fn split(text: &str) -> Vec<String> {
    let class = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 0,
        c if c.is_whitespace() => 1,
        _ => 2,
    };
    let mut tokens: Vec<String> = Vec::new();
    let mut before = None;
    for c in text.chars() {
        match tokens.last_mut() {
            Some(token) if before == Some(class(c)) && class(c) != 2 => token.push(c),
            _ => tokens.push(c.to_string()),
        }
        before = Some(class(c));
    }
    tokens
}

/// The words of a text, for [`mutate`] of another.
pub fn words(text: &str) -> Vec<String> {
    let is_word = |token: &String| token.chars().all(|c| c.is_alphanumeric() || c == '_');
    split(text).into_iter().filter(is_word).collect()
}
