//! The names that a part of a query sees: which of them are relations, and which are parameters of the lambdas around it.

use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectName, Query, SetExpr, TableFactor, TableWithJoins};

use super::expression::{field, plain};

struct Relation {
    schema: Option<String>,
    name: String,
}

#[derive(Default)]
pub(super) struct Scope {
    queries: Vec<Vec<Relation>>,
    /// The names that WITH gives.
    expressions: Vec<Vec<String>>,
    lambdas: Vec<Vec<String>>,
}

impl Scope {
    pub(super) fn enter(&mut self, query: &Query) {
        let mut relations = Vec::new();
        add_body(&query.body, &mut relations);
        self.queries.push(relations);
        let named = query.with.iter().flat_map(|with| &with.cte_tables);
        self.expressions.push(named.map(|expression| expression.alias.name.value.to_lowercase()).collect());
    }

    pub(super) fn leave(&mut self) {
        self.queries.pop();
        self.expressions.pop();
    }

    /// Whether a WITH around gives this name.
    pub(super) fn has_expression(&self, name: &str) -> bool {
        self.expressions.iter().flatten().any(|expression| expression == name)
    }

    pub(super) fn enter_lambda(&mut self, parameters: Vec<String>) {
        self.lambdas.push(parameters);
    }

    pub(super) fn leave_lambda(&mut self) {
        self.lambdas.pop();
    }

    fn relations(&self) -> impl Iterator<Item = &Relation> {
        self.queries.iter().flatten()
    }

    pub(super) fn is_relation(&self, name: &str) -> bool {
        self.relations().any(|relation| relation.name == name)
    }

    /// What a path of names means: a column, and the fields in it.
    pub(super) fn resolved(&self, path: &[Ident]) -> Expr {
        let names: Vec<Ident> = path.iter().map(plain).collect();
        let is_parameter = self.lambdas.iter().flatten().any(|parameter| *parameter == names[0].value);
        let column = match names.as_slice() {
            _ if is_parameter => 1,
            [first, _, ..] if self.is_relation(&first.value) => 2,
            [schema, table, _, ..] if self.relations().any(|relation| relation.is(&schema.value, &table.value)) => 3,
            _ => 1,
        };
        let (column, fields) = names.split_at(column);
        let base = match column {
            [name] => Expr::Identifier(name.clone()),
            path => Expr::CompoundIdentifier(path.to_vec()),
        };
        fields.iter().fold(base, |row, name| field(row, &name.value))
    }
}

impl Relation {
    fn is(&self, schema: &str, table: &str) -> bool {
        self.name == table && self.schema.as_deref() == Some(schema)
    }

    fn of_table(name: &ObjectName) -> Self {
        let mut parts = name.0.iter().rev().filter_map(|part| part.as_ident()).map(|part| part.value.to_lowercase());
        let name = parts.next().unwrap_or_default();
        Self { schema: parts.next(), name }
    }
}

fn add_body(body: &SetExpr, relations: &mut Vec<Relation>) {
    match body {
        SetExpr::Select(select) => select.from.iter().for_each(|table| add_joined(table, relations)),
        SetExpr::SetOperation { left, right, .. } => {
            add_body(left, relations);
            add_body(right, relations);
        }
        _ => {}
    }
}

fn add_joined(table: &TableWithJoins, relations: &mut Vec<Relation>) {
    add(&table.relation, relations);
    table.joins.iter().for_each(|join| add(&join.relation, relations));
}

fn add(factor: &TableFactor, relations: &mut Vec<Relation>) {
    let alias = match factor {
        TableFactor::Table { alias, .. } | TableFactor::Derived { alias, .. } | TableFactor::UNNEST { alias, .. } => {
            alias
        }
        TableFactor::NestedJoin { table_with_joins, alias } => {
            add_joined(table_with_joins, relations);
            alias
        }
        _ => return,
    };
    match (alias, factor) {
        (Some(alias), _) => relations.push(Relation { schema: None, name: alias.name.value.to_lowercase() }),
        (None, TableFactor::Table { name, .. }) => relations.push(Relation::of_table(name)),
        _ => {}
    }
}
