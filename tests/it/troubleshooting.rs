//! docs/troubleshooting.md lists messages that the code really has: the fixed parts of each are in a text of the sources.

use std::fs;

use crate::floors::{root, sources};

/// A text of the sources, as the fixed parts between its placeholders.
type Text = Vec<String>;

/// Lower-case words without marks.
fn plain(text: &str) -> String {
    let words: String = text.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The texts in quotation marks in a source file without its unit tests, those that go on in the next line included.
fn texts(source: &str) -> Vec<Text> {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n").replace("'\"'", "");
    let mut texts = Vec::new();
    let mut rest = code.as_str();
    while let Some((_, inside)) = rest.split_once('"') {
        let mut text = String::new();
        let mut chars = inside.char_indices();
        let end = loop {
            match chars.next() {
                Some((at, '"')) => break at,
                Some((_, '\\')) => text.push(chars.next().map_or(' ', |(_, c)| if c == 'n' { ' ' } else { c })),
                Some((_, c)) => text.push(c),
                None => break inside.len(),
            }
        };
        rest = inside.get(end + 1..).unwrap_or_default();
        texts.push(parts(&text));
    }
    texts
}

/// What is fixed between placeholders.
fn parts(text: &str) -> Text {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for c in text.replace("{{", " ").replace("}}", " ").chars() {
        match c {
            '{' => {
                depth += 1;
                parts.push(String::new());
            }
            '}' => depth -= 1,
            c if depth == 0 => parts.last_mut().expect("there is one").push(c),
            _ => {}
        }
    }
    parts.iter().map(|part| plain(part)).collect()
}

/// What a placeholder may stand for.
const MOST_WORDS: usize = 3;

/// Whether a text says a part of a message, if a few words may stand where it has placeholders: but at least a quarter of the
/// part's letters are the text's own.
fn says(text: &[String], part: &str) -> bool {
    let begins = |at: usize| {
        let own = |length: &usize| text[at].ends_with(&part[..*length]);
        let mut lengths = part.char_indices().map(|(length, _)| length).filter(own);
        lengths.any(|length| goes_on(&text[at + 1..], &part[length..], length, part.len()))
    };
    text.iter().any(|fixed| fixed.contains(part)) || (0..text.len()).any(begins)
}

/// The same for what is left of a part where a placeholder of the text begins, if there is one.
fn goes_on(text: &[String], left: &str, own: usize, whole: usize) -> bool {
    let Some((fixed, behind)) = text.split_first() else { return false };
    let is_short = |words: &str| words.split_whitespace().count() <= MOST_WORDS;
    let is_enough = |own: usize| own * 4 >= whole;
    if is_short(left) && is_enough(own) {
        return true;
    }
    let mut ends = left.char_indices().filter(|(at, _)| is_short(&left[..*at])).map(|(at, _)| &left[at..]);
    ends.any(|end| {
        let is_last = fixed.starts_with(end) && is_enough(own + end.len());
        let after = end.strip_prefix(fixed.as_str()).filter(|_| !fixed.is_empty());
        is_last || after.is_some_and(|left| goes_on(behind, left, own + fixed.len(), whole))
    })
}

/// What stands in backticks in the first cell of each row of the tables of messages.
fn messages(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for cell in page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()) {
        let mut rest = cell;
        while let Some(at) = rest.find('`') {
            let mark = if rest[at..].starts_with("``") { "``" } else { "`" };
            let Some((message, after)) = rest[at + mark.len()..].split_once(mark) else { break };
            found.push(message);
            rest = after;
        }
    }
    found
}

#[test]
fn each_message_of_the_page_is_one_that_the_code_has() {
    let (mut files, mut known) = (Vec::new(), Vec::new());
    for folder in ["src", "crates"] {
        sources(&root().join(folder), &mut files);
    }
    for file in files {
        known.extend(texts(&fs::read_to_string(file).expect("a source file")));
    }
    let page = fs::read_to_string(root().join("docs/troubleshooting.md")).expect("the page");
    let messages = messages(&page);
    assert!(messages.len() > 100, "{}", messages.len());
    let is_unknown = |message: &&str| {
        let fixed = message.split('…').map(plain).filter(|part| !part.is_empty());
        !fixed.into_iter().all(|part| known.iter().any(|text| says(text, &part)))
    };
    let unknown: Vec<_> = messages.into_iter().filter(is_unknown).collect();
    assert!(unknown.is_empty(), "no text of the sources says:\n{}", unknown.join("\n"));
}

#[test]
fn a_message_is_told_from_one_that_is_like_it() {
    let texts =
        texts("f(\"{count} mistake{s} in the \\\n   stack; it is {what}, not a file\", \"a \\\"b\\\"\", \"{}: {}\")");
    let is_said = |part: &str| texts.iter().any(|text| says(text, &plain(part)));
    assert!(is_said("mistakes in the stack; it is a FIFO, not a file") && is_said("in the stack") && is_said("a `b`"));
    assert!(!is_said("mistakes of the stack") && !is_said("it is in no stack at all") && !is_said("anything: else"));
    assert_eq!(messages("| `a …` or ``b `c` d`` | e `f` |\n`g`"), ["a …", "b `c` d"]);
}
