//! The worker that a task runs: its program in a bare root, with a coordinator that it meets in a bucket.

use std::{
    fs::{self, File},
    io,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_kinesis::types::ShardIteratorType;
use aws_stand_in::AccessKey;
use kinesis_demo::{
    aws::{Clients, Names},
    engine::{Cancel, StackId},
    fleet::{Coordinator, FleetEvent, InBucket, Launcher, Rendezvous, RunPlan, Running as Worker, Seat, Task},
    load, spec,
};
use rustix::process::{Pid, Signal, getuid, kill_process};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    command::{PATIENCE, text},
    stand_in::Running,
};

const BUCKET: &str = "shop-0a1b2c3d";
const DOCUMENTS: u64 = 3_000;
/// Most of it is code at the compiler's levels 0 and 1, as the one profile has it.
const MOST_BYTES: u64 = 26_000_000;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_demo-worker"))
}

/// A root folder with the worker and the certificates of authorities, and nothing else.
struct BareRoot(tempfile::TempDir);

impl BareRoot {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let certificates = root.path().join("etc/ssl/certs");
        fs::create_dir_all(&certificates).expect("created");
        fs::write(certificates.join("ca-certificates.crt"), certificate()).expect("written");
        fs::copy(program(), root.path().join("demo-worker")).expect("copied");
        // As another user it enters by a user namespace of its own.
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("permitted");
        Self(root)
    }

    /// Only root may change its root, but anybody may be root in a namespace of his own.
    fn command(&self) -> Command {
        let mut command = Command::new(if getuid().is_root() { "chroot" } else { "unshare" });
        if !getuid().is_root() {
            command.args(["--map-root-user", "chroot"]);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.arg(self.0.path()).arg("/demo-worker").env_clear().env("PATH", path);
        command
    }
}

fn certificate() -> String {
    rcgen::generate_simple_self_signed(["authority".to_owned()]).expect("a certificate").cert.pem()
}

/// Starts workers in bare roots.
struct BareRoots {
    root: BareRoot,
    key: AccessKey,
    task: Task,
    output: PathBuf,
    pids: Arc<Mutex<Vec<(Seat, Pid)>>>,
}

impl Launcher for BareRoots {
    fn launch(&self, seat: Seat) -> io::Result<Box<dyn Worker>> {
        let mut command = self.root.command();
        command.envs(Task { seat, ..self.task.clone() }.variables());
        command.envs([("AWS_ACCESS_KEY_ID", &self.key.id), ("AWS_SECRET_ACCESS_KEY", &self.key.secret)]);
        let said = self.output.join(seat.to_string().replace('/', "-"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said)?).spawn()?;
        self.pids.lock().expect("a test that failed").push((seat, Pid::from_child(&child)));
        Ok(Box::new(Process(child, said)))
    }
}

struct Process(Child, PathBuf);

impl Worker for Process {
    fn ended(&mut self) -> Option<String> {
        let status = self.0.try_wait().expect("waited for")?;
        let how = status.signal().map_or(format!("{status}"), |signal| format!("signal {signal}"));
        Some(format!("{how}: {}", fs::read_to_string(&self.1).expect("its words")))
    }

    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

#[tokio::test]
async fn workers_in_bare_roots_share_a_load_and_another_finishes_the_part_of_one_that_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let clients = Clients::connect(running.place()).await;
    let load = json!({"rate": "600/s", "records": DOCUMENTS, "transport": "cbor"});
    let spec = json!({"name": "shop", "stream": {"shards": 8}, "load": load});
    let stack = spec::from_value(&spec).expect("a stack");
    let id: StackId = "shop-0a1b2c3d".parse().expect("an id");
    let stream = Names::of(&stack, &id).stream;
    clients.s3.create_bucket().bucket(BUCKET).send().await.expect("created");
    clients.kinesis.create_stream().stream_name(&stream).shard_count(8).send().await.expect("created");
    active(&clients, &stream).await;

