//! How many tables a query reads once each common table expression is put in the place of its name. DataFusion's planner does
//! just that: forty expressions, each of which reads the one before it twice, are a million million tables.

use std::{collections::HashMap, ops::ControlFlow};

use datafusion::sql::sqlparser::ast::{Query, TableFactor, Visit, Visitor};

use super::TooLarge;

/// TPC-DS's largest queries read some fifty.
const MOST: usize = 2_000;

/// Refuses a query that reads too many.
///
/// # Errors
/// It does.
pub(crate) fn check_expansion(query: &Query) -> Result<(), TooLarge> {
    if tables(query) > MOST {
        return Err(TooLarge { what: "tables, read out", limit: MOST });
    }
    Ok(())
}

fn tables(query: &Query) -> usize {
    let mut counter = Counter { open: vec![0], ..Counter::default() };
    let _: ControlFlow<()> = Visit::visit(query, &mut counter);
    counter.open[0]
}

#[derive(Default)]
struct Counter {
    /// What the queries around the present place have read so far, from the outermost on.
    open: Vec<usize>,
    /// The expressions by the address of their query, until they have been counted.
    named: HashMap<*const Query, String>,
    /// How many tables each expression reads.
    expressions: HashMap<String, usize>,
}

impl Visitor for Counter {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for expression in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = expression.alias.name.value.to_lowercase();
            self.named.insert(std::ptr::from_ref(expression.query.as_ref()), name);
        }
        self.open.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let read = self.open.pop().unwrap_or_default();
        match self.named.remove(&std::ptr::from_ref(query)) {
            Some(name) => drop(self.expressions.insert(name, read.max(1))),
            None => self.read(read),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, .. } = factor {
            let read = self.expressions.get(&name.to_string().replace('"', "").to_lowercase());
            self.read(read.copied().unwrap_or(1));
        }
        ControlFlow::Continue(())
    }
}

impl Counter {
    fn read(&mut self, tables: usize) {
        if let Some(open) = self.open.last_mut() {
            *open = open.saturating_add(tables);
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::{ast::Statement, dialect::GenericDialect, parser::Parser};

    use super::*;

    fn of(sql: &str) -> usize {
        let parsed = Parser::parse_sql(&GenericDialect {}, sql).expect("SQL").remove(0);
        let Statement::Query(query) = parsed else { panic!("no query") };
        tables(&query)
    }

    #[test]
    fn an_expression_counts_wherever_it_is_read() {
        assert_eq!(of("SELECT 1"), 0);
        assert_eq!(of("SELECT * FROM a JOIN b ON true, (SELECT * FROM c) d WHERE x IN (SELECT y FROM e)"), 4);
        assert_eq!(of("WITH a AS (SELECT * FROM t, u), b AS (SELECT * FROM a a1, A a2) SELECT * FROM b, \"a\""), 6);
        assert_eq!(of("SELECT * FROM (WITH a AS (SELECT * FROM t, u) SELECT * FROM a, a b) c, d"), 5);
        assert_eq!(of("WITH a AS (SELECT 1) SELECT * FROM a a1, a a2, a a3"), 3);
        let doubled: String = (1..70).map(|n| format!(", t{n} AS (SELECT 1 FROM t{0} a, t{0} b)", n - 1)).collect();
        assert_eq!(of(&format!("WITH t0 AS (SELECT 1){doubled} SELECT 1 FROM t69")), usize::MAX);
    }
}
