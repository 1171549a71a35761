//! A stream in simulated time: shards that refuse what goes beyond their limits, behind a network that takes its time.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use kinesis_producer::{
    Answer, Format, Record, Request, RequestError, Transport, Wants,
    shard_map::{DescribeError, ShardMap},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, sleep};

use crate::stream_model::{Counting, Stream, Throughput};

/// Milliseconds from a request to its answer.
const LATENCY: std::ops::RangeInclusive<u64> = 5..=20;

/// What happened within one second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub accepted: u64,
    pub accepted_bytes: u64,
    pub refused: u64,
}

/// The stream. Clones are one stream.
#[derive(Clone)]
pub struct Model(Arc<Inner>);

struct Inner {
    is_map_known: bool,
    counting: Counting,
    limit: Throughput,
    start: Instant,
    state: Mutex<State>,
}

struct State {
    stream: Stream,
    seconds: Vec<Tally>,
    rng: StdRng,
}

impl Model {
    /// Begins now. A map that is not known is one that the caller may not ask for.
    pub fn new(shards: usize, counting: Counting, limit: Throughput, is_map_known: bool) -> Self {
        let state = State {
            stream: Stream::new(shards).counting(),
            seconds: Vec::new(),
            rng: StdRng::seed_from_u64(shards as u64),
        };
        Self(Arc::new(Inner { is_map_known, counting, limit, start: Instant::now(), state: Mutex::new(state) }))
    }

    /// A record that the stream will know again by its number.
    pub fn record(number: u64, bytes: usize, partition_key: String) -> Record {
        let mut data = number.to_le_bytes().to_vec();
        data.resize(bytes, b'.');
        Record::new(data, partition_key)
    }

    /// What happened in each second.
    pub fn seconds(&self) -> Vec<Tally> {
        self.state().seconds.clone()
    }

    /// Of so many different records that were offered: how many never arrived, and how many copies too many did.
    pub fn lost_and_doubled(&self, offered: u64) -> (u64, u64) {
        let state = self.state();
        (offered - state.stream.written() as u64, state.stream.extra_copies() as u64)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("a scenario that failed")
    }

    fn latency(&self) -> Duration {
        Duration::from_millis(self.state().rng.random_range(LATENCY))
    }

    fn answer(&self, request: &Request) -> Answer {
        let (mut state, mut answer) = (self.state(), Answer::builder());
        let now = self.0.start.elapsed().as_secs_f64();
        for record in request.body.records() {
            let is_accepted = state.stream.takes(&record, self.0.limit, self.0.counting, now);
            state.tally(now, record.size(), is_accepted);
            if is_accepted {
                let place = state.stream.write(&record);
                answer.written(&place.shard_id, &place.sequence_number.to_string());
            } else {
                let shard = state.stream.shard_of(&record);
                let why = format!("Rate exceeded for shard {shard} in stream model under account 000000000000.");
                answer.refused("ProvisionedThroughputExceededException", &why);
            }
        }
        answer.build()
    }
}

impl Transport for Model {
    fn wants(&self) -> Wants {
        Wants::new(Format::Cbor)
    }

    fn put_records(&self, request: Request) -> BoxFuture<'static, Result<Answer, RequestError>> {
        let model = self.clone();
        async move {
            let one_way = model.latency() / 2;
            sleep(one_way).await;
            let answer = model.answer(&request);
            sleep(one_way).await;
            Ok(answer)
        }
        .boxed()
    }

    fn shards(&self) -> BoxFuture<'static, Result<Option<ShardMap>, DescribeError>> {
        let answer = match self.0.is_map_known {
            true => Ok(Some(self.state().stream.shard_map())),
            false => Err(DescribeError::NotPermitted {
                call: "ListShards",
                stream: "model".to_owned(),
                code: "AccessDeniedException".to_owned(),
                reason: "AccessDeniedException: not authorized".to_owned(),
            }),
        };
        std::future::ready(answer).boxed()
    }
}

impl State {
    fn tally(&mut self, now: f64, bytes: usize, is_accepted: bool) {
        let second = now as usize;
        if self.seconds.len() <= second {
            self.seconds.resize(second + 1, Tally::default());
        }
        let tally = &mut self.seconds[second];
        tally.accepted += u64::from(is_accepted);
        tally.accepted_bytes += if is_accepted { bytes as u64 } else { 0 };
        tally.refused += u64::from(!is_accepted);
    }
}
