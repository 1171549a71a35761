//! Text of documents, keys and services, made safe for a terminal.

use std::borrow::Cow;

/// Shows the control characters of a text (C0, DEL and C1: what moves a terminal's cursor, colors it or retitles it) as
/// `\u{1b}`, except line ends and tabs.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// [`visible`], for a text that stands in a line of its own: line ends and tabs are shown, too.
pub fn in_one_line(text: &str) -> Cow<'_, str> {
    escaped(text, char::is_control)
}

/// The lines of a text, one after the other in one.
pub fn joined(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str, is_shown: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_shown) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_shown(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_is_shown() {
        let text = "a\u{1b}[2J\u{9b}31m\u{7f}\u{7}\r\tb\nc";
        assert_eq!(visible(text), "a\\u{1b}[2J\\u{9b}31m\\u{7f}\\u{7}\\r\tb\nc");
        assert_eq!(in_one_line("a\tb\nc"), "a\\tb\\nc");
        assert!(matches!(visible("café – 日本\n"), Cow::Borrowed(_)));
    }
}
