//! Imperfect documents on their way to the producer.

use super::Flaws;
use crate::{load::generate::Document, spec::Flaw};

/// Makes documents imperfect as they pass, in their order.
pub(in crate::load) struct Flawed {
    flaws: Flaws,
    /// The one before, as it was made.
    previous: Option<Document>,
}

impl Flawed {
    /// After a document that others send, if there is one.
    pub(in crate::load) fn new(flaws: Flaws, previous: Option<Document>) -> Self {
        Self { flaws, previous }
    }

    /// What is sent in a document's place, and what is wrong with it.
    pub(in crate::load) fn pass(&mut self, number: u64, document: Document) -> (Document, Option<Flaw>) {
        let flaw = self.flaws.of(number);
        let previous = self.previous.replace(document.clone());
        let sent = match (flaw, previous) {
            (None, _) => document,
            (Some(Flaw::Duplicates), Some(previous)) => previous,
            (Some(flaw), _) => {
                let data = self.flaws.apply(flaw, number, &document.data).into();
                Document { data, ..document }
            }
        };
        (sent, flaw)
    }
}
