//! Functions that take functions, those that DataFusion has not: `reduce`, and `try`, whose argument is a function of nothing.

use std::{cmp::Reverse, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, UInt32Array, new_null_array},
        compute::{concat, is_not_null, kernels::zip::zip, take},
        datatypes::{DataType, Field, FieldRef},
        error::ArrowError,
    },
    common::utils::take_function_args,
    error::{DataFusionError, Result},
    logical_expr::{
        ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature, HigherOrderUDF,
        HigherOrderUDFImpl, LambdaParametersProgress, ValueOrLambda, Volatility,
    },
};

use super::{refusal::Refusal, types};

/// All of them.
pub(super) fn functions() -> [Arc<HigherOrderUDF>; 2] {
    [Arc::new(HigherOrderUDF::new_from_impl(Reduce::new())), Arc::new(HigherOrderUDF::new_from_impl(Try::new()))]
}

fn field(kind: &DataType) -> FieldRef {
    Arc::new(Field::new("", kind.clone(), true))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Reduce {
    signature: HigherOrderSignature,
}

impl Reduce {
    fn new() -> Self {
        let arguments = vec![
            ValueOrLambda::Value(()),
            ValueOrLambda::Value(()),
            ValueOrLambda::Lambda(()),
            ValueOrLambda::Lambda(()),
        ];
        Self { signature: HigherOrderSignature::exact(arguments, Volatility::Immutable) }
    }
}

fn wrong_arguments() -> DataFusionError {
    let message =
        "Unexpected parameters for function reduce. Expected: reduce(array(T), S, function(S, T, S), function(S, R)) R";
    Refusal::new("FUNCTION_NOT_FOUND", message).into()
}

impl HigherOrderUDFImpl for Reduce {
    fn name(&self) -> &str {
        "reduce"
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.signature
    }

    fn coerce_value_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn lambda_parameters(
        &self,
        _: usize,
        fields: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        let [ValueOrLambda::Value(list), ValueOrLambda::Value(state), ..] = fields else {
            return Err(wrong_arguments());
        };
        let item = match list.data_type() {
            DataType::List(item) => item.data_type(),
            DataType::Null => &DataType::Null,
            _ => return Err(wrong_arguments()),
        };
        let state = state.data_type();
        Ok(LambdaParametersProgress::Complete(vec![vec![field(state), field(item)], vec![field(state)]]))
    }

    fn return_field_from_args(&self, arguments: HigherOrderReturnFieldArgs) -> Result<FieldRef> {
        let [_, ValueOrLambda::Value(state), ValueOrLambda::Lambda(merged), ValueOrLambda::Lambda(finished)] =
            arguments.arg_fields
        else {
            return Err(wrong_arguments());
        };
        let (state, merged) = (state.data_type(), merged.data_type());
        match types::common(state, merged) {
            Some(both) if both == *state => Ok(field(finished.data_type())),
            _ => Err(wrong_arguments()),
        }
    }

    fn invoke_with_args(&self, arguments: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [list, state, merge, finish] = take_function_args(self.name(), &arguments.args)?;
        let (
            ValueOrLambda::Value(list),
            ValueOrLambda::Value(state),
            ValueOrLambda::Lambda(merge),
            ValueOrLambda::Lambda(finish),
        ) = (list, state, merge, finish)
        else {
            return Err(wrong_arguments());
        };
        let list = list.to_array(rows)?;
        if *list.data_type() == DataType::Null {
            return Ok(ColumnarValue::Array(new_null_array(arguments.return_type(), rows)));
        }
        let lists = list.as_list::<i32>();
        let length = |row: usize| if lists.is_null(row) { 0 } else { lists.value_length(row) as usize };
        let mut order: Vec<u32> = (0..rows as u32).collect();
        order.sort_by_key(|row| Reverse(length(*row as usize)));
        let order_of = |count: usize| UInt32Array::from(order[..count].to_vec());
        let at = |arrays: &[ArrayRef], count: usize| -> Result<Vec<ArrayRef>> {
            let rows = order_of(count);
            arrays.iter().map(|array| Ok(take(array, &rows, None)?)).collect()
        };
        let state = state.to_array(rows)?;
        let kind = state.data_type().clone();
        let mut state = at(&[state], rows)?.remove(0);
        // The rows with the longest lists come first; those whose list has ended are put aside.
        let (mut ended, mut step) = (Vec::new(), 0);
        loop {
            let going = order.partition_point(|row| length(*row as usize) > step);
            ended.push(state.slice(going, state.len() - going));
            if going == 0 {
                break;
            }
            let now = state.slice(0, going);
            let places = order[..going].iter().map(|row| lists.value_offsets()[*row as usize] as u32 + step as u32);
            let items = take(lists.values(), &UInt32Array::from_iter_values(places), None)?;
            let merged =
                merge.evaluate(&[&|| Ok(now.clone()), &|| Ok(items.clone())], |captured| at(captured, going))?;
            state = super::scalar::brought(&merged.into_array(going)?, &kind)?;
            step += 1;
        }
        let ended: Vec<&dyn Array> = ended.iter().rev().map(AsRef::as_ref).collect();
        let ended = concat(&ended)?;
        let finished = finish.evaluate(&[&|| Ok(ended.clone())], |captured| at(captured, rows))?;
        let finished = finished.into_array(rows)?;
        let mut back = vec![0_u32; rows];
        for (place, row) in order.iter().enumerate() {
            back[*row as usize] = place as u32;
        }
        let found = take(&finished, &UInt32Array::from(back), None)?;
        let nothing = new_null_array(found.data_type(), rows);
        Ok(ColumnarValue::Array(zip(&is_not_null(&list)?, &found, &nothing)?))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Try {
    signature: HigherOrderSignature,
}

impl Try {
    fn new() -> Self {
        Self { signature: HigherOrderSignature::exact(vec![ValueOrLambda::Lambda(())], Volatility::Immutable) }
    }
}

/// Whether TRY makes a null of it.
fn is_caught(error: &DataFusionError) -> bool {
    let kinds =
        ["DIVISION_BY_ZERO", "INVALID_CAST_ARGUMENT", "INVALID_FUNCTION_ARGUMENT", "NUMERIC_VALUE_OUT_OF_RANGE"];
    match error.find_root() {
        DataFusionError::External(inner) => {
            inner.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.is_one_of(&kinds))
        }
        DataFusionError::ArrowError(inner, _) => {
            matches!(**inner, ArrowError::DivideByZero | ArrowError::ArithmeticOverflow(_) | ArrowError::CastError(_))
        }
        _ => false,
    }
}

impl HigherOrderUDFImpl for Try {
    fn name(&self) -> &str {
        "try"
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.signature
    }

    fn coerce_value_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn lambda_parameters(
        &self,
        _: usize,
        _: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        Ok(LambdaParametersProgress::Complete(vec![vec![field(&DataType::Boolean)]]))
    }

    fn return_field_from_args(&self, arguments: HigherOrderReturnFieldArgs) -> Result<FieldRef> {
        match arguments.arg_fields {
            [ValueOrLambda::Lambda(tried)] => Ok(field(tried.data_type())),
            _ => Err(Refusal::new("FUNCTION_NOT_FOUND", "try takes one expression").into()),
        }
    }

    fn invoke_with_args(&self, arguments: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let [ValueOrLambda::Lambda(tried)] = arguments.args.as_slice() else {
            return Err(Refusal::new("FUNCTION_NOT_FOUND", "try takes one expression").into());
        };
        let rows = arguments.number_rows;
        let nothing = |rows: usize| -> Result<ArrayRef> { Ok(Arc::new(BooleanArray::from(vec![false; rows]))) };
        let whole = tried.evaluate(&[&|| nothing(rows)], |captured| Ok(captured.to_vec()));
        match whole {
            Err(error) if is_caught(&error) => {}
            whole => return whole,
        }
        let mut found = Vec::with_capacity(rows);
        for row in 0..rows {
            let slice = |captured: &[ArrayRef]| Ok(captured.iter().map(|array| array.slice(row, 1)).collect());
            found.push(match tried.evaluate(&[&|| nothing(1)], slice) {
                Ok(value) => value.into_array(1)?,
                Err(error) if is_caught(&error) => new_null_array(arguments.return_type(), 1),
                Err(error) => return Err(error),
            });
        }
        if found.is_empty() {
            return Ok(ColumnarValue::Array(new_null_array(arguments.return_type(), 0)));
        }
        let found: Vec<&dyn Array> = found.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&found)?))
    }
}
