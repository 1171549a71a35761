//! Workers as tasks of a service that starts them after a while, when it has room, and says from afar how they ended.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{sync::Semaphore, task::JoinHandle, time::sleep};

use super::{
    launch::{Launcher, Running},
    message::Seat,
};
use crate::engine::{Cause, ProviderError};

/// Between two looks at whether tasks have stopped.
const DESCRIBED_EVERY: Duration = Duration::from_secs(10);
/// Tasks that are asked for in a call (ECS API reference, DescribeTasks).
const DESCRIBED_AT_A_TIME: usize = 100;
/// How often it is asked for, with pauses that double: for some four minutes.
const TRIES: u32 = 12;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Starts, and stops, that are under way at a time.
const CALLS: usize = 16;

/// A service that runs tasks.
#[async_trait]
pub trait TaskService: Send + Sync + 'static {
    /// Starts the task of a seat and returns its identity. The same seat again is the same task; where it had no room, it may
    /// have some elsewhere.
    async fn start(&self, seat: Seat) -> Result<String, ProviderError>;

    /// Those of the tasks that have stopped, or that it does not know, each with why.
    async fn stopped(&self, tasks: &[String]) -> Result<Vec<(String, String)>, ProviderError>;

    /// Those that run for this run, whoever started them, each with its seat.
    async fn running(&self) -> Result<Vec<(String, Seat)>, ProviderError>;

    /// Stops a task; one that has stopped stays so.
    async fn stop(&self, task: &str) -> Result<(), ProviderError>;
}

/// Starts workers as tasks.
pub struct Tasks {
    all: Arc<All>,
    watching: JoinHandle<()>,
    starts_within: Duration,
}

struct All {
    service: Box<dyn TaskService>,
    states: Mutex<HashMap<Seat, State>>,
    /// Starts and stops under way.
    calls: Mutex<Vec<JoinHandle<()>>>,
    /// Tasks that could not be stopped.
    problems: Mutex<Vec<String>>,
    slots: Semaphore,
}

enum State {
    /// It is asked for.
    Starting,
    Runs(String),
    Stopped(String),
    /// Nobody wants it any more.
    Ended,
    /// It goes on, whatever becomes of this process.
    Released,
}

