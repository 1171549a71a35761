//! What the JSON services have in common on the wire: bodies, times, and the pages of listings.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;

/// Reads a request's body; nothing at all is an empty object.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(if body.is_empty() { b"{}" } else { body })
}

/// What is wrong with a request's body, of an error of [`parse`]. A type that takes part in requests denies unknown fields, so
/// a member that the stand-in does not know is refused here, and never passed over.
pub(crate) fn problem(error: &serde_json::Error) -> String {
    unsupported(error).unwrap_or_else(|| format!("the request is not as the API has it: {error}"))
}

/// The same of a member that the stand-in does not know; `None` where it is something else. Serde has no other sign of it than
/// the text.
pub(crate) fn unsupported(error: &serde_json::Error) -> Option<String> {
    let text = error.to_string();
    let member = text.strip_prefix("unknown field `")?.split('`').next()?;
    Some(format!("{member} is not supported by the stand-in here"))
}

/// Returns the time in seconds since 1970 with milliseconds, as AWS's JSON protocols write it.
pub(crate) fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs_f64() * 1e3).floor() / 1e3
}

/// Cuts a page of `size` items that come after the key `after`, out of all in key order. The token of the next page is the
/// key of the last item.
pub(crate) fn page_after<T>(
    all: impl Iterator<Item = (String, T)>,
    after: Option<&str>,
    size: usize,
) -> (Vec<T>, Option<String>) {
    let mut rest = all.filter(|(key, _)| after.is_none_or(|after| key.as_str() > after)).peekable();
    let (keys, page): (Vec<String>, Vec<T>) = rest.by_ref().take(size).unzip();
    let more = rest.peek().is_some();
    (page, keys.into_iter().next_back().filter(|_| more))
}

/// Cuts a page of `size` items after the first `before`. The token of the next page counts the items before it.
pub(crate) fn page_from<T>(all: impl Iterator<Item = T>, before: usize, size: usize) -> (Vec<T>, Option<String>) {
    let mut rest = all.skip(before).peekable();
    let page: Vec<T> = rest.by_ref().take(size).collect();
    let token = rest.peek().map(|_| (before + page.len()).to_string());
    (page, token)
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Request {
        _name: String,
        #[serde(flatten)]
        _paging: Paging,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Paging {
        _limit: Option<u32>,
    }

    #[test]
    fn a_member_that_nobody_reads_is_named() {
        let problem = |body: &str| problem(&parse::<Request>(body.as_bytes()).expect_err("refused"));
        assert!(parse::<Request>(br#"{"Name": "a", "Limit": 1}"#).is_ok());
        assert_eq!(problem(r#"{"Name": "a", "DryRun": true}"#), "DryRun is not supported by the stand-in here");
        assert!(problem(r#"{"Name": 1}"#).starts_with("the request is not as the API has it: invalid type"));
    }

    proptest! {
        #[test]
        fn pages_make_up_the_whole(keys in collection::btree_set("[a-c]{1,3}", 0..12), size in 1..5_usize) {
            let keys: Vec<String> = keys.into_iter().collect();
            let (mut by_key, mut by_offset) = (Vec::new(), Vec::new());
            let mut token: Option<String> = None;
            // Each page has a key, but for the one of an empty list.
            for _ in 0..=keys.len() {
                let all = keys.iter().map(|key| (key.clone(), key.clone()));
                let (page, next) = page_after(all, token.as_deref(), size);
                prop_assert!(page.len() == size || next.is_none());
                by_key.extend(page);
                token = next;
                if token.is_none() {
                    break;
                }
            }
            for _ in 0..=keys.len() {
                let before = token.as_deref().map_or(0, |token| token.parse().expect("a number"));
                let (page, next) = page_from(keys.iter().cloned(), before, size);
                by_offset.extend(page);
                token = next;
                if token.is_none() {
                    break;
                }
            }
            prop_assert_eq!(&by_key, &keys);
            prop_assert_eq!(&by_offset, &keys);
        }
    }
}
