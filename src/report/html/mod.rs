//! A run as one page that needs nothing else: it opens from disk, in light and dark, and prints.

mod page;
mod plot;
mod series;

pub use page::page;
pub use plot::PlotError;

use super::visible::in_one_line;

/// A text as HTML and XML show it; nothing in it is markup, and control characters are shown.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in in_one_line(text).chars() {
        match c {
            '&' => shown += "&amp;",
            '<' => shown += "&lt;",
            '>' => shown += "&gt;",
            '"' => shown += "&quot;",
            '\'' => shown += "&#39;",
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_markup() {
        assert_eq!(escaped("<b a='\"'>&\u{1b}\n"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;\\u{1b}\\n");
    }
}
