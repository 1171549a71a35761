//! A stack file: YAML, overlays and single values merged, checked whole, and turned into one type that nobody checks again.
//!
//! ```text
//! text ─ yaml ─▸ marked tree ─ merge ─▸ one tree ─ shape ─▸ its valid part ─ serde_yaml ─▸ StackFile ─ check ─▸ Stack
//! ```
//!
//! Each value keeps the place where it was written, so what `shape` (against the JSON Schema) and `check` (against what
//! AWS takes) find wrong is reported together, all at once, each in the file it came from.

mod action;
mod capacity;
pub(crate) mod check;
mod diagnostic;
pub(crate) mod file;
pub(crate) mod imperfect;
pub(crate) mod load;
mod mean;
pub(crate) mod names;
mod near;
pub(crate) mod objects;
pub(crate) mod partition_key;
mod paths;
#[cfg(test)]
mod properties;
pub(crate) mod quantity;
pub(crate) mod schedule;
mod sending;
mod sets;
mod shape;
mod skew;
pub(crate) mod stack;
pub(crate) mod threshold;
mod threshold_flag;
pub(crate) mod tree;
mod warnings;
mod workers;
mod yaml;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use demo_formats::schema::FieldPath;
use demo_workload::files;

pub use action::{Action, Event, Trouble};
pub use capacity::{ON_DEMAND_SHARDS, SHARD_BYTES, SHARD_RECORDS, shards};
pub use diagnostic::{Diagnostic, Excerpt, Location, SpecErrors};
pub use file::json_schema;
pub use imperfect::{Amount, End, FLAWS, Flaw, Imperfect};
pub use load::{Broken, Load, MEAN_DOCUMENT_BYTES, Workload};
pub use names::Name;
pub use objects::{Buffer, Compression, Format};
pub use partition_key::{HotShare, PartitionKey, ZipfKeys};
pub use schedule::{Length, Rate, Replay, Schedule, Shape, Stage, Stages, Timetable, Wave};
pub use sending::{Aggregation, Sending, Transport};
pub use skew::Skew;
pub use stack::{Budget, Stack, Stream, StreamMode, Target, Thresholds};
pub use threshold::{METRICS, Metric, Side, Threshold, Unit, metric};
use tree::{Found, Node, Source};
pub use workers::{BUSY, Fargate, TaskSize, Workers};

/// A stack file or an overlay has some thousand bytes, and the template that may be written in it.
const MOST_OF_A_FILE: u64 = 1 << 20;

/// Returns the path of a key in a stack file, such as `stream.shards` of `shards`; `None` if there is no such key.
pub fn path_of(key: &str) -> Option<String> {
    paths::path_of(key, &json_schema())
}

/// Reads quantities that a command line has.
pub mod quantities {
    use std::time::Duration;

    use super::quantity::{self, Refusal};

    /// Records a second, more than 0.
    ///
    /// # Errors
    /// What is wrong with it, and what was likely meant.
    pub fn open_rate(text: &str) -> Result<f64, String> {
        quantity::open_rate(text).map_err(said)
    }

    /// A part of the documents, more than 0 and at most 1.
    ///
    /// # Errors
    /// What is wrong with it, and what was likely meant.
    pub fn share(text: &str) -> Result<f64, String> {
        quantity::share(text).map_err(said)
    }

    /// US dollars, such as `$5`.
    ///
    /// # Errors
    /// What is wrong with it, and what was likely meant.
    pub fn dollars(text: &str) -> Result<f64, String> {
        quantity::dollars(text).map_err(said)
    }

    /// A time.
    ///
    /// # Errors
    /// What is wrong with it, and what was likely meant.
    pub fn time(text: &str) -> Result<Duration, String> {
        quantity::time(text, "s").map_err(said)
    }

    pub(super) fn said(refusal: Refusal) -> String {
        match refusal.suggestion {
            Some(meant) => format!("{}; did you mean `{meant}`?", refusal.problem),
            None => format!("{}; expected {}", refusal.problem, refusal.expected),
        }
    }
}

/// Checks the name of a stack that a command line has.
///
/// # Errors
/// What is wrong with it, and what was likely meant.
pub fn stack_name(text: &str) -> Result<String, String> {
    names::STACK.exact(text).map_err(quantities::said)
}

/// Checks the name of a region that a command line has.
///
/// # Errors
/// What is wrong with it, and which one was likely meant.
pub fn region(text: &str) -> Result<String, String> {
    names::region(text).map_err(quantities::said)
}

/// What a spec comes to.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What the spec says.
    pub stack: Stack,
    /// The spec with its overlays merged, `shards: auto` resolved, a template's text in place of its file, and the path of
    /// JSON lines whole: what to record, for `from_value` to read again.
    pub merged: serde_json::Value,
    /// What is allowed but likely to disappoint.
    pub warnings: Vec<Diagnostic>,
}

/// Reads `file`, lays `overlays` (`-c`) and then `sets` (`--set`, as `key.key=value`) over it, and checks the whole.
///
/// Maps merge key by key; all else replaces what was there; `null` in an overlay takes a key away.
///
/// # Errors
/// Everything that is wrong, each with its place. Nothing is written or called.
pub fn read(file: &Path, overlays: &[PathBuf], sets: &[String]) -> Result<Checked, SpecErrors> {
    read_with(file, overlays, sets, &[])
}

