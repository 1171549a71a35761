//! A stack whose journal is lost: what is found of it makes a journal again, and `down` works from that.

use std::{collections::BTreeSet, fs, io};

use serde_json::{Value, json};

use super::lifecycle::LifecycleError;
use crate::{
    aws::{Clients, Where, inventory::Found, kind::Layer, kinds},
    engine::{
        Home, HomeError, Journal, JournalError, Node, Opened, ResourceKey, StackId, State,
        journal::{self, Entry},
    },
};

/// Opens and locks the stack's journal, one that knows all that was found: the one that is here, else a new one. A
/// damaged one is set aside.
pub async fn journal(home: &Home, id: &StackId, found: &Found, clients: &Clients) -> Result<Journal, LifecycleError> {
    let here = clients.fingerprint().await?;
    set_damaged_aside(home, id)?;
    let journal = Journal::open(home, id)?;
    let state = journal.state();
    match state.opened() {
        Some(opened) if opened.target != here => {
            let (lives, here) = (Box::new(opened.target.clone()), Box::new(here));
            return Err(LifecycleError::Elsewhere { id: id.clone(), lives, here });
        }
        Some(_) if !state.is_closed() => {}
        _ => {
            let (stack, name) = (id.to_string(), id.name().to_owned());
            journal.record(Entry::Opened(Opened { stack, name, target: here, spec: spec(id, clients) }))?;
        }
    }
    for node in unknown(found, &state) {
        journal.record(Entry::Intended { node })?;
    }
    Ok(journal)
}

/// What of a stack file is known without one: enough to find the way back.
fn spec(id: &StackId, clients: &Clients) -> Value {
    let target = match clients.place() {
        Where::Local { .. } => json!("local"),
        Where::Aws { region, profile: None, .. } => json!({"aws": {"region": region}}),
        Where::Aws { region, profile: Some(profile), .. } => json!({"aws": {"region": region, "profile": profile}}),
    };
    json!({"name": id.name(), "target": target})
}

/// Those that the journal does not count as there, each depending on all of earlier layers.
fn unknown(found: &Found, state: &State) -> Vec<Node> {
    let live: BTreeSet<&ResourceKey> = state.live().map(|resource| &resource.node.key).collect();
    let known = || live.iter().copied().chain(found.owned.iter().map(|owned| &owned.node.key));
    let fresh = found.owned.iter().map(|owned| &owned.node).filter(|node| !live.contains(&node.key));
    let standing = fresh.map(|node| {
        let below: BTreeSet<&ResourceKey> = known().filter(|key| layer(&key.kind) < layer(&node.key.kind)).collect();
        Node { depends_on: below.into_iter().cloned().collect(), ..node.clone() }
    });
    standing.collect()
}

fn layer(kind: &str) -> Option<Layer> {
    kinds::named(kind).map(|kind| kind.layer)
}

fn set_damaged_aside(home: &Home, id: &StackId) -> Result<(), LifecycleError> {
    let path = home.journal(id);
    match journal::read(&path) {
        Ok(_) => return Ok(()),
        Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(JournalError::Corrupt { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let aside = path.with_extension(format!("damaged-{}", chrono::Utc::now().format("%Y%m%dT%H%M%SZ")));
    fs::rename(&path, &aside).map_err(|source| HomeError::io(path, source).into())
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::{
        aws::{
            bucket, database, delivery, function, item_table, log_group, mapping, object, redshift as rs, role,
            schedule, stream, table, workgroup,
        },
        engine::Owned,
    };

    fn owned(kind: &str, name: &str) -> Owned {
        let (stack, command) = ("a-00000001".to_owned(), String::new());
        let node = Node {
            key: ResourceKey::new(kind, name),
            depends_on: Vec::new(),
            desired: json!({"name": name}),
            detail: String::new(),
        };
        Owned { stack, expires: None, node, command }
    }

    fn is_read<T: DeserializeOwned>(desired: &Value) -> bool {
        serde_json::from_value::<T>(desired.clone()).is_ok()
    }

    #[test]
    fn an_older_journal_and_a_find_tell_enough() {
        let ownership = json!({"stack": "a-00000001"});
        let named = json!({"name": "n", "mark": ownership});
        for is_read in [
            is_read::<stream::Desired>,
            is_read::<bucket::Desired>,
            is_read::<role::Desired>,
            is_read::<schedule::Desired>,
            is_read::<delivery::Desired>,
            is_read::<database::Desired>,
            is_read::<workgroup::Desired>,
            is_read::<item_table::Desired>,
            is_read::<log_group::Desired>,
            is_read::<function::Desired>,
            is_read::<rs::namespace::Desired>,
            is_read::<rs::workgroup::Desired>,
            is_read::<rs::delivery::Desired>,
        ] {
            assert!(is_read(&named));
        }
        assert!(is_read::<table::Desired>(&json!({"database": "d", "name": "n", "mark": ownership})));
        assert!(is_read::<mapping::Desired>(&json!({"function": "f", "stream": "s", "mark": ownership})));
        assert!(is_read::<object::Desired>(&json!({"bucket": "b", "key": "k", "mark": ownership})));
        let at = json!({"at": {"workgroup": "demo"}, "name": "dev"});
        assert!(is_read::<rs::schema::Desired>(&json!({"database": at, "name": "s", "mark": ownership})));
        assert!(is_read::<rs::table::Desired>(&json!({"database": at, "schema": "s", "name": "t", "mark": ownership})));
    }

    #[test]
    fn what_is_found_stands_on_what_is_made_before_it() {
        let owned = ["stream", "delivery", "role"].map(|kind| owned(kind, "a")).to_vec();
        let nodes = unknown(&Found { owned, hidden: Vec::new() }, &State::default());
        let on = |node: &Node| node.depends_on.iter().map(|key| key.kind.clone()).collect::<Vec<_>>();
        let standing: Vec<_> = nodes.iter().map(|node| (node.key.kind.as_str(), on(node))).collect();
        let expected = [("stream", vec!["role"]), ("delivery", vec!["role", "stream"]), ("role", vec![])];
        assert_eq!(standing, expected.map(|(kind, on)| (kind, on.into_iter().map(str::to_owned).collect())));
    }
}