impl Tasks {
    /// Of this service. From when a task is asked for until its worker is heard of, it may take so long: for the service's room, the
    /// image, the program.
    pub fn new(service: Box<dyn TaskService>, starts_within: Duration) -> Self {
        let (states, calls, problems) = Default::default();
        let all = Arc::new(All { service, states, calls, problems, slots: Semaphore::new(CALLS) });
        let watched = all.clone();
        let watching = tokio::spawn(async move {
            loop {
                sleep(DESCRIBED_EVERY).await;
                watched.look().await;
            }
        });
        Self { all, watching, starts_within }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

#[async_trait]
impl Launcher for Tasks {
    fn launch(&self, seat: Seat) -> io::Result<Box<dyn Running>> {
        held(&self.all.states).insert(seat, State::Starting);
        let all = self.all.clone();
        self.all.call(async move { all.start(seat).await });
        Ok(Box::new(Task { seat, all: self.all.clone() }))
    }

    fn starts_within(&self) -> Duration {
        self.starts_within
    }

    async fn adopt(&self, seats: &[Seat]) -> io::Result<Option<Vec<Box<dyn Running>>>> {
        let running = self.all.service.running().await.map_err(io::Error::other)?;
        let mut states = held(&self.all.states);
        let adopted = seats.iter().map(|seat| {
            let task = running.iter().find(|(_, of)| of == seat).map(|(task, _)| task.clone());
            states.insert(*seat, task.map_or(State::Starting, State::Runs));
            Box::new(Task { seat: *seat, all: self.all.clone() }) as Box<dyn Running>
        });
        Ok(Some(adopted.collect()))
    }

    async fn close(&self) -> Vec<String> {
        self.all.until_called().await;
        // One whose start had no answer may run all the same.
        self.all.look().await;
        self.all.until_called().await;
        std::mem::take(&mut *held(&self.all.problems))
    }
}

impl All {
    /// Makes a call beside everything else.
    fn call(&self, call: impl Future<Output = ()> + Send + 'static) {
        held(&self.calls).push(tokio::spawn(call));
    }

    /// Waits for all calls under way. A start that nobody waits for any more may become a stop.
    async fn until_called(&self) {
        loop {
            let calls = std::mem::take(&mut *held(&self.calls));
            if calls.is_empty() {
                return;
            }
            for call in calls {
                let ended = call.await;
                held(&self.problems).extend(ended.err().map(|error| error.to_string()));
            }
        }
    }

    async fn start(self: Arc<Self>, seat: Seat) {
        let (mut attempt, mut pause) = (0, FIRST_PAUSE);
        while !self.is_ended(seat) {
            let started = {
                let _slot = self.slots.acquire().await;
                if self.is_ended(seat) {
                    return;
                }
                self.service.start(seat).await
            };
            match started {
                Ok(task) => return self.started(seat, task),
                Err(error) if passes(&error) && attempt + 1 < TRIES => sleep(pause).await,
                Err(error) => return self.put(seat, State::Stopped(error.to_string())),
            }
            (attempt, pause) = (attempt + 1, LONGEST_PAUSE.min(pause * 2));
        }
    }

    /// A task has started, or was found; one whose seat is not the present one of its part any more is stopped.
    fn started(self: &Arc<Self>, seat: Seat, task: String) {
        let is_wanted = {
            let mut states = held(&self.states);
            match states.get(&seat) {
                Some(State::Starting) => {
                    states.insert(seat, State::Runs(task.clone()));
                    true
                }
                Some(State::Runs(known)) => *known == task,
                Some(State::Released) => true,
                Some(State::Stopped(_) | State::Ended) => false,
                // Another process may have started a later one.
                None => !states.keys().any(|of| of.part == seat.part && of.generation > seat.generation),
            }
        };
        if !is_wanted {
            self.stop(task);
        }
    }

    /// Stops a task, as long as that may yet be possible.
    fn stop(self: &Arc<Self>, task: String) {
        let all = self.clone();
        self.call(async move {
            let mut pause = FIRST_PAUSE;
            for attempt in 1.. {
                let stopped = {
                    let _slot = all.slots.acquire().await;
                    all.service.stop(&task).await
                };
                match stopped {
                    Ok(()) => return,
                    Err(error) if passes(&error) && attempt < TRIES => sleep(pause).await,
                    Err(error) => return held(&all.problems).push(error.to_string()),
                }
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        });
    }

    /// Looks which tasks run that should not, and which have stopped; what cannot be asked now is asked the next time.
    async fn look(self: &Arc<Self>) {
        for (task, seat) in self.service.running().await.unwrap_or_default() {
            self.started(seat, task);
        }
        let running = |(seat, state): (&Seat, &State)| match state {
            State::Runs(task) => Some((task.clone(), *seat)),
            _ => None,
        };
        let seats: HashMap<String, Seat> = held(&self.states).iter().filter_map(running).collect();
        let tasks: Vec<String> = seats.keys().cloned().collect();
        for tasks in tasks.chunks(DESCRIBED_AT_A_TIME) {
            let Ok(stopped) = self.service.stopped(tasks).await else { continue };
            for (task, why) in stopped {
                seats.get(&task).into_iter().for_each(|seat| self.put(*seat, State::Stopped(why.clone())));
            }
        }
    }

    /// Whether nobody wants a seat's task any more.
    fn is_ended(&self, seat: Seat) -> bool {
        matches!(held(&self.states).get(&seat), Some(State::Ended))
    }

    fn put(&self, seat: Seat, state: State) {
        let mut states = held(&self.states);
        if !matches!(states.get(&seat), Some(State::Ended)) {
            states.insert(seat, state);
        }
    }
}

/// Whether the same call may find room later.
fn passes(error: &ProviderError) -> bool {
    matches!(error.cause, Cause::Transient(_) | Cause::Unreachable)
}

fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Task {
    seat: Seat,
    all: Arc<All>,
}

impl Running for Task {
    fn ended(&mut self) -> Option<String> {
        match held(&self.all.states).get(&self.seat) {
            Some(State::Stopped(why)) => Some(why.clone()),
            _ => None,
        }
    }

    fn kill(&mut self) {
        let before = {
            let mut states = held(&self.all.states);
            if matches!(states.get(&self.seat), Some(State::Released)) {
                return;
            }
            states.insert(self.seat, State::Ended)
        };
        if let Some(State::Runs(task)) = before {
            self.all.stop(task);
        }
    }

    fn release(self: Box<Self>) {
        held(&self.all.states).insert(self.seat, State::Released);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::{engine::Transient, load::Part};

    const STARTS_WITHIN: Duration = Duration::from_secs(600);

    /// A service with room for nobody at first.
    #[derive(Default)]
    struct Service {
        /// It refuses so many starts.
        refuses: Mutex<u32>,
        forbids: bool,
        started: Mutex<Vec<Seat>>,
        /// Those that have stopped by themselves.
        stopped: Mutex<Vec<String>>,
        /// Those that were stopped.
        stops: Mutex<Vec<String>>,
        /// How many tasks were described in each call.
        described: Mutex<Vec<usize>>,
    }

    fn failed(cause: Cause, message: &str) -> ProviderError {
        let (call, resource, message) = ("ecs RunTask".to_owned(), "friday".to_owned(), message.to_owned());
        ProviderError { cause, call, resource, message, advice: String::new() }
    }

    fn named(seat: Seat) -> String {
        format!("task/{seat}.{}", seat.generation)
    }

    #[async_trait]
    impl TaskService for Arc<Service> {
        async fn start(&self, seat: Seat) -> Result<String, ProviderError> {
            held(&self.started).push(seat);
            sleep(Duration::from_millis(100)).await;
            if self.forbids {
                return Err(failed(Cause::Permission, "AccessDeniedException"));
            }
            let mut refuses = held(&self.refuses);
            if *refuses > 0 {
                *refuses -= 1;
                return Err(failed(Cause::Transient(Transient::Rate), "Capacity is unavailable at this time"));
            }
            Ok(named(seat))
        }

        async fn stopped(&self, tasks: &[String]) -> Result<Vec<(String, String)>, ProviderError> {
            held(&self.described).push(tasks.len());
            let stopped = held(&self.stopped).clone();
            let stopped = stopped.into_iter().filter(|task| tasks.contains(task));
            Ok(stopped.map(|task| (task, "OutOfMemoryError".to_owned())).collect())
        }

        async fn running(&self) -> Result<Vec<(String, Seat)>, ProviderError> {
            let stopped = [held(&self.stopped).clone(), held(&self.stops).clone()].concat();
            let started = held(&self.started).clone().into_iter().map(|seat| (named(seat), seat));
            Ok(started.filter(|(task, _)| !stopped.contains(task)).collect())
        }

        async fn stop(&self, task: &str) -> Result<(), ProviderError> {
            sleep(Duration::from_millis(100)).await;
            held(&self.stops).push(task.to_owned());
            Ok(())
        }
    }

    fn seat(worker: u32, of: u32) -> Seat {
        Seat { part: Part { worker, of }, generation: 1 }
    }

    /// How a worker ended, once that is known, and when.
    async fn end(of: &mut dyn Running) -> (String, Duration) {
        let began = Instant::now();
        loop {
            if let Some(how) = of.ended() {
                return (how, began.elapsed());
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_is_asked_for_until_there_is_room_and_its_end_is_seen() {
        let service = Arc::new(Service { refuses: Mutex::new(2), ..Service::default() });
        let tasks = Tasks::new(Box::new(service.clone()), STARTS_WITHIN);
        let mut task = tasks.launch(seat(1, 1)).expect("asked for");
        sleep(Duration::from_secs(5)).await;
        assert_eq!(*held(&service.started), [seat(1, 1); 3]);
        assert_eq!(task.ended(), None);
        held(&service.stopped).push(named(seat(1, 1)));
        let (how, after) = end(&mut *task).await;
        assert!(how == "OutOfMemoryError" && after <= DESCRIBED_EVERY, "{how} after {after:?}");
        drop(task);
        assert!(tasks.close().await.is_empty() && held(&service.stops).is_empty(), "it had stopped");
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_no_room_for_long_or_is_forbidden_is_said() {
        let full = Arc::new(Service { refuses: Mutex::new(u32::MAX), ..Service::default() });
        let tasks = Tasks::new(Box::new(full.clone()), STARTS_WITHIN);
        let (how, after) = end(&mut *tasks.launch(seat(1, 1)).expect("asked for")).await;
        assert!(how.starts_with("ecs RunTask on friday: Capacity is unavailable"), "{how}");
        assert_eq!(held(&full.started).len(), TRIES as usize);
        assert!(after > Duration::from_secs(120) && after < STARTS_WITHIN / 2, "{after:?}");
        let forbidden = Arc::new(Service { forbids: true, ..Service::default() });
        let tasks = Tasks::new(Box::new(forbidden.clone()), STARTS_WITHIN);
        let (how, _) = end(&mut *tasks.launch(seat(1, 1)).expect("asked for")).await;
        assert!(how.contains("AccessDeniedException") && held(&forbidden.started).len() == 1, "{how}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_nobody_wants_is_stopped_also_if_it_starts_only_then() {
        let service = Arc::new(Service::default());
        let tasks = Tasks::new(Box::new(service.clone()), STARTS_WITHIN);
        let mut runs = tasks.launch(seat(1, 2)).expect("asked for");
        sleep(Duration::from_secs(1)).await;
        let starts = tasks.launch(seat(2, 2)).expect("asked for");
        sleep(Duration::from_millis(50)).await;
        runs.kill();
        drop((runs, starts));
        assert!(tasks.close().await.is_empty());
        let mut stops = held(&service.stops).clone();
        stops.sort();
        assert_eq!(stops, [named(seat(1, 2)), named(seat(2, 2))], "each once");
    }

    #[tokio::test(start_paused = true)]
    async fn released_tasks_go_on_and_another_process_adopts_those_that_run() {
        let service = Arc::new(Service::default());
        let tasks = Tasks::new(Box::new(service.clone()), STARTS_WITHIN);
        let started: Vec<_> = (1..=2).map(|worker| tasks.launch(seat(worker, 2)).expect("asked for")).collect();
        sleep(Duration::from_secs(1)).await;
        started.into_iter().for_each(Running::release);
        assert!(tasks.close().await.is_empty() && held(&service.stops).is_empty(), "they go on");
        held(&service.stopped).push(named(seat(1, 2)));
        let others = Tasks::new(Box::new(service.clone()), STARTS_WITHIN);
        let mut adopted = others.adopt(&[seat(1, 2), seat(2, 2)]).await.expect("asked").expect("tasks are adopted");
        assert_eq!(
            adopted.iter_mut().map(|task| task.ended()).collect::<Vec<_>>(),
            [None, None],
            "the first may still start"
        );
        drop(adopted);
        assert!(others.close().await.is_empty());
        assert_eq!(*held(&service.stops), [named(seat(2, 2))]);
    }

    #[tokio::test(start_paused = true)]
    async fn many_tasks_are_looked_at_a_hundred_at_a_time() {
        let service = Arc::new(Service::default());
        let tasks = Tasks::new(Box::new(service.clone()), STARTS_WITHIN);
        let all: Vec<_> = (1..=250).map(|worker| tasks.launch(seat(worker, 250)).expect("asked for")).collect();
        sleep(DESCRIBED_EVERY + Duration::from_secs(1)).await;
        let mut described = held(&service.described).clone();
        described.sort_unstable();
        assert_eq!(described, [50, 100, 100]);
        drop(all);
        assert!(tasks.close().await.is_empty() && held(&service.stops).len() == 250);
    }
}
