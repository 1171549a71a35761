//! The end of a stack that someone forgets: when it comes, and the schedule that brings it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    aws::{
        Clients, Names,
        kind::{Kind, node},
        ownership::Ownership,
        permission::{On, Statement},
        preflight::Finding,
        role::{self, Roles},
        schedule::{self, Schedules},
        stream::{self, Streams},
    },
    deliveries::parts::Parts,
    engine::{Node, State},
    spec::Stack,
};

/// When a stack that was opened then is to be gone, to the second; never when it has no time to live.
pub fn expires(stack: &Stack, opened_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let ttl = TimeDelta::from_std(stack.ttl?).expect("a time to live is at most 30 days");
    Some(opened_at + ttl)
}

pub use crate::aws::moment::{read, written};

/// When a stack was opened: as its journal says, or now where there is no journal yet.
pub fn opened_at(state: &State) -> DateTime<Utc> {
    read(state.opened_at()).unwrap_or_else(Utc::now)
}

/// When a stack is to be gone, as its resources are marked: what its schedule says counts before what others do.
pub fn known(state: &State) -> Option<DateTime<Utc>> {
    let ownership = |node: &Node| read(Ownership::in_node(node)?.expires.as_deref()?);
    let all = || state.live().map(|resource| &resource.node);
    all().filter(|node| node.key.kind == Schedules::KIND).find_map(ownership).or_else(|| all().find_map(ownership))
}

/// Says of a stack that exists what its schedule cannot delete: AWS refuses to delete a stream that has channels or queues.
pub(super) async fn findings(stack: &Stack, names: &Names, state: &State, clients: &Clients) -> Vec<Finding> {
    let exists = state.live().any(|resource| resource.node.key == Streams::key(&names.stream));
    if stack.ttl.is_none() || !exists {
        return Vec::new();
    }
    let attached = match stream::attached(clients, &names.stream).await {
        Ok(None) => return Vec::new(),
        Ok(Some(attached)) => attached,
        Err(error) => return vec![Finding::failed("ttl", error)],
    };
    let why = format!("the schedule cannot delete stream {}, which has {attached} attached", names.stream);
    let advice = format!("delete them before the stack expires, or run `demo down {}` in time", names.id);
    vec![Finding::warning("ttl", why, advice)]
}

/// The schedule that deletes the stream at its time, and the role that lets it do that and nothing else.
pub(super) fn nodes(parts: &Parts) -> Vec<Node> {
    let Parts { names, ownership, .. } = parts;
    let Some(at) = &ownership.expires else { return Vec::new() };
    let statements = vec![Statement::new(&["kinesis:DeleteStream"], [On::Stream(names.stream.clone())])];
    let role_node = parts.role_node(&parts.role(&names.schedule_role, &[role::SCHEDULER], statements));
    let desired = schedule::Desired {
        name: names.schedule.clone(),
        at: at.clone(),
        stream: names.stream.clone(),
        role: format!("{}{}", names.role_path, names.schedule_role),
        ownership: (*ownership).clone(),
    };
    let on = [Roles::key(&names.schedule_role)];
    vec![role_node, node::<Schedules>(&names.schedule, &on, &desired, format!("deletes the stream at {at}"))]
}
