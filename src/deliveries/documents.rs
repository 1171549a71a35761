//! What deliveries refuse of documents that were read, told all at once.

use demo_formats::schema::{FieldPath, Schema, Seen};

use super::{Delivery, parts::Unfit};
use crate::verify::Destination;

/// What the documents of a stack have shown.
pub struct Documents<'a> {
    /// Their fields.
    pub schema: &'a Schema,
    /// What each field has shown, at any depth.
    pub seen: &'a [Seen],
    /// What places are numbers of: lines or documents.
    pub places: Places,
}

/// What the place of a document is the number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// The lines of a file.
    Lines,
    /// The documents of a template.
    Documents,
}

impl Places {
    /// A place in words.
    pub fn at(self, place: u64) -> String {
        match self {
            Self::Lines => format!("line {place}"),
            Self::Documents => format!("document {place}"),
        }
    }

    /// The first place in words, and how many more there are.
    fn from(self, first: u64, count: u64) -> String {
        let (one, many) = match self {
            Self::Lines => ("line", "lines"),
            Self::Documents => ("document", "documents"),
        };
        match count {
            1 => self.at(first),
            2 => format!("{} and 1 more {one}", self.at(first)),
            _ => format!("{} and {} more {many}", self.at(first), count - 1),
        }
    }
}

impl Documents<'_> {
    /// A place in words.
    pub fn at(&self, place: u64) -> String {
        self.places.at(place)
    }

    /// What the field at a path has shown, if any document has it.
    pub fn seen(&self, path: &FieldPath) -> Option<&Seen> {
        self.seen.iter().find(|seen| seen.path == *path)
    }
}

/// What single documents are refused for, by destination: each reason once.
#[derive(Debug, Default)]
pub struct Refusals(Vec<Refusal>);

#[derive(Debug)]
struct Refusal {
    by: Destination,
    why: Unfit,
    first: u64,
    count: u64,
}

impl Refusals {
    /// Holds a document, and its place, against each delivery.
    pub fn look(&mut self, deliveries: &[&dyn Delivery], place: u64, document: &[u8]) {
        for delivery in deliveries {
            if let Err(why) = delivery.check_document(document) {
                self.note(delivery.destination(), why, place);
            }
        }
    }

    fn note(&mut self, by: Destination, why: Unfit, place: u64) {
        match self.0.iter_mut().find(|known| known.by == by && known.why == why) {
            Some(known) => known.count += 1,
            None => self.0.push(Refusal { by, why, first: place, count: 1 }),
        }
    }

    /// Everything that deliveries refuse: single documents, and all of them together.
    pub fn and_of_all(self, deliveries: &[&dyn Delivery], documents: &Documents<'_>) -> Vec<Unfit> {
        let of_one = self.0.into_iter().map(|Refusal { by, why, first, count }| {
            let problem = format!("{}: {} in {}", by.label, why.problem, documents.places.from(first, count));
            Unfit { problem, ..why }
        });
        let of_all = deliveries.iter().flat_map(|delivery| {
            let label = delivery.destination().label;
            let refused = delivery.check_documents(documents).into_iter();
            refused.map(move |why| Unfit { problem: format!("{label}: {}", why.problem), ..why })
        });
        of_one.chain(of_all).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliveries::s3;

    #[test]
    fn a_reason_is_told_once_with_its_first_place() {
        let mut refusals = Refusals::default();
        let deep = || Unfit::new("nested too deep", "make it flat");
        for (place, why) in [(3, deep()), (4, Unfit::new("empty", "fill it")), (7, deep()), (9, deep())] {
            refusals.note(s3::DESTINATION, why, place);
        }
        let schema = Schema { columns: Vec::new() };
        let documents = Documents { schema: &schema, seen: &[], places: Places::Lines };
        let told: Vec<_> = refusals.and_of_all(&[], &documents).iter().map(ToString::to_string).collect();
        let expected =
            ["S3: nested too deep in line 3 and 2 more lines\n  make it flat", "S3: empty in line 4\n  fill it"];
        assert_eq!(told, expected);
        assert_eq!(Places::Documents.from(5, 2), "document 5 and 1 more document");
    }
}
