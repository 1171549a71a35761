//! What a stack is called: its name and eight random hex digits, so that no two stacks collide.

use std::{fmt, str::FromStr};

const SUFFIX_DIGITS: usize = 8;

/// A stack's id, for example `store-sales-7f3a91c2`. Every resource name derives from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackId(String);

/// The text is not a name, a dash and eight hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a stack id; expected a name, a dash and 8 hex digits, such as store-sales-7f3a91c2")]
pub struct NotAnId(pub String);

impl StackId {
    /// A new id for a stack of this name.
    pub fn new(name: &str) -> Self {
        Self(format!("{name}-{:0width$x}", rand::random::<u32>(), width = SUFFIX_DIGITS))
    }

    /// The stack's name: what comes before the random part.
    pub fn name(&self) -> &str {
        &self.0[..self.0.len() - SUFFIX_DIGITS - 1]
    }

    /// The random part, eight hex digits.
    pub fn suffix(&self) -> &str {
        &self.0[self.0.len() - SUFFIX_DIGITS..]
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StackId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let plain = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        match text.rsplit_once('-') {
            Some((name, suffix)) if plain(name) && is_suffix(suffix) => Ok(Self(text.to_owned())),
            _ => Err(NotAnId(text.to_owned())),
        }
    }
}

/// Whether a text could be the random part of an id.
pub(super) fn is_suffix(text: &str) -> bool {
    text.len() == SUFFIX_DIGITS && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

impl fmt::Display for StackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_reads_back_and_splits() {
        let id = StackId::new("store-sales");
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_eq!(id.name(), "store-sales");
        assert_eq!(format!("{}-{}", id.name(), id.suffix()), id.as_str());
        assert_ne!(id, StackId::new("store-sales"));
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in ["", "store-sales", "-7f3a91c2", "a-7F3A91C2", "a-7f3a91c", "../a-7f3a91c2", "a-é3a91c2"] {
            assert_eq!(text.parse::<StackId>(), Err(NotAnId(text.to_owned())));
        }
    }
}
