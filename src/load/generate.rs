//! Makes documents on threads of their own, a little ahead of the load.
//!
//! Tickets are dealt out in blocks, to each thread in turn, and the chunks of documents made of them are taken in the
//! same turn. So documents come in the order of their tickets, however many threads make them: the number of a document
//! in its run, by which the acknowledgement log knows it, follows from the tickets alone.
//!
//! ```text
//!         ┌ blocks 0, 2, 4 … ─▸ thread ─ chunks ┐
//! dealer ─┤                                     ├─▸ in turn, to the offerer
//!         └ blocks 1, 3, 5 … ─▸ thread ─ chunks ┘
//! ```

use std::{ops::RangeInclusive, sync::Arc, thread};

use bytes::Bytes;
use demo_workload::{Id, Identity, IdentityError};
use kinesis_producer::limits::PARTITION_KEY_CHARS;
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinHandle, spawn_blocking},
};

use super::{
    LoadError, ReserveTickets,
    acks::AckWriter,
    source::{Documents, Source, SourceError},
};

/// Documents rendered into one buffer.
const DOCUMENTS_PER_CHUNK: usize = 64;
/// At least so many documents has a block where there are several threads.
const DOCUMENTS_PER_BLOCK: u64 = 256;
/// Chunks that a thread makes ahead, more than a block: about 5 MB of full documents.
const CHUNKS_AHEAD: usize = 8;
/// At least so many documents are reserved at a time when their number is not known.
const DOCUMENTS_AT_A_TIME: u64 = 40_000;
/// One makes half a million full documents a second: no stream is fed by more than a few.
const MOST_THREADS: usize = 4;

#[derive(Clone)]
pub(super) struct Document {
    pub(super) ticket: u64,
    /// Its partition key, where it has that itself.
    pub(super) key: Option<Arc<str>>,
    pub(super) data: Bytes,
}

pub(super) type Chunk = Vec<Document>;

pub(super) struct Generator {
    pub(super) source: Arc<dyn Source>,
    /// Where documents have their partition key, if they have it themselves.
    pub(super) keyed: Option<Keyed>,
    pub(super) reserve: ReserveTickets,
    pub(super) acks: Arc<AckWriter>,
    /// Documents of the whole run; without it, until nobody takes them.
    pub(super) whole: Option<u64>,
    /// So many documents of the run are not made, because other workers send them.
    pub(super) before: u64,
}

/// Documents in their order; dropping it ends the threads.
pub(super) struct Chunks {
    threads: Vec<mpsc::Receiver<Made>>,
    turn: usize,
}

/// The threads that make documents.
pub(super) struct Generating(Vec<JoinHandle<Result<(), LoadError>>>);

enum Made {
    Chunk(Chunk),
    EndOfBlock,
}

/// Tickets next to each other that one thread makes the documents of.
struct Block {
    tickets: RangeInclusive<u64>,
    /// So many of their documents are left out.
    skip: u64,
}

impl Chunks {
    /// Waits for the next; `None` when all are made, or no more can be. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Option<Chunk> {
        loop {
            match self.threads[self.turn].recv().await? {
                Made::Chunk(chunk) => return Some(chunk),
                Made::EndOfBlock => self.turn = (self.turn + 1) % self.threads.len(),
            }
        }
    }
}

impl Generating {
    /// Waits until they have ended; why the first of them failed, if one did.
    pub(super) async fn ended(self) -> Result<(), LoadError> {
        let broken = |source: JoinError| LoadError::Broken { part: "generator", source };
        let mut ended = Ok(());
        for thread in self.0 {
            let one = thread.await.map_err(broken).flatten();
            ended = ended.and(one);
        }
        ended
    }
}

/// Documents that have their partition key themselves.
#[derive(Clone)]
pub(super) struct Keyed {
    /// By the fields of their partition key.
    pub(super) by: Identity,
    /// By what tells one from another, for those without such a field.
    pub(super) otherwise: Identity,
}

