//! Trino as an oracle: the same queries over the same nested documents have the same rows, the same types and the same kinds of
//! errors there and in the stand-in's Athena, but for those that `differences.txt` lists with the reason.

mod oracle;
mod tables;

use std::collections::BTreeMap;

use kinesis_demo::aws::query::{self, QueryError};

use self::{
    oracle::{Answer, Oracle},
    tables::Lake,
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/trino");
/// How many of a hundred queries agree at least.
const AGREEING: usize = 95;

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("{FOLDER}/{name}")).expect(name)
}

fn queries(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with("--")).collect()
}

/// The reason by the query: a line for the query, and one below it that begins with `--`.
fn differences(text: &str) -> BTreeMap<&str, &str> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    fn pair<'a>(pair: &[&'a str]) -> (&'a str, &'a str) {
        match pair {
            [query, reason] => (*query, reason.strip_prefix("-- ").expect("a reason below its query")),
            _ => panic!("a query without a reason: {pair:?}"),
        }
    }
    lines.chunks(2).map(pair).collect()
}

/// The stand-in's answer, as the oracle gives its own.
async fn ask(lake: &Lake, sql: &str) -> Answer {
    match query::run(&lake.athena, tables::WORKGROUP, tables::DATABASE, sql, 10_000).await {
        Ok(answer) => Answer::Rows { columns: answer.columns, rows: answer.rows },
        Err(QueryError::Ended { reason, .. }) => Answer::error(&reason),
        Err(other) => panic!("{sql}: {other}"),
    }
}

/// What is different, in a word and both answers.
fn difference(sql: &str, trino: &Answer, here: &Answer) -> Option<String> {
    let differ = |what: &str| Some(format!("{what}\n  trino: {trino:?}\n  here:  {here:?}"));
    match (trino, here) {
        (Answer::Error(a, _), Answer::Error(b, _)) if a == b => None,
        (Answer::Error(..), Answer::Error(..)) => differ("kinds"),
        (Answer::Rows { columns: a, rows: left }, Answer::Rows { columns: b, rows: right }) => {
            let kinds = |columns: &[(String, String)]| columns.iter().map(|(_, kind)| base(kind)).collect::<Vec<_>>();
            let names = |columns: &[(String, String)]| columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
            let is_ordered = sql.to_uppercase().contains("ORDER BY");
            match (kinds(a) == kinds(b), names(a) == names(b), same_rows(left, right, is_ordered)) {
                (false, _, _) => differ("types"),
                (_, false, _) => differ("names"),
                (_, _, false) => differ("rows"),
                _ => None,
            }
        }
        _ => differ("one fails"),
    }
}

/// `decimal(10,2)` is `decimal` among Athena's columns, and `real` is `float`.
fn base(kind: &str) -> String {
    let name = kind.split('(').next().unwrap_or_default();
    let is_zoned = kind.ends_with("with time zone");
    match name {
        "real" => "float".to_owned(),
        "timestamp" if is_zoned => "timestamp with time zone".to_owned(),
        other => other.to_owned(),
    }
}

fn same_rows(left: &[Row], right: &[Row], is_ordered: bool) -> bool {
    let sorted = |rows: &[Row]| {
        let mut rows = rows.to_vec();
        if !is_ordered {
            rows.sort();
        }
        rows
    };
    let (left, right) = (sorted(left), sorted(right));
    left.len() == right.len()
        && left.iter().zip(&right).all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b)))
}

type Row = Vec<Option<String>>;

/// Doubles that were added up in another order have other last digits.
fn same_value(a: &Option<String>, b: &Option<String>) -> bool {
    let number = |text: &Option<String>| text.as_ref().filter(|text| text.contains('.'))?.parse::<f64>().ok();
    match (number(a), number(b)) {
        (Some(x), Some(y)) => (x - y).abs() <= x.abs() * 1e-12,
        _ => a == b,
    }
}

#[tokio::test]
#[ignore = "needs Maven"]
async fn athena_answers_as_trino_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = Lake::new(folder.path()).await;
    let (queries_text, differences_text) = (read("queries.sql"), read("differences.txt"));
    let queries = queries(&queries_text);
    let trino = Oracle::ask(&tables::statements(), &queries);
    let known = differences(&differences_text);
    let mut wrong = Vec::new();
    for (sql, trino) in queries.iter().zip(&trino) {
        let found = difference(sql, trino, &ask(&lake, sql).await);
        match (found, known.get(sql)) {
            (Some(found), None) => wrong.push(format!("{sql}\n  {found}")),
            (None, Some(reason)) => wrong.push(format!("{sql}\n  agrees, and is listed: {reason}")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), queries.len(), wrong.join("\n"));
    let listed: Vec<_> = known.keys().filter(|query| !queries.contains(query)).collect();
    assert!(listed.is_empty(), "listed, and not asked: {listed:?}");
    let agreeing = queries.len() - known.len();
    println!("{agreeing} of {} queries agree", queries.len());
    assert!(agreeing * 100 >= queries.len() * AGREEING, "{agreeing} of {}", queries.len());
}
