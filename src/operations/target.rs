//! Where a stack's calls go: AWS, another implementation of it, or the stand-in, which starts and stops with its stacks.

use aws_stand_in::daemon::{Daemon, DaemonError, Started};

use super::logs::{Logs, LogsError};
use crate::{
    aws::{Clients, Where},
    engine::{Holder, Home, HomeError, Journals, StackId, State},
    spec::Target,
};

/// Why there are no clients for a target.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The endpoint's URL is wrong. It is not repeated: journals and messages must contain no secret.
    #[error("the endpoint URL {0}")]
    EndpointUrl(&'static str),
    /// The stand-in does not start or stop.
    #[error(transparent)]
    StandIn(#[from] DaemonError),
    /// The state folder.
    #[error(transparent)]
    Home(#[from] HomeError),
}

/// Why it is not known which stacks are in use.
#[derive(Debug, thiserror::Error)]
pub enum InUseError {
    /// The state folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The logs of runs.
    #[error(transparent)]
    Logs(#[from] LogsError),
}

/// Makes clients for the target of a stack file; starts the stand-in if that is the target. `endpoint_url` replaces the
/// target's own endpoint.
pub async fn connect(home: &Home, target: &Target, endpoint_url: Option<&str>) -> Result<Clients, ConnectError> {
    if let Some(url) = endpoint_url {
        check_endpoint_url(url).map_err(ConnectError::EndpointUrl)?;
    }
    let endpoint_url = endpoint_url.map(str::to_owned);
    let called = match (target, endpoint_url) {
        (Target::Aws { region, profile }, endpoint_url) => {
            Where::Aws { region: region.clone(), profile: profile.clone(), endpoint_url }
        }
        (Target::Local, Some(url)) => {
            Where::Aws { region: aws_stand_in::REGION.to_owned(), profile: None, endpoint_url: Some(url) }
        }
        (Target::Local, None) => stand_in(home).await?,
    };
    Ok(Clients::connect(called).await)
}

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
pub(super) async fn stand_in(home: &Home) -> Result<Where, ConnectError> {
    let stand_in = Daemon::at(&home.local());
    let url = stand_in.ensure(Started::ForStack).await?.url();
    Ok(Where::Local { url, credentials: (&stand_in.key()?).into() })
}

/// The stacks on the stand-in that a process works on now, each with who that is where it is known: workers of a shared
/// run hold no lock of their stack while they send.
pub fn stacks_in_use(home: &Home) -> Result<Vec<(StackId, Option<Holder>)>, InUseError> {
    let mut in_use = Vec::new();
    for state in home.journals()?.readable.iter().filter(|state| lives_on_stand_in(state)) {
        let Some(id) = state.id() else { continue };
        let held = home.held(id)?;
        if held.now {
            in_use.push((id.clone(), held.holder));
        } else if Logs::of(home, id).is_under_way()? {
            in_use.push((id.clone(), None));
        }
    }
    Ok(in_use)
}

fn lives_on_stand_in(state: &State) -> bool {
    !state.is_closed() && state.opened().is_some_and(|opened| opened.target.endpoint.as_deref() == Some("local"))
}

/// Stops the stand-in when no stack is left on it, unless a person started it. A stack whose journal is damaged may be on it.
pub async fn release_stand_in(home: &Home) -> Result<(), ConnectError> {
    let Journals { readable, damaged } = home.journals()?;
    if !damaged.is_empty() || readable.iter().any(lives_on_stand_in) {
        return Ok(());
    }
    let stand_in = Daemon::at(&home.local());
    if stand_in.status().await?.is_some_and(|endpoint| endpoint.started == Started::ForStack) {
        stand_in.stop().await?;
    }
    Ok(())
}

/// Describes where clients send their calls, for a person: also what only the environment or a profile says of it.
pub fn location(clients: &Clients) -> String {
    let services = clients.endpoints();
    match clients.place() {
        Where::Local { url, .. } => format!("the stand-in at {}", url.trim_start_matches("http://")),
        Where::Aws { region, endpoint_url: None, .. } => format!("AWS in {region}{services}"),
        Where::Aws { region, endpoint_url: Some(url), .. } => {
            format!("the endpoint {url}, in place of AWS in {region}{services}")
        }
    }
}

/// Whether calls go to AWS itself, where they cost money.
pub(super) fn is_aws(clients: &Clients) -> bool {
    matches!(clients.place(), Where::Aws { endpoint_url: None, .. })
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
