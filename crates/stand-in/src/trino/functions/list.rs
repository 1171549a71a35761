//! Functions of arrays.

use rand::seq::SliceRandom;

use super::{
    super::{
        refusal::Refusal,
        scalar::{Call, Function, Outcome},
        value::Value,
    },
    cast,
};
use datafusion::arrow::datatypes::DataType;

const BOTH: &[&str] = &["array(T), array(T) -> array(T)"];
const ONE: &[&str] = &["array(T) -> array(T)"];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("array", &["T... -> array(T)"], |_, v| Ok(Value::List(v.to_vec())), ("ARRAY[1, 2, 3]", "[1, 2, 3]"))
        .with_nulls(),
    Function::new("array_distinct", ONE, distinct, ("array_distinct(ARRAY[1, 2, 2, NULL, NULL])", "[1, 2, null]")),
    Function::new("array_except", BOTH, except, ("array_except(ARRAY[1, 2], ARRAY[2])", "[1]")),
    Function::new("array_intersect", BOTH, intersect, ("array_intersect(ARRAY[1, 2], ARRAY[2, 3])", "[2]")),
    Function::new(
        "array_join",
        &["array(T), varchar -> varchar", "array(T), varchar, varchar -> varchar"],
        join,
        ("array_join(ARRAY[1, NULL, 3], ',')", "1,3"),
    ),
    Function::new(
        "array_max",
        &["array(T) -> T"],
        |_, v| Ok(extreme(&v[0], Iterator::max)),
        ("array_max(ARRAY[1, 5, 3])", "5"),
    ),
    Function::new(
        "array_min",
        &["array(T) -> T"],
        |_, v| Ok(extreme(&v[0], Iterator::min)),
        ("array_min(ARRAY[2, 1])", "1"),
    ),
    Function::new(
        "array_position",
        &["array(T), T -> bigint"],
        position,
        ("array_position(ARRAY['a', 'b'], 'b')", "2"),
    ),
    Function::new("array_remove", &["array(T), T -> array(T)"], remove, ("array_remove(ARRAY[1, 2, 1], 1)", "[2]")),
    Function::new("array_sort", ONE, sort, ("array_sort(ARRAY[3, NULL, 1])", "[1, 3, null]")),
    Function::new("array_union", BOTH, union, ("array_union(ARRAY[1, 2], ARRAY[2, 3])", "[1, 2, 3]")),
    Function::new(
        "arrays_overlap",
        &["array(T), array(T) -> boolean"],
        overlap,
        ("arrays_overlap(ARRAY[1, 2], ARRAY[2])", "true"),
    ),
    Function::new(
        "cardinality",
        &["array(T) -> bigint", "map(K, V) -> bigint"],
        cardinality,
        ("cardinality(ARRAY[1, 2])", "2"),
    ),
    Function::new(
        "combinations",
        &["array(T), bigint -> array(array(T))"],
        combinations,
        ("combinations(ARRAY[1, 2, 3], 2)", "[[1, 2], [1, 3], [2, 3]]"),
    ),
    Function::new("contains", &["array(T), T -> boolean"], contains, ("contains(ARRAY[1, 2], 2)", "true")),
    Function::new(
        "concat",
        &[
            "varchar, varchar... -> varchar",
            "array(T), array(T)... -> array(T)",
            "array(T), T -> array(T)",
            "T, array(T) -> array(T)",
            "varbinary, varbinary... -> varbinary",
        ],
        concat,
        ("concat('a', 'b', 'c')", "abc"),
    ),
    Function::new(
        "flatten",
        &["array(array(T)) -> array(T)"],
        flatten,
        ("flatten(ARRAY[ARRAY[1, 2], ARRAY[3]])", "[1, 2, 3]"),
    ),
    Function::new(
        "ngrams",
        &["array(T), bigint -> array(array(T))"],
        ngrams,
        ("ngrams(ARRAY['a', 'b', 'c'], 2)", "[[a, b], [b, c]]"),
    ),
    Function::new("repeat", &["T, bigint -> array(T)"], repeat, ("repeat('x', 3)", "[x, x, x]")),
    Function::new(
        "reverse",
        &["varchar -> varchar", "array(T) -> array(T)", "varbinary -> varbinary"],
        reverse,
        ("reverse('abc')", "cba"),
    ),
    Function::new("shuffle", ONE, shuffle, ("shuffle(ARRAY[1])", "[1]")).volatile(),
    Function::new(
        "slice",
        &["array(T), bigint, bigint -> array(T)"],
        slice,
        ("slice(ARRAY[1, 2, 3, 4], 2, 2)", "[2, 3]"),
    ),
    Function::new(
        "trim_array",
        &["array(T), bigint -> array(T)"],
        trim_array,
        ("trim_array(ARRAY[1, 2, 3], 1)", "[1, 2]"),
    ),
    Function::new(
        "zip",
        &[
            "array(A), array(B) -> array(row(A, B))",
            "array(A), array(B), array(C) -> array(row(A, B, C))",
            "array(A), array(B), array(C), array(D) -> array(row(A, B, C, D))",
        ],
        zip,
        ("zip(ARRAY[1, 2], ARRAY['a', 'b'])", "[{field0=1, field1=a}, {field0=2, field1=b}]"),
    ),
];

