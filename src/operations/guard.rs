//! Watches a load second by second: it is to stop where a threshold with `abort` is crossed, and before its budget is passed.

use std::time::Duration;

use super::host::{Event, Host};
use crate::{
    aws::cost::dollars,
    load::{Control, Imbalance, LoadSecond, Part},
    pipeline::meter::{Meter, SentSoFar},
    report::{
        RunReport,
        thresholds::{Abort, BUDGET, ThresholdCheck},
    },
    spec::{Budget, Stack, Threshold},
};

/// How long a stack may be up once its load has stopped: what it costs by then is set aside.
pub(super) const SET_ASIDE: Duration = Duration::from_secs(120);
/// Seconds of the load that may pass before it has stopped.
const TO_STOP: u64 = 2;

/// What a load may not cross.
pub(super) struct Guard<'a> {
    thresholds: Vec<&'a Threshold>,
    budget: Option<&'a Budget>,
    part: Part,
    meter: &'a Meter,
    open_shards: usize,
    /// Documents of each shard so far.
    shards: Vec<u64>,
    abort: Option<Abort>,
}

impl<'a> Guard<'a> {
    /// For a part of a stack's load into so many open shards.
    pub(super) fn new(stack: &'a Stack, part: Part, meter: &'a Meter, open_shards: usize) -> Self {
        let thresholds = stack.thresholds.0.iter().filter(|threshold| threshold.aborts).collect();
        let budget = stack.budget.as_ref();
        Self { thresholds, budget, part, meter, open_shards, shards: Vec::new(), abort: None }
    }

    /// Why the load is to stop, in the second in which that becomes so.
    pub(super) fn watch(&mut self, second: &LoadSecond) -> Option<&Abort> {
        if self.abort.is_some() {
            return None;
        }
        self.count(second);
        let crossed = self.crossed(second).or_else(|| self.beyond_budget(second));
        self.abort = crossed.map(|check| Abort { at: (second.at * 10.0).round() / 10.0, check });
        self.abort.as_ref()
    }

    /// Stops the load in the second in which that becomes so, and tells why.
    pub(super) fn stop_or_pass(&mut self, second: &LoadSecond, control: &Control, host: &dyn Host) {
        if let Some(abort) = self.watch(second) {
            control.stop();
            host.notify(Event::Aborted(abort));
        }
    }

    /// Why the load was stopped, if it was.
    pub(super) fn ended(self) -> Option<Abort> {
        self.abort
    }

    fn count(&mut self, second: &LoadSecond) {
        self.shards.resize(second.shards.acknowledged.len(), 0);
        self.shards.iter_mut().zip(&second.shards.acknowledged).for_each(|(all, new)| *all += new);
    }

    fn crossed(&self, second: &LoadSecond) -> Option<ThresholdCheck> {
        if self.thresholds.is_empty() {
            return None;
        }
        let so_far = &second.so_far;
        let report = RunReport {
            offered: so_far.offered,
            acknowledged: so_far.acknowledged,
            failed: so_far.failed,
            retried: so_far.retried,
            throttled: so_far.throttled,
            ack_latency_ms: so_far.ack_latency_ms.unwrap_or_default(),
            imbalance: self.imbalance(),
            cost: Some(self.meter.now(sent(second, 0))),
            ..RunReport::default()
        };
        report.first_crossed(self.thresholds.iter().copied())
    }

    /// None of a stream with more shards than there were, which was resharded.
    fn imbalance(&self) -> Option<Imbalance> {
        let (hottest, all) = (*self.shards.iter().max()?, self.shards.iter().sum::<u64>());
        let is_known = all > 0 && self.shards.len() <= self.open_shards;
        let over_mean = hottest as f64 * self.open_shards as f64 / all as f64;
        let shards = self.open_shards as u64;
        is_known.then(|| Imbalance { shards, hottest: String::new(), documents: hottest, over_mean })
    }

    fn beyond_budget(&self, second: &LoadSecond) -> Option<ThresholdCheck> {
        let budget = match (self.budget?.dollars, self.part.of) {
            (whole, 1) => whole,
            // To a hundredth of a cent: thirds have no end.
            (whole, workers) => (whole / f64::from(workers) * 1e4).floor() / 1e4,
        };
        let on_the_way = second.in_flight + TO_STOP * second.offered.max(second.scheduled.unwrap_or_default());
        let wait = SET_ASIDE + Duration::from_secs(TO_STOP);
        if self.meter.soon(wait, sent(second, on_the_way)).dollars <= budget {
            return None;
        }
        let now = self.meter.now(sent(second, 0));
        Some(ThresholdCheck {
            name: BUDGET.to_owned(),
            actual: format!("{} by now, an estimate", dollars(now.dollars)),
            limit: format!("at most ${budget} with what is on its way"),
            met: false,
        })
    }
}

