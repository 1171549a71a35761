//! Makes documents on a thread of their own, a few chunks ahead of the load.

use std::{ops::RangeInclusive, sync::Arc};

use bytes::Bytes;
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    LoadError, ReserveTickets,
    acks::AckWriter,
    source::{Documents, Source, SourceError},
};
use crate::workload::{Id, Identity};

/// Documents rendered into one buffer.
const DOCUMENTS_PER_CHUNK: u64 = 64;
/// Chunks made ahead: about 9 MB of full documents.
const CHUNKS_AHEAD: usize = 16;
/// At least so many documents are reserved at a time when their number is not known.
const DOCUMENTS_AT_A_TIME: u64 = 40_000;

/// Kinesis API reference, PutRecordsRequestEntry: characters of a partition key.
const LONGEST_PARTITION_KEY: usize = 256;

pub(super) struct Document {
    pub(super) ticket: u64,
    /// The text of its declared key, where that is its partition key.
    pub(super) key: Option<Arc<str>>,
    pub(super) data: Bytes,
}

pub(super) type Chunk = Vec<Document>;

pub(super) struct Generator {
    pub(super) source: Arc<dyn Source>,
    /// By what documents are told apart, where that is their partition key.
    pub(super) keyed: Option<Identity>,
    pub(super) reserve: ReserveTickets,
    pub(super) acks: Arc<AckWriter>,
    /// Documents to make; without it, until nobody takes them.
    pub(super) total: Option<u64>,
}

impl Document {
    fn take_key(&mut self, identity: &Identity) -> Result<(), SourceError> {
        let text = identity.texts(&self.data)?.join("/");
        let fits = (1..=LONGEST_PARTITION_KEY).contains(&text.chars().count());
        self.key = Some(if fits { text.into() } else { hexadecimal(identity.of_document(&self.data)?) });
        Ok(())
    }
}

/// Stands for a key that is empty or longer than a partition key may be.
fn hexadecimal(Id(id): Id) -> Arc<str> {
    format!("{id:016x}").into()
}

impl Generator {
    /// Starts the thread; it ends when all is made, or the receiver is gone.
    pub(super) fn start(self) -> (mpsc::Receiver<Chunk>, JoinHandle<Result<(), LoadError>>) {
        let (chunks, receiver) = mpsc::channel(CHUNKS_AHEAD);
        (receiver, tokio::task::spawn_blocking(move || self.generate(&chunks)))
    }

    fn generate(mut self, chunks: &mpsc::Sender<Chunk>) -> Result<(), LoadError> {
        let mut left = self.total.unwrap_or(u64::MAX);
        while left > 0 && !chunks.is_closed() {
            let tickets = self.reserve(left)?;
            let made = self.send(tickets.clone(), left, chunks)?;
            if made == 0 && !chunks.is_closed() {
                return Err(LoadError::NoDocuments { tickets });
            }
            left -= made;
        }
        Ok(())
    }

    fn reserve(&mut self, left: u64) -> Result<RangeInclusive<u64>, LoadError> {
        let documents = if self.total.is_some() { left } else { DOCUMENTS_AT_A_TIME };
        let count = documents.div_ceil(self.source.documents_per_ticket().max(1));
        let tickets = (self.reserve)(count).map_err(|source| LoadError::Reserve { count, source })?;
        self.acks.tickets(&tickets)?;
        Ok(tickets)
    }

    fn send(&self, tickets: RangeInclusive<u64>, left: u64, chunks: &mpsc::Sender<Chunk>) -> Result<u64, LoadError> {
        let mut next = self.source.clone().render(tickets);
        let mut made = 0;
        let mut capacity = 0;
        while made < left {
            let count = (left - made).min(DOCUMENTS_PER_CHUNK);
            let mut chunk = render_chunk(&mut next, count, &mut capacity).map_err(LoadError::Source)?;
            if let Some(identity) = &self.keyed {
                chunk.iter_mut().try_for_each(|document| document.take_key(identity)).map_err(LoadError::Source)?;
            }
            let documents = chunk.len() as u64;
            if documents == 0 || chunks.blocking_send(chunk).is_err() {
                break;
            }
            made += documents;
        }
        Ok(made)
    }
}

/// `capacity` learns how large a buffer has to be.
fn render_chunk(next: &mut Documents, count: u64, capacity: &mut usize) -> Result<Chunk, SourceError> {
    let mut buffer = Vec::with_capacity(*capacity);
    let mut ends = Vec::with_capacity(count as usize);
    while (ends.len() as u64) < count {
        let Some(ticket) = next(&mut buffer)? else { break };
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
    use crate::schema::FieldPath;

    fn key_of(document: &'static str, fields: &[&str]) -> Arc<str> {
        let fields = fields.iter().map(|name| FieldPath(vec![(*name).to_owned()])).collect();
        let mut document = Document { ticket: 1, key: None, data: Bytes::from_static(document.as_bytes()) };
        document.take_key(&Identity::Fields(fields)).expect("a key");
        document.key.expect("just taken")
    }

    #[test]
    fn a_partition_key_is_the_text_of_the_declared_key() {
        assert_eq!(&*key_of("{\"id\":17,\"region\":\"eu\"}\n", &["region", "id"]), "eu/17");
    }

    #[test]
    fn a_key_that_no_partition_key_can_be_is_hashed() {
        let long: &'static str = Box::leak(format!("{{\"id\":\"{}\"}}", "ä".repeat(257)).into_boxed_str());
        let fits: &'static str = Box::leak(format!("{{\"id\":\"{}\"}}", "ä".repeat(256)).into_boxed_str());
        assert_eq!(key_of(fits, &["id"]).chars().count(), 256);
        for document in [long, "{\"id\":\"\"}"] {
            let key = key_of(document, &["id"]);
            assert!(key.len() == 16 && key.chars().all(|c| c.is_ascii_hexdigit()), "{key}");
        }
    }
}
