//! `demo plan FILE`.

use clap::Args;

use super::{
    Reach, StackFile, code::Code, context, documents::Documents, exit::Exit, resources::label, screen::Screen,
};
use crate::{
    aws::{lifecycle, pipeline::Materials},
    engine::{Action, Difference},
};

/// Arguments.
#[derive(Args, Debug)]
pub struct Plan {
    #[command(flatten)]
    stack: StackFile,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    code: Code,
    /// Exit with 6 when there are changes.
    #[arg(long)]
    detailed_exitcode: bool,
}

impl Plan {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let checked = context::read(&self.stack, screen)?;
        let stack = &checked.stack;
        let documents = Documents::of(stack, screen).await?;
        let function = self.code.package(stack)?;
        let materials = Materials { schema: &documents.schema, function: function.as_ref() };
        let home = context::home()?;
        let (id, state) = context::id_and_state(&home, &stack.name)?;
        let clients = context::clients(&home, &stack.target, &self.reach).await?;
        let steps = lifecycle::plan(stack, &id, &state, &materials, &clients).await;
        let released = context::release_stand_in(&home).await;
        let steps = steps.map_err(context::stop)?;
        released?;
        let known = if state.id().is_some() {
            id.to_string()
        } else {
            format!("{} (not made yet; its id will be another)", id)
        };
        let mut text = format!("{known} on {}\n\n", context::place(&clients));
        for step in &steps {
            let (verb, why) = said(&step.action);
            text += &format!("  {verb:<7} {}{why}\n", label(&step.node, ""));
        }
        let changes = steps.iter().filter(|step| step.action.is_change()).count();
        text += &format!("\n  {changes} of {} would change\n", steps.len());
        context::print(&text)?;
        Ok(if self.detailed_exitcode && changes > 0 { Exit::Changes } else { Exit::Fine })
    }
}

fn said(action: &Action) -> (&'static str, String) {
    match action {
        Action::Create => ("create", ": it is not there".to_owned()),
        Action::Keep => ("keep", String::new()),
        Action::Adopt => ("adopt", ": an earlier `up` has begun it".to_owned()),
        Action::Change(differs) => ("change", format!(": {}", Difference::listed(differs))),
        Action::Replace(differs) => ("replace", format!(": {}", Difference::listed(differs))),
        Action::Refuse(why) => ("refuse", format!(": {why}")),
        Action::Orphan => ("orphan", ": the stack does not have it any more; `demo down` removes it".to_owned()),
    }
}
