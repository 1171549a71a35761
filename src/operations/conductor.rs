//! Acts on a load that goes on: by the events of its stack, and by what is asked of it by hand.

use std::{
    convert::Infallible,
    future,
    pin::Pin,
    time::{Duration, Instant},
};

use aws_stand_in::{
    daemon::Daemon,
    faults::{Effect, Fault},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::sleep,
};

use super::host::{Event, Host};
use crate::{
    aws::{Clients, Names, Where, stream},
    deliveries,
    engine::{Cancel, Home, ProviderError},
    load::{Control, Done, LoadOver, Progress},
    spec::{self, Action, Stack, Trouble},
};

/// Something to do to a load, and where to tell what came of it.
pub struct Request {
    /// What.
    pub action: Action,
    /// Receives when it was done, or why not.
    pub answer: oneshot::Sender<Result<Done, ActError>>,
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// There is no load any more.
    #[error(transparent)]
    Over(#[from] LoadOver),
    /// Nobody could do that.
    #[error("{0}")]
    Wrong(&'static str),
    /// It was tried, and went wrong.
    #[error("{0}")]
    Failed(String),
    /// The stream takes one change at a time.
    #[error("the stream is still on its way: {0}; ask again when it is there")]
    Changing(String),
}

type Changed<'a> = Pin<Box<dyn Future<Output = Result<(), ProviderError>> + Send + 'a>>;

/// What a load goes through.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The state folder.
    pub home: &'a Home,
    /// The stack.
    pub stack: &'a Stack,
    /// The names of its resources.
    pub names: &'a Names,
    /// Clients for its target.
    pub clients: &'a Clients,
}

/// Acts on one load.
pub struct Conductor<'a> {
    control: Control,
    place: Place<'a>,
    cancel: &'a Cancel,
    host: &'a dyn Host,
    /// What the stack says is to be done, the next one last.
    events: Vec<spec::Event>,
    /// A change of the stream that is not over.
    changing: Option<(Action, Instant, Changed<'a>)>,
    problems: Vec<String>,
}

impl<'a> Conductor<'a> {
    /// Of a load that has not begun. Its events come in the order of their times.
    pub fn new(
        control: Control,
        place: Place<'a>,
        events: impl DoubleEndedIterator<Item = spec::Event>,
        cancel: &'a Cancel,
        host: &'a dyn Host,
    ) -> Self {
        let events = events.rev().collect();
        Self { control, place, cancel, host, events, changing: None, problems: Vec::new() }
    }

    /// Acts for as long as the load goes on whose progress this is; never ends by itself.
    pub async fn conduct(
        &mut self,
        mut progress: watch::Receiver<Progress>,
        requests: &mut mpsc::Receiver<Request>,
    ) -> Infallible {
        let begun = progress.changed().await;
        let started = Instant::now() - progress.borrow().elapsed;
        if begun.is_err() {
            future::pending::<()>().await;
        }
        loop {
            let next = self.events.last().map(|event| event.at);
            tokio::select! {
                () = until(started, next) => self.next_event().await,
                Some(Request { action, answer }) = requests.recv() => {
                    // Whoever asked may be gone.
                    let _ = answer.send(self.act(action).await);
                }
                changed = self.changed() => self.note(changed),
            }
        }
    }

    /// Waits for a change of the stream that is not over, and returns what went wrong. An event that a load did not come to
    /// by itself is one of that; one that was stopped need not.
    pub async fn end(mut self, was_stopped: bool) -> Vec<String> {
        for spec::Event { at, action } in self.events.drain(..).rev().filter(|_| !was_stopped) {
            self.problems.push(format!("the event at {} s, {action}: the load was over by then", at.as_secs_f64()));
        }
        while self.changing.is_some() {
            let changed = self.changed().await;
            self.note(changed);
        }
        self.problems
    }

