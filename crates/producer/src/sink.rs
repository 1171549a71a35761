//! Records in by [`futures::Sink`].

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{FutureExt, Sink, future::BoxFuture};
use tokio::runtime::Handle;

use super::{
    completion::Pending,
    error::{PutError, RecordError},
    handle::Producer,
    record::Record,
};

/// How many records are followed before those that have ended behind one that has not are looked for.
const FEW: usize = 1024;

/// A sink of records. Flushing it waits until all that were sent into it are acknowledged; records that fail are the errors
/// of the next calls, in the order in which they were sent. Closing it flushes, and leaves the producer open. What was sent
/// into it is still delivered when it is dropped, but for a last record that waits for room, if there is no runtime then.
#[must_use = "a sink does nothing until records are sent into it"]
pub struct RecordSink {
    producer: Producer,
    entering: Option<BoxFuture<'static, Result<Pending, PutError>>>,
    sent: VecDeque<Sent>,
    /// As long as `sent` may become before it is looked through.
    many: usize,
    flushing: Option<BoxFuture<'static, ()>>,
}

/// A record that is not known to be acknowledged.
enum Sent {
    Pending(Pending),
    Failed(RecordError),
}

/// Why a record that was sent into a sink is not in the stream.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// It was not taken.
    #[error(transparent)]
    Put(#[from] PutError),
    /// It was taken and not acknowledged.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl RecordSink {
    pub(super) fn new(producer: Producer) -> Self {
        Self { producer, entering: None, sent: VecDeque::new(), many: FEW, flushing: None }
    }

    /// Until the record that was sent last has found room.
    fn poll_enter(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SinkError>> {
        if let Some(entering) = &mut self.entering {
            let entered = ready!(entering.poll_unpin(context));
            self.entering = None;
            self.sent.push_back(Sent::Pending(entered?));
        }
        Poll::Ready(Ok(()))
    }

    /// Passes over what is acknowledged, from the oldest on; ready when all is.
    fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SinkError>> {
        while let Some(oldest) = self.sent.front_mut() {
            let outcome = ready!(oldest.poll(context));
            self.sent.pop_front();
            outcome?;
        }
        Poll::Ready(Ok(()))
    }

    /// Forgets what is acknowledged behind one that is not, so that no more are kept than twice those in flight.
    fn look_through(&mut self, context: &mut Context<'_>) {
        if self.sent.len() > self.many {
            self.sent.retain_mut(|sent| !matches!(sent.poll(context), Poll::Ready(Ok(()))));
            self.many = FEW.max(2 * self.sent.len());
        }
    }
}

impl Sent {
    /// A failure is stored until it is reported.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), RecordError>> {
        let outcome = match self {
            Self::Failed(error) => return Poll::Ready(Err(error.clone())),
            Self::Pending(pending) => ready!(pending.poll_unpin(context)),
        };
        Poll::Ready(outcome.map(drop).inspect_err(|error| *self = Self::Failed(error.clone())))
    }
}

impl fmt::Debug for RecordSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { producer, sent, .. } = self;
        f.debug_struct("RecordSink").field("producer", producer).field("unacknowledged", &sent.len()).finish()
    }
}

/// The last record was taken, though there was no room for it.
impl Drop for RecordSink {
    fn drop(&mut self) {
        if let (Some(entering), Ok(runtime)) = (self.entering.take(), Handle::try_current()) {
            runtime.spawn(entering);
        }
    }
}

impl Sink<Record> for RecordSink {
    type Error = SinkError;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SinkError>> {
        ready!(self.poll_enter(context))?;
        if let Poll::Ready(Err(error)) = self.poll_sent(context) {
            return Poll::Ready(Err(error));
        }
        self.look_through(context);
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, record: Record) -> Result<(), SinkError> {
        match self.producer.try_put(record.clone()) {
            Ok(pending) => self.sent.push_back(Sent::Pending(pending)),
            Err(PutError::Full) => {
                let producer = self.producer.clone();
                self.entering = Some(async move { producer.put(record).await }.boxed());
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SinkError>> {
        ready!(self.poll_enter(context))?;
        if self.flushing.is_none() && !self.sent.is_empty() {
            let producer = self.producer.clone();
            self.flushing = Some(async move { producer.flush().await }.boxed());
        }
        if let Some(flushing) = &mut self.flushing {
            ready!(flushing.poll_unpin(context));
            self.flushing = None;
        }
        self.poll_sent(context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SinkError>> {
        self.poll_flush(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::SinkExt;

    use super::*;
    use crate::{
        answer::Answer,
        body::Format,
        retry::Backoff,
        transport::{Request, RequestError, Transport, Wants},
    };

    /// Never takes the records of one key.
    struct Picky;

    const NEVER: &str = "never";

    impl Transport for Picky {
        fn wants(&self) -> Wants {
            Wants::new(Format::Json)
        }

        fn put_records(&self, request: Request) -> BoxFuture<'static, Result<Answer, RequestError>> {
            let mut answer = Answer::builder();
            for record in request.body.records() {
                match &*record.partition_key {
                    NEVER => answer.refused("InternalFailure", "not this one"),
                    _ => answer.written("shardId-000000000000", "1"),
                };
            }
            futures::future::ready(Ok(answer.build())).boxed()
        }
    }

    #[tokio::test]
    async fn little_is_kept_behind_a_record_that_never_arrives() {
        const IN_FLIGHT: usize = 500;
        let backoff = Backoff::default().with_initial(Duration::from_millis(1)).with_max(Duration::from_millis(1));
        let builder =
            Producer::with_transport(Picky).max_in_flight_records(IN_FLIGHT).linger(Duration::ZERO).backoff(backoff);
        let producer = builder.build().await.expect("settings");
        let mut sink = producer.sink();
        sink.feed(Record::new("x", NEVER)).await.expect("taken");
        for _ in 0..10 * FEW {
            sink.feed(Record::new("x", "key")).await.expect("taken");
            assert!(sink.sent.len() <= FEW + 1 + IN_FLIGHT, "{}", sink.sent.len());
        }
        let unsent = producer.close(Duration::ZERO).await.unsent;
        assert!(unsent.iter().any(|unsent| &*unsent.record.partition_key == NEVER), "{unsent:?}");
        assert!(unsent.len() <= IN_FLIGHT);
    }
}
