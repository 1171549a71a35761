//! A coordinator and workers that send nothing, in simulated time.

mod takeover;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    task::{AbortHandle, JoinHandle},
    time::{sleep, timeout},
};

use super::{
    message::{COORDINATOR, Pulse, since_1970},
    rendezvous::{Slot, read},
    *,
};
use crate::{
    engine::{
        Cancel,
        mirror::{Put, Reflected},
    },
    load::{AckLog, Control, Header, IntervalSet, LoadResult, Origin, Part, Resumed, control},
    spec::Action,
};

const DOCUMENTS: u64 = 3_000;
/// Of one worker.
const BETWEEN_DOCUMENTS: Duration = Duration::from_millis(5);
/// Simulated: longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// A rendezvous in memory.
#[derive(Default)]
struct InMemory {
    objects: Mutex<BTreeMap<String, (u64, Vec<u8>)>>,
    /// Writes whose answers are lost.
    loses: Mutex<u32>,
}

#[async_trait]
impl Rendezvous for InMemory {
    fn title(&self) -> String {
        "memory".to_owned()
    }

    async fn get(&self, name: &str) -> Result<Option<Reflected>, RendezvousError> {
        let found = self.objects.lock().expect("a test that failed").get(name).cloned();
        Ok(found.map(|(version, text)| Reflected { text, version: version.to_string() }))
    }

    async fn put(&self, name: &str, text: Vec<u8>, replaces: Option<&str>) -> Result<Put, RendezvousError> {
        let mut objects = self.objects.lock().expect("a test that failed");
        let version = objects.get(name).map(|(version, _)| *version);
        if version.map(|version| version.to_string()).as_deref() != replaces {
            return Ok(Put::Beaten);
        }
        let version = version.unwrap_or(0) + 1;
        objects.insert(name.to_owned(), (version, text));
        let mut loses = self.loses.lock().expect("a test that failed");
        if *loses > 0 {
            *loses -= 1;
            return Ok(Put::Beaten);
        }
        Ok(Put::Done(version.to_string()))
    }

    async fn list(&self) -> Result<Vec<String>, RendezvousError> {
        Ok(self.objects.lock().expect("a test that failed").keys().cloned().collect())
    }

    async fn clear(&self) -> Result<(), RendezvousError> {
        self.objects.lock().expect("a test that failed").clear();
        Ok(())
    }
}

/// What becomes of a worker after so many of its documents.
#[derive(Clone, Copy)]
enum Fate {
    Dies(u64),
    FallsSilent(u64),
    /// It is told to by somebody else.
    Leaves(u64),
    Fails,
}

/// Starts workers as tasks.
#[derive(Clone)]
struct Tasks {
    place: Arc<InMemory>,
    fates: HashMap<(u32, u32), Fate>,
    /// How often each document was sent.
    sent: Arc<Mutex<BTreeMap<u64, u32>>>,
    /// The workers that ended because they were told to, or nobody was there.
    ended: Arc<Mutex<Vec<u32>>>,
    /// What was done to each worker's load.
    acted: Arc<Mutex<Vec<(u32, Action)>>>,
    outlives: bool,
    /// Of one worker's documents.
    between: Duration,
    /// Those that were started, for a coordinator that did not.
    running: Arc<Mutex<HashMap<Seat, AbortHandle>>>,
}

struct Task(JoinHandle<()>, bool);

impl Running for Task {
    fn ended(&mut self) -> Option<String> {
        self.0.is_finished().then(|| "signal 9".to_owned())
    }

    fn kill(&mut self) {
        if !self.1 {
            self.0.abort();
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.kill();
    }
}

#[async_trait]
impl Launcher for Tasks {
    fn launch(&self, seat: Seat) -> io::Result<Box<dyn Running>> {
        let task = tokio::spawn(self.clone().work(seat));
        self.running.lock().expect("a test that failed").insert(seat, task.abort_handle());
        Ok(Box::new(Task(task, self.outlives)))
    }