/// [`read`], with `thresholds` (`--threshold`, as `NAME < LIMIT`) laid over the rest.
///
/// # Errors
/// As [`read`].
pub fn read_with(
    file: &Path,
    overlays: &[PathBuf],
    sets: &[String],
    thresholds: &[String],
) -> Result<Checked, SpecErrors> {
    let mut trees = Vec::new();
    let mut unreadable = Vec::new();
    let mut found = Vec::new();
    let files = std::iter::once(file).chain(overlays.iter().map(PathBuf::as_path));
    for (order, path) in files.enumerate() {
        match source_of(order, path) {
            Ok(source) => trees.push(yaml::parse_file(&source, &mut found)),
            Err(diagnostic) => unreadable.push(*diagnostic),
        }
    }
    for (position, set) in sets.iter().enumerate() {
        let (order, text) = (1 + overlays.len() + position, set.clone());
        let name = format!("--set {}", diagnostic::shortened(set));
        let source = Source { order, name, text, folder: Some(PathBuf::new()) };
        trees.push(sets::parse(&Arc::new(source), &mut found));
    }
    for (position, threshold) in thresholds.iter().enumerate() {
        let (order, text) = (1 + overlays.len() + sets.len() + position, threshold.clone());
        let name = format!("--threshold {}", diagnostic::shortened(threshold));
        let source = Source { order, name, text, folder: Some(PathBuf::new()) };
        trees.push(threshold_flag::parse(&Arc::new(source), &mut found));
    }
    let merge = |mut under: Node, over: Node| {
        under.merge(over);
        under
    };
    let whole = trees.into_iter().collect::<Option<Vec<_>>>().and_then(|trees| trees.into_iter().reduce(merge));
    match whole {
        Some(root) if unreadable.is_empty() => checked(&root, found),
        _ => {
            unreadable.extend(tree::in_order(found));
            Err(SpecErrors(unreadable))
        }
    }
}

/// The stack that was recorded as `Checked::merged`.
///
/// # Errors
/// Everything that this version of the program would not make of it.
pub fn from_value(merged: &serde_json::Value) -> Result<Stack, SpecErrors> {
    let source = Source { order: 0, name: "the recorded spec".to_owned(), text: String::new(), folder: None };
    checked(&Node::from_json(&Arc::new(source), merged), Vec::new()).map(|checked| checked.stack)
}

fn source_of(order: usize, path: &Path) -> Result<Arc<Source>, Box<Diagnostic>> {
    let name = path.display().to_string();
    let folder = path.parent().map(Path::to_owned);
    let (problem, expected) = match files::read_text(path, MOST_OF_A_FILE) {
        Ok(text) => return Ok(Arc::new(Source { order, name, text, folder })),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => (error.to_string(), "a YAML file"),
        Err(error) => {
            (format!("cannot be read: {error}"), "a stack such as `stacks/store-sales-s3.yaml`, or an overlay")
        }
    };
    Err(Box::new(Diagnostic::of_file(name, problem).expected(expected)))
}

/// Goes on from what the parsers found.
fn checked(root: &Node, mut found: Vec<Found>) -> Result<Checked, SpecErrors> {
    let (valid, misshapen) = shape::valid_part(root, &json_schema());
    found.extend(misshapen);
    let file = serde_yaml::to_value(&valid).and_then(serde_yaml::from_value::<file::StackFile>);
    let file = file.map_err(|error| {
        // The schema admitted what the types did not: only a defect of ours comes here.
        SpecErrors(vec![root.span.problem("", format!("not a stack: {error}")).diagnostic])
    })?;
    let (stack, more) = check::stack(root, file);
    found.extend(more);
    match stack {
        Some(stack) if found.is_empty() => {
            let warnings = tree::in_order(warnings::of(&stack, root));
            Ok(Checked { merged: merged(root, &stack), stack, warnings })
        }
        _ => Err(SpecErrors(tree::in_order(found))),
    }
}

/// With what the stack was found to be where the spec alone does not say it for good: the record changes neither with
/// the program nor with the folder, and needs no file but JSON lines.
fn merged(root: &Node, stack: &Stack) -> serde_json::Value {
    let mut merged = root.to_json();
    if let StreamMode::Provisioned { shards } = stack.stream.mode {
        merged["stream"]["shards"] = shards.into();
    }
    match &stack.load.workload {
        Workload::StoreSales { .. } => {}
        Workload::JsonLines { file, .. } => {
            merged["load"]["workload"]["json_lines"]["file"] = file.display().to_string().into();
        }
        Workload::Template { text, .. } => {
            with_text(&mut merged["load"]["workload"]["template"], text);
        }
        Workload::Mix { kinds, .. } => {
            for (position, kind) in kinds.iter().enumerate() {
                with_text(&mut merged["load"]["workload"]["mix"]["kinds"][position], &kind.template);
            }
        }
    }
    if let Some(fargate) = stack.load.workers.as_ref().and_then(Workers::fargate) {
        merged["load"]["workers"]["fargate"]["tasks"] = fargate.tasks.into();
    }
    merged
}

/// A template's text in place of its file.
fn with_text(template: &mut serde_json::Value, text: &str) {
    let template = template.as_object_mut().expect("a template is a map");
    template.remove("file");
    template.insert("text".to_owned(), text.into());
}
