//! The faults that are in effect now.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{Effect, Fault};
use crate::service_error::ServiceError;

/// The faults that are in effect now: those with one store share it.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Lets callers that ask before each record skip the lock while no fault is active.
    is_any: AtomicBool,
    active: Mutex<Vec<Active>>,
}

#[derive(Debug)]
struct Active {
    fault: Fault,
    ends: Instant,
    /// The shards that it has chosen.
    shards: BTreeSet<u32>,
}

impl Faults {
    /// Beside those that are there.
    pub(crate) fn inject(&self, fault: Fault) {
        let ends = Instant::now() + fault.lasts();
        self.active().push(Active { fault, ends, shards: BTreeSet::new() });
        self.is_any.store(true, Relaxed);
    }

    /// Ends all of them.
    pub(crate) fn clear(&self) {
        self.active().clear();
        self.is_any.store(false, Relaxed);
    }

    /// Those that are in effect, each with the seconds that are left.
    pub(crate) fn list(&self) -> Vec<Fault> {
        let now = Instant::now();
        let left = |active: &Active| Fault {
            seconds: active.ends.saturating_duration_since(now).as_secs_f64(),
            ..active.fault.clone()
        };
        self.active().iter().map(left).collect()
    }

    /// Whether a record that a shard would take is refused.
    pub(crate) fn throttles(&self, stream: &str, shard: u32) -> bool {
        self.any(|active| match &active.fault.effect {
            Effect::Throttle { stream: named, shards, share } if named == stream => {
                if active.shards.len() < *shards as usize {
                    active.shards.insert(shard);
                }
                active.shards.contains(&shard) && by_chance(*share)
            }
            _ => false,
        })
    }

    /// Whether the iterators of a stream are to be expired.
    pub(crate) fn expires(&self, stream: &str) -> bool {
        self.any(|active| matches!(&active.fault.effect, Effect::Expire { stream: named } if named == stream))
    }

    /// Whether a function is to be killed.
    pub(crate) fn kills(&self, function: &str) -> bool {
        self.any(|active| matches!(&active.fault.effect, Effect::Kill { function: named } if named == function))
    }

    /// Whether a delivery stream is to read nothing.
    pub(crate) fn stalls(&self, delivery: &str) -> bool {
        self.any(|active| matches!(&active.fault.effect, Effect::Stall { delivery: named } if named == delivery))
    }

    /// Whether there is to be no capacity for tasks of a cluster.
    pub(crate) fn exhausts(&self, cluster: &str) -> bool {
        self.any(|active| matches!(&active.fault.effect, Effect::Exhaust { cluster: named } if named == cluster))
    }

    /// Waits as long as the answer of a service is to be late, and fails where it is to fail.
    pub(crate) async fn call(&self, service: &str) -> Result<(), ServiceError> {
        let mut late = 0;
        let fails = self.any(|active| match &active.fault.effect {
            Effect::Errors { service: named, share } => named == service && by_chance(*share),
            Effect::Slow { service: named, millis } if named == service => {
                late = late.max(*millis);
                false
            }
            _ => false,
        });
        if late > 0 {
            tokio::time::sleep(Duration::from_millis(late)).await;
        }
        if fails { Err(ServiceError::internal("a fault that was asked for (StandIn.InjectFault)")) } else { Ok(()) }
    }

    fn any(&self, mut fits: impl FnMut(&mut Active) -> bool) -> bool {
        self.is_any.load(Relaxed) && self.active().iter_mut().any(&mut fits)
    }

    /// Without those that are over.
    fn active(&self) -> MutexGuard<'_, Vec<Active>> {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        active.retain(|active| active.ends > now);
        active
    }
}

fn by_chance(share: f64) -> bool {
    share >= 1.0 || rand::random::<f64>() < share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(effect: Effect) -> Fault {
        Fault { effect, seconds: 10.0 }
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_chooses_its_shards_and_ends_by_itself() {
        let faults = Faults::default();
        assert!(!faults.throttles("orders", 7));
        faults.inject(fault(Effect::Throttle { stream: "orders".into(), shards: 2, share: 1.0 }));
        assert_eq!([7, 3, 7, 5, 3].map(|shard| faults.throttles("orders", shard)), [true, true, true, false, true]);
        assert!(!faults.throttles("others", 7) && !faults.stalls("orders"));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(!faults.throttles("orders", 7) && faults.list().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_of_the_calls_fails_and_others_are_late() {
        let faults = Faults::default();
        faults.inject(fault(Effect::Errors { service: "kinesis".into(), share: 0.25 }));
        let mut failed = 0;
        for _ in 0..4_000 {
            failed += u32::from(faults.call("kinesis").await.is_err());
        }
        assert!((800..1_200).contains(&failed), "{failed} of 4,000");
        assert_eq!(faults.call("s3").await, Ok(()));
        faults.clear();
        faults.inject(fault(Effect::Slow { service: "kinesis".into(), millis: 1_500 }));
        let asked = Instant::now();
        assert_eq!(faults.call("kinesis").await, Ok(()));
        assert_eq!(asked.elapsed(), Duration::from_millis(1_500));
        assert_eq!(faults.list()[0].seconds, 8.5);
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        let errors = |share, seconds| Fault { effect: Effect::Errors { service: "s3".into(), share }, seconds };
        assert_eq!(errors(0.5, 1.0).mistake(), None);
        for wrong in [errors(0.0, 1.0), errors(1.1, 1.0), errors(0.5, 0.0), errors(0.5, f64::NAN), errors(0.5, 1e9)] {
            assert!(wrong.mistake().is_some(), "{wrong:?}");
        }
        let shards = Effect::Throttle { stream: "s".into(), shards: 0, share: 1.0 };
        assert!(fault(shards).mistake().is_some());
        assert!(fault(Effect::Slow { service: "s3".into(), millis: 60_001 }).mistake().is_some());
    }
}
