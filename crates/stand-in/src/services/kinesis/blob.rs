//! Bytes in a request: base64 in JSON, themselves in CBOR.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de};

/// Bytes as they came in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Blob<'a> {
    Base64(Cow<'a, str>),
    Bytes(&'a [u8]),
}

impl Blob<'_> {
    /// The text of one in base64.
    pub(super) fn base64(&self) -> Option<&str> {
        match self {
            Self::Base64(text) => Some(text),
            Self::Bytes(_) => None,
        }
    }

    /// The bytes of one that is not in base64.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Base64(_) => None,
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Blob<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.is_human_readable() {
            true => deserializer.deserialize_str(Visitor),
            false => deserializer.deserialize_bytes(Visitor),
        }
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Blob<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Blob<'de>, E> {
        Ok(Blob::Base64(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Blob<'de>, E> {
        Ok(Blob::Base64(Cow::Borrowed(text)))
    }

    fn visit_borrowed_bytes<E: de::Error>(self, bytes: &'de [u8]) -> Result<Blob<'de>, E> {
        Ok(Blob::Bytes(bytes))
    }
}
