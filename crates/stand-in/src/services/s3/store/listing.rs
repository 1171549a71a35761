//! Listings: found by seeking in the index, so that one costs what it returns, however much its prefixes stand for.

use rusqlite::{Connection, params};

use super::{
    Store, buckets,
    object::{Listed, Moment},
};
use crate::service_error::ServiceError;

/// What a page steps through, until it ends or seeks ahead.
pub(super) const SELECT: &str =
    "SELECT key, size, modified, etag FROM object WHERE bucket = ?1 AND key >= ?2 ORDER BY key";

/// Which part of a bucket a page is to be of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Span {
    pub(crate) prefix: String,
    /// Never empty.
    pub(crate) delimiter: Option<String>,
    /// The first key that may be in the page.
    pub(crate) from: Vec<u8>,
    /// How many entries at most.
    pub(crate) limit: usize,
}

/// A page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<String>,
}

/// One entry of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Object(Listed),
    /// Every key that begins so: with the prefix asked for, and then up to the first delimiter.
    CommonPrefix(String),
}

impl Entry {
    /// Returns the key, or the prefix.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Object(object) => &object.key,
            Self::CommonPrefix(prefix) => prefix,
        }
    }
}

impl Span {
    /// Begins after a key, or after everything that the listing shows as one with it.
    pub(crate) fn after(self, marker: &str) -> Self {
        let from = match self.common_prefix(marker) {
            Some(prefix) => successor(prefix.as_bytes()),
            None => Some([marker.as_bytes(), b"\0"].concat()),
        };
        // No key is after all the others: what no text contains is after each.
        Self { from: from.unwrap_or_else(|| vec![u8::MAX]), ..self }
    }

    /// Returns what a key is shown as, where that is a common prefix.
    fn common_prefix<'a>(&self, key: &'a str) -> Option<&'a str> {
        let delimiter = self.delimiter.as_deref()?;
        let rest = key.strip_prefix(self.prefix.as_str())?;
        let at = rest.find(delimiter)?;
        Some(&key[..self.prefix.len() + at + delimiter.len()])
    }
}

impl Store {
    /// Returns a page of a bucket's listing.
    pub(crate) fn page(&self, bucket: &str, span: &Span) -> Result<Page, ServiceError> {
        let index = self.lock();
        let (bucket, _) = buckets::find(&index.connection, bucket)?;
        page(&index.connection, bucket, span)
    }
}

fn page(connection: &Connection, bucket: i64, span: &Span) -> Result<Page, ServiceError> {
    let mut statement = connection.prepare_cached(SELECT)?;
    let mut page = Page::default();
    let mut seek = Some(span.from.clone().max(span.prefix.clone().into_bytes()));
    while let Some(from) = seek.take() {
        let mut rows = statement.query(params![bucket, from])?;
        while let Some(row) = rows.next()? {
            let key = String::from_utf8(row.get(0)?).map_err(ServiceError::internal)?;
            if !key.starts_with(&span.prefix) {
                break;
            }
            if page.entries.len() >= span.limit {
                page.next = Some(key);
                break;
            }
            if let Some(prefix) = span.common_prefix(&key) {
                seek = successor(prefix.as_bytes());
                page.entries.push(Entry::CommonPrefix(prefix.to_owned()));
                break;
            }
            let (size, modified, etag) = (row.get(1)?, Moment(row.get(2)?), row.get(3)?);
            page.entries.push(Entry::Object(Listed { key, size, modified, etag }));
        }
    }
    Ok(page)
}

/// Returns the least key above everything that begins so; `None` if there is none.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut successor = prefix[..=last].to_vec();
    successor[last] += 1;
    Some(successor)
}
