//! Where documents come from.

use std::{error::Error, ops::RangeInclusive, sync::Arc};

use crate::workload::{Id, Identity, json_lines::JsonLines, store_sales::StoreSales, template::Template};

/// Why a document cannot be made.
pub type SourceError = Box<dyn Error + Send + Sync>;

/// Renders documents one by one: each call appends one with its newline and returns its ticket, `None` at the end.
pub type Documents = Box<dyn FnMut(&mut Vec<u8>) -> Result<Option<u64>, SourceError> + Send>;

/// The ids of the same documents in the same order.
pub type Ids = Box<dyn Iterator<Item = Result<Id, SourceError>> + Send>;

/// A workload: documents in the order of their tickets, the same whenever they are asked for. A ticket is what runs
/// reserve: of `store_sales` a ticket, of a user's own documents the number of one.
pub trait Source: Send + Sync + 'static {
    /// By what its documents are told apart.
    fn identity(&self) -> Identity;

    /// At least so many documents has every ticket.
    fn documents_per_ticket(&self) -> u64;

    /// Whether documents in the middle are made as quickly as the first ones, so that several threads may share them.
    fn starts_anywhere(&self) -> bool {
        true
    }

    /// Where a document of a range of tickets is, numbered from 0: its ticket, and how many documents of the ticket
    /// are before it.
    fn locate(self: Arc<Self>, tickets: RangeInclusive<u64>, document: u64) -> Result<(u64, u64), SourceError>;

    /// Renders the documents of a range of tickets.
    fn render(self: Arc<Self>, tickets: RangeInclusive<u64>) -> Documents;

    /// The ids of the documents of a range of tickets.
    fn ids(self: Arc<Self>, tickets: RangeInclusive<u64>) -> Ids {
        let identity = self.identity();
        let (mut documents, mut document) = (self.render(tickets), Vec::new());
        Box::new(std::iter::from_fn(move || {
            document.clear();
            match documents(&mut document) {
                Ok(None) => None,
                Ok(Some(_)) => Some(identity.of_document(&document).map_err(Into::into)),
                Err(error) => Some(Err(error)),
            }
        }))
    }
}

impl Source for StoreSales {
    fn identity(&self) -> Identity {
        Identity::StoreSales
    }

    /// Source: the TPC-DS specification, "8 to 16 items per ticket".
    fn documents_per_ticket(&self) -> u64 {
        8
    }

    /// Counts keys, which is a hundred times as fast as making documents.
    fn locate(self: Arc<Self>, tickets: RangeInclusive<u64>, document: u64) -> Result<(u64, u64), SourceError> {
        let (mut ticket, mut first) = (*tickets.start(), 0);
        for (number, key) in (0..=document).zip(self.keys(tickets)) {
            if key.ticket != ticket {
                (ticket, first) = (key.ticket, number);
            }
        }
        Ok((ticket, document - first))
    }

    fn render(self: Arc<Self>, tickets: RangeInclusive<u64>) -> Documents {
        let mut documents = self.documents(tickets);
        Box::new(move |out| Ok(documents.next_into(out).map(|key| key.ticket)))
    }

    fn ids(self: Arc<Self>, tickets: RangeInclusive<u64>) -> Ids {
        Box::new(self.keys(tickets).map(|key| Ok(key.into())))
    }
}

impl Source for JsonLines {
    fn identity(&self) -> Identity {
        self.identity().clone()
    }

    fn documents_per_ticket(&self) -> u64 {
        1
    }

    /// A file is read from its beginning on, so one thread reads it.
    fn starts_anywhere(&self) -> bool {
        false
    }

    fn locate(self: Arc<Self>, tickets: RangeInclusive<u64>, document: u64) -> Result<(u64, u64), SourceError> {
        Ok(one_document_a_ticket(&tickets, document))
    }

    fn render(self: Arc<Self>, mut tickets: RangeInclusive<u64>) -> Documents {
        let mut documents = self.documents(*tickets.start());
        let mut line = Vec::new();
        Box::new(move |out| {
            let Some(ticket) = tickets.next() else { return Ok(None) };
            documents.next_into(out, &mut line)?;
            Ok(Some(ticket))
        })
    }
}

impl Source for Template {
    fn identity(&self) -> Identity {
        self.identity().clone()
    }

    fn documents_per_ticket(&self) -> u64 {
        1
    }

    fn locate(self: Arc<Self>, tickets: RangeInclusive<u64>, document: u64) -> Result<(u64, u64), SourceError> {
        Ok(one_document_a_ticket(&tickets, document))
    }

    fn render(self: Arc<Self>, mut tickets: RangeInclusive<u64>) -> Documents {
        Box::new(move |out| {
            let Some(ticket) = tickets.next() else { return Ok(None) };
            self.document(ticket, out)?;
            Ok(Some(ticket))
        })
    }
}

fn one_document_a_ticket(tickets: &RangeInclusive<u64>, document: u64) -> (u64, u64) {
    (tickets.start().saturating_add(document), 0)
}
