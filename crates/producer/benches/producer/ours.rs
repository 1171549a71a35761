//! Our producer: a future for each record, every one of them awaited.

use std::{collections::VecDeque, error::Error, sync::Arc};

use aws_config::BehaviorVersion;
use bytes::Bytes;
use kinesis_producer::{Builder, Pending, Producer, Record, TransportKind};

use crate::{
    payload::Payload,
    usage::Meter,
    work::{Format, IN_FLIGHT, Work},
};

/// Records whose outcome is not looked at yet; more than are in the requests on their way.
const WINDOW: usize = 8_000;
/// The same where a request has thousands.
const WINDOW_OF_AGGREGATES: usize = 100_000;
/// Room for as many user records as a row packs together.
const LARGEST_AGGREGATE: usize = 256 * 1024;
/// Bytes of records made into one buffer: they are still at hand when they are put.
const CHUNK: usize = 64 * 1024;

/// Sends everything.
pub async fn run(work: &Work) -> Result<(), Box<dyn Error>> {
    let mut records = Records::new(work);
    if !work.send {
        (0..work.warmup).for_each(|_| drop(records.next()));
        let meter = Meter::start();
        records.for_each(|record| drop(std::hint::black_box(record)));
        meter.print();
        return Ok(());
    }
    let producer = producer(work).await?;
    let window = if work.aggregate == 1 { WINDOW } else { WINDOW_OF_AGGREGATES };
    send(&producer, &mut records, work.warmup, window).await?;
    let meter = Meter::start();
    send(&producer, &mut records, u64::MAX, window).await?;
    meter.print();
    Ok(())
}

/// As the row has it; the limits of shards are not what is measured.
pub async fn producer(work: &Work) -> Result<Producer, Box<dyn Error>> {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let kind = if work.format == Format::Json { TransportKind::Json } else { TransportKind::Cbor };
    let plain = Producer::builder(&config, "bench").transport(kind).max_requests(IN_FLIGHT).pace(false);
    let packs = |builder: Builder| builder.max_in_flight_records(WINDOW_OF_AGGREGATES);
    let builder = match work.aggregate {
        0 => packs(plain.aggregation(true)),
        1 => plain,
        records => {
            let bounded = plain.aggregation(true).aggregation_max_records(usize::try_from(records)?);
            packs(bounded.aggregation_max_bytes(LARGEST_AGGREGATE))
        }
    };
    Ok(builder.build().await?)
}

async fn send(producer: &Producer, records: &mut Records, most: u64, window: usize) -> Result<(), Box<dyn Error>> {
    let mut waiting: VecDeque<Pending> = VecDeque::with_capacity(window);
    for record in records.take(usize::try_from(most)?) {
        if waiting.len() == window
            && let Some(oldest) = waiting.pop_front()
        {
            oldest.await?;
        }
        waiting.push_back(producer.put(record).await?);
    }
    producer.flush().await;
    for pending in waiting {
        pending.await?;
    }
    Ok(())
}

/// Records that share the buffer of their chunk.
pub struct Records {
    payload: Payload,
    chunk: VecDeque<Record>,
    size: usize,
}

impl Records {
    pub fn new(work: &Work) -> Self {
        let size = if work.size == 0 { 10 * 1024 } else { work.size };
        Self { payload: Payload::new(work), chunk: VecDeque::new(), size }
    }

    fn fill(&mut self) {
        let mut buffer = Vec::with_capacity(CHUNK + self.size);
        let mut made: Vec<(usize, Arc<str>)> = Vec::with_capacity(1 + CHUNK / self.size);
        while buffer.len() < CHUNK
            && let Some(key) = self.payload.next_into(&mut buffer)
        {
            let key = Arc::clone(key);
            made.push((buffer.len(), key));
        }
        let buffer = Bytes::from(buffer);
        let starts = std::iter::once(0).chain(made.iter().map(|(end, _)| *end)).collect::<Vec<_>>();
        let records =
            made.into_iter().zip(starts).map(|((end, key), start)| Record::new(buffer.slice(start..end), key));
        self.chunk.extend(records);
    }
}

impl Iterator for Records {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        if self.chunk.is_empty() {
            self.fill();
        }
        self.chunk.pop_front()
    }
}
