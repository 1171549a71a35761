//! Documents that a service gave up, and why.

use serde::{Deserialize, Serialize};

/// Reasons that are told one by one.
const REASONS: usize = 5;
/// Characters of a document that are shown.
const SHOWN: usize = 200;

/// Documents that were given up for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// How many, as far as is known.
    pub documents: u64,
    /// The service's own words.
    pub reason: String,
    /// The object that holds the first of them, `s3://…`.
    pub object: String,
    /// The first of them, shortened.
    pub document: String,
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { documents, reason, object, document } = self;
        match documents {
            1 => write!(f, "1 document was rejected: {reason}\n    in {object}: {document}"),
            _ => write!(f, "{documents} documents were rejected: {reason}\n    the first, in {object}: {document}"),
        }
    }
}

/// The rejections of a destination, collected.
#[derive(Clone, Debug, Default)]
pub struct Rejections {
    documents: u64,
    by_reason: Vec<Rejection>,
}

impl Rejections {
    /// Adds a document that lies in `object`. Of more reasons than can be told, the others are counted as one.
    pub fn add(&mut self, reason: &str, object: &str, document: &[u8]) {
        self.documents += 1;
        if let Some(known) = self.by_reason.iter_mut().find(|known| known.reason == reason) {
            known.documents += 1;
            return;
        }
        if self.by_reason.len() > REASONS {
            self.by_reason[REASONS].documents += 1;
            return;
        }
        let reason = if self.by_reason.len() == REASONS {
            format!("other reasons, such as: {reason}")
        } else {
            reason.to_owned()
        };
        let document = shown(document);
        self.by_reason.push(Rejection { documents: 1, reason, object: object.to_owned(), document });
    }

    /// How many documents there are.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// They by their reasons, in the order in which these came up.
    pub fn by_reason(&self) -> &[Rejection] {
        &self.by_reason
    }
}

fn shown(document: &[u8]) -> String {
    let text = String::from_utf8_lossy(document);
    let text = text.trim_end();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_counted_by_their_reasons_and_the_first_is_shown() {
        let mut rejections = Rejections::default();
        for number in 0..3 {
            rejections.add("too long", &format!("s3://b/{number}"), format!("{{\"id\":{number}}}\n").as_bytes());
        }
        rejections.add("no key", "s3://b/k", "é".repeat(300).as_bytes());
        let told: Vec<String> = rejections.by_reason().iter().map(ToString::to_string).collect();
        assert_eq!(told[0], "3 documents were rejected: too long\n    the first, in s3://b/0: {\"id\":0}");
        assert_eq!(told[1], format!("1 document was rejected: no key\n    in s3://b/k: {}…", "é".repeat(200)));
    }

    #[test]
    fn reasons_that_never_end_are_counted() {
        let mut rejections = Rejections::default();
        (0..1_000).for_each(|number| rejections.add(&format!("reason {number}"), "s3://b/k", b"{}"));
        assert_eq!((rejections.documents(), rejections.by_reason().len()), (1_000, REASONS + 1));
        assert_eq!(rejections.by_reason()[REASONS].documents, 995);
        assert_eq!(rejections.by_reason()[REASONS].reason, "other reasons, such as: reason 5");
    }
}
