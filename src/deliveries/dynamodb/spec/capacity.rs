//! How much a table takes, and whether the load fits.

use super::DynamoDbDelivery;
use crate::spec::{
    load::{Load, Workload},
    quantity::Refusal,
};

/// What a table takes in a second by default. DynamoDB Developer Guide, "Quotas", table throughput on demand.
const TABLE_WRITE_UNITS: f64 = 40_000.0;
/// What one write unit writes. DynamoDB Developer Guide, "Read and write operations".
const WRITE_UNIT_BYTES: f64 = 1_024.0;
/// US dollars a million write request units on demand, us-east-1, DynamoDB's price list of November 2024.
const MILLION_WRITE_UNITS: f64 = 0.625;

impl DynamoDbDelivery {
    /// Write units a second that a load asks of the table; none where nobody knows yet.
    pub(crate) fn write_units(&self, load: &Load) -> Option<f64> {
        Some(load.schedule.peak()? * units_of(&load.workload)?)
    }
}

/// Write units of one document, where its length is known before it is made.
fn units_of(workload: &Workload) -> Option<f64> {
    Some((workload.mean_bytes()? / WRITE_UNIT_BYTES).ceil())
}

/// Why a rate is more than a DynamoDB table takes, and what it would cost; `None` where it fits, or nobody knows yet.
pub(super) fn beyond_a_table(rate: f64, workload: &Workload) -> Option<Refusal> {
    let each = units_of(workload)?;
    let units = rate * each;
    if units <= TABLE_WRITE_UNITS {
        return None;
    }
    let dollars = units * 3_600.0 / 1e6 * MILLION_WRITE_UNITS;
    let problem = format!(
        "{rate}/s of {each} write units each are {} a second, and a DynamoDB table takes {} by default; they would cost ${} an hour",
        thousands(units),
        thousands(TABLE_WRITE_UNITS),
        thousands(dollars),
    );
    Some(Refusal::new(problem, format!("at most {}/s, or no `deliver.dynamodb`", (TABLE_WRITE_UNITS / each).floor())))
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_five_thousand_documents_a_second() {
        let documents = Workload::StoreSales { scale: 1, seed: 1 };
        assert_eq!(beyond_a_table(5_000.0, &documents), None);
        let beyond = beyond_a_table(60_000.0, &documents).expect("too much");
        assert_eq!(
            beyond.problem,
            "60000/s of 8 write units each are 480,000 a second, and a DynamoDB table takes 40,000 by default; they would cost $1,080 an hour"
        );
        assert_eq!(beyond.expected, "at most 5000/s, or no `deliver.dynamodb`");
        let own = Workload::Template { text: "{}".to_owned(), seed: 1, key: None };
        assert_eq!(beyond_a_table(60_000.0, &own), None);
    }
}