    async fn adopt(&self, seats: &[Seat]) -> io::Result<Option<Vec<Box<dyn Running>>>> {
        let running = self.running.lock().expect("a test that failed");
        let adopted =
            seats.iter().map(|seat| Box::new(takeover::Adopted(running.get(seat).cloned())) as Box<dyn Running>);
        Ok(Some(adopted.collect()))
    }
}

struct Seen {
    log: Mutex<AckLog>,
    tally: Mutex<Tally>,
}

impl View for Seen {
    fn figures(&self) -> Figures {
        self.tally.lock().expect("a test that failed").figures()
    }

    fn seconds(&self) -> u64 {
        self.tally.lock().expect("a test that failed").seconds() / 200
    }

    fn log(&self) -> Option<String> {
        Some(self.log.lock().expect("a test that failed").text())
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self {
            place: Arc::default(),
            fates: HashMap::new(),
            sent: Arc::default(),
            ended: Arc::default(),
            acted: Arc::default(),
            outlives: false,
            between: BETWEEN_DOCUMENTS,
            running: Arc::default(),
        }
    }
}

impl Tasks {
    fn fated(fates: impl IntoIterator<Item = ((u32, u32), Fate)>) -> Self {
        Self { fates: fates.into_iter().collect(), ..Self::default() }
    }

    async fn work(self, seat: Seat) {
        let mut member = Member::join(self.place.clone(), seat).await.expect("a seat");
        let resumed = member.resumed.take().unwrap_or_default();
        let origin = Origin::StoreSales { scale: 1, seed: 1 };
        let header = Header { run: "run".into(), origin, part: seat.part, flaws: None };
        let acknowledged = resumed.done.acknowledged.clone();
        let log = AckLog { header, tickets: vec![1..=9], acknowledged, refused: IntervalSet::default(), offered: None };
        let seen = Seen { log: Mutex::new(log), tally: Mutex::default() };
        let (control, controls) = control();
        let (gate, at_gate) = AtGate::new();
        let cancel = Cancel::new();
        let fate = self.fates.get(&(seat.part.worker, seat.generation)).copied();
        let sent = tokio::select! {
            sent = self.send(seat.part, (resumed, fate), (&seen, controls, gate), &cancel) => sent,
            never = member.attend(&seen, &control, at_gate, &cancel) => match never {},
        };
        if cancel.is_raised() {
            self.ended.lock().expect("a test that failed").push(seat.part.worker);
        }
        match sent {
            Some(sent) => member.leave(&seen, &sent).await.unwrap_or_default(),
            None if matches!(fate, Some(Fate::FallsSilent(_))) => std::future::pending().await,
            None => {}
        }
    }

