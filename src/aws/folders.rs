//! What in a stack's bucket is the stack's own, told by the key alone: a bucket is also found without a journal.

use super::{mirror, redshift};

/// Results of Athena.
pub(crate) const RESULTS: &str = "athena/";
/// The same, where the documents lie in the other.
pub(crate) const OTHER_RESULTS: &str = "athena-results/";
/// What Lambda gave up (Lambda developer guide, "Retain discarded batch records").
pub(crate) const GIVEN_UP: &str = "aws/lambda/";
/// What a load's coordinator and its workers tell each other.
pub(crate) const FLEET: &str = ".demo/fleet/";
/// The code of functions.
pub(super) const FUNCTIONS: &str = "functions/";

const FOLDERS: [&str; 6] = [mirror::FOLDER, redshift::FOLDER, RESULTS, OTHER_RESULTS, GIVEN_UP, FUNCTIONS];
/// Where Firehose keeps what it loads into Redshift, and what it could not load.
const MANIFESTS: [&str; 2] = ["manifests/", "errors/manifests/"];

/// Whether an object is the stack's: it lies in one of its folders, or its Firehose wrote it.
pub(super) fn is_ours(key: &str, stack: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default();
    let Some((_, rest)) = name.split_once(stack).filter(|_| !stack.is_empty()) else {
        return FOLDERS.iter().any(|folder| key.starts_with(folder));
    };
    let starts_with = |folders: &[&str]| folders.iter().any(|folder| key.starts_with(folder));
    is_firehoses(rest) || starts_with(&MANIFESTS) || starts_with(&FOLDERS)
}

/// Whether a name goes on after the stack's id as Firehose's do, under whatever prefix:
/// `<delivery stream>-<version>-<year>-<month>-…-<uuid>` (Firehose developer guide, "Configure Amazon S3 object name format").
/// A delivery stream is called by the stack's id, and a word where there are several. A uuid alone has five parts.
fn is_firehoses(rest: &str) -> bool {
    rest.strip_prefix('-').is_some_and(|rest| rest.split('-').count() >= 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_ours_by_its_folder_or_by_firehoses_name() {
        let is_ours = |key: &str| is_ours(key, "sales-7f3a91c2");
        for ours in [
            ".demo/journal.jsonl",
            "athena/0b1c.csv",
            "athena-results/0b1c.csv.metadata",
            "aws/lambda/0b1c/shardId-000000000000/2026/11/29/a",
            "functions/sales-7f3a91c2/digest.zip",
            "redshift/manifests/000001.json",
            "tpcds/year=2026/sales-7f3a91c2-1-2026-11-29-10-00-00-0b1c.gz",
            "sales-7f3a91c2-1-2026-11-29-10-00-00-0b1c",
            "errors/format-conversion-failed/sales-7f3a91c2-redshift-2-2026-11-29-10-00-00-0b1c",
            "manifests/2026/11/29/10/sales-7f3a91c2-redshift-0b1c",
            "a prefix without its slash: sales-7f3a91c2-1-2026-11-29-10-00-00-0b1c",
        ] {
            assert!(is_ours(ours), "{ours}");
        }
        for others in [
            "somebody/else.txt",
            "tpcds/year=2026/notes.txt",
            "sales-7f3a91c2-notes/a.txt",
            "sales-7f3a91c2-notes.txt",
            "sales-7f3a91c2",
            "manifests/list.txt",
            "athena",
            "",
        ] {
            assert!(!is_ours(others), "{others}");
        }
        assert!(!super::is_ours("a-b.txt", ""), "nobody's stack has no objects");
    }
}
