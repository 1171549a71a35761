//! Functions of maps and rows, and what reaches into them.

use datafusion::{
    arrow::{
        array::{Array, AsArray},
        compute::{is_null, nullif},
        datatypes::DataType,
    },
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs},
    scalar::ScalarValue,
};

use super::super::{
    refusal::Refusal,
    scalar::{Call, Function, Outcome},
    signature::{Bound, bind},
    types,
    value::Value,
};

const REACH: &[&str] = &["array(T), bigint -> T", "map(K, V), K -> V"];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("element_at", REACH, element_at, ("element_at(ARRAY[1, 2], -1)", "2")),
    Function::new(
        "map",
        &["-> map(K, V)", "array(K), array(V) -> map(K, V)"],
        map,
        ("MAP(ARRAY['a', 'b'], ARRAY[1, 2])", "{a=1, b=2}"),
    ),
    Function::new(
        "map_concat",
        &["map(K, V), map(K, V)... -> map(K, V)"],
        map_concat,
        ("map_concat(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), MAP(ARRAY['b'], ARRAY[5]))", "{a=1, b=5}"),
    ),
    Function::new(
        "map_entries",
        &["map(K, V) -> array(row(K, V))"],
        map_entries,
        ("map_entries(MAP(ARRAY['a'], ARRAY[1]))", "[{field0=a, field1=1}]"),
    ),
    Function::computed(
        "map_from_entries",
        from_entries_types,
        map_from_entries,
        ("map_from_entries(ARRAY[ROW('x', 1)])", "{x=1}"),
    ),
    Function::new(
        "map_keys",
        &["map(K, V) -> array(K)"],
        |_, v| Ok(keys(&v[0])),
        ("map_keys(MAP(ARRAY['a'], ARRAY[1]))", "[a]"),
    ),
    Function::new(
        "map_values",
        &["map(K, V) -> array(V)"],
        |_, v| Ok(items(&v[0])),
        ("map_values(MAP(ARRAY['a'], ARRAY[1]))", "[1]"),
    ),
    Function::computed(
        "multimap_from_entries",
        multimap_types,
        multimap,
        ("multimap_from_entries(ARRAY[ROW('x', 1), ROW('x', 2)])", "{x=[1, 2]}"),
    ),
    Function::computed("row", row_types, |_, v| Ok(Value::Row(v.to_vec())), ("ROW(1, 'a')", "{field0=1, field1=a}"))
        .with_nulls(),
    Function::computed("row_field", field_types, row_field, ("CAST(ROW(1) AS ROW(x integer)).x", "1"))
        .columnar(field_column),
    Function::new(
        "fail",
        &["varchar -> boolean", "integer, varchar -> boolean"],
        |_, values| Err(Refusal::new("GENERIC_USER_ERROR", values.last().map(Value::text).unwrap_or_default())),
        ("if(false, fail('no'))", "null"),
    ),
    Function::new(
        "typeof",
        &["T -> varchar"],
        |call, _| Ok(types::name(&call.arguments[0]).into()),
        ("typeof(ARRAY[1])", "array(integer)"),
    )
    .with_nulls(),
    Function::computed("subscript", subscript_types, subscript, ("ARRAY[1, 2][2]", "2")),
];

fn keys(map: &Value) -> Value {
    Value::List(map.map().iter().map(|(key, _)| key.clone()).collect())
}

fn items(map: &Value) -> Value {
    Value::List(map.map().iter().map(|(_, value)| value.clone()).collect())
}

/// The place that an index of SQL's means, if there is one.
fn place(index: i64, items: usize) -> Result<Option<usize>, Refusal> {
    match index {
        0 => Err(Refusal::argument("SQL array indices start at 1")),
        1.. => Ok(usize::try_from(index - 1).ok().filter(|place| *place < items)),
        _ => Ok(items.checked_sub(index.unsigned_abs() as usize)),
    }
}

fn element_at(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(match &values[0] {
        Value::List(items) => {
            place(values[1].integer(), items.len())?.map(|place| items[place].clone()).unwrap_or_default()
        }
        other => found(other, &values[1]).cloned().unwrap_or_default(),
    })
}

