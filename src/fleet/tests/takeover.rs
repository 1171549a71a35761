//! A coordinator in place of another that is gone, or has left its workers to themselves.

use tokio::task::AbortHandle;

use super::*;

/// A worker that another coordinator started.
pub(super) struct Adopted(pub(super) Option<AbortHandle>);

impl Running for Adopted {
    fn ended(&mut self) -> Option<String> {
        self.0.as_ref().is_some_and(AbortHandle::is_finished).then(|| "its task is gone".to_owned())
    }

    fn kill(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Fleet {
    /// Of workers that outlive their coordinator.
    fn outliving(fates: impl IntoIterator<Item = ((u32, u32), Fate)>) -> Self {
        Self::new(Tasks { outlives: true, between: Duration::from_millis(25), ..Tasks::fated(fates) })
    }

    async fn until_sent(&self, documents: usize) {
        let sent = async {
            while self.sent().len() < documents {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, sent).await.expect("so many are sent");
    }

    /// Its coordinator is killed when so many documents are sent.
    async fn led_until_sent(&self, documents: usize) {
        let (coordinator, _control) = self.coordinator();
        let cancel = Cancel::new();
        tokio::select! {
            _ = self.run(coordinator, &cancel) => panic!("it is not over"),
            () = self.until_sent(documents) => {}
        }
    }

    async fn taken_over(&self) -> Result<Coordinator, FleetError> {
        let place = self.tasks.place.clone();
        let unled = until_unled(&*place).await?;
        let plan = plan_of(&*place).await.expect("a plan");
        Coordinator::take_over(place, Box::new(self.tasks.clone()), control().1, (unled, plan), (DOCUMENTS, 3), 4).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_whose_coordinator_was_killed_ends_as_if_it_had_not_been() {
    let fleet = Fleet::outliving([]);
    fleet.led_until_sent(60).await;
    let led = fleet.taken_over().await.expect("the lead");
    assert!(led.elapsed() > 15.0 && fleet.sent().len() < DOCUMENTS as usize, "{} s", led.elapsed());
    let result = fleet.run(led, &Cancel::new()).await.expect("a result");
    assert!(fleet.sent().len() == DOCUMENTS as usize && fleet.sent().values().all(|times| *times == 1));
    assert_eq!((result.load.offered, result.load.acknowledged), (DOCUMENTS, DOCUMENTS));
    assert_eq!(acknowledged(&result).count(), DOCUMENTS);
    let mut one = LoadResult::none();
    (1..=DOCUMENTS).for_each(|us| one.latency_us.record(us).expect("below an hour"));
    assert_eq!(result.load.ack_latency_ms(), one.ack_latency_ms(), "those of one histogram over all");
    assert!(fleet.told().is_empty() && result.problems.is_empty(), "{:?}", fleet.told());
}

#[tokio::test(start_paused = true)]
async fn workers_that_died_while_nobody_led_or_before_are_replaced_and_what_they_did_is_counted() {
    // The first of part 1 dies while it is led, that of part 2 while nobody leads.
    let fleet = Fleet::outliving([((1, 1), Fate::Dies(50)), ((2, 1), Fate::Dies(450))]);
    fleet.led_until_sent(900).await;
    fleet.until_sent(1_400).await;
    let led = fleet.taken_over().await.expect("the lead");
    let result = fleet.run(led, &Cancel::new()).await.expect("a result");
    let sent = fleet.sent();
    assert_eq!((sent.len() as u64, acknowledged(&result).count()), (DOCUMENTS, DOCUMENTS));
    assert_eq!((result.load.offered, result.load.acknowledged, result.load.failed), (DOCUMENTS, DOCUMENTS, 0));
    let told = fleet.told();
    assert_eq!(told.iter().filter(|text| text.contains("another goes on from")).count(), 2, "{told:?}");
    assert!(told.iter().any(|text| text.starts_with("worker 2/3 ended (its task is gone)")), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_detached_load_goes_on_alone_and_is_collected_later() {
    let fleet = Fleet::outliving([]);
    let (coordinator, control) = fleet.coordinator();
    let told = |_: FleetEvent<'_>| {};
    let left = coordinator.run_until_started(&Cancel::new(), &told).await.expect("started");
    assert!(left.is_none() && fleet.sent().len() < 100, "{}", fleet.sent().len());
    drop(control);
    fleet.until_sent(DOCUMENTS as usize).await;
    sleep(Duration::from_secs(600)).await;
    assert!(fleet.tasks.ended.lock().expect("ended").is_empty(), "nobody told them to end");
    let result = fleet.run(fleet.taken_over().await.expect("the lead"), &Cancel::new()).await.expect("a result");
    assert_eq!((result.load.offered, result.load.acknowledged), (DOCUMENTS, DOCUMENTS));
    assert_eq!(acknowledged(&result).count(), DOCUMENTS);
    assert!(fleet.sent().values().all(|times| *times == 1) && result.problems.is_empty(), "{:?}", result.problems);
}

#[tokio::test(start_paused = true)]
async fn a_detached_load_ends_when_its_stack_is_to_be_gone() {
    let soon = since_1970() + Duration::from_secs(4);
    let fleet = Fleet { expires: i64::try_from(soon.as_millis()).ok(), ..Fleet::outliving([]) };
    let (coordinator, _control) = fleet.coordinator();
    let told = |_: FleetEvent<'_>| {};
    assert!(coordinator.run_until_started(&Cancel::new(), &told).await.expect("started").is_none());
    let all_ended = async {
        while fleet.tasks.ended.lock().expect("ended").len() < 3 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, all_ended).await.expect("their end");
    assert!((100..DOCUMENTS as usize).contains(&fleet.sent().len()), "{}", fleet.sent().len());
}

#[tokio::test(start_paused = true)]
async fn orders_of_the_coordinator_before_are_known_and_a_stopped_load_stays_stopped() {
    let fleet = Fleet::outliving([]);
    let (coordinator, control) = fleet.coordinator();
    let stopped = async {
        fleet.until_sent(300).await;
        control.act(Action::Rate(400.0)).await.expect("done");
        control.act(Action::Stop).await.expect("done")
    };
    let cancel = Cancel::new();
    tokio::select! {
        _ = fleet.run(coordinator, &cancel) => panic!("it is not over"),
        _ = stopped => {}
    }
    let led = fleet.taken_over().await.expect("the lead");
    let result = fleet.run(led, &Cancel::new()).await.expect("a result");
    let actions: Vec<_> = result.load.actions.iter().map(|done| done.action.clone()).collect();
    assert_eq!(actions, [Action::Rate(400.0), Action::Stop]);
    assert!(result.load.actions[0].at < result.load.actions[1].at, "{:?}", result.load.actions);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_beaten_to_the_lead_leaves_the_workers_alone() {
    let fleet = Fleet::outliving([]);
    fleet.led_until_sent(60).await;
    let place = fleet.tasks.place.clone();
    let (first, second) = tokio::join!(until_unled(&*place), until_unled(&*place));
    let plan = plan_of(&*place).await.expect("a plan");
    let lead = async |unled| {
        let launcher = Box::new(fleet.tasks.clone());
        Coordinator::take_over(place.clone(), launcher, control().1, (unled, plan.clone()), (DOCUMENTS, 3), 4).await
    };
    let led = lead(first.expect("unled")).await.expect("the lead");
    let refused = lead(second.expect("unled")).await.expect_err("it is led").to_string();
    assert!(refused.starts_with("another process leads the run"), "{refused}");
    // A leader that slept finds out that another has taken its place.
    let successor = fleet.taken_over().await.expect("the lead");
    let beaten = fleet.run(led, &Cancel::new()).await.err().map(|error| error.to_string());
    assert_eq!(beaten.as_deref(), Some("another process leads the run: its heartbeat in memory goes on"));
    let result = fleet.run(successor, &Cancel::new()).await.expect("a result");
    assert_eq!((result.load.acknowledged, fleet.sent().len() as u64), (DOCUMENTS, DOCUMENTS));
    assert!(fleet.sent().values().all(|times| *times == 1), "nobody was stopped");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_starts_when_it_has_a_successor_ends_at_once() {
    let fleet = Fleet::outliving([]);
    fleet.led_until_sent(60).await;
    let place = fleet.tasks.place.clone();
    let seat = Seat { part: Part { worker: 2, of: 3 }, generation: 1 };
    place.put(&seat.next().assignment(), b"{}".to_vec(), None).await.expect("put");
    let error = Member::join(place, seat).await.err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("another worker has part 2/3 by now"));
}

#[tokio::test(start_paused = true)]
async fn a_load_that_is_led_is_not_taken_over() {
    let fleet = Fleet::new(Tasks { between: Duration::from_millis(25), ..Tasks::default() });
    let (coordinator, _control) = fleet.coordinator();
    let (cancel, taking) = (Cancel::new(), async {
        fleet.until_sent(30).await;
        fleet.taken_over().await.expect_err("no lead").to_string()
    });
    let (result, refused) = tokio::join!(fleet.run(coordinator, &cancel), taking);
    assert_eq!(refused, "another process leads the run: its heartbeat in memory goes on");
    assert_eq!(result.expect("a result").load.acknowledged, DOCUMENTS);
}

#[test]
fn the_seat_of_an_assignment_is_read_from_its_name() {
    let seat = Seat { part: Part { worker: 2, of: 3 }, generation: 4 };
    assert_eq!(Seat::of_assignment(&seat.assignment()), Some(seat));
    for other in ["status-2-of-3.4", "seat-2-of-3", "seat-0-of.1", "plan"] {
        assert_eq!(Seat::of_assignment(other), None, "{other}");
    }
}
