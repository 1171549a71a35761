//! What a listing is of, and how far one answer goes.

use std::collections::BTreeMap;

use super::refuse;
use crate::{
    json,
    query::{Fields, Xml},
    service_error::ServiceError,
};

/// Results of one page (Amazon EC2 API reference, DescribeVpcs, DescribeSubnets, DescribeSecurityGroups).
const FEWEST: u32 = 5;
const MOST: u32 = 1_000;

/// Filters of a request: all of them must admit what is listed, each by one of its values.
pub(super) struct Filters<'a>(Vec<(&'a str, Vec<&'a str>)>);

impl<'a> Filters<'a> {
    /// Reads `Filter.1.Name`, `Filter.1.Value.1` and so on.
    pub(super) fn of(fields: Fields<'a>) -> Result<Self, ServiceError> {
        let names = fields.items("Filter", ".Name");
        let filters = names.into_iter().enumerate().map(|(at, name)| {
            let values = fields.items(&format!("Filter.{}.Value", at + 1), "");
            if values.is_empty() {
                Err(refuse::missing(&format!("Filter.{}.Value", at + 1)))
            } else {
                Ok((name, values))
            }
        });
        filters.collect::<Result<_, _>>().map(Self)
    }

    /// Whether something is listed. `values` has, for the name of a filter, those of its values of which one must be asked for;
    /// `None` where the stand-in has no filter of that name.
    ///
    /// # Errors
    /// `InvalidParameterValue`.
    pub(super) fn admit(&self, values: impl Fn(&str) -> Option<Vec<String>>) -> Result<bool, ServiceError> {
        let mut admitted = true;
        for (name, asked) in &self.0 {
            let unknown = || refuse::value(format!("The filter '{name}' is not supported by the stand-in here"));
            let found = values(name).ok_or_else(unknown)?;
            admitted &= asked.iter().any(|pattern| found.iter().any(|value| matches(pattern, value)));
        }
        Ok(admitted)
    }
}

/// The values that a filter on tags compares with: `tag:KEY` and `tag-key`.
pub(super) fn of_tags(name: &str, tags: &BTreeMap<String, String>) -> Option<Vec<String>> {
    match name.strip_prefix("tag:") {
        Some(key) => Some(tags.get(key).cloned().into_iter().collect()),
        None => (name == "tag-key").then(|| tags.keys().cloned().collect()),
    }
}

/// `*` is any text, `?` any one character, and a backslash takes the meaning of either away (Amazon EC2 user guide, "List and
/// filter your resources").
fn matches(pattern: &str, value: &str) -> bool {
    fn from(pattern: &[char], value: &[char]) -> bool {
        match (pattern, value) {
            ([], []) => true,
            (['*', rest @ ..], _) => from(rest, value) || (!value.is_empty() && from(pattern, &value[1..])),
            (['\\', one, rest @ ..], [first, others @ ..]) => one == first && from(rest, others),
            ([one, rest @ ..], [first, others @ ..]) => (*one == '?' || one == first) && from(rest, others),
            _ => false,
        }
    }
    from(&pattern.chars().collect::<Vec<_>>(), &value.chars().collect::<Vec<_>>())
}

/// Which part of a listing is asked for.
pub(super) struct Page<'a> {
    after: Option<&'a str>,
    most: usize,
}

impl<'a> Page<'a> {
    /// Reads `MaxResults` and `NextToken`.
    pub(super) fn of(fields: Fields<'a>) -> Result<Self, ServiceError> {
        let wrong = |text: &str| {
            refuse::value(format!(
                "Value ( {text} ) for parameter maxResults is invalid. Expecting a value between {FEWEST} and {MOST}."
            ))
        };
        let most = match fields.get("MaxResults") {
            None => MOST,
            Some(text) => {
                let number = text.parse().ok().filter(|most| (FEWEST..=MOST).contains(most));
                number.ok_or_else(|| wrong(text))?
            }
        };
        Ok(Self { after: fields.get("NextToken"), most: most as usize })
    }

    /// Writes this part of the list: items by their keys, in the order of these.
    pub(super) fn list(&self, name: &str, all: impl Iterator<Item = (String, Xml)>) -> String {
        let (page, next) = json::page_after(all, self.after, self.most);
        let list = Xml::default().items(name, page);
        match next {
            Some(next) => list.text("nextToken", &next).finish(),
            None => list.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_text_unless_a_backslash_is_before_them() {
        for (pattern, value) in
            [("a*", "abc"), ("*", ""), ("a?c", "abc"), ("*b*", "abc"), ("a\\*", "a*"), ("abc", "abc")]
        {
            assert!(matches(pattern, value), "{pattern} {value}");
        }
        for (pattern, value) in [("a*", "bc"), ("a?c", "ac"), ("a\\*", "abc"), ("abc", "ab"), ("", "a")] {
            assert!(!matches(pattern, value), "{pattern} {value}");
        }
    }
}
