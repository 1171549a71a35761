//! What Trino refuses and DataFusion would bring together: values of types that have none in common.

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        DFSchema,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{Expr, ExprSchemable, LogicalPlan},
};

use super::{
    refusal::Refusal,
    types::{self, common, is_number, is_text},
};

/// Refuses a plan in which types do not go together.
///
/// # Errors
/// They do not.
pub(super) fn check(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|plan| {
        if let LogicalPlan::Union(union) = plan {
            check_columns(union.inputs.iter().map(|input| input.schema().as_ref()), "UNION")?;
        }
        if let LogicalPlan::Filter(filter) = plan {
            if filter.predicate.exists(|part| Ok(matches!(part, Expr::WindowFunction(_))))? {
                let message = "WHERE clause cannot contain aggregations, window functions or grouping operations";
                return Err(Refusal::new("EXPRESSION_NOT_SCALAR", message).into());
            }
            let kind = filter.predicate.get_type(filter.input.schema());
            condition(kind, "WHERE clause must evaluate to a boolean")?;
        }
        let schema = merged(plan);
        plan.apply_expressions(|expression| {
            expression.apply(|part| {
                check_expression(part, &schema)?;
                // What is in a lambda has columns of its own.
                Ok(if matches!(part, Expr::Lambda(_)) { TreeNodeRecursion::Jump } else { TreeNodeRecursion::Continue })
            })
        })
    })?;
    Ok(())
}

fn merged(plan: &LogicalPlan) -> DFSchema {
    let mut schema = DFSchema::empty();
    for input in plan.inputs() {
        schema.merge(input.schema());
    }
    schema
}

fn condition(kind: Result<DataType>, what: &str) -> Result<(), Refusal> {
    match kind {
        Ok(DataType::Boolean | DataType::Null) | Err(_) => Ok(()),
        Ok(other) => Err(Refusal::mismatch(format!("{what}: actual type {}", types::name(&other)))),
    }
}

/// The columns of several queries, side by side.
fn check_columns<'a>(mut schemas: impl Iterator<Item = &'a DFSchema>, what: &str) -> Result<(), Refusal> {
    let Some(first) = schemas.next() else { return Ok(()) };
    for other in schemas {
        for (index, (a, b)) in first.fields().iter().zip(other.fields()).enumerate() {
            let [a, b] = [a.data_type(), b.data_type()];
            if common(a, b).is_none() {
                let (index, a, b) = (index + 1, types::name(a), types::name(b));
                return Err(Refusal::mismatch(format!(
                    "column {index} in {what} query has incompatible types: {a}, {b}"
                )));
            }
        }
    }
    Ok(())
}

/// What all of these have in common.
fn together<'a>(expressions: impl Iterator<Item = &'a Expr>, schema: &DFSchema, what: &str) -> Result<(), Refusal> {
    let mut so_far = DataType::Null;
    for expression in expressions {
        // What has no type here is of a query around this one, and is checked by the engine.
        let Ok(kind) = expression.get_type(schema) else { return Ok(()) };
        so_far = common(&so_far, &kind).ok_or_else(|| {
            let (a, b) = (types::name(&so_far), types::name(&kind));
            Refusal::mismatch(format!("{what} must be the same type or coercible to a common type. Cannot find common type between {a} and {b}"))
        })?;
    }
    Ok(())
}

fn check_expression(expression: &Expr, schema: &DFSchema) -> Result<(), Refusal> {
    match expression {
        Expr::InList(list) => {
            together(std::iter::once(list.expr.as_ref()).chain(&list.list), schema, "IN value and list items")
        }
        Expr::Between(between) => {
            let all = [&between.expr, &between.low, &between.high].into_iter().map(AsRef::as_ref);
            together(all, schema, "BETWEEN operands")
        }
        Expr::Case(case) => {
            let results = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
            together(results.chain(case.else_expr.as_deref()), schema, "All CASE results")?;
            for (when, _) in &case.when_then_expr {
                match &case.expr {
                    Some(operand) => together([operand.as_ref(), when].into_iter(), schema, "CASE operands")?,
                    None => condition(when.get_type(schema), "CASE WHEN clause must evaluate to a boolean")?,
                }
            }
            Ok(())
        }
        Expr::Not(inner) => {
            condition(inner.get_type(schema), "Value of logical NOT expression must evaluate to a boolean")
        }
        Expr::Like(like) => {
            for side in [&like.expr, &like.pattern] {
                if let Ok(kind) = side.get_type(schema)
                    && !is_text(&kind)
                    && kind != DataType::Null
                {
                    let kind = types::name(&kind);
                    return Err(Refusal::mismatch(format!(
                        "Left side of LIKE expression must evaluate to a varchar (actual: {kind})"
                    )));
                }
            }
            Ok(())
        }
        Expr::ScalarFunction(function) if ["coalesce", "nullif"].contains(&function.name()) => {
            together(function.args.iter(), schema, &format!("All {} operands", function.name().to_uppercase()))
        }
        Expr::AggregateFunction(function) => aggregate(function.func.name(), &function.params.args, schema),
        _ => Ok(()),
    }
}

/// DataFusion adds up texts, where they are numbers.
fn aggregate(name: &str, arguments: &[Expr], schema: &DFSchema) -> Result<(), Refusal> {
    let is_of_numbers =
        ["sum", "avg", "stddev", "stddev_pop", "var_samp", "var_pop", "corr", "covar_samp", "covar_pop"]
            .contains(&name);
    let Some(Ok(kind)) = arguments.first().map(|argument| argument.get_type(schema)) else { return Ok(()) };
    let takes = is_number(&kind) || matches!(kind, DataType::Null | DataType::Duration(_) | DataType::Interval(_));
    match takes || !is_of_numbers {
        true => Ok(()),
        false => {
            let kind = types::name(&kind);
            Err(Refusal::new(
                "FUNCTION_NOT_FOUND",
                format!(
                    "Unexpected parameters ({kind}) for function {name}. Expected: {name}(bigint), {name}(decimal), {name}(double), {name}(real)"
                ),
            ))
        }
    }
}
