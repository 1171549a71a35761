//! `demo status STACK`.

use clap::Args;
use serde_json::json;

use super::{
    context::{self, Known},
    exit::Exit,
    resources::label,
    screen::Screen,
};
use crate::{
    aws::lifecycle,
    engine::{Difference, Observed, plan::Status as Found},
};

/// Arguments.
#[derive(Args, Debug)]
pub struct Status {
    /// The stack's id, its name, or the file that it was made from.
    stack: String,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) async fn run(self, _screen: &Screen) -> anyhow::Result<Exit> {
        let known = Known::find(&self.stack).await?;
        let found = lifecycle::status(&known.state, &known.clients).await;
        let text = if self.json {
            let resources: Vec<_> = found.iter().map(as_json).collect();
            format!(
                "{}\n",
                json!({"stack": known.id.as_str(), "place": context::place(&known.clients), "resources": resources})
            )
        } else {
            let lines = found.iter().map(|one| format!("  {:<10} {}\n", said(one), label(&one.node, "")));
            format!("{} on {}\n\n{}", known.id, context::place(&known.clients), lines.collect::<String>())
        };
        context::print(&text)?;
        Ok(if found.iter().all(|one| one.observed.is_ok()) { Exit::Fine } else { Exit::Error })
    }
}

fn said(found: &Found) -> String {
    match &found.observed {
        Ok(Observed::Absent) => "gone".to_owned(),
        Ok(Observed::Foreign { .. }) => "foreign".to_owned(),
        Ok(Observed::Ours { differs, .. }) if !differs.is_empty() => {
            format!("changed ({})", Difference::listed(differs))
        }
        Ok(Observed::Ours { ready: true, .. }) => "ready".to_owned(),
        Ok(Observed::Ours { ready: false, .. }) => "not ready".to_owned(),
        Err(error) => format!("unknown ({error})"),
    }
}

fn as_json(found: &Found) -> serde_json::Value {
    let observed = match &found.observed {
        Ok(observed) => json!(observed),
        Err(error) => json!({"unknown": error.to_string()}),
    };
    json!({"kind": found.node.key.kind, "name": found.node.key.name, "detail": found.node.detail,
           "journal": found.phase, "found": observed})
}