impl Keyed {
    fn key_of(&self, document: &[u8]) -> Result<Arc<str>, IdentityError> {
        let text = match self.by.texts(document) {
            Ok(texts) => texts.join("/"),
            Err(error) if error.is_absence() => return Ok(hexadecimal(self.otherwise.of_document(document)?)),
            Err(error) => return Err(error),
        };
        let fits = PARTITION_KEY_CHARS.contains(&text.chars().count());
        Ok(if fits { text.into() } else { hexadecimal(self.by.of_document(document)?) })
    }
}

/// Stands for a key that is missing, empty or longer than a partition key may be.
fn hexadecimal(Id(id): Id) -> Arc<str> {
    format!("{id:016x}").into()
}

impl Generator {
    /// Starts the threads; they end when all is made, or the chunks are dropped.
    pub(super) fn start(self) -> (Chunks, Generating) {
        let count = threads(&*self.source);
        let (mut handles, mut chunks, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            let (deal, dealt) = mpsc::channel(1);
            let (made, receiver) = mpsc::channel(CHUNKS_AHEAD);
            let (source, keyed) = (self.source.clone(), self.keyed.clone());
            let maker = Maker { source, documents: None, keyed, made, capacity: 0 };
            handles.push(spawn_blocking(move || maker.make_all(dealt)));
            chunks.push(receiver);
            blocks.push(deal);
        }
        handles.push(spawn_blocking(move || self.deal(&blocks)));
        (Chunks { threads: chunks, turn: 0 }, Generating(handles))
    }

    fn deal(mut self, threads: &[mpsc::Sender<Block>]) -> Result<(), LoadError> {
        let mut turns = threads.iter().cycle();
        loop {
            let tickets = self.reserve()?;
            for block in self.blocks(tickets, threads.len())? {
                let thread = turns.next().expect("there is a thread");
                if thread.blocking_send(block).is_err() {
                    return Ok(());
                }
            }
            if self.whole.is_some() {
                return Ok(());
            }
        }
    }

    /// Of a known number of documents all tickets at once: at least as many as it takes.
    fn reserve(&mut self) -> Result<RangeInclusive<u64>, LoadError> {
        let documents = self.whole.unwrap_or(DOCUMENTS_AT_A_TIME);
        let count = documents.div_ceil(self.source.documents_per_ticket().max(1));
        let tickets = (self.reserve)(count).map_err(|source| LoadError::Reserve { count, source })?;
        self.acks.tickets(&tickets)?;
        Ok(tickets)
    }

    fn blocks(&self, tickets: RangeInclusive<u64>, threads: usize) -> Result<impl Iterator<Item = Block>, LoadError> {
        let last = *tickets.end();
        let (first, mut skip) = match self.before {
            0 => (*tickets.start(), 0),
            before => self.source.clone().locate(tickets, before).map_err(LoadError::Source)?,
        };
        let per_ticket = self.source.documents_per_ticket().max(1);
        let length = if threads == 1 { u64::MAX } else { DOCUMENTS_PER_BLOCK.div_ceil(per_ticket) };
        let mut next = Some(first).filter(|first| *first <= last);
        Ok(std::iter::from_fn(move || {
            let first = next?;
            let end = first.saturating_add(length - 1).min(last);
            next = end.checked_add(1).filter(|next| *next <= last);
            Some(Block { tickets: first..=end, skip: std::mem::take(&mut skip) })
        }))
    }
}

/// As many as there are cores, if there are not too many of them; one where documents in the middle take longer.
fn threads(source: &dyn Source) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if source.starts_anywhere() { cores.min(MOST_THREADS) } else { 1 }
}

/// One thread.
struct Maker {
    source: Arc<dyn Source>,
    documents: Option<Box<dyn Documents>>,
    keyed: Option<Keyed>,
    made: mpsc::Sender<Made>,
    /// How large a buffer has to be, as far as is known.
    capacity: usize,
}

impl Maker {
    fn make_all(mut self, mut dealt: mpsc::Receiver<Block>) -> Result<(), LoadError> {
        while let Some(block) = dealt.blocking_recv() {
            if !self.make(block)? {
                break;
            }
        }
        Ok(())
    }

