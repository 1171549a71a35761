//! Expressions other than calls, brought to what DataFusion plans.

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CeilFloorKind, DataType, DateTimeField, Expr, Subscript, TrimWhereField, TypedString,
    UnaryOperator, Value, ValueWithSpan,
};

use super::{
    expression::{call, field, number, plain_cast, text},
    functions,
    refusal::Refusal,
    scope::Scope,
};

/// An expression whose parts are rewritten already.
pub(super) fn rewritten(expression: Expr, scope: &Scope) -> Result<Expr, Refusal> {
    Ok(match expression {
        Expr::Identifier(name) => scope.resolved(&[name]),
        Expr::CompoundIdentifier(path) => scope.resolved(&path),
        Expr::CompoundFieldAccess { root, access_chain } => reached(*root, access_chain, scope)?,
        Expr::Value(value) => constant(value)?,
        Expr::TypedString(string) => typed(&string)?,
        Expr::Interval(interval) => {
            let unit = match (&interval.leading_field, &interval.last_field) {
                (Some(field), None) => field.to_string().to_lowercase(),
                _ => return Err(Refusal::missing("INTERVAL … TO …")),
            };
            if unit == "week" || unit == "weeks" || unit.ends_with('s') {
                return Err(Refusal::new("TYPE_NOT_FOUND", format!("Unknown type: interval {unit}")));
            }
            call("interval", vec![*interval.value, text(&unit)])
        }
        Expr::AtTimeZone { timestamp, time_zone } => call("at_timezone", vec![*timestamp, *time_zone]),
        Expr::Extract { field, expr, .. } => call(extracted(&field)?, vec![*expr]),
        Expr::Substring { expr, substring_from, substring_for, .. } => {
            let from = substring_from.map_or_else(|| number("1"), |from| *from);
            call("substr", [*expr, from].into_iter().chain(substring_for.map(|size| *size)).collect())
        }
        Expr::Trim { trim_where, trim_what, expr, trim_characters } => {
            let name = match trim_where {
                None | Some(TrimWhereField::Both) => "trim",
                Some(TrimWhereField::Leading) => "ltrim",
                Some(TrimWhereField::Trailing) => "rtrim",
            };
            let what = trim_what.map(|what| *what).into_iter().chain(trim_characters.into_iter().flatten());
            call(name, std::iter::once(*expr).chain(what).collect())
        }
        Expr::Position { expr, r#in } => call("strpos", vec![*r#in, *expr]),
        Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
            call("ceil", vec![*expr])
        }
        Expr::Floor { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
            call("floor", vec![*expr])
        }
        Expr::Array(array) => call("array", array.elem),
        Expr::Tuple(fields) => call("row", fields),
        Expr::InList { expr, list, negated } => in_list(*expr, list, negated),
        Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => call("concat", vec![*left, *right]),
        Expr::BinaryOp { left, op, right } => {
            refuse_operator(&op)?;
            Expr::BinaryOp { left, op, right }
        }
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => negated(*expr),
        Expr::Like { negated, any: false, expr, pattern, escape_char } => like(negated, *expr, *pattern, escape_char),
        Expr::ILike { .. } => return Err(Refusal::new("SYNTAX_ERROR", "mismatched input 'ILIKE'")),
        Expr::RLike { .. } => return Err(Refusal::new("SYNTAX_ERROR", "mismatched input 'RLIKE'")),
        Expr::SimilarTo { .. } => return Err(Refusal::new("SYNTAX_ERROR", "mismatched input 'SIMILAR'")),
        Expr::Cast { data_type, .. } if !matches!(data_type, DataType::Int(_) | DataType::Double(_)) => {
            return Err(Refusal::new("SYNTAX_ERROR", "mismatched input ':'"));
        }
        other => other,
    })
}

/// The fields and items that a chain of dots and brackets reaches.
fn reached(root: Expr, chain: Vec<AccessExpr>, scope: &Scope) -> Result<Expr, Refusal> {
    let mut chain = chain.into_iter().peekable();
    let mut path = match &root {
        Expr::Identifier(name) => vec![name.clone()],
        Expr::CompoundIdentifier(path) => path.clone(),
        _ => Vec::new(),
    };
    if !path.is_empty() {
        while let Some(AccessExpr::Dot(Expr::Identifier(name))) = chain.peek() {
            path.push(name.clone());
            chain.next();
        }
    }
    let mut base = if path.is_empty() { root } else { scope.resolved(&path) };
    for access in chain {
        base = match access {
            AccessExpr::Dot(Expr::Identifier(name)) => field(base, &name.value),
            AccessExpr::Subscript(Subscript::Index { index }) => call("subscript", vec![base, uncast(index)]),
            other => return Err(Refusal::new("SYNTAX_ERROR", format!("mismatched input '{other}'"))),
        };
    }
    Ok(base)
}

/// A constant as the parser had it: the type of a row's field is found by its place.
fn uncast(index: Expr) -> Expr {
    match index {
        Expr::Cast { expr, data_type: DataType::Int(_), .. } if matches!(*expr, Expr::Value(_)) => *expr,
        other => other,
    }
}

