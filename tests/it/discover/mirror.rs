//! `mirror: true`: the journal lies in the bucket, and another machine goes on from it.

use std::{fs, sync::Arc};

use aws_stand_in::internals::StandIn;
use kinesis_demo::{
    aws::{Clients, Names, mirror::KEY},
    engine::{ApplyError, Cancel, Home, Journal, JournalError, MirrorError},
    pipeline::lifecycle::{self, LifecycleError},
    spec::Stack,
};
use serde_json::json;
use tempfile::TempDir;

use super::lost::blank;
use crate::{
    command::{Demo, text},
    inside::{Fault, Kill, Wire},
    lifecycle::{materials, store_sales},
    matrix::simulated,
    stand_in::Running,
};

/// One stand-in, and the machine that begins.
struct World {
    _folders: [TempDir; 2],
    stand_in: Arc<StandIn>,
    wire: Arc<Wire>,
    clients: Clients,
    home: Home,
    stack: Stack,
}

impl World {
    async fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let stand_in = StandIn::open(folder.path()).expect("opened");
        let wire = Wire::to(stand_in.clone());
        let clients = wire.clients().await;
        let (state, home) = blank();
        let stack = Stack { mirror: true, ..store_sales() };
        Self { _folders: [folder, state], stand_in, wire, clients, home, stack }
    }

    async fn open(&self) -> Journal {
        lifecycle::open(&self.home, &self.stack, json!({}), &self.clients).await.expect("opened")
    }

    async fn up(&self, journal: &Journal) -> Result<(), LifecycleError> {
        let (clients, cancel) = (&self.clients, Cancel::new());
        lifecycle::up(journal, &self.stack, &materials(), clients, &(), &cancel).await.map(drop)
    }

    fn bucket(&self, journal: &Journal) -> String {
        Names::of(&self.stack, journal.id()).bucket.expect("a bucket")
    }

    async fn mirrored(&self, bucket: &str) -> String {
        let object = self.clients.s3.get_object().bucket(bucket).key(KEY).send().await.expect("it lies there");
        String::from_utf8(object.body.collect().await.expect("read").to_vec()).expect("JSON lines")
    }
}

fn taken(result: Result<(), LifecycleError>) {
    let Err(LifecycleError::Apply(ApplyError::Journal(JournalError::Mirror(error)))) = result else {
        panic!("{result:?}")
    };
    assert!(matches!(error, MirrorError::Taken { .. }), "{error}");
}

#[test]
fn another_machine_takes_the_stack_down_and_the_first_sees_it() {
    simulated(async {
        let world = World::new().await;
        let journal = world.open().await;
        let (id, bucket) = (journal.id().clone(), world.bucket(&journal));
        world.up(&journal).await.expect("up");
        let here = fs::read_to_string(world.home.journal(&id)).expect("a journal");
        assert_eq!(world.mirrored(&bucket).await, here, "every line lies there");

        let (_folder, second) = blank();
        let other = Wire::to(world.stand_in.clone()).clients().await;
        let wrong = lifecycle::take_over(&second, "another", &bucket, &other).await.map(drop);
        assert!(wrong.is_err_and(|error| error.to_string().contains(id.as_str())));
        let taking = lifecycle::take_over(&second, "store-sales", &format!("s3://{bucket}"), &other).await;
        let taking = taking.expect("taken over");

        let table = world.stack.deliver.s3.as_ref().and_then(|s3| s3.names(&id).table).expect("one");
        let delete = world.clients.glue.delete_table().database_name(table.database).name(table.table);
        delete.send().await.expect("so that there is something to do");
        taken(world.up(&journal).await);
        let down = lifecycle::down(&taking, &other, &(), &Cancel::new()).await.expect("down");
        assert!(down.is_clean(), "{down:#?}");
        assert!(taking.unreflected().is_none(), "{:?}", taking.unreflected());
        assert_eq!(down.removed.last().map(|(key, _)| key.kind.as_str()), Some("bucket"));

        let down = lifecycle::down(&journal, &world.clients, &(), &Cancel::new()).await.expect("down");
        assert!(down.is_clean(), "the first has nothing left to do: {down:#?}");
    });
}

