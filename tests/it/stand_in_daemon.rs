//! The stand-in in the background, by the real program.

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use aws_sdk_iam::Client;
use aws_stand_in::daemon::{Daemon, DaemonError, Endpoint, Started};
use rustix::process::{Pid, Signal, getsid, kill_process, test_kill_process};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::stand_in::config;

const PROGRAM: &str = env!("CARGO_BIN_EXE_demo");
/// Set in the process that only starts the stand-in: the folder to start it in.
const STARTER: &str = "TEST_STAND_IN_STARTER";
const DEADLINE: Duration = Duration::from_secs(30);

/// A daemon that does not outlive its test, even a failed one.
struct Guarded {
    daemon: Daemon,
    folder: tempfile::TempDir,
}

impl Guarded {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let daemon = Daemon::at(&folder.path().join("local")).with_program(Path::new(PROGRAM));
        Self { daemon, folder }
    }

    fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("local")
    }
}

fn pid(endpoint: &Endpoint) -> Pid {
    Pid::from_raw(i32::try_from(endpoint.pid).expect("a process id")).expect("not 0")
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn gone(endpoint: &Endpoint) {
    until("the process is gone", async || test_kill_process(pid(endpoint)).is_err()).await;
}

#[tokio::test]
async fn it_starts_is_found_and_stops() {
    let guarded = Guarded::new();
    let daemon = &guarded.daemon;
    assert_eq!(daemon.status().await.expect("looked"), None);
    assert_eq!(daemon.stop().await.expect("nothing to stop"), None);

    let endpoint = daemon.ensure(Started::ForStack).await.expect("started");
    assert_eq!(endpoint.started, Started::ForStack);
    assert_eq!(getsid(Some(pid(&endpoint))).expect("a session"), pid(&endpoint), "it leads a session of its own");
    assert_eq!(daemon.status().await.expect("looked"), Some(endpoint.clone()));
    assert_eq!(daemon.ensure(Started::ForStack).await.expect("found"), endpoint);
    let key = daemon.key().expect("a key");
    let env = endpoint.env(&key);
    assert!(env.contains(&("AWS_ENDPOINT_URL".to_owned(), endpoint.url())), "{env:?}");
    Client::new(&config(&endpoint.url(), &key)).list_roles().send().await.expect("answered");

    let by_hand = daemon.ensure(Started::ByHand).await.expect("found");
    assert_eq!((by_hand.pid, by_hand.started), (endpoint.pid, Started::ByHand), "wanted by hand from now on");
    let for_stack = daemon.ensure(Started::ForStack).await.expect("found");
    assert_eq!(for_stack.started, Started::ByHand, "a stack does not take it from who wanted it");

    assert_eq!(daemon.stop().await.expect("stopped").map(|stopped| stopped.pid), Some(endpoint.pid));
    gone(&endpoint).await;
    assert_eq!(daemon.status().await.expect("looked"), None);
    let log = std::fs::read_to_string(daemon.log_path()).expect("a log");
    assert!(log.contains("SIGTERM") && log.contains("ListRoles"), "{log}");
}

#[tokio::test]
async fn two_who_start_it_at_once_get_the_same() {
    let guarded = Guarded::new();
    let daemon = &guarded.daemon;
    let (one, other) = tokio::join!(daemon.ensure(Started::ForStack), daemon.ensure(Started::ForStack));
    assert_eq!(one.expect("started"), other.expect("started"));
    daemon.stop().await.expect("stopped");
}

#[tokio::test]
async fn after_sigkill_it_comes_back_on_the_same_port_with_what_it_had() {
    let guarded = Guarded::new();
    let daemon = &guarded.daemon;
    let first = daemon.ensure(Started::ForStack).await.expect("started");
    let iam = Client::new(&config(&first.url(), &daemon.key().expect("a key")));
    let trust = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#;
    iam.create_role().role_name("kept").assume_role_policy_document(trust).send().await.expect("created");

    kill_process(pid(&first), Signal::KILL).expect("killed");
    gone(&first).await;
    assert_eq!(daemon.status().await.expect("looked"), None, "its endpoint file is stale");

    let second = daemon.ensure(Started::ForStack).await.expect("started again");
    assert_ne!(second.pid, first.pid);
    assert_eq!(second.port, first.port);
    iam.get_role().role_name("kept").send().await.expect("the same client finds the same role");

    daemon.stop().await.expect("stopped");
    let third = daemon.ensure(Started::ForStack).await.expect("started after a clean end");
    assert_eq!(third.port, first.port);
    daemon.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_port_that_is_taken_meanwhile_is_left_alone() {
    let guarded = Guarded::new();
    let daemon = &guarded.daemon;
    let first = daemon.ensure(Started::ForStack).await.expect("started");
    daemon.stop().await.expect("stopped");
    let _taken = tokio::net::TcpListener::bind(("127.0.0.1", first.port)).await.expect("free again");
    let second = daemon.ensure(Started::ForStack).await.expect("started on another port");
    assert_ne!(second.port, first.port);
    daemon.stop().await.expect("stopped");
}

#[tokio::test]
async fn it_ends_when_its_folder_is_gone() {
    let guarded = Guarded::new();
    let endpoint = guarded.daemon.ensure(Started::ByHand).await.expect("started");
    std::fs::remove_dir_all(guarded.state()).expect("removed");
    gone(&endpoint).await;
    assert!(!guarded.state().exists(), "it writes nothing any more");
}

#[tokio::test]
async fn a_folder_has_one_stand_in() {
    let guarded = Guarded::new();
    let endpoint = guarded.daemon.ensure(Started::ForStack).await.expect("started");
    let second = Command::new(PROGRAM).args(["local", "serve", "--folder"]).arg(guarded.state()).output();
    let second = second.expect("it ran");
    assert!(!second.status.success());
    let why = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(why.contains("serves") && why.contains("demo local stop"), "{why}");
    assert_eq!(guarded.daemon.status().await.expect("looked"), Some(endpoint));
    guarded.daemon.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_failed_start_quotes_the_log() {
    let guarded = Guarded::new();
    std::fs::create_dir_all(guarded.state().join("iam")).expect("a folder");
    std::fs::write(guarded.state().join("iam/roles.json"), "not roles").expect("written");
    let error = guarded.daemon.ensure(Started::ForStack).await.expect_err("cannot start");
    assert!(matches!(error, DaemonError::Died { .. }), "{error}");
    assert!(error.to_string().contains("roles.json"), "{error}");

    let absent = Daemon::at(&guarded.state()).with_program(Path::new("/nowhere/demo"));
    let error = absent.ensure(Started::ForStack).await.expect_err("cannot start");
    assert!(error.to_string().contains("/nowhere/demo"), "{error}");
}

/// More of them than a process may have files: those that brought nothing go first.
#[tokio::test]
async fn idle_connections_keep_nobody_out() {
    let guarded = Guarded::new();
    let mut served = Command::new("sh")
        .args(["-c", "ulimit -n 256 && exec \"$0\" local serve --folder \"$1\"", PROGRAM])
        .arg(guarded.state())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    until("it serves", async || guarded.daemon.status().await.is_ok_and(|served| served.is_some())).await;
    let endpoint = guarded.daemon.status().await.expect("looked").expect("it serves");
    let mut idle = Vec::new();
    for number in 0..600 {
        let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port)).await.expect("connected");
        // A third has begun a request and does not go on.
        if number % 3 == 0 {
            stream.write_all(b"GET /_stand-in HTT").await.expect("sent");
        }
        idle.push(stream);
    }
    let iam = Client::new(&config(&endpoint.url(), &guarded.daemon.key().expect("a key")));
    for _ in 0..20 {
        iam.list_roles().send().await.expect("answered");
    }
    assert_eq!(idle[0].read(&mut [0]).await.unwrap_or(0), 0, "the first one is closed");
    guarded.daemon.stop().await.expect("stopped");
    assert!(served.wait().expect("ended").success());
}

/// The test starts itself as a second process, which starts the stand-in and ends.
#[tokio::test]
async fn a_captured_starter_returns() {
    if let Some(folder) = std::env::var_os(STARTER) {
        let daemon = Daemon::at(Path::new(&folder)).with_program(Path::new(PROGRAM));
        daemon.ensure(Started::ForStack).await.expect("started");
        return;
    }
    let guarded = Guarded::new();
    let mut starter = Command::new(std::env::current_exe().expect("this test binary"))
        .args(["--exact", "stand_in_daemon::a_captured_starter_returns"])
        .env(STARTER, guarded.state())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let mut output = starter.stdout.take().expect("piped");
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let _ = tell.send(output.read_to_string(&mut text).map(|_| text));
    });
    let text = told.recv_timeout(DEADLINE).expect("the pipe ends while the stand-in runs").expect("read");
    assert!(starter.wait().expect("ended").success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
    assert!(guarded.daemon.status().await.expect("looked").is_some(), "the stand-in outlives its starter");
    guarded.daemon.stop().await.expect("stopped");
}
