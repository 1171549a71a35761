//! The one task that moves records through the stages.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Instant,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{Id, JoinError, JoinSet},
    time::{sleep_until, timeout},
};

use super::{
    batcher::Batcher,
    builder::Settings,
    epochs::Epochs,
    error::Reason,
    handle::{self, Entry, Mailbox, Message, Unsent},
    metrics::{self, Metrics},
    pending::Ticket,
    record::Record,
    retrier::{self, Judgement, Waiting},
    transport::{Answer, Position, RequestError, Severity, Transport},
};

/// Messages taken from the inbox at a time.
const MESSAGES_AT_A_TIME: usize = 512;

pub(super) struct Dispatcher {
    transport: Arc<dyn Transport>,
    settings: Settings,
    metrics: Arc<Metrics>,
    inbox: mpsc::Receiver<Message>,
    inbox_ended: bool,
    batcher: Batcher<Entry>,
    backing_off: Waiting<Entry>,
    requests: JoinSet<Answer>,
    on_their_way: HashMap<Id, Batch>,
    epochs: Epochs,
    closing: Option<Closing>,
    _ended: watch::Sender<()>,
}

struct Batch {
    records: Arc<Vec<Record>>,
    tickets: Vec<Ticket>,
}

struct Closing {
    deadline: Instant,
    unsent: oneshot::Sender<Vec<Unsent>>,
}

type Landed = Result<(Id, Answer), JoinError>;

impl Dispatcher {
    pub(super) fn new(transport: Arc<dyn Transport>, settings: Settings, mailbox: Mailbox) -> Self {
        Self {
            transport,
            batcher: Batcher::new(settings.batch),
            settings,
            metrics: mailbox.metrics,
            inbox: mailbox.inbox,
            inbox_ended: false,
            backing_off: Waiting::new(),
            requests: JoinSet::new(),
            on_their_way: HashMap::new(),
            epochs: Epochs::new(),
            closing: None,
            _ended: mailbox.ended,
        }
    }

    /// Until the producer is closed, or dropped and empty.
    pub(super) async fn run(mut self) {
        let mut messages = Vec::with_capacity(MESSAGES_AT_A_TIME);
        while !self.is_done() {
            self.send_what_is_due();
            let wake = self.next_wake();
            tokio::select! {
                Some(landed) = self.requests.join_next_with_id() => self.land(landed),
                _ = self.inbox.recv_many(&mut messages, MESSAGES_AT_A_TIME), if !self.inbox_ended => {
                    self.receive(&mut messages);
                }
                () = sleep_until(wake.unwrap_or_else(Instant::now).into()), if wake.is_some() => {}
                // Nothing is left: the loop ends.
                else => {}
            }
        }
        self.give_back();
    }

    fn is_done(&self) -> bool {
        let is_empty = self.batcher.is_empty() && self.backing_off.is_empty() && self.on_their_way.is_empty();
        let is_late = self.closing.as_ref().is_some_and(|closing| closing.deadline <= Instant::now());
        (self.inbox_ended && is_empty) || is_late
    }

    fn is_busy(&self) -> bool {
        self.on_their_way.len() >= self.settings.max_requests
    }

    /// While every request is on its way, nothing else can leave: only an answer or the deadline matters.
    fn next_wake(&self) -> Option<Instant> {
        let deadline = self.closing.as_ref().map(|closing| closing.deadline);
        let departure = [self.batcher.next_due(), self.backing_off.next_due()].into_iter().flatten().min();
        [deadline, departure.filter(|_| !self.is_busy())].into_iter().flatten().min()
    }

    fn receive(&mut self, messages: &mut Vec<Message>) {
        self.inbox_ended = messages.is_empty();
        for message in messages.drain(..) {
            match message {
                Message::Put(entry) => self.take(entry),
                Message::Flush(done) => {
                    self.batcher.flush();
                    self.epochs.flush(done);
                }
                Message::Close { deadline, unsent } => self.close(deadline, unsent),
            }
        }
        if self.inbox_ended {
            self.batcher.flush();
        }
    }

    fn take(&mut self, mut entry: Entry) {
        entry.ticket.epoch = self.epochs.begin();
        let (size, due) = (entry.record.size(), handle::after(self.settings.linger));
        self.batcher.push(entry, size, due);
    }

    fn close(&mut self, deadline: Instant, unsent: oneshot::Sender<Vec<Unsent>>) {
        self.inbox.close();
        match &mut self.closing {
            None => self.closing = Some(Closing { deadline, unsent }),
            Some(closing) => closing.deadline = closing.deadline.min(deadline),
        }
    }

    fn send_what_is_due(&mut self) {
        let now = Instant::now();
        for entry in self.backing_off.take_due(now).into_iter().rev() {
            let size = entry.record.size();
            self.batcher.push_urgent(entry, size, now);
        }
        while !self.is_busy() {
            let Some(entries) = self.batcher.take(now) else { break };
            self.send(entries, now);
        }
    }

    fn send(&mut self, entries: Vec<Entry>, now: Instant) {
        let (mut records, mut tickets) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
        for Entry { record, mut ticket } in entries {
            match ticket.expired(now) {
                Some(reason) => self.fail(ticket, reason),
                None => {
                    ticket.attempts += 1;
                    records.push(record);
                    tickets.push(ticket);
                }
            }
        }
        if !records.is_empty() {
            self.start_request(Batch { records: Arc::new(records), tickets });
        }
    }

