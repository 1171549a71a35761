//! Deliveries: what a stack file may have under `deliver:`, one folder for each with everything that is about it.
//!
//! A folder's `spec` is its part of the stack file and belongs to [`crate::spec`]. The rest of the program reaches a
//! delivery through the trait [`Delivery`], and all deliveries of a stack through [`of`].

pub mod documents;
pub mod dynamodb;
pub mod parts;
pub mod query;
pub mod redshift;
pub mod s3;
pub mod spec;
pub mod usage;

use std::sync::Arc;

use async_trait::async_trait;
use demo_formats::schema::Schema;
use demo_workload::Identity;
use futures::future::BoxFuture;

use crate::{
    aws::{Clients, Names, cost::Prices, preflight::Finding},
    engine::{Node, StackId},
    load::Sample,
    spec::{End, Flaw, Stack, Transport},
    verify::{
        Acknowledged, AcknowledgedError, Destination, DestinationReader, Due, Expected, Sought, VerifyError,
        freshness::Lookup,
        stream::{self, Stream, StreamReading},
        watch::Watch,
    },
};
use documents::Documents;
use parts::{NodesError, Parts, Unfit};
use query::Table;
use spec::Deliver;
use tokio::sync::mpsc;
use usage::{Sent, Used};

/// Every destination, in the order in which results name them. The stream is one where a stack delivers nowhere.
pub const DESTINATIONS: [Destination; 4] =
    [stream::DESTINATION, s3::DESTINATION, redshift::DESTINATION, dynamodb::DESTINATION];

/// The deliveries of a stack, in the order of [`DESTINATIONS`].
pub fn of(deliver: &Deliver) -> Vec<&dyn Delivery> {
    let Deliver { s3, redshift, dynamodb } = deliver;
    let all = [delivery(s3), delivery(redshift), delivery(dynamodb)];
    all.into_iter().flatten().collect()
}

fn delivery<D: Delivery>(delivery: &Option<D>) -> Option<&dyn Delivery> {
    delivery.as_ref().map(|delivery| delivery as &dyn Delivery)
}

/// Every place where the records of a stack end.
pub fn destinations(stack: &Stack) -> Vec<Destination> {
    let deliveries = of(&stack.deliver);
    match deliveries.is_empty() {
        true => vec![stream::DESTINATION],
        false => deliveries.iter().map(|delivery| delivery.destination()).collect(),
    }
}

/// Where the destinations of a stack have documents with a flaw, in words.
pub fn ends_of(stack: &Stack, flaw: Flaw) -> Vec<String> {
    let deliveries = of(&stack.deliver);
    let said = |label: &str, end: End| match end {
        End::Kept => format!("in {label} as any other"),
        End::Line => format!("in {label}, with no key"),
        End::Nulls => format!("in {label}, as rows of NULLs"),
        End::Rejected(place) => format!("not in {label} but in its {place}"),
    };
    if deliveries.is_empty() {
        return vec![said(stream::DESTINATION.name, stream::end_of(flaw))];
    }
    let ends =
        deliveries.iter().filter_map(|delivery| Some((delivery.destination().label, delivery.end_of(flaw).ok()?)));
    ends.map(|(label, end)| said(label, end)).collect()
}

/// What must be in each of a stack's destinations.
///
/// # Errors
/// It is not known.
pub fn due(stack: &Stack, acknowledged: &Acknowledged) -> Result<Vec<Due>, AcknowledgedError> {
    let deliveries = of(&stack.deliver);
    if deliveries.is_empty() {
        return Ok(vec![acknowledged.due_in(stream::DESTINATION, &|flaw| Ok(stream::end_of(flaw)))?]);
    }
    let due = |delivery: &&dyn Delivery| acknowledged.due_in(delivery.destination(), &|flaw| delivery.end_of(flaw));
    deliveries.iter().map(due).collect()
}

/// What reads the stream of a stack that delivers nowhere, of documents that are told apart so.
pub fn reading(stack: &Stack, names: &Names, clients: &Clients, identity: &Identity) -> Option<StreamReading> {
    let in_cbor = stack.load.sending.transport == Transport::Cbor;
    let reads = of(&stack.deliver).is_empty();
    reads.then(|| StreamReading::new(&names.stream, &clients.patient(), identity.clone(), in_cbor))
}

/// What is known of documents to whoever watches where they arrive.
pub struct Watched {
    /// How they are told apart.
    pub identity: Identity,
    /// Some of them, to learn how long they take.
    pub samples: mpsc::Receiver<Sample>,
    /// Whether the load leaves room to read them meanwhile.
    pub reads: bool,
}

/// What was read and looked at while a stack was loaded, for whoever searches for its documents.
#[derive(Default)]
pub struct Beside {
    /// What was read of the stream.
    pub read: Option<StreamReading>,
    /// What has watched destinations.
    pub watches: Vec<Box<dyn Watch>>,
}

