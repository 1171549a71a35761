//! `demo plan FILE`.

use clap::Args;
use serde_json::{Value, json};

use super::{
    Reach, StackFile,
    code::{self, Code},
    context, documents, errors,
    exit::Exit,
    resource_lines::label,
    screen::Screen,
    signals::Signals,
    stack_status,
};
use crate::{
    aws::{Clients, cost},
    deliveries,
    engine::{Action, Difference, Step},
    operations::{
        StackStatus,
        known::id_and_state,
        target::{location, release_stand_in},
    },
    pipeline::{Materials, lifecycle},
    report::numbers::grouped,
    spec::{self, Amount, Fargate, Flaw, Skew, Workers},
};

/// Arguments of `demo plan`.
#[derive(Args, Debug)]
pub struct Plan {
    #[command(flatten)]
    stack: StackFile,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    code: Code,
    /// Exit with 6 if there are changes.
    #[arg(long)]
    detailed_exitcode: bool,
    /// Print one JSON object: `stack`, `known` (whether the stack has a journal), `place`, `changes` (whether `up`
    /// would do anything), `possible` (whether `up` would accept the changes), `workers` (how many processes share its
    /// load; null where one sends it), `sending` (transport, aggregation and order of its documents), `keys` (how evenly they go to the shards), `imperfect` (where its imperfect documents
    /// end), and `steps`, each with `kind`, `name`, `detail`, `action` (create, adopt, change, replace, refuse, orphan,
    /// keep), and for some `why`: differences (`what`, `is`, `wanted`, `change`), or a sentence.
    #[arg(long)]
    json: bool,
}

impl Plan {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let signals = Signals::watch(screen)?;
        let checked = context::read(&self.stack, screen)?;
        let stack = &checked.stack;
        let documents = documents::check(stack, screen).await?;
        let function = self.code.package(stack)?;
        let worker = code::worker_program(stack)?.map(|program| program.architecture);
        let materials = Materials { schema: &documents.schema, function: function.as_ref(), worker };
        let home = context::home()?;
        let (id, state) = id_and_state(&home, &stack.name)?;
        signals.begun(|| "interrupted; nothing was changed".to_owned());
        let clients = context::clients(&home, &stack.target, &self.reach).await?;
        let looked = signals.unless_stopped(lifecycle::plan(stack, &id, &state, &materials, &clients)).await;
        let released = release_stand_in(&home).await;
        let steps = looked?.map_err(errors::lifecycle)?;
        released?;
        stack_status::show_if_left_behind(&StackStatus::of(&home, &state)?, screen);
        let changes = steps.iter().any(|step| step.action.is_change() && step.action != Action::Orphan);
        let (known, place) = (state.id().is_some(), location(&clients));
        let keys = Skew::of(&stack.load.partition_key, spec::shards(stack));
        let keys = keys.map_or_else(|| "known when the documents are".to_owned(), |skew| skew.to_string());
        let imperfect = imperfect(stack);
        context::print(&if self.json {
            let possible = !steps.iter().any(|step| matches!(step.action, Action::Replace(_) | Action::Refuse(_)));
            let id = known.then_some(id.as_str());
            let steps: Vec<Value> = steps.iter().map(as_json).collect();
            format!(
                "{}\n",
                json!({"stack": id, "known": known, "place": place, "changes": changes, "possible": possible,
                       "workers": stack.load.workers.as_ref().map(Workers::count), "task": task_json(stack), "sending": stack.load.sending.to_string(), "keys": keys, "imperfect": imperfect, "steps": steps})
            )
        } else {
            let new = if known { "" } else { " (not created yet; its id will differ)" };
            let costs = cost::per_hour(steps.iter().map(|step| &step.node), clients.place());
            let lines: String = steps.iter().map(|step| line(step, &clients)).collect();
            let (summary, sending) = (summary(&steps), stack.load.sending);
            let workers = stack.load.workers.as_ref().map(workers).unwrap_or_default();
            let imperfect: String = imperfect.iter().map(|flaw| format!("  imperfect: {flaw}\n")).collect();
            format!(
                "{id}{new} on {place}\n\n{lines}\n  {summary}\n  cost: {costs} while it is up\n  \
                 {workers}transport: {sending}\n  keys: {keys}\n{imperfect}"
            )
        })?;
        Ok(if self.detailed_exitcode && changes { Exit::Changes } else { Exit::Fine })
    }
}

