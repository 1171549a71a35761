//! The filter of `GetPartitions`: comparisons of partition keys with literals, `AND`, `OR`, `NOT`, `IN`, `BETWEEN`,
//! `LIKE` and `IS NULL` (Glue API reference, GetPartitions, Expression). Anything else is refused.

use std::cmp::Ordering;

use datafusion::sql::sqlparser::{
    ast::{BinaryOperator, Expr, UnaryOperator, Value},
    dialect::GenericDialect,
    parser::Parser,
};
use regex::Regex;

use super::wire::invalid;
use crate::service_error::ServiceError;

/// Characters of an expression (Glue API reference, GetPartitions); what is nested in it is no deeper.
const LONGEST: usize = 2_048;

/// A filter over the partition keys of one table.
pub(super) struct Expression<'a> {
    filter: Option<Expr>,
    keys: &'a [(String, String)],
}

/// A partition's value or a literal, comparable by the type of its key.
#[derive(Clone, Debug, PartialEq)]
enum Scalar {
    Null,
    Number(f64),
    Text(String),
}

impl<'a> Expression<'a> {
    pub(super) fn parse(text: Option<&str>, keys: &'a [(String, String)]) -> Result<Self, ServiceError> {
        let filter = match text.map(str::trim).filter(|text| !text.is_empty()) {
            None => None,
            Some(text) if text.chars().count() > LONGEST => {
                return Err(invalid(format!("Expression must have at most {LONGEST} characters")));
            }
            Some(text) => Some(parse(text)?),
        };
        Ok(Self { filter, keys })
    }

    pub(super) fn matches(&self, values: &[String]) -> Result<bool, ServiceError> {
        match &self.filter {
            None => Ok(true),
            Some(filter) => self.test(filter, values),
        }
    }

    fn test(&self, filter: &Expr, values: &[String]) -> Result<bool, ServiceError> {
        match filter {
            Expr::Nested(inner) => self.test(inner, values),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => Ok(!self.test(expr, values)?),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                Ok(self.test(left, values)? && self.test(right, values)?)
            }
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
                Ok(self.test(left, values)? || self.test(right, values)?)
            }
            Expr::BinaryOp { left, op, right } => {
                let ordering = self.compare(left, right, values)?;
                accepts(op, ordering).ok_or_else(|| unsupported(filter))
            }
            Expr::InList { expr, list, negated } => {
                let mut found = false;
                for item in list {
                    found |= self.compare(expr, item, values)? == Some(Ordering::Equal);
                }
                Ok(found != *negated)
            }
            Expr::Between { expr, negated, low, high } => {
                let from = self.compare(expr, low, values)?.is_some_and(Ordering::is_ge);
                let to = self.compare(expr, high, values)?.is_some_and(Ordering::is_le);
                Ok((from && to) != *negated)
            }
            Expr::Like { negated, expr, pattern, escape_char: None, any: false } => {
                match (self.scalar(expr, values)?, self.scalar(pattern, values)?) {
                    (Scalar::Text(text), Scalar::Text(pattern)) => Ok(like(&pattern)?.is_match(&text) != *negated),
                    _ => Err(unsupported(filter)),
                }
            }
            Expr::IsNull(expr) => Ok(self.scalar(expr, values)? == Scalar::Null),
            Expr::IsNotNull(expr) => Ok(self.scalar(expr, values)? != Scalar::Null),
            _ => Err(unsupported(filter)),
        }
    }

    /// `None` where a side is null or the two cannot be compared.
    fn compare(&self, left: &Expr, right: &Expr, values: &[String]) -> Result<Option<Ordering>, ServiceError> {
        Ok(match (self.scalar(left, values)?, self.scalar(right, values)?) {
            (Scalar::Null, _) | (_, Scalar::Null) => None,
            (Scalar::Text(a), Scalar::Text(b)) => Some(a.cmp(&b)),
            (a, b) => match (a.number(), b.number()) {
                (Some(a), Some(b)) => a.partial_cmp(&b),
                _ => return Err(invalid(format!("{left} and {right} are of different types"))),
            },
        })
    }

    fn scalar(&self, expr: &Expr, values: &[String]) -> Result<Scalar, ServiceError> {
        match expr {
            Expr::Nested(inner) => self.scalar(inner, values),
            Expr::Identifier(name) => self.value_of(&name.value, values),
            Expr::Value(literal) => match &literal.value {
                Value::Null => Ok(Scalar::Null),
                Value::Number(digits, _) => digits.parse().map(Scalar::Number).map_err(|_| unsupported(expr)),
                Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => Ok(Scalar::Text(text.clone())),
                _ => Err(unsupported(expr)),
            },
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match self.scalar(expr, values)? {
                Scalar::Number(number) => Ok(Scalar::Number(-number)),
                _ => Err(unsupported(expr)),
            },
            _ => Err(unsupported(expr)),
        }
    }

    fn value_of(&self, name: &str, values: &[String]) -> Result<Scalar, ServiceError> {
        let index = self.keys.iter().position(|(key, _)| key.eq_ignore_ascii_case(name));
        let Some(index) = index else {
            return Err(invalid(format!("Expression: the table has no partition key {name}")));
        };
        let text = &values[index];
        if text == HIVE_NULL {
            return Ok(Scalar::Null);
        }
        let kind = self.keys[index].1.as_str();
        let numeric = ["int", "integer", "bigint", "smallint", "tinyint", "long", "double", "float"].contains(&kind)
            || kind.starts_with("decimal");
        if !numeric {
            return Ok(Scalar::Text(text.clone()));
        }
        text.parse().map(Scalar::Number).map_err(|_| invalid(format!("partition value {name}={text} is no {kind}")))
    }
}

/// How Hive writes a null partition value.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

impl Scalar {
    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            Self::Null => None,
        }
    }
}

fn parse(text: &str) -> Result<Expr, ServiceError> {
    let parse = || {
        let mut parser = Parser::new(&GenericDialect {}).try_with_sql(text)?;
        let filter = parser.parse_expr()?;
        parser.expect_token(&datafusion::sql::sqlparser::tokenizer::Token::EOF)?;
        Ok(filter)
    };
    parse().map_err(|e: datafusion::sql::sqlparser::parser::ParserError| invalid(format!("Expression {text:?}: {e}")))
}

/// What `op` makes of an ordering; nothing where it is no comparison.
fn accepts(op: &BinaryOperator, ordering: Option<Ordering>) -> Option<bool> {
    let test: fn(Ordering) -> bool = match op {
        BinaryOperator::Eq => Ordering::is_eq,
        BinaryOperator::NotEq => Ordering::is_ne,
        BinaryOperator::Lt => Ordering::is_lt,
        BinaryOperator::LtEq => Ordering::is_le,
        BinaryOperator::Gt => Ordering::is_gt,
        BinaryOperator::GtEq => Ordering::is_ge,
        _ => return None,
    };
    Some(ordering.is_some_and(test))
}

fn like(pattern: &str) -> Result<Regex, ServiceError> {
    let mut regex = String::from("(?s)^");
    for c in pattern.chars() {
        match c {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            c => regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    Regex::new(&(regex + "$")).map_err(|e| invalid(format!("LIKE {pattern:?}: {e}")))
}

fn unsupported(expr: &Expr) -> ServiceError {
    invalid(format!(
        "Expression: {expr} is not supported; compare partition keys with literals by =, <>, <, <=, >, >=, IN, BETWEEN, LIKE, IS NULL, joined by AND, OR, NOT"
    ))
}
