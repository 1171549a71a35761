//! A stack file that was changed: what `plan` says of it, what `up` then does in place, and what it refuses.

mod crash;
mod in_place;
mod refused;

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use aws_stand_in::internals::StandIn;
use kinesis_demo::{
    aws::packaging::Package,
    engine::{Action, Cancel, Home, Outcome, StackId, State},
    pipeline::{
        Materials,
        lifecycle::{self, LifecycleError},
    },
    spec::{self, Stack},
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    inside::Wire,
    matrix::{in_memory, schema_of},
};

/// A stand-in, a state folder, and one of the stacks that ship, with something laid over it from time to time.
struct Bench {
    folder: TempDir,
    stand_in: Arc<StandIn>,
    wire: Arc<Wire>,
    file: PathBuf,
}

/// What `up` would do about each resource, by its kind.
type Planned = BTreeMap<String, Action>;

impl Bench {
    fn of(stack: &str) -> Self {
        let folder = in_memory();
        let stand_in = StandIn::open(&folder.path().join("local")).expect("opened");
        let wire = Wire::to(stand_in.clone());
        let bench = Self { folder, stand_in, wire, file: format!("stacks/{stack}.yaml").into() };
        bench.write_code(b"");
        bench
    }

    fn stack(&self, sets: &[&str]) -> Stack {
        let sets: Vec<String> = ["stream.shards=1"].iter().chain(sets).map(|&set| set.to_owned()).collect();
        spec::read(&self.file, &[], &sets).unwrap_or_else(|errors| panic!("{sets:?}: {errors}")).stack
    }

    fn home(&self) -> Home {
        Home::at(self.folder.path().join("home")).expect("a home")
    }

    fn state(&self, stack: &Stack) -> State {
        self.home().find(&stack.name).unwrap_or_default()
    }

    /// The function's code: the header of an executable, and something more.
    fn write_code(&self, more: &[u8]) {
        let mut header = vec![0; 64];
        header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        (header[16], header[18], header[20], header[52]) = (3, 62, 1, 64);
        fs::write(self.code(), [&header, more].concat()).expect("written");
    }

    fn code(&self) -> PathBuf {
        self.folder.path().join("function")
    }

    async fn up(&self, sets: &[&str]) -> Result<BTreeMap<String, Outcome>, LifecycleError> {
        let (stack, clients) = (self.stack(sets), self.wire.clients().await);
        let (schema, package) = (schema_of(&stack), Package::find(Some(&self.code())).expect("a package"));
        let materials = Materials { schema: &schema, function: Some(&package), worker: Some(package.architecture) };
        let journal = lifecycle::open(&self.home(), &stack, json!({}), &clients).await?;
        let applied = lifecycle::up(&journal, &stack, &materials, &clients, &(), &Cancel::new()).await?;
        Ok(applied.resources.into_iter().map(|(key, outcome)| (short(&key.kind, &key.name), outcome)).collect())
    }

    async fn plan(&self, sets: &[&str]) -> Planned {
        let (stack, clients) = (self.stack(sets), self.wire.clients().await);
        let (schema, package) = (schema_of(&stack), Package::find(Some(&self.code())).expect("a package"));
        let materials = Materials { schema: &schema, function: Some(&package), worker: Some(package.architecture) };
        let state = self.state(&stack);
        let id: StackId = state.id().cloned().expect("a stack that is known");
        let steps = lifecycle::plan(&stack, &id, &state, &materials, &clients).await.expect("a plan");
        steps.into_iter().map(|step| (short(&step.node.key.kind, &step.node.key.name), step.action)).collect()
    }

    /// Puts an object where a delivery would have put one.
    async fn land(&self, bucket: &str, key: &str) {
        self.stand_in.s3.put(bucket, key, "{}\n".into()).await.expect("put");
    }

    /// The digits at the end of the stack's names.
    fn suffix(&self) -> String {
        let state = self.state(&self.stack(&[]));
        state.id().expect("a stack that is known").suffix().to_owned()
    }

    async fn made(&self, sets: &[&str]) {
        let made = self.up(sets).await.expect("up");
        assert!(made.values().all(|outcome| *outcome == Outcome::Created), "{made:#?}");
    }

    /// Nothing is to be done, and nothing is done.
    async fn is_settled(&self, sets: &[&str]) {
        let planned = self.plan(sets).await;
        assert!(planned.values().all(|action| *action == Action::Keep), "{planned:#?}");
        self.wire.forget();
        let kept = self.up(sets).await.expect("up");
        assert!(kept.values().all(|outcome| *outcome == Outcome::Kept), "{kept:#?}");
        assert_eq!(self.wire.changes(), Vec::<String>::new());
    }

    /// From one stack file to another: `plan` says exactly `expected`, and `up` does it.
    async fn changes(&self, from: &[&str], to: &[&str], expected: &[&str]) {
        self.made(from).await;
        self.changes_to(to, expected).await;
    }

    /// [`Bench::changes`] of a stack that is up.
    async fn changes_to(&self, to: &[&str], expected: &[&str]) {
        let planned = self.plan(to).await;
        assert_eq!(said(&planned), expected);
        let done = self.up(to).await.expect("up");
        for (kind, outcome) in &done {
            let expected = if planned[kind] == Action::Keep { Outcome::Kept } else { Outcome::Changed };
            assert_eq!(*outcome, expected, "{kind}");
        }
        self.is_settled(to).await;
    }

    async fn is_taken_down(&self, sets: &[&str]) {
        let (stack, clients) = (self.stack(sets), self.wire.clients().await);
        let journal = lifecycle::open(&self.home(), &stack, json!({}), &clients).await.expect("opened");
        let down = lifecycle::down(&journal, &clients, &(), &Cancel::new()).await.expect("down");
        assert!(down.is_clean(), "{down:#?}");
    }

    /// What `up` says of a stack file that it refuses; nothing was called that changes anything.
    async fn refusal(&self, sets: &[&str]) -> String {
        self.wire.forget();
        let before = self.stand_in.inventory().expect("readable");
        let error = self.up(sets).await.expect_err("it is refused");
        assert_eq!(self.wire.changes(), Vec::<String>::new());
        assert_eq!(self.stand_in.inventory().expect("readable").changes_since(&before), [""; 0]);
        error.to_string()
    }
}

/// Every change of a plan, as `kind: sentence`.
fn said(planned: &Planned) -> Vec<String> {
    let sentences = |(kind, action): (&String, &Action)| -> Vec<String> {
        match action {
            Action::Keep => Vec::new(),
            Action::Change(differs) => differs.iter().map(|differs| format!("{kind}: {differs}")).collect(),
            other => panic!("{kind}: {other:?}"),
        }
    };
    planned.iter().flat_map(sentences).collect()
}

/// Of what a stack has several of, each goes by its end too.
fn short(kind: &str, name: &str) -> String {
    match name.rsplit(['.', '-']).next() {
        Some("demo_loads") => "loads".to_owned(),
        Some(end) if kind == "role" => format!("role {end}"),
        Some("redshift") if kind == "delivery" => "delivery redshift".to_owned(),
        _ => kind.to_owned(),
    }
}
