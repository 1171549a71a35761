//! Plans that can be executed more than once.
//!
//! A nested loop join whose left side is too large for the memory pool executes that side a second time, to spill it. What
//! hands out each of its partitions once, as `RepartitionExec` does, panics then; so every execution gets a plan of its own.

use std::{fmt, sync::Arc};

use datafusion::{
    common::{
        config::ConfigOptions,
        tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion},
    },
    error::Result,
    execution::TaskContext,
    physical_expr::PhysicalExpr,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
        execution_plan::{
            ChildrenPropertiesMode, ReplaceChildrenOptions, replace_children_if_necessary, reset_plan_states,
        },
        joins::NestedLoopJoinExec,
    },
};

/// Makes the left side of every nested loop join repeatable.
#[derive(Debug)]
pub(super) struct RepeatableSides;

impl PhysicalOptimizerRule for RepeatableSides {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let repeatable = |plan: Arc<dyn ExecutionPlan>| {
            let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() else {
                return Ok(Transformed::no(plan));
            };
            let left: Arc<dyn ExecutionPlan> = Arc::new(Repeatable(join.left().clone()));
            let sides = vec![left, join.right().clone()];
            replace_children_if_necessary(plan, sides).map(Transformed::yes)
        };
        plan.transform_up(repeatable).data()
    }

    fn name(&self) -> &'static str {
        "repeatable_sides"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A plan of one partition.
#[derive(Debug)]
struct Repeatable(Arc<dyn ExecutionPlan>);

impl DisplayAs for Repeatable {
    fn fmt_as(&self, _type: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ExecutionPlan for Repeatable {
    fn name(&self) -> &'static str {
        "Repeatable"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.0]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self(children.swap_remove(0))))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        reset_plan_states(self.0.clone())?.execute(partition, context)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::{arrow::util::pretty::pretty_format_batches, prelude::SessionConfig};

    use super::super::session::session_within;

    #[tokio::test]
    async fn a_left_side_too_large_for_the_memory_is_joined_all_the_same() {
        let context = session_within(SessionConfig::new(), 1 << 20).expect("a session");
        let sql = "with a as (select unnest(range(300)) x) \
                   select count(*) n from a a1, a a2, a a3 where a1.x + a2.x + a3.x < 3";
        let rows = context.sql(sql).await.expect("a plan").collect().await.expect("rows");
        let table = pretty_format_batches(&rows).expect("a table").to_string();
        assert!(table.contains("| 10 |"), "{table}");
    }
}
