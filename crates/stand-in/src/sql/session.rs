//! DataFusion's session for one statement.

use std::{num::NonZeroUsize, sync::Arc, thread};

use datafusion::{
    error::Result,
    execution::{SessionStateBuilder, memory_pool::FairSpillPool, runtime_env::RuntimeEnvBuilder},
    prelude::{SessionConfig, SessionContext},
};

use super::{functions::bound_functions, repeatable::RepeatableSides};

/// What all operators of a statement may hold together; sorts and aggregations spill above it.
const MEMORY: usize = 256 << 20;
/// What they may spill.
const SPILLED: u64 = 2 << 30;

/// A session with bounded memory, files and functions, on all cores.
///
/// # Errors
/// There is no folder for what it spills.
pub(crate) fn session(config: SessionConfig) -> Result<SessionContext> {
    session_within(config, MEMORY)
}

/// A session whose operators hold `memory` bytes together.
pub(super) fn session_within(config: SessionConfig, memory: usize) -> Result<SessionContext> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let runtime = RuntimeEnvBuilder::new()
        // What can spill has its share, and leaves the others theirs.
        .with_memory_pool(Arc::new(FairSpillPool::new(memory)))
        .with_max_temp_directory_size(SPILLED);
    let state = SessionStateBuilder::new()
        .with_config(config.with_target_partitions(cores))
        .with_runtime_env(runtime.build_arc()?)
        .with_default_features()
        .with_physical_optimizer_rule(Arc::new(RepeatableSides));
    let context = SessionContext::new_with_state(state.build());
    bound_functions(&context);
    Ok(context)
}
