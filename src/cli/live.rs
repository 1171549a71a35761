//! A load while it goes on: on a terminal a line for each stage that lives above a bar, elsewhere a plain line now and then.
//!
//! A thread of its own draws, so a terminal that stands still and a pipe that nobody reads do not hold up the load.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::screen::{Bar, PLAIN_EVERY, Screen, StageLine};
use crate::{
    aws::cost,
    load::{HotKey, Progress},
    report::{
        numbers::{bytes, counted, grouped, millis},
        second::Second,
    },
};

/// Time between two drawings.
const FRAME: Duration = Duration::from_millis(100);

/// What is known of a load before it begins.
#[derive(Clone, Debug, Default)]
pub struct Ahead {
    /// Where its documents end.
    pub destinations: Vec<&'static str>,
    /// What is done to it meanwhile, and when, in seconds, in their order.
    pub events: Vec<(f64, String)>,
    /// Whether AWS bills it.
    pub is_billed: bool,
}

/// Shows one load until it is over.
pub struct LiveLoad {
    shared: Arc<Shared>,
    painter: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    latest: Mutex<Latest>,
    ended: Condvar,
}

#[derive(Clone, Default)]
struct Latest {
    progress: Progress,
    row: Option<Second>,
    is_over: bool,
}

impl LiveLoad {
    /// Begins to show a load of so many documents, if that is known.
    pub fn start(screen: &Screen, ahead: Ahead, total: Option<u64>) -> Self {
        let shared = Arc::new(Shared::default());
        let painter = Painter::new(screen, ahead, total);
        let seen = shared.clone();
        Self { shared, painter: Some(thread::spawn(move || painter.paint(&seen))) }
    }

    /// Takes how far it is.
    pub fn progress(&self, progress: &Progress) {
        self.shared.latest().progress = progress.clone();
    }

    /// Takes a row of its record.
    pub fn row(&self, row: &Second) {
        self.shared.latest().row = Some(row.clone());
    }
}

/// Clears what lives, and waits until that is done: what comes next is below it.
impl Drop for LiveLoad {
    fn drop(&mut self) {
        self.shared.latest().is_over = true;
        self.shared.ended.notify_all();
        // A painter that panicked has told so.
        let _ = self.painter.take().map(JoinHandle::join);
    }
}