    fn start_request(&mut self, batch: Batch) {
        metrics::add(&self.metrics.requests, 1);
        let (transport, records) = (self.transport.clone(), batch.records.clone());
        let limit = self.settings.request_timeout;
        let request = self.requests.spawn(async move {
            let timed_out = |_| {
                let message = format!("PutRecords: no answer within {limit:?}");
                Err(RequestError { severity: Severity::Unknown, message })
            };
            timeout(limit, transport.put_records(&records)).await.unwrap_or_else(timed_out)
        });
        self.on_their_way.insert(request.id(), batch);
    }

    fn land(&mut self, landed: Landed) {
        let (id, answer) = landed.unwrap_or_else(|error| (error.id(), Err(broken(&error))));
        let Some(batch) = self.on_their_way.remove(&id) else { return };
        match retrier::judge(answer, batch.tickets.len()) {
            Judgement::Each(positions) => self.settle(batch, positions),
            Judgement::Again { severity, why } => {
                metrics::add(&self.metrics.failed_requests, 1);
                let again = batch.into_entries().map(|entry| (entry, severity, why.clone())).collect();
                self.retry(again);
            }
            Judgement::Fatal(why) => {
                metrics::add(&self.metrics.failed_requests, 1);
                batch.into_entries().for_each(|entry| self.fail(entry.ticket, Reason::Fatal(why.clone())));
            }
        }
    }

    fn settle(&mut self, batch: Batch, positions: Vec<Position>) {
        let (now, mut again) = (Instant::now(), Vec::new());
        for (entry, position) in batch.into_entries().zip(positions) {
            match position {
                Position::Written { shard_id, sequence_number } => {
                    let epoch = entry.ticket.epoch;
                    entry.ticket.acknowledge(shard_id, sequence_number, now);
                    self.epochs.end(epoch);
                }
                Position::Refused { code, message } => {
                    let severity = match retrier::is_throttle(&code) {
                        true => Severity::Throttled,
                        false => Severity::Unavailable,
                    };
                    again.push((entry, severity, format!("{code}: {message}").into()));
                }
            }
        }
        self.retry(again);
    }

    fn retry(&mut self, entries: Vec<(Entry, Severity, Arc<str>)>) {
        let now = Instant::now();
        let mut by_attempts = BTreeMap::<u32, Vec<_>>::new();
        for again in entries {
            by_attempts.entry(again.0.ticket.attempts).or_default().push(again);
        }
        for (attempts, group) in by_attempts {
            let due = now + self.settings.backoff.delay(attempts);
            let entries: Vec<_> = group.into_iter().filter_map(|again| self.prepare(again, due)).collect();
            if !entries.is_empty() {
                self.backing_off.push(due, entries);
            }
        }
    }

    /// The entry as it waits for its next attempt, unless it expires before.
    fn prepare(&mut self, again: (Entry, Severity, Arc<str>), due: Instant) -> Option<Entry> {
        let (mut entry, severity, why) = again;
        entry.ticket.may_be_written |= severity == Severity::Unknown;
        entry.ticket.last_error = Some(why);
        if let Some(reason) = entry.ticket.expired(due) {
            self.fail(entry.ticket, reason);
            return None;
        }
        metrics::add(&self.metrics.retried, 1);
        metrics::add(&self.metrics.throttled, usize::from(severity == Severity::Throttled));
        metrics::add(&self.metrics.possible_duplicates, usize::from(severity == Severity::Unknown));
        if entry.ticket.attempts == 1 {
            entry.record.detach();
        }
        Some(entry)
    }

    fn fail(&mut self, ticket: Ticket, reason: Reason) {
        let epoch = ticket.epoch;
        ticket.fail(reason);
        self.epochs.end(epoch);
    }

    /// What is still here when the deadline of `close` has come; what is on its way may arrive.
    fn give_back(mut self) {
        self.requests.abort_all();
        let mut left: Vec<Entry> = Vec::new();
        for (_, mut batch) in self.on_their_way.drain() {
            batch.tickets.iter_mut().for_each(|ticket| ticket.may_be_written = true);
            left.extend(batch.into_entries());
        }
        left.extend(self.backing_off.drain());
        left.extend(self.batcher.drain());
        while let Ok(message) = self.inbox.try_recv() {
            if let Message::Put(entry) = message {
                left.push(entry);
            }
        }
        let unsent = left.into_iter().map(give_up).collect();
        if let Some(closing) = self.closing {
            // Who closed may have gone away.
            let _ = closing.unsent.send(unsent);
        }
    }
}

impl Batch {
    fn into_entries(self) -> impl Iterator<Item = Entry> {
        let records = Arc::unwrap_or_clone(self.records);
        records.into_iter().zip(self.tickets).map(|(record, ticket)| Entry { record, ticket })
    }
}

fn give_up(entry: Entry) -> Unsent {
    let unsent = Unsent { record: entry.record, may_be_written: entry.ticket.may_be_written };
    entry.ticket.fail(Reason::Closed);
    unsent
}

fn broken(error: &JoinError) -> RequestError {
    RequestError { severity: Severity::Unknown, message: format!("PutRecords: the request ended early: {error}") }
}
