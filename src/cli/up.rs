//! `demo up FILE`.

use std::{sync::Arc, time::Instant};

use clap::Args;

use super::{
    Reach, StackFile,
    code::Code,
    context,
    documents::Documents,
    down,
    exit::{Exit, Stop},
    resources::{self, Resources},
    screen::Screen,
    signals::{Signals, interrupted},
    standing::{Standing, standing},
};
use crate::{
    aws::{
        Clients, cost,
        lifecycle::{self, LifecycleError},
        pipeline::Materials,
    },
    engine::{ApplyError, Cancel, Claim, Graph, Home, Journal, StackId, Survey, journal::Entry},
    spec::{Checked, Target},
};

/// Arguments of `demo up`.
#[derive(Args, Debug)]
pub struct Up {
    #[command(flatten)]
    stack: StackFile,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    code: Code,
    /// Keep what was created when something cannot be created.
    #[arg(long)]
    keep: bool,
}

impl Up {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let signals = Signals::watch(screen)?;
        let checked = context::read(&self.stack, screen)?;
        let unfinished = if self.keep { Unfinished::Stays } else { Unfinished::StaysWhenInterrupted };
        let stood = stand_up(&checked, &self.reach, &self.code, unfinished, &signals, screen).await?;
        context::print(&format!("{}\n", stood.id))?;
        Ok(Exit::Fine)
    }
}

/// What to do with a new stack that could not be created completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// Keep it.
    Stays,
    /// Remove it after a failure; keep it after Ctrl-C.
    StaysWhenInterrupted,
    /// Remove it.
    Goes,
}

impl Unfinished {
    fn stays(self, exit: Exit) -> bool {
        match self {
            Self::Stays => true,
            Self::StaysWhenInterrupted => exit == Exit::Interrupted,
            Self::Goes => false,
        }
    }
}

/// A stack that is up; it stays locked while this value lives.
pub struct Stood {
    /// The state folder.
    pub home: Home,
    /// Its id.
    pub id: StackId,
    /// Its journal.
    pub journal: Arc<Journal>,
    /// Clients for its target.
    pub clients: Clients,
    /// What it sends.
    pub documents: Documents,
    /// Whether it existed before.
    pub was_known: bool,
    /// How long it took.
    pub seconds: f64,
}

/// Creates all resources of a stack, or continues where an earlier `up` was cut off.
///
/// # Errors
/// After a failure or a signal, once `unfinished` has been applied to a new stack.
pub async fn stand_up(
    checked: &Checked,
    reach: &Reach,
    code: &Code,
    unfinished: Unfinished,
    signals: &Signals,
    screen: &Screen,
) -> anyhow::Result<Stood> {
    let stack = &checked.stack;
    let documents = Documents::of(stack, screen).await?;
    let function = code.package(stack)?;
    let materials = Materials { schema: &documents.schema, function: function.as_ref() };
    let home = context::home()?;
    let begun = Instant::now();
    let claim = home.claim(&stack.name)?;
    let was_known = claim.state.opened().is_some();
    // Reports what cannot become resources before anything is touched.
    let graph = lifecycle::graph(stack, &claim.id, &claim.state, &materials).map_err(context::stop)?;
    let (journal, survey, clients) = match open(&home, checked, claim, graph, reach, signals, screen).await {
        Ok(opened) => opened,
        Err(error) => {
            context::release_stand_in(&home).await?;
            return Err(error);
        }
    };
    let id = journal.id().clone();
    signals.begun_with(&home, &id);
    screen.line(&format!("{id} on {}\n", context::place(&clients)));
    let observer = Resources::on(screen);
    let made = lifecycle::make(&journal, stack, &survey, &clients, &observer, &signals.cancel()).await;
    let stood = Stood {
        home,
        id,
        journal: Arc::new(journal),
        clients,
        documents,
        was_known,
        seconds: begun.elapsed().as_secs_f64(),
    };
    match made {
        Ok(applied) => {
            screen.line(&format!("  up in {:.1} s{}\n", stood.seconds, resources::summary(&applied)));
            Ok(stood)
        }
        Err(error) => Err(stood.not_made(error, unfinished, signals, screen).await.into()),
    }
}

/// Reports what an earlier process left behind, runs the preflight checks, asks if a new stack costs money, and locks
/// the stack's journal.
async fn open(
    home: &Home,
    checked: &Checked,
    claim: Claim,
    graph: Graph,
    reach: &Reach,
    signals: &Signals,
    screen: &Screen,
) -> anyhow::Result<(Journal, Survey, Clients)> {
    let stack = &checked.stack;
    let nothing = || "interrupted; nothing was created".to_owned();
    if stack.target == Target::Local {
        signals.begun(nothing);
    }
    let clients = context::clients(home, &stack.target, reach).await?;
    Standing::of(home, &claim.state)?.tell(screen);
    let preparing = lifecycle::prepare(stack, &claim.id, &claim.state, graph, &clients);
    let prepared = signals.unless_stopped(preparing).await?.map_err(context::stop)?;
    for warning in prepared.report().warnings() {
        screen.warning(&warning.to_string());
    }
    let survey = prepared.accepted().map_err(|refused| context::stop(refused.into()))?;
    if claim.state.opened().is_none() {
        let costs = cost::per_hour(survey.graph().nodes(), clients.place());
        let question = format!("Create {} on {}? It costs {costs}.", stack.name, context::place(&clients));
        context::agree(screen, &clients, reach, &question)?;
    }
    signals.begun(nothing);
    let opened = lifecycle::open_claimed(home, claim, checked.merged.clone(), &clients);
    Ok((signals.unless_stopped(opened).await?.map_err(context::stop)?, survey, clients))
}

impl Stood {
    /// Keeps or removes a stack that could not be created completely; returns the command's error.
    async fn not_made(
        &self,
        error: LifecycleError,
        unfinished: Unfinished,
        signals: &Signals,
        screen: &Screen,
    ) -> Stop {
        let mut error = match error {
            LifecycleError::Apply(ApplyError::Interrupted) => interrupted(),
            error => context::stop(error),
        };
        let nothing = self.journal.state().live().next().is_none();
        if !self.was_known && nothing && error.exit == Exit::Interrupted {
            let why = self.forget().await.err().map_or(String::new(), |why| format!("\n{why:#}"));
            return Stop::new(Exit::Interrupted, format!("interrupted; nothing was created{why}"));
        }
        if self.was_known || unfinished.stays(error.exit) {
            error.message = format!("{}\n\n{}", error.message, standing(&self.home, &self.id));
            return error;
        }
        screen.line("\n  removing what was created");
        signals.goes_on("what was created is still being removed");
        match down::take_down(&self.home, &self.journal, &self.clients, &Cancel::new(), screen).await {
            Ok(down) if !down.leftovers.is_empty() => error.exit = Exit::LeftOver,
            Ok(_) => {}
            Err(left) => {
                screen.error(&format!("cannot remove everything: {left:#}\n{}", standing(&self.home, &self.id)))
            }
        }
        error
    }

    /// Closes the journal of a stack without any resources.
    async fn forget(&self) -> anyhow::Result<()> {
        self.journal.record(Entry::Closed)?;
        context::release_stand_in(&self.home).await
    }
}
