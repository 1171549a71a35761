//! The AWS query protocol's two halves: form fields in, XML out.

use std::{borrow::Cow, fmt::Write};

use crate::service_error::ServiceError;

/// The fields of a request by name.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub &'a [(String, String)]);

impl<'a> Fields<'a> {
    pub(crate) fn get(self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Refuses an action's fields that are none of these.
    pub(crate) fn with_only(self, members: &[&str]) -> Result<Self, ServiceError> {
        match self.other_than(&[members, &["Action", "Version"]].concat()) {
            None => Ok(self),
            Some(other) => {
                Err(ServiceError::client("InvalidInput", format!("{other} is not supported by the stand-in here")))
            }
        }
    }

    /// The first member that is none of these.
    pub(crate) fn other_than(self, members: &[&str]) -> Option<&'a str> {
        let names = self.0.iter().map(|(name, _)| name.split('.').next().unwrap_or(name));
        names.into_iter().find(|name| !members.contains(name))
    }

    pub(crate) fn required(self, name: &str) -> Result<&'a str, ServiceError> {
        self.get(name).ok_or_else(|| invalid(name, "", "Member must not be null"))
    }

    pub(crate) fn number(self, name: &str, from: u32, to: u32) -> Result<Option<u32>, ServiceError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let constraint = format!("Member must be a number between {from} and {to}");
        match text.parse() {
            Ok(number) if (from..=to).contains(&number) => Ok(Some(number)),
            _ => Err(invalid(name, text, &constraint)),
        }
    }

    /// The values of `name.1`, `name.2` and so on, as EC2 has lists; `field` is what follows the number, such as `.Key`.
    pub(crate) fn items(self, name: &str, field: &str) -> Vec<&'a str> {
        (1..).map_while(|n: u32| self.get(&format!("{name}.{n}{field}"))).collect()
    }

    /// The values of `name.member.1`, `name.member.2` and so on; `field` is what follows the number, such as `.Key`.
    pub(crate) fn members(self, name: &str, field: &str) -> Vec<&'a str> {
        (1..).map_while(|n: u32| self.get(&format!("{name}.member.{n}{field}"))).collect()
    }
}

/// The error for a field whose value is against its constraint.
pub(crate) fn invalid(name: &str, value: &str, constraint: &str) -> ServiceError {
    let mut member = name.to_owned();
    if let Some(first) = member.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    ServiceError::client(
        "ValidationError",
        format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
        ),
    )
}

/// Reads an `application/x-www-form-urlencoded` body or URL query.
pub(crate) fn parse_form(form: &[u8]) -> Vec<(String, String)> {
    form.split(|&byte| byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let equals = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
            (percent_decode(&pair[..equals]), percent_decode(pair.get(equals + 1..).unwrap_or_default()))
        })
        .collect()
}

/// Reads a segment of a URL's path, where a plus is a plus.
pub(crate) fn parse_segment(segment: &str) -> String {
    percent_decode(segment.replace('+', "%2B").as_bytes())
}

fn percent_decode(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| tail.get(..2).and_then(hex_byte)).flatten();
        bytes.push(match (byte, escaped) {
            (_, Some(escaped)) => escaped,
            (b'+', None) => b' ',
            (plain, None) => plain,
        });
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()
}

/// Percent-encodes everything but RFC 3986's unreserved characters, as IAM does with the policy documents that it returns.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes every write");
        }
    }
    encoded
}

/// Writes a form that [`parse_form`] reads.
#[cfg(test)]
pub(crate) fn write_form<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pair = |(name, value)| format!("{}={}", percent_encode(name), percent_encode(value));
    fields.into_iter().map(pair).collect::<Vec<_>>().join("&")
}

/// XML, written front to back.
#[derive(Default)]
pub(crate) struct Xml(String);

impl Xml {
    pub(crate) fn text(mut self, name: &str, text: &str) -> Self {
        write!(self.0, "<{name}>{}</{name}>", escape(text)).expect("a String takes every write");
        self
    }

    pub(crate) fn node(mut self, name: &str, inner: Self) -> Self {
        write!(self.0, "<{name}>{}</{name}>", inner.0).expect("a String takes every write");
        self
    }

    /// A list: each item becomes a `member`.
    pub(crate) fn list(self, name: &str, items: impl IntoIterator<Item = Self>) -> Self {
        let members = items.into_iter().fold(Self::default(), |list, item| list.node("member", item));
        self.node(name, members)
    }

    /// What another has, behind it.
    pub(crate) fn append(mut self, other: Self) -> Self {
        self.0.push_str(&other.0);
        self
    }

    /// A list as EC2 writes it: each item becomes an `item`.
    pub(crate) fn items(self, name: &str, items: impl IntoIterator<Item = Self>) -> Self {
        let items = items.into_iter().fold(Self::default(), |list, item| list.node("item", item));
        self.node(name, items)
    }

    /// A list of plain texts.
    pub(crate) fn texts<'a>(self, name: &str, items: impl IntoIterator<Item = &'a str>) -> Self {
        let members = items.into_iter().fold(Self::default(), |list, item| list.text("member", item));
        self.node(name, members)
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\r']) {
        return Cow::Borrowed(text);
    }
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    Cow::Owned(escaped.replace('"', "&quot;").replace('\r', "&#13;"))
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*};

    use super::*;
    use crate::arbitrary::text;

    #[test]
    fn a_form_is_decoded_and_a_bad_escape_stays_as_it_is() {
        let form = parse_form(b"Action=Get+It&Doc=%7B%22a%22%3A1%7D&empty=&bare&cut=100%&odd=%zz");
        let expected =
            [("Action", "Get It"), ("Doc", "{\"a\":1}"), ("empty", ""), ("bare", ""), ("cut", "100%"), ("odd", "%zz")];
        assert_eq!(form, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn encoding_is_undone_by_decoding() {
        let text = "{\"Grüße\": \"a+b c&d=e/~\"}\n";
        assert_eq!(percent_decode(percent_encode(text).as_bytes()), text);
        assert_eq!(percent_encode("a b+ü"), "a%20b%2B%C3%BC");
    }

    #[test]
    fn members_end_at_the_first_gap() {
        let form = parse_form(b"Tags.member.1.Key=a&Tags.member.2.Key=b&Tags.member.4.Key=d");
        assert_eq!(Fields(&form).members("Tags", ".Key"), ["a", "b"]);
    }

    #[test]
    fn xml_text_is_escaped() {
        let xml = Xml::default().texts("Names", ["a<b", "\"c\" & d"]);
        assert_eq!(xml.finish(), "<Names><member>a&lt;b</member><member>&quot;c&quot; &amp; d</member></Names>");
    }

    proptest! {
        #[test]
        fn a_form_comes_back(fields in collection::vec((text(), text()), 0..6)) {
            // A pair of nothing and nothing is written as a lone equals sign, which is a pair as well.
            let written = write_form(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            prop_assert_eq!(parse_form(written.as_bytes()), fields);
        }

        #[test]
        fn a_segment_comes_back(segment in text()) {
            prop_assert_eq!(parse_segment(&percent_encode(&segment)), segment.clone());
            prop_assert_eq!(parse_segment(&segment.replace('%', "%25")), segment);
        }

        #[test]
        fn no_form_is_lost_or_invented(form: Vec<u8>) {
            let pairs = form.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).count();
            prop_assert_eq!(parse_form(&form).len(), pairs);
        }
    }
}
