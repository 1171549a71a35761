//! `docs/sql.md`: what there is of Athena's SQL, written from the tables that the stand-in computes by.

use std::fmt::Write;

use super::{
    aggregate::AGGREGATES,
    functions::{EXAMPLE, FUNCTIONS, MISSING, OTHERS, is_called},
    scalar::Types,
};

/// A function: its name, a query that calls it, and the query's one value.
pub(crate) struct Example {
    pub(crate) name: &'static str,
    pub(crate) call: &'static str,
    pub(crate) sql: String,
    pub(crate) result: &'static str,
    takes: Vec<&'static str>,
}

/// Every function that a query may call, by its name.
pub(crate) fn examples() -> Vec<Example> {
    let plain = FUNCTIONS.iter().filter(|function| is_called(function)).map(|function| {
        let (call, result) = function.example;
        let takes = if let Types::Signatures(signatures) = function.types { signatures.to_vec() } else { Vec::new() };
        Example { name: function.name, call, sql: format!("SELECT {call}"), result, takes }
    });
    let over = |(call, _): (&'static str, &'static str)| format!("SELECT {call} FROM {EXAMPLE} ORDER BY 1 LIMIT 1");
    let aggregates = AGGREGATES.iter().map(|aggregate| {
        let (call, result) = aggregate.example;
        let takes = aggregate.signatures.to_vec();
        Example { name: aggregate.name.trim_end_matches("_n"), call, sql: over(aggregate.example), result, takes }
    });
    let others = OTHERS.iter().map(|other| {
        let (call, result) = other.example;
        Example { name: other.name, call, sql: over(other.example), result, takes: Vec::new() }
    });
    let mut all: Vec<Example> = plain.chain(aggregates).chain(others).collect();
    all.sort_by_key(|example| (example.name, example.call));
    all
}

/// The operators and literals that functions of ours compute: a query, and its one value.
pub(crate) fn operators() -> impl Iterator<Item = (&'static str, &'static str)> {
    FUNCTIONS
        .iter()
        .filter(|function| !is_called(function) && function.name != "unnest_rows")
        .map(|function| function.example)
}

/// The lists of the page.
pub(crate) fn page() -> String {
    let mut page = String::new();
    let cell = |text: &str| text.replace('|', "\\|");
    page.push_str("| function | example | comes to | takes and gives |\n|---|---|---|---|\n");
    for example in examples() {
        let takes: Vec<String> = example.takes.iter().map(|signature| format!("`{}`", cell(signature))).collect();
        let (call, result) = (cell(example.call), cell(example.result));
        writeln!(page, "| `{}` | `{call}` | `{result}` | {} |", example.name, takes.join(", ")).expect("text grows");
    }
    page.push_str("\n## Functions that Athena has and the stand-in does not\n\n");
    let missing: Vec<String> = MISSING.iter().map(|name| format!("`{name}`")).collect();
    writeln!(page, "{}", missing.join(", ")).expect("text grows");
    page
}
