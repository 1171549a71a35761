//! Reads objects each once, in the order in which they landed; each read goes on where the one before ended.

use std::{
    collections::{HashSet, VecDeque},
    io::BufRead,
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use demo_workload::{Id, Identity};
use futures::{StreamExt, TryStreamExt, stream};

use super::super::{
    contents,
    expected::line_id,
    folder::{Folder, ListedObject, ObjectsError},
    freshness::Awaited,
};

/// Objects that are fetched at the same time; each may be as large as the delivery's buffer.
const FETCHES: usize = 2;

/// Reads the objects under a key prefix of a bucket, and remembers which it has read.
pub struct ObjectsReading {
    folder: Folder,
    identity: Arc<Identity>,
    listed: HashSet<String>,
    /// In the order in which they were listed.
    unread: VecDeque<Landed>,
    /// What was there when the load began: nobody reads it meanwhile.
    earlier: Vec<Landed>,
    /// The documents that were read and not taken yet.
    pub(super) seen: Seen,
    /// The documents whose objects are awaited, to learn how long they take.
    pub awaited: Awaited,
    /// What landed since [`ObjectsReading::begin`], as far as it was listed.
    pub since: Since,
}

/// What landed since a load began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// Objects.
    pub objects: u64,
    /// Their bytes, as they are stored.
    pub bytes: u64,
    /// Those of them that were read.
    pub read: u64,
    /// Their documents.
    pub documents: u64,
}

/// The documents of objects.
#[derive(Default)]
pub(super) struct Seen {
    /// Their ids.
    pub(super) ids: Vec<Id>,
    /// Those that have none.
    pub(super) others: Vec<Nameless>,
}

/// A document without an id.
pub(super) struct Nameless {
    /// The id of its line.
    pub(super) line: Id,
    /// Where it is, and what is wrong with it.
    pub(super) error: ObjectsError,
}

/// An object that was listed.
#[derive(Clone)]
struct Landed {
    key: String,
    /// When a listing had it first: it may have landed any time since the listing before.
    at: Instant,
}

/// What an object has.
#[derive(Default)]
struct Content {
    ids: Vec<Id>,
    /// The lines without an id: what they are, where, and what is wrong.
    others: Vec<(Id, u64, String)>,
}

impl ObjectsReading {
    /// Of the objects in a folder, whose documents are told apart so.
    pub fn new(folder: Folder, identity: Identity) -> Self {
        Self {
            folder,
            identity: Arc::new(identity),
            listed: HashSet::new(),
            unread: VecDeque::new(),
            earlier: Vec::new(),
            seen: Seen::default(),
            awaited: Awaited::default(),
            since: Since::default(),
        }
    }

    /// Lists what is there before a load begins, which is left to [`ObjectsReading::catch_up`]. Returns the calls that it took.
    pub async fn begin(&mut self) -> Result<u32, ObjectsError> {
        let calls = self.list().await?;
        self.earlier.extend(self.unread.drain(..));
        self.since = Since::default();
        Ok(calls)
    }

    /// Lists what has landed. Returns the calls that it took.
    pub async fn list(&mut self) -> Result<u32, ObjectsError> {
        let (objects, calls) = self.folder.list_sizes().await?;
        let at = Instant::now();
        for ListedObject { key, bytes } in objects {
            if self.listed.insert(key.clone()) {
                self.since.objects += 1;
                self.since.bytes += bytes;
                self.unread.push_back(Landed { key, at });
            }
        }
        Ok(calls)
    }

    /// Reads one of the objects that were listed; none where all were read. May be dropped at any point.
    pub async fn read_one(&mut self) -> Result<Option<()>, ObjectsError> {
        let Some(next) = self.unread.front().cloned() else { return Ok(None) };
        let content = self.read(&next.key).await?;
        self.unread.pop_front();
        self.since.read += 1;
        self.since.documents += content.ids.len() as u64;
        self.take(&next, content);
        Ok(Some(()))
    }

    /// Lists, and reads all that is not read yet. May be dropped at any point.
    pub async fn catch_up(&mut self) -> Result<(), ObjectsError> {
        self.list().await?;
        let all: Vec<Landed> = self.earlier.iter().chain(&self.unread).cloned().collect();
        let read = |object: Landed| async {
            let content = self.read(&object.key).await?;
            Ok::<_, ObjectsError>((object, content))
        };
        let read: Vec<(Landed, Content)> = stream::iter(all).map(read).buffer_unordered(FETCHES).try_collect().await?;
        self.earlier.clear();
        self.unread.clear();
        read.into_iter().for_each(|(object, content)| self.take(&object, content));
        Ok(())
    }

    async fn read(&self, key: &str) -> Result<Content, ObjectsError> {
        let data = self.folder.fetch(key).await?;
        let identity = self.identity.clone();
        let read = tokio::task::spawn_blocking(move || read(data, &identity)).await.expect("reading does not panic");
        read.map_err(|(line, why)| self.broken(key, line, why))
    }

    fn take(&mut self, object: &Landed, content: Content) {
        self.awaited.found(&content.ids, object.at);
        self.seen.ids.extend(content.ids);
        for (line, number, why) in content.others {
            self.seen.others.push(Nameless { line, error: self.broken(&object.key, number, why) });
        }
    }

    fn broken(&self, key: &str, line: u64, why: String) -> ObjectsError {
        ObjectsError::Content { bucket: self.folder.bucket().to_owned(), key: key.to_owned(), line, why }
    }
}

/// The documents of an object; or the line at which it is damaged, and how.
fn read(data: Bytes, identity: &Identity) -> Result<Content, (u64, String)> {
    let mut lines = contents::lines(data, &identity.fields()).map_err(|e| (1, e.to_string()))?;
    let (mut line, mut number, mut content) = (Vec::new(), 0, Content::default());
    loop {
        line.clear();
        number += 1;
        if lines.read_until(b'\n', &mut line).map_err(|e| (number, e.to_string()))? == 0 {
            return Ok(content);
        }
        match identity.of_document(&line) {
            Ok(id) => content.ids.push(id),
            Err(e) => content.others.push((line_id(&line), number, e.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const LINES: &str = "{\"ss_item_sk\":7,\"x\":{\"ss_item_sk\":null},\"ss_ticket_number\":1}\n{\"ss_item_sk\":8,\"ss_ticket_number\":5}\n";

    fn read(data: impl Into<Bytes>) -> Content {
        super::read(data.into(), &Identity::StoreSales).unwrap_or_else(|(line, why)| panic!("line {line}: {why}"))
    }

    #[test]
    fn keys_are_read_from_plain_and_gzip_alike() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(LINES.as_bytes()).expect("memory takes it");
        let zipped = gzip.finish().expect("memory takes it");
        let ids = read(LINES.as_bytes()).ids;
        assert_eq!((ids.len(), read(zipped.clone()).ids), (2, ids.clone()));
        assert_eq!(read([zipped.clone(), zipped].concat()).ids, [ids.clone(), ids].concat());
    }

    #[test]
    fn a_line_that_is_no_document_is_told_with_its_number() {
        for (broken, said) in
            [(LINES.replace('\n', ""), "trailing characters"), ("{\"ss_item_sk\":7,\n".to_owned(), "EOF while parsing")]
        {
            let content = read([LINES, &broken].concat().into_bytes());
            let [(line, number, why)] = &content.others[..] else { panic!("{:?}", content.others) };
            assert_eq!((content.ids.len(), *line, *number), (2, line_id(broken.as_bytes()), 3));
            assert!(why.contains(said), "{why}");
        }
    }
}