    /// None where it dies.
    async fn send(
        &self,
        part: Part,
        (resumed, fate): (Resumed, Option<Fate>),
        (seen, mut controls, gate): (&Seen, crate::load::Controls, crate::load::Gate),
        cancel: &Cancel,
    ) -> Option<Ended> {
        gate.ready.send(()).expect("someone waits");
        let started = cancel.unless_raised(gate.start).await;
        let mut result = LoadResult::none();
        let done = resumed.done.all();
        let mut left = part.documents(DOCUMENTS).filter(|document| !done.contains(*document));
        while let (Ok(_), false) = (&started, cancel.is_raised()) {
            let Some(document) = left.next() else { break };
            match fate {
                Some(Fate::Dies(after) | Fate::FallsSilent(after)) if result.offered >= after => return None,
                Some(Fate::Leaves(after)) if result.offered >= after => {
                    cancel.raise();
                    result.cancelled = true;
                    break;
                }
                Some(Fate::Fails) => return Some(Ended::Failed("a broken workload".to_owned())),
                _ => {}
            }
            tokio::select! {
                asked = controls.next() => {
                    self.acted.lock().expect("a test that failed").push((part.worker, asked.action.clone()));
                    let done = crate::load::Done { at: 1.0, action: asked.action.clone() };
                    asked.answer(done);
                }
                () = sleep(self.between) => {}
            }
            result.offered += 1;
            result.acknowledged += 1;
            result.latency_us.record(document + 1).expect("below an hour");
            *self.sent.lock().expect("a test that failed").entry(document).or_default() += 1;
            seen.log.lock().expect("a test that failed").acknowledged.insert(document);
            let mut tally = seen.tally.lock().expect("a test that failed");
            let so_far = crate::load::LoadTotals {
                offered: result.offered,
                acknowledged: result.acknowledged,
                ..Default::default()
            };
            tally.second(&crate::load::LoadSecond { offered: 1, so_far, ..Default::default() });
        }
        result.seconds = 5.0;
        Some(Ended::Finished(Box::new(Finished { load: result, tracked: None, problems: Vec::new() })))
    }
}

struct Fleet {
    tasks: Tasks,
    told: Mutex<Vec<String>>,
    rows: Mutex<Vec<u64>>,
    /// When its stack is to be gone.
    expires: Option<i64>,
}

impl Fleet {
    fn new(tasks: Tasks) -> Self {
        Self { tasks, told: Mutex::default(), rows: Mutex::default(), expires: None }
    }

    fn coordinator(&self) -> (Coordinator, Control) {
        let (control, controls) = control();
        let plan = RunPlan {
            spec: serde_json::Value::Null,
            stack: "shop-0a1b2c3d".into(),
            run: "run".into(),
            tickets: 1..=9,
            flaws: None,
            began: 0,
            endpoint_url: None,
            poll: Duration::from_millis(100),
            logged: Duration::ZERO,
            by_shard: true,
            expires: self.expires,
        };
        let launcher = Box::new(self.tasks.clone());
        (Coordinator::new(self.tasks.place.clone(), launcher, controls, plan, (DOCUMENTS, 3), 4), control)
    }

    async fn run(&self, coordinator: Coordinator, cancel: &Cancel) -> Result<FleetResult, FleetError> {
        let tell = |event: FleetEvent<'_>| match event {
            FleetEvent::Warning(text) => self.told.lock().expect("a test that failed").push(text.to_owned()),
            FleetEvent::Second(row) => self.rows.lock().expect("a test that failed").push(row.acknowledged),
            _ => {}
        };
        timeout(PATIENCE, coordinator.run(cancel, &tell)).await.expect("an end")
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().expect("a test that failed").clone()
    }

    fn sent(&self) -> BTreeMap<u64, u32> {
        self.tasks.sent.lock().expect("a test that failed").clone()
    }
}

fn acknowledged(result: &FleetResult) -> IntervalSet {
    let mut all = IntervalSet::default();
    result.logs.iter().flat_map(|log| log.acknowledged.intervals()).for_each(|range| all.insert_range(range));
    all
}

#[tokio::test(start_paused = true)]
async fn three_workers_send_one_load_and_its_figures_are_those_of_one() {
    let fleet = Fleet::new(Tasks::default());
    let (coordinator, control) = fleet.coordinator();
    let acting = async {
        let until_sending = async {
            while fleet.sent().len() < 10 {
                sleep(Duration::from_millis(50)).await;
            }
        };
        until_sending.await;
        control.act(Action::Rate(400.0)).await.expect("done")
    };
    let cancel = Cancel::new();
    let (result, done) = tokio::join!(fleet.run(coordinator, &cancel), acting);
    let result = result.expect("a result");
    assert!(fleet.sent().len() == DOCUMENTS as usize && fleet.sent().values().all(|times| *times == 1));
    assert_eq!((result.load.offered, result.load.acknowledged), (DOCUMENTS, DOCUMENTS));
    assert_eq!(acknowledged(&result).intervals().collect::<Vec<_>>(), [0..=DOCUMENTS - 1]);
    let mut one = LoadResult::none();
    (1..=DOCUMENTS).for_each(|us| one.latency_us.record(us).expect("below an hour"));
    assert_eq!(result.load.ack_latency_ms(), one.ack_latency_ms(), "those of one histogram over all");
    assert_eq!(fleet.rows.lock().expect("rows").iter().sum::<u64>(), DOCUMENTS, "its rows add up");
    let mut acted = fleet.tasks.acted.lock().expect("acted").clone();
    acted.sort_by_key(|(worker, _)| *worker);
    assert_eq!(acted, [1, 2, 3].map(|worker| (worker, Action::Rate(400.0))));
    assert_eq!(result.load.actions, [done]);
    assert!(fleet.told().is_empty() && result.problems.is_empty(), "{:?}", fleet.told());
    let pulse: Pulse = read(&*fleet.tasks.place, COORDINATOR).await.expect("read").expect("a heartbeat");
    assert!(pulse.start.is_some() && pulse.orders == 1, "{pulse:?}");
}

