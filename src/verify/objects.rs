//! Reads the delivered documents from the objects in S3.

use std::{collections::HashSet, io::BufRead, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    contents,
    expected::Expected,
    folder::{Folder, ObjectsError},
    keys::KeyBag,
};

/// Objects that are fetched at the same time; each may be as large as the delivery's buffer.
const FETCHES: usize = 2;

/// The documents under a key prefix of a bucket, each object read once.
pub struct Objects {
    folder: Folder,
    expected: Arc<Expected>,
    seen: HashSet<String>,
    /// Ids found so far, of the expected documents.
    pub keys: KeyBag,
    /// Bytes of the objects read, as they are stored.
    pub stored_bytes: u64,
}

impl Objects {
    /// The expected documents in a folder.
    pub fn new(folder: Folder, expected: Arc<Expected>) -> Self {
        Self { folder, expected, seen: HashSet::new(), keys: KeyBag::default(), stored_bytes: 0 }
    }

    /// Reads the objects that are new since the last read.
    pub async fn read_new(&mut self) -> Result<(), ObjectsError> {
        let new: Vec<String> = self.folder.list().await?.into_iter().filter(|key| !self.seen.contains(key)).collect();
        let read: Vec<(String, u64, KeyBag)> =
            stream::iter(new).map(|key| self.read(key)).buffer_unordered(FETCHES).try_collect().await?;
        for (key, bytes, keys) in read {
            self.seen.insert(key);
            self.stored_bytes += bytes;
            self.keys.append(keys);
        }
        Ok(())
    }

    async fn read(&self, key: String) -> Result<(String, u64, KeyBag), ObjectsError> {
        let data = self.folder.fetch(&key).await?;
        let bytes = data.len() as u64;
        let expected = self.expected.clone();
        let keys = tokio::task::spawn_blocking(move || keys_of(data, &expected)).await.expect("reading does not panic");
        match keys {
            Ok(keys) => Ok((key, bytes, keys)),
            Err((line, why)) => {
                let bucket = self.folder.bucket().to_owned();
                Err(ObjectsError::Content { bucket, key, line, why })
            }
        }
    }
}

/// The keys of an object's documents; or the line that is not one, and why.
fn keys_of(data: Bytes, expected: &Expected) -> Result<KeyBag, (u64, String)> {
    let mut lines = contents::lines(data, &expected.identity.fields()).map_err(|e| (1, e.to_string()))?;
    let (mut line, mut number, mut keys) = (Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        number += 1;
        if lines.read_until(b'\n', &mut line).map_err(|e| (number, e.to_string()))? == 0 {
            return Ok(keys.into_iter().collect());
        }
        keys.extend(expected.id_of(&line).map_err(|e| (number, e.to_string()))?);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::{super::expected::Scope, *};
    use demo_workload::Identity;

    fn sales(tickets: std::ops::RangeInclusive<u64>) -> Expected {
        Expected { identity: Identity::StoreSales, scope: Scope::Tickets(vec![tickets]) }
    }

    const LINES: &str = "{\"ss_item_sk\":7,\"x\":{\"ss_item_sk\":null},\"ss_ticket_number\":1}\n{\"ss_item_sk\":8,\"ss_ticket_number\":5}\n";

    #[test]
    fn keys_are_read_from_plain_and_gzip_alike() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(LINES.as_bytes()).expect("memory takes it");
        let zipped = gzip.finish().expect("memory takes it");
        for data in [LINES.as_bytes().to_vec(), zipped.clone(), [zipped.clone(), zipped].concat()] {
            let keys = keys_of(data.into(), &sales(1..=9)).expect("both are documents");
            assert!(keys.len() == 2 || keys.len() == 4);
        }
    }

    #[test]
    fn tickets_of_other_runs_are_left_out() {
        let keys = keys_of(Bytes::from_static(LINES.as_bytes()), &sales(5..=5)).expect("both are documents");
        assert_eq!(keys.len(), 1);
    }

    #[test]
    fn two_documents_on_a_line_are_an_error_with_its_number() {
        let glued = [LINES, &LINES.replace('\n', "")].concat();
        let (line, why) = keys_of(glued.into_bytes().into(), &sales(1..=9)).expect_err("two on one line");
        assert_eq!(line, 3);
        assert!(why.contains("trailing characters"), "{why}");
    }
}
