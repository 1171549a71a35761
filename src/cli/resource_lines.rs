//! Shows how resources are created and removed.

use super::screen::{Screen, Steps};
use crate::engine::{Applied, Doing, Event, Node, Outcome};

/// Shows the engine's events on a screen.
pub struct ResourceLines {
    steps: Steps,
}

impl ResourceLines {
    /// Shows events on this screen.
    pub fn on(screen: &Screen) -> Self {
        Self { steps: screen.steps() }
    }

    /// Shows an event.
    pub fn show(&self, event: Event<'_>) {
        match event {
            Event::Started { node, doing } => self.steps.start(&key(node), &label(node, verb(doing))),
            Event::Waiting { node, what, .. } => self.steps.wait(&key(node), what),
            Event::Done { node, outcome, took } => self.steps.done(&key(node), &label(node, past_tense(outcome)), took),
            Event::Failed { node, why } => self.steps.failed(&key(node), &label(node, ""), why),
        }
    }
}

fn key(node: &Node) -> String {
    node.key.to_string()
}

/// Kind, name and detail in columns.
pub fn label(node: &Node, note: &str) -> String {
    let text = format!("{:<18} {:<40} {} {note}", node.key.kind, node.key.name, node.detail);
    text.trim_end().to_owned()
}

fn verb(doing: Doing) -> &'static str {
    match doing {
        Doing::Creating => "",
        Doing::Deleting => "(removing)",
    }
}

fn past_tense(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "",
        Outcome::Adopted => "(adopted)",
        Outcome::Kept => "(kept)",
        Outcome::Changed => "(changed)",
        Outcome::Deleted => "(removed)",
        Outcome::AlreadyGone => "(was gone)",
    }
}

/// What an `up` found and changed, if it was not the first.
pub fn summary(applied: &Applied) -> String {
    let count = |of: Outcome| applied.resources.iter().filter(|(_, outcome)| *outcome == of).count();
    let words = [
        (Outcome::Created, "made"),
        (Outcome::Changed, "changed"),
        (Outcome::Adopted, "adopted"),
        (Outcome::Kept, "kept"),
    ];
    let counts: Vec<String> = words
        .iter()
        .map(|(of, word)| (count(*of), word))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    if count(Outcome::Created) == applied.resources.len() { String::new() } else { format!(": {}", counts.join(", ")) }
}