/// What finds the documents of a stack again, in the order of its [`destinations`].
pub fn sought(stack: &Stack, names: &Names, clients: &Clients, due: Vec<Due>, beside: Beside) -> Vec<Sought> {
    let Beside { mut read, mut watches } = beside;
    let deliveries = of(&stack.deliver);
    let patient = clients.patient();
    let mut watch_of = |destination| {
        let at = watches.iter().position(|watch| watch.destination() == destination)?;
        Some(watches.swap_remove(at))
    };
    let mut reader = |at: usize, due: &Due| match deliveries.get(at) {
        Some(delivery) => {
            let begun = watch_of(delivery.destination()).and_then(|watch| watch.into_reader(&due.expected));
            Some(begun.unwrap_or_else(|| delivery.reader(names, &patient, &due.expected)))
        }
        None => {
            let reading = read.take().or_else(|| reading(stack, names, clients, &due.expected.identity))?;
            Some(Box::new(Stream::new(reading, &due.expected)) as Box<dyn DestinationReader>)
        }
    };
    let sought = due.into_iter().enumerate().map(|(at, due)| Some(Sought { reader: reader(at, &due)?, due }));
    sought.flatten().collect()
}

/// One delivery of a stack. `names` are always those of its stack.
#[async_trait]
pub trait Delivery: Send + Sync {
    /// Where its documents end.
    fn destination(&self) -> Destination;

    /// Where documents with a flaw end that the stream takes.
    ///
    /// # Errors
    /// It is not known.
    fn end_of(&self, flaw: Flaw) -> Result<End, String>;

    /// Its resources, with what they depend on and what its roles may do.
    ///
    /// # Errors
    /// The documents or the stack file do not allow it.
    fn nodes(&self, parts: &Parts<'_>) -> Result<Vec<Node>, NodesError>;

    /// What it creates inside something that the stack only refers to: nothing there can be listed without knowing where.
    fn inside(&self, _id: &StackId) -> Option<Node> {
        None
    }

    /// Whether its resources need the code of the Lambda function.
    fn needs_code(&self) -> bool {
        false
    }

    /// Whether it has tables with a column for each field of the documents.
    fn has_columns(&self) -> bool {
        false
    }

    /// Whether documents that are told apart in this way can be delivered.
    ///
    /// # Errors
    /// They cannot.
    fn check_identity(&self, _identity: &Identity) -> Result<(), Unfit> {
        Ok(())
    }

    /// Whether a document can be delivered, whatever the others are.
    ///
    /// # Errors
    /// It cannot. Reasons that differ in nothing but the document are equal.
    fn check_document(&self, _document: &[u8]) -> Result<(), Unfit> {
        Ok(())
    }

    /// Why documents cannot be delivered that have shown these fields, apart from what is wrong with single ones.
    fn check_documents(&self, _documents: &Documents<'_>) -> Vec<Unfit> {
        Vec::new()
    }

    /// DDL of its tables, for documents with these columns.
    fn ddl(&self, _columns: &Schema) -> String {
        String::new()
    }

    /// Looks at what it refers to and does not make, before anything is made.
    async fn preflight(&self, _names: &Names, _clients: &Clients) -> Vec<Finding> {
        Vec::new()
    }

    /// What it uses of what is paid by documents.
    fn used(&self, sent: Sent, prices: &Prices) -> Vec<Used>;

    /// How many bytes the stand-in stores for it, at least.
    fn stored(&self, sent: Sent) -> f64;

    /// What it uses of what is paid by the time of a load, in seconds.
    fn used_meanwhile(&self, _seconds: f64, _prices: &Prices) -> Option<Used> {
        None
    }

    /// What else is paid by use, which nobody can tell beforehand.
    fn by_use(&self) -> Option<&'static str>;

    /// The delivery stream of Firehose that reads the stack's stream for it, if one does.
    fn firehose_stream(&self, _names: &Names) -> Option<String> {
        None
    }

    /// The Lambda function that writes for it, if one does.
    fn function(&self, _names: &Names) -> Option<String> {
        None
    }

    /// What goes on while the stack is loaded, for as long as it is polled; it may end by itself.
    fn beside_load(&self, _names: &Names, _clients: &Clients) -> Option<BoxFuture<'static, ()>> {
        None
    }

    /// What looks up single documents, to measure how fresh the destination is; none where that is not possible.
    ///
    /// # Errors
    /// The destination cannot be read.
    async fn lookup(&self, _names: &Names, _clients: &Clients) -> Result<Option<Box<dyn Lookup>>, VerifyError> {
        Ok(None)
    }

    /// What finds its documents again.
    fn reader(&self, names: &Names, clients: &Clients, expected: &Arc<Expected>) -> Box<dyn DestinationReader>;

    /// What looks at what arrives there while the stack is loaded; none where nobody can tell at a price that a demo can pay.
    fn watch(&self, _names: &Names, _clients: &Clients, _watched: Watched) -> Option<Box<dyn Watch>> {
        None
    }

    /// Its table for `demo query`; none where SQL does not reach it.
    fn table(&self, _names: &Names, _clients: &Clients) -> Option<Box<dyn Table>> {
        None
    }
}
