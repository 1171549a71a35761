//! What resources cost by the hour while they are there.

use std::fmt;

use aws_stand_in::ACCOUNT;
use serde::Serialize;

pub use super::prices::{Prices, as_of, sources};
use super::{clients::Where, kind::Hourly, kinds, prices};
use crate::engine::{Fingerprint, Node};

/// What AWS charges in a region, or in the one whose prices stand for it.
pub fn prices_in(region: &str) -> &'static Prices {
    prices::of(region).1
}

/// A place that AWS bills, or does not.
pub trait Billed {
    /// The region that AWS bills; none for the stand-in and for other implementations.
    fn billed(&self) -> Option<&str>;
}

impl Billed for Where {
    fn billed(&self) -> Option<&str> {
        match self {
            Self::Aws { region, endpoint_url: None, .. } => Some(region),
            Self::Aws { .. } | Self::Local { .. } => None,
        }
    }
}

impl Billed for Fingerprint {
    fn billed(&self) -> Option<&str> {
        (self.endpoint.is_none() && self.account != ACCOUNT).then_some(self.region.as_str())
    }
}

/// A region of AWS.
impl Billed for &str {
    fn billed(&self) -> Option<&str> {
        Some(self)
    }
}

/// What a stack costs by the hour.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// The region that is billed; none where nothing is.
    pub region: Option<String>,
    /// The region whose prices these are, where it is another one.
    pub prices_of: Option<String>,
    /// What costs by the hour.
    pub items: Vec<Item>,
    /// What costs by the hour, though how much of it there is is not known.
    pub unknown: Vec<String>,
}

/// One thing that costs by the hour.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// The resource.
    pub what: String,
    /// How much of it, for example `20 shards`.
    pub detail: String,
    /// US dollars an hour.
    pub an_hour: f64,
    /// Only while it computes.
    pub while_computing: bool,
}

impl Cost {
    /// US dollars an hour, for as long as it is up.
    pub fn always(&self) -> f64 {
        self.sum(false)
    }

    /// US dollars an hour more, while Redshift computes.
    pub fn computing(&self) -> f64 {
        self.sum(true)
    }

    fn sum(&self, while_computing: bool) -> f64 {
        let items = self.items.iter().filter(|item| item.while_computing == while_computing);
        items.fold(0.0, |sum, item| sum + item.an_hour)
    }
}

/// For example `$8.10 an hour`, to stand after "it costs".
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let least = if self.unknown.is_empty() { "" } else { "at least " };
        let (always, computing) = (self.always(), self.computing());
        match (always > 0.0, computing > 0.0) {
            _ if self.region.is_none() => f.write_str("nothing"),
            (false, false) if self.unknown.is_empty() => f.write_str("nothing by the hour"),
            (false, false) => f.write_str("an unknown amount an hour"),
            (true, false) => write!(f, "{least}{} an hour", dollars(always)),
            (false, true) => write!(f, "{least}{} an hour while Redshift computes", dollars(computing)),
            (true, true) => {
                write!(f, "{least}{} an hour, and {} more while Redshift computes", dollars(always), dollars(computing))
            }
        }
    }
}

/// What these resources cost by the hour while they are there.
pub fn per_hour<'a>(nodes: impl IntoIterator<Item = &'a Node>, place: &impl Billed) -> Cost {
    let Some(region) = place.billed() else { return Cost::default() };
    let (priced, prices) = prices::of(region);
    let prices_of = (priced != region).then(|| priced.to_owned());
    let mut cost = Cost { region: Some(region.to_owned()), prices_of, ..Cost::default() };
    for node in nodes {
        let (detail, an_hour, while_computing) = match kinds::hourly(node, prices) {
            Hourly::Nothing => continue,
            Hourly::Unknown => {
                cost.unknown.push(node.key.to_string());
                continue;
            }
            Hourly::Always { detail, dollars } => (detail, dollars, false),
            Hourly::WhileComputing { detail, dollars } => (detail, dollars, true),
        };
        cost.items.push(Item { what: node.key.to_string(), detail, an_hour, while_computing });
    }
    cost
}

/// An amount as a person would say it: cents, or as many digits as tell it from nothing.
pub fn dollars(amount: f64) -> String {
    match amount {
        0.0 => "$0".to_owned(),
        less if less < 0.001 => "less than $0.001".to_owned(),
        less if less < 0.1 => format!("${amount:.3}"),
        _ => format!("${amount:.2}"),
    }
}

/// An estimated amount, such as `about $0.12`.
pub fn about(amount: f64) -> String {
    let dollars = dollars(amount);
    if dollars.starts_with('$') { format!("about {dollars}") } else { dollars }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sts::config::Credentials;
    use serde_json::json;

    use super::*;
    use crate::engine::ResourceKey;

    fn node(kind: &str, desired: serde_json::Value) -> Node {
        Node { key: ResourceKey::new(kind, "a"), depends_on: Vec::new(), desired, detail: String::new() }
    }

    #[test]
    fn a_shard_costs_by_the_hour_and_more_where_records_stay() {
        let stream = |shards: u32, hours: u32| node("stream", json!({"shards": shards, "retention_hours": hours}));
        let said = |node: &Node| per_hour([node], &"us-east-1").to_string();
        assert_eq!(said(&stream(540, 24)), "$8.10 an hour");
        assert_eq!(said(&stream(1, 24)), "$0.015 an hour");
        assert_eq!(said(&stream(20, 48)), "$0.70 an hour");
        assert_eq!(said(&node("stream", json!({"shards": null}))), "$0.040 an hour");
        assert_eq!(said(&node("stream", json!({"name": "a"}))), "an unknown amount an hour");
    }

    #[test]
    fn a_warehouse_costs_while_it_computes() {
        let nodes =
            [node("stream", json!({"shards": 2})), node("redshift-workgroup", json!({})), node("bucket", json!({}))];
        let cost = per_hour(&nodes, &"us-east-1");
        assert_eq!(cost.to_string(), "$0.030 an hour, and $3.00 more while Redshift computes");
        assert_eq!((cost.always(), cost.computing()), (0.03, 3.0));
        assert_eq!(per_hour(&nodes[2..], &"us-east-1").to_string(), "nothing by the hour");
    }

    #[test]
    fn an_amount_is_about_so_much_or_less_than_a_little() {
        assert_eq!(
            [0.0, 0.0004, 0.0123, 1.239].map(about),
            ["about $0", "less than $0.001", "about $0.012", "about $1.24"]
        );
    }

    #[test]
    fn nothing_is_billed_on_the_stand_in() {
        let nodes = [node("stream", json!({"shards": 540}))];
        let credentials = Credentials::new("any", "any", None, None, "test");
        let local = Where::Local { url: String::new(), credentials };
        assert_eq!(per_hour(&nodes, &local).to_string(), "nothing");
        let other = Where::Aws { region: "r".into(), profile: None, endpoint_url: Some("http://x".into()) };
        assert_eq!(per_hour(&nodes, &other), Cost::default());
        let stack = Fingerprint { account: "1".into(), region: "eu-west-1".into(), endpoint: None };
        let cost = per_hour(&nodes, &stack);
        assert_eq!((cost.region.as_deref(), cost.prices_of.as_deref()), (Some("eu-west-1"), Some("us-east-1")));
    }
}