fn found<'a>(map: &'a Value, key: &Value) -> Option<&'a Value> {
    map.map().iter().find(|(known, _)| known == key).map(|(_, value)| value)
}

fn subscript_types(arguments: &[DataType], constants: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    if let [DataType::Struct(fields), index] = arguments {
        if !types::is_integer(index) {
            return Err(Refusal::mismatch("Subscript expression on ROW requires an integer"));
        }
        let Some(Some(constant)) = constants.get(1) else {
            return Ok((vec![arguments[0].clone(), DataType::Int64], DataType::Null));
        };
        let index = constant.cast_to(&DataType::Int64).ok().and_then(|index| match index {
            ScalarValue::Int64(index) => index,
            _ => None,
        });
        let field = index.and_then(|index| usize::try_from(index - 1).ok()).and_then(|place| fields.get(place));
        let field = field
            .ok_or_else(|| Refusal::argument(format!("ROW index out of bounds: {}", index.unwrap_or_default())))?;
        return Ok((vec![arguments[0].clone(), DataType::Int64], field.data_type().clone()));
    }
    let bound = bind("subscript", REACH, arguments);
    bound.map_err(|_| {
        let [base, index] = [0, 1].map(|at: usize| arguments.get(at).map(types::name).unwrap_or_default());
        Refusal::mismatch(format!("Cannot use {index} for subscript of {base}"))
    })
}

fn subscript(_: &Call<'_>, values: &[Value]) -> Outcome {
    match &values[0] {
        Value::List(items) => match values[1].integer() {
            index @ ..=-1 => Err(Refusal::argument(format!("Array subscript is negative: {index}"))),
            index => place(index, items.len())?.map(|place| items[place].clone()).ok_or_else(|| {
                Refusal::argument(format!(
                    "Array subscript must be less than or equal to array length: {index} > {}",
                    items.len()
                ))
            }),
        },
        Value::Row(fields) => Ok(fields.get(values[1].integer() as usize - 1).cloned().unwrap_or_default()),
        map => found(map, &values[1]).cloned().ok_or_else(|| {
            let key = if let Value::Integer(key) = values[1] { key.to_string() } else { values[1].text().to_owned() };
            Refusal::argument(format!("Key not present in map: {key}"))
        }),
    }
}

/// A map of these entries, whose keys are all different.
pub(in super::super) fn map_of(entries: impl IntoIterator<Item = (Value, Value)>) -> Outcome {
    let mut map: Vec<(Value, Value)> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (key, value) in entries {
        if key.is_null() {
            return Err(Refusal::argument("map key cannot be null"));
        }
        if !seen.insert(key.clone()) {
            let key = if let Value::Integer(key) = key { key.to_string() } else { key.text().to_owned() };
            return Err(Refusal::argument(format!("Duplicate map keys ({key}) are not allowed")));
        }
        map.push((key, value));
    }
    Ok(Value::Map(map))
}

fn map(_: &Call<'_>, values: &[Value]) -> Outcome {
    let [keys, items] = values else { return Ok(Value::Map(Vec::new())) };
    if keys.list().len() != items.list().len() {
        return Err(Refusal::argument("Key and value arrays must be the same length"));
    }
    map_of(keys.list().iter().cloned().zip(items.list().iter().cloned()))
}

fn map_concat(_: &Call<'_>, values: &[Value]) -> Outcome {
    let mut joined: Vec<(Value, Value)> = Vec::new();
    for (key, value) in values.iter().flat_map(Value::map) {
        match joined.iter_mut().find(|(known, _)| known == key) {
            Some(entry) => entry.1 = value.clone(),
            None => joined.push((key.clone(), value.clone())),
        }
    }
    Ok(Value::Map(joined))
}

fn map_entries(_: &Call<'_>, values: &[Value]) -> Outcome {
    let row = |(key, value): &(Value, Value)| Value::Row(vec![key.clone(), value.clone()]);
    Ok(Value::List(values[0].map().iter().map(row).collect()))
}

/// The key and the value in a list of rows of two.
fn pair(arguments: &[DataType]) -> Option<(DataType, DataType)> {
    let [DataType::List(item)] = arguments else { return None };
    let DataType::Struct(fields) = item.data_type() else { return None };
    let [key, value] = fields.as_ref() else { return None };
    Some((key.data_type().clone(), value.data_type().clone()))
}

