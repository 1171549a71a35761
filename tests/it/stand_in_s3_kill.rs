//! S3 on the stand-in, killed at work: what it said is there, whole, and no file is left over.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use aws_sdk_s3::Client;
use aws_stand_in::daemon::{Daemon, Endpoint, Started};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::time::sleep;

use crate::stand_in::config;

const ROUNDS: usize = 3;
/// So many puts are acknowledged before a kill.
const A_ROUND: usize = 40;
/// So many keys are put again and again.
const KEYS: usize = 7;
const SIZE: usize = 300_000;

/// What the writers know.
#[derive(Default)]
struct Known {
    acknowledged: AtomicUsize,
    /// By key, the number of the newest put that was acknowledged, and of the newest that was sent.
    newest: Mutex<HashMap<String, (usize, usize)>>,
}

impl Known {
    fn sent(&self, key: &str, number: usize) {
        self.newest.lock().expect("no panic").entry(key.to_owned()).or_default().1 = number;
    }

    fn acknowledged(&self, key: &str, number: usize) {
        self.newest.lock().expect("no panic").entry(key.to_owned()).or_default().0 = number;
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

async fn kill(endpoint: &Endpoint) {
    let pid = Pid::from_raw(i32::try_from(endpoint.pid).expect("a process id")).expect("not 0");
    kill_process(pid, Signal::KILL).expect("killed");
    let start = Instant::now();
    while test_kill_process(pid).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(30), "the process is not gone");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Data that says which put it is of.
fn data(number: usize) -> Vec<u8> {
    number.to_le_bytes().into_iter().cycle().take(SIZE).collect()
}

/// Puts its own keys in turn.
async fn write(s3: Client, writer: usize, from: usize, known: Arc<Known>) {
    for number in from.. {
        let key = format!("{writer}/{}", number % KEYS);
        known.sent(&key, number);
        let put = s3.put_object().bucket("bucket").key(&key).body(data(number).into());
        if put.send().await.is_ok() {
            known.acknowledged(&key, number);
        }
    }
}

#[tokio::test]
async fn after_sigkill_every_object_is_an_acknowledged_one_or_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let local = folder.path().join("local");
    let daemon = Daemon::at(&local).with_program(Path::new(env!("CARGO_BIN_EXE_demo")));
    for round in 0..ROUNDS {
        let endpoint = daemon.ensure(Started::ForStack).await.expect("started");
        let s3 = Client::new(&config(&endpoint.url(), &daemon.key().expect("a key")));
        s3.create_bucket().bucket("bucket").send().await.expect("created");
        let known = Arc::new(Known::default());
        let from = 1_000_000 * (round + 1);
        let writers: Vec<_> =
            (0..3).map(|writer| tokio::spawn(write(s3.clone(), writer, from, known.clone()))).collect();
        let start = Instant::now();
        while known.acknowledged.load(Ordering::Relaxed) < A_ROUND {
            assert!(start.elapsed() < Duration::from_secs(60), "too few puts are acknowledged");
            sleep(Duration::from_millis(2)).await;
        }
        kill(&endpoint).await;
        writers.iter().for_each(tokio::task::JoinHandle::abort);

        let endpoint = daemon.ensure(Started::ForStack).await.expect("started again");
        let s3 = Client::new(&config(&endpoint.url(), &daemon.key().expect("a key")));
        let newest = known.newest.lock().expect("no panic").clone();
        for (key, (acknowledged, sent)) in newest {
            let got = s3.get_object().bucket("bucket").key(&key).send().await;
            let Ok(got) = got else {
                assert!(acknowledged == 0, "{key} is gone, of which {acknowledged} was acknowledged");
                continue;
            };
            let found = got.body.collect().await.expect("read").to_vec();
            let number = usize::from_le_bytes(found[..8].try_into().expect("eight bytes"));
            assert!(found == data(number), "{key} is no whole put");
            assert!(
                (acknowledged..=sent).contains(&number) || acknowledged == 0,
                "{key}: {number} of {acknowledged}..{sent}"
            );
        }
        let listed = s3.list_objects_v2().bucket("bucket").send().await.expect("listed");
        let files = fs::read_dir(local.join("s3/data")).expect("a folder").count();
        assert_eq!(
            Some(files),
            listed.key_count().and_then(|count| usize::try_from(count).ok()),
            "files are left over"
        );
    }
    daemon.stop().await.expect("stopped");
}
