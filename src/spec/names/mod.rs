//! Names that AWS would take, before AWS is asked.

mod regions;

use std::ops::RangeInclusive;

pub(super) use regions::region;

use super::quantity::Refusal;

/// How a resource is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// Joined with the stack's id, so that two stacks never collide.
    Stem(String),
    /// Taken as it is; refused when it exists already.
    Exact(String),
}

/// What a stack's id adds to a stem: a separator and 8 hexadecimal digits.
const ID_SUFFIX: usize = 9;

/// The rules of one kind of name.
pub(crate) struct Rules {
    /// For messages: `bucket name`.
    pub(crate) what: &'static str,
    pub(crate) least: usize,
    pub(crate) most: usize,
    pub(crate) admits: fn(char) -> bool,
    pub(crate) expected: &'static str,
    /// Takes a refused name to the nearest one that would do.
    pub(crate) mend: fn(&str) -> String,
    pub(crate) more: fn(&str) -> Option<&'static str>,
}

/// A stack's own name, the stem of all others.
pub(super) const STACK: Rules = Rules {
    what: "stack name",
    least: 1,
    most: 40,
    admits: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
    expected: "1 to 40 lower-case letters, digits and `-`",
    mend: |text| swap(&text.to_lowercase(), '-'),
    more: ends_in_alphanumerics,
};

/// Amazon S3 User Guide, "General purpose bucket naming rules".
pub(crate) const BUCKET: Rules = Rules {
    what: "bucket name",
    least: 3,
    most: 63,
    admits: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'),
    expected: "3 to 63 lower-case letters, digits and `-`, between a letter or digit at either end",
    mend: |text| swap(&text.to_lowercase(), '-'),
    more: bucket_shape,
};

/// Kinesis API reference, CreateStream, `StreamName`.
pub(super) const STREAM: Rules = Rules {
    what: "stream name",
    least: 1,
    most: 128,
    admits: |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'),
    expected: "1 to 128 letters, digits, `_`, `.` and `-`",
    mend: |text| swap(text, '-'),
    more: |_| None,
};

/// Athena User Guide, "Name databases, tables, and columns": lower case, no sign but `_`; Glue takes 255 characters.
pub(crate) const DATABASE: Rules = Rules {
    what: "database name",
    least: 1,
    most: 255,
    admits: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_',
    expected: "1 to 255 lower-case letters, digits and `_`",
    mend: |text| swap(&text.to_lowercase(), '_'),
    more: |_| None,
};

/// As databases.
pub(crate) const TABLE: Rules = Rules { what: "table name", ..DATABASE };

/// A key of `!{partitionKeyFromQuery:…}`. Firehose takes more, but a table's column does not.
pub(crate) const PARTITION: Rules = Rules { what: "partition key", ..DATABASE };

impl Rules {
    /// A name taken as it is.
    pub(crate) fn exact(&self, text: &str) -> Result<String, Refusal> {
        self.check(text, self.least, self.most, self.expected.to_owned())
    }

    /// A name that the stack's id will be added to.
    pub(crate) fn stem(&self, text: &str) -> Result<Name, Refusal> {
        let most = self.most - ID_SUFFIX;
        let expected = format!("{}; at most {most} characters, for the stack's id is added", self.expected);
        self.check(text, 1, most, expected).map(Name::Stem)
    }

    fn check(&self, text: &str, least: usize, most: usize, expected: String) -> Result<String, Refusal> {
        let length = text.chars().count();
        let what = self.what;
        let mended = (self.mend)(text).trim_matches(['-', '.']).to_owned();
        let good = |text: &str| {
            (least..=most).contains(&text.chars().count())
                && text.chars().all(self.admits)
                && (self.more)(text).is_none()
        };
        let problem = if let Some(sign) = text.chars().find(|c| !(self.admits)(*c)) {
            format!("`{sign}` cannot stand in a {what}")
        } else if length < least {
            format!("this {what} has {length} characters")
        } else if length > most {
            format!("this {what} has {length} characters, {} too many", length - most)
        } else if let Some(problem) = (self.more)(text) {
            format!("a {what} {problem}")
        } else {
            return Ok(text.to_owned());
        };
        Err(Refusal::new(problem, expected).suggest(Some(mended).filter(|mended| good(mended))))
    }
}

pub(crate) fn swap(text: &str, sign: char) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { sign }).collect()
}

fn ends_in_alphanumerics(text: &str) -> Option<&'static str> {
    let plain = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let whole = plain(text.chars().next()) && plain(text.chars().last());
    (!whole).then_some("begins and ends with a letter or a digit")
}

fn bucket_shape(text: &str) -> Option<&'static str> {
    let taken = ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| text.starts_with(prefix));
    let reserved = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|suffix| text.ends_with(suffix));
    if taken || reserved {
        return Some("may not begin or end as AWS's own do (`xn--`, `sthree-`, `-s3alias`, …)");
    }
    if text.contains('.') {
        return Some("with a `.` does not work over HTTPS");
    }
    ends_in_alphanumerics(text)
}

/// Tags as every service of a stack takes them: Resource Groups Tagging API reference, "Tag"; user keys may not begin
/// with `aws:`.
pub(super) fn tag_key(key: &str) -> Result<(), Refusal> {
    if key.to_lowercase().starts_with("aws:") {
        return Err(Refusal::new("tags that begin with `aws:` belong to AWS", "a key of your own"));
    }
    if key.starts_with("demo:") {
        return Err(Refusal::new("tags that begin with `demo:` are the stack's own", "a key of your own"));
    }
    tag_text(key, 1..=128)
}

/// As the key, up to 256 characters.
pub(super) fn tag_value(value: &str) -> Result<(), Refusal> {
    tag_text(value, 0..=256)
}

fn tag_text(text: &str, lengths: RangeInclusive<usize>) -> Result<(), Refusal> {
    let admits = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
    let length = text.chars().count();
    let problem = if !lengths.contains(&length) {
        format!("this has {length} characters")
    } else if let Some(sign) = text.chars().find(|c| !admits(*c)) {
        format!("`{sign}` cannot stand in a tag")
    } else {
        return Ok(());
    };
    let (least, most) = (lengths.start(), lengths.end());
    Err(Refusal::new(problem, format!("{least} to {most} letters, digits, spaces and `_.:/=+-@`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_leaves_room_for_the_id() {
        assert!(BUCKET.stem(&"a".repeat(54)).is_ok());
        assert!(BUCKET.stem(&"a".repeat(55)).is_err());
        assert!(BUCKET.exact(&"a".repeat(63)).is_ok());
        assert!(BUCKET.exact(&"a".repeat(64)).is_err());
        assert!(STREAM.stem(&"a".repeat(119)).is_ok());
        assert!(STREAM.stem(&"a".repeat(120)).is_err());
    }

    #[test]
    fn a_refused_name_gets_its_near_miss() {
        let near = |rules: &Rules, text: &str| rules.exact(text).expect_err(text).suggestion;
        assert_eq!(near(&BUCKET, "My_Bucket").as_deref(), Some("my-bucket"));
        assert_eq!(near(&BUCKET, "my.bucket").as_deref(), Some("my-bucket"));
        assert_eq!(near(&BUCKET, "ab"), None);
        assert_eq!(near(&BUCKET, "xn--bucket"), None);
        assert_eq!(near(&BUCKET, "-bucket").as_deref(), Some("bucket"));
        assert_eq!(near(&TABLE, "Store-Sales").as_deref(), Some("store_sales"));
        assert_eq!(near(&STREAM, "my stream").as_deref(), Some("my-stream"));
    }
}
