//! `demo status STACK`: compares the resources that exist with those that were created.

use std::collections::BTreeMap;

use chrono::Utc;
use clap::Args;
use serde_json::{Value, json};

use super::{context, errors, exit::Exit, resource_lines::label, screen::Screen, stack_status::StatusText};
use crate::{
    aws::ownership::Ownership,
    engine::{Difference, Node, Observed, Phase, plan::Status as Found},
    operations::{KnownStack, StackStatus, target::location},
    pipeline::{lifecycle, ttl},
};

/// Arguments of `demo status`.
#[derive(Args, Debug)]
pub struct Status {
    /// The stack's id, its name, or its stack file.
    stack: String,
    /// Print one JSON object: `stack`, `place`, `stage` (up, half made, half gone, in use, gone), `expires`, `drift`
    /// (whether anything has drifted), and `resources`, each with `kind`, `name`, `detail`, `journal` (its phase in the
    /// journal), `is` (fine, gone, changed, foreign, busy, unfinished, unknown), and `differs` (`what`, `is`, `wanted`,
    /// `change`) or `why`.
    #[arg(long)]
    json: bool,
    /// Exit with 6 if anything has drifted.
    #[arg(long)]
    detailed_exitcode: bool,
}

impl Status {
    pub(super) async fn run(self, _screen: &Screen) -> anyhow::Result<Exit> {
        let known = KnownStack::find(&self.stack).await.map_err(errors::find)?;
        let status = StackStatus::of(&known.home, &known.state)?;
        let found = lifecycle::status(&known.state, &known.clients).await;
        let drift = found.iter().any(|one| is(one).is_drift());
        let place = location(&known.clients);
        context::print(&if self.json {
            let resources: Vec<_> = found.iter().map(as_json).collect();
            let (id, stage) = (known.id.as_str(), status.stage().as_str());
            let expires = status.expires().map(ttl::written);
            format!(
                "{}\n",
                json!({"stack": id, "place": place, "stage": stage, "expires": expires, "drift": drift,
                       "resources": resources})
            )
        } else {
            let lines: String = found.iter().map(line).collect();
            let gone = found.iter().filter(|one| is(one) == Is::Gone).map(|one| &one.node.key).collect();
            format!(
                "{} on {place}\n\n{lines}\n  {}\n\n{}\n",
                known.id,
                summary(&found),
                StatusText::of(&status).without(gone)
            )
        })?;
        Ok(match () {
            () if found.iter().any(|one| is(one) == Is::Unknown) => Exit::Error,
            () if drift && self.detailed_exitcode => Exit::Changes,
            () => Exit::Fine,
        })
    }
}

/// How a resource compares with what was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Is {
    Fine,
    Gone,
    Changed,
    Foreign,
    Busy,
    Unfinished,
    Unknown,
}

impl Is {
    /// Whether somebody else changed or removed it.
    fn is_drift(self) -> bool {
        matches!(self, Self::Gone | Self::Changed | Self::Foreign)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Gone => "gone",
            Self::Changed => "changed",
            Self::Foreign => "foreign",
            Self::Busy => "busy",
            Self::Unfinished => "unfinished",
            Self::Unknown => "unknown",
        }
    }
}

fn is(found: &Found) -> Is {
    match (&found.observed, found.phase) {
        (Err(_), _) => Is::Unknown,
        (Ok(Observed::Foreign { .. }), phase) if phase != Phase::Intended => Is::Foreign,
        (Ok(_), phase) if phase != Phase::Ready => Is::Unfinished,
        (Ok(Observed::Absent), _) => Is::Gone,
        (Ok(Observed::Foreign { .. }), _) => Is::Foreign,
        (Ok(Observed::Ours { differs, .. }), _) if !differs.is_empty() => Is::Changed,
        (Ok(Observed::Ours { ready: false, .. }), _) => Is::Busy,
        (Ok(Observed::Ours { .. }), _) => Is::Fine,
    }
}

/// Whether its stack has expired.
fn is_past(node: &Node) -> bool {
    let expires = Ownership::in_node(node).and_then(|ownership| ttl::read(ownership.expires.as_deref()?));
    expires.is_some_and(|expires| expires <= Utc::now())
}

