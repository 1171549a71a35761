//! `demo get STACK KEY…`: one item of the DynamoDB table.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, SecondsFormat};
use clap::Args;
use demo_function::{ARRIVED, PROCESSED};

use super::{
    context, errors,
    exit::{Exit, Stop},
    screen::Screen,
};
use crate::{
    aws::items::{Item, Items, Json},
    operations::KnownStack,
};

/// Arguments of `demo get`.
#[derive(Args, Debug)]
pub struct Get {
    /// The stack's id, its name, or its stack file.
    stack: String,
    /// Values of the table's key, in order; for store_sales: TICKET ITEM.
    #[arg(required = true, num_args = 1..=2, value_name = "KEY", allow_negative_numbers = true)]
    key: Vec<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Get {
    pub(super) async fn run(self, _screen: &Screen) -> anyhow::Result<Exit> {
        let known = KnownStack::find(&self.stack).await.map_err(errors::find)?;
        let Some(to) = &known.stack.deliver.dynamodb else {
            return Err(Stop::usage(format!("{} has no delivery to DynamoDB", known.id)).into());
        };
        let table = to.names(&known.id).table;
        let items = Items::of(&known.clients.dynamodb, &table).await?;
        let key = items.key_of(&self.key).map_err(Stop::usage)?;
        let begun = Instant::now();
        let found = items.get(&key).await?;
        let took = begun.elapsed();
        let Some(item) = found else {
            let named: Vec<String> =
                items.key().zip(&self.key).map(|(name, value)| format!("{name} {value}")).collect();
            let message = format!(
                "no item with {} in {table} (read in {}); it may not have arrived yet, or was never sent",
                named.join(", "),
                milliseconds(took)
            );
            return Err(Stop::new(Exit::Error, message).into());
        };
        context::print(&if self.json { in_one_object(&item, took) } else { for_a_person(&item, took) })?;
        Ok(Exit::Fine)
    }
}

fn in_one_object(item: &Item, took: Duration) -> String {
    let time = |name| time(item, name).map_or("null".to_owned(), |time| time.to_string());
    let behind = behind(item).map_or("null".to_owned(), |ms| ms.to_string());
    let read = took.as_secs_f64() * 1e3;
    format!(
        "{{\"processed\":{},\"arrived\":{},\"behind_ms\":{behind},\"read_ms\":{read:.1},\"item\":{}}}\n",
        time(PROCESSED),
        time(ARRIVED),
        Json(item)
    )
}

fn for_a_person(item: &Item, took: Duration) -> String {
    let processed = time(item, PROCESSED).and_then(DateTime::from_timestamp_millis);
    let processed =
        processed.map_or("at an unknown time".to_owned(), |time| time.to_rfc3339_opts(SecondsFormat::Millis, true));
    let behind = behind(item).map_or(String::new(), |ms| format!(", {ms} ms after it arrived in the stream"));
    format!("{:#}\n\n  processed {processed}{behind}\n  read in {}\n", Json(item), milliseconds(took))
}

/// Milliseconds since 1970.
fn time(item: &Item, name: &str) -> Option<i64> {
    match item.get(name) {
        Some(AttributeValue::N(digits)) => digits.parse().ok(),
        _ => None,
    }
}

fn behind(item: &Item) -> Option<i64> {
    Some(time(item, PROCESSED)? - time(item, ARRIVED)?)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        let n = |digits: &str| AttributeValue::N(digits.to_owned());
        Item::from([
            ("id".to_owned(), n("7")),
            ("price".to_owned(), n("0.12345678901234567890")),
            (ARRIVED.to_owned(), n("1764000000500")),
            (PROCESSED.to_owned(), n("1764000000981")),
        ])
    }

    #[test]
    fn a_person_reads_the_item_and_its_times() {
        let text = for_a_person(&item(), Duration::from_micros(3240));
        assert!(text.contains("  \"price\": 0.12345678901234567890,\n"), "{text}");
        let times = "\n  processed 2025-11-24T16:00:00.981Z, 481 ms after it arrived in the stream\n  read in 3.2 ms\n";
        assert!(text.ends_with(times), "{text}");
    }

    #[test]
    fn a_program_reads_one_object() {
        let text = in_one_object(&item(), Duration::from_micros(3240));
        let object: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            (&object["behind_ms"], &object["read_ms"], &object["item"]["id"]),
            (&481.into(), &3.2.into(), &7.into())
        );
        let bare = in_one_object(&Item::new(), Duration::ZERO);
        assert_eq!(bare, "{\"processed\":null,\"arrived\":null,\"behind_ms\":null,\"read_ms\":0.0,\"item\":{}}\n");
    }
}
