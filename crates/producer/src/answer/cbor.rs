//! Reads an answer in CBOR, of definite and of indefinite lengths; skips unknown fields.

use bytes::Bytes;
use minicbor::{Decoder, data::Type, decode};

use super::{Answer, AnswerBuilder, AnswerError, Fields, Span};

/// The most positions to make room for at once, whatever the answer says that it has.
const MOST_AT_ONCE: u64 = 500;

pub(super) fn answer(body: &Bytes) -> Result<Answer, AnswerError> {
    let mut reader = Reader { decoder: Decoder::new(body), answer: AnswerBuilder::over(body.clone()) };
    let mut has_records = false;
    reader.object(|reader, name| match name {
        b"Records" if has_records => Err(decode::Error::message("Records stands there twice")),
        b"Records" => {
            has_records = true;
            reader.records()
        }
        _ => reader.decoder.skip(),
    })?;
    if !has_records {
        return Err(decode::Error::message("there are no Records").into());
    }
    match body.len() - reader.decoder.position() {
        0 => Ok(reader.answer.build()),
        bytes => Err(AnswerError::Trailing { bytes }),
    }
}

struct Reader<'b> {
    decoder: Decoder<'b>,
    answer: AnswerBuilder,
}

impl<'b> Reader<'b> {
    fn records(&mut self) -> Result<(), decode::Error> {
        let length = self.decoder.array()?;
        self.answer.positions.reserve(length.unwrap_or_default().min(MOST_AT_ONCE) as usize);
        self.each(length, |reader| {
            let fields = reader.entry()?;
            reader.answer.push(fields);
            Ok(())
        })
    }

    fn entry(&mut self) -> Result<Fields, decode::Error> {
        let mut fields = Fields::default();
        self.object(|reader, name| match fields.by_name(name) {
            Some(field) => {
                *field = reader.text_or_null()?;
                Ok(())
            }
            None => reader.decoder.skip(),
        })?;
        Ok(fields)
    }

    fn object(
        &mut self,
        mut field: impl FnMut(&mut Self, &[u8]) -> Result<(), decode::Error>,
    ) -> Result<(), decode::Error> {
        let length = self.decoder.map()?;
        self.each(length, |reader| {
            if let Some(name) = reader.usual_text() {
                return field(reader, name);
            }
            let name = reader.pieces()?;
            field(reader, name.as_bytes())
        })
    }

    /// As often as the length says, or up to a break.
    fn each(
        &mut self,
        length: Option<u64>,
        mut item: impl FnMut(&mut Self) -> Result<(), decode::Error>,
    ) -> Result<(), decode::Error> {
        let Some(length) = length else {
            while self.decoder.datatype()? != Type::Break {
                item(self)?;
            }
            self.decoder.set_position(self.decoder.position() + 1);
            return Ok(());
        };
        (0..length).try_for_each(|_| item(self))
    }

    fn text_or_null(&mut self) -> Result<Option<Span>, decode::Error> {
        if let Some(text) = self.usual_text() {
            let end = self.decoder.position();
            return Ok(Some(Span::of(end - text.len(), end)));
        }
        match self.decoder.datatype()? {
            Type::Null => self.decoder.null().map(|()| None),
            Type::StringIndef => self.pieces().map(|text| Some(self.answer.add(&text))),
            _ => {
                let length = self.decoder.str()?.len();
                let end = self.decoder.position();
                Ok(Some(Span::of(end - length, end)))
            }
        }
    }

    /// A text of up to 255 bytes of ASCII, without the decoder's steps: nearly all are.
    fn usual_text(&mut self) -> Option<&'b [u8]> {
        let (input, at) = (self.decoder.input(), self.decoder.position());
        let (start, length) = match *input.get(at)? {
            head @ 0x60..0x78 => (at + 1, head - 0x60),
            0x78 => (at + 2, *input.get(at + 1)?),
            _ => return None,
        };
        let end = start + usize::from(length);
        let text = input.get(start..end).filter(|text| text.is_ascii())?;
        self.decoder.set_position(end);
        Some(text)
    }

    /// A text, in pieces or whole.
    fn pieces(&mut self) -> Result<String, decode::Error> {
        self.decoder.str_iter()?.collect()
    }
}
