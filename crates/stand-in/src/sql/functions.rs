//! Functions whose answer may be any number of times as large as their arguments. They allocate outside the memory pool, so
//! each is asked first how much that would be.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, Int64Array},
        compute::{cast, kernels::length::length},
        datatypes::{DataType, Int64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit},
    },
    error::{DataFusionError, Result},
    execution::FunctionRegistry,
    logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature},
    prelude::SessionContext,
};

/// What a call, which is for a batch of rows, may allocate.
const MOST: u128 = 256 << 20;
/// What a value may take that is made of none: a constant is written out for each of a batch's 8,192 rows. Trino's `sequence`
/// and `repeat` make 10,000 items at most.
const MOST_OF_A_VALUE: u128 = 128 << 10;
/// Of a number in a list, and of a place in one.
const NUMBER: u128 = 8;
/// The longest character in UTF-8.
const CHARACTER: u128 = 4;
const MILLIS_A_DAY: f64 = 86_400e3;
const SHORTEST_MONTH: f64 = 28.0;

/// How many bytes a function's answer takes for each row, by its arguments.
type Estimate = fn(&[ArrayRef]) -> Result<Vec<u128>>;

/// The functions, and how large a value of theirs may be.
const FUNCTIONS: [(&str, Estimate, u128); 11] = [
    ("repeat", repeated, MOST_OF_A_VALUE),
    ("lpad", padded, MOST_OF_A_VALUE),
    ("rpad", padded, MOST_OF_A_VALUE),
    ("array_repeat", repeated_in_a_list, MOST_OF_A_VALUE),
    ("array_resize", resized, MOST_OF_A_VALUE),
    ("range", in_a_series, MOST_OF_A_VALUE),
    ("generate_series", in_a_series, MOST_OF_A_VALUE),
    ("replace", replaced, MOST),
    ("concat", concatenated, MOST),
    ("concat_ws", concatenated, MOST),
    ("array_concat", concatenated_lists, MOST),
];

/// Replaces these functions of a session by bounded ones.
pub(super) fn bound_functions(context: &SessionContext) {
    for (name, estimate, most) in FUNCTIONS {
        let inner = context.udf(name).expect("DataFusion has each of these functions");
        context.register_udf(ScalarUDF::from(Bounded { inner, estimate, most }));
    }
}

#[derive(Debug)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    estimate: Estimate,
    most: u128,
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn return_field_from_args(
        &self,
        arguments: ReturnFieldArgs<'_>,
    ) -> Result<Arc<datafusion::arrow::datatypes::Field>> {
        self.inner.return_field_from_args(arguments)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let rows = (self.estimate)(&arrays)?;
        let (largest, all) =
            rows.iter().fold((&0, 0_u128), |(largest, all), row| (row.max(largest), all.saturating_add(*row)));
        for (what, bytes, most) in [("a value", *largest, self.most), ("values", all, MOST)] {
            if bytes > most {
                let name = self.name();
                return Err(DataFusionError::ResourcesExhausted(format!(
                    "{name} would make {what} of {bytes} bytes at once, and the stand-in has {most} for it"
                )));
            }
        }
        self.inner.invoke_with_args(arguments)
    }
}

fn argument(arguments: &[ArrayRef], index: usize) -> Result<&ArrayRef> {
    arguments.get(index).ok_or_else(|| DataFusionError::Plan(format!("the function needs {} arguments", index + 1)))
}

