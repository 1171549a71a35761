//! Redshift on the stand-in, killed at work: what it said is there, and nothing is there by half.

use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws_stand_in::daemon::{Daemon, Endpoint, Started};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::time::sleep;

use crate::{stand_in::config, stand_in_redshift::Warehouse};

const ROUNDS: usize = 3;
/// So many transactions are acknowledged before a kill.
const A_ROUND: usize = 5;

async fn kill(endpoint: &Endpoint) {
    let pid = Pid::from_raw(i32::try_from(endpoint.pid).expect("a process id")).expect("not 0");
    kill_process(pid, Signal::KILL).expect("killed");
    let start = Instant::now();
    while test_kill_process(pid).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(30), "the process is not gone");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Writes the same number into two tables, transaction by transaction, and notes each that was acknowledged.
async fn write(warehouse: Warehouse, from: usize, acknowledged: Arc<Mutex<Vec<usize>>>) {
    for number in from.. {
        let (one, other) =
            (format!("INSERT INTO one VALUES ({number})"), format!("INSERT INTO other VALUES ({number})"));
        if warehouse.run(&[&one, &other]).await.is_ok() {
            acknowledged.lock().expect("no panic").push(number);
        }
    }
}

async fn numbers(warehouse: &Warehouse, table: &str) -> Vec<usize> {
    let rows = warehouse.run(&[&format!("SELECT number FROM {table} ORDER BY 1")]).await.expect("an answer");
    let number = |row: &Vec<Option<String>>| row[0].as_ref().expect("no null").parse().expect("a number");
    rows.iter().map(number).collect()
}

#[tokio::test]
async fn after_sigkill_what_was_acknowledged_is_there_and_nothing_by_half() {
    let folder = tempfile::tempdir().expect("a folder");
    let daemon = Daemon::at(&folder.path().join("local")).with_program(Path::new(env!("CARGO_BIN_EXE_demo")));
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    for round in 0..ROUNDS {
        let endpoint = daemon.ensure(Started::ForStack).await.expect("started");
        let at = || Warehouse::at(&config(&endpoint.url(), &daemon.key().expect("a key")));
        if round == 0 {
            let tables = ["CREATE TABLE one (number INT)", "CREATE TABLE other (number INT)"];
            at().run(&tables).await.expect("made");
        }
        let writing = tokio::spawn(write(at(), round * 1000, acknowledged.clone()));
        let start = Instant::now();
        while acknowledged.lock().expect("no panic").len() < (round + 1) * A_ROUND {
            assert!(!writing.is_finished(), "it is still written");
            assert!(start.elapsed() < Duration::from_secs(60), "too few transactions are acknowledged");
            sleep(Duration::from_millis(5)).await;
        }
        kill(&endpoint).await;
        writing.abort();
        // A panic of the writer, whose stand-in was killed, is what this is about.
        let _ = writing.await;
    }
    let endpoint = daemon.ensure(Started::ForStack).await.expect("started again");
    let warehouse = Warehouse::at(&config(&endpoint.url(), &daemon.key().expect("a key")));
    let (one, other) = (numbers(&warehouse, "one").await, numbers(&warehouse, "other").await);
    assert_eq!(one, other, "a transaction is there whole or not at all");
    let there: HashSet<usize> = one.iter().copied().collect();
    assert_eq!(there.len(), one.len(), "no number twice");
    let acknowledged = acknowledged.lock().expect("no panic").clone();
    let lost: Vec<_> = acknowledged.iter().filter(|number| !there.contains(number)).collect();
    assert!(lost.is_empty(), "{lost:?} of {acknowledged:?}");
    daemon.stop().await.expect("stopped");
}
