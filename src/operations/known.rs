//! Stacks that have a journal on this machine.

use std::path::Path;

use serde_json::Value;

use super::{
    fargate, logs,
    target::{self, ConnectError},
};
use crate::{
    aws::{Clients, Names, Where, bucket::Buckets, ecs::cluster::Clusters, kind::Kind},
    engine::{Home, HomeError, ProviderError, StackId, State},
    spec::{self, SpecErrors, Stack},
};

/// The state folder.
pub(super) fn state_folder() -> Result<Home, HomeError> {
    Ok(Home::from_env()?)
}

/// Why a stack is not found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The state folder has no such stack, or cannot be read.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The stack file that names the stack is wrong.
    #[error(transparent)]
    StackFile(SpecErrors),
    /// The journal has no entry.
    #[error("the journal of {0} is empty")]
    EmptyJournal(String),
    /// The stack in the journal cannot be read.
    #[error("cannot read the spec in the stack's journal")]
    Spec(#[source] SpecErrors),
    /// There are no clients for its target.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// A stack that has a journal, with clients for its target. The stack file in the journal need not be readable.
pub struct JournaledStack {
    /// The state folder.
    pub home: Home,
    /// Its journal, replayed.
    pub state: State,
    /// Its id.
    pub id: StackId,
    /// Clients for its target.
    pub clients: Clients,
}

impl JournaledStack {
    /// Finds the stack that `asked` names: by its id, its name, or its stack file.
    pub async fn find(asked: &str) -> Result<Self, FindError> {
        let home = state_folder()?;
        let state = home.find(&name_of(asked)?)?;
        let (Some(id), Some(opened)) = (state.id().cloned(), state.opened()) else {
            return Err(FindError::EmptyJournal(asked.to_owned()));
        };
        let profile = opened.spec.pointer("/target/aws/profile").and_then(Value::as_str);
        let called = match &opened.target.endpoint {
            Some(endpoint) if endpoint == "local" => target::stand_in(&home).await?,
            endpoint => Where::Aws {
                region: opened.target.region.clone(),
                profile: profile.map(str::to_owned),
                endpoint_url: endpoint.clone(),
            },
        };
        let clients = Clients::connect(called).await;
        Ok(Self { home, state, id, clients })
    }
}

/// A stack that has a journal and a readable stack file in it, with clients for its target.
pub struct KnownStack {
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

impl KnownStack {
    /// Finds the stack that `asked` names: by its id, its name, or its stack file.
    pub async fn find(asked: &str) -> Result<Self, FindError> {
        let JournaledStack { home, state, id, clients } = JournaledStack::find(asked).await?;
        let spec = &state.opened().expect("a journaled stack is opened").spec;
        let stack = spec::from_value(spec).map_err(FindError::Spec)?;
        Ok(Self { names: Names::of(&stack, &id), home, state, id, stack, clients })
    }

    /// The bucket that it has, whatever its stack file said when it was opened.
    pub fn bucket(&self) -> Option<String> {
        bucket_of(&self.state)
    }

    /// For people: the workers that send documents as tasks in its cluster now.
    ///
    /// # Errors
    /// A call fails.
    pub async fn tasks_under_way(&self) -> Result<Vec<String>, ProviderError> {
        let Some(cluster) = self.state.live().find_map(|resource| Clusters::of(&resource.node)) else {
            return Ok(Vec::new());
        };
        let tasks = fargate::working(&self.clients, &cluster).await?;
        Ok(tasks.iter().map(|(run, part)| logs::named(run, *part)).collect())
    }
}

/// The bucket of a stack, while it may be there.
pub(super) fn bucket_of(state: &State) -> Option<String> {
    state.live().find_map(|resource| Buckets::of(&resource.node)).map(|bucket| bucket.name)
}

/// The name of a stack: if `asked` is a file, the name in it; else `asked` itself.
pub fn name_of(asked: &str) -> Result<String, FindError> {
    let file = Path::new(asked);
    if !file.is_file() {
        return Ok(asked.to_owned());
    }
    let checked = spec::read(file, &[], &[]).map_err(FindError::StackFile)?;
    Ok(checked.stack.name)
}

/// The id and state of the stack of this name; a new id and an empty state if it has no journal.
pub fn id_and_state(home: &Home, name: &str) -> Result<(StackId, State), HomeError> {
    let state = match home.find(name) {
        Ok(state) => state,
        Err(HomeError::Unknown(_)) => State::default(),
        Err(error) => return Err(error),
    };
    Ok((state.id().cloned().unwrap_or_else(|| StackId::new(name)), state))
}