fn line(found: &Found) -> String {
    let why = match &found.observed {
        Ok(Observed::Foreign { why }) => format!(": {why}"),
        Ok(Observed::Ours { differs, .. }) if !differs.is_empty() => format!(": {}", by_hand(differs)),
        Ok(Observed::Absent) if is_past(&found.node) => {
            ": the stack has expired; `demo down` removes the rest".to_owned()
        }
        Ok(Observed::Absent) if found.phase == Phase::Ready => ": `demo up` creates it again".to_owned(),
        Ok(_) if found.phase == Phase::Deleting => ": `demo down` started to remove it".to_owned(),
        Ok(Observed::Absent) => ": `demo up` started to create it, but it does not exist".to_owned(),
        Ok(_) if found.phase != Phase::Ready => ": `demo up` started to create it".to_owned(),
        Ok(Observed::Ours { ready: false, .. }) => ": the service is changing it".to_owned(),
        Ok(Observed::Ours { .. }) => String::new(),
        Err(error) => format!(": {error}"),
    };
    format!("  {:<10} {}{why}\n", is(found).as_str(), label(&found.node, ""))
}

fn by_hand(differs: &[Difference]) -> String {
    let said = differs.iter().map(|Difference { what, is, wanted, .. }| format!("{what}: {is}, expected {wanted}"));
    said.collect::<Vec<_>>().join("; ")
}

/// Counts such as `7 resources: 5 fine, 1 gone, 1 changed`.
fn summary(found: &[Found]) -> String {
    let mut counts: BTreeMap<Is, usize> = BTreeMap::new();
    found.iter().for_each(|one| *counts.entry(is(one)).or_default() += 1);
    let counts: Vec<String> = counts.into_iter().map(|(is, count)| format!("{count} {}", is.as_str())).collect();
    match found.len() {
        0 => "no resources".to_owned(),
        n => format!("{n} resources: {}", counts.join(", ")),
    }
}

fn as_json(found: &Found) -> Value {
    let mut object = json!({"kind": found.node.key.kind, "name": found.node.key.name, "detail": found.node.detail,
                            "journal": found.phase, "is": is(found).as_str()});
    match &found.observed {
        Ok(Observed::Ours { differs, .. }) => object["differs"] = json!(differs),
        Ok(Observed::Foreign { why }) => object["why"] = json!(why),
        Ok(Observed::Absent) => {}
        Err(error) => object["why"] = json!(error.to_string()),
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Cause, Node, ProviderError, ResourceKey};

    fn found(phase: Phase, observed: Result<Observed, ProviderError>) -> Found {
        let (key, desired) = (ResourceKey::new("stream", "a"), Value::Null);
        Found { node: Node { key, depends_on: Vec::new(), desired, detail: String::new() }, phase, observed }
    }

    fn ours(ready: bool, differs: Vec<Difference>) -> Result<Observed, ProviderError> {
        Ok(Observed::Ours { identity: "arn".into(), ready, differs })
    }

    fn foreign() -> Result<Observed, ProviderError> {
        Ok(Observed::Foreign { why: "it has no mark".into() })
    }

    fn unseen() -> Result<Observed, ProviderError> {
        let [call, resource, message, advice] = ["kinesis Describe", "a", "no answer", ""].map(str::to_owned);
        Err(ProviderError { cause: Cause::Unreachable, call, resource, message, advice })
    }

    #[test]
    fn only_what_somebody_else_did_is_drift() {
        let shards = || vec![Difference::in_place("shards", 4, 20)];
        let cases = [
            (found(Phase::Ready, ours(true, vec![])), Is::Fine, false),
            (found(Phase::Ready, ours(false, vec![])), Is::Busy, false),
            (found(Phase::Ready, ours(true, shards())), Is::Changed, true),
            (found(Phase::Ready, Ok(Observed::Absent)), Is::Gone, true),
            (found(Phase::Ready, foreign()), Is::Foreign, true),
            (found(Phase::Intended, foreign()), Is::Unfinished, false),
            (found(Phase::Accepted, ours(true, shards())), Is::Unfinished, false),
            (found(Phase::Deleting, Ok(Observed::Absent)), Is::Unfinished, false),
            (found(Phase::Ready, unseen()), Is::Unknown, false),
        ];
        for (one, expected, drift) in &cases {
            assert_eq!((is(one), is(one).is_drift()), (*expected, *drift), "{one:?}");
        }
        let said: Vec<Found> = cases.into_iter().map(|(one, ..)| one).collect();
        assert_eq!(
            summary(&said),
            "9 resources: 1 fine, 1 gone, 1 changed, 1 foreign, 1 busy, 3 unfinished, 1 unknown"
        );
        assert!(line(&said[2]).contains("shards: 4, expected 20"), "{}", line(&said[2]));
        assert_eq!(as_json(&said[2])["differs"][0]["wanted"], "20");
        assert_eq!(as_json(&said[4])["why"], "it has no mark");
    }
}
