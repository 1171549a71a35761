//! UNNEST, joined to what stands before it: DataFusion's own reads none of the columns there.

use datafusion::{
    arrow::datatypes::DataType,
    common::{Column, DFSchema, TableReference, UnnestOptions},
    error::Result,
    logical_expr::{
        Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, ScalarUDF, lit,
        planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
    },
    sql::sqlparser::ast::{
        Expr as Sql, JoinConstraint, JoinOperator, TableAlias, TableFactor, TableWithJoins, Value as Constant,
    },
};

use super::{
    functions::{UNNEST, columns},
    refusal::Refusal,
    scalar::Scalar,
    types,
};

/// The column of the rows, until it is unnested.
const ROWS: &str = "#rows";

/// Plans a relation and the one UNNEST that is joined to it, which the rewriter puts into parentheses of their own.
#[derive(Debug)]
pub(super) struct UnnestPlanner;

impl RelationPlanner for UnnestPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::NestedJoin { table_with_joins, alias: None } = relation else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let TableWithJoins { relation: left, mut joins } = *table_with_joins;
        let planned = match (left, joins.as_slice()) {
            (unnest @ TableFactor::UNNEST { .. }, []) => planned(one_row()?, unnest, false, context)?,
            (left, [join]) if matches!(join.relation, TableFactor::UNNEST { .. }) => {
                let join = joins.remove(0);
                let keeps_nothing = keeps_nothing(&join.join_operator)?;
                let left = context.plan(left)?;
                planned(left, join.relation, keeps_nothing, context)?
            }
            (left, _) => {
                let table_with_joins = Box::new(TableWithJoins { relation: left, joins });
                let original = TableFactor::NestedJoin { table_with_joins, alias: None };
                return Ok(RelationPlanning::Original(Box::new(original)));
            }
        };
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(planned, None))))
    }
}

/// Whether a row that has nothing to unnest is kept.
fn keeps_nothing(join: &JoinOperator) -> Result<bool, Refusal> {
    let is_true = |constraint: &JoinConstraint| {
        let JoinConstraint::On(Sql::Value(value)) = constraint else { return false };
        value.value == Constant::Boolean(true)
    };
    match join {
        JoinOperator::CrossJoin(_) => Ok(false),
        JoinOperator::Inner(on) | JoinOperator::Join(on) if is_true(on) => Ok(false),
        JoinOperator::LeftOuter(on) | JoinOperator::Left(on) if is_true(on) => Ok(true),
        _ => Err(Refusal::new("NOT_SUPPORTED", "a join with UNNEST is CROSS JOIN, or INNER or LEFT JOIN ON TRUE")),
    }
}

fn one_row() -> Result<LogicalPlan> {
    LogicalPlanBuilder::empty(true).build()
}

fn planned(
    left: LogicalPlan,
    unnest: TableFactor,
    keeps_nothing: bool,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    let TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } = unnest else {
        return Err(Refusal::new("GENERIC_INTERNAL_ERROR", "no UNNEST").into());
    };
    let schema = left.schema().clone();
    let sources = array_exprs.into_iter().map(|expression| source(context.sql_to_expr(expression, &schema)?, &schema));
    let sources = sources.collect::<Result<Vec<_>>>()?;
    let mut names = Vec::new();
    for (_, kind) in &sources {
        names.extend(columns(kind)?.into_iter().map(|(name, _)| name));
    }
    let width = names.len();
    names.extend(with_ordinality.then_some(None));
    let (qualifier, names) = named(alias, names)?;
    let mut arguments: Vec<Expr> = sources.into_iter().map(|(expression, _)| expression).collect();
    arguments.push(lit(keeps_nothing));
    let reads_left = arguments.iter().any(|argument| !argument.column_refs().is_empty());
    // What reads nothing of the left is unnested once, and not for each row there.
    let (base, left) = if reads_left || keeps_nothing { (left, None) } else { (one_row()?, Some(left)) };
    let before: Vec<Expr> = base.schema().columns().into_iter().map(Expr::Column).collect();
    let rows = ScalarUDF::from(Scalar::new(UNNEST)).call(arguments).alias(ROWS);
    let field = |(index, name): (usize, String)| {
        let index = if index < width { index } else { width };
        let field = datafusion::functions::core::expr_fn::get_field(
            Expr::Column(Column::from_name(ROWS)),
            types::anonymous(index),
        );
        field.alias_qualified(qualifier.clone(), name)
    };
    let fields: Vec<Expr> = names.into_iter().enumerate().map(field).collect();
    let unnested = LogicalPlanBuilder::from(base)
        .project(before.iter().cloned().chain([rows]))?
        .unnest_column_with_options(Column::from_name(ROWS), UnnestOptions::new().with_preserve_nulls(false))?
        .project(before.into_iter().chain(fields))?
        .build()?;
    match left {
        Some(left) => LogicalPlanBuilder::from(left).cross_join(unnested)?.build(),
        None => Ok(unnested),
    }
}

fn source(expression: Expr, schema: &DFSchema) -> Result<(Expr, DataType)> {
    if expression.contains_outer() {
        let what = "UNNEST of a column of the query around it";
        return Err(Refusal::missing(what).into());
    }
    let kind = expression.get_type(schema)?;
    Ok((expression, kind))
}

/// The qualifier and the names of the columns.
fn named(
    alias: Option<TableAlias>,
    names: Vec<Option<String>>,
) -> Result<(Option<TableReference>, Vec<String>), Refusal> {
    let given: Vec<String> =
        alias.iter().flat_map(|alias| &alias.columns).map(|column| column.name.value.clone()).collect();
    if !given.is_empty() && given.len() != names.len() {
        let (count, there) = (given.len(), names.len());
        let name = alias.map(|alias| alias.name.value).unwrap_or_default();
        let message = format!("Column alias list has {count} entries but '{name}' has {there} columns available");
        return Err(Refusal::new("MISMATCHED_COLUMN_ALIASES", message));
    }
    let own = names.into_iter().enumerate().map(|(index, name)| name.unwrap_or_else(|| format!("_col{index}")));
    let names = if given.is_empty() { own.collect() } else { given };
    Ok((alias.map(|alias| TableReference::bare(alias.name.value)), names))
}