#[tokio::test(start_paused = true)]
async fn another_worker_finishes_what_a_dead_one_began() {
    for fate in [Fate::Dies(400), Fate::FallsSilent(400)] {
        let fleet = Fleet::new(Tasks::fated([((2, 1), fate)]));
        let result = fleet.run(fleet.coordinator().0, &Cancel::new()).await.expect("a result");
        let sent = fleet.sent();
        assert_eq!(sent.len(), DOCUMENTS as usize, "each was sent");
        assert_eq!(acknowledged(&result).count(), DOCUMENTS);
        assert_eq!((result.load.offered, result.load.acknowledged, result.load.failed), (DOCUMENTS, DOCUMENTS, 0));
        // What the log does not have that was handed in last is sent again, a second's worth at most.
        let twice = sent.values().filter(|times| **times == 2).count();
        assert!(twice <= 220 && sent.values().all(|times| *times <= 2), "{twice}");
        let [told] = &fleet.told()[..] else { panic!("{:?}", fleet.told()) };
        assert!(told.starts_with("worker 2/3 ended (") && told.contains("; another goes on from document "), "{told}");
        assert_eq!(told.contains("no heartbeat for 60 s"), matches!(fate, Fate::FallsSilent(_)), "{told}");
        assert!(result.problems.is_empty(), "{:?}", result.problems);
    }
}

