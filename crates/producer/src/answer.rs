//! The answer to a PutRecords request, by position, with its texts left where they came in.

mod cbor;
mod json;
mod scan;
#[cfg(test)]
mod tests;

use std::mem;

use bytes::Bytes;

/// What a refused record without a code is said to be.
const NO_SEQUENCE_NUMBER: &str = "NoSequenceNumber";

/// The answer to one request: what became of each record, in the order in which they were sent.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    text: Bytes,
    positions: Vec<Position>,
}

/// Where a text stands in its [`Answer`], in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// What became of one record of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Acknowledged.
    Written {
        /// For example `shardId-000000000000`.
        shard_id: Span,
        /// Unique within the shard.
        sequence_number: Span,
    },
    /// Not written; to be sent again.
    Refused {
        /// `ProvisionedThroughputExceededException` or `InternalFailure`. Source: Kinesis API reference, PutRecords.
        code: Span,
        /// The service's words.
        message: Span,
    },
}

/// What was answered cannot be read: the records may have been written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    /// It is not JSON, or not of the shape of an answer.
    #[error("the answer is not what PutRecords answers")]
    Json(#[from] serde_json::Error),
    /// It is not CBOR, or not of the shape of an answer.
    #[error("the answer is not what PutRecords answers")]
    Cbor(#[from] minicbor::decode::Error),
    /// Something after its end.
    #[error("the answer has {bytes} bytes after its end")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// More than any answer has.
    #[error("the answer has {bytes} bytes, more than any of PutRecords")]
    TooLong {
        /// How many.
        bytes: usize,
    },
}

impl Answer {
    /// An answer put together position by position: for transports with an encoding of their own.
    pub fn builder() -> AnswerBuilder {
        AnswerBuilder::default()
    }

    /// How many positions it has.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether there is no position.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// What became of each record.
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// A text of one of this answer's positions.
    ///
    /// # Panics
    /// It may, for a position of another answer.
    pub fn text(&self, span: Span) -> &str {
        str::from_utf8(&self.text[span.start as usize..span.end as usize]).expect("every span was read as UTF-8")
    }

    /// The bytes that the spans point into, shared.
    pub(super) fn share(&self) -> Bytes {
        self.text.clone()
    }

    pub(super) fn read_json(body: Bytes) -> Result<Self, AnswerError> {
        check_length(&body)?;
        match scan::answer(&body) {
            Some(answer) => Ok(answer),
            None => json::answer(&body),
        }
    }

    pub(super) fn read_cbor(body: Bytes) -> Result<Self, AnswerError> {
        check_length(&body)?;
        cbor::answer(&body)
    }
}

fn check_length(body: &[u8]) -> Result<(), AnswerError> {
    // Half of what a span can say: texts of our own may follow.
    match body.len() {
        0..=0x7FFF_FFFF => Ok(()),
        bytes => Err(AnswerError::TooLong { bytes }),
    }
}

/// Puts an [`Answer`] together, position by position.
#[derive(Clone, Debug, Default)]
pub struct AnswerBuilder {
    /// What was received.
    body: Bytes,
    /// Texts that do not stand in the body as they are; they follow it.
    more: String,
    positions: Vec<Position>,
}

impl AnswerBuilder {
    /// Spans may point into `body`.
    fn over(body: Bytes) -> Self {
        Self { body, more: String::new(), positions: Vec::new() }
    }

    /// The next record was acknowledged.
    pub fn written(&mut self, shard_id: &str, sequence_number: &str) -> &mut Self {
        let position = Position::Written { shard_id: self.add(shard_id), sequence_number: self.add(sequence_number) };
        self.positions.push(position);
        self
    }

    /// The next record was not written.
    pub fn refused(&mut self, code: &str, message: &str) -> &mut Self {
        let position = Position::Refused { code: self.add(code), message: self.add(message) };
        self.positions.push(position);
        self
    }

    /// The answer; what was put together is moved out.
    pub fn build(&mut self) -> Answer {
        let Self { body, more, positions } = mem::take(self);
        let text = match (body.is_empty(), more.is_empty()) {
            (_, true) => body,
            (true, false) => more.into(),
            (false, false) => [&*body, more.as_bytes()].concat().into(),
        };
        Answer { text, positions }
    }

    fn add(&mut self, text: &str) -> Span {
        let start = self.body.len() + self.more.len();
        self.more.push_str(text);
        Span::of(start, start + text.len())
    }

    fn push(&mut self, entry: Fields) {
        let position = match entry {
            Fields { shard_id: Some(shard_id), sequence_number: Some(sequence_number), error_code: None, .. } => {
                Position::Written { shard_id, sequence_number }
            }
            Fields { error_code, error_message, .. } => Position::Refused {
                code: error_code.unwrap_or_else(|| self.add(NO_SEQUENCE_NUMBER)),
                message: error_message.unwrap_or_default(),
            },
        };
        self.positions.push(position);
    }
}

/// What one entry of an answer may say. Source: Kinesis API reference, PutRecordsResultEntry.
#[derive(Clone, Copy, Default)]
struct Fields {
    sequence_number: Option<Span>,
    shard_id: Option<Span>,
    error_code: Option<Span>,
    error_message: Option<Span>,
}

impl Fields {
    fn by_name(&mut self, name: &[u8]) -> Option<&mut Option<Span>> {
        match name {
            b"SequenceNumber" => Some(&mut self.sequence_number),
            b"ShardId" => Some(&mut self.shard_id),
            b"ErrorCode" => Some(&mut self.error_code),
            b"ErrorMessage" => Some(&mut self.error_message),
            _ => None,
        }
    }
}

impl Span {
    fn of(start: usize, end: usize) -> Self {
        let offset = |at: usize| u32::try_from(at).expect("an answer is shorter than 4 GiB");
        Self { start: offset(start), end: offset(end) }
    }
}
