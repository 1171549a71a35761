//! Aggregates that DataFusion has no equal of: they gather their arguments, and make one value of them at the end.

use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
    mem::size_of_val,
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{DataType, Field, FieldRef},
    },
    error::Result,
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
        function::{AccumulatorArgs, StateFieldsArgs},
    },
    scalar::ScalarValue,
};

use super::{
    functions::{gathered, map_of},
    refusal::Refusal,
    scalar::Outcome,
    signature::bind,
    types,
    value::{Value, column, values},
};

/// An aggregate, with a call of it over [`EXAMPLE`](super::functions::EXAMPLE) and what that comes to.
pub(super) struct Aggregate {
    pub(super) name: &'static str,
    pub(super) signatures: &'static [&'static str],
    /// Of the rows gathered so far, those that still count.
    kept: fn(&mut Vec<Vec<Value>>),
    made: fn(&[Vec<Value>]) -> Outcome,
    #[cfg_attr(not(test), expect(dead_code, reason = "the page and the tests of it read it"))]
    pub(super) example: (&'static str, &'static str),
}

pub(super) static AGGREGATES: [Aggregate; 13] = [
    Aggregate {
        name: "approx_percentile",
        signatures: &[
            "bigint, double -> bigint",
            "double, double -> double",
            "bigint, array(double) -> array(bigint)",
            "double, array(double) -> array(double)",
        ],
        kept: all,
        made: percentile,
        example: ("approx_percentile(x, 0.5)", "2"),
    },
    Aggregate {
        name: "histogram",
        signatures: &["T -> map(T, bigint)"],
        kept: all,
        made: histogram,
        example: ("histogram(k)", "{a=2, b=1}"),
    },
    Aggregate {
        name: "kurtosis",
        signatures: &["double -> double"],
        kept: all,
        made: kurtosis,
        example: ("kurtosis(x)", "null"),
    },
    Aggregate {
        name: "map_agg",
        signatures: &["K, V -> map(K, V)"],
        kept: all,
        made: map_agg,
        example: ("map_agg(k, x)", "{a=1, b=2}"),
    },
    Aggregate {
        name: "map_union",
        signatures: &["map(K, V) -> map(K, V)"],
        kept: all,
        made: map_union,
        example: ("map_union(MAP(ARRAY[k], ARRAY[x]))", "{a=1, b=2}"),
    },
    Aggregate {
        name: "max_by",
        signatures: &["T, S -> T"],
        kept: |rows| best(rows, |rows| rows.sort_by(|a, b| b[1].cmp(&a[1]))),
        made: first,
        example: ("max_by(k, x)", "a"),
    },
    Aggregate {
        name: "max_by_n",
        signatures: &["T, S, bigint -> array(T)"],
        kept: |rows| best_few(rows, 2, |rows| rows.sort_by(|a, b| b[1].cmp(&a[1]))),
        made: firsts,
        example: ("max_by(k, x, 2)", "[a, b]"),
    },
    Aggregate {
        name: "max_n",
        signatures: &["T, bigint -> array(T)"],
        kept: |rows| best_few(rows, 1, |rows| rows.sort_by(|a, b| b[0].cmp(&a[0]))),
        made: firsts,
        example: ("max(x, 2)", "[3, 2]"),
    },
    Aggregate {
        name: "min_by",
        signatures: &["T, S -> T"],
        kept: |rows| best(rows, |rows| rows.sort_by(|a, b| a[1].cmp(&b[1]))),
        made: first,
        example: ("min_by(k, x)", "a"),
    },
    Aggregate {
        name: "min_by_n",
        signatures: &["T, S, bigint -> array(T)"],
        kept: |rows| best_few(rows, 2, |rows| rows.sort_by(|a, b| a[1].cmp(&b[1]))),
        made: firsts,
        example: ("min_by(k, x, 2)", "[a, b]"),
    },
    Aggregate {
        name: "min_n",
        signatures: &["T, bigint -> array(T)"],
        kept: |rows| best_few(rows, 1, |rows| rows.sort_by(|a, b| a[0].cmp(&b[0]))),
        made: firsts,
        example: ("min(x, 2)", "[1, 2]"),
    },
    Aggregate {
        name: "multimap_agg",
        signatures: &["K, V -> map(K, array(V))"],
        kept: all,
        made: multimap_agg,
        example: ("multimap_agg(k, x)", "{a=[1, 3], b=[2]}"),
    },
    Aggregate {
        name: "skewness",
        signatures: &["double -> double"],
        kept: all,
        made: skewness,
        example: ("skewness(x)", "0.0"),
    },
];

