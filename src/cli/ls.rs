//! `demo ls`.

use clap::Args;
use serde_json::json;

use super::{context, exit::Exit};

/// Arguments.
#[derive(Args, Debug)]
pub struct Ls {
    /// One JSON array.
    #[arg(long)]
    json: bool,
    /// Those that are gone, too.
    #[arg(long)]
    all: bool,
}

impl Ls {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let states = context::home()?.list()?;
        let mut rows = Vec::new();
        for state in states.iter().filter(|state| self.all || !state.is_closed()) {
            let (Some(id), Some(opened)) = (state.id(), state.opened()) else { continue };
            let is = match (state.is_closed(), state.is_going_down()) {
                (true, _) => "gone",
                (false, true) => "going down",
                (false, false) => "open",
            };
            rows.push(json!({"id": id.as_str(), "name": opened.name, "state": is, "opened": state.opened_at(),
                             "where": opened.target.to_string(), "resources": state.live().count()}));
        }
        if self.json {
            context::print(&format!("{}\n", serde_json::Value::from(rows)))?;
        } else {
            for row in rows {
                let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
                context::print(&format!(
                    "{:<34} {:<11} {} resources since {}, {}\n",
                    text("id"), text("state"), row["resources"], text("opened"), text("where"),
                ))?;
            }
        }
        Ok(Exit::Fine)
    }
}
