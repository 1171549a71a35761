//! `up` and `down` against a cloud in memory: killed anywhere, refused, failing, side by side.

use std::{fs, sync::Arc, sync::atomic::Ordering};

use tempfile::TempDir;

use super::{
    fake::{Cloud, Fake, Kill, key, resized, thing},
    *,
};

const ID: &str = "pipe-0a1b2c3d";

/// A state folder and a cloud, which outlive the processes of a test.
struct World {
    _folder: TempDir,
    home: Home,
    cloud: Arc<Cloud>,
    id: StackId,
}

async fn surveyed_up(
    graph: &Graph,
    providers: &Providers,
    journal: &Journal,
    cancel: &Cancel,
) -> Result<Applied, ApplyError> {
    let survey = cancel.unless_raised(Survey::of(graph, providers)).await?;
    apply::up(&survey, providers, journal, &(), cancel).await
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::at(folder.path()).expect("a home");
        Self { _folder: folder, home, cloud: Arc::default(), id: ID.parse().expect("an id") }
    }

    /// A diamond and a single: d on b and c, both on a; e alone.
    fn graph(&self) -> Graph {
        let thing = |name, on: &[&str]| thing(&self.id, name, on);
        let nodes =
            vec![thing("d", &["b", "c"]), thing("b", &["a"]), thing("c", &["a"]), thing("a", &[]), thing("e", &[])];
        Graph::new(nodes).expect("a graph")
    }

    fn journal(&self) -> Journal {
        let journal = Journal::open(&self.home, &self.id).expect("a journal");
        if journal.state().opened().is_some() {
            return journal;
        }
        drop(journal);
        let fingerprint = Fingerprint { account: "1".into(), region: "r".into(), endpoint: None };
        Journal::create(&self.home, &self.id, fingerprint, serde_json::Value::Null).expect("a journal")
    }

    /// The same, with other sizes and shapes of these things.
    fn graph_with(&self, changed: &[(&str, u64, u64)]) -> Graph {
        let change = |node: &Node| {
            let to = changed.iter().find(|(name, ..)| *name == node.key.name);
            to.map_or_else(|| node.clone(), |&(_, size, shape)| resized(node, size, shape))
        };
        Graph::new(self.graph().nodes().iter().map(change).collect()).expect("a graph")
    }

    async fn up(&self) -> Result<Applied, ApplyError> {
        self.up_to(&self.graph()).await
    }

    async fn up_to(&self, graph: &Graph) -> Result<Applied, ApplyError> {
        let fake = Fake::new(&self.cloud, None);
        surveyed_up(graph, &fake.providers(), &self.journal(), &Cancel::new()).await
    }

    async fn down(&self) -> Down {
        let fake = Fake::new(&self.cloud, None);
        destroy::down(&fake.providers(), &self.journal(), ForeignContents::Keep, &(), &Cancel::new())
            .await
            .expect("a journal")
    }

    /// Whether the process lived to the end of `up`.
    async fn up_killed(&self, kill: Kill) -> bool {
        self.up_to_killed(&self.graph(), kill).await
    }

    async fn up_to_killed(&self, graph: &Graph, kill: Kill) -> bool {
        let (fake, journal, cancel) = (Fake::new(&self.cloud, Some(kill)), self.journal(), Cancel::new());
        let providers = fake.providers();
        tokio::select! {
            biased;
            () = fake.dead.notified() => false,
            up = surveyed_up(graph, &providers, &journal, &cancel) => {
                up.expect("up");
                true
            }
        }
    }

    async fn down_killed(&self, kill: Kill) -> bool {
        let (fake, journal, cancel) = (Fake::new(&self.cloud, Some(kill)), self.journal(), Cancel::new());
        let providers = fake.providers();
        tokio::select! {
            biased;
            () = fake.dead.notified() => false,
            down = destroy::down(&providers, &journal, ForeignContents::Keep, &(), &cancel) => {
                assert!(down.expect("a journal").is_clean());
                true
            }
        }
    }

    fn ours(&self) -> Vec<String> {
        self.cloud.owned_by(ID)
    }

    async fn assert_gone_for_good(&self) {
        let down = self.down().await;
        assert!(down.is_clean(), "{down:?}");
        assert_eq!(self.ours(), [""; 0]);
        let again = self.down().await;
        assert!(again.is_clean() && again.removed.is_empty(), "{again:?}");
        assert!(self.journal().state().is_closed());
    }
}

