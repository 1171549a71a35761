//! What the columns of a result are called.

use datafusion::sql::sqlparser::ast::{Query, SelectItem, SetExpr};

use crate::trino;

/// Their names as the query writes them.
pub(super) enum Names {
    /// One for each column.
    Each(Vec<String>),
    /// Those that it writes, among others that a `*` stands for.
    Some(Vec<String>),
}

impl Names {
    pub(super) fn of(query: &Query) -> Self {
        let mut body = query.body.as_ref();
        loop {
            match body {
                SetExpr::Select(select) => return Self::of_items(&select.projection),
                SetExpr::Query(query) => body = query.body.as_ref(),
                SetExpr::SetOperation { left, .. } => body = left,
                SetExpr::Values(values) => {
                    let width = values.rows.first().map_or(0, |row| row.len());
                    return Self::Each((0..width).map(|index| format!("_col{index}")).collect());
                }
                _ => return Self::Some(Vec::new()),
            }
        }
    }

    fn of_items(items: &[SelectItem]) -> Self {
        let name = |(index, item): (usize, &SelectItem)| match item {
            SelectItem::UnnamedExpr(expression) => {
                Some(trino::own_name(expression).map_or_else(|| format!("_col{index}"), |name| name.value.clone()))
            }
            SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
            _ => None,
        };
        let names: Vec<Option<String>> = items.iter().enumerate().map(name).collect();
        match names.iter().cloned().collect::<Option<Vec<_>>>() {
            Some(names) => Self::Each(names),
            None => Self::Some(names.into_iter().flatten().collect()),
        }
    }

    /// The name of the column at `index`, which the engine calls `own`.
    pub(super) fn name(&self, index: usize, own: &str) -> String {
        let own = own.split(trino::AGAIN).next().unwrap_or_default();
        let written = match self {
            Self::Each(names) => names.get(index),
            Self::Some(names) => names.iter().find(|name| name.eq_ignore_ascii_case(own)),
        };
        written.map_or_else(|| own.to_owned(), Clone::clone)
    }
}
