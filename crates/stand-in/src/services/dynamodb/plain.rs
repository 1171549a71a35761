//! Reads the items of a write in one pass.
//!
//! The library reads a value as JSON first, and then copies what lies in it, level by level: most of what a nested item costs. A
//! request that is written plainly is read here instead. Any other is left to the library, which has its own words for what
//! is wrong with it.

use std::{collections::HashMap, fmt};

use dynoxide::{
    AttributeValue, Item,
    actions::batch_write_item::{BatchWriteItemRequest, PutRequest, WriteRequest},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};

/// DynamoDB developer guide, "Data types": digits of a number.
const DIGITS: usize = 38;

/// Puts into tables; `None` where there is anything else in the request.
pub(super) fn puts(body: &[u8]) -> Option<BatchWriteItemRequest> {
    let Batch { tables } = serde_json::from_slice(body).ok()?;
    let request = |Write { put: Put { item } }| WriteRequest {
        put_request: Some(PutRequest { item: item.0 }),
        delete_request: None,
    };
    let requests = |(table, writes): (String, Vec<Write>)| (table, writes.into_iter().map(request).collect());
    Some(BatchWriteItemRequest { request_items: tables.into_iter().map(requests).collect(), ..Default::default() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    #[serde(rename = "RequestItems")]
    tables: HashMap<String, Vec<Write>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Write {
    #[serde(rename = "PutRequest")]
    put: Put,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Put {
    #[serde(rename = "Item")]
    item: Attributes,
}

/// Values by their names.
pub(super) struct Attributes(pub(super) Item);

/// One value.
struct Value(AttributeValue);

#[derive(Deserialize)]
enum Type {
    S,
    N,
    #[serde(rename = "BOOL")]
    Bool,
    #[serde(rename = "NULL")]
    Null,
    L,
    M,
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Attributes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("values by their names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
                let mut item = Item::new();
                while let Some((name, Value(value))) = map.next_entry()? {
                    item.insert(name, value);
                }
                Ok(Attributes(item))
            }
        }
        from.deserialize_map(Each)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct One;
        impl<'de> Visitor<'de> for One {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value under its type")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let value = match map.next_key()?.ok_or_else(|| A::Error::custom("no type"))? {
                    Type::S => AttributeValue::S(map.next_value()?),
                    Type::N => AttributeValue::N(plain_number(map.next_value()?)?),
                    Type::Bool => AttributeValue::BOOL(map.next_value()?),
                    Type::Null => {
                        AttributeValue::NULL(map.next_value::<bool>()?.then_some(true).ok_or_else(not_plain)?)
                    }
                    Type::L => AttributeValue::L(
                        map.next_value::<Vec<Value>>()?.into_iter().map(|Value(value)| value).collect(),
                    ),
                    Type::M => AttributeValue::M(map.next_value::<Attributes>()?.0),
                };
                if map.next_key::<IgnoredAny>()?.is_some() {
                    return Err(not_plain());
                }
                Ok(Value(value))
            }
        }
        from.deserialize_map(One)
    }
}

/// A number that any rule takes: digits with a sign and a point at most, and none too many.
fn plain_number<E: Error>(text: String) -> Result<String, E> {
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = are_digits(whole) && are_digits(fraction) && whole.len() + fraction.len() <= DIGITS;
    if is_plain { Ok(text) } else { Err(not_plain()) }
}

fn not_plain<E: Error>() -> E {
    E::custom("not written plainly")
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*};
    use serde_json::{Value, json};

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<String>().prop_map(|text| json!({"S": text})),
            "-?[0-9]{1,20}(\\.[0-9]{1,18})?".prop_map(|digits| json!({"N": digits})),
            any::<bool>().prop_map(|value| json!({"BOOL": value})),
            Just(json!({"NULL": true})),
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                collection::vec(inner.clone(), 0..5).prop_map(|list| json!({"L": list})),
                collection::hash_map(any::<String>(), inner, 0..5).prop_map(|map| json!({"M": map})),
            ]
        })
    }

    fn written(items: &[Value]) -> Vec<u8> {
        let writes: Vec<_> = items.iter().map(|item| json!({"PutRequest": {"Item": item}})).collect();
        json!({"RequestItems": {"sales": writes}}).to_string().into_bytes()
    }

    fn items(request: BatchWriteItemRequest) -> Vec<Item> {
        let writes = request.request_items.into_iter().flat_map(|(table, writes)| {
            assert_eq!(table, "sales");
            writes
        });
        writes.map(|write| write.put_request.expect("a put").item).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn what_is_plain_is_read_as_the_library_reads_it(
            all in collection::vec(collection::hash_map(any::<String>(), value(), 0..4), 0..4),
        ) {
            let body = written(&all.iter().map(|item| json!(item)).collect::<Vec<_>>());
            let theirs: BatchWriteItemRequest = serde_json::from_slice(&body).expect("the library reads it");
            prop_assert_eq!(items(puts(&body).expect("plain")), items(theirs));
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_library() {
        assert!(puts(&written(&[json!({"a": {"N": "1.50"}})])).is_some());
        let other = [
            json!({"B": "AA=="}),
            json!({"SS": ["a"]}),
            json!({"N": "1e3"}),
            json!({"N": "+1"}),
            json!({"N": ""}),
            json!({"N": "1."}),
            json!({"N": "12345678901234567890123456789012345678.9"}),
            json!({"N": 1}),
            json!({"NULL": false}),
            json!({"BOOL": "true"}),
            json!({"S": null}),
            json!({"S": "a", "N": "1"}),
            json!({}),
            json!("a"),
            json!({"M": {"a": {"X": 1}}}),
        ];
        for value in other {
            assert!(puts(&written(&[json!({"a": value})])).is_none(), "{value}");
        }
        for body in [
            json!({"RequestItems": {"sales": [{"DeleteRequest": {"Key": {}}}]}}),
            json!({"RequestItems": {"sales": []}, "ReturnConsumedCapacity": "TOTAL"}),
            json!({}),
        ] {
            assert!(puts(body.to_string().as_bytes()).is_none(), "{body}");
        }
    }
}
