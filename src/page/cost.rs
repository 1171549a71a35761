//! What a run costs while it goes on.

use crate::{
    deliveries::usage::Sent, load::LoadTotals, pipeline::load_cost::dollars_of, report::recorded::Hourly, spec::Stack,
};

const HOUR: f64 = 3_600.0;

/// US dollars since the load began: the stack by the hour, and what was sent by use; as `demo cost` reckons it beforehand.
pub(super) fn so_far(hourly: &Hourly, stack: &Stack, totals: &LoadTotals, at: f64) -> f64 {
    let by_the_hour = hourly.dollars * at / HOUR;
    if totals.acknowledged == 0 {
        return by_the_hour;
    }
    let documents = totals.acknowledged as f64;
    let sent = Sent { documents, mean_bytes: totals.bytes as f64 / documents };
    by_the_hour + dollars_of(stack, sent, at, &hourly.region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    #[test]
    fn time_and_documents_are_paid_for() {
        let checked =
            spec::read("stacks/stream-only.yaml".as_ref(), &[], &[]).unwrap_or_else(|errors| panic!("{errors}"));
        let hourly = Hourly {
            dollars: 3.6,
            computing: 0.0,
            region: "us-east-1".into(),
            as_of: "2026-11".into(),
            is_billed: true,
            is_least: false,
        };
        let none = so_far(&hourly, &checked.stack, &LoadTotals::default(), 10.0);
        assert!((none - 0.01).abs() < 1e-12, "{none}");
        // A document of 8,000 bytes is one PUT payload unit, and a million of them cost $0.014.
        let sent = LoadTotals { acknowledged: 1_000_000, bytes: 8_000_000_000, ..LoadTotals::default() };
        let million = so_far(&hourly, &checked.stack, &sent, 10.0);
        assert!((million - 0.024).abs() < 1e-9, "{million}");
    }
}
