//! Batches: which objects are loaded together, as a COPY manifest says it. A manifest in the bucket is the intent to
//! load; there is one for each number, and an object is in one at most.

use serde::{Deserialize, Serialize};

use super::MANIFESTS;

/// Digits of a number in a key, so that keys sort as numbers do.
const DIGITS: usize = 8;

/// Objects that are loaded together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Counted from 1.
    pub number: u64,
    /// In no particular order.
    pub objects: Vec<Object>,
}

/// An object that has landed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its size, compressed.
    pub bytes: u64,
}

/// The manifest itself (Redshift developer guide, "Using a manifest to specify data files").
#[derive(Serialize, Deserialize)]
struct Manifest {
    entries: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    url: String,
    mandatory: bool,
    meta: Meta,
}

#[derive(Serialize, Deserialize)]
struct Meta {
    content_length: u64,
}

/// The key of a batch's manifest.
pub(super) fn key_of(number: u64) -> String {
    format!("{MANIFESTS}{number:0DIGITS$}.manifest")
}

/// The number of the batch whose manifest has this key.
pub(super) fn number_of(key: &str) -> Option<u64> {
    key.strip_prefix(MANIFESTS)?.strip_suffix(".manifest")?.parse().ok()
}

impl Batch {
    /// Of all objects.
    pub fn bytes(&self) -> u64 {
        self.objects.iter().map(|object| object.bytes).sum()
    }

    /// Every object must be there, or nothing is loaded.
    pub(super) fn manifest(&self, bucket: &str) -> String {
        let entry = |object: &Object| Entry {
            url: super::url(bucket, &object.key),
            mandatory: true,
            meta: Meta { content_length: object.bytes },
        };
        let manifest = Manifest { entries: self.objects.iter().map(entry).collect() };
        serde_json::to_string_pretty(&manifest).expect("texts and numbers are JSON")
    }

    /// From a manifest; else what is wrong with it.
    pub(super) fn read(number: u64, bucket: &str, manifest: &[u8]) -> Result<Self, String> {
        let manifest: Manifest = serde_json::from_slice(manifest).map_err(|error| error.to_string())?;
        let ours = super::url(bucket, "");
        let object = |entry: Entry| match entry.url.strip_prefix(&ours) {
            Some(key) => Ok(Object { key: key.to_owned(), bytes: entry.meta.content_length }),
            None => Err(format!("{} is in another bucket", entry.url)),
        };
        let objects = manifest.entries.into_iter().map(object).collect::<Result<_, _>>()?;
        Ok(Self { number, objects })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_read_back_from_its_manifest() {
        let object = |key: &str, bytes| Object { key: key.to_owned(), bytes };
        let batch = Batch { number: 7, objects: vec![object("a/b.gz", 10), object("a/it's.gz", 20)] };
        let text = batch.manifest("lake");
        assert!(text.contains("\"url\": \"s3://lake/a/b.gz\"") && text.contains("\"mandatory\": true"), "{text}");
        assert_eq!(Batch::read(7, "lake", text.as_bytes()), Ok(batch.clone()));
        assert_eq!(batch.bytes(), 30);
        assert!(Batch::read(7, "other", text.as_bytes()).is_err());
        assert!(Batch::read(7, "lake", b"{").is_err());
    }

    #[test]
    fn keys_sort_as_numbers_do() {
        let keys = [2, 10, 100].map(key_of);
        assert!(keys.is_sorted(), "{keys:?}");
        assert_eq!(number_of(&keys[1]), Some(10));
        assert_eq!(number_of("redshift/jsonpaths.json"), None);
    }
}