fn numbers(array: &ArrayRef) -> Result<Int64Array> {
    Ok(cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}

fn counts(array: &ArrayRef) -> Result<Vec<u128>> {
    Ok(numbers(array)?.iter().map(|number| number.map_or(0, |number| number.max(0) as u128)).collect())
}

fn lengths(array: &ArrayRef) -> Result<Vec<u128>> {
    counts(&length(array)?)
}

fn repeated(arguments: &[ArrayRef]) -> Result<Vec<u128>> {
    let (texts, times) = (lengths(argument(arguments, 0)?)?, counts(argument(arguments, 1)?)?);
    Ok(texts.iter().zip(times).map(|(text, times)| text * times).collect())
}

fn padded(arguments: &[ArrayRef]) -> Result<Vec<u128>> {
    Ok(counts(argument(arguments, 1)?)?.iter().map(|characters| characters * CHARACTER).collect())
}

fn replaced(arguments: &[ArrayRef]) -> Result<Vec<u128>> {
    let texts = lengths(argument(arguments, 0)?)?;
    let (from, to) = (lengths(argument(arguments, 1)?)?, lengths(argument(arguments, 2)?)?);
    let each = texts.iter().zip(from.iter().zip(to));
    // An empty text is found before every character and at the end.
    Ok(each.map(|(text, (from, to))| text + (text / (*from).max(1) + 1) * to).collect())
}

fn concatenated(arguments: &[ArrayRef]) -> Result<Vec<u128>> {
    let texts = arguments.iter().map(|array| lengths(&cast(array, &DataType::Utf8)?)).collect::<Result<Vec<_>>>()?;
    Ok(added(&texts))
}

fn concatenated_lists(arguments: &[ArrayRef]) -> Result<Vec<u128>> {
    let is_list = |array: &&ArrayRef| matches!(array.data_type(), DataType::List(_) | DataType::LargeList(_));
    let lists = arguments.iter().filter(is_list).map(|list| {
        let items = match list.as_list_opt::<i32>() {
            Some(lists) => lists.values().clone(),
            None => list.as_list::<i64>().values().clone(),
        };
        let width = width(&items)?;
        Ok(lengths(list)?.into_iter().map(|items| items * width).collect())
    });
    Ok(added(&lists.collect::<Result<Vec<_>>>()?))
}

fn added(columns: &[Vec<u128>]) -> Vec<u128> {
    let rows = columns.first().map_or(0, Vec::len);
    (0..rows).map(|row| columns.iter().map(|column| column[row]).sum()).collect()
}

/// What one of these values takes in a list, on average.
fn width(values: &ArrayRef) -> Result<u128> {
    let bytes = values.to_data().get_slice_memory_size()?;
    Ok(bytes.div_ceil(values.len().max(1)) as u128 + NUMBER)
}

fn repeated_in_a_list(arguments: &[ArrayRef]) -> Result<Vec<u128>> {
    let width = width(argument(arguments, 0)?)?;
    Ok(counts(argument(arguments, 1)?)?.iter().map(|times| times * width).collect())
}

fn resized(arguments: &[ArrayRef]) -> Result<Vec<u128>> {
    Ok(counts(argument(arguments, 1)?)?.iter().map(|items| items * NUMBER).collect())
}

/// `range(stop)`, `range(start, stop)`, `range(start, stop, step)`; of numbers, days or moments.
fn in_a_series(arguments: &[ArrayRef]) -> Result<Vec<u128>> {
    let is_time = |kind: &DataType| matches!(kind, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..));
    let (start, stop) = match arguments {
        [stop] => (None, stop),
        [start, stop, ..] => (Some(start), stop),
        [] => return Ok(Vec::new()),
    };
    let bounds = |array: &ArrayRef| match is_time(stop.data_type()) {
        true => numbers(&cast(array, &DataType::Timestamp(TimeUnit::Millisecond, None))?),
        false => numbers(array),
    };
    let (starts, stops) = (start.map(bounds).transpose()?, bounds(stop)?);
    let steps = arguments.get(2).map(steps).transpose()?;
    let items = |row: usize| {
        let at = |array: &Int64Array| if array.is_valid(row) { array.value(row) as f64 } else { 0.0 };
        let step = steps.as_ref().map_or(1.0, |steps| steps[row]).max(f64::MIN_POSITIVE);
        ((at(&stops) - starts.as_ref().map_or(0.0, at)).abs() / step) as u128 + 1
    };
    Ok((0..stops.len()).map(|row| items(row).saturating_mul(NUMBER)).collect())
}