fn from_entries_types(arguments: &[DataType], _: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    match pair(arguments) {
        Some((key, value)) => Ok((arguments.to_vec(), types::map(key, value))),
        None => bind("map_from_entries", &["array(row(K, V)), T, T -> map(K, V)"], arguments),
    }
}

fn multimap_types(arguments: &[DataType], _: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    match pair(arguments) {
        Some((key, value)) => Ok((arguments.to_vec(), types::map(key, types::array(value)))),
        None => bind("multimap_from_entries", &["array(row(K, V)), T, T -> map(K, array(V))"], arguments),
    }
}

fn map_from_entries(_: &Call<'_>, values: &[Value]) -> Outcome {
    if values[0].list().iter().any(Value::is_null) {
        return Err(Refusal::argument("map entry cannot be null"));
    }
    map_of(values[0].list().iter().map(|entry| (entry.list()[0].clone(), entry.list()[1].clone())))
}

fn multimap(_: &Call<'_>, values: &[Value]) -> Outcome {
    if values[0].list().iter().any(Value::is_null) {
        return Err(Refusal::argument("map entry cannot be null"));
    }
    Ok(gathered(values[0].list().iter().map(|entry| (entry.list()[0].clone(), entry.list()[1].clone()))))
}

/// Each key with the list of its values.
pub(in super::super) fn gathered(entries: impl Iterator<Item = (Value, Value)>) -> Value {
    let mut places = std::collections::BTreeMap::new();
    let mut all: Vec<(Value, Vec<Value>)> = Vec::new();
    for (key, value) in entries {
        let place = *places.entry(key.clone()).or_insert_with(|| {
            all.push((key, Vec::new()));
            all.len() - 1
        });
        all[place].1.push(value);
    }
    Value::Map(all.into_iter().map(|(key, values)| (key, Value::List(values))).collect())
}

fn row_types(arguments: &[DataType], _: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    let fields = arguments.iter().enumerate().map(|(index, kind)| (types::anonymous(index), kind.clone()));
    Ok((arguments.to_vec(), types::row(fields)))
}

fn field_types(arguments: &[DataType], constants: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
    let DataType::Struct(fields) = &arguments[0] else {
        return Err(Refusal::mismatch(format!("Expression is not of type ROW: {}", types::name(&arguments[0]))));
    };
    let Some(Some(ScalarValue::Utf8(Some(name)))) = constants.get(1) else {
        return Ok((arguments.to_vec(), DataType::Null));
    };
    let field = fields.iter().find(|field| field.name().eq_ignore_ascii_case(name));
    let field = field.ok_or_else(|| {
        Refusal::new(
            "COLUMN_NOT_FOUND",
            format!("Column '{name}' cannot be resolved: the row has {}", types::name(&arguments[0])),
        )
    })?;
    Ok((arguments.to_vec(), field.data_type().clone()))
}

/// The field's own column, which copies nothing; a row that is null has null for it.
fn field_column(arguments: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let rows = arguments.args[0].to_array(arguments.number_rows)?;
    let ColumnarValue::Scalar(ScalarValue::Utf8(Some(name))) = &arguments.args[1] else {
        return Err(Refusal::mismatch("a field of a row is a constant").into());
    };
    let rows = rows.as_struct();
    let place = rows.fields().iter().position(|field| field.name().eq_ignore_ascii_case(name));
    let column = place.map(|place| rows.column(place).clone());
    let column =
        column.ok_or_else(|| Refusal::new("COLUMN_NOT_FOUND", format!("Column '{name}' cannot be resolved")))?;
    Ok(ColumnarValue::Array(match rows.null_count() {
        0 => column,
        _ => nullif(&column, &is_null(rows)?)?,
    }))
}

fn row_field(call: &Call<'_>, values: &[Value]) -> Outcome {
    let DataType::Struct(fields) = &call.arguments[0] else { return Ok(Value::Null) };
    let name = values[1].text();
    let place = fields.iter().position(|field| field.name().eq_ignore_ascii_case(name));
    Ok(place.and_then(|place| values[0].list().get(place)).cloned().unwrap_or_default())
}
