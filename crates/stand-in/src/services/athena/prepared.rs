//! Prepared statements: `PREPARE`, `EXECUTE` and `DEALLOCATE PREPARE`, kept by their workgroup.

use std::collections::BTreeMap;

use datafusion::sql::sqlparser::tokenizer::Token;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use crate::trino;

/// The statements of a workgroup by their names.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct PreparedStatements(BTreeMap<String, String>);

/// What a statement has to do with prepared ones.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Prepared {
    Prepare { name: String, statement: String },
    Execute { name: String, parameters: Vec<String> },
    Deallocate { name: String },
}

impl Prepared {
    /// Nothing where the statement is of another kind.
    pub(super) fn parse(sql: &str) -> Option<Result<Self, Failure>> {
        let (first, rest) = word(sql);
        match first.to_ascii_uppercase().as_str() {
            "PREPARE" => Some(prepare(rest)),
            "EXECUTE" => Some(execute(rest)),
            "DEALLOCATE" => Some(deallocate(rest)),
            _ => None,
        }
    }
}

fn wrong(expected: &str) -> Failure {
    Failure::user(format!("SYNTAX_ERROR: {expected} is expected"))
}

/// The first word, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_at(text.find(|c: char| c.is_whitespace() || c == ';').unwrap_or(text.len()))
}

fn name(text: &str) -> String {
    text.trim_matches('"').to_lowercase()
}

fn prepare(text: &str) -> Result<Prepared, Failure> {
    let (statement, rest) = word(text);
    match word(rest) {
        (from, rest) if from.eq_ignore_ascii_case("from") && !rest.trim().is_empty() => {
            Ok(Prepared::Prepare { name: name(statement), statement: rest.trim().trim_end_matches(';').to_owned() })
        }
        _ => Err(wrong("PREPARE name FROM statement")),
    }
}

fn execute(text: &str) -> Result<Prepared, Failure> {
    let (statement, rest) = word(text);
    let name = name(statement);
    match word(rest) {
        ("" | ";", _) => Ok(Prepared::Execute { name, parameters: Vec::new() }),
        (using, rest) if using.eq_ignore_ascii_case("using") => {
            Ok(Prepared::Execute { name, parameters: expressions(rest)? })
        }
        _ => Err(wrong("EXECUTE name [USING value, …]")),
    }
}

fn deallocate(text: &str) -> Result<Prepared, Failure> {
    let (prepare, rest) = word(text);
    let (statement, _) = word(rest);
    match prepare.eq_ignore_ascii_case("prepare") && !statement.is_empty() {
        true => Ok(Prepared::Deallocate { name: name(statement) }),
        false => Err(wrong("DEALLOCATE PREPARE name")),
    }
}

/// The texts between the commas that are in no parentheses.
fn expressions(text: &str) -> Result<Vec<String>, Failure> {
    let (mut all, mut depth) = (vec![String::new()], 0_usize);
    for token in trino::tokenize(text)? {
        match &token.token {
            Token::Comma if depth == 0 => {
                all.push(String::new());
                continue;
            }
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            Token::SemiColon | Token::EOF => continue,
            _ => {}
        }
        if let Some(last) = all.last_mut() {
            last.push_str(&token.token.to_string());
        }
    }
    Ok(all.into_iter().map(|text| text.trim().to_owned()).collect())
}

impl PreparedStatements {
    pub(super) fn keep(&mut self, name: String, statement: String) {
        self.0.insert(name, statement);
    }

    pub(super) fn find(&self, name: &str) -> Result<String, Failure> {
        self.0.get(name).cloned().ok_or_else(|| missing(name))
    }

    pub(super) fn remove(&mut self, name: &str) -> Result<(), Failure> {
        self.0.remove(name).map(drop).ok_or_else(|| missing(name))
    }
}

fn missing(name: &str) -> Failure {
    Failure::user(format!("NOT_FOUND: Prepared statement not found: {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_about_statements_are_told_from_others() {
        let of = |sql: &str| Prepared::parse(sql).map(|parsed| parsed.expect(sql));
        assert_eq!(of("SELECT 1"), None);
        let (name, statement) = ("q".to_owned(), "SELECT ?".to_owned());
        assert_eq!(of("prepare Q from SELECT ?;"), Some(Prepared::Prepare { name: name.clone(), statement }));
        let parameters = vec!["1".to_owned(), "f(2, 3)".to_owned(), "'a, b'".to_owned()];
        assert_eq!(
            of("EXECUTE q USING 1, f(2, 3), 'a, b'"),
            Some(Prepared::Execute { name: name.clone(), parameters })
        );
        assert_eq!(of("EXECUTE q"), Some(Prepared::Execute { name: name.clone(), parameters: Vec::new() }));
        assert_eq!(of("DEALLOCATE PREPARE q"), Some(Prepared::Deallocate { name }));
        assert!(Prepared::parse("PREPARE q SELECT 1").is_some_and(|parsed| parsed.is_err()));
    }
}
