//! What kind of statement a text is, by its first words: what Athena calls it, and where its result lies.

use datafusion::sql::sqlparser::tokenizer::{Token, Word};
use serde::{Deserialize, Serialize};

use crate::trino;

/// The kind of a statement. Types and places are those that Athena was seen to give (athena-local, "Result files" and "Supported
/// API", measured in September 2026).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) enum Kind {
    /// Has rows, with a header.
    #[default]
    Query,
    /// Asks the catalog: has rows without a header.
    Question,
    CreateTableAs,
    Insert,
    Unload,
    /// Changes the catalog alone.
    Definition,
}

/// Athena's `SubstatementType` by a statement's first words, as far as it is known.
const SUBSTATEMENTS: [(&str, &str); 20] = [
    ("SELECT", "SELECT"),
    ("WITH", "SELECT"),
    ("VALUES", "SELECT"),
    ("TABLE", "SELECT"),
    ("EXPLAIN", "EXPLAIN"),
    ("INSERT", "INSERT"),
    ("UNLOAD", "UNLOAD"),
    ("SHOW TABLES", "SHOW_TABLES"),
    ("SHOW DATABASES", "SHOW_DATABASES"),
    ("SHOW SCHEMAS", "SHOW_DATABASES"),
    ("SHOW COLUMNS", "SHOW_COLUMNS"),
    ("SHOW CREATE TABLE", "SHOW_CREATE_TABLE"),
    ("SHOW CREATE VIEW", "SHOW_CREATE_VIEW"),
    ("DESCRIBE", "DESCRIBE_TABLE"),
    ("DESC", "DESCRIBE_TABLE"),
    ("CREATE DATABASE", "CREATE_DATABASE"),
    ("CREATE SCHEMA", "CREATE_DATABASE"),
    ("DROP DATABASE", "DROP_DATABASE"),
    ("DROP SCHEMA", "DROP_DATABASE"),
    ("MSCK REPAIR", "MSCK_REPAIR"),
];

impl Kind {
    /// The kind of a statement, and what Athena calls it more closely, if that is known.
    pub(super) fn of(sql: &str) -> (Self, Option<&'static str>) {
        let words = words(sql);
        let begins =
            |with: &str| with.split(' ').zip(&words).filter(|(a, b)| a == b).count() == with.split(' ').count();
        let named = SUBSTATEMENTS.iter().find(|(with, _)| begins(with)).map(|(_, name)| *name);
        match words.first().map(String::as_str).unwrap_or_default() {
            "INSERT" => (Self::Insert, named),
            "UNLOAD" => (Self::Unload, named),
            "SHOW" | "DESCRIBE" | "DESC" => (Self::Question, named),
            "CREATE" if begins("CREATE TABLE") && has_query(&words) => {
                (Self::CreateTableAs, Some("CREATE_TABLE_AS_SELECT"))
            }
            "CREATE" | "DROP" | "ALTER" | "MSCK" => (Self::Definition, named),
            _ => (Self::Query, named),
        }
    }

    /// `StatementType` of the API.
    pub(super) fn statement_type(self) -> &'static str {
        match self {
            Self::Query | Self::Insert | Self::Unload => "DML",
            Self::CreateTableAs | Self::Definition => "DDL",
            Self::Question => "UTILITY",
        }
    }

    /// The key of an execution's result below a prefix. Where the statement writes rows itself, nothing lies there, and the names of
    /// other objects begin with it.
    pub(super) fn key(self, prefix: &str, id: &str) -> String {
        match self {
            Self::Query => format!("{prefix}{id}.csv"),
            Self::Question | Self::Definition => format!("{prefix}{id}.txt"),
            Self::Insert | Self::Unload => format!("{prefix}{id}"),
            Self::CreateTableAs => format!("{prefix}tables/{id}"),
        }
    }

    /// Whether the rows go to objects of their own, and are only counted in the result.
    pub(super) fn writes_rows(self) -> bool {
        matches!(self, Self::CreateTableAs | Self::Insert | Self::Unload)
    }
}

/// Whether an AS is one of a query, and not of `STORED AS`.
fn has_query(words: &[String]) -> bool {
    words.windows(2).any(|pair| pair[0] != "STORED" && pair[1] == "AS")
}

/// The words in capitals that stand outside of all parentheses.
fn words(sql: &str) -> Vec<String> {
    let Ok(tokens) = trino::tokenize(sql) else { return Vec::new() };
    let (mut words, mut depth) = (Vec::new(), 0_usize);
    for token in tokens {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(Word { value, quote_style: None, .. }) if depth == 0 || words.is_empty() => {
                words.push(value.to_uppercase());
            }
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_follows_from_the_first_words() {
        for (sql, kind, name) in [
            ("select 1", Kind::Query, Some("SELECT")),
            ("(select 1)", Kind::Query, Some("SELECT")),
            ("/* x */ with a as (select 1) select * from a", Kind::Query, Some("SELECT")),
            ("show tables", Kind::Question, Some("SHOW_TABLES")),
            ("create table t (a int) location 's3://b/c as d/'", Kind::Definition, None),
            ("create table t as select 1 a", Kind::CreateTableAs, Some("CREATE_TABLE_AS_SELECT")),
            (
                "create table if not exists t with (format = 'JSON') as(values 1)",
                Kind::CreateTableAs,
                Some("CREATE_TABLE_AS_SELECT"),
            ),
            ("create table t (a int) stored as parquet", Kind::Definition, None),
            ("create view v as select 1 a", Kind::Definition, None),
            ("insert into t select 1", Kind::Insert, Some("INSERT")),
            ("unload (select 1) to 's3://b/c'", Kind::Unload, Some("UNLOAD")),
            ("msck repair table t", Kind::Definition, Some("MSCK_REPAIR")),
        ] {
            assert_eq!(Kind::of(sql), (kind, name), "{sql}");
        }
        assert_eq!(Kind::CreateTableAs.key("a/", "7"), "a/tables/7");
    }
}
