//! `demo cost FILE`.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::{StackFile, context, documents, exit::Exit, screen::Screen};
use crate::{
    aws::cost::{self, Cost, dollars},
    operations::{Documents, budget},
    pipeline::{
        load_cost::{LoadCost, by_use, of_load},
        meter::SHOWN_REGION,
    },
    report::numbers::grouped,
    spec::{self, Stack, Target},
};

/// Arguments of `demo cost`.
#[derive(Args, Debug)]
pub struct CostOf {
    #[command(flatten)]
    stack: StackFile,
    /// Price the stack in this region instead of the stack file's.
    #[arg(long, value_name = "REGION", value_parser = spec::region)]
    region: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl CostOf {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let checked = context::read(&self.stack, screen)?;
        let stack = &checked.stack;
        let documents = documents::check(stack, screen).await?;
        let region = self.region.as_deref().unwrap_or_else(|| region(&stack.target));
        let hour = by_the_hour(stack, &documents, region)?;
        let load = of_load(stack, documents.mean_bytes(stack).await?, region);
        let text = if self.json {
            format!(
                "{}\n",
                json!({"stack": stack.name, "region": region, "prices_as_of": cost::as_of(), "prices_from": cost::sources(), "an_hour": hour,
                       "dollars_an_hour": hour.always(), "dollars_an_hour_while_computing": hour.computing(),
                       "load": load, "dollars_of_load": load.dollars(), "by_use": by_use(stack)})
            )
        } else {
            table(stack, region, &hour, &load)
        };
        context::print(&text)?;
        Ok(Exit::Fine)
    }
}

fn region(target: &Target) -> &str {
    match target {
        Target::Aws { region, .. } => region,
        Target::Local => SHOWN_REGION,
    }
}

/// What a stack of this file would cost an hour in a region.
pub fn by_the_hour(stack: &Stack, documents: &Documents, region: &str) -> anyhow::Result<Cost> {
    Ok(cost::per_hour(budget::graph(stack, documents)?.nodes(), &region))
}

fn table(stack: &Stack, region: &str, hour: &Cost, load: &LoadCost) -> String {
    let mut text = format!("{} on AWS in {region}\n\n", stack.name);
    if stack.target == Target::Local {
        text =
            format!("{} runs on the stand-in, which costs nothing; on AWS in {region} it would cost:\n\n", stack.name);
    }
    let mut row = |what: &str, much: &str, dollars: &str| {
        let _ = writeln!(text, "  {what:<44} {much:>20} {dollars:>16}");
    };
    for item in &hour.items {
        let when = if item.while_computing { "an hour, computing" } else { "an hour" };
        row(&item.what, &format!("{}, {when}", item.detail), &dollars(item.an_hour));
    }
    let at_most = if load.at_most { "at most " } else { "" };
    let of = format!("load: {at_most}{} documents in {:.0} s", grouped(load.documents as u64), load.seconds);
    row(&of, &format!("{:.0} bytes each", load.mean_bytes), &dollars(load.dollars()));
    for used in &load.used {
        row(&format!("  {}", used.what), &format!("{} {}", quantity(used.quantity), used.unit), &dollars(used.dollars));
    }
    let _ = write!(text, "\n  cost: {hour} while it is up, plus {} for each run", dollars(load.dollars()));
    let _ = writeln!(text, " of {}", length(load.seconds));
    let more = by_use(stack);
    if !more.is_empty() {
        let _ = writeln!(text, "  not included: {}", more.join("; "));
    }
    let other =
        hour.prices_of.as_ref().map(|other| format!(" in {other}, as there are none for {region}")).unwrap_or_default();
    let (written, sources) = (cost::as_of(), cost::sources());
    let _ = writeln!(text, "  prices{other} as written down in {written}, from {sources}; before taxes and free tiers");
    text
}

fn length(seconds: f64) -> String {
    if seconds < 120.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) }
}

fn quantity(number: f64) -> String {
    if number >= 100.0 { grouped(number.round() as u64) } else { format!("{number:.2}") }
}