/// The line of those that share the load.
fn workers(workers: &Workers) -> String {
    match workers {
        Workers::Processes(count) => format!("workers: {count} on this machine\n  "),
        Workers::Fargate(Fargate { tasks, size, .. }) => {
            let s = if *tasks == 1 { "" } else { "s" };
            format!("workers: {tasks} task{s} of {size} on Fargate while the load runs\n  ")
        }
    }
}

/// What each task has that shares the load.
fn task_json(stack: &spec::Stack) -> Value {
    let fargate = stack.load.workers.as_ref().and_then(Workers::fargate);
    fargate.map_or(Value::Null, |of| json!({"vcpu": of.size.vcpus(), "memory_gb": of.size.memory_gb()}))
}

/// How many documents have each flaw and where they end, such as `malformed 120: in S3's error prefix`.
fn imperfect(stack: &spec::Stack) -> Vec<String> {
    let amounts = stack.load.imperfect.iter().flat_map(|imperfect| &imperfect.amounts);
    let told = amounts.map(|(flaw, amount)| {
        let amount = match amount {
            Amount::Share(share) => format!("{} %", share * 100.0),
            Amount::Count(count) => grouped(*count),
        };
        let ends = match flaw {
            Flaw::Oversize => "refused by the producer".to_owned(),
            _ => deliveries::ends_of(stack, *flaw).join(", "),
        };
        format!("{flaw} {amount}: {ends}")
    });
    told.collect()
}

fn line(step: &Step, clients: &Clients) -> String {
    let why = match &step.action {
        Action::Create => "does not exist".to_owned(),
        Action::Keep => String::new(),
        Action::Adopt => "an earlier `up` started to create it".to_owned(),
        Action::Change(differs) | Action::Replace(differs) => Difference::listed(differs),
        Action::Refuse(why) => why.clone(),
        Action::Orphan => {
            let costs = cost::per_hour([&step.node], clients.place());
            format!("no longer in the stack file; it stays until `demo down` and costs {costs}")
        }
    };
    let colon = if why.is_empty() { "" } else { ": " };
    format!("  {:<7} {}{colon}{why}\n", word(&step.action), label(&step.node, ""))
}

fn word(action: &Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Adopt => "adopt",
        Action::Change(_) => "change",
        Action::Replace(_) => "replace",
        Action::Refuse(_) => "refuse",
        Action::Orphan => "orphan",
        Action::Keep => "keep",
    }
}

/// Counts such as `1 to create, 1 to change, 5 to keep`, and what to do if `up` refuses them.
fn summary(steps: &[Step]) -> String {
    let words = ["create", "adopt", "change", "replace", "refuse", "keep"];
    let count = |of: &str| steps.iter().filter(|step| word(&step.action) == of).count();
    let mut said: Vec<String> =
        words.iter().filter(|of| count(of) > 0).map(|of| format!("{} to {of}", count(of))).collect();
    said.extend(Some(count("orphan")).filter(|n| *n > 0).map(|n| format!("{n} orphaned")));
    let refused = match (count("replace"), count("refuse")) {
        (0, 0) => "",
        (_, 0) => "; `demo up` refuses this: run `demo down` and then `demo up`, or restore the stack file",
        _ => "; `demo up` refuses this: choose other names, or remove the resources in the way yourself",
    };
    format!("{}{refused}", said.join(", "))
}

fn as_json(step: &Step) -> Value {
    let mut object = json!({"kind": step.node.key.kind, "name": step.node.key.name, "detail": step.node.detail,
                            "action": word(&step.action)});
    match &step.action {
        Action::Change(differs) | Action::Replace(differs) => object["why"] = json!(differs),
        Action::Refuse(why) => object["why"] = json!(why),
        Action::Create | Action::Adopt | Action::Keep | Action::Orphan => {}
    }
    object
}
