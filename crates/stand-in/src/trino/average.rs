//! The average of decimals, which has their own scale; of all else it is DataFusion's.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray, Decimal128Array},
        datatypes::{DataType, Decimal128Type, Field, FieldRef, Int64Type},
    },
    error::Result,
    functions_aggregate::average::avg_udaf,
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
        function::{AccumulatorArgs, StateFieldsArgs},
    },
    scalar::ScalarValue,
};

use super::{functions::rounded, types::DIGITS};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Average {
    inner: Arc<AggregateUDF>,
    signature: Signature,
}

impl Average {
    pub(super) fn new() -> Self {
        Self { inner: avg_udaf(), signature: Signature::user_defined(Volatility::Immutable) }
    }
}

/// Digits and scale, where the average is of decimals.
fn decimal(fields: &[FieldRef]) -> Option<(u8, i8)> {
    match fields.first()?.data_type() {
        DataType::Decimal128(digits, scale) => Some((*digits, *scale)),
        _ => None,
    }
}

impl AggregateUDFImpl for Average {
    fn name(&self) -> &str {
        "avg"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [DataType::Decimal128(..)] => Ok(arguments.to_vec()),
            [_] => Ok(vec![DataType::Float64]),
            _ => self.inner.coerce_types(arguments),
        }
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [kind @ DataType::Decimal128(..)] => Ok(kind.clone()),
            _ => self.inner.return_type(arguments),
        }
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let Some((_, scale)) = decimal(arguments.input_fields) else { return self.inner.state_fields(arguments) };
        let field =
            |name: &str, kind: DataType| Arc::new(Field::new(format!("{}[{name}]", arguments.name), kind, true));
        Ok(vec![field("count", DataType::Int64), field("sum", DataType::Decimal128(DIGITS, scale))])
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match decimal(arguments.expr_fields) {
            Some((digits, scale)) => Ok(Box::new(Sum { digits, scale, count: 0, sum: 0 })),
            None => self.inner.accumulator(arguments),
        }
    }

    fn create_sliding_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match decimal(arguments.expr_fields) {
            Some(_) => self.accumulator(arguments),
            None => self.inner.create_sliding_accumulator(arguments),
        }
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs) -> bool {
        decimal(arguments.expr_fields).is_none() && self.inner.groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(arguments)
    }
}

#[derive(Debug)]
struct Sum {
    digits: u8,
    scale: i8,
    count: i64,
    sum: i128,
}

impl Sum {
    fn add(&mut self, decimals: &ArrayRef, sign: i64) {
        for digits in decimals.as_primitive::<Decimal128Type>().iter().flatten() {
            self.sum += i128::from(sign) * digits;
            self.count += sign;
        }
    }
}

impl Accumulator for Sum {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        self.add(&arrays[0], 1);
        Ok(())
    }

    fn retract_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        self.add(&arrays[0], -1);
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.count += states[0].as_primitive::<Int64Type>().iter().flatten().sum::<i64>();
        let sums: &Decimal128Array = states[1].as_primitive::<Decimal128Type>();
        self.sum += sums.iter().flatten().sum::<i128>();
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Int64(Some(self.count)), ScalarValue::Decimal128(Some(self.sum), DIGITS, self.scale)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mean = (self.count > 0).then(|| rounded(self.sum, self.count.into()));
        Ok(ScalarValue::Decimal128(mean, self.digits, self.scale))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
