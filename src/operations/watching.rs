//! Watches the destinations while a stack is loaded.

use std::{convert::Infallible, time::Duration};

use demo_workload::Identity;
use futures::future::{join_all, pending};
use tokio::{sync::mpsc, time::sleep};

use super::host::{Event, Host};
use crate::{
    aws::{Clients, Names},
    deliveries::{self, Watched},
    load::Sample,
    spec::{Schedule, Stack},
    verify::watch::Watch,
};

/// How many tracked documents, about one a second, may wait for a watch that reads a large object.
const SAMPLES_WAITING: usize = 600;
/// Before a look that follows one that failed.
const AGAIN: Duration = Duration::from_secs(5);

/// What watches the destinations of a stack.
#[derive(Default)]
pub(super) struct Watches {
    /// One for each destination that can be watched.
    pub(super) all: Vec<Box<dyn Watch>>,
    /// Take the documents that are tracked in them.
    pub(super) samples: Vec<mpsc::Sender<Sample>>,
}

impl Watches {
    /// Of documents that are told apart so. A load as fast as possible leaves nobody the processors to read objects.
    pub(super) fn of(stack: &Stack, names: &Names, clients: &Clients, identity: &Identity) -> Self {
        let (mut watches, clients) = (Self::default(), clients.patient());
        let reads = matches!(stack.load.schedule, Schedule::Open(_));
        for delivery in deliveries::of(&stack.deliver) {
            let (samples, watched) = mpsc::channel(SAMPLES_WAITING);
            let watched = Watched { identity: identity.clone(), samples: watched, reads };
            watches.all.extend(delivery.watch(names, &clients, watched));
            watches.samples.extend(Some(samples).filter(|samples| !samples.is_closed()));
        }
        watches
    }

    /// Looks again and again, and tells what has arrived.
    pub(super) async fn look_on(&mut self, host: &dyn Host) -> Infallible {
        join_all(self.all.iter_mut().map(|watch| look_on(watch.as_mut(), host))).await;
        pending().await
    }
}

async fn look_on(watch: &mut dyn Watch, host: &dyn Host) -> Infallible {
    loop {
        let pause = match watch.look().await {
            Ok((arrived, pause)) => {
                host.notify(Event::Arrived { destination: watch.destination(), arrived: &arrived });
                pause
            }
            Err(error) => {
                // Whatever it is, the search meets it again, and says it.
                tracing::debug!("{} is not watched for now: {error}", watch.destination());
                AGAIN
            }
        };
        sleep(pause).await;
    }
}
