//! What most commands start with: a checked or a known stack, the state folder, and clients for the stack's target.

use std::{
    future::Future,
    io::{self, Write},
    path::Path,
};

use anyhow::Context as _;
use aws_stand_in::daemon::{Daemon, Started};
use serde_json::Value;

use super::{
    Reach, StackFile,
    exit::{Exit, Stop},
    screen::Screen,
};
use crate::{
    aws::{Clients, Names, Where, lifecycle::LifecycleError},
    engine::{ApplyError, Cause, Home, HomeError, ProviderError, StackId, State},
    spec::{self, Checked, Stack, Target},
};

/// Runs a command's future on a runtime of its own.
pub fn block_on<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

/// The state folder.
pub fn home() -> anyhow::Result<Home> {
    Ok(Home::from_env()?)
}

/// Reads and checks a stack file with its overlays and overrides. Shows warnings; errors end the command with exit
/// code 2.
pub fn read(stack: &StackFile, screen: &Screen) -> anyhow::Result<Checked> {
    let checked = spec::read(&stack.file, &stack.over.overlays, &stack.over.sets);
    let checked = checked.map_err(|errors| {
        let what = if errors.0.len() == 1 { "one mistake".to_owned() } else { format!("{} mistakes", errors.0.len()) };
        Stop::usage(format!("{what} in the stack; nothing was touched\n{errors}"))
    })?;
    for warning in &checked.warnings {
        screen.warning(&warning.to_string());
    }
    Ok(checked)
}

/// A stack that has a journal, with clients for its target. Its stack file need not be readable.
pub struct Located {
    /// The state folder.
    pub home: Home,
    /// Its journal, replayed.
    pub state: State,
    /// Its id.
    pub id: StackId,
    /// Clients for its target.
    pub clients: Clients,
}

impl Located {
    /// Finds the stack that `asked` names: by its id, its name, or its stack file.
    pub async fn find(asked: &str) -> anyhow::Result<Self> {
        let home = home()?;
        let state = home.find(&name_of(asked)?)?;
        let (Some(id), Some(opened)) = (state.id().cloned(), state.opened()) else {
            anyhow::bail!("the journal of {asked} is empty");
        };
        let profile = opened.spec.pointer("/target/aws/profile").and_then(Value::as_str);
        let place = match &opened.target.endpoint {
            Some(endpoint) if endpoint == "local" => stand_in(&home).await?,
            endpoint => Where::Aws {
                region: opened.target.region.clone(),
                profile: profile.map(str::to_owned),
                endpoint_url: endpoint.clone(),
            },
        };
        let clients = Clients::connect(place).await;
        Ok(Self { home, state, id, clients })
    }
}

/// A stack that has a journal and a readable stack file in it, with clients for its target.
pub struct Known {
    /// The state folder.
    pub home: Home,
    /// Its journal, replayed.
    pub state: State,
    /// Its id.
    pub id: StackId,
    /// The stack as recorded in its journal.
    pub stack: Stack,
    /// The names of its resources.
    pub names: Names,
    /// Clients for its target.
    pub clients: Clients,
}

impl Known {
    /// Finds the stack that `asked` names: by its id, its name, or its stack file.
    pub async fn find(asked: &str) -> anyhow::Result<Self> {
        let Located { home, state, id, clients } = Located::find(asked).await?;
        let spec = &state.opened().expect("located by it").spec;
        let stack = spec::from_value(spec).context("cannot read the spec in the stack's journal")?;
        Ok(Self { names: Names::of(&stack, &id), home, state, id, stack, clients })
    }
}

/// The name of a stack: if `asked` is a file, the name in it; else `asked` itself.
pub fn name_of(asked: &str) -> anyhow::Result<String> {
    let file = Path::new(asked);
    if !file.is_file() {
        return Ok(asked.to_owned());
    }
    let checked = spec::read(file, &[], &[]).map_err(Stop::usage)?;
    Ok(checked.stack.name)
}

/// The id and state of the stack of this name; a new id and an empty state if it has no journal.
pub fn id_and_state(home: &Home, name: &str) -> anyhow::Result<(StackId, State)> {
    let state = match home.find(name) {
        Ok(state) => state,
        Err(HomeError::Unknown(_)) => State::default(),
        Err(error) => return Err(error.into()),
    };
    Ok((state.id().cloned().unwrap_or_else(|| StackId::new(name)), state))
}

