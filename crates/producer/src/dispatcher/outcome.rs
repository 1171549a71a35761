//! What becomes of a request: its response, position by position, or its failure as a whole.

use std::{collections::BTreeMap, sync::Arc};

use tokio::{task::JoinError, time::Instant};

use super::{Dispatcher, InFlight, Response};
use crate::{
    answer::Answer,
    batch::{Batch, BatchContents, NO_SHARD},
    body::Body,
    completion::Completer,
    error::Reason,
    metrics,
    queued_record::EncodedRecord,
    retry::{self, counted},
    settle::Settling,
    state::State,
    transport::{RequestError, Severity},
};

impl Dispatcher {
    pub(super) fn on_response(&mut self, response: Response) {
        let (id, answer) = response.unwrap_or_else(|error| (error.id(), Err(broken(error))));
        let Some(InFlight { body, contents, sent }) = self.in_flight.remove(&id) else { return };
        match counted(answer, contents.metas.len()) {
            Ok(answer) => self.settle(body, contents, (sent, &answer)),
            Err(error) => self.fail(body, contents, error),
        }
    }

    fn settle(&mut self, body: Arc<Body>, contents: BatchContents, (sent, answer): (Instant, &Answer)) {
        let (now, shared) = (Instant::now(), self.shared.clone());
        let map = shared.state().queues.map_of(contents.generation);
        let (metas, generation) = (contents.metas.clone(), contents.generation);
        let settling = Settling::new(&shared, (&body, answer), map, &self.settings.backoff, (sent, now));
        let mut settled = settling.run(contents);
        let mut state = shared.state();
        if settled.throttled() {
            state.load_estimate.throttled(now);
        }
        if generation == state.queues.generation {
            let State { queues, hot_keys, .. } = &mut *state;
            settled.report(queues, hot_keys, now);
        }
        std::mem::take(&mut settled.ended).into_iter().for_each(|barrier| state.flush_barriers.end(barrier));
        self.put_back(std::mem::take(&mut settled.again), &mut state, now);
        match settled.misrouted.is_empty() {
            true => state.queues.come_back(&metas, generation, now),
            false => self.blocked_shards.push((metas, generation)),
        }
        if settled.keys_are_ignored && state.queues.stop_packing() {
            tracing::warn!(
                stream = shared.stream,
                "aggregates arrive in shards of other hash keys; aggregation is off from now on"
            );
        }
        if let Ok(body) = Arc::try_unwrap(body) {
            state.recycle(body.into_buffer());
        }
        drop(state);
        self.misrouted.append(&mut settled.misrouted);
        self.sort_misrouted(now);
        if settled.moved || !self.misrouted.is_empty() {
            self.shard_watch.refresh(&self.shared.transport, now);
        }
    }

    /// Acknowledges the records of misrouted aggregates that are in the right shard, and sends the others again; aggregates in
    /// shards that are not known yet stay.
    pub(super) fn sort_misrouted(&mut self, now: Instant) {
        if self.misrouted.is_empty() {
            return;
        }
        let shared = self.shared.clone();
        let format = shared.transport.wants().format;
        let mut completer = Completer::new(&shared.metrics, &shared.budget);
        let mut state = shared.state();
        let mut back = Vec::new();
        for misrouted in std::mem::take(&mut self.misrouted) {
            match state.queues.range_of(&misrouted.shard_id) {
                Some(range) => back.extend(misrouted.sort(range, &mut completer)),
                None => self.misrouted.push(misrouted),
            }
        }
        shared.metrics.again(Severity::Unknown, back.len());
        match self.settings.ordered {
            true => {
                let single = |(record, completion)| EncodedRecord::single(format, &record, NO_SHARD, completion);
                state.queues.push_front(back.into_iter().map(single).collect(), None, now);
            }
            false => {
                back.into_iter().for_each(|(record, completion)| state.queues.push(&record, format, completion, || now))
            }
        }
        if self.misrouted.is_empty() {
            for (metas, generation) in self.blocked_shards.drain(..) {
                state.queues.come_back(&metas, generation, now);
            }
        }
        drop(state);
        let ended = completer.finish();
        let mut state = shared.state();
        ended.into_iter().for_each(|barrier| state.flush_barriers.end(barrier));
    }

    /// What was refused waits: in ordered mode before its shard's queue, else by itself.
    pub(super) fn put_back(&mut self, again: BTreeMap<Instant, Vec<EncodedRecord>>, state: &mut State, now: Instant) {
        for (due, again) in again {
            match self.settings.ordered {
                true => state.queues.push_front(again, Some(due), now),
                false => self.retrying_records.push(due, again),
            }
        }
    }

    pub(super) fn fail(&mut self, body: Arc<Body>, contents: BatchContents, error: RequestError) {
        metrics::add(&self.shared.metrics.failed_requests, 1);
        self.shared.note_error(&error);
        let now = Instant::now();
        if error.severity() == Severity::Fatal {
            return self.end_batch(contents, &Reason::Fatal(error), now);
        }
        let mut batch = Batch { body, contents, due: now, sha256: None };
        let attempts =
            batch.contents.completions.iter().map(|completion| completion.attempts).max().unwrap_or_default();
        let due = now + self.settings.backoff.delay(attempts);
        batch.contents.completions.iter_mut().for_each(|completion| retry::note(&error, completion));
        let again = batch.contents.completions.iter().filter(|completion| completion.ends(due).is_none()).count();
        self.shared.metrics.again(error.severity(), again);
        if let Some(batch) = self.continuing(batch, due) {
            self.retrying_batches.push(due, vec![batch]);
        }
    }

    /// Every record of a batch ends for one reason.
    pub(super) fn end_batch(&mut self, contents: BatchContents, reason: &Reason, now: Instant) {
        let mut completer = Completer::new(&self.shared.metrics, &self.shared.budget);
        contents.completions.into_iter().for_each(|completion| completer.fail(completion, reason.clone()));
        let ended = completer.finish();
        let mut state = self.shared.state();
        ended.into_iter().for_each(|barrier| state.flush_barriers.end(barrier));
        state.queues.come_back(&contents.metas, contents.generation, now);
    }
}

fn broken(error: JoinError) -> RequestError {
    RequestError::new(Severity::Unknown, "PutRecords: the request ended early").with_source(error)
}
