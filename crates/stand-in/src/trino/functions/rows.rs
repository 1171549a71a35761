//! What UNNEST makes of its arguments: the rows that they have side by side.

use datafusion::arrow::datatypes::DataType;

use super::{
    super::{
        refusal::Refusal,
        scalar::{Call, Function, Outcome},
        signature::Bound,
        types,
        value::Value,
    },
    list::zipped,
};

pub(super) const FUNCTIONS: &[Function] = &[UNNEST];

/// The rows that all the arguments but the last have side by side, numbered; the last says whether nothing is a row too.
pub(in super::super) const UNNEST: Function = Function::computed(
    "unnest_rows",
    |arguments, _| rows_types(arguments),
    rows,
    ("UNNEST(ARRAY[1, 2]) WITH ORDINALITY", "1, 1; 2, 2"),
)
.with_nulls()
// Else it could be a constant, which is bounded as one that is written out for each row of a batch.
.volatile();

/// The columns that a value is unnested to, and their names where they have any.
pub(in super::super) fn columns(kind: &DataType) -> Result<Vec<(Option<String>, DataType)>, Refusal> {
    match kind {
        DataType::List(item) => Ok(match item.data_type() {
            DataType::Struct(fields) => {
                fields.iter().map(|field| (Some(field.name().clone()), field.data_type().clone())).collect()
            }
            other => vec![(None, other.clone())],
        }),
        DataType::Map(..) => {
            let (key, value) = types::entries(kind).unwrap_or((&DataType::Null, &DataType::Null));
            Ok(vec![(None, key.clone()), (None, value.clone())])
        }
        DataType::Null => Ok(vec![(None, DataType::Null)]),
        other => Err(Refusal::argument(format!("Cannot unnest type: {}", types::name(other)))),
    }
}

fn rows_types(arguments: &[DataType]) -> Result<Bound, Refusal> {
    let sources = &arguments[..arguments.len() - 1];
    let all = sources.iter().map(columns).collect::<Result<Vec<_>, _>>()?.concat();
    let fields = all.into_iter().map(|(_, kind)| kind).chain([DataType::Int64]).enumerate();
    let row = types::row(fields.map(|(index, kind)| (types::anonymous(index), kind)));
    Ok((arguments.to_vec(), types::array(row)))
}

fn rows(call: &Call<'_>, values: &[Value]) -> Outcome {
    let (sources, keep_nothing) = values.split_at(values.len() - 1);
    let lists: Vec<Vec<Value>> = sources.iter().zip(call.arguments).map(|(value, kind)| listed(value, kind)).collect();
    let lists: Vec<&[Value]> = lists.iter().map(Vec::as_slice).collect();
    let widths = call.arguments[..sources.len()].iter().map(|kind| columns(kind).map(|columns| columns.len()));
    let widths = widths.collect::<Result<Vec<_>, _>>()?;
    let flat = |(index, row): (usize, Value)| {
        let parts = row.list().iter().zip(&widths);
        let mut fields: Vec<Value> = parts
            .flat_map(|(part, width)| match part {
                Value::Row(fields) => fields.clone(),
                // A row that is null has nulls for its fields; what is no row lies in one of its own.
                _ => vec![Value::Null; *width],
            })
            .collect();
        fields.push(Value::from(index + 1));
        Value::Row(fields)
    };
    let found: Vec<Value> = zipped(&lists).into_iter().enumerate().map(flat).collect();
    let is_kept = found.is_empty() && keep_nothing[0].is_true();
    Ok(Value::List(if is_kept { vec![Value::Null] } else { found }))
}

/// The rows of one value.
fn listed(value: &Value, kind: &DataType) -> Vec<Value> {
    match value {
        Value::Map(entries) => {
            entries.iter().map(|(key, value)| Value::Row(vec![key.clone(), value.clone()])).collect()
        }
        Value::List(items) => {
            let are_rows = matches!(kind, DataType::List(item) if matches!(item.data_type(), DataType::Struct(_)));
            items.iter().map(|item| if are_rows { item.clone() } else { Value::Row(vec![item.clone()]) }).collect()
        }
        _ => Vec::new(),
    }
}
