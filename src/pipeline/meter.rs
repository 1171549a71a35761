//! What a run costs while it goes on, by the arithmetic of `demo cost`: its stack by the hour, and what it has sent by use.

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::load_cost;
use crate::{
    aws::{
        cost::{self, Billed, about, dollars},
        prices,
    },
    deliveries::usage::Sent,
    engine::Node,
    load::Part,
    spec::Stack,
};

/// The region whose prices are shown where nothing is billed.
pub const SHOWN_REGION: &str = "us-east-1";

/// An estimate of what a run costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunCost {
    /// US dollars in all.
    pub dollars: f64,
    /// Of those, for the stack while it was up.
    pub of_stack: f64,
    /// Of those, for what the load used.
    pub of_load: f64,
    /// US dollars an hour of the stack, for as long as it is up.
    pub an_hour: f64,
    /// Whether it is billed; where it is not, it is what AWS would bill.
    pub billed: bool,
    /// The region whose prices these are.
    pub region: String,
    /// The month of the price list.
    pub prices_of: String,
}

/// Such as `about $0.12: $0.05 for the stack while it was up, $0.07 for the load (an estimate, prices of 2026-11)`.
impl fmt::Display for RunCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, prices_of, .. } = self;
        if !self.billed {
            write!(f, "nothing here; on AWS in {region} ")?;
        }
        let (all, stack, load) = (about(self.dollars), dollars(self.of_stack), dollars(self.of_load));
        write!(
            f,
            "{all}: {stack} for the stack while it was up, {load} for the load (an estimate, prices of {prices_of})"
        )
    }
}

/// What has been sent by now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SentSoFar {
    /// Acknowledged documents.
    pub documents: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Seconds since the load began, until its end at most.
    pub seconds: f64,
}

/// Estimates what a run costs.
#[derive(Clone, Debug)]
pub struct Meter {
    stack: Stack,
    an_hour: f64,
    region: String,
    billed: bool,
    began: Instant,
}

impl Meter {
    /// For a stack of these resources that began to be created so long ago. Workers share what it costs by the hour.
    pub fn new<'a>(
        stack: &Stack,
        nodes: impl IntoIterator<Item = &'a Node>,
        place: &impl Billed,
        up_for: Duration,
        part: Part,
    ) -> Self {
        let region = place.billed().unwrap_or(SHOWN_REGION);
        let an_hour = cost::per_hour(nodes, &region).always() / f64::from(part.of);
        let now = Instant::now();
        Self {
            stack: stack.clone(),
            an_hour,
            region: prices::of(region).0.to_owned(),
            billed: place.billed().is_some(),
            began: now.checked_sub(up_for).unwrap_or(now),
        }
    }

    /// What the run costs by now.
    pub fn now(&self, sent: SentSoFar) -> RunCost {
        self.after(self.began.elapsed(), sent)
    }

    /// What the run costs a while from now.
    pub fn soon(&self, wait: Duration, sent: SentSoFar) -> RunCost {
        self.after(self.began.elapsed() + wait, sent)
    }

    /// What the run costs when its stack has been up for so long.
    pub fn after(&self, up_for: Duration, sent: SentSoFar) -> RunCost {
        let SentSoFar { documents, bytes, seconds } = sent;
        let of_stack = self.an_hour * up_for.as_secs_f64() / 3_600.0;
        let of_load = if documents == 0 {
            0.0
        } else {
            let sent = Sent { documents: documents as f64, mean_bytes: bytes as f64 / documents as f64 };
            let used = load_cost::used(&self.stack, sent, seconds, prices::of(&self.region).1);
            used.iter().map(|used| used.dollars).sum()
        };
        RunCost {
            dollars: of_stack + of_load,
            of_stack,
            of_load,
            an_hour: self.an_hour,
            billed: self.billed,
            region: self.region.clone(),
            prices_of: prices::as_of().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{engine::ResourceKey, spec};

    fn meter(file: &str, region: &str, part: Part) -> Meter {
        let stack = spec::read(file.as_ref(), &[], &[]).unwrap_or_else(|errors| panic!("{errors}")).stack;
        let desired = json!({"shards": 20, "retention_hours": 24});
        let stream =
            Node { key: ResourceKey::new("stream", "a"), depends_on: Vec::new(), desired, detail: String::new() };
        Meter::new(&stack, [&stream], &region, Duration::ZERO, part)
    }

    fn near(is: f64, wanted: f64) {
        assert!((is - wanted).abs() <= wanted * 1e-9, "{is}, not {wanted}");
    }

    const MILLION: SentSoFar = SentSoFar { documents: 1_000_000, bytes: 8_000_000_000, seconds: 500.0 };

    #[test]
    fn an_hour_of_the_stack_and_a_million_documents() {
        let cost =
            meter("stacks/stream-only.yaml", "us-east-1", Part::WHOLE).after(Duration::from_secs(1_800), MILLION);
        // 20 shards for half an hour at $0.015, and a million PUT units at $0.014.
        near(cost.of_stack, 0.15);
        near(cost.of_load, 0.014);
        near(cost.dollars, 0.164);
        assert!(cost.billed && cost.prices_of.starts_with("20"));
    }

    #[test]
    fn what_goes_to_s3_is_paid_for_by_use() {
        let cost = meter("stacks/store-sales-s3.yaml", "us-east-1", Part::WHOLE).after(Duration::ZERO, MILLION);
        // Firehose: each document of 8,000 bytes is 10 KiB, at $0.029 a GiB; a put of S3 for each full buffer.
        let firehose = 1e6 * 10_240.0 / f64::from(1 << 30) * 0.029;
        let puts = cost.of_load - 0.014 - firehose;
        assert!(puts > 0.0 && puts < 0.01, "{puts} of {cost:?}");
    }

    #[test]
    fn nothing_sent_costs_the_stack_alone_and_workers_share_it() {
        let hour = Duration::from_secs(3_600);
        let all = meter("stacks/stream-only.yaml", "us-east-1", Part::WHOLE).after(hour, SentSoFar::default());
        let half = "1/2".parse().expect("a part");
        let part = meter("stacks/stream-only.yaml", "us-east-1", half).after(hour, SentSoFar::default());
        near(all.dollars, 0.30);
        near(part.dollars, 0.15);
    }

    #[test]
    fn what_is_not_billed_is_said_to_cost_nothing() {
        let cost = RunCost { dollars: 0.164, of_stack: 0.15, of_load: 0.014, an_hour: 0.3, ..RunCost::default() };
        let cost = RunCost { region: "us-east-1".into(), prices_of: "2026-11".into(), ..cost };
        let figures =
            "about $0.16: $0.15 for the stack while it was up, $0.014 for the load (an estimate, prices of 2026-11)";
        assert_eq!(cost.to_string(), format!("nothing here; on AWS in us-east-1 {figures}"));
        assert_eq!(RunCost { billed: true, ..cost }.to_string(), figures);
    }
}
