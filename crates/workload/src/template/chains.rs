//! How deeply a template can nest. The chains of operators in its tags: one such as `a ~ b ~ …` is parsed into a tree as
//! deep as the chain is long, which takes the stack to walk; parentheses and blocks the parser bounds by itself. And its
//! values: `{% set x = [x] %}` puts one list more around the value.

/// The longest chain. Walking one takes up to 1 kB of stack for each link; the smallest stack here has 2 MB.
const MOST: usize = 300;

/// The most `set` tags: values lie as deep in each other, and to drop one takes the stack as well.
const MOST_SETS: usize = 1_000;

/// Where a template nests too deeply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) most: usize,
    /// Of what there are more.
    pub(super) what: &'static str,
}

/// Refuses a template that nests too deeply.
pub(super) fn check(text: &str) -> Result<(), TooLong> {
    let (mut rest, mut sets) = (text, 0);
    while let Some(begin) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let at = text.len() - rest.len() + begin;
        let (depth, end) = tag(&rest[begin + 2..]);
        let is_set = rest[begin + 2..].trim_start_matches(['-', '+']).trim_start().starts_with("set");
        sets += usize::from(is_set);
        let line = || text[..at].matches('\n').count() + 1;
        if depth > MOST {
            return Err(TooLong { line: line(), most: MOST, what: "operators in a chain" });
        }
        if sets > MOST_SETS {
            return Err(TooLong { line: line(), most: MOST_SETS, what: "`set` tags" });
        }
        rest = &rest[begin + 2 + end..];
    }
    Ok(())
}

/// The longest chain of the tag that `text` begins in, with what it contains, and where the tag ends.
fn tag(text: &str) -> (usize, usize) {
    let mut levels = vec![Level::default()];
    let mut words = text.char_indices().peekable();
    while let Some((at, c)) = words.next() {
        let last = levels.len() - 1;
        match c {
            '}' | '%' if text[at + 1..].starts_with('}') && (c == '%' || last == 0) => {
                return (whole(levels), at + 2);
            }
            '"' | '\'' => {
                while words.next().is_some_and(|(_, inside)| {
                    if inside == '\\' {
                        words.next();
                    }
                    inside != c
                }) {}
            }
            '(' | '{' => levels.push(Level::default()),
            '[' => {
                levels[last].links += 1;
                levels.push(Level::default());
            }
            ')' | ']' | '}' if last > 0 => {
                let inner = levels.pop().map_or(0, |level| level.depth());
                levels[last - 1].inner = levels[last - 1].inner.max(inner + 1);
            }
            ',' | ':' => levels[last].begin_another(),
            '+' | '-' | '*' | '/' | '%' | '~' | '|' | '.' | '<' | '>' | '=' | '!' => levels[last].links += 1,
            c if c.is_alphabetic() || c == '_' => {
                let mut end = at + c.len_utf8();
                while let Some((_, more)) = words.next_if(|(_, more)| more.is_alphanumeric() || *more == '_') {
                    end += more.len_utf8();
                }
                if matches!(&text[at..end], "and" | "or" | "not" | "in" | "is" | "if" | "else") {
                    levels[last].links += 1;
                }
            }
            _ => {}
        }
    }
    (whole(levels), text.len())
}

fn whole(levels: Vec<Level>) -> usize {
    levels.into_iter().map(Level::depth).sum()
}

/// The chain between two brackets or commas, and the longest of those before it.
#[derive(Clone, Copy, Default)]
struct Level {
    links: usize,
    inner: usize,
    longest: usize,
}

impl Level {
    fn begin_another(&mut self) {
        *self = Self { longest: self.depth(), ..Self::default() };
    }

    fn depth(self) -> usize {
        self.longest.max(self.links + self.inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_counted_and_what_is_listed_is_not() {
        let chain = |link: &str, links: usize| format!("{{\"a\": {{{{ 1{} }}}}}}", format!("{link}1").repeat(links));
        for link in [" + ", "~", " or ", " == ", " if 1 else "] {
            let each = if link.contains("else") { 2 } else { link.matches('=').count().max(1) };
            assert_eq!(check(&chain(link, MOST / each)), Ok(()), "{link}");
            assert_eq!(
                check(&chain(link, MOST / each + 1)),
                Err(TooLong { line: 1, most: MOST, what: "operators in a chain" }),
                "{link}"
            );
        }
        assert_eq!(check(&format!("\n{{% set x = y{} %}}", ".z".repeat(400))).map_err(|error| error.line), Err(2));
        assert!(check(&format!("{{{{ x{} }}}}", "[0]".repeat(400))).is_err());
        assert!(check(&format!("{{{{ x{} }}}}", "|upper".repeat(400))).is_err());
        let listed = format!("{{{{ choice([{}]) }}}}", ["-1", "1 + 1", "f(1, 2)"].repeat(1_000).join(", "));
        assert_eq!(check(&listed), Ok(()));
        assert_eq!(check(&"{{ word }} + {{ digits(\"##-##-##\") }} - ".repeat(1_000)), Ok(()));
    }

    #[test]
    fn texts_hide_what_is_in_them_and_brackets_do_not() {
        let quoted = format!("{{{{ '{}' ~ \"\\\"{}\" }}}}", "+".repeat(400), "}}+".repeat(400));
        assert_eq!(check(&quoted), Ok(()));
        assert!(check(&format!("{{{{ {{'a': (1{})}} }}}}", " + 1".repeat(400))).is_err());
        assert!(check(&format!("{{{{ {}1 }}}}", "f(1, 2) + ".repeat(400))).is_err());
        assert_eq!(check("{{ unfinished + "), Ok(()));
        assert_eq!(check(&"{%- set x = [x] %}".repeat(MOST_SETS)), Ok(()));
        assert_eq!(
            check(&"{%- set x = [x] %}\n".repeat(MOST_SETS + 1)).map_err(|error| error.line),
            Err(MOST_SETS + 1)
        );
    }
}
