//! Statements for `demo query`.

use std::fs;

use tempfile::TempDir;

use super::{
    campaign::{Campaign, Input},
    command::check,
    corpus,
    exchange::Target,
    tokens,
};

/// A query succeeds, fails, or is none.
const EXITS: [i32; 3] = [0, 1, 2];
const STACK: &str = "stacks/store-sales-everything.yaml";
/// Few rows, so that a join of some tables without a condition ends.
const SMALL: [&str; 10] = [
    "--set",
    "deliver.dynamodb=null",
    "--set",
    "load={rate: 50/s, duration: null, records: 20}",
    "--set",
    "deliver.s3.buffer.interval=1s",
    "--set",
    "deliver.redshift.buffer.interval=1s",
    "--set",
    "deliver.redshift.every=1s",
];

/// What the queries that ship have not.
const MORE: &str = include_str!("seeds/statements.sql");

struct Statement {
    engine: &'static str,
    sql: String,
}

impl Input for Statement {
    fn shown(&self) -> Vec<u8> {
        format!("-- {}\n{}\n", self.engine, self.sql).into()
    }
}

fn queries() -> Vec<Statement> {
    let shipped = |engine: &'static str| {
        let files = corpus::files(&format!("sql/queries/{engine}"), "sql");
        files.into_iter().map(move |file| Statement { engine, sql: corpus::read(file) })
    };
    let engines = ["athena", "redshift"];
    let both =
        engines.into_iter().flat_map(|engine| MORE.lines().map(move |sql| Statement { engine, sql: sql.to_owned() }));
    engines.into_iter().flat_map(shipped).chain(both).collect()
}

#[test]
fn statements() {
    let target = Target::start();
    target.demo.expect(0, &[&["run", STACK], &SMALL[..]].concat());
    let (queries, folder) = (queries(), tempfile::tempdir().expect("a folder"));
    let words: Vec<String> = queries.iter().flat_map(|query| tokens::words(&query.sql)).collect();
    Campaign::of("statements", 25).run(
        |dice| {
            let query = dice.pick(&queries);
            Statement { engine: query.engine, sql: tokens::mutate(&query.sql, &words, dice) }
        },
        |statement| ask(&target, &folder, statement),
    );
    assert_eq!(target.panics(), Vec::<String>::new());
}

fn ask(target: &Target, folder: &TempDir, statement: &Statement) -> Result<(), String> {
    let file = folder.path().join("query.sql");
    fs::write(&file, &statement.sql).expect("written");
    let file = file.to_str().expect("text");
    let command = target.demo.command(&["query", "store-sales-everything", file, "--on", statement.engine, "--json"]);
    let ended = check(command, folder.path(), &EXITS);
    target.is_alive().and(ended).map(drop)
}
