//! The exit codes of operations' errors.

use super::{
    exit::{Exit, Stop},
    stack_status,
};
use crate::{
    engine::{ApplyError, Cause, HomeError, ProviderError, StackId},
    operations::{
        BudgetError, ConnectError, DocumentsError, DownError, FindError, RunError, UpError, WorkerError,
        attach::AttachError, up::is_interrupted, verification::SearchError,
    },
    pipeline::lifecycle::LifecycleError,
};

pub use crate::operations::causes::with_causes;

/// Gives an error of the lifecycle its exit code.
pub fn lifecycle(error: LifecycleError) -> Stop {
    Stop::new(
        exit_of_lifecycle(&error),
        if is_interrupted(&error) { "interrupted".to_owned() } else { error.to_string() },
    )
}

fn exit_of_lifecycle(error: &LifecycleError) -> Exit {
    match error {
        LifecycleError::Pipeline(_) => Exit::Usage,
        LifecycleError::Provider(ProviderError { cause, .. }) => exit_of(&[*cause]),
        LifecycleError::Refused(refused) => exit_of(&refused.causes()),
        LifecycleError::Apply(ApplyError::Failed(failed) | ApplyError::Refused(failed)) => {
            exit_of(&failed.iter().map(|(_, error)| error.cause).collect::<Vec<_>>())
        }
        LifecycleError::Apply(ApplyError::Interrupted) => Exit::Interrupted,
        _ => Exit::Error,
    }
}

/// The exit code of failures with these causes.
pub fn exit_of(causes: &[Cause]) -> Exit {
    let refused = |cause: &Cause| matches!(cause, Cause::Permission | Cause::Quota);
    if causes.iter().any(refused) { Exit::Refused } else { Exit::Error }
}

/// The error of a command that a signal ended.
pub fn interrupted() -> Stop {
    Stop::new(Exit::Interrupted, "interrupted")
}

/// The error of a command whose question was not answered with yes.
pub fn declined(question: &str) -> Stop {
    Stop::usage(format!("{question} Not done: answer yes on a terminal, or pass --yes"))
}

/// A wrong endpoint is a wrong flag.
pub fn connect(error: ConnectError) -> anyhow::Error {
    match error {
        ConnectError::EndpointUrl(why) => Stop::usage(format!("--endpoint-url {why}")).into(),
        error => error.into(),
    }
}

/// A stack file that names a stack may be wrong.
pub fn find(error: FindError) -> anyhow::Error {
    match error {
        FindError::StackFile(_) => Stop::usage(error).into(),
        FindError::Connect(error) => connect(error),
        error => error.into(),
    }
}

/// Wrong documents end a command with exit code 2: nothing was touched.
pub fn documents(error: DocumentsError) -> anyhow::Error {
    match error {
        error @ (DocumentsError::Source(_) | DocumentsError::Panicked(_)) => error.into(),
        error => Stop::usage(error).into(),
    }
}

/// A budget that is too small ends a command with exit code 2: nothing was touched.
pub fn budget(error: BudgetError) -> anyhow::Error {
    match error {
        error @ BudgetError::TooSmall { .. } => Stop::usage(error).into(),
        BudgetError::Documents(error) => documents(error),
        error @ BudgetError::Pipeline(_) => error.into(),
    }
}

/// Gives an error of `up` its exit code, and says what stays.
pub fn up(error: UpError) -> anyhow::Error {
    match error {
        UpError::Documents(error) => documents(error),
        UpError::Budget(error) => budget(error),
        UpError::Packaging(_) | UpError::Program(_) => Stop::usage(error).into(),
        UpError::Connect(error) => connect(error),
        UpError::Declined(question) => declined(&question.to_string()).into(),
        UpError::Interrupted => interrupted().into(),
        UpError::Refused(error) => lifecycle(*error).into(),
        UpError::NothingCreated { ref not_closed } => {
            let why = not_closed.as_ref().map_or(String::new(), |why| format!("\n{why}"));
            Stop::new(Exit::Interrupted, format!("{error}{why}")).into()
        }
        UpError::Kept { home, id, error } => {
            let Stop { exit, message } = lifecycle(*error);
            Stop::new(exit, format!("{message}\n\n{}", stack_status::text(&home, &id))).into()
        }
        UpError::RolledBack { error, down } => {
            let mut stop = lifecycle(*error);
            if down.is_some_and(|down| !down.leftovers.is_empty()) {
                stop.exit = Exit::LeftOver;
            }
            stop.into()
        }
        error @ (UpError::Room(_) | UpError::Home(_) | UpError::Ask(_) | UpError::Journal(_)) => error.into(),
    }
}

/// Gives an error of `down` its exit code. `asked` is the stack that the command line names.
pub fn down(error: DownError, asked: &str) -> anyhow::Error {
    match error {
        DownError::Find(FindError::Home(HomeError::Unknown(_))) if asked.parse::<StackId>().is_ok() => {
            let help = format!("run `demo down --discover {asked}` to find it without a journal; on AWS, add --region");
            anyhow::anyhow!("{error}\n  {help}")
        }
        DownError::Find(error) => find(error),
        DownError::InvalidId(_) => Stop::usage(error).into(),
        DownError::Connect(error) => connect(error),
        DownError::Declined(question) => declined(&question.to_string()).into(),
        DownError::Interrupted => interrupted().into(),
        DownError::Lifecycle(error) => lifecycle(*error).into(),
        error @ (DownError::Home(_) | DownError::Ask(_) | DownError::UnreadableJournal { .. }) => error.into(),
    }
}

/// Gives an error of `run` its exit code.
pub fn run(error: RunError) -> anyhow::Error {
    match error {
        RunError::Up(error) => up(error),
        RunError::Down(error) => down(error, ""),
        RunError::Search(SearchError::Interrupted) => interrupted().into(),
        RunError::Detach(_) => Stop::usage(error).into(),
        error => error.into(),
    }
}

/// Gives an error of `attach` its exit code.
pub fn attach(error: AttachError) -> anyhow::Error {
    match error {
        AttachError::Interrupted => interrupted().into(),
        AttachError::Unknown(_) | AttachError::NoTasks { .. } => Stop::usage(error).into(),
        AttachError::Find(error) => find(error),
        AttachError::Connect(error) => connect(error),
        AttachError::Documents(error) => documents(error),
        AttachError::Lifecycle(error) => lifecycle(*error).into(),
        AttachError::Run(error) => run(error),
        error => error.into(),
    }
}

/// Gives an error of a worker its exit code.
pub fn worker(error: WorkerError) -> anyhow::Error {
    match error {
        WorkerError::RunName(_)
        | WorkerError::Endless(_)
        | WorkerError::SharesItself(_)
        | WorkerError::Replay
        | WorkerError::ThenDown
        | WorkerError::NotUp(_)
        | WorkerError::OtherWorkers { .. }
        | WorkerError::LogExists { .. } => Stop::usage(error).into(),
        WorkerError::Interrupted => interrupted().into(),
        WorkerError::Lifecycle(error) => lifecycle(*error).into(),
        WorkerError::Documents(error) => documents(error),
        WorkerError::Budget(error) => budget(error),
        WorkerError::Connect(error) => connect(error),
        error => error.into(),
    }
}
