//! Calls, brought to functions that DataFusion knows.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArgumentClause, FunctionArguments, Ident, LambdaFunction,
    NullTreatment, ObjectName, UnaryOperator, VisitMut, VisitorMut, helpers::attached_token::AttachedToken,
};

use super::{
    aggregate::AGGREGATES,
    expression::{arguments, call, field, function, lambda, name as named, native, parameters, plain_cast, text},
    functions::{FUNCTIONS, MISSING, OTHERS, is_called},
    refusal::Refusal,
    scalar::registered,
    types,
};

/// Functions that need an OVER clause.
const OF_WINDOWS: [&str; 11] = [
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

/// What a lambda that the rewriter makes calls its parameter.
const ENTRY: &str = "#entry";

/// A call whose arguments are rewritten already.
///
/// # Errors
/// There is no such function, on the stand-in or at all.
pub(super) fn resolved(mut called: Function) -> Result<Expr, Refusal> {
    if is_made(&called.name) {
        return Ok(Expr::Function(called));
    }
    let name = called.name.to_string().replace('"', "").to_lowercase();
    if called.filter.is_some() && called.over.is_some() {
        return Err(Refusal::new("NOT_SUPPORTED", "FILTER is not yet supported for window functions"));
    }
    if OF_WINDOWS.contains(&name.as_str()) && called.over.is_none() {
        return Err(Refusal::new("MISSING_OVER", format!("Window function {name} requires an OVER clause")));
    }
    let given = arguments(&mut called);
    if let Some(given) = &given
        && let Some(expression) = of_others(&name, given, &called)?
    {
        return Ok(expression);
    }
    let count = given.as_ref().map_or(1, Vec::len);
    let known = match (name.as_str(), count) {
        ("max", 2) => Some("max_n".to_owned()),
        ("min", 2) => Some("min_n".to_owned()),
        ("max_by", 3) => Some("max_by_n".to_owned()),
        ("min_by", 3) => Some("min_by_n".to_owned()),
        ("coalesce" | "nullif" | "grouping", _) => Some(name.clone()),
        _ => None,
    };
    let known = known
        .or_else(|| OTHERS.iter().find(|other| other.name == name).and_then(|other| other.native).map(str::to_owned))
        .or_else(|| {
            AGGREGATES.iter().find(|aggregate| aggregate.name == name).map(|aggregate| aggregate.name.to_owned())
        })
        .or_else(|| {
            FUNCTIONS.iter().find(|function| function.name == name && is_called(function)).map(|_| registered(&name))
        });
    match known {
        Some(known) => {
            called.name = ObjectName::from(Ident::with_quote('"', known));
            Ok(Expr::Function(called))
        }
        None if MISSING.contains(&name.as_str()) => Err(Refusal::missing(&name)),
        None => Err(Refusal::new("FUNCTION_NOT_FOUND", format!("Function '{name}' not registered"))),
    }
}

/// Whether the parser or the rewriter has made this call.
fn is_made(name: &ObjectName) -> bool {
    name.to_string().starts_with("\"trino_")
}

/// A function that others make up; nothing where it is none of these.
fn of_others(name: &str, given: &[Expr], called: &Function) -> Result<Option<Expr>, Refusal> {
    let wrong = || Refusal::new("FUNCTION_NOT_FOUND", format!("Unexpected parameters for function {name}"));
    let is_value = !given.iter().any(|argument| matches!(argument, Expr::Lambda(_)));
    let with_kind = |kind: &str| call("cast", vec![native("now", Vec::new()), text(kind)]);
    Ok(Some(match (name, given) {
        ("current_date", []) => with_kind("date"),
        ("now" | "current_timestamp", []) => with_kind("timestamp with time zone"),
        ("localtimestamp", []) => with_kind("timestamp"),
        ("mod", [a, b]) => {
            let [left, right] = [a, b].map(|side| Box::new(Expr::Nested(Box::new(side.clone()))));
            Expr::BinaryOp { left, op: BinaryOperator::Modulo, right }
        }
        ("if", [condition, then]) => case(condition, then, None),
        ("if", [condition, then, otherwise]) => case(condition, then, Some(otherwise)),
        ("try", [tried]) => native("try", vec![lambda(ENTRY, tried.clone())]),
        ("count_if", [condition]) => aggregated(called, "count", vec![case(condition, condition, None)]),
        ("bitwise_and_agg", [bits]) => aggregated(called, "bit_and", vec![bigint(bits)]),
        ("bitwise_or_agg", [bits]) => aggregated(called, "bit_or", vec![bigint(bits)]),
        ("geometric_mean", [number]) => {
            let mean = aggregated(called, "avg", vec![call("ln", vec![number.clone()])]);
            call("exp", vec![mean])
        }
        ("arbitrary" | "any_value", [value]) => {
            let Expr::Function(mut first) = aggregated(called, "first_value", vec![value.clone()]) else {
                return Err(wrong());
            };
            first.null_treatment = Some(NullTreatment::IgnoreNulls);
            Expr::Function(first)
        }
        ("listagg", [value, separator]) => listed(called, value, Some(separator))?,
        ("listagg", [value]) => listed(called, value, None)?,
        ("all_match", [list, Expr::Lambda(test)]) => {
            let refuted = LambdaFunction { body: Box::new(not(*test.body.clone())), ..test.clone() };
            not(native("array_any_match", vec![list.clone(), Expr::Lambda(refuted)]))
        }
        ("none_match", [list, test @ Expr::Lambda(_)]) => {
            not(native("array_any_match", vec![list.clone(), test.clone()]))
        }
        ("zip_with", [a, b, Expr::Lambda(both)]) => native(
            "array_transform",
            vec![call("zip", vec![a.clone(), b.clone()]), of_entry(both, 2).ok_or_else(wrong)?],
        ),
        ("transform_values", [map, Expr::Lambda(of)]) => {
            let values = native(
                "array_transform",
                vec![call("map_entries", vec![map.clone()]), of_entry(of, 2).ok_or_else(wrong)?],
            );
            call("map", vec![call("map_keys", vec![map.clone()]), values])
        }
        ("transform_keys", [map, Expr::Lambda(of)]) => {
            let keys = native(
                "array_transform",
                vec![call("map_entries", vec![map.clone()]), of_entry(of, 2).ok_or_else(wrong)?],
            );
            call("map", vec![keys, call("map_values", vec![map.clone()])])
        }
        ("map_zip_with", [a, b, Expr::Lambda(of)]) => {
            let keys = call("array_union", vec![call("map_keys", vec![a.clone()]), call("map_keys", vec![b.clone()])]);
            let value = |map: &Expr| call("element_at", vec![map.clone(), named(ENTRY)]);
            let body = applied(of, vec![named(ENTRY), value(a), value(b)]).ok_or_else(wrong)?;
            call("map", vec![keys.clone(), native("array_transform", vec![keys, lambda(ENTRY, body)])])
        }
        ("map_filter", [map, Expr::Lambda(of)]) => {
            let kept = native(
                "array_filter",
                vec![call("map_entries", vec![map.clone()]), of_entry(of, 2).ok_or_else(wrong)?],
            );
            call("map_from_entries", vec![kept])
        }
        ("array_sort", [_, Expr::Lambda(_)]) => return Err(Refusal::missing("array_sort(array, comparator)")),
        ("all_match" | "none_match" | "any_match" | "transform" | "filter" | "zip_with" | "map_zip_with", _)
            if is_value =>
        {
            return Err(wrong());
        }
        _ => return Ok(None),
    }))
}

fn not(condition: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(Expr::Nested(Box::new(condition))) }
}

