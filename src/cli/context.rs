//! What most commands begin with: a checked stack or a known one, the state folder, and clients for where it lives.

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

/// Reads and checks a stack file with what is laid over it; warnings are shown, errors end the command with exit code 2.
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

/// A stack that was opened before, with clients for where it lives. What it was made from does not matter.
pub struct Located {
    /// The state folder.
    pub home: Home,
    /// Its journal, replayed.
    pub state: State,
    /// Its id.
    pub id: StackId,
    /// Where it lives.
    pub clients: Clients,
}

impl Located {
    /// The stack that `asked` means: an id, a name, or the file that it was made from.
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

/// A stack that was opened before and can be read, with clients for where it lives.
pub struct Known {
    /// The state folder.
    pub home: Home,
    /// Its journal, replayed.
    pub state: State,
    /// Its id.
    pub id: StackId,
    /// As it was when it was opened.
    pub stack: Stack,
    /// The names of its resources.
    pub names: Names,
    /// Where it lives.
    pub clients: Clients,
}

impl Known {
    /// The stack that `asked` means: an id, a name, or the file that it was made from.
    pub async fn find(asked: &str) -> anyhow::Result<Self> {
        let Located { home, state, id, clients } = Located::find(asked).await?;
        let spec = &state.opened().expect("located by it").spec;
        let stack = spec::from_value(spec).context("the spec in the stack's journal")?;
        Ok(Self { names: Names::of(&stack, &id), home, state, id, stack, clients })
    }
}

/// The name of a stack: of the file where there is one, else what was asked for.
pub fn name_of(asked: &str) -> anyhow::Result<String> {
    let file = Path::new(asked);
    if !file.is_file() {
        return Ok(asked.to_owned());
    }
    let checked = spec::read(file, &[], &[]).map_err(Stop::usage)?;
    Ok(checked.stack.name)
}

/// What the journal says of the stack of this name; where there is none, nothing, and a new id.
pub fn id_and_state(home: &Home, name: &str) -> anyhow::Result<(StackId, State)> {
    let state = match home.find(name) {
        Ok(state) => state,
        Err(HomeError::Unknown(_)) => State::default(),
        Err(error) => return Err(error.into()),
    };
    Ok((state.id().cloned().unwrap_or_else(|| StackId::new(name)), state))
}

/// Clients for the target of a stack file; the stand-in is started where that is the target.
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

/// What stands in a journal and in messages must hold no secret; so the message does not repeat the address.
fn check_endpoint_url(url: &str) -> Result<(), &'static str> {
    const FORM: &str = "needs an http or https URL, for example http://127.0.0.1:4566";
    let url: http::Uri = url.parse().map_err(|_| FORM)?;
    match (url.scheme_str(), url.authority()) {
        (Some("http" | "https"), Some(authority)) if authority.as_str().contains('@') => {
            Err("must not hold a user name or a password: no AWS client sends them; leave out what stands before the @")
        }
        (Some("http" | "https"), Some(_)) if url.query().is_some() => {
            Err("must not hold a query; leave out the ? and what follows")
        }
        (Some("http" | "https"), Some(_)) => Ok(()),
        _ => Err(FORM),
    }
}

/// The running stand-in; started for a stack where it is not running.
async fn stand_in(home: &Home) -> anyhow::Result<Where> {
    let stand_in = Daemon::at(&home.local());
    let url = stand_in.ensure(Started::ForStack).await?.url();
    Ok(Where::Local { url, credentials: (&stand_in.key()?).into() })
}

/// Stops the stand-in when nothing lives on it any more, unless a person started it.
pub async fn release_stand_in(home: &Home) -> anyhow::Result<()> {
    let lives_there = |state: &State| {
        !state.is_closed() && state.opened().is_some_and(|opened| opened.target.endpoint.as_deref() == Some("local"))
    };
    if home.list()?.iter().any(lives_there) {
        return Ok(());
    }
    let stand_in = Daemon::at(&home.local());
    if stand_in.status().await?.is_some_and(|endpoint| endpoint.started == Started::ForStack) {
        stand_in.stop().await?;
    }
    Ok(())
}

/// Where clients call, as a person would say it.
pub fn place(clients: &Clients) -> String {
    match clients.place() {
        Where::Local { url, .. } => format!("the stand-in at {}", url.trim_start_matches("http://")),
        Where::Aws { region, endpoint_url: None, .. } => format!("AWS in {region}"),
        Where::Aws { endpoint_url: Some(url), .. } => url.clone(),
    }
}

/// Asks before money is spent or something is deleted on AWS; `--yes` answers.
pub fn agree(screen: &Screen, clients: &Clients, reach: &Reach, question: &str) -> anyhow::Result<()> {
    let free = !matches!(clients.place(), Where::Aws { endpoint_url: None, .. });
    if free || reach.yes || screen.confirm(question)? {
        return Ok(());
    }
    Err(Stop::usage(format!("{question} Not done: answer yes on a terminal, or pass --yes")).into())
}

/// An error of the lifecycle with its exit code.
pub fn stop(error: LifecycleError) -> Stop {
    let exit = match &error {
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

/// The exit code of failures of these sorts.
pub fn exit_of(causes: &[Cause]) -> Exit {
    let refused = |cause: &Cause| matches!(cause, Cause::Permission | Cause::Quota);
    if causes.iter().any(refused) { Exit::Refused } else { Exit::Error }
}

/// Prints to stdout; a reader that has gone away ends the command quietly.
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
        for bad in
            ["http://me:secret@127.0.0.1:1", "http://me@host", "http://host/?token=x", "127.0.0.1:1", "", "ftp://x"]
        {
            assert!(check_endpoint_url(bad).is_err(), "{bad}");
        }
    }
}