    let place = Arc::new(InBucket::new(&clients.s3, BUCKET, "friday"));
    let plan = RunPlan {
        spec,
        stack: id.to_string(),
        run: "friday".to_owned(),
        tickets: 1..=DOCUMENTS,
        flaws: None,
        began: 0,
        endpoint_url: None,
        poll: Duration::from_millis(100),
        logged: Duration::from_millis(500),
        by_shard: true,
        expires: None,
    };
    let pids = Arc::new(Mutex::new(Vec::new()));
    let seat = Seat { part: load::Part::WHOLE, generation: 1 };
    let task = Task {
        region: clients.region().to_owned(),
        endpoint_url: Some(running.url.clone()),
        bucket: BUCKET.to_owned(),
        run: "friday".to_owned(),
        seat,
    };
    let (root, key) = (BareRoot::new(), running.stand_in.key().clone());
    let launcher = BareRoots { root, key, task, output: folder.path().to_owned(), pids: pids.clone() };
    let (_control, controls) = load::control();
    let coordinator = Coordinator::new(place.clone(), Box::new(launcher), controls, plan, (DOCUMENTS, 2), 8);
    let told = Mutex::new(Vec::new());
    let tell = |event: FleetEvent<'_>| match event {
        FleetEvent::Warning(warning) => told.lock().expect("a test that failed").push(warning.to_owned()),
        FleetEvent::Progress(progress) if progress.acknowledged > 0 => {
            let (of, pid) = pids.lock().expect("a test that failed")[1];
            if pids.lock().expect("a test that failed").len() == 2 {
                assert_eq!((of.part.worker, of.generation), (2, 1));
                kill_process(pid, Signal::KILL).expect("it runs");
            }
        }
        _ => {}
    };
    let result = timeout(PATIENCE, coordinator.run(&Cancel::new(), &tell)).await.expect("an end").expect("a result");
    let told = told.into_inner().expect("warnings");
    assert!(told.len() == 1 && told[0].starts_with("worker 2/2 ended (signal 9"), "{told:?}");
    let load = &result.load;
    assert_eq!((load.offered, load.acknowledged, load.failed), (DOCUMENTS, DOCUMENTS, 0), "{told:?}");
    let (records, bytes) = contents(&clients, &stream).await;
    assert!((DOCUMENTS..=DOCUMENTS + load.possible_duplicates).contains(&records), "{records} {load:?}");
    assert!(bytes >= load.bytes, "{bytes} of {}", load.bytes);
    place.clear().await.expect("cleared");
    assert!(place.list().await.expect("listed").is_empty());
    running.stop().await;
}

async fn active(clients: &Clients, stream: &str) {
    let is_active = async || {
        let found = clients.kinesis.describe_stream_summary().stream_name(stream).send().await.expect("described");
        found.stream_description_summary().is_some_and(|stream| stream.stream_status().as_str() == "ACTIVE")
    };
    while !is_active().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Records and bytes of a stream.
async fn contents(clients: &Clients, stream: &str) -> (u64, u64) {
    let shards = clients.kinesis.list_shards().stream_name(stream).send().await.expect("listed");
    let (mut records, mut bytes) = (0, 0);
    for shard in shards.shards() {
        let from = clients.kinesis.get_shard_iterator().stream_name(stream).shard_id(shard.shard_id());
        let from = from.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.expect("an iterator");
        let mut iterator = from.shard_iterator;
        while let Some(from) = iterator {
            let page = clients.kinesis.get_records().shard_iterator(from).send().await.expect("records");
            records += page.records().len() as u64;
            bytes += page.records().iter().map(|record| record.data().as_ref().len() as u64).sum::<u64>();
            iterator = page.next_shard_iterator.filter(|_| page.millis_behind_latest != Some(0));
        }
    }
    (records, bytes)
}

#[test]
fn its_program_is_small_and_says_what_it_lacks() {
    let bytes = fs::metadata(program()).expect("built").len();
    assert!(bytes <= MOST_BYTES, "{bytes} bytes");
    let root = BareRoot::new();
    let output = root.command().output().expect("started");
    let said = text(&output.stderr);
    assert_eq!(said, "demo-worker: DEMO_PART is not set: `demo run` sets it for the workers that it starts\n");
    assert_eq!(output.status.code(), Some(1));
    let given = root.command().arg("--version").output().expect("started");
    assert_eq!(text(&given.stderr), "demo-worker: it takes no arguments, but variables of its environment\n");
}