/// The most that `repeat` and `sequence` make (Trino's own limit).
pub(super) const MOST: i64 = 10_000;
/// The most combinations (Trino's own limit).
const MOST_COMBINATIONS: usize = 100_000;

fn distinct(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(Value::List(unique(values[0].list().iter())))
}

/// Each value once, in the order of its first place.
fn unique<'a>(values: impl Iterator<Item = &'a Value>) -> Vec<Value> {
    let mut seen = std::collections::BTreeSet::new();
    values.filter(|value| seen.insert(*value)).cloned().collect()
}

fn except(_: &Call<'_>, values: &[Value]) -> Outcome {
    let without: std::collections::BTreeSet<&Value> = values[1].list().iter().collect();
    Ok(Value::List(unique(values[0].list().iter().filter(|value| !without.contains(value)))))
}

fn intersect(_: &Call<'_>, values: &[Value]) -> Outcome {
    let within: std::collections::BTreeSet<&Value> = values[1].list().iter().collect();
    Ok(Value::List(unique(values[0].list().iter().filter(|value| within.contains(value)))))
}

fn union(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(Value::List(unique(values[0].list().iter().chain(values[1].list()))))
}

fn join(call: &Call<'_>, values: &[Value]) -> Outcome {
    let DataType::List(item) = &call.arguments[0] else { return Ok(Value::Null) };
    let instead = values.get(2).map(Value::text);
    let text = |value: &Value| match value.is_null() {
        true => instead.map(str::to_owned),
        false => Some(cast::text(value, item.data_type())),
    };
    Ok(values[0].list().iter().filter_map(text).collect::<Vec<_>>().join(values[1].text()).into())
}

fn extreme<'a>(list: &'a Value, of: fn(std::slice::Iter<'a, Value>) -> Option<&'a Value>) -> Value {
    match list.list().iter().any(Value::is_null) {
        true => Value::Null,
        false => of(list.list().iter()).cloned().unwrap_or_default(),
    }
}

fn position(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(values[0].list().iter().position(|value| *value == values[1]).map_or(0, |at| at + 1).into())
}

fn remove(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(Value::List(values[0].list().iter().filter(|value| **value != values[1]).cloned().collect()))
}

fn sort(_: &Call<'_>, values: &[Value]) -> Outcome {
    let mut sorted = values[0].list().to_vec();
    sorted.sort();
    Ok(Value::List(sorted))
}

fn overlap(_: &Call<'_>, values: &[Value]) -> Outcome {
    let [a, b] = [values[0].list(), values[1].list()];
    let within: std::collections::BTreeSet<&Value> = b.iter().filter(|value| !value.is_null()).collect();
    if a.iter().any(|value| within.contains(value)) {
        return Ok(true.into());
    }
    let has_null = !a.is_empty() && !b.is_empty() && a.iter().chain(b).any(Value::is_null);
    Ok(if has_null { Value::Null } else { false.into() })
}

fn cardinality(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(values[0].list().len().max(values[0].map().len()).into())
}

fn combinations(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (list, size) = (values[0].list(), values[1].integer());
    if !(0..=5).contains(&size) {
        return Err(Refusal::argument("combination size must not exceed 5"));
    }
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..size {
        let longer = |chosen: &Vec<usize>| {
            let from = chosen.last().map_or(0, |last| last + 1);
            let chosen = chosen.clone();
            (from..list.len()).map(move |at| chosen.iter().copied().chain([at]).collect())
        };
        all = all.iter().flat_map(longer).take(MOST_COMBINATIONS + 1).collect();
        if all.len() > MOST_COMBINATIONS {
            return Err(Refusal::argument("combinations exceed max size"));
        }
    }
    let row = |chosen: Vec<usize>| Value::List(chosen.into_iter().map(|at| list[at].clone()).collect());
    Ok(Value::List(all.into_iter().map(row).collect()))
}

