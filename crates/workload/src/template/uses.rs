//! Where a template uses certain fields, found in its text.

/// A use of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The field's name.
    pub name: &'static str,
    /// Where the name stands, in bytes of the template.
    pub offset: usize,
    /// What it is called with first, where that is a plain text in quotes.
    pub first: Option<Quoted>,
}

/// A text in quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// What is between the quotes.
    pub text: String,
    /// Where that stands, in bytes of the template.
    pub offset: usize,
}

/// Every use of fields with these names, in the order of the text.
pub fn uses(template: &str, names: &[&'static str]) -> Vec<Use> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(begin) = template[at..].find('{').map(|brace| at + brace) {
        at = begin + 1;
        match template.as_bytes().get(at) {
            Some(b'#') => at = template[at..].find("#}").map_or(template.len(), |end| at + end + 2),
            Some(b'{' | b'%') => at = in_tag(template, at + 1, names, &mut found),
            _ => {}
        }
    }
    found
}

/// The line and the column of a place, counted from 1, the column in characters.
pub fn place(template: &str, offset: usize) -> (usize, usize) {
    let before = &template[..offset];
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line..].chars().count() + 1)
}

/// Goes through a tag from behind its opening, and returns where it ends.
fn in_tag(template: &str, begin: usize, names: &[&'static str], found: &mut Vec<Use>) -> usize {
    let (mut at, mut depth) = (begin, 0_usize);
    while let Some(c) = template[at..].chars().next() {
        let next = at + c.len_utf8();
        at = match c {
            '"' | '\'' => text(template, next, c).map_or(template.len(), |text| text.1),
            '{' => {
                depth += 1;
                next
            }
            '}' if depth > 0 => {
                depth -= 1;
                next
            }
            '}' | '%' if template[next..].starts_with('}') => return next + 1,
            c if is_of_a_word(c) => {
                let end = template[at..].find(|c| !is_of_a_word(c)).map_or(template.len(), |length| at + length);
                let is_attribute = template[..at].trim_end().ends_with('.');
                if let Some(name) = names.iter().find(|name| **name == &template[at..end] && !is_attribute) {
                    found.push(Use { name, offset: at, first: first_argument(template, end) });
                }
                end
            }
            _ => next,
        };
    }
    template.len()
}

fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn first_argument(template: &str, behind_name: usize) -> Option<Quoted> {
    let at = behind_name + template[behind_name..].find(|c: char| !c.is_whitespace())?;
    let inside = template[at..].strip_prefix('(')?.trim_start();
    let quote = inside.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let begin = template.len() - inside.len() + 1;
    let (text, end) = text(template, begin, quote)?;
    let is_alone = template[end..].trim_start().starts_with([',', ')']);
    (is_alone && !text.contains('\\')).then(|| Quoted { text: text.to_owned(), offset: begin })
}

/// What stands before the closing quote, and where it goes on behind that.
fn text(template: &str, begin: usize, quote: char) -> Option<(&str, usize)> {
    let mut escaped = false;
    let end = template[begin..].find(|c| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some((&template[begin..begin + end], begin + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(template: &str) -> Vec<(&'static str, usize, Option<String>)> {
        let uses = uses(template, &["now", "ref"]);
        uses.into_iter().map(|found| (found.name, found.offset, found.first.map(|first| first.text))).collect()
    }

    #[test]
    fn words_of_tags_are_uses_and_texts_comments_and_attributes_are_not() {
        assert_eq!(found("{\"now\": {{ now }}}"), [("now", 11, None)]);
        assert_eq!(found("{{ 'now' }}{# now #}{{ order.now }}{{ nowhere }} now {{ \"\\\" now\" }}"), []);
        assert_eq!(found("{%- set t = {'a': {'b': now}} -%} now {{ now }}").len(), 2);
        assert_eq!(found("{{ now"), [("now", 3, None)]);
        assert_eq!(found("{{ 'unfinished now"), []);
    }

    #[test]
    fn the_first_argument_is_known_where_it_is_a_text() {
        let first = |call: &str| found(&format!("{{{{ {call} }}}}")).remove(0).2;
        assert_eq!(first("ref ( \"customers\", zipf=1.1)").as_deref(), Some("customers"));
        assert_eq!(first("ref('a')").as_deref(), Some("a"));
        for call in ["ref", "ref()", "ref(kind)", "ref('a' ~ 'b')", "ref('\\n')", "ref(1)"] {
            assert_eq!(first(call), None, "{call}");
        }
        let uses = uses("{{\n  ref('ä') }}", &["ref"]);
        assert_eq!(place("{{\n  ref('ä') }}", uses[0].first.as_ref().expect("a text").offset), (2, 8));
    }

    #[test]
    fn any_text_is_read_to_its_end() {
        for template in ["{", "{{", "{%", "{#", "{{ {", "{{ }", "{{ \"", "{{ ä{{", "{{ % }}", "{{ ref(", "{{ ref('"] {
            uses(template, &["ref"]);
        }
    }
}
