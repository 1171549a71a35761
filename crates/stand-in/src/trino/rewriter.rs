//! A query in Trino's dialect, brought to what DataFusion plans.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArgumentClause, FunctionArguments, GroupByExpr, Ident, Interval, LimitClause, NamedWindowExpr,
    ObjectName, ObjectNamePart, OrderByExpr, OrderByKind, Query, Select, TableFactor, Value, VisitMut, VisitorMut,
    WindowFrame, WindowFrameBound, WindowSpec, WindowType,
};

use super::{
    calls,
    expression::{parameters, plain},
    operands,
    refusal::Refusal,
    relations,
    scope::Scope,
};

/// Rewrites a query in place.
///
/// # Errors
/// It has what Athena refuses, or what the stand-in has not.
pub(crate) fn rewrite(query: &mut Query) -> Result<(), Refusal> {
    match VisitMut::visit(query, &mut Rewriter::default()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(refusal) => Err(refusal),
    }
}

#[derive(Default)]
struct Rewriter {
    scope: Scope,
}

/// A number that is to stay as it is (an ordinal, a limit, a frame's bound) has this before it meanwhile.
const HIDDEN: &str = "#";

fn hide(expression: &mut Expr) {
    if let Expr::Interval(interval) = expression
        && let (Expr::Value(number), Some(unit)) = (interval.value.as_ref(), &interval.leading_field)
        && let Value::SingleQuotedString(number) = &number.value
    {
        *expression = Expr::Value(Value::Placeholder(format!("{HIDDEN}{number} {unit}")).into());
        return;
    }
    if let Expr::Value(value) = expression
        && let Value::Number(digits, _) = &value.value
    {
        value.value = Value::Placeholder(format!("{HIDDEN}{digits}"));
    }
}

fn unhide(expression: &mut Expr) {
    if let Expr::Value(value) = expression
        && let Value::Placeholder(text) = &value.value
        && let Some(digits) = text.strip_prefix(HIDDEN)
    {
        match digits.contains(' ') {
            true => *expression = interval(digits),
            false => value.value = Value::Number(digits.to_owned(), false),
        }
    }
}

/// `2 DAY` as the engine's own interval, which a frame's bound has to be.
fn interval(text: &str) -> Expr {
    Expr::Interval(Interval {
        value: Box::new(super::expression::text(text)),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    })
}

/// Nulls come last, in whichever direction.
fn order(expressions: &mut [OrderByExpr]) {
    for expression in expressions {
        expression.options.nulls_first.get_or_insert(false);
    }
}

fn order_window(spec: &mut WindowSpec) {
    order(&mut spec.order_by);
}

fn ordinals(query: &mut Query, change: fn(&mut Expr)) {
    if let Some(order_by) = &mut query.order_by
        && let OrderByKind::Expressions(expressions) = &mut order_by.kind
    {
        expressions.iter_mut().for_each(|expression| change(&mut expression.expr));
    }
    if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &mut query.limit_clause {
        limit.iter_mut().for_each(change);
        offset.iter_mut().for_each(|offset| change(&mut offset.value));
    }
    query.fetch.iter_mut().filter_map(|fetch| fetch.quantity.as_mut()).for_each(change);
}

/// `FETCH FIRST 2 ROWS ONLY` is `LIMIT 2`.
fn fetch_as_limit(query: &mut Query) {
    let is_plain = query.fetch.as_ref().is_some_and(|fetch| !fetch.with_ties && !fetch.percent);
    let Some(fetch) = query.fetch.take_if(|_| is_plain) else { return };
    let limit = Some(fetch.quantity.unwrap_or_else(|| super::expression::number("1")));
    match &mut query.limit_clause {
        Some(LimitClause::LimitOffset { limit: none @ None, .. }) => *none = limit,
        none @ None => *none = Some(LimitClause::LimitOffset { limit, offset: None, limit_by: Vec::new() }),
        Some(_) => {}
    }
}

/// A limit is a number as it is written.
fn refuse_limit(query: &Query) -> Result<(), Refusal> {
    match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit: Some(other), .. }) if !matches!(other, Expr::Value(_)) => {
            Err(Refusal::new("SYNTAX_ERROR", format!("mismatched input '{other}'. Expecting: 'ALL', <integer>")))
        }
        _ => Ok(()),
    }
}

fn groups(select: &mut Select, change: fn(&mut Expr)) {
    let GroupByExpr::Expressions(expressions, _) = &mut select.group_by else { return };
    for expression in expressions {
        match expression {
            Expr::Rollup(sets) | Expr::Cube(sets) | Expr::GroupingSets(sets) => {
                sets.iter_mut().flatten().for_each(change)
            }
            other => change(other),
        }
    }
}

