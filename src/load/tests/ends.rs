//! Loads that end early because nothing more can arrive.

use std::fs::File;

use super::*;

const GIVE_UP: Duration = Duration::from_millis(300);

fn failing(from: u64, severity: Severity) -> Bench {
    Bench::new(Sink { fails_from: Some((from, severity)), ..Sink::default() })
}

fn assert_adds_up(bench: &Bench, loaded: &LoadResult) {
    assert!(loaded.gave_up && !loaded.cancelled && loaded.failed > 0, "{loaded:?}");
    assert_eq!(loaded.offered, loaded.acknowledged + loaded.failed);
    let log = AckLog::read(&bench.log()).expect("a log");
    assert_eq!((log.offered, log.acknowledged.count()), (Some(loaded.offered), loaded.acknowledged));
}

#[tokio::test]
async fn a_fatal_refusal_ends_it() {
    let bench = failing(3, Severity::Fatal);
    let loaded = bench.load(Rate::PerSecond(1_000.0), Length::Duration(PATIENCE * 60)).await;
    assert_adds_up(&bench, &loaded);
    assert_eq!(loaded.failures[0].reason, "it is Fatal");
    assert_eq!(loaded.acknowledged, bench.sink.written().len() as u64);
}

#[tokio::test]
async fn a_silence_ends_it_with_the_last_error() {
    for severity in [Severity::Unavailable, Severity::Throttled, Severity::Unknown] {
        let bench = failing(3, severity);
        let plan = bench.plan(Rate::PerSecond(1_000.0), Length::Duration(PATIENCE * 60));
        let mut progress = bench.progress.subscribe();
        let told = tokio::spawn(async move {
            let silent = progress.wait_for(|progress| progress.silence.is_some()).await.expect("told");
            silent.silence.clone().expect("a silence").to_string()
        });
        let loaded = bench.run(Plan { give_up: GIVE_UP, ..plan }, bench.builder()).await.expect("loaded");
        assert_adds_up(&bench, &loaded);
        let [failure] = &loaded.failures[..] else { panic!("{:?}", loaded.failures) };
        let expected = format!("no acknowledgement for 0 s: it is {severity:?}");
        assert_eq!((failure.reason.as_str(), failure.count), (expected.as_str(), loaded.failed));
        assert_eq!(told.await.expect("no panic"), expected);
    }
}

#[tokio::test]
async fn a_pause_between_documents_is_no_silence() {
    let bench = Bench::new(Sink::default());
    let plan = bench.plan(Rate::PerSecond(2.0), Length::Records(3));
    let loaded = bench.run(Plan { give_up: GIVE_UP, ..plan }, bench.builder()).await.expect("loaded");
    assert_eq!((loaded.acknowledged, loaded.gave_up), (3, false));
}

#[tokio::test]
async fn answers_that_cannot_be_read_end_it_before_all_is_stored_again_and_again() {
    let bench = failing(0, Severity::Unread);
    let loaded = bench.load(Rate::PerSecond(1_000.0), Length::Duration(PATIENCE * 60)).await;
    assert_adds_up(&bench, &loaded);
    assert_eq!(loaded.failures.len(), 1, "{:?}", loaded.failures);
    assert_eq!(loaded.failures[0].reason, "no answer to the record could be read (last: it is Unread)");
    assert!(loaded.possible_duplicates > 0 && loaded.possible_duplicates <= 5 * loaded.offered, "{loaded:?}");
}

#[tokio::test]
async fn a_full_disk_ends_it_though_answers_are_still_awaited() {
    let bench = Bench::new(Sink { stall: PATIENCE * 60, ..Sink::default() });
    let plan = bench.plan(Rate::PerSecond(1_000.0), Length::Duration(PATIENCE * 60));
    let producer = bench.builder().max_batch_records(10).build().await.expect("settings");
    let full =
        AckWriter::over(File::options().write(true).open("/dev/full").expect("a full disk"), plan.header.clone());
    let sent = run_logged(plan, &producer, Arc::new(full), &bench.progress, &bench.cancel);
    let error = timeout(PATIENCE, sent).await.expect("an end").expect_err("a full disk").to_string();
    assert!(error.contains("cannot append to the acknowledgement log") && error.contains("No space left"), "{error}");
}
