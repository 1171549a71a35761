//! `demo ls`.

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde::Serialize;

use super::{context, exit::Exit, screen::Screen, stack_status::StatusText};
use crate::{
    aws::cost,
    engine::{Journals, State},
    operations::{StackStatus, Stage},
    pipeline::ttl,
    report::numbers::{duration, time_left},
};

/// Arguments of `demo ls`.
#[derive(Args, Debug)]
pub struct Ls {
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
    /// Include stacks that are gone.
    #[arg(long)]
    all: bool,
}

/// A stack that this machine knows.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    state: &'static str,
    /// When it was opened, RFC 3339 in UTC.
    opened: String,
    age_seconds: i64,
    /// When it expires.
    expires: Option<String>,
    /// Negative once it has expired.
    seconds_left: Option<i64>,
    dollars_an_hour: f64,
    /// The same for people, with what Redshift adds while it computes.
    costs: String,
    /// When the last `up` read the resources that cost this, RFC 3339 in UTC.
    costs_as_of: String,
    #[serde(skip)]
    costs_age: Option<TimeDelta>,
    #[serde(rename = "where")]
    place: String,
    resources: usize,
}

impl Ls {
    pub(super) fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let home = context::home()?;
        let Journals { readable, damaged } = home.journals()?;
        damaged.iter().for_each(|journal| screen.warning(&journal.to_string()));
        let known = readable.iter().filter(|state| self.all || !state.is_closed());
        let now = Utc::now();
        let (mut rows, mut text) = (Vec::new(), String::new());
        for state in known {
            let status = StackStatus::of(&home, state)?;
            let Some(row) = row(state, status.stage(), now) else { continue };
            text += &line(&row);
            text.extend(StatusText::of(&status).hint().map(|hint| format!("  {hint}\n")));
            rows.push(row);
        }
        if self.json {
            context::print(&format!("{}\n", serde_json::to_string(&rows)?))?;
        } else {
            context::print(&text)?;
        }
        Ok(Exit::Fine)
    }
}

fn row(state: &State, stage: Stage, now: DateTime<Utc>) -> Option<Row> {
    let (id, opened) = (state.id()?, state.opened()?);
    let expires = ttl::known(state);
    let cost = cost::per_hour(state.live().map(|resource| &resource.node), &opened.target);
    Some(Row {
        id: id.to_string(),
        name: opened.name.clone(),
        state: stage.as_str(),
        opened: state.opened_at().to_owned(),
        age_seconds: (now - ttl::opened_at(state)).num_seconds(),
        expires: expires.map(ttl::written),
        seconds_left: expires.map(|expires| (expires - now).num_seconds()),
        dollars_an_hour: cost.always(),
        costs: cost.to_string(),
        costs_as_of: state.began_at().to_owned(),
        costs_age: cost.region.as_ref().and_then(|_| Some(now - ttl::read(state.began_at())?)),
        place: opened.target.to_string(),
        resources: state.live().count(),
    })
}

fn line(row: &Row) -> String {
    let Row { id, state, place, resources, costs, costs_age, .. } = row;
    let age = duration(TimeDelta::seconds(row.age_seconds));
    if *state == "gone" {
        return format!("{id:<34} {state:<11} opened {age} ago, {place}\n");
    }
    let resources = if *resources == 1 { "1 resource".to_owned() } else { format!("{resources} resources") };
    let as_of = costs_age.map(|age| format!(" as of its last `up` {} ago", duration(age))).unwrap_or_default();
    let left = time_left(row.seconds_left.map(TimeDelta::seconds));
    format!("{id:<34} {state:<11} {resources}, opened {age} ago, {left}, costs {costs}{as_of}, {place}\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::{Fingerprint, Home, Journal, Node, ResourceKey, journal::Entry};

    #[test]
    fn a_stack_is_listed_with_its_end_and_what_it_costs() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::at(folder.path()).expect("a home");
        let target = Fingerprint { account: "1".into(), region: "us-east-1".into(), endpoint: None };
        let journal = Journal::create(&home, &"a-00000001".parse().expect("an id"), target, json!({})).expect("opened");
        let stream = |expires: DateTime<Utc>| Node {
            key: ResourceKey::new("stream", "a"),
            depends_on: Vec::new(),
            desired: json!({"shards": 540, "mark": {"expires": ttl::written(expires)}}),
            detail: String::new(),
        };
        let now = Utc::now();
        journal.record(Entry::Intended { node: stream(now + TimeDelta::minutes(118)) }).expect("intended");
        let listed = line(&row(&journal.state(), Stage::Up, now).expect("a row"));
        assert!(
            listed.contains("1 resource, opened 0 s ago, expires in 1 h 57 min, costs $8.10 an hour as of its last `up` 0 s ago, account 1"),
            "{listed}"
        );
        let later = row(&journal.state(), Stage::Up, now + TimeDelta::hours(3)).expect("a row");
        assert_eq!(later.seconds_left.map(|left| left < -3_600), Some(true));
        assert!(line(&later).contains("expired 1 h 2 min ago"), "{}", line(&later));
    }
}
