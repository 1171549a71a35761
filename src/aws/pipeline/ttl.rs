//! The end of a stack that someone forgets: when it comes, and the schedule that brings it.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::{Parts, node};
use crate::{
    aws::{
        permission::{On, Statement},
        role, schedule,
    },
    engine::{Node, State},
    spec::Stack,
};

/// When a stack that was opened then is to be gone, to the second; never when it has no time to live.
pub fn expires(stack: &Stack, opened_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let ttl = TimeDelta::from_std(stack.ttl?).expect("a time to live is at most 30 days");
    Some(opened_at + ttl)
}

/// A moment as tags have it: RFC 3339 in UTC, to the second.
pub fn written(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A moment of a tag or a journal; none where it is no RFC 3339.
pub fn read(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc())
}

/// When a stack was opened: as its journal says, or now where there is no journal yet.
pub fn opened_at(state: &State) -> DateTime<Utc> {
    read(state.opened_at()).unwrap_or_else(Utc::now)
}

/// When a stack is to be gone, as its resources are marked: what its schedule says counts before what others do.
pub fn known(state: &State) -> Option<DateTime<Utc>> {
    let mark = |node: &Node| read(node.desired["mark"]["expires"].as_str()?);
    let all = || state.live().map(|resource| &resource.node);
    all().filter(|node| node.key.kind == schedule::KIND).find_map(mark).or_else(|| all().find_map(mark))
}

/// The schedule that deletes the stream at its time, and the role that lets it do that and nothing else.
pub(super) fn nodes(parts: &Parts) -> Vec<Node> {
    let Parts { names, mark, .. } = parts;
    let Some(at) = &mark.expires else { return Vec::new() };
    let desired = role::Desired {
        name: names.schedule_role.clone(),
        path: names.role_path.clone(),
        services: vec![role::SCHEDULER.to_owned()],
        statements: vec![Statement::new(&["kinesis:DeleteStream"], [On::Stream(names.stream.clone())])],
        mark: (*mark).clone(),
    };
    let role_node = node(role::KIND, &names.schedule_role, &[], &desired, format!("under {}", names.role_path));
    let desired = schedule::Desired {
        name: names.schedule.clone(),
        at: at.clone(),
        stream: names.stream.clone(),
        role: format!("{}{}", names.role_path, names.schedule_role),
        mark: (*mark).clone(),
    };
    let on = [(role::KIND, names.schedule_role.as_str())];
    vec![role_node, node(schedule::KIND, &names.schedule, &on, &desired, format!("deletes the stream at {at}"))]
}
