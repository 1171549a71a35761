//! Aliases where Trino has none: GROUP BY and HAVING see the columns of FROM alone, DataFusion the names of the result too.

use std::ops::ControlFlow;

use datafusion::{
    common::SchemaError,
    error::{DataFusionError, Result},
    prelude::SessionContext,
    sql::{
        parser::Statement as Parsed,
        sqlparser::ast::{Expr, GroupByExpr, Ident, Query, Select, SelectItem, SetExpr, Statement, Visit, Visitor},
    },
};

use super::{parser::parse_query, refusal::Refusal, rewriter::rewrite};

/// A name that may be an alias alone, and a query that fails if it is.
pub(crate) struct Suspect {
    name: String,
    query: Box<Query>,
}

/// The names in a query that may be aliases where Trino takes none.
///
/// # Errors
/// None that the query itself has not.
pub(crate) fn suspects(query: &Query) -> Result<Vec<Suspect>, Refusal> {
    let mut found = Found::default();
    let _: ControlFlow<()> = Visit::visit(query, &mut found);
    found.0.into_iter().map(|(name, select)| suspect(name, select)).collect()
}

fn suspect(name: Ident, select: Select) -> Result<Suspect, Refusal> {
    let mut query = parse_query("SELECT 1")?;
    let item = SelectItem::UnnamedExpr(Expr::Identifier(name.clone()));
    let plain = Select {
        projection: vec![item],
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        having: None,
        selection: None,
        distinct: None,
        named_window: Vec::new(),
        ..select
    };
    query.body = Box::new(SetExpr::Select(Box::new(plain)));
    rewrite(&mut query)?;
    Ok(Suspect { name: name.value, query })
}

/// Refuses the query if one of the names is no column.
///
/// # Errors
/// One is none.
pub(crate) async fn check(context: &SessionContext, suspects: Vec<Suspect>) -> Result<()> {
    for Suspect { name, query } in suspects {
        let statement = Parsed::Statement(Box::new(Statement::Query(query)));
        // Whatever else is wrong, the query itself has as well.
        let Err(error) = context.state().statement_to_plan(statement).await else { continue };
        if let DataFusionError::SchemaError(inner, _) = error.find_root()
            && matches!(**inner, SchemaError::FieldNotFound { .. })
        {
            return Err(Refusal::new("COLUMN_NOT_FOUND", format!("Column '{name}' cannot be resolved")).into());
        }
    }
    Ok(())
}

#[derive(Default)]
struct Found(Vec<(Ident, Select)>);

impl Visitor for Found {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let mut used = Used::default();
        let _: ControlFlow<()> = select.group_by.visit(&mut used);
        let _: ControlFlow<()> = select.having.visit(&mut used);
        for name in used.0 {
            let is_alias = |item: &SelectItem| match item {
                SelectItem::ExprWithAlias { expr, alias } => {
                    let is_itself =
                        matches!(expr, Expr::Identifier(own) if own.value.eq_ignore_ascii_case(&alias.value));
                    alias.value.eq_ignore_ascii_case(&name.value) && !is_itself
                }
                _ => false,
            };
            if select.projection.iter().any(is_alias) {
                self.0.push((name, select.clone()));
            }
        }
        ControlFlow::Continue(())
    }
}

/// The names that stand alone.
#[derive(Default)]
struct Used(Vec<Ident>);

impl Visitor for Used {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        if let Expr::Identifier(name) = expression {
            self.0.push(name.clone());
        }
        ControlFlow::Continue(())
    }
}