#[tokio::test(start_paused = true)]
async fn another_worker_goes_on_where_one_left_that_was_told_to() {
    let fleet = Fleet::new(Tasks::fated([((2, 1), Fate::Leaves(400))]));
    let result = fleet.run(fleet.coordinator().0, &Cancel::new()).await.expect("a result");
    assert!(fleet.sent().len() == DOCUMENTS as usize && fleet.sent().values().all(|times| *times == 1));
    let load = &result.load;
    assert_eq!((load.offered, load.acknowledged, load.cancelled), (DOCUMENTS, DOCUMENTS, false));
    assert_eq!(acknowledged(&result).count(), DOCUMENTS);
    assert_eq!(fleet.told(), ["worker 2/3 was told to end; another goes on with its part"]);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_offers_is_counted() {
    let dies = (1..=4).map(|generation| ((3, generation), Fate::Dies(100)));
    let fleet = Fleet::new(Tasks::fated(dies));
    let result = fleet.run(fleet.coordinator().0, &Cancel::new()).await.expect("a result");
    let [problem] = &result.problems[..] else { panic!("{:?}", result.problems) };
    let missing = problem.strip_prefix("worker 3/3 ended (signal 9, as others had before it): ").expect(problem);
    let missing: u64 = missing.split(' ').next().expect("a number").parse().expect(problem);
    assert_eq!(result.load.offered, result.load.acknowledged + result.load.failed);
    assert_eq!(result.load.offered + missing, DOCUMENTS, "{problem}");
    assert_eq!(acknowledged(&result).count(), result.load.acknowledged);
    assert!(missing >= 600, "of 1,000, at most 400 were sent: {problem}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_cannot_go_on_ends_all_in_order() {
    let fleet = Fleet::new(Tasks::fated([((1, 1), Fate::Fails)]));
    let error = fleet.run(fleet.coordinator().0, &Cancel::new()).await.err().expect("no result").to_string();
    assert_eq!(error, "worker 1/3: a broken workload");
    let mut ended = fleet.tasks.ended.lock().expect("ended").clone();
    ended.sort_unstable();
    assert_eq!(ended, [2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_load_ends_in_order() {
    let fleet = Fleet::new(Tasks::default());
    let (cancel, (coordinator, _control)) = (Cancel::new(), fleet.coordinator());
    let cancelling = async {
        while fleet.sent().len() < 300 {
            sleep(Duration::from_millis(50)).await;
        }
        cancel.raise();
    };
    let (result, ()) = tokio::join!(fleet.run(coordinator, &cancel), cancelling);
    let result = result.expect("a result");
    let sent = fleet.sent().len() as u64;
    assert!((300..DOCUMENTS).contains(&sent), "{sent}");
    assert_eq!((result.load.acknowledged, acknowledged(&result).count()), (sent, sent));
    assert!(result.problems.is_empty() && fleet.told().is_empty(), "{:?}", fleet.told());
}

#[tokio::test(start_paused = true)]
async fn workers_end_by_themselves_when_their_coordinator_is_gone() {
    let fleet = Fleet::new(Tasks { outlives: true, ..Tasks::default() });
    let (coordinator, cancel) = (fleet.coordinator().0, Cancel::new());
    let some_are_sent = async {
        while fleet.sent().len() < 30 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        _ = fleet.run(coordinator, &cancel) => panic!("it is not over"),
        () = some_are_sent => {}
    }
    // It would take them 5 s more, and 60 until they miss the heartbeat.
    let text = fleet.tasks.place.get(COORDINATOR).await.expect("read").expect("a heartbeat");
    let pulse: Pulse = serde_json::from_slice(&text.text).expect("a heartbeat");
    assert_eq!(pulse.lease, Duration::from_secs(60));
    let shorter = Pulse { beat: pulse.beat + 1, lease: Duration::from_secs(1), ..pulse };
    let shorter = serde_json::to_vec(&shorter).expect("JSON");
    fleet.tasks.place.put(COORDINATOR, shorter, Some(&text.version)).await.expect("put");
    let all_ended = async {
        while fleet.tasks.ended.lock().expect("ended").len() < 3 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, all_ended).await.expect("their end");
    assert!(fleet.sent().len() < DOCUMENTS as usize, "before they had sent all");
}

#[tokio::test]
async fn an_object_is_replaced_by_its_writer_alone_even_when_answers_are_lost() {
    let place = InMemory::default();
    let mut slot = Slot::new("status");
    for (value, lost) in [(1, 0), (2, 1), (3, 0), (4, 1)] {
        *place.loses.lock().expect("a test that failed") = lost;
        slot.write(&place, &value).await.expect("written");
        assert_eq!(read::<i32>(&place, "status").await.expect("read"), Some(value));
    }
    let version = place.get("status").await.expect("read").expect("it").version;
    place.put("status", b"5".to_vec(), Some(&version)).await.expect("by another");
    assert!(matches!(slot.write(&place, &6).await, Err(RendezvousError::Taken { .. })));
    place.clear().await.expect("cleared");
    assert!(matches!(slot.write(&place, &7).await, Err(RendezvousError::Gone(_))));
}

#[tokio::test]
async fn an_object_that_another_version_wrote_is_named() {
    let place = InMemory::default();
    place.put(COORDINATOR, b"{}".to_vec(), None).await.expect("put");
    let error = read::<Pulse>(&place, COORDINATOR).await.expect_err("no heartbeat").to_string();
    assert!(
        error.starts_with("coordinator in memory is not what this version of `demo` writes: missing field"),
        "{error}"
    );
}