/// All of them as DataFusion calls them.
pub(super) fn functions() -> impl Iterator<Item = AggregateUDF> {
    AGGREGATES.iter().map(|aggregate| {
        AggregateUDF::from(Gathering { aggregate, signature: Signature::user_defined(Volatility::Immutable) })
    })
}

struct Gathering {
    aggregate: &'static Aggregate,
    signature: Signature,
}

impl std::fmt::Debug for Gathering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.aggregate.name)
    }
}

impl PartialEq for Gathering {
    fn eq(&self, other: &Self) -> bool {
        self.aggregate.name == other.aggregate.name
    }
}

impl Eq for Gathering {}

impl Hash for Gathering {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.aggregate.name.hash(state);
    }
}

impl AggregateUDFImpl for Gathering {
    fn name(&self) -> &str {
        self.aggregate.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        // As in `Scalar`: an error is for `return_type` to give.
        let bound = bind(self.aggregate.name, self.aggregate.signatures, arguments);
        Ok(bound.map_or_else(|_| arguments.to_vec(), |(coerced, _)| coerced))
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(bind(self.aggregate.name, self.aggregate.signatures, arguments)?.1)
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let kinds = arguments.input_fields.iter().map(|field| field.data_type().clone());
        Ok(vec![Arc::new(Field::new(format!("{}[rows]", arguments.name), rows_of(kinds), true))])
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let kinds = arguments.expr_fields.iter().map(|field| field.data_type().clone());
        let (state, result) = (rows_of(kinds), arguments.return_type().clone());
        Ok(Box::new(Gatherer { aggregate: self.aggregate, state, result, rows: Vec::new(), size: 0 }))
    }
}

fn rows_of(kinds: impl Iterator<Item = DataType>) -> DataType {
    types::array(types::row(kinds.enumerate().map(|(index, kind)| (types::anonymous(index), kind))))
}

struct Gatherer {
    aggregate: &'static Aggregate,
    state: DataType,
    result: DataType,
    rows: Vec<Vec<Value>>,
    size: usize,
}

impl std::fmt::Debug for Gatherer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct(self.aggregate.name).field("rows", &self.rows.len()).finish()
    }
}

impl Gatherer {
    fn take(&mut self, rows: impl Iterator<Item = Vec<Value>>) {
        let size = |row: &Vec<Value>| {
            size_of_val(row) + size_of_val(row.as_slice()) + row.iter().map(Value::size).sum::<usize>()
        };
        let before = self.rows.len();
        self.rows.extend(rows);
        self.size += self.rows[before..].iter().map(size).sum::<usize>();
        let gathered = self.rows.len();
        (self.aggregate.kept)(&mut self.rows);
        if self.rows.len() < gathered {
            self.size = self.rows.iter().map(size).sum();
        }
    }
}

