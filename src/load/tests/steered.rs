//! A load with a hand on it.

use super::*;
use crate::spec::{Action, HotShare};

const RATE: f64 = 2_000.0;

struct Steered {
    control: Control,
    loading: tokio::task::JoinHandle<LoadResult>,
    progress: watch::Receiver<Progress>,
    bench: Arc<Bench>,
}

impl Steered {
    /// Of 100,000 documents at 2,000 a second: far too long for a test that leaves it alone.
    fn begin() -> Self {
        let bench = Arc::new(Bench::new(Sink::default()));
        let (control, controls) = control();
        let plan = Plan { controls, ..bench.plan(Rate::PerSecond(RATE), Length::Records(100_000)) };
        let (progress, running) = (bench.progress.subscribe(), bench.clone());
        let loading = tokio::spawn(async move { running.run(plan, running.builder()).await.expect("loaded") });
        Self { control, loading, progress, bench }
    }

    async fn act(&self, action: Action) -> f64 {
        timeout(PATIENCE, self.control.act(action)).await.expect("an answer").expect("a load").at
    }

    async fn until(&mut self, fits: impl FnMut(&Progress) -> bool) {
        timeout(PATIENCE, self.progress.wait_for(fits)).await.expect("in time").expect("a load");
    }

    async fn end(self) -> (LoadResult, Arc<Bench>) {
        (timeout(PATIENCE, self.loading).await.expect("an end").expect("no panic"), self.bench)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_offers_nothing_and_a_stop_ends_the_load() {
    let mut load = Steered::begin();
    load.until(|progress| progress.acknowledged > 100).await;
    let paused = load.act(Action::Pause).await;
    load.until(|progress| progress.is_paused && progress.elapsed.as_secs_f64() > paused + 0.5).await;
    let resumed = load.act(Action::Resume).await;
    let stopped = load.act(Action::Stop).await;
    let (result, bench) = load.end().await;
    let due = ((paused + (stopped - resumed)) * RATE) as u64 + 2;
    assert!(result.offered <= due && result.offered > 100, "{} offered, {due} due", result.offered);
    assert_eq!(
        (result.acknowledged, result.failed, result.cancelled, result.gave_up),
        (result.offered, 0, false, false)
    );
    assert_eq!(
        result.actions.iter().map(|done| &done.action).collect::<Vec<_>>(),
        [&Action::Pause, &Action::Resume, &Action::Stop]
    );
    let log = AckLog::read(&bench.log()).expect("a log");
    assert_eq!((log.offered, acknowledged(&log)), (Some(result.offered), bench.sink.written()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_higher_rate_ends_the_load_sooner_with_every_document() {
    let mut load = Steered::begin();
    load.until(|progress| progress.acknowledged > 0).await;
    load.act(Action::Rate(1e6)).await;
    let (result, bench) = load.end().await;
    assert_eq!((result.offered, result.acknowledged), (100_000, 100_000));
    let log = AckLog::read(&bench.log()).expect("a log");
    assert_eq!(acknowledged(&log), bench.sink.written());
    assert!(result.asked_per_second.is_some_and(|asked| asked > RATE), "{:?}", result.asked_per_second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_key_by_hand_is_counted() {
    let mut load = Steered::begin();
    load.until(|progress| progress.acknowledged > 0).await;
    let hot = HotShare { key: "celebrity".into(), share: 0.5 };
    load.act(Action::HotKey { hot, seconds: 3_600.0 }).await;
    load.act(Action::Rate(1e6)).await;
    let (result, _bench) = load.end().await;
    let documents = result.hot().expect("a hot key").documents;
    assert!((40_000..=50_010).contains(&documents), "{documents}");
    assert_eq!(result.imbalance.expect("acknowledged").over_mean, 1.0, "the sink has one shard");
}

#[tokio::test]
async fn a_load_that_is_over_takes_no_action() {
    let (control, controls) = control();
    drop(controls);
    assert_eq!(control.act(Action::Pause).await, Err(LoadOver));
}