    /// False when nobody takes what it makes.
    fn make(&mut self, Block { tickets, skip }: Block) -> Result<bool, LoadError> {
        let mut documents = self.begin(tickets.clone());
        let mut is_empty = skip_documents(&mut *documents, skip).map_err(LoadError::Source)? == 0;
        loop {
            let chunk = self.chunk(&mut *documents).map_err(LoadError::Source)?;
            if chunk.is_empty() {
                break;
            }
            is_empty = false;
            if self.made.blocking_send(Made::Chunk(chunk)).is_err() {
                return Ok(false);
            }
        }
        if is_empty {
            return Err(LoadError::NoDocuments { tickets });
        }
        self.documents = Some(documents);
        Ok(self.made.blocking_send(Made::EndOfBlock).is_ok())
    }

    fn begin(&mut self, tickets: RangeInclusive<u64>) -> Box<dyn Documents> {
        match self.documents.take() {
            Some(mut documents) => {
                documents.go_on(tickets);
                documents
            }
            None => self.source.clone().render(tickets),
        }
    }

    fn chunk(&mut self, documents: &mut dyn Documents) -> Result<Chunk, SourceError> {
        let mut chunk = render_chunk(documents, &mut self.capacity)?;
        if let Some(keyed) = &self.keyed {
            for document in &mut chunk {
                document.key = Some(keyed.key_of(&document.data)?);
            }
        }
        Ok(chunk)
    }
}

/// How many of them there were.
fn skip_documents(documents: &mut dyn Documents, skip: u64) -> Result<u64, SourceError> {
    let mut skipped = Vec::new();
    for count in 0..skip {
        skipped.clear();
        if documents.next_into(&mut skipped)?.is_none() {
            return Ok(count);
        }
    }
    Ok(skip)
}

/// `capacity` learns how large a buffer has to be.
fn render_chunk(documents: &mut dyn Documents, capacity: &mut usize) -> Result<Chunk, SourceError> {
    let mut buffer = Vec::with_capacity(*capacity);
    let mut ends = Vec::with_capacity(DOCUMENTS_PER_CHUNK);
    while ends.len() < DOCUMENTS_PER_CHUNK {
        let Some(ticket) = documents.next_into(&mut buffer)? else { break };
        ends.push((ticket, buffer.len()));
    }
    *capacity = buffer.len().max(*capacity);
    Ok(slice(buffer.into(), ends))
}

fn slice(buffer: Bytes, ends: Vec<(u64, usize)>) -> Chunk {
    let mut start = 0;
    let mut document = |(ticket, end)| {
        let data = buffer.slice(std::mem::replace(&mut start, end)..end);
        Document { ticket, key: None, data }
    };
    ends.into_iter().map(&mut document).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use demo_formats::schema::FieldPath;

    fn key_of(document: &str, fields: &[&str]) -> Arc<str> {
        let fields = fields.iter().map(|name| FieldPath(vec![(*name).to_owned()])).collect();
        let keyed = Keyed { by: Identity::Fields(fields), otherwise: Identity::Line };
        keyed.key_of(document.as_bytes()).expect("a key")
    }

    #[test]
    fn a_partition_key_is_the_text_of_the_declared_key() {
        assert_eq!(&*key_of("{\"id\":17,\"region\":\"eu\"}\n", &["region", "id"]), "eu/17");
    }

    #[test]
    fn a_key_that_no_partition_key_can_be_is_hashed() {
        let of_length = |length| format!("{{\"id\":\"{}\"}}", "ä".repeat(length));
        assert_eq!(key_of(&of_length(256), &["id"]).chars().count(), 256);
        for document in [&of_length(257), "{\"id\":\"\"}", "{\"id\":null}", "{}"] {
            let key = key_of(document, &["id"]);
            assert!(key.len() == 16 && key.chars().all(|c| c.is_ascii_hexdigit()), "{key}");
        }
        assert_ne!(key_of("{\"a\":1}", &["id"]), key_of("{\"a\":2}", &["id"]), "each goes by what it is");
        let keyed = Keyed { by: Identity::Fields(vec![FieldPath(vec!["id".into()])]), otherwise: Identity::Line };
        assert!(keyed.key_of(b"{\"id\":1.5}").is_err());
    }
}