impl Accumulator for Gatherer {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        let columns = arrays.iter().map(values).collect::<Result<Vec<_>>>()?;
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        let rows = arrays.first().map_or(0, |array| array.len());
        let rows: Vec<Vec<Value>> =
            (0..rows).map(|_| columns.iter_mut().map(|column| column.next().unwrap_or_default()).collect()).collect();
        self.take(rows.into_iter());
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for state in values(&states[0])? {
            self.take(state.list().to_vec().into_iter().map(|row| row.list().to_vec()));
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let rows = Value::List(std::mem::take(&mut self.rows).into_iter().map(Value::Row).collect());
        Ok(vec![ScalarValue::try_from_array(&column([&rows], &self.state)?, 0)?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = if self.rows.is_empty() { Value::Null } else { (self.aggregate.made)(&self.rows)? };
        ScalarValue::try_from_array(&column([&value], &self.result)?, 0)
    }

    fn size(&self) -> usize {
        self.size + size_of_val(self)
    }
}

fn all(_: &mut Vec<Vec<Value>>) {}

/// Only the first once they are sorted, of those that have something to sort by.
fn best(rows: &mut Vec<Vec<Value>>, sort: fn(&mut Vec<Vec<Value>>)) {
    rows.retain(|row| !row[1].is_null());
    sort(rows);
    rows.truncate(1);
}

/// As many as the argument at `count` says.
fn best_few(rows: &mut Vec<Vec<Value>>, count: usize, sort: fn(&mut Vec<Vec<Value>>)) {
    rows.retain(|row| !row[count - 1].is_null());
    sort(rows);
    let most = rows.first().map_or(0, |row| row[count].integer());
    rows.truncate(most.clamp(1, 10_000) as usize);
}

fn first(rows: &[Vec<Value>]) -> Outcome {
    Ok(rows[0][0].clone())
}

fn firsts(rows: &[Vec<Value>]) -> Outcome {
    let count = rows[0].last().map_or(0, Value::integer);
    if !(1..=10_000).contains(&count) {
        return Err(Refusal::argument("third argument of max_by/min_by must be a positive integer of at most 10000"));
    }
    Ok(Value::List(rows.iter().map(|row| row[0].clone()).collect()))
}

fn percentile(rows: &[Vec<Value>]) -> Outcome {
    let mut sorted: Vec<&Value> = rows.iter().map(|row| &row[0]).filter(|value| !value.is_null()).collect();
    sorted.sort();
    let at = |fraction: &Value| {
        let fraction = fraction.double();
        if !(0.0..=1.0).contains(&fraction) {
            return Err(Refusal::argument("Percentile must be between 0 and 1"));
        }
        let place = (fraction * sorted.len() as f64) as usize;
        Ok(sorted.get(place.min(sorted.len().saturating_sub(1))).map(|value| (*value).clone()).unwrap_or_default())
    };
    match &rows[0][1] {
        Value::List(fractions) if !sorted.is_empty() => {
            fractions.iter().map(at).collect::<Result<_, _>>().map(Value::List)
        }
        Value::List(_) => Ok(Value::Null),
        fraction => at(fraction),
    }
}

fn histogram(rows: &[Vec<Value>]) -> Outcome {
    let mut counts: BTreeMap<&Value, i64> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row[0].is_null()) {
        *counts.entry(&row[0]).or_default() += 1;
    }
    Ok(Value::Map(counts.into_iter().map(|(value, count)| (value.clone(), count.into())).collect()))
}

/// Of several values for a key, the first.
fn map_agg(rows: &[Vec<Value>]) -> Outcome {
    first_of_each(rows.iter().map(|row| (row[0].clone(), row[1].clone())))
}

fn first_of_each(entries: impl Iterator<Item = (Value, Value)>) -> Outcome {
    let mut seen = std::collections::BTreeSet::new();
    map_of(entries.filter(|(key, _)| !key.is_null() && seen.insert(key.clone())))
}

fn map_union(rows: &[Vec<Value>]) -> Outcome {
    first_of_each(rows.iter().flat_map(|row| row[0].map().to_vec()))
}

fn multimap_agg(rows: &[Vec<Value>]) -> Outcome {
    Ok(gathered(rows.iter().filter(|row| !row[0].is_null()).map(|row| (row[0].clone(), row[1].clone()))))
}

/// How many numbers there are, and their central moments from the second to the fourth.
fn moments(rows: &[Vec<Value>]) -> (f64, [f64; 3]) {
    let numbers: Vec<f64> = rows.iter().filter(|row| !row[0].is_null()).map(|row| row[0].double()).collect();
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    (count, [2, 3, 4].map(|power| numbers.iter().map(|number| (number - mean).powi(power)).sum()))
}

fn skewness(rows: &[Vec<Value>]) -> Outcome {
    let (count, [second, third, _]) = moments(rows);
    Ok((count >= 3.0).then(|| count.sqrt() * third / second.powf(1.5)).into())
}

fn kurtosis(rows: &[Vec<Value>]) -> Outcome {
    let (n, [second, _, fourth]) = moments(rows);
    let kurtosis = || {
        let variance = second / (n - 1.0);
        n * (n + 1.0) / ((n - 1.0) * (n - 2.0) * (n - 3.0)) * fourth / (variance * variance)
            - 3.0 * (n - 1.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0))
    };
    Ok((n >= 4.0).then(kurtosis).into())
}