/// The steps of a series, in numbers or in milliseconds; no longer than they are.
fn steps(array: &ArrayRef) -> Result<Vec<f64>> {
    if !matches!(array.data_type(), DataType::Interval(_)) {
        return Ok(numbers(array)?.iter().map(|step| step.unwrap_or(1).unsigned_abs() as f64).collect());
    }
    let intervals = cast(array, &DataType::Interval(IntervalUnit::MonthDayNano))?;
    let millis = intervals.as_primitive::<IntervalMonthDayNanoType>().iter().map(|interval| {
        let Some(interval) = interval else { return 1.0 };
        let days = f64::from(interval.months) * SHORTEST_MONTH + f64::from(interval.days);
        (days * MILLIS_A_DAY + interval.nanoseconds as f64 / 1e6).abs()
    });
    Ok(millis.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(sql: &str) -> Result<usize> {
        let context = SessionContext::new();
        bound_functions(&context);
        let batches = context.sql(sql).await?.collect().await?;
        Ok(batches.iter().map(|batch| batch.num_rows()).sum())
    }

    #[tokio::test]
    async fn a_call_that_would_take_the_machine_is_refused() {
        for sql in [
            "SELECT array_repeat(1, 1000000000)",
            "SELECT list_repeat(1, 1000000000)",
            "SELECT array_repeat([1, 2, 3], 1000000000)",
            "SELECT array_resize([1], 1000000000, 0)",
            "SELECT range(0, 1000000000)",
            "SELECT range(1000000000)",
            "SELECT generate_series(1000000000, 1, -1)",
            "SELECT generate_series(1, 9000000000000000000)",
            "SELECT range(DATE '1000-01-01', DATE '9999-12-31', INTERVAL '1 second')",
            "SELECT range(TIMESTAMP '2000-01-01', TIMESTAMP '2020-01-01', INTERVAL '1 millisecond')",
            "SELECT repeat('x', 1000000000)",
            "SELECT lpad('x', 1000000000)",
            "SELECT rpad('x', 1000000000, 'y')",
            "SELECT replace(repeat('x', 100000), 'x', repeat('y', 100000))",
            "SELECT replace(repeat('x', 100000), '', repeat('y', 100000))",
            "SELECT sum(length(repeat('x', value))) FROM generate_series(1, 100000)",
            "WITH a AS (SELECT array_repeat(1, 8000) l, value FROM generate_series(1, 10000)), \
             b AS (SELECT array_concat(l, l, l, l, l, l, l, l) l FROM a) SELECT sum(cardinality(l)) FROM b",
        ] {
            let error = run(sql).await.expect_err(sql);
            let root = error.find_root();
            assert!(matches!(root, DataFusionError::ResourcesExhausted(_)), "{sql}: {root}");
        }
    }

    #[tokio::test]
    async fn what_has_room_is_as_it_was() {
        for sql in [
            "SELECT array_repeat(1, 1000), repeat('x', 1000), lpad('x', 10, NULL), replace('aXb', 'X', NULL)",
            "SELECT range(10), range(1, 10), range(1, 10, 2), range(1, NULL), generate_series(10, 1, -1)",
            "SELECT range(DATE '2026-01-01', DATE '2026-12-31', INTERVAL '1 month')",
            "SELECT array_resize([1], 10), array_resize([1], 10, 7)",
        ] {
            assert_eq!(run(sql).await.expect(sql), 1);
        }
        assert_eq!(run("SELECT unnest(range(10000))").await.expect("rows"), 10_000);
        assert_eq!(
            run("SELECT concat('a', 1, NULL), concat_ws(',', 'a', 'b'), array_concat([1], [2, 3])")
                .await
                .expect("rows"),
            1
        );
        assert_eq!(run("SELECT * FROM generate_series(1, 100)").await.expect("rows"), 100);
    }
}
