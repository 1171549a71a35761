//! A function of Trino's as DataFusion calls it: its types found by its signatures, its rows computed one by one.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        compute::cast,
        datatypes::{DataType, Field, FieldRef},
    },
    error::{DataFusionError, Result},
    logical_expr::{
        ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
    scalar::ScalarValue,
};

use super::{
    refusal::Refusal,
    signature::{Bound, bind},
    value::{Value, column, values},
};

/// What a call, which is for a batch of rows, may make.
const MOST: usize = 128 << 20;
/// What a constant may take, which is written out for each of a batch's 8,192 rows.
const MOST_OF_A_CONSTANT: usize = 128 << 10;

/// One call: the types of its arguments and of its result.
pub(super) struct Call<'a> {
    pub(super) arguments: &'a [DataType],
    pub(super) result: &'a DataType,
}

/// What a row comes to.
pub(super) type Outcome = Result<Value, Refusal>;
type Run = fn(&Call<'_>, &[Value]) -> Outcome;
/// The types by those of the arguments, and by the arguments that are constants. Where it is asked for the arguments' types
/// alone, no constants are known.
type Columnar = fn(&ScalarFunctionArgs) -> Result<ColumnarValue>;
type Simplified = fn(&[Expr], &[DataType]) -> Option<Expr>;
type Typing = fn(&[DataType], &[Option<ScalarValue>]) -> Result<Bound, Refusal>;

/// How the types of a call are found.
#[derive(Clone, Copy)]
pub(super) enum Types {
    Signatures(&'static [&'static str]),
    Computed(Typing),
}

/// A function, with a call of it and what that comes to.
#[derive(Clone, Copy)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) types: Types,
    pub(super) run: Run,
    /// Whether it is called with nulls; otherwise its result is null where one of its arguments is.
    pub(super) takes_nulls: bool,
    /// Whether it gives another value each time.
    pub(super) is_volatile: bool,
    /// It on whole columns, where row by row would cost too much.
    pub(super) columnar: Option<Columnar>,
    /// What DataFusion has for it, where that is the same for these types.
    pub(super) simplified: Option<Simplified>,
    pub(super) example: (&'static str, &'static str),
}

impl Function {
    pub(super) const fn new(
        name: &'static str,
        signatures: &'static [&'static str],
        run: Run,
        example: (&'static str, &'static str),
    ) -> Self {
        Self {
            name,
            types: Types::Signatures(signatures),
            run,
            takes_nulls: false,
            is_volatile: false,
            columnar: None,
            simplified: None,
            example,
        }
    }

    /// One whose types no signature can say.
    pub(super) const fn computed(
        name: &'static str,
        typing: Typing,
        run: Run,
        example: (&'static str, &'static str),
    ) -> Self {
        Self { types: Types::Computed(typing), ..Self::new(name, &[], run, example) }
    }

    pub(super) const fn with_nulls(self) -> Self {
        Self { takes_nulls: true, ..self }
    }

    pub(super) const fn volatile(self) -> Self {
        Self { is_volatile: true, ..self }
    }

    pub(super) const fn columnar(self, columnar: Columnar) -> Self {
        Self { columnar: Some(columnar), ..self }
    }

    pub(super) const fn simplified(self, simplified: Simplified) -> Self {
        Self { simplified: Some(simplified), ..self }
    }

    fn bind(&self, arguments: &[DataType], constants: &[Option<ScalarValue>]) -> Result<Bound, Refusal> {
        match self.types {
            Types::Signatures(signatures) => bind(self.name, signatures, arguments),
            Types::Computed(typing) => typing(arguments, constants),
        }
    }
}

/// The name by which DataFusion knows one of our functions, told from those of its own.
pub(super) fn registered(name: &str) -> String {
    format!("trino_{name}")
}

pub(super) struct Scalar {
    name: String,
    function: Function,
    signature: Signature,
}

impl Scalar {
    pub(super) fn new(function: Function) -> Self {
        let volatility = if function.is_volatile { Volatility::Volatile } else { Volatility::Immutable };
        Self { name: registered(function.name), function, signature: Signature::user_defined(volatility) }
    }
}

impl std::fmt::Debug for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.function.name)
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}

impl Eq for Scalar {}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}

impl ScalarUDFImpl for Scalar {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        // DataFusion makes a text of an error from here: where the types do not fit, the type of the result is not found either.
        Ok(self.function.bind(arguments, &[]).map_or_else(|_| arguments.to_vec(), |(coerced, _)| coerced))
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(self.function.bind(arguments, &[])?.1)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let constants: Vec<Option<ScalarValue>> =
            arguments.scalar_arguments.iter().map(|value| value.cloned()).collect();
        let (_, result) = self.function.bind(&types, &constants)?;
        Ok(Arc::new(Field::new(self.function.name, result, true)))
    }

    fn simplify(&self, arguments: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let Some(simplified) = self.function.simplified else { return Ok(ExprSimplifyResult::Original(arguments)) };
        let types = arguments.iter().map(|argument| context.get_data_type(argument)).collect::<Result<Vec<_>>>()?;
        Ok(match simplified(&arguments, &types) {
            Some(expression) => ExprSimplifyResult::Simplified(expression),
            None => ExprSimplifyResult::Original(arguments),
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Some(columnar) = self.function.columnar {
            return columnar(&arguments);
        }
        let is_constant = !self.function.is_volatile
            && arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { arguments.number_rows };
        let columns = arguments.args.iter().map(|argument| values(&argument.to_array(rows)?));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let types: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let result = arguments.return_field.data_type();
        let most = if is_constant { MOST_OF_A_CONSTANT } else { MOST };
        let found = self.rows(&Call { arguments: &types, result }, columns, rows, most)?;
        let array = column(&found, result)?;
        match is_constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)),
            false => Ok(ColumnarValue::Array(array)),
        }
    }
}

impl Scalar {
    fn rows(&self, call: &Call<'_>, columns: Vec<Vec<Value>>, rows: usize, most: usize) -> Result<Vec<Value>> {
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        let (mut found, mut made) = (Vec::with_capacity(rows), 0);
        for _ in 0..rows {
            let arguments: Vec<Value> = columns.iter_mut().map(|column| column.next().unwrap_or_default()).collect();
            let is_null = !self.function.takes_nulls && arguments.iter().any(Value::is_null);
            let value = if is_null { Value::Null } else { (self.function.run)(call, &arguments)? };
            made += value.size();
            if made > most {
                let name = self.function.name;
                return Err(DataFusionError::ResourcesExhausted(format!(
                    "{name} would make more than {most} bytes at once, the most that the stand-in has room for"
                )));
            }
            found.push(value);
        }
        Ok(found)
    }
}

/// Brings an array to a type, where Arrow knows how.
pub(super) fn brought(
    array: &datafusion::arrow::array::ArrayRef,
    to: &DataType,
) -> Result<datafusion::arrow::array::ArrayRef> {
    if array.data_type() == to { Ok(array.clone()) } else { Ok(cast(array, to)?) }
}
