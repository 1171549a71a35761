//! What an operator is, by the types of its operands: DataFusion's where that is Trino's, and otherwise a function of ours.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::DFSchema,
    error::Result,
    logical_expr::{
        BinaryExpr, Cast, Expr, ExprSchemable, Operator, ScalarUDF,
        planner::{ExprPlanner, PlannerResult, RawAggregateExpr, RawBinaryExpr, RawWindowExpr},
    },
    sql::sqlparser::ast::BinaryOperator,
};

use super::{
    functions::FUNCTIONS,
    refusal::Refusal,
    scalar::Scalar,
    types::{self, common, is_float, is_number},
};

#[derive(Debug)]
pub(super) struct OperatorPlanner;

/// A call of one of our functions.
fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let function = FUNCTIONS.iter().find(|function| function.name == name).expect("a function of the table");
    Expr::ScalarFunction(datafusion::logical_expr::expr::ScalarFunction::new_udf(
        Arc::new(ScalarUDF::from(Scalar::new(*function))),
        arguments,
    ))
}

fn mismatch(a: &DataType, operator: &BinaryOperator, b: &DataType) -> Refusal {
    Refusal::mismatch(format!("Cannot apply operator: {} {operator} {}", types::name(a), types::name(b)))
}

impl ExprPlanner for OperatorPlanner {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let (a, b) = (expr.left.get_type(schema)?, expr.right.get_type(schema)?);
        let arithmetic = match expr.op {
            BinaryOperator::Plus => Some("plus"),
            BinaryOperator::Minus => Some("minus"),
            BinaryOperator::Multiply => Some("multiply"),
            BinaryOperator::Divide => Some("divide"),
            BinaryOperator::Modulo => Some("modulus"),
            _ => None,
        };
        if let Some(name) = arithmetic {
            let is_floating = (is_float(&a) && is_number(&b)) || (is_number(&a) && is_float(&b));
            return Ok(match is_floating {
                true => PlannerResult::Original(expr),
                false => PlannerResult::Planned(call(name, vec![expr.left, expr.right])),
            });
        }
        let comparison = match expr.op {
            BinaryOperator::Eq => Operator::Eq,
            BinaryOperator::NotEq => Operator::NotEq,
            BinaryOperator::Lt => Operator::Lt,
            BinaryOperator::LtEq => Operator::LtEq,
            BinaryOperator::Gt => Operator::Gt,
            BinaryOperator::GtEq => Operator::GtEq,
            BinaryOperator::And | BinaryOperator::Or => {
                let is_condition = |kind: &DataType| matches!(kind, DataType::Boolean | DataType::Null);
                let other = [&a, &b].into_iter().find(|kind| !is_condition(kind));
                return match other {
                    Some(kind) => {
                        let kind = types::name(kind);
                        Err(Refusal::mismatch(format!(
                            "Logical expression term must evaluate to a boolean: actual type {kind}"
                        ))
                        .into())
                    }
                    None => Ok(PlannerResult::Original(expr)),
                };
            }
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let both = common(&a, &b).ok_or_else(|| mismatch(&a, &expr.op, &b))?;
        if matches!(both, DataType::Map(..)) {
            let equal = call("equal", vec![expr.left, expr.right]);
            return match comparison {
                Operator::Eq => Ok(PlannerResult::Planned(equal)),
                Operator::NotEq => Ok(PlannerResult::Planned(Expr::Not(Box::new(equal)))),
                _ => Err(mismatch(&a, &expr.op, &b).into()),
            };
        }
        let is_of_time = matches!(both, DataType::Timestamp(..));
        if !is_of_time || a == b {
            return Ok(PlannerResult::Original(expr));
        }
        let brought = |side: Expr, kind: &DataType| match *kind == both {
            true => Box::new(side),
            false => Box::new(Expr::Cast(Cast::new(Box::new(side), both.clone()))),
        };
        let (left, right) = (brought(expr.left, &a), brought(expr.right, &b));
        Ok(PlannerResult::Planned(Expr::BinaryExpr(BinaryExpr::new(left, comparison, right))))
    }

    fn plan_aggregate(&self, expr: RawAggregateExpr) -> Result<PlannerResult<RawAggregateExpr>> {
        Ok(PlannerResult::Original(expr))
    }

    fn plan_window(&self, expr: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        Ok(PlannerResult::Original(expr))
    }
}
