//! Reads the delivered documents from the objects in S3.

use std::{collections::HashSet, io::BufRead, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    contents,
    expected::{Expected, Place},
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
    /// Ids of the lines of those that lie apart.
    pub apart: KeyBag,
    /// Bytes of the objects read, as they are stored.
    pub stored_bytes: u64,
}

impl Objects {
    /// The expected documents in a folder.
    pub fn new(folder: Folder, expected: Arc<Expected>) -> Self {
        Self {
            folder,
            expected,
            seen: HashSet::new(),
            keys: KeyBag::default(),
            apart: KeyBag::default(),
            stored_bytes: 0,
        }
    }

    /// Reads the objects that are new since the last read.
    pub async fn read_new(&mut self) -> Result<(), ObjectsError> {
        let new: Vec<String> = self.folder.list().await?.into_iter().filter(|key| !self.seen.contains(key)).collect();
        let read: Vec<(String, u64, Read)> =
            stream::iter(new).map(|key| self.read(key)).buffer_unordered(FETCHES).try_collect().await?;
        for (key, bytes, Read { keys, apart }) in read {
            self.seen.insert(key);
            self.stored_bytes += bytes;
            self.keys.append(keys);
            self.apart.append(apart);
        }
        Ok(())
    }

    async fn read(&self, key: String) -> Result<(String, u64, Read), ObjectsError> {
        let data = self.folder.fetch(&key).await?;
        let bytes = data.len() as u64;
        let expected = self.expected.clone();
        let read = tokio::task::spawn_blocking(move || read(data, &expected)).await.expect("reading does not panic");
        match read {
            Ok(read) => Ok((key, bytes, read)),
            Err((line, why)) => {
                let bucket = self.folder.bucket().to_owned();
                Err(ObjectsError::Content { bucket, key, line, why })
            }
        }
    }
}

/// What an object has.
#[derive(Default)]
struct Read {
    keys: KeyBag,
    apart: KeyBag,
}

/// The documents of an object; or the line that is none, and why.
fn read(data: Bytes, expected: &Expected) -> Result<Read, (u64, String)> {
    let mut lines = contents::lines(data, &expected.identity.fields()).map_err(|e| (1, e.to_string()))?;
    let (mut line, mut number, mut keys, mut apart) = (Vec::new(), 0, Vec::new(), Vec::new());
    loop {
        line.clear();
        number += 1;
        if lines.read_until(b'\n', &mut line).map_err(|e| (number, e.to_string()))? == 0 {
            return Ok(Read { keys: keys.into_iter().collect(), apart: apart.into_iter().collect() });
        }
        match expected.place(&line).map_err(|e| (number, e.to_string()))? {
            Place::Among(id) => keys.push(id),
            Place::Apart(id) => apart.push(id),
            Place::Elsewhere => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::{
        super::expected::{Scope, line_id},
        *,
    };
    use demo_workload::Identity;

    fn sales(tickets: std::ops::RangeInclusive<u64>) -> Expected {
        Expected::new(Identity::StoreSales, Scope::Tickets(vec![tickets]))
    }

    const LINES: &str = "{\"ss_item_sk\":7,\"x\":{\"ss_item_sk\":null},\"ss_ticket_number\":1}\n{\"ss_item_sk\":8,\"ss_ticket_number\":5}\n";

    #[test]
    fn keys_are_read_from_plain_and_gzip_alike() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(LINES.as_bytes()).expect("memory takes it");
        let zipped = gzip.finish().expect("memory takes it");
        for data in [LINES.as_bytes().to_vec(), zipped.clone(), [zipped.clone(), zipped].concat()] {
            let keys = read(data.into(), &sales(1..=9)).expect("both are documents").keys;
            assert!(keys.len() == 2 || keys.len() == 4);
        }
    }

    #[test]
    fn tickets_of_other_runs_are_left_out() {
        let keys = read(Bytes::from_static(LINES.as_bytes()), &sales(5..=5)).expect("both are documents").keys;
        assert_eq!(keys.len(), 1);
    }

    #[test]
    fn two_documents_on_a_line_are_an_error_with_its_number() {
        let glued = [LINES, &LINES.replace('\n', "")].concat();
        let (line, why) = read(glued.into_bytes().into(), &sales(1..=9)).err().expect("two on one line");
        assert_eq!(line, 3);
        assert!(why.contains("trailing characters"), "{why}");
    }
    #[test]
    fn lines_that_lie_apart_are_told_from_damaged_ones() {
        let broken = b"{\"ss_item_sk\":7,\n";
        let expected = sales(1..=9).with_apart([line_id(broken)].into());
        let object = |line: &[u8]| Bytes::from([LINES.as_bytes(), line].concat());
        let found = read(object(broken), &expected).expect("all are expected");
        assert_eq!((found.keys.len(), found.apart.len()), (2, 1));
        assert_eq!(read(object(b"{\"ss_item_sk\":8,\n"), &expected).err().map(|(line, _)| line), Some(3));
    }
}