/// Clients for the target of a stack file; starts the stand-in if that is the target.
pub async fn clients(home: &Home, target: &Target, reach: &Reach) -> anyhow::Result<Clients> {
    if let Some(url) = &reach.endpoint_url {
        check_endpoint_url(url).map_err(|why| Stop::usage(format!("--endpoint-url {why}")))?;
    }
    let place = match (target, &reach.endpoint_url) {
        (Target::Aws { region, profile }, endpoint_url) => {
            Where::Aws { region: region.clone(), profile: profile.clone(), endpoint_url: endpoint_url.clone() }
        }
        (Target::Local, Some(_)) => {
            let region = aws_stand_in::REGION.to_owned();
            Where::Aws { region, profile: None, endpoint_url: reach.endpoint_url.clone() }
        }
        (Target::Local, None) => stand_in(home).await?,
    };
    Ok(Clients::connect(place).await)
}

/// Journals and messages must contain no secret, so the message does not repeat the URL.
fn check_endpoint_url(text: &str) -> Result<(), &'static str> {
    const FORM: &str = "needs an http or https URL, for example http://127.0.0.1:4566";
    let url: http::Uri = text.parse().map_err(|_| FORM)?;
    match (url.scheme_str(), url.authority()) {
        (Some("http" | "https"), Some(authority)) if authority.as_str().contains('@') => {
            Err("must not contain a user name or a password, which no AWS client sends; remove the part before the @")
        }
        (Some("http" | "https"), Some(_)) if url.query().is_some() || text.contains('#') => {
            Err("must not contain a query or a fragment; remove the ? or # and what follows")
        }
        (Some("http" | "https"), Some(_)) => Ok(()),
        _ => Err(FORM),
    }
}

/// The running stand-in; starts it for a stack if it is not running.
async fn stand_in(home: &Home) -> anyhow::Result<Where> {
    let stand_in = Daemon::at(&home.local());
    let url = stand_in.ensure(Started::ForStack).await?.url();
    Ok(Where::Local { url, credentials: (&stand_in.key()?).into() })
}

/// Stops the stand-in when no stack is left on it, unless a person started it. A stack whose journal is damaged may be.
pub async fn release_stand_in(home: &Home) -> anyhow::Result<()> {
    let lives_there = |state: &State| {
        !state.is_closed() && state.opened().is_some_and(|opened| opened.target.endpoint.as_deref() == Some("local"))
    };
    if !home.damaged()?.is_empty() || home.list()?.iter().any(lives_there) {
        return Ok(());
    }
    let stand_in = Daemon::at(&home.local());
    if stand_in.status().await?.is_some_and(|endpoint| endpoint.started == Started::ForStack) {
        stand_in.stop().await?;
    }
    Ok(())
}

/// Describes where clients send their calls, for a person.
pub fn place(clients: &Clients) -> String {
    match clients.place() {
        Where::Local { url, .. } => format!("the stand-in at {}", url.trim_start_matches("http://")),
        Where::Aws { region, endpoint_url: None, .. } => format!("AWS in {region}"),
        Where::Aws { endpoint_url: Some(url), .. } => url.clone(),
    }
}

/// Asks before a command costs money or deletes something on AWS; `--yes` answers.
pub fn agree(screen: &Screen, clients: &Clients, reach: &Reach, question: &str) -> anyhow::Result<()> {
    let free = !matches!(clients.place(), Where::Aws { endpoint_url: None, .. });
    if free || reach.yes || screen.confirm(question)? {
        return Ok(());
    }
    Err(Stop::usage(format!("{question} Not done: answer yes on a terminal, or pass --yes")).into())
}

/// Gives an error of the lifecycle its exit code.
pub fn stop(error: LifecycleError) -> Stop {
    let exit = match &error {
        LifecycleError::Pipeline(_) => Exit::Usage,
        LifecycleError::Provider(ProviderError { cause, .. }) => exit_of(&[*cause]),
        LifecycleError::Refused(refused) => exit_of(&refused.causes()),
        LifecycleError::Apply(ApplyError::Failed(failed) | ApplyError::Refused(failed)) => {
            exit_of(&failed.iter().map(|(_, error)| error.cause).collect::<Vec<_>>())
        }
        LifecycleError::Apply(ApplyError::Interrupted) => Exit::Interrupted,
        _ => Exit::Error,
    };
    Stop::new(exit, error)
}

/// The exit code of failures with these causes.
pub fn exit_of(causes: &[Cause]) -> Exit {
    let refused = |cause: &Cause| matches!(cause, Cause::Permission | Cause::Quota);
    if causes.iter().any(refused) { Exit::Refused } else { Exit::Error }
}

/// Prints to stdout; ends quietly if the reader has closed the pipe.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_secret_in_it_is_refused() {
        for good in ["http://127.0.0.1:4566", "https://kinesis.example.com/base/"] {
            assert_eq!(check_endpoint_url(good), Ok(()), "{good}");
        }
        for bad in [
            "http://me:secret@127.0.0.1:1",
            "http://me@host",
            "http://host/?token=x",
            "http://host/#x",
            "127.0.0.1:1",
            "",
            "ftp://x",
        ] {
            assert!(check_endpoint_url(bad).is_err(), "{bad}");
        }
    }
}
