//! DataFusion's session for one statement.

use std::{num::NonZeroUsize, thread};

use datafusion::{
    error::Result,
    execution::runtime_env::RuntimeEnvBuilder,
    prelude::{SessionConfig, SessionContext},
};

use super::functions::bound_functions;

/// What all operators of a statement may hold together; sorts and aggregations spill above it.
const MEMORY: usize = 256 << 20;
/// What they may spill.
const SPILLED: u64 = 2 << 30;

/// A session with bounded memory, files and functions, on all cores.
///
/// # Errors
/// There is no folder for what it spills.
pub(crate) fn session(config: SessionConfig) -> Result<SessionContext> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let runtime = RuntimeEnvBuilder::new().with_memory_limit(MEMORY, 1.0).with_max_temp_directory_size(SPILLED);
    let context = SessionContext::new_with_config_rt(config.with_target_partitions(cores), runtime.build_arc()?);
    bound_functions(&context);
    Ok(context)
}
