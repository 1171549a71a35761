//! Properties of inferred schemas.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{super::Type, Field, Inferred};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        3 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        3 => (-1e9_f64..1e9).prop_map(Value::from),
        1 => "[a-z]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            object(inner).prop_map(Value::from)
        ]
    })
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[ab]", value, 0..3).prop_map(|entries| entries.into_iter().collect())
}

fn documents() -> impl Strategy<Value = Vec<Map<String, Value>>> {
    prop::collection::vec(object(value()), 1..6)
}

fn inferred<'a>(documents: impl IntoIterator<Item = &'a Map<String, Value>>) -> Inferred {
    let mut inferred = Inferred::default();
    for (at, document) in (1..).zip(documents) {
        inferred.add(serde_json::to_string(document).expect("JSON").as_bytes(), at).expect("an object");
    }
    inferred
}

/// Whether a column of this type keeps a value. Text keeps every value.
fn fits(kind: &Type, value: &Value) -> bool {
    match (kind, value) {
        (_, Value::Null) | (Type::String, _) => true,
        (Type::Boolean, value) => value.is_boolean(),
        (Type::BigInt, value) => value.is_i64(),
        (Type::Decimal, value) => value.is_i64() || value.is_u64(),
        (Type::Double, value) => value.is_number(),
        (Type::Array(of), Value::Array(values)) => values.iter().all(|value| fits(of, value)),
        (Type::Struct(fields), Value::Object(object)) => fit(fields, object),
        _ => false,
    }
}

fn fit(fields: &[Field], object: &Map<String, Value>) -> bool {
    let known = |key: &str| fields.iter().find(|field| field.name == key);
    object.iter().all(|(key, value)| known(key).is_some_and(|field| fits(&field.kind, value)))
}

/// Whether a type says more than text where the values allow it.
fn is_needed(kind: &Type, values: &[&Value]) -> bool {
    let values: Vec<&Value> = values.iter().copied().filter(|value| !value.is_null()).collect();
    match kind {
        Type::Double => values.iter().any(|value| value.is_f64()),
        Type::Decimal => values.iter().any(|value| !value.is_i64()),
        Type::String if !values.is_empty() => {
            let all = |is: fn(&Value) -> bool| values.iter().all(|value| is(value));
            !(all(Value::is_boolean) || all(Value::is_number) || all(Value::is_array))
        }
        _ => true,
    }
}

/// The types by column, without the order of the columns.
fn types(inferred: &Inferred) -> BTreeMap<String, String> {
    let columns = inferred.schema().map(|schema| schema.columns).unwrap_or_default();
    columns.into_iter().map(|column| (column.name, sorted(&column.kind))).collect()
}

/// A type in which the fields of structs are in order.
fn sorted(kind: &Type) -> String {
    match kind {
        Type::Array(of) => format!("array<{}>", sorted(of)),
        Type::Struct(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().map(|field| (&field.name, sorted(&field.kind))).collect();
            format!("{fields:?}")
        }
        scalar => format!("{scalar:?}"),
    }
}

proptest! {
    #[test]
    fn every_document_fits_the_schema_of_all(documents in documents()) {
        let Ok(schema) = inferred(&documents).schema() else {
            prop_assert!(documents.iter().all(Map::is_empty), "no columns of {documents:?}");
            return Ok(());
        };
        for document in &documents {
            prop_assert!(fit(&schema.columns, document), "{:?} lacks {document:?}", schema.columns);
        }
        for column in &schema.columns {
            let values: Vec<&Value> = documents.iter().filter_map(|document| document.get(&column.name)).collect();
            prop_assert!(is_needed(&column.kind, &values), "{column:?} is wider than {values:?}");
        }
    }

    #[test]
    fn the_types_do_not_depend_on_the_order_of_documents(documents in documents()) {
        let again = documents.iter().chain(&documents);
        prop_assert_eq!(types(&inferred(&documents)), types(&inferred(documents.iter().rev())));
        prop_assert_eq!(types(&inferred(&documents)), types(&inferred(again)));
    }
}