/// The bounds of a frame, and what a window's function takes beside its value.
fn window_numbers(expression: &mut Expr, change: fn(&mut Expr)) {
    let Expr::Function(function) = expression else { return };
    let Some(over) = &mut function.over else { return };
    if let WindowType::WindowSpec(spec) = over
        && let Some(frame) = &mut spec.window_frame
    {
        frame_bounds(frame, change);
    }
    if let FunctionArguments::List(list) = &mut function.args {
        let name = function.name.to_string().to_lowercase();
        let from = usize::from(name != "ntile");
        for argument in list.args.iter_mut().skip(from) {
            if let datafusion::sql::sqlparser::ast::FunctionArg::Unnamed(
                datafusion::sql::sqlparser::ast::FunctionArgExpr::Expr(expression),
            ) = argument
            {
                change(expression);
            }
        }
    }
}

fn frame_bounds(frame: &mut WindowFrame, change: fn(&mut Expr)) {
    for bound in [Some(&mut frame.start_bound), frame.end_bound.as_mut()].into_iter().flatten() {
        if let WindowFrameBound::Preceding(Some(size)) | WindowFrameBound::Following(Some(size)) = bound {
            change(size);
        }
    }
}

fn order_function(expression: &mut Expr) {
    let Expr::Function(function) = expression else { return };
    order(&mut function.within_group);
    if let Some(WindowType::WindowSpec(spec)) = &mut function.over {
        order_window(spec);
    }
    if let FunctionArguments::List(list) = &mut function.args {
        for clause in &mut list.clauses {
            if let FunctionArgumentClause::OrderBy(expressions) = clause {
                order(expressions);
            }
        }
    }
}

fn lower(name: &mut ObjectName) {
    for part in &mut name.0 {
        if let ObjectNamePart::Identifier(identifier) = part {
            *identifier = plain(identifier);
        }
    }
}

/// One outcome as the visitor has it.
fn flow(outcome: Result<(), Refusal>) -> ControlFlow<Refusal> {
    match outcome {
        Ok(()) => ControlFlow::Continue(()),
        Err(refusal) => ControlFlow::Break(refusal),
    }
}

impl VisitorMut for Rewriter {
    type Break = Refusal;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Refusal> {
        for expression in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
            relations::lower_alias(&mut expression.alias);
        }
        self.scope.enter(query);
        if let Some(order_by) = &mut query.order_by
            && let OrderByKind::Expressions(expressions) = &mut order_by.kind
        {
            order(expressions);
        }
        fetch_as_limit(query);
        let refused = refuse_limit(query);
        ordinals(query, hide);
        flow(refused.and_then(|()| relations::refuse_query(query)))
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Refusal> {
        ordinals(query, unhide);
        self.scope.leave();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Refusal> {
        groups(select, hide);
        for window in &mut select.named_window {
            window.0 = plain(&window.0);
            if let NamedWindowExpr::WindowSpec(spec) = &mut window.1 {
                order_window(spec);
                spec.window_frame.iter_mut().for_each(|frame| frame_bounds(frame, hide));
            }
        }
        flow(relations::prepare(select, &self.scope))
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Refusal> {
        groups(select, unhide);
        for window in &mut select.named_window {
            if let NamedWindowExpr::WindowSpec(spec) = &mut window.1 {
                spec.window_frame.iter_mut().for_each(|frame| frame_bounds(frame, unhide));
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Refusal> {
        flow(relations::sampled(factor))
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Refusal> {
        lower(relation);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Refusal> {
        order_function(expression);
        window_numbers(expression, hide);
        if let Expr::Function(function) = expression
            && let Some(WindowType::NamedWindow(name)) = &mut function.over
        {
            *name = plain(name);
        }
        if let Expr::Lambda(lambda) = expression {
            for parameter in lambda_names(lambda) {
                *parameter = plain(parameter);
            }
            self.scope.enter_lambda(parameters(lambda));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Refusal> {
        window_numbers(expression, unhide);
        if let Expr::Lambda(_) = expression {
            self.scope.leave_lambda();
            return ControlFlow::Continue(());
        }
        let taken = std::mem::replace(expression, super::expression::null());
        let rewritten = match taken {
            Expr::Function(function) => calls::resolved(function),
            other => operands::rewritten(other, &self.scope),
        };
        match rewritten {
            Ok(rewritten) => {
                *expression = rewritten;
                ControlFlow::Continue(())
            }
            Err(refusal) => ControlFlow::Break(refusal),
        }
    }
}

fn lambda_names(lambda: &mut datafusion::sql::sqlparser::ast::LambdaFunction) -> Vec<&mut Ident> {
    use datafusion::sql::sqlparser::ast::OneOrManyWithParens::{Many, One};
    match &mut lambda.params {
        One(parameter) => vec![&mut parameter.name],
        Many(parameters) => parameters.iter_mut().map(|parameter| &mut parameter.name).collect(),
    }
}
