//! Reads an answer in JSON as the service writes it, without a step for each byte; anything unusual is left to a
//! whole parser.
//!
//! Unusual are escapes, characters outside of ASCII, nulls, fields that are not known, numbers with a fraction, and all that
//! is not JSON. What this reads, a whole parser reads the same.

use bytes::Bytes;

use super::{Answer, AnswerBuilder, Fields, Span};

/// What an entry usually takes, to guess how many there are.
const USUAL_ENTRY: usize = 128;
const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The answer, if there is nothing unusual about it.
pub(super) fn answer(body: &Bytes) -> Option<Answer> {
    let mut scanner = Scanner { text: body, at: 0 };
    let mut answer = AnswerBuilder::over(body.clone());
    answer.positions.reserve(body.len() / USUAL_ENTRY);
    let mut has_records = false;
    scanner.object(|scanner, name| match name {
        b"Records" if !has_records => {
            has_records = true;
            scanner.array(|scanner| {
                answer.push(scanner.entry()?);
                Some(())
            })
        }
        b"FailedRecordCount" => scanner.digits(),
        b"EncryptionType" => scanner.text().map(drop),
        _ => None,
    })?;
    scanner.skip_space();
    (has_records && scanner.at == body.len()).then(|| answer.build())
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn entry(&mut self) -> Option<Fields> {
        let start = self.at;
        self.usual_entry().or_else(|| {
            self.at = start;
            self.any_entry()
        })
    }

    /// Of a record that was written, to the letter.
    fn usual_entry(&mut self) -> Option<Fields> {
        let sequence_number = self.plain_after(br#"{"SequenceNumber":""#)?;
        let shard_id = self.plain_after(br#"","ShardId":""#)?;
        self.letters(br#""}"#)?;
        Some(Fields { sequence_number: Some(sequence_number), shard_id: Some(shard_id), ..Fields::default() })
    }

    fn any_entry(&mut self) -> Option<Fields> {
        let mut fields = Fields::default();
        self.object(|scanner, name| {
            let field = fields.by_name(name).filter(|field| field.is_none())?;
            *field = Some(scanner.text()?);
            Some(())
        })?;
        Some(fields)
    }

    fn object(&mut self, mut field: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        if self.takes(b'}') {
            return Some(());
        }
        loop {
            let Span { start, end } = self.text()?;
            let name = &self.text[start as usize..end as usize];
            self.expect(b':')?;
            field(self, name)?;
            if !self.takes(b',') {
                return self.expect(b'}');
            }
        }
    }

    fn array(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(b'[')?;
        if self.takes(b']') {
            return Some(());
        }
        loop {
            item(self)?;
            if !self.takes(b',') {
                return self.expect(b']');
            }
        }
    }

    /// A text of plain ASCII.
    fn text(&mut self) -> Option<Span> {
        self.skip_space();
        let text = self.plain_after(b"\"")?;
        self.letters(b"\"").map(|()| text)
    }

    fn plain_after<const N: usize>(&mut self, letters: &[u8; N]) -> Option<Span> {
        self.letters(letters)?;
        let start = self.at;
        self.at += plain_len(&self.text[start..]);
        Some(Span::of(start, self.at))
    }

    fn letters<const N: usize>(&mut self, letters: &[u8; N]) -> Option<()> {
        let are_next = self.text[self.at..].starts_with(letters);
        self.at += if are_next { N } else { 0 };
        are_next.then_some(())
    }

    fn digits(&mut self) -> Option<()> {
        self.skip_space();
        let rest = &self.text[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count == 1 || count > 1 && rest[0] != b'0').then_some(())
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.takes(byte).then_some(())
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_next = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
    }
}

/// How many bytes come before a quote, a backslash, a control character, or one outside of ASCII.
fn plain_len(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let found = unusual(u64::from_le_bytes(*word));
        if found != 0 {
            return 8 * index + found.trailing_zeros() as usize / 8;
        }
    }
    let is_plain = |byte: &&u8| matches!(byte, b' '..=0x7F) && !matches!(byte, b'"' | b'\\');
    8 * words.len() + rest.iter().take_while(is_plain).count()
}

/// The high bit of the lowest byte that is not plain is set, and none below it.
fn unusual(word: u64) -> u64 {
    let below = |word: u64, limit: u8| word.wrapping_sub(EACH * u64::from(limit)) & !word & HIGH;
    let equal = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    equal(b'"') | equal(b'\\') | below(word, b' ') | word & HIGH
}
