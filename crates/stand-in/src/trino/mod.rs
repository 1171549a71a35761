//! Trino's dialect of SQL, which Athena's is, on DataFusion: its grammar, its types, its functions and its errors.
//!
//! A statement is parsed by sqlparser in a dialect of ours, its tree is rewritten to what DataFusion plans, and what has no
//! equal there is a function of ours, or is said not to be there.

mod aggregate;
mod aliases;
mod average;
mod calls;
mod checks;
mod dialect;
mod expression;
mod functions;
mod lambda;
mod operands;
mod operators;
mod parser;
#[cfg(test)]
mod page;
mod refusal;
mod relations;
mod rewriter;
mod scalar;
mod scope;
mod signature;
mod tokens;
mod types;
mod unnest;
mod value;

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    config::ConfigOptions,
    error::Result,
    execution::FunctionRegistry,
    logical_expr::{AggregateUDF, LogicalPlan, ScalarUDF},
    prelude::SessionContext,
    sql::{
        parser::Statement as Parsed,
        sqlparser::ast::{Query, Statement},
    },
};

pub(crate) use self::{
    aliases::{Suspect, suspects},
    expression::native as call_of,
    parser::parse,
    refusal::Refusal,
    relations::{AGAIN, PATH, grouped, own_name},
    rewriter::rewrite,
    tokens::{tokenize, with_parameters},
};

#[cfg(test)]
pub(crate) use self::page::{examples, operators, page};

/// What DataFusion is to do as Trino does.
pub(crate) fn configure(options: &mut ConfigOptions) {
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.sql_parser.default_null_ordering = "nulls_last".to_owned();
}

/// Teaches a session Trino's functions and operators.
///
/// # Errors
/// DataFusion refuses one of them.
pub(crate) fn register(context: &mut SessionContext) -> Result<()> {
    for function in functions::FUNCTIONS.iter() {
        context.register_udf(Arc::new(ScalarUDF::from(scalar::Scalar::new(*function))))?;
    }
    for function in aggregate::functions().chain([AggregateUDF::from(average::Average::new())]) {
        context.register_udaf(Arc::new(function))?;
    }
    for function in lambda::functions() {
        FunctionRegistry::register_higher_order_function(context, function)?;
    }
    context.register_expr_planner(Arc::new(operators::OperatorPlanner))?;
    register_unnest(context)
}

/// Teaches a session the UNNEST of [`grouped`] relations alone.
///
/// # Errors
/// DataFusion refuses it.
pub(crate) fn register_unnest(context: &SessionContext) -> Result<()> {
    context.register_relation_planner(Arc::new(unnest::UnnestPlanner))
}

/// Plans a query that is rewritten already, of which these may be wrong.
///
/// # Errors
/// It cannot be, or Trino would not run it.
pub(crate) async fn plan(context: &SessionContext, query: Box<Query>, suspects: Vec<Suspect>) -> Result<LogicalPlan> {
    aliases::check(context, suspects).await?;
    let statement = Parsed::Statement(Box::new(Statement::Query(query)));
    let plan = context.state().statement_to_plan(statement).await?;
    checks::check(&plan)?;
    Ok(plan)
}

/// A type's name as Trino prints it.
pub(crate) fn type_name(kind: &DataType) -> String {
    types::name(kind)
}

/// The type that Trino's name stands for.
///
/// # Errors
/// It stands for none.
pub(crate) fn type_of_name(name: &str) -> Result<DataType, Refusal> {
    types::parse(name)
}

/// Whether a value of one type goes into a column of another, as in INSERT (Trino, `TypeCoercion.canCoerce`).
pub(crate) fn is_coerced(from: &DataType, to: &DataType) -> bool {
    types::common(to, from).as_ref() == Some(to)
}

/// An interval of so many milliseconds, as Trino prints it.
pub(crate) fn day_to_second(millis: i64) -> String {
    functions::written(millis, &types::DAY_TO_SECOND)
}

/// An interval of so many months, as Trino prints it.
pub(crate) fn year_to_month(months: i32) -> String {
    functions::written(months.into(), &types::YEAR_TO_MONTH)
}

/// A time of day in milliseconds, as Trino prints it.
pub(crate) fn time(millis: i32) -> String {
    functions::written(millis.into(), &types::TIME)
}

/// What a field of a row is called that has no name.
pub(crate) fn nameless(index: usize) -> String {
    types::anonymous(index)
}