fn bigint(value: &Expr) -> Expr {
    call("cast", vec![value.clone(), text("bigint")])
}

fn case(condition: &Expr, then: &Expr, otherwise: Option<&Expr>) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![datafusion::sql::sqlparser::ast::CaseWhen {
            condition: condition.clone(),
            result: then.clone(),
        }],
        else_result: otherwise.map(|otherwise| Box::new(otherwise.clone())),
    }
}

/// Another aggregate, over the same rows.
fn aggregated(called: &Function, name: &str, arguments: Vec<Expr>) -> Expr {
    let mut made = function(name, arguments);
    made.filter.clone_from(&called.filter);
    made.over.clone_from(&called.over);
    if let (FunctionArguments::List(made), FunctionArguments::List(given)) = (&mut made.args, &called.args) {
        made.duplicate_treatment = given.duplicate_treatment;
        made.clauses.clone_from(&given.clauses);
    }
    Expr::Function(made)
}

fn listed(called: &Function, value: &Expr, separator: Option<&Expr>) -> Result<Expr, Refusal> {
    if called.within_group.is_empty() {
        return Err(Refusal::new("SYNTAX_ERROR", "LISTAGG needs WITHIN GROUP (ORDER BY …)"));
    }
    let separator = separator.cloned().unwrap_or_else(|| text(""));
    let Expr::Function(mut made) = aggregated(called, "string_agg", vec![value.clone(), separator]) else {
        return Err(Refusal::missing("listagg"));
    };
    if let FunctionArguments::List(list) = &mut made.args {
        list.clauses.push(FunctionArgumentClause::OrderBy(called.within_group.clone()));
    }
    Ok(plain_cast(Expr::Function(made), DataType::Varchar(None)))
}

/// A lambda of several parameters as one of a row of them.
fn of_entry(of: &LambdaFunction, count: usize) -> Option<Expr> {
    let fields = (0..count).map(|index| field(named(ENTRY), &types::anonymous(index)));
    Some(lambda(ENTRY, applied(of, fields.collect())?))
}

/// What a lambda comes to for these; nothing where it takes fewer or more.
fn applied(of: &LambdaFunction, values: Vec<Expr>) -> Option<Expr> {
    let names = parameters(of);
    if names.len() != values.len() {
        return None;
    }
    let mut body = *of.body.clone();
    let _: ControlFlow<()> = VisitMut::visit(&mut body, &mut Substitution { names, values });
    Some(body)
}

struct Substitution {
    names: Vec<String>,
    values: Vec<Expr>,
}

impl VisitorMut for Substitution {
    type Break = ();

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Expr::Identifier(name) = expression
            && let Some(index) = self.names.iter().position(|known| *known == name.value)
        {
            *expression = self.values[index].clone();
        }
        ControlFlow::Continue(())
    }
}