#[tokio::test]
async fn up_makes_all_in_order_and_keeps_all_the_second_time() {
    let world = World::new();
    let first = world.up().await.expect("up");
    assert!(first.resources.iter().all(|(_, outcome)| *outcome == Outcome::Created), "{first:?}");
    let log = world.cloud.log();
    let at = |what: &str| log.iter().position(|line| line == what).expect("it happened");
    assert!(at("create a") < at("create b") && at("create b") < at("create d") && at("create c") < at("create d"));
    let second = world.up().await.expect("up again");
    assert!(second.resources.iter().all(|(_, outcome)| *outcome == Outcome::Kept), "{second:?}");
    assert_eq!(world.cloud.log().len(), 5, "nothing was made twice");
    world.assert_gone_for_good().await;
    let log = world.cloud.log();
    let at = |what: &str| log.iter().position(|line| line == what).expect("it happened");
    assert!(at("delete d") < at("delete b") && at("delete b") < at("delete a") && at("delete c") < at("delete a"));
}

#[tokio::test]
async fn what_is_independent_is_made_side_by_side() {
    let world = World::new();
    world.up().await.expect("up");
    assert_eq!(world.cloud.most_at_once.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_up_killed_at_any_call_goes_on_or_goes_down() {
    let mut points = 0;
    for number in 0.. {
        let mut survived = false;
        for kill in [Kill::Before(number), Kill::After(number)] {
            for up_again in [true, false] {
                let world = World::new();
                world.cloud.put_foreign("f");
                survived = world.up_killed(kill).await;
                if up_again {
                    world.up().await.unwrap_or_else(|error| panic!("{kill:?}: {error}"));
                    assert_eq!(world.ours(), ["a", "b", "c", "d", "e"], "{kill:?}");
                }
                world.assert_gone_for_good().await;
                assert_eq!(world.cloud.owned_by("someone"), ["f"]);
                points += 1;
            }
        }
        if survived {
            break;
        }
    }
    assert!(points > 4 * 15, "three calls a resource, each a point: {points}");
}

#[tokio::test]
async fn what_is_wanted_otherwise_is_changed_in_place_and_then_kept() {
    let world = World::new();
    world.up().await.expect("up");
    let larger = world.graph_with(&[("b", 7, 1)]);
    let fake = Fake::new(&world.cloud, None);
    let planned = Survey::of(&larger, &fake.providers()).await.plan(&world.journal().state()).expect("a plan");
    let changes: Vec<_> = planned.iter().filter(|step| step.action.is_change()).collect();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].action, Action::Change(vec![Difference::in_place("size", 1, 7)]));
    let outcomes = |applied: Applied| applied.resources.into_iter().map(|(key, outcome)| (key.name, outcome));
    let changed = outcomes(world.up_to(&larger).await.expect("changed")).filter(|(_, how)| *how != Outcome::Kept);
    assert_eq!(changed.collect::<Vec<_>>(), [("b".to_owned(), Outcome::Changed)]);
    assert_eq!(world.cloud.size_of("b"), 7);
    assert!(outcomes(world.up_to(&larger).await.expect("kept")).all(|(_, how)| how == Outcome::Kept));
    let known = world.journal().state().resource(&key("b")).map(|known| known.node.clone());
    assert_eq!(
        known.as_ref(),
        larger.nodes().iter().find(|node| node.key == key("b")),
        "the journal knows the new one"
    );
    world.assert_gone_for_good().await;
}