impl Shared {
    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known a frame later, or as soon as the load is over.
    fn next(&self) -> Latest {
        let waited = self.ended.wait_timeout_while(self.latest(), FRAME, |latest| !latest.is_over);
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

/// The thread that draws.
struct Painter {
    screen: Screen,
    ahead: Ahead,
    load: StageLine,
    destinations: Vec<(&'static str, StageLine)>,
    shards: StageLine,
    next: Option<StageLine>,
    cost: StageLine,
    bar: Bar,
    printed: Instant,
}

impl Painter {
    fn new(screen: &Screen, ahead: Ahead, total: Option<u64>) -> Self {
        // In the order in which they stand below each other.
        Self {
            screen: screen.clone(),
            load: screen.stage("load"),
            destinations: ahead.destinations.iter().map(|label| (*label, screen.stage(label))).collect(),
            shards: screen.stage("shards"),
            next: (!ahead.events.is_empty()).then(|| screen.stage("next")),
            cost: screen.stage("cost"),
            bar: screen.bar("", total),
            printed: Instant::now(),
            ahead,
        }
    }

    fn paint(mut self, shared: &Shared) {
        loop {
            let latest = shared.next();
            if latest.is_over {
                return;
            }
            if self.screen.is_terminal() {
                self.draw(&latest);
            } else if self.printed.elapsed() >= PLAIN_EVERY {
                self.printed = Instant::now();
                self.screen.line(&format!("  {:8} {}", "load", plain(&latest.progress).join("   ")));
            }
        }
    }

    fn draw(&self, latest: &Latest) {
        let Latest { progress, row, .. } = latest;
        self.load.set(&load(progress));
        self.bar.draw(progress.acknowledged, &left(progress));
        if let Some(next) = &self.next {
            next.set(&next_event(&self.ahead.events, progress.elapsed));
        }
        let Some(row) = row else { return };
        self.shards.set(&shards(row));
        for (label, line) in &self.destinations {
            line.set(&destination(label, row));
        }
        if let Some(cost) = row.cost {
            self.cost.set(&spent(cost, self.ahead.is_billed));
        }
    }
}

/// What the load does, the most telling first.
fn load(progress: &Progress) -> Vec<String> {
    let acknowledged = format!("{} acknowledged", grouped(progress.acknowledged));
    if let Some(silence) = &progress.silence {
        return vec![silence.to_string(), acknowledged];
    }
    if progress.is_paused {
        return vec!["paused by hand".to_owned(), acknowledged];
    }
    let mut parts = rates(progress);
    parts.extend(retries(progress.retried, progress.throttled, &progress.hot_keys));
    parts
}

fn rates(progress: &Progress) -> Vec<String> {
    let mut parts = vec![
        format!("{}/s", grouped(progress.records_per_second.round() as u64)),
        format!("{}/s", bytes(progress.bytes_per_second)),
    ];
    parts.extend(progress.p99_ms.map(|ms| format!("p99 {} ms", millis(ms))));
    parts
}

/// How far the load is, for a bar that has its share already.
fn left(progress: &Progress) -> Vec<String> {
    let acknowledged = grouped(progress.acknowledged);
    let Some(total) = progress.total else { return vec![acknowledged] };
    let of_total = format!("{acknowledged} of {}", grouped(total));
    time_left(progress).into_iter().chain([of_total]).collect()
}

fn time_left(progress: &Progress) -> Option<String> {
    let left = progress.total?.saturating_sub(progress.acknowledged) as f64;
    let is_moving = progress.records_per_second > 0.0 && !progress.is_paused && progress.silence.is_none();
    is_moving.then(|| format!("{:.0} s left", left / progress.records_per_second))
}

/// All of it in one line.
fn plain(progress: &Progress) -> Vec<String> {
    let mut parts = vec![format!("{} acknowledged", grouped(progress.acknowledged))];
    let retries = retries(progress.retried, progress.throttled, &progress.hot_keys);
    match &progress.silence {
        Some(silence) => {
            parts.extend(retries);
            parts.push(silence.to_string());
        }
        None if progress.is_paused => parts.push("paused by hand".to_owned()),
        None => {
            parts.extend(rates(progress));
            parts.extend(retries);
            parts.extend(time_left(progress));
        }
    }
    parts
}

/// The retried records, those throttled because their shard was full, and the hottest partition key.
pub fn retries(retried: u64, throttled: u64, hot_keys: &[HotKey]) -> Vec<String> {
    let mut parts = vec![format!("retried {}", grouped(retried))];
    parts.extend((throttled > 0).then(|| format!("throttled {}", grouped(throttled))));
    parts.extend(hot_keys.first().map(|hot| format!("hot key {}", hot.partition_key)));
    parts
}

/// How the documents of the latest second are spread over the shards.
fn shards(row: &Second) -> Vec<String> {
    let Some(load) = &row.load else { return Vec::new() };
    let documents = &load.shards.acknowledged;
    let open = if load.shards.open == 0 { documents.len() } else { load.shards.open };
    let all: u64 = documents.iter().sum();
    let mut parts = vec![counted(open as u64, "shard")];
    if let Some(hottest) = documents.iter().max().filter(|_| all > 0) {
        let over_mean = *hottest as f64 * open as f64 / all as f64;
        parts.push(format!("hottest {over_mean:.1} × the mean"));
    }
    let throttled = load.shards.throttled.iter().filter(|times| **times > 0).count();
    parts.extend((throttled > 0).then(|| format!("{throttled} throttled")));
    parts
}

fn destination(label: &str, row: &Second) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(known) = row.destinations.iter().find(|known| known.name == label) {
        parts.extend(known.landed.map(|landed| format!("{} found", grouped(landed))));
        parts.extend(known.behind.filter(|behind| *behind > 0).map(|behind| format!("{} behind", grouped(behind))));
        parts.extend(known.objects.map(|objects| counted(objects.count, "object")));
        parts.extend(known.freshness_ms.map(|ms| format!("readable after {} ms", millis(ms))));
    }
    if parts.is_empty() {
        parts.push("verified after the load".to_owned());
    }
    parts
}

fn next_event(events: &[(f64, String)], elapsed: Duration) -> Vec<String> {
    let now = elapsed.as_secs_f64();
    match events.iter().find(|(at, _)| *at > now) {
        Some((at, event)) => vec![format!("in {:.0} s: {event}", at - now)],
        None => vec!["no event is left".to_owned()],
    }
}

fn spent(dollars: f64, is_billed: bool) -> Vec<String> {
    let about = cost::about(dollars);
    match is_billed {
        true => vec![about, "an estimate".to_owned()],
        false => vec![format!("{about} on AWS"), "nothing here".to_owned(), "an estimate".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        load::{ByShard, LoadSecond, Silence},
        report::second::{DestinationSecond, ObjectsSecond},
    };

    fn progress() -> Progress {
        Progress {
            elapsed: Duration::from_secs(12),
            acknowledged: 24_000,
            retried: 3,
            total: Some(60_000),
            records_per_second: 2_000.0,
            bytes_per_second: 16.4e6,
            p99_ms: Some(15.54),
            ..Progress::default()
        }
    }

    #[test]
    fn a_load_is_told_in_parts_and_in_one_line() {
        assert_eq!(load(&progress()), ["2,000/s", "16.4 MB/s", "p99 15.5 ms", "retried 3"]);
        assert_eq!(left(&progress()), ["18 s left", "24,000 of 60,000"]);
        let line = "24,000 acknowledged   2,000/s   16.4 MB/s   p99 15.5 ms   retried 3   18 s left";
        assert_eq!(plain(&progress()).join("   "), line);
        let paused = Progress { is_paused: true, ..progress() };
        assert_eq!((load(&paused)[0].as_str(), left(&paused).len()), ("paused by hand", 1));
        let silence = Some(Silence { lasts: Duration::from_secs(3), error: Some("no route".into()) });
        let silent = Progress { silence, ..progress() };
        assert_eq!(load(&silent)[0], "no acknowledgement for 3 s: no route");
        assert!(plain(&silent).join("   ").ends_with("retried 3   no acknowledgement for 3 s: no route"));
    }

    #[test]
    fn shards_destinations_and_events_have_their_lines() {
        let shards_of =
            ByShard { acknowledged: vec![0, 300, 100], throttled: vec![0, 4, 0], open: 2, ..ByShard::default() };
        let load = Some(LoadSecond { shards: shards_of, ..LoadSecond::default() });
        let fresh =
            DestinationSecond { name: "DynamoDB".into(), freshness_ms: Some(480.0), ..DestinationSecond::default() };
        let mut landed = DestinationSecond { name: "S3".into(), landed: Some(9_000), ..DestinationSecond::default() };
        landed.objects = Some(ObjectsSecond { count: 7, bytes: 96_000_000, unread: 0 });
        landed.freshness_ms = Some(6_100.0);
        landed.hold_against(10_000);
        let row = Second { load, destinations: vec![fresh, landed], ..Second::default() };
        assert_eq!(shards(&row), ["2 shards", "hottest 1.5 × the mean", "1 throttled"]);
        assert_eq!(destination("DynamoDB", &row), ["readable after 480 ms"]);
        assert_eq!(destination("Redshift", &row), ["verified after the load"]);
        let in_s3 = ["9,000 found", "1,000 behind", "7 objects", "readable after 6100 ms"];
        assert_eq!(destination("S3", &row), in_s3);
        let events = [(5.0, "pause".to_owned()), (20.0, "8 shards".to_owned())];
        assert_eq!(next_event(&events, Duration::from_secs(12)), ["in 8 s: 8 shards"]);
        assert_eq!(next_event(&events, Duration::from_secs(21)), ["no event is left"]);
        assert_eq!(spent(0.0123, false), ["about $0.012 on AWS", "nothing here", "an estimate"]);
        assert_eq!(spent(0.0123, true), ["about $0.012", "an estimate"]);
    }
}
