//! Where documents come from.

use std::{error::Error, ops::RangeInclusive, sync::Arc};

use demo_workload::{
    Id, Identity,
    json_lines::{self, JsonLines},
    mix::Mix,
    store_sales::{self, StoreSales},
    template::{Template, TemplateError},
};

/// Why a document cannot be made.
pub type SourceError = Box<dyn Error + Send + Sync>;

/// Documents in the making.
pub trait Documents: Send {
    /// Appends the next one with its newline and returns its ticket; `None` at the end of the tickets.
    fn next_into(&mut self, out: &mut Vec<u8>) -> Result<Option<u64>, SourceError>;

    /// Goes on with other tickets, once the present ones are at their end.
    fn go_on(&mut self, tickets: RangeInclusive<u64>);
}

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
    fn render(self: Arc<Self>, tickets: RangeInclusive<u64>) -> Box<dyn Documents>;

    /// Shows the documents of some numbers, counted from 0 over all of these tickets. `numbers` ascend, and may be more
    /// than there are documents.
    fn pick(
        self: Arc<Self>,
        tickets: &[RangeInclusive<u64>],
        numbers: &mut dyn Iterator<Item = u64>,
        take: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<(), SourceError> {
        let (mut wanted, mut number, mut document) = (numbers.next(), 0, Vec::new());
        for tickets in tickets {
            let mut documents = self.clone().render(tickets.clone());
            while let Some(next) = wanted
                && documents.next_into(&mut document)?.is_some()
            {
                if number == next {
                    take(number, &document);
                    wanted = numbers.next();
                }
                document.clear();
                number += 1;
            }
        }
        Ok(())
    }

    /// The ids of the documents of a range of tickets.
    fn ids(self: Arc<Self>, tickets: RangeInclusive<u64>) -> Ids {
        let identity = self.identity();
        let (mut documents, mut document) = (self.render(tickets), Vec::new());
        Box::new(std::iter::from_fn(move || {
            document.clear();
            match documents.next_into(&mut document) {
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

    fn render(self: Arc<Self>, tickets: RangeInclusive<u64>) -> Box<dyn Documents> {
        Box::new(self.documents(tickets))
    }

    /// Counts keys, and makes only the tickets of the documents that are wanted.
    fn pick(
        self: Arc<Self>,
        tickets: &[RangeInclusive<u64>],
        numbers: &mut dyn Iterator<Item = u64>,
        take: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<(), SourceError> {
        let (mut wanted, mut document) = (numbers.next(), Vec::new());
        let (mut ticket, mut first) = (None, 0);
        for (number, key) in (0..).zip(tickets.iter().cloned().flat_map(|tickets| self.keys(tickets))) {
            if ticket != Some(key.ticket) {
                (ticket, first) = (Some(key.ticket), number);
            }
            match wanted {
                None => break,
                Some(next) if next > number => continue,
                Some(_) => {}
            }
            let mut documents = self.documents(key.ticket..=key.ticket);
            for _ in first..=number {
                document.clear();
                documents.next_into(&mut document);
            }
            take(number, &document);
            wanted = numbers.next();
        }
        Ok(())
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

    fn render(self: Arc<Self>, tickets: RangeInclusive<u64>) -> Box<dyn Documents> {
        Box::new(Lines { documents: self.documents(*tickets.start()), lines: self, tickets, line: Vec::new() })
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

    fn render(self: Arc<Self>, tickets: RangeInclusive<u64>) -> Box<dyn Documents> {
        Box::new(Rendered { document: move |number, out: &mut Vec<u8>| self.document(number, out), tickets })
    }
}

impl Source for Mix {
    fn identity(&self) -> Identity {
        self.identity().clone()
    }

    fn documents_per_ticket(&self) -> u64 {
        1
    }

    fn locate(self: Arc<Self>, tickets: RangeInclusive<u64>, document: u64) -> Result<(u64, u64), SourceError> {
        Ok(one_document_a_ticket(&tickets, document))
    }

    fn render(self: Arc<Self>, tickets: RangeInclusive<u64>) -> Box<dyn Documents> {
        Box::new(Rendered { document: move |number, out: &mut Vec<u8>| self.document(number, out), tickets })
    }
}

impl Documents for store_sales::Documents {
    fn next_into(&mut self, out: &mut Vec<u8>) -> Result<Option<u64>, SourceError> {
        Ok(Self::next_into(self, out).map(|key| key.ticket))
    }

    fn go_on(&mut self, tickets: RangeInclusive<u64>) {
        Self::go_on(self, tickets);
    }
}

/// Documents of a file.
struct Lines {
    lines: Arc<JsonLines>,
    documents: json_lines::Documents,
    tickets: RangeInclusive<u64>,
    line: Vec<u8>,
}

impl Documents for Lines {
    fn next_into(&mut self, out: &mut Vec<u8>) -> Result<Option<u64>, SourceError> {
        let Some(ticket) = self.tickets.next() else { return Ok(None) };
        self.documents.next_into(out, &mut self.line)?;
        Ok(Some(ticket))
    }

    fn go_on(&mut self, tickets: RangeInclusive<u64>) {
        let behind = self.tickets.end().checked_add(1) == Some(*tickets.start());
        if !behind {
            self.documents = self.lines.documents(*tickets.start());
        }
        self.tickets = tickets;
    }
}

/// Documents of templates, each made by its number.
struct Rendered<D> {
    document: D,
    tickets: RangeInclusive<u64>,
}

impl<D: Fn(u64, &mut Vec<u8>) -> Result<(), TemplateError> + Send> Documents for Rendered<D> {
    fn next_into(&mut self, out: &mut Vec<u8>) -> Result<Option<u64>, SourceError> {
        let Some(ticket) = self.tickets.next() else { return Ok(None) };
        (self.document)(ticket, out)?;
        Ok(Some(ticket))
    }

    fn go_on(&mut self, tickets: RangeInclusive<u64>) {
        self.tickets = tickets;
    }
}

fn one_document_a_ticket(tickets: &RangeInclusive<u64>, document: u64) -> (u64, u64) {
    (tickets.start().saturating_add(document), 0)
}