#[test]
fn a_machine_that_died_anywhere_is_followed_by_another() {
    simulated(async {
        for number in [8, 14, 20, 26, 32, 38, 44] {
            let world = World::new().await;
            let before = world.stand_in.inventory().expect("readable");
            let journal = world.open().await;
            world.wire.kill_at(number, Kill::AfterUnseen);
            let killed = world.wire.live(world.up(&journal)).await.is_none();
            assert!(killed, "killed at call {number}");
            world.wire.revive().await;
            let bucket = world.bucket(&journal);
            let other = Wire::to(world.stand_in.clone()).clients().await;
            let (_folder, second) = blank();
            match lifecycle::take_over(&second, journal.id().as_str(), &bucket, &other).await {
                Ok(taking) => {
                    let down = lifecycle::down(&taking, &other, &(), &Cancel::new()).await.expect("down");
                    assert!(down.is_clean(), "killed at call {number}: {down:#?}");
                    assert!(
                        world.stand_in.inventory().expect("readable").changes_since(&before).is_empty(),
                        "call {number}"
                    );
                }
                // The first line lies there once there is a bucket, and nothing is made before that.
                Err(LifecycleError::Journal(JournalError::Mirror(MirrorError::Empty { .. }))) => {
                    let live: Vec<_> = journal.state().live().map(|one| one.node.key.kind.clone()).collect();
                    assert!(live.is_empty() || live == ["bucket"], "killed at call {number}: {live:?}");
                }
                Err(error) => panic!("killed at call {number}: {error}"),
            }
        }
    });
}

#[test]
fn a_mirror_that_cannot_be_written_stops_up_and_only_warns_down() {
    simulated(async {
        let world = World::new().await;
        let before = world.stand_in.inventory().expect("readable");
        let journal = world.open().await;
        world.wire.faults("s3 PutObject", usize::MAX, Fault::denied("not allowed"));
        let stopped = world.up(&journal).await.expect_err("stopped").to_string();
        assert!(stopped.contains("cannot write the journal to s3://"), "{stopped}");
        let down = lifecycle::down(&journal, &world.clients, &(), &Cancel::new()).await.expect("down");
        assert!(down.is_clean(), "{down:#?}");
        assert!(journal.unreflected().is_some_and(|why| why.to_string().contains("not allowed")));
        assert!(world.stand_in.inventory().expect("readable").changes_since(&before).is_empty());
    });
}

/// Two homes that reach one stand-in by its address, as two machines reach AWS.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_takes_over_what_another_home_has_made() {
    let folder = TempDir::new().expect("a folder");
    let running = Running::over(folder.path()).await;
    let (first, second) = (Demo::new(), Demo::new());
    let run = |demo: &Demo, args: &[&str]| {
        let mut command = demo.command_with(running.stand_in.key(), args);
        let output = command.args(["--endpoint-url", &running.url]).output().expect("demo starts");
        let (out, said) = (text(&output.stdout).trim().to_owned(), text(&output.stderr));
        (output.status.code(), out, said)
    };
    let (code, id, said) = run(&first, &["up", "stacks/stream-only.yaml", "--set", "mirror=true"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, _, said) = run(&second, &["down", &id]);
    assert_eq!(code, Some(1), "{said}");
    let (code, _, said) = run(&second, &["down", "other-00000001", "--mirror", &id]);
    assert!(code == Some(1) && said.contains(&format!("belongs to {id}")), "{said}");
    let (code, _, said) = run(&second, &["down", &id, "--mirror", &format!("s3://{id}")]);
    assert!(code == Some(0) && said.contains("2 removed, nothing left"), "{said}");
    let (code, _, said) = run(&first, &["down", &id]);
    assert!(code == Some(0) && said.contains("nothing left"), "{said}");
    running.stop().await;
}

#[test]
fn the_mirror_stays_until_all_else_is_gone_from_the_bucket() {
    simulated(async {
        let world = World::new().await;
        let journal = world.open().await;
        let bucket = world.bucket(&journal);
        world.up(&journal).await.expect("up");
        let landed = format!("landed/{}-1-2026-11-29-10-00-00-a.gz", journal.id());
        world.stand_in.s3.put(&bucket, &landed, "{}".into()).await.expect("put");
        world.wire.faults("s3 DeleteBucket", usize::MAX, Fault::denied("not allowed"));
        world.wire.faults("s3 DeleteObjects", usize::MAX, Fault::denied("not allowed"));
        let down = lifecycle::down(&journal, &world.clients, &(), &Cancel::new()).await.expect("down");
        assert!(!down.is_clean(), "{down:#?}");
        let here = fs::read_to_string(world.home.journal(journal.id())).expect("a journal");
        assert_eq!(world.mirrored(&bucket).await, here, "writes to it are not denied");
        let put = async |key: &str| world.clients.s3.put_object().bucket(&bucket).key(key).send().await.is_ok();
        assert!(put(".demo/more").await && !put("late").await, "all others are");
        world.wire.heal();
        let down = lifecycle::down(&journal, &world.clients, &(), &Cancel::new()).await.expect("down");
        assert!(down.is_clean(), "{down:#?}");
    });
}
