//! What property tests make their inputs of.

use proptest::{collection, prelude::*};
use serde_json::Value;

/// Makes text of any characters, those that must be escaped among them.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let letter =
        prop_oneof![any::<char>(), prop::sample::select(vec!['"', '\\', '\n', '\0', ' ', 'a', '%', '&', '=', '+'])];
    collection::vec(letter, 0..12).prop_map(String::from_iter)
}

/// Makes JSON of any shape, a few levels deep. Fractions are eighths, which every reader and writer has exactly.
pub(crate) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![collection::vec(inner.clone(), 0..6).prop_map(Value::from), fields(inner)]
    })
}

/// Makes a JSON object.
pub(crate) fn object() -> impl Strategy<Value = Value> {
    fields(json())
}

fn fields(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    collection::hash_map(text(), value, 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

/// Makes bytes that were almost `whole`: cut, or with some of them replaced.
pub(crate) fn damaged(whole: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = whole.len();
    let changes = collection::vec((0..length.max(1), any::<u8>()), 0..4);
    (changes, 0..=length).prop_map(move |(changes, cut)| {
        let mut damaged = whole.clone();
        for (at, byte) in changes {
            if let Some(place) = damaged.get_mut(at) {
                *place = byte;
            }
        }
        // Half of them stay as long as they were.
        damaged.truncate(if cut % 2 == 0 { cut } else { length });
        damaged
    })
}