    async fn next_event(&mut self) {
        let Some(spec::Event { at, action }) = self.events.pop() else { return };
        match self.act(action.clone()).await {
            Ok(_) | Err(ActError::Over(_)) => {}
            Err(error) => self.problems.push(format!("the event at {} s, {action}: {error}", at.as_secs_f64())),
        }
    }

    async fn act(&mut self, action: Action) -> Result<Done, ActError> {
        action.check().map_err(ActError::Wrong)?;
        if let Some((changing, ..)) = self.changing.as_ref().filter(|_| action.changes_the_stream()) {
            return Err(ActError::Changing(changing.to_string()));
        }
        if let Action::Fault { trouble, seconds } = &action {
            self.place.inject(trouble, *seconds).await?;
        }
        let done = self.control.act(action.clone()).await?;
        let (Place { clients, names, .. }, cancel) = (self.place, self.cancel);
        let stream = &names.stream;
        let changed: Option<Changed<'a>> = match action {
            Action::Reshard(shards) => Some(Box::pin(stream::reshard(clients, stream, shards, cancel))),
            Action::OnDemand => Some(Box::pin(stream::put_on_demand(clients, stream, cancel))),
            _ => None,
        };
        self.changing = self.changing.take().or(changed.map(|changed| (action, Instant::now(), changed)));
        self.host.notify(Event::Acted(&done));
        Ok(done)
    }

    /// Returns when a change of the stream is over; may be dropped while it waits.
    async fn changed(&mut self) -> Result<(), ProviderError> {
        match &mut self.changing {
            Some((_, _, changed)) => changed.await,
            None => future::pending().await,
        }
    }

    fn note(&mut self, changed: Result<(), ProviderError>) {
        let Some((action, began, _)) = self.changing.take() else { return };
        match changed {
            Ok(()) => self.host.notify(Event::StreamChanged { action: &action, took: began.elapsed() }),
            Err(_) if self.cancel.is_raised() => {}
            Err(error) => self.problems.push(format!("{action}: {error}")),
        }
    }
}

impl Place<'_> {
    async fn inject(&self, trouble: &Trouble, seconds: f64) -> Result<(), ActError> {
        if !matches!(self.clients.place(), Where::Local { .. }) {
            return Err(ActError::Wrong("nothing goes wrong on purpose but in the stand-in"));
        }
        let stand_in = Daemon::at(&self.home.local());
        for effect in self.effects(trouble)? {
            let injected = stand_in.inject(&Fault { effect, seconds }).await;
            injected.map_err(|error| ActError::Failed(error.to_string()))?;
        }
        Ok(())
    }

    fn effects(&self, trouble: &Trouble) -> Result<Vec<Effect>, ActError> {
        Ok(match trouble.clone() {
            Trouble::Throttle { shards, share } => {
                vec![Effect::Throttle { stream: self.names.stream.clone(), shards, share }]
            }
            Trouble::Errors { service, share } => vec![Effect::Errors { service, share }],
            Trouble::Slow { service, millis } => vec![Effect::Slow { service, millis }],
            Trouble::Expire => vec![Effect::Expire { stream: self.names.stream.clone() }],
            Trouble::Kill => {
                let functions = deliveries::of(&self.stack.deliver).into_iter();
                let functions: Vec<_> = functions.filter_map(|of| of.function(self.names)).collect();
                if functions.is_empty() {
                    return Err(ActError::Wrong("this stack has no function"));
                }
                functions.into_iter().map(|function| Effect::Kill { function }).collect()
            }
            Trouble::Stall => {
                let deliveries = deliveries::of(&self.stack.deliver).into_iter();
                let streams: Vec<_> = deliveries.filter_map(|of| of.firehose_stream(self.names)).collect();
                if streams.is_empty() {
                    return Err(ActError::Wrong("Firehose delivers nothing of this stack anyway"));
                }
                streams.into_iter().map(|delivery| Effect::Stall { delivery }).collect()
            }
        })
    }
}

async fn until(started: Instant, after: Option<Duration>) {
    match after {
        Some(after) => sleep(after.saturating_sub(started.elapsed())).await,
        None => future::pending().await,
    }
}