/// An integer is the smallest of Trino's types that has room for it; with an exponent it is a double.
fn constant(value: ValueWithSpan) -> Result<Expr, Refusal> {
    Ok(match &value.value {
        Value::Number(digits, _) if digits.contains(['e', 'E']) => double(digits),
        Value::Number(digits, _) if digits.parse::<i32>().is_ok() => plain_cast(number(digits), DataType::Int(None)),
        Value::Number(digits, _) if !digits.contains('.') && digits.parse::<i64>().is_err() => {
            return Err(Refusal::new("INVALID_LITERAL", format!("Invalid numeric literal: {digits}")));
        }
        Value::HexStringLiteral(digits) => call("from_hex", vec![text(digits)]),
        Value::UnicodeStringLiteral(string) => text(string),
        Value::DoubleQuotedString(_)
        | Value::NationalStringLiteral(_)
        | Value::EscapedStringLiteral(_)
        | Value::DollarQuotedString(_) => {
            return Err(Refusal::new("SYNTAX_ERROR", format!("mismatched input '{value}'")));
        }
        _ => Expr::Value(value),
    })
}

fn double(digits: &str) -> Expr {
    plain_cast(text(digits), DataType::Double(datafusion::sql::sqlparser::ast::ExactNumberInfo::None))
}

/// `DATE '2026-01-31'` and the like.
fn typed(string: &TypedString) -> Result<Expr, Refusal> {
    let value = string.value.clone().into_string().unwrap_or_default();
    let kind = string.data_type.to_string().to_lowercase();
    Ok(match kind.as_str() {
        "timestamp" if functions::split_zone(&value).1.is_some() => call("timestamp_literal", vec![text(&value)]),
        "json" => call("json_parse", vec![text(&value)]),
        "decimal" => number(&value),
        "double" => double(&value),
        _ => call("cast", vec![text(&value), text(&kind)]),
    })
}

fn extracted(field: &DateTimeField) -> Result<&'static str, Refusal> {
    const FIELDS: [(&str, &str); 14] = [
        ("YEAR", "year"),
        ("QUARTER", "quarter"),
        ("MONTH", "month"),
        ("WEEK", "week"),
        ("DAY", "day"),
        ("DAY_OF_MONTH", "day"),
        ("DAY_OF_WEEK", "day_of_week"),
        ("DOW", "day_of_week"),
        ("DAY_OF_YEAR", "day_of_year"),
        ("DOY", "day_of_year"),
        ("HOUR", "hour"),
        ("MINUTE", "minute"),
        ("SECOND", "second"),
        ("YOW", "year_of_week"),
    ];
    let name = field.to_string().to_uppercase();
    let found = FIELDS.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, function)| *function)
        .ok_or_else(|| Refusal::new("SYNTAX_ERROR", format!("Invalid EXTRACT field: {name}")))
}

/// Rows are compared field by field.
fn in_list(value: Expr, list: Vec<Expr>, negated: bool) -> Expr {
    let fields = |row: &Expr| match row {
        Expr::Function(function) if function.name.to_string() == "\"trino_row\"" => {
            super::expression::arguments(&mut function.clone())
        }
        _ => None,
    };
    let Some(fields_of_value) = fields(&value) else { return Expr::InList { expr: Box::new(value), list, negated } };
    let Some(rows) = list.iter().map(fields).collect::<Option<Vec<_>>>() else {
        return Expr::InList { expr: Box::new(value), list, negated };
    };
    let both = |op: BinaryOperator| {
        move |left: Expr, right: Expr| Expr::BinaryOp { left: Box::new(left), op: op.clone(), right: Box::new(right) }
    };
    let is_row = |row: Vec<Expr>| {
        let equal = fields_of_value.iter().cloned().zip(row).map(|(a, b)| both(BinaryOperator::Eq)(a, b));
        equal.reduce(both(BinaryOperator::And)).map(|all| Expr::Nested(Box::new(all)))
    };
    let any = rows.into_iter().filter_map(is_row).reduce(both(BinaryOperator::Or));
    let any = Expr::Nested(Box::new(any.unwrap_or_else(|| super::expression::boolean(false))));
    if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(any) } } else { any }
}

fn refuse_operator(op: &BinaryOperator) -> Result<(), Refusal> {
    use BinaryOperator as Op;
    match op {
        Op::Plus
        | Op::Minus
        | Op::Multiply
        | Op::Divide
        | Op::Modulo
        | Op::Eq
        | Op::NotEq
        | Op::Lt
        | Op::LtEq
        | Op::Gt
        | Op::GtEq
        | Op::And
        | Op::Or => Ok(()),
        other => Err(Refusal::new("SYNTAX_ERROR", format!("mismatched input '{other}'"))),
    }
}

/// A constant keeps its type; anything else is negated by what its type says.
fn negated(value: Expr) -> Expr {
    if let Expr::Value(ValueWithSpan { value: Value::Number(..), .. }) = &value {
        return Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(value) };
    }
    call("negate", vec![value])
}

/// DataFusion takes a backslash for an escape, and has no others.
fn like(negated: bool, value: Expr, pattern: Expr, escape: Option<ValueWithSpan>) -> Expr {
    let is_plain = escape.is_none()
        && matches!(&pattern, Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) if !text.contains('\\'));
    if is_plain {
        return Expr::Like {
            negated,
            any: false,
            expr: Box::new(value),
            pattern: Box::new(pattern),
            escape_char: None,
        };
    }
    let escape = escape.map(Expr::Value);
    let like = call("like", [value, pattern].into_iter().chain(escape).collect());
    if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(like) } } else { like }
}
