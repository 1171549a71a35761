//! The bare SDK: requests of 500, eight on their way, the outcome of each record looked at by its position.

use std::{error::Error, sync::Arc};

use aws_config::BehaviorVersion;
use aws_sdk_kinesis::{Client, error::DisplayErrorContext, primitives::Blob, types::PutRecordsRequestEntry};
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use kinesis_aggregation::{self, UserRecord};
use tokio::sync::oneshot;

use crate::{
    payload::Payload,
    usage::Meter,
    work::{IN_FLIGHT, REQUEST_BYTES, Work},
};

const RECORDS_PER_REQUEST: usize = 500;

/// How the caller learns what became of its records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// A loop over the answer's positions.
    Positions,
    /// A future for each user record.
    Futures,
}

/// Sends everything.
pub async fn run(work: &Work, completion: Completion) -> Result<(), Box<dyn Error>> {
    let mut arm = Arm {
        client: Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await),
        payload: Payload::new(work),
        aggregate: work.aggregate.max(1) as usize,
        size: work.size,
        completion,
    };
    if !work.send {
        return arm.only_make(work.warmup);
    }
    arm.send(work.warmup).await?;
    let meter = Meter::start();
    arm.send(u64::MAX).await?;
    meter.print();
    Ok(())
}

struct Arm {
    client: Client,
    payload: Payload,
    aggregate: usize,
    size: usize,
    completion: Completion,
}

/// One request's entries, and for each how many user records it holds.
#[derive(Default)]
struct Batch {
    entries: Vec<PutRecordsRequestEntry>,
    waiting: Vec<oneshot::Sender<bool>>,
    outcomes: Vec<oneshot::Receiver<bool>>,
    bytes: usize,
}

impl Arm {
    fn only_make(&mut self, warmup: u64) -> Result<(), Box<dyn Error>> {
        for _ in 0..warmup {
            std::hint::black_box(self.make());
        }
        let meter = Meter::start();
        while let Some(record) = self.make() {
            std::hint::black_box(record);
        }
        meter.print();
        Ok(())
    }

    /// What the SDK's caller has in hand: bytes and a key of their own, as the SDK takes nothing else.
    fn make(&mut self) -> Option<(Vec<u8>, Arc<str>)> {
        let mut data = Vec::with_capacity(if self.size == 0 { 12 * 1024 } else { self.size });
        let key = Arc::clone(self.payload.next_into(&mut data)?);
        Some((data, key))
    }

    async fn send(&mut self, most: u64) -> Result<(), Box<dyn Error>> {
        let mut left = most;
        let mut requests: FuturesUnordered<BoxFuture<'static, Result<(), Box<dyn Error>>>> = FuturesUnordered::new();
        while let Some(batch) = self.batch(&mut left)? {
            if requests.len() == IN_FLIGHT {
                requests.next().await.transpose()?;
            }
            requests.push(Box::pin(put(self.client.clone(), batch)));
        }
        while let Some(done) = requests.next().await {
            done?;
        }
        Ok(())
    }

    fn batch(&mut self, left: &mut u64) -> Result<Option<Batch>, Box<dyn Error>> {
        let mut batch = Batch::default();
        let limit = if self.aggregate > 1 { REQUEST_BYTES } else { usize::MAX };
        while batch.entries.len() < RECORDS_PER_REQUEST && batch.bytes + self.aggregate * self.size <= limit {
            let records = self.take(left);
            let Some((_, key)) = records.first() else { break };
            if self.completion == Completion::Futures {
                let channels = records.iter().map(|_| oneshot::channel());
                channels.for_each(|(sender, receiver)| {
                    batch.waiting.push(sender);
                    batch.outcomes.push(receiver);
                });
            }
            let key = key.to_string();
            let data = self.packed(records);
            batch.bytes += data.len();
            batch.entries.push(PutRecordsRequestEntry::builder().data(Blob::new(data)).partition_key(key).build()?);
        }
        Ok((!batch.entries.is_empty()).then_some(batch))
    }

    fn take(&mut self, left: &mut u64) -> Vec<(Vec<u8>, Arc<str>)> {
        let mut records = Vec::with_capacity(self.aggregate);
        while records.len() < self.aggregate && *left > 0 {
            let Some(record) = self.make() else { break };
            records.push(record);
            *left -= 1;
        }
        records
    }

    fn packed(&self, mut records: Vec<(Vec<u8>, Arc<str>)>) -> Vec<u8> {
        if self.aggregate == 1 {
            return records.pop().map(|(data, _)| data).unwrap_or_default();
        }
        let unpacked = records.into_iter().map(|(data, key)| UserRecord::new(&*key, data));
        kinesis_aggregation::encode(&unpacked.collect::<Vec<_>>())
    }
}

/// One request; a record that is not written ends the run, as the sink of these rows refuses none.
async fn put(client: Client, batch: Batch) -> Result<(), Box<dyn Error>> {
    let Batch { entries, waiting, outcomes, .. } = batch;
    let sent = entries.len();
    let call = client.put_records().stream_name("bench").set_records(Some(entries)).send();
    let answer = call.await.map_err(|error| DisplayErrorContext(error).to_string())?;
    let records = answer.records();
    let written = records.iter().filter(|record| record.error_code().is_none() && record.sequence_number().is_some());
    if written.count() != sent {
        return Err(format!("{} of {sent} records failed", answer.failed_record_count().unwrap_or_default()).into());
    }
    waiting.into_iter().for_each(|sender| _ = sender.send(true));
    for outcome in outcomes {
        outcome.await?;
    }
    Ok(())
}