/// What is sent by the end of a second, and so many documents more.
fn sent(second: &LoadSecond, more: u64) -> SentSoFar {
    let so_far = &second.so_far;
    let mean = if so_far.acknowledged == 0 { 0.0 } else { so_far.bytes as f64 / so_far.acknowledged as f64 };
    let bytes = so_far.bytes + (mean * more as f64) as u64;
    SentSoFar { documents: so_far.acknowledged + more, bytes, seconds: second.at }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        engine::{Node, ResourceKey},
        load::{ByShard, LoadTotals},
        spec,
    };

    fn stack(sets: &[&str]) -> Stack {
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        spec::read("stacks/stream-only.yaml".as_ref(), &[], &sets).unwrap_or_else(|errors| panic!("{errors}")).stack
    }

    fn meter(stack: &Stack) -> Meter {
        let desired = json!({"shards": 120, "retention_hours": 24});
        let stream =
            Node { key: ResourceKey::new("stream", "a"), depends_on: Vec::new(), desired, detail: String::new() };
        Meter::new(stack, [&stream], &"us-east-1", Duration::ZERO, Part::WHOLE)
    }

    fn second(at: u64, a_second: u64) -> LoadSecond {
        let so_far = LoadTotals {
            offered: at * a_second,
            acknowledged: at * a_second,
            bytes: at * a_second * 8_000,
            throttled: at * 10,
            ..LoadTotals::default()
        };
        let shards = ByShard { acknowledged: vec![a_second - 100, 100], ..ByShard::default() };
        LoadSecond { at: at as f64, offered: a_second, so_far, shards, ..LoadSecond::default() }
    }

    #[test]
    fn a_load_stops_in_the_second_in_which_a_threshold_is_crossed() {
        let stack = stack(&["thresholds.throttled={limit: 25, abort: true}"]);
        let meter = meter(&stack);
        let mut guard = Guard::new(&stack, Part::WHOLE, &meter, 2);
        assert!(guard.watch(&second(1, 1_000)).is_none() && guard.watch(&second(2, 1_000)).is_none());
        let abort = guard.watch(&second(3, 1_000)).expect("crossed").to_string();
        assert_eq!(abort, "throttled: 30, at most 25, after 3.0 s");
        assert!(guard.watch(&second(4, 1_000)).is_none(), "it is told once");
        assert!(guard.ended().is_some());
    }

    #[test]
    fn a_threshold_without_abort_stops_nothing() {
        let stack = stack(&["thresholds.throttled=5"]);
        let meter = meter(&stack);
        assert!(Guard::new(&stack, Part::WHOLE, &meter, 2).watch(&second(3, 1_000)).is_none());
    }

    #[test]
    fn the_balance_of_the_shards_is_watched() {
        let stack = stack(&["thresholds.shard_imbalance={limit: \"< 1.5\", abort: true}"]);
        let meter = meter(&stack);
        let crossed = Guard::new(&stack, Part::WHOLE, &meter, 2).watch(&second(1, 1_000)).map(ToString::to_string);
        assert_eq!(crossed.as_deref(), Some("shard_imbalance: 1.80, below 1.50, after 1.0 s"));
        let resharded = Guard::new(&stack, Part::WHOLE, &meter, 1).watch(&second(1, 1_000)).map(ToString::to_string);
        assert_eq!(resharded, None, "that cannot be told");
    }

    #[test]
    fn a_load_stops_before_its_budget_is_passed() {
        // 120 shards are $1.80 an hour: two minutes and two seconds of them are $0.061. A million documents are $0.014.
        let million = |at| second(at, 1_000_000);
        for (budget, stops_at) in [("$0.10", 1), ("$0.11", 2), ("$0.12", 3)] {
            let stack = stack(&[&format!("budget={budget}")]);
            let meter = meter(&stack);
            let mut guard = Guard::new(&stack, Part::WHOLE, &meter, 2);
            let stopped = (1..10).find(|at| guard.watch(&million(*at)).is_some());
            assert_eq!(stopped, Some(stops_at), "{budget}");
            let spent = meter.after(SET_ASIDE, sent(&million(stops_at + 1), 0)).dollars;
            assert!(spent <= budget[1..].parse().expect("a number"), "{spent} of {budget}");
        }
    }
}
