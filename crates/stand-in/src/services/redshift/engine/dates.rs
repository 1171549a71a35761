//! Redshift's functions of dates and times (Redshift database developer guide, "Date and time functions").

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
        },
        datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType},
    },
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
    prelude::SessionContext,
};

use super::{calendar, date_format, failure::Failure};

/// What an argument is read as, or a result written as.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Text,
    Whole,
    Fraction,
    Date,
    Moment,
}

use Shape::{Date, Fraction, Moment, Text, Whole};

/// An argument that is not null, or a result.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(String),
    Whole(i64),
    Fraction(f64),
    Date(NaiveDate),
    Moment(NaiveDateTime),
}

impl Value {
    fn text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    fn whole(&self) -> i64 {
        if let Self::Whole(number) = self { *number } else { 0 }
    }

    fn moment(&self) -> NaiveDateTime {
        if let Self::Moment(moment) = self { *moment } else { NaiveDateTime::default() }
    }

    fn date(&self) -> NaiveDate {
        self.moment().date()
    }
}

/// A function that is null where one of its arguments is.
struct Function {
    name: &'static str,
    arguments: &'static [Shape],
    result: Shape,
    run: fn(&[Value]) -> Result<Value, Failure>,
}

const FUNCTIONS: [Function; 10] = [
    Function {
        name: "add_months",
        arguments: &[Moment, Whole],
        result: Moment,
        run: |a| calendar::add_months(a[0].moment(), a[1].whole()).map(Value::Moment),
    },
    Function {
        name: "convert_timezone",
        arguments: &[Text, Text, Moment],
        result: Moment,
        run: |a| calendar::convert_timezone(a[0].text(), a[1].text(), a[2].moment()).map(Value::Moment),
    },
    Function {
        name: "date_cmp",
        arguments: &[Moment, Moment],
        result: Whole,
        run: |a| Ok(Value::Whole(a[0].date().cmp(&a[1].date()) as i64)),
    },
    Function {
        name: "dateadd",
        arguments: &[Text, Whole, Moment],
        result: Moment,
        run: |a| calendar::add(a[0].text(), a[1].whole(), a[2].moment()).map(Value::Moment),
    },
    Function {
        name: "datediff",
        arguments: &[Text, Moment, Moment],
        result: Whole,
        run: |a| calendar::boundaries(a[0].text(), a[1].moment(), a[2].moment()).map(Value::Whole),
    },
    Function {
        name: "last_day",
        arguments: &[Moment],
        result: Date,
        run: |a| calendar::last_day(a[0].date()).map(Value::Date),
    },
    Function {
        name: "months_between",
        arguments: &[Moment, Moment],
        result: Fraction,
        run: |a| calendar::months_between(a[0].moment(), a[1].moment()).map(Value::Fraction),
    },
    Function {
        name: "next_day",
        arguments: &[Moment, Text],
        result: Date,
        run: |a| calendar::next_day(a[0].date(), a[1].text()).map(Value::Date),
    },
    Function {
        name: "to_char",
        arguments: &[Moment, Text],
        result: Text,
        run: |a| date_format::write(a[0].moment(), a[1].text()).map(Value::Text),
    },
    Function {
        name: "to_date",
        arguments: &[Text, Text],
        result: Date,
        run: |a| date_format::read(a[0].text(), a[1].text()).map(Value::Date),
    },
];

pub(super) fn register(context: &SessionContext) {
    for function in &FUNCTIONS {
        let signature = Signature::user_defined(Volatility::Immutable);
        context.register_udf(ScalarUDF::from(OnDates { function, signature }));
    }
}

/// A function as DataFusion calls it.
struct OnDates {
    function: &'static Function,
    signature: Signature,
}

impl std::fmt::Debug for OnDates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.function.name)
    }
}

impl PartialEq for OnDates {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}

impl Eq for OnDates {}

impl Hash for OnDates {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}

fn arrow(shape: Shape) -> DataType {
    match shape {
        Text => DataType::Utf8,
        Whole => DataType::Int64,
        Fraction => DataType::Float64,
        Date => DataType::Date32,
        Moment => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}

fn is_taken(given: &DataType, shape: Shape) -> bool {
    match shape {
        Moment => given.is_temporal() || given.is_string() || given.is_null(),
        Text => given.is_string() || given.is_null(),
        _ => given.is_numeric() || given.is_null(),
    }
}

impl ScalarUDFImpl for OnDates {
    fn name(&self) -> &str {
        self.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let Function { name, arguments, .. } = *self.function;
        if given.len() != arguments.len() || !given.iter().zip(arguments).all(|(given, shape)| is_taken(given, *shape))
        {
            let given: Vec<String> =
                given.iter().map(|given| super::kind::Kind::of_arrow(given).name().into()).collect();
            return Err(Failure::new(format!("function {name}({}) does not exist", given.join(", "))).into());
        }
        Ok(arguments.iter().copied().map(arrow).collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(arrow(self.function.result))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = call.args.iter().map(|argument| argument.to_array(call.number_rows));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let row = |row| {
            let arguments =
                columns.iter().zip(self.function.arguments).map(|(column, shape)| value(column, *shape, row));
            let arguments = arguments.collect::<Option<Vec<Value>>>();
            arguments.map(|arguments| (self.function.run)(&arguments)).transpose()
        };
        let results = (0..call.number_rows).map(row).collect::<Result<Vec<_>, Failure>>()?;
        Ok(ColumnarValue::Array(column(results, self.function.result)))
    }
}

fn value(column: &ArrayRef, shape: Shape, row: usize) -> Option<Value> {
    column.is_valid(row).then_some(())?;
    match shape {
        Text => Some(Value::Text(column.as_string::<i32>().value(row).to_owned())),
        Moment | Date => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            Some(Value::Moment(DateTime::from_timestamp_micros(micros)?.naive_utc()))
        }
        Whole | Fraction => Some(Value::Whole(column.as_primitive::<Int64Type>().value(row))),
    }
}

fn column(results: Vec<Option<Value>>, shape: Shape) -> ArrayRef {
    let results = results.into_iter();
    match shape {
        Text => Arc::new(results.map(|result| Some(result?.text().to_owned())).collect::<StringArray>()),
        Whole => Arc::new(results.map(|result| Some(result?.whole())).collect::<Int64Array>()),
        Fraction => {
            let fraction = |result| if let Some(Value::Fraction(number)) = result { Some(number) } else { None };
            Arc::new(results.map(fraction).collect::<Float64Array>())
        }
        Date => {
            let days = |result| if let Some(Value::Date(date)) = result { Some(date.to_epoch_days()) } else { None };
            Arc::new(results.map(days).collect::<Date32Array>())
        }
        Moment => {
            let micros = |result: Option<Value>| Some(result?.moment().and_utc().timestamp_micros());
            Arc::new(results.map(micros).collect::<TimestampMicrosecondArray>())
        }
    }
}
