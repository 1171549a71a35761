//! A bucket in memory, in simulated time: it takes as long as S3 does, and counts who asks for what.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use kinesis_demo::{
    engine::mirror::{Put, Reflected},
    fleet::{Rendezvous, RendezvousError},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, sleep};

/// How long a call takes: most of them something within the first, one in a hundred the second.
const GET: (std::ops::Range<u64>, u64) = (15..60, 500);
const PUT: (std::ops::Range<u64>, u64) = (30..100, 800);
const SLOW: f64 = 0.01;

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Coordinator,
    Worker,
}

/// Requests of some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    pub gets: u64,
    pub puts: u64,
    /// What the gets answered with.
    pub got_bytes: u64,
}

impl Requests {
    fn add(&mut self, more: Self) {
        self.gets += more.gets;
        self.puts += more.puts;
        self.got_bytes += more.got_bytes;
    }
}

/// What was asked, second by second.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub coordinator: Vec<Requests>,
    pub workers: Vec<Requests>,
}

impl Asked {
    /// All requests of both, in each second.
    pub fn seconds(&self) -> Vec<Requests> {
        let at = |of: &[Requests], second: usize| of.get(second).copied().unwrap_or_default();
        let both = |second| {
            let mut all = at(&self.coordinator, second);
            all.add(at(&self.workers, second));
            all
        };
        (0..self.coordinator.len().max(self.workers.len())).map(both).collect()
    }

    /// All of some seconds together.
    pub fn sum(seconds: &[Requests]) -> Requests {
        let mut all = Requests::default();
        seconds.iter().for_each(|second| all.add(*second));
        all
    }
}

struct Contents {
    objects: HashMap<String, (u64, Vec<u8>)>,
    asked: Asked,
    random: StdRng,
    began: Instant,
}

/// One caller's way to the bucket.
#[derive(Clone)]
pub struct Bucket {
    contents: Arc<Mutex<Contents>>,
    who: Who,
}

impl Bucket {
    pub fn new() -> Self {
        let (objects, asked, random) = (HashMap::new(), Asked::default(), StdRng::seed_from_u64(1));
        let contents = Contents { objects, asked, random, began: Instant::now() };
        Self { contents: Arc::new(Mutex::new(contents)), who: Who::Coordinator }
    }

    /// The same bucket, for another caller.
    pub fn of(&self, who: Who) -> Self {
        Self { who, ..self.clone() }
    }

    /// What was asked so far.
    pub fn asked(&self) -> Asked {
        self.contents().asked.clone()
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().expect("nobody panicked")
    }

    /// Counts a call, and says how long it takes.
    fn call(&self, call: Requests) -> Duration {
        let mut contents = self.contents();
        let second = contents.began.elapsed().as_secs() as usize;
        let seconds = match self.who {
            Who::Coordinator => &mut contents.asked.coordinator,
            Who::Worker => &mut contents.asked.workers,
        };
        if seconds.len() <= second {
            seconds.resize(second + 1, Requests::default());
        }
        seconds[second].add(call);
        let (usual, slow) = if call.puts > 0 { PUT } else { GET };
        let is_slow = contents.random.random_bool(SLOW);
        Duration::from_millis(if is_slow { slow } else { contents.random.random_range(usual) })
    }
}

#[async_trait]
impl Rendezvous for Bucket {
    fn title(&self) -> String {
        "a bucket in memory".to_owned()
    }

    async fn get(&self, name: &str) -> Result<Option<Reflected>, RendezvousError> {
        sleep(self.call(Requests { gets: 1, ..Requests::default() })).await;
        let found = self.contents().objects.get(name).cloned();
        let found = found.map(|(version, text)| Reflected { text, version: version.to_string() });
        if let Some(found) = &found {
            self.call(Requests { got_bytes: found.text.len() as u64, ..Requests::default() });
        }
        Ok(found)
    }

    async fn put(&self, name: &str, text: Vec<u8>, replaces: Option<&str>) -> Result<Put, RendezvousError> {
        sleep(self.call(Requests { puts: 1, ..Requests::default() })).await;
        let mut contents = self.contents();
        let version = contents.objects.get(name).map(|(version, _)| *version);
        if version.map(|version| version.to_string()).as_deref() != replaces {
            return Ok(Put::Beaten);
        }
        let version = version.unwrap_or(0) + 1;
        contents.objects.insert(name.to_owned(), (version, text));
        Ok(Put::Done(version.to_string()))
    }

    async fn list(&self) -> Result<Vec<String>, RendezvousError> {
        let mut names: Vec<_> = self.contents().objects.keys().cloned().collect();
        names.sort();
        Ok(names)
    }

    async fn clear(&self) -> Result<(), RendezvousError> {
        self.contents().objects.clear();
        Ok(())
    }
}
