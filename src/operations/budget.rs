//! A stack's budget, held against the least that a run costs before anything is created.

use std::time::Duration;

use chrono::Utc;

use super::{
    documents::{Documents, DocumentsError},
    guard::SET_ASIDE,
};
use crate::{
    aws::{cost::dollars, packaging::Package},
    engine::{Graph, StackId},
    load::Part,
    pipeline::{
        self, Materials, PipelineError,
        load_cost::of_load,
        meter::{Meter, SHOWN_REGION, SentSoFar},
    },
    spec::{Budget, Schedule, Stack, Target},
};

/// The least of a load that a budget must have room for.
const FIRST_MINUTE: Duration = Duration::from_secs(60);

/// Why a budget is refused.
#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    /// It would stop the load at once.
    #[error(
        "budget: ${budget} is less than the first minute of the load costs with two more of the stack, about {} \
         (prices of {prices_of}); raise it, or lower `load.rate` or `stream.shards`", dollars(*.needed)
    )]
    TooSmall {
        /// What the stack has.
        budget: f64,
        /// What it would need.
        needed: f64,
        /// The month of the price list.
        prices_of: String,
    },
    /// The stack cannot be made into resources.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// Its documents cannot be read.
    #[error(transparent)]
    Documents(#[from] DocumentsError),
}

/// The resources of a stack that need not exist yet. What a function's code is changes no price.
///
/// # Errors
/// The documents or the stack file do not allow a delivery.
pub fn graph(stack: &Stack, documents: &Documents) -> Result<Graph, PipelineError> {
    let any = Package::any();
    let materials = Materials { schema: &documents.schema, function: Some(&any), worker: Some(any.architecture) };
    pipeline::graph(stack, &StackId::new(&stack.name), Utc::now(), &materials)
}

/// Refuses a budget that a run would pass in its first minute.
pub async fn refuse_small(stack: &Stack, documents: &Documents) -> Result<(), BudgetError> {
    let Some(Budget { dollars, .. }) = stack.budget else { return Ok(()) };
    let mean_bytes = documents.mean_bytes(stack).await?;
    let region = match &stack.target {
        Target::Aws { region, .. } => region.as_str(),
        Target::Local => SHOWN_REGION,
    };
    let graph = graph(stack, documents)?;
    let meter = Meter::new(stack, graph.nodes(), &region, Duration::ZERO, Part::WHOLE);
    let load = of_load(stack, mean_bytes, region);
    let seconds = load.seconds.min(FIRST_MINUTE.as_secs_f64());
    let documents = match &stack.load.schedule {
        Schedule::Open(times) => times.documents_until(FIRST_MINUTE),
        Schedule::Max(_) => load.documents * seconds / load.seconds,
    };
    let sent = SentSoFar { documents: documents as u64, bytes: (documents * mean_bytes) as u64, seconds };
    let needed = meter.after(SET_ASIDE + Duration::from_secs_f64(sent.seconds), sent);
    if needed.dollars <= dollars {
        return Ok(());
    }
    Err(BudgetError::TooSmall { budget: dollars, needed: needed.dollars, prices_of: needed.prices_of })
}
