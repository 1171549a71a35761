//! Records in by [`futures::Sink`].

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{FutureExt, Sink, future::BoxFuture};

use super::{
    error::{PutError, RecordError},
    group::Pending,
    handle::Producer,
    record::Record,
};

/// A sink of records. Flushing it waits until all that were sent into it are acknowledged; a record that fails is the error
/// of the first call after all before it have ended. Closing it flushes, and leaves the producer open.
pub struct RecordSink {
    producer: Producer,
    entering: Option<BoxFuture<'static, Result<Pending, PutError>>>,
    pending: VecDeque<Pending>,
    flushing: Option<BoxFuture<'static, ()>>,
}

/// Why a record that was sent into a sink is not in the stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
        Self { producer, entering: None, pending: VecDeque::new(), flushing: None }
    }

    /// Until the record that was sent last has found room.
    fn poll_enter(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SinkError>> {
        if let Some(entering) = &mut self.entering {
            let entered = ready!(entering.poll_unpin(context));
            self.entering = None;
            self.pending.push_back(entered?);
        }
        Poll::Ready(Ok(()))
    }

    /// Passes over what is acknowledged, from the oldest on; ready when all is.
    fn poll_pending(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SinkError>> {
        while let Some(oldest) = self.pending.front_mut() {
            let outcome = ready!(oldest.poll_unpin(context));
            self.pending.pop_front();
            outcome?;
        }
        Poll::Ready(Ok(()))
    }
}

impl Sink<Record> for RecordSink {
    type Error = SinkError;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SinkError>> {
        ready!(self.poll_enter(context))?;
        match self.poll_pending(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(())),
        }
    }

    fn start_send(mut self: Pin<&mut Self>, record: Record) -> Result<(), SinkError> {
        match self.producer.try_put(record.clone()) {
            Ok(pending) => self.pending.push_back(pending),
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
        if self.flushing.is_none() && !self.pending.is_empty() {
            let producer = self.producer.clone();
            self.flushing = Some(async move { producer.flush().await }.boxed());
        }
        if let Some(flushing) = &mut self.flushing {
            ready!(flushing.poll_unpin(context));
            self.flushing = None;
        }
        self.poll_pending(context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SinkError>> {
        self.poll_flush(context)
    }
}