fn contains(_: &Call<'_>, values: &[Value]) -> Outcome {
    let list = values[0].list();
    if list.contains(&values[1]) {
        return Ok(true.into());
    }
    Ok(if list.iter().any(Value::is_null) { Value::Null } else { false.into() })
}

fn concat(call: &Call<'_>, values: &[Value]) -> Outcome {
    if values.len() < 2 {
        return Err(Refusal::argument("There must be two or more concatenation arguments"));
    }
    if !matches!(call.result, DataType::List(_)) {
        return Ok(match values[0] {
            Value::Bytes(_) => Value::Bytes(values.iter().flat_map(Value::bytes).copied().collect()),
            _ => values.iter().map(Value::text).collect::<String>().into(),
        });
    }
    let is_list = |kind: &DataType| kind == call.result;
    let mut joined = Vec::new();
    for (value, kind) in values.iter().zip(call.arguments) {
        match is_list(kind) {
            true => joined.extend_from_slice(value.list()),
            false => joined.push(value.clone()),
        }
    }
    Ok(Value::List(joined))
}

fn flatten(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(Value::List(values[0].list().iter().flat_map(Value::list).cloned().collect()))
}

fn ngrams(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (list, size) = (values[0].list(), values[1].integer());
    if size <= 0 {
        return Err(Refusal::argument("N must be positive"));
    }
    let size = (size as usize).min(list.len());
    let each = list.windows(size.max(1)).map(|window| Value::List(window.to_vec()));
    Ok(Value::List(if list.is_empty() { vec![Value::List(Vec::new())] } else { each.collect() }))
}

fn repeat(_: &Call<'_>, values: &[Value]) -> Outcome {
    let times = values[1].integer();
    if !(0..=MOST).contains(&times) {
        return Err(Refusal::argument(format!("count argument of repeat function must be between 0 and {MOST}")));
    }
    Ok(Value::List(vec![values[0].clone(); times as usize]))
}

fn reverse(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(match &values[0] {
        Value::List(items) => Value::List(items.iter().rev().cloned().collect()),
        Value::Bytes(bytes) => Value::Bytes(bytes.iter().rev().copied().collect()),
        other => other.text().chars().rev().collect::<String>().into(),
    })
}

fn shuffle(_: &Call<'_>, values: &[Value]) -> Outcome {
    let mut items = values[0].list().to_vec();
    items.shuffle(&mut rand::rng());
    Ok(Value::List(items))
}

fn slice(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (list, from, size) = (values[0].list(), values[1].integer(), values[2].integer());
    if size < 0 {
        return Err(Refusal::argument("length must be greater than or equal to 0"));
    }
    if from == 0 {
        return Err(Refusal::argument("SQL array indices start at 1"));
    }
    let start = if from > 0 { from - 1 } else { list.len() as i64 + from };
    let items = if start < 0 { &[] } else { list.get(start as usize..).unwrap_or_default() };
    Ok(Value::List(items.iter().take(size as usize).cloned().collect()))
}

fn trim_array(_: &Call<'_>, values: &[Value]) -> Outcome {
    let (list, dropped) = (values[0].list(), values[1].integer());
    if dropped < 0 {
        return Err(Refusal::argument("size must not be negative"));
    }
    if dropped > list.len() as i64 {
        return Err(Refusal::argument(format!("size must not exceed array cardinality {}: {dropped}", list.len())));
    }
    Ok(Value::List(list[..list.len() - dropped as usize].to_vec()))
}

/// A row of each of the lists' items; the shorter ones end in nulls.
pub(super) fn zipped(lists: &[&[Value]]) -> Vec<Value> {
    let longest = lists.iter().map(|list| list.len()).max().unwrap_or_default();
    let row = |at: usize| Value::Row(lists.iter().map(|list| list.get(at).cloned().unwrap_or_default()).collect());
    (0..longest).map(row).collect()
}

fn zip(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(Value::List(zipped(&values.iter().map(Value::list).collect::<Vec<_>>())))
}