#[tokio::test]
async fn what_would_be_made_anew_is_refused_before_anything_is_changed() {
    let world = World::new();
    world.up().await.expect("up");
    let (log, other) = (world.cloud.log(), world.graph_with(&[("a", 7, 1), ("b", 7, 2), ("d", 1, 2)]));
    let error = world.up_to(&other).await.expect_err("a refusal");
    assert!(matches!(&error, ApplyError::Refused(refused) if refused.len() == 2), "{error}");
    let text = error.to_string();
    assert!(text.contains("thing b") && text.contains("thing d"), "each is named: {text}");
    assert!(text.contains("shape: 1, expected 2") && !text.contains("size:"), "only what is in the way: {text}");
    assert_eq!(world.cloud.log(), log, "nothing was done");
}

#[tokio::test]
async fn a_change_killed_at_any_call_goes_on() {
    for number in 0.. {
        let mut survived = false;
        for kill in [Kill::Before(number), Kill::After(number)] {
            let world = World::new();
            world.up().await.expect("up");
            let larger = world.graph_with(&[("b", 7, 1), ("e", 9, 1)]);
            survived = world.up_to_killed(&larger, kill).await;
            world.up_to(&larger).await.expect("changed");
            assert_eq!((world.cloud.size_of("b"), world.cloud.size_of("e")), (7, 9));
            assert!(world.journal().state().live().all(|resource| resource.phase == Phase::Ready));
            world.assert_gone_for_good().await;
        }
        if survived {
            assert!(number > 5, "a read of each resource, and the changes: {number}");
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_nobody_answered_is_tried_again() {
    let world = World::new();
    world.cloud.unreached_creates.lock().expect("no panic").extend(["a".to_owned(), "e".to_owned()]);
    let applied = world.up().await.expect("up");
    assert!(applied.resources.iter().all(|(_, outcome)| *outcome == Outcome::Created));
}

#[tokio::test]
async fn a_down_killed_at_any_call_goes_on() {
    for number in 0.. {
        let mut survived = false;
        for kill in [Kill::Before(number), Kill::After(number)] {
            let world = World::new();
            world.up().await.expect("up");
            survived = world.down_killed(kill).await;
            world.assert_gone_for_good().await;
        }
        if survived {
            assert!(number > 10, "two calls a resource: {number}");
            break;
        }
    }
}

#[tokio::test]
async fn a_journal_that_lost_its_tail_finds_everything_again() {
    let world = World::new();
    world.up().await.expect("up");
    let path = world.home.journal(&world.id);
    let whole = fs::read(&path).expect("a journal");
    let lines = whole.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(lines, 2 + 3 * 5);
    for cut in (1..whole.len()).step_by(7) {
        fs::write(&path, &whole[..cut]).expect("a shorter journal");
        let applied = world.up().await.unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
        assert!(applied.resources.iter().all(|(_, outcome)| *outcome != Outcome::Created), "cut at {cut}");
        let state = world.journal().state();
        assert!(state.live().count() == 5 && state.live().all(|resource| resource.phase == Phase::Ready));
    }
    assert_eq!(world.cloud.log().len(), 5, "nothing was made twice");
    world.assert_gone_for_good().await;
}

#[tokio::test]
async fn what_is_someone_elses_is_refused_and_never_touched() {
    let world = World::new();
    world.cloud.put_foreign("b");
    let error = world.up().await.expect_err("a refusal").to_string();
    assert!(error.contains("thing b") && error.contains("does not belong to this stack: someone"), "{error}");
    assert_eq!(world.journal().state().resources(), [], "nothing was intended");
    world.assert_gone_for_good().await;
    assert_eq!(world.cloud.owned_by("someone"), ["b"]);
}

#[tokio::test]
async fn what_lost_our_mark_is_left_and_said() {
    let world = World::new();
    world.up().await.expect("up");
    world.cloud.put_foreign("d");
    let down = world.down().await;
    assert!(!down.is_clean());
    assert_eq!(down.failed.iter().map(|(key, _)| key.name.as_str()).collect::<Vec<_>>(), ["d"]);
    assert_eq!(world.cloud.owned_by("someone"), ["d"]);
    assert!(!world.journal().state().is_closed());
}

#[tokio::test]
async fn a_failed_create_stops_new_ones_and_the_next_up_goes_on() {
    let world = World::new();
    world.cloud.failing_creates.lock().expect("no panic").insert("a".to_owned());
    let error = world.up().await.expect_err("a failure");
    assert!(matches!(&error, ApplyError::Failed(failed) if failed.len() == 1 && failed[0].0 == key("a")), "{error}");
    assert_eq!(world.ours(), ["e"]);
    world.up().await.expect("up again");
    assert_eq!(world.ours().len(), 5);
}

#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    let world = World::new();
    world.cloud.lost_answers.lock().expect("no panic").extend(["a".to_owned(), "d".to_owned()]);
    let applied = world.up().await.expect("up");
    assert_eq!(applied.resources.len(), 5);
    world.assert_gone_for_good().await;
}

#[tokio::test]
async fn what_was_deleted_by_hand_is_made_again() {
    let world = World::new();
    world.up().await.expect("up");
    world.cloud.remove("c");
    let applied = world.up().await.expect("up again");
    let created = applied.resources.iter().filter(|(_, outcome)| *outcome == Outcome::Created);
    assert_eq!(created.map(|(key, _)| key.name.as_str()).collect::<Vec<_>>(), ["c"]);
    world.cloud.remove("e");
    world.assert_gone_for_good().await;
}

#[tokio::test]
async fn a_failing_delete_does_not_stop_the_others_and_is_left_over() {
    let world = World::new();
    world.up().await.expect("up");
    world.cloud.failing_deletes.lock().expect("no panic").insert("d".to_owned());
    let down = world.down().await;
    assert!(!down.is_clean());
    assert_eq!(down.failed.len(), 1);
    assert_eq!(world.ours(), ["d"]);
    assert_eq!(down.leftovers.iter().map(|left| left.command.as_str()).collect::<Vec<_>>(), ["rm d"]);
    let error = world.up().await.expect_err("half down");
    assert!(matches!(error, ApplyError::GoingDown(_)), "{error}");
    world.cloud.failing_deletes.lock().expect("no panic").clear();
    world.assert_gone_for_good().await;
}

#[tokio::test]
async fn a_raised_flag_starts_nothing_new() {
    let world = World::new();
    let (cancel, fake) = (Cancel::new(), Fake::new(&world.cloud, None));
    cancel.raise();
    let up = surveyed_up(&world.graph(), &fake.providers(), &world.journal(), &cancel).await;
    assert!(matches!(up, Err(ApplyError::Interrupted)));
    assert_eq!(fake.calls(), 0);
    world.up().await.expect("up");
    let down = destroy::down(&fake.providers(), &world.journal(), ForeignContents::Keep, &(), &cancel)
        .await
        .expect("a journal");
    assert!(down.interrupted && !down.is_clean() && down.leftovers.len() == 5);
    assert_eq!(world.ours().len(), 5);
}

#[tokio::test]
async fn a_plan_says_what_up_would_do() {
    let world = World::new();
    world.cloud.put_foreign("e");
    let fake = Fake::new(&world.cloud, None);
    let plan = Survey::of(&world.graph(), &fake.providers()).await.plan(&State::default()).expect("a plan");
    let actions: Vec<_> = plan.iter().map(|step| (step.node.key.name.as_str(), step.action.clone())).collect();
    let refuse = Action::Refuse("someone".to_owned());
    let create = Action::Create;
    let wanted = [("a", create.clone()), ("e", refuse), ("b", create.clone()), ("c", create.clone()), ("d", create)];
    assert_eq!(actions, wanted);
    assert_eq!(world.cloud.log(), [""; 0]);
}
