//! The program that runs an operation: it receives events and answers questions.

use std::{error::Error, fmt, io, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{documents::Documents, status::StackStatus, target::location};
use crate::{
    aws::{Clients, cost::Cost},
    engine::{self, Applied, Down, Home, Journal, ResourceKey, StackId},
    fleet::WorkerState,
    load::{AckWriter, Done, LoadResult, LoadSecond, Part, Progress},
    report::{RunReport, second::Second, table::Rows, thresholds::Abort},
    spec::{Action, Stack},
    verify::{Destination, SearchProgress, Verification, watch::Arrived},
};

/// The command line, a web page, or a test.
#[async_trait]
pub trait Host: Send + Sync {
    /// Receives what happens. Must return at once.
    fn notify(&self, event: Event<'_>);

    /// Asks whether to go on. Operations ask only on AWS itself, where the answer costs money or data.
    ///
    /// # Errors
    /// When the person cannot be asked.
    async fn confirm(&self, question: &Question) -> io::Result<bool>;
}

/// What happens during an operation.
pub enum Event<'a> {
    /// The documents of the stack are checked.
    DocumentsChecked {
        /// The stack.
        stack: &'a Stack,
        /// Its documents.
        documents: &'a Documents,
    },
    /// The operation starts to call AWS. Nothing is created yet.
    Preparing,
    /// The status of the stack before the operation changes it.
    StatusBefore(&'a StackStatus),
    /// Something that does not stop the operation.
    Warning(&'a str),
    /// The operation starts to change or load this stack. An exit at once would leave the stack as its journal says.
    Started {
        /// The state folder.
        home: &'a Home,
        /// The stack.
        id: &'a StackId,
    },
    /// The journal of the stack is locked.
    Locked {
        /// The stack.
        id: &'a StackId,
        /// Clients for its target.
        clients: &'a Clients,
    },
    /// The search without a journal found a resource of the stack.
    Found(&'a ResourceKey),
    /// A resource is created, changed or removed.
    Resource(engine::Event<'a>),
    /// All resources are ready.
    Created {
        /// What was created, changed and kept.
        applied: &'a Applied,
        /// The time that it took.
        took: Duration,
    },
    /// The stack could not be created completely; what was created is removed. This ignores the cancellation.
    RollingBack,
    /// The rollback failed.
    RollbackFailed {
        /// The state folder.
        home: &'a Home,
        /// The stack.
        id: &'a StackId,
        /// Why.
        error: &'a dyn Error,
    },
    /// The worker of a shared run starts.
    WorkerStarted {
        /// The stack.
        id: &'a StackId,
        /// Clients for its target.
        clients: &'a Clients,
        /// The worker's part.
        part: Part,
        /// The name of the run.
        run: &'a str,
    },
    /// The worker waits until the run is in the journal's mirror.
    WaitingForRun(&'a str),
    /// The record of the run starts, in this folder.
    RecordStarted(&'a Path),
    /// The acknowledgement log of the load is there.
    LogOpened(&'a Arc<AckWriter>),
    /// What each of the workers does that share the load.
    Workers(&'a [WorkerState]),
    /// The load starts.
    LoadStarted {
        /// Documents to send, if that is known beforehand.
        total: Option<u64>,
    },
    /// The progress of the load.
    Loading(&'a Progress),
    /// What the load did in one second.
    LoadSecond(&'a LoadSecond),
    /// A document that is tracked could be read in its destination.
    Read {
        /// Where.
        destination: Destination,
        /// From its intended send time until then.
        took: Duration,
    },
    /// Somebody has looked at what has arrived in a destination meanwhile.
    Arrived {
        /// Where.
        destination: Destination,
        /// What has arrived since the load began.
        arrived: &'a Arrived,
    },
    /// A row of the run's record.
    Second(&'a Second),
    /// Something was done to the load.
    Acted(&'a Done),
    /// A threshold or the budget stops the load.
    Aborted(&'a Abort),
    /// The stream is through with a change.
    StreamChanged {
        /// Which.
        action: &'a Action,
        /// The time that it took.
        took: Duration,
    },
    /// The load ended.
    Loaded(&'a LoadResult),
    /// The search for acknowledged documents starts.
    SearchStarted {
        /// Where.
        destinations: &'a [Destination],
        /// Documents expected in each destination.
        expected: u64,
    },
    /// The progress of the search in one destination.
    Searching(SearchProgress),
    /// The search in one destination ended.
    Searched(SearchProgress),
    /// The search ended everywhere.
    Verified(&'a Verification),
    /// The run is loaded and verified; the demo query and the removal follow.
    Reported(&'a RunReport),
    /// The demo query was answered.
    Queried {
        /// The name of the query.
        name: &'a str,
        /// The first rows of its answer.
        rows: &'a Rows,
    },
    /// The stack is removed after the run. This ignores the cancellation.
    RemovingAfterRun,
    /// The stack stays after the run.
    Stays {
        /// The state folder.
        home: &'a Home,
        /// The stack.
        id: &'a StackId,
        /// Whether the run was asked to remove what it created, but the stack was up before.
        was_up_before: bool,
    },
    /// A run failed, and its stack cannot be removed either.
    RunFailed(&'a dyn Error),
    /// The removal ended.
    Removed {
        /// The state folder.
        home: &'a Home,
        /// The journal of the stack.
        journal: &'a Journal,
        /// What is gone and what is left.
        down: &'a Down,
        /// The time that it took.
        took: Duration,
    },
}

/// A question to ask before something costs money or is deleted.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Create a stack.
    Create {
        /// The name of the stack.
        name: String,
        /// Where.
        location: String,
        /// What it costs.
        costs: String,
    },
    /// Delete a stack.
    Delete {
        /// Its id or name.
        stack: String,
        /// Where.
        location: String,
    },
}

impl Question {
    pub(super) fn create(stack: &Stack, costs: &Cost, clients: &Clients) -> Self {
        Self::Create { name: stack.name.clone(), location: location(clients), costs: costs.to_string() }
    }

    pub(super) fn delete(stack: &dyn fmt::Display, clients: &Clients) -> Self {
        Self::Delete { stack: stack.to_string(), location: location(clients) }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { name, location, costs } => write!(f, "Create {name} on {location}? It costs {costs}."),
            Self::Delete { stack, location } => write!(f, "Delete {stack} on {location} with everything in it?"),
        }
    }
}

/// Reports the engine's events to a host.
pub(super) struct Resources<'a>(pub(super) &'a dyn Host);

impl engine::Observer for Resources<'_> {
    fn event(&self, event: engine::Event<'_>) {
        self.0.notify(Event::Resource(event));
    }
}
