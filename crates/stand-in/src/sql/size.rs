//! How large a plan is, counted as the tree that the optimizer walks: a common table expression counts at every place that
//! reads it, so a few lines of SQL may be a million steps.

use std::{cmp::max, collections::HashMap};

use datafusion::{
    common::tree_node::{TreeNode, TreeNodeRecursion},
    error::Result,
    logical_expr::{Expr, LogicalPlan},
};

use super::TooLarge;

/// TPC-DS's largest queries have some hundred steps.
const MOST_STEPS: usize = 5_000;
/// Levels of steps, and of the expressions in them, from the result down to a table: the optimizer merges projections, and
/// then their expressions are nested in each other.
const MOST_LEVELS: usize = 1_000;

/// Refuses a plan that is too large to optimize.
///
/// # Errors
/// [`TooLarge`] where it is, as a DataFusion error that `refusal` makes of it.
pub(crate) fn check_size<E>(plan: &LogicalPlan) -> Result<(), E>
where
    E: From<TooLarge> + From<datafusion::error::DataFusionError>,
{
    let size = Sizes::default().of(plan)?;
    if size.levels > MOST_LEVELS {
        return Err(TooLarge { what: "levels of nesting", limit: MOST_LEVELS }.into());
    }
    if size.steps > MOST_STEPS {
        return Err(TooLarge { what: "steps of its plan", limit: MOST_STEPS }.into());
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, Default)]
struct Size {
    steps: usize,
    levels: usize,
}

/// The sizes of the plans seen so far, by their addresses: shared ones are measured once.
#[derive(Default)]
struct Sizes(HashMap<*const LogicalPlan, Size>);

impl Sizes {
    fn of(&mut self, plan: &LogicalPlan) -> Result<Size> {
        if let Some(known) = self.0.get(&std::ptr::from_ref(plan)) {
            return Ok(*known);
        }
        let mut below = Size::default();
        for input in plan.inputs() {
            below.add(self.of(input)?);
        }
        let mut expressions = 0;
        plan.apply_expressions(|expression| {
            expressions = max(expressions, self.expression(expression, &mut below)?);
            Ok(TreeNodeRecursion::Continue)
        })?;
        let size = Size { steps: below.steps.saturating_add(1), levels: below.levels + expressions + 1 };
        self.0.insert(std::ptr::from_ref(plan), size);
        Ok(size)
    }

    /// How deep an expression is; the plans inside it count as inputs of its own plan.
    fn expression(&mut self, expression: &Expr, below: &mut Size) -> Result<usize> {
        match expression {
            Expr::ScalarSubquery(subquery) => below.add(self.of(&subquery.subquery)?),
            Expr::Exists(exists) => below.add(self.of(&exists.subquery.subquery)?),
            Expr::InSubquery(within) => below.add(self.of(&within.subquery.subquery)?),
            Expr::SetComparison(comparison) => below.add(self.of(&comparison.subquery.subquery)?),
            _ => {}
        }
        let mut deepest = 0;
        expression.apply_children(|child| {
            deepest = max(deepest, self.expression(child, below)?);
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(deepest + 1)
    }
}

impl Size {
    fn add(&mut self, other: Self) {
        self.steps = self.steps.saturating_add(other.steps);
        self.levels = max(self.levels, other.levels);
    }
}
