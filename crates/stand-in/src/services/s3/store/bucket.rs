//! What a bucket is besides its objects.

use s3s::dto::{PublicAccessBlockConfiguration, ServerSideEncryptionConfiguration};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::object::Moment;

/// A bucket's settings.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Bucket {
    pub(crate) created: Moment,
    /// In the order that they were given.
    pub(crate) tags: Vec<(String, String)>,
    /// A policy document.
    pub(crate) policy: Option<String>,
    /// Default encryption.
    pub(crate) encryption: Option<ServerSideEncryptionConfiguration>,
    /// Public access block.
    pub(crate) public_access: Option<PublicAccessBlockConfiguration>,
    /// For example `BucketOwnerEnforced`.
    pub(crate) ownership: Option<String>,
}

impl Bucket {
    /// Whether the bucket's policy denies everybody `s3:PutObject` on a key.
    pub(crate) fn denies_put(&self, bucket: &str, key: &str) -> bool {
        let Some(policy) = self.policy.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
            return false;
        };
        let object = format!("arn:aws:s3:::{bucket}/{key}");
        list(&policy["Statement"]).into_iter().any(|statement| {
            let among =
                |element: &str| names(&statement[element]).any(|resource| matches_glob(&of_aws(resource), &object));
            statement["Effect"] == "Deny"
                && (statement["Principal"] == "*" || list(&statement["Principal"]["AWS"]).contains(&&Value::from("*")))
                && names(&statement["Action"]).any(|action| matches_glob(action, "s3:PutObject"))
                && (among("Resource") || !statement["NotResource"].is_null() && !among("NotResource"))
        })
    }
}

/// An ARN as partition `aws` would have it: a bucket's name is the same in all.
fn of_aws(arn: &str) -> String {
    let other = arn.strip_prefix("arn:aws-").and_then(|rest| rest.split_once(':'));
    other.map_or_else(|| arn.to_owned(), |(_, rest)| format!("arn:aws:{rest}"))
}

/// A policy's element that is one thing or a list of them.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn names(value: &Value) -> impl Iterator<Item = &str> {
    list(value).into_iter().filter_map(Value::as_str)
}

/// `*` stands for any text; action names ignore case, and so does this.
fn matches_glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for piece in pieces {
        if let Some(before) = last.replace(piece) {
            let Some(at) = rest.find(before) else { return false };
            rest = &rest[at + before.len()..];
        }
    }
    match last {
        None => rest.is_empty(),
        Some(end) => rest.ends_with(end),
    }
}

/// Bucket naming rules (Amazon S3 user guide, "General purpose bucket naming rules"); why a name is refused.
pub(crate) fn name_problem(name: &str) -> Option<&'static str> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    match name {
        _ if !(3..=63).contains(&name.len()) => Some("a bucket name has 3 to 63 characters"),
        _ if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.') => {
            Some("a bucket name has only lower-case letters, digits, hyphens and dots")
        }
        _ if !edge(name.chars().next()) || !edge(name.chars().last()) => {
            Some("a bucket name begins and ends with a letter or digit")
        }
        _ if name.contains("..") => Some("a bucket name has no two dots in a row"),
        _ if name.starts_with("xn--") || name.ends_with("-s3alias") => Some("that prefix or suffix is reserved"),
        _ if name.parse::<std::net::Ipv4Addr>().is_ok() => Some("a bucket name is not an address"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_policy(policy: &str) -> Bucket {
        Bucket { policy: Some(policy.to_owned()), ..Bucket::default() }
    }

    #[test]
    fn only_a_deny_for_everybody_denies() {
        let deny = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"}]}"#;
        assert!(with_policy(deny).denies_put("b", "k/x=1"));
        assert!(!with_policy(deny).denies_put("c", "k"));
        assert!(!with_policy(&deny.replace("Deny", "Allow")).denies_put("b", "k"));
        assert!(!with_policy(&deny.replace("PutObject", "GetObject")).denies_put("b", "k"));
        assert!(with_policy(&deny.replace("s3:PutObject", "s3:*")).denies_put("b", "k"));
        assert!(with_policy(&deny.replace("\"*\",\"Act", "{\"AWS\":[\"*\"]},\"Act")).denies_put("b", "k"));
        let but = deny.replace("\"Resource\":\"arn:aws:s3:::b/*\"", "\"NotResource\":\"arn:aws:s3:::b/a/*\"");
        assert!(with_policy(&but).denies_put("b", "k") && !with_policy(&but).denies_put("b", "a/k"));
        assert!(!Bucket::default().denies_put("b", "k"));
    }

    #[test]
    fn globs_match_like_policies() {
        for (pattern, text, expected) in [
            ("*", "x", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "abd", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c", false),
            ("abc", "abcd", false),
        ] {
            assert_eq!(matches_glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn names_follow_the_rules() {
        for bad in ["ab", "A-b", "a_b", "-ab", "ab-", "a..b", "192.168.1.1", "xn--abc"] {
            assert!(name_problem(bad).is_some(), "{bad}");
        }
        assert_eq!(name_problem("store-sales-7f3a91c2"), None);
    }
}
