//! What the columns of a result are called.

use datafusion::sql::sqlparser::ast::{Query, SelectItem, SetExpr};

use crate::trino;

/// Their names as the query writes them.
pub(super) enum Names {
    /// One for each column, where it has one.
    Each(Vec<Option<String>>),
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
                    return Self::Each(vec![None; values.rows.first().map_or(0, |row| row.len())]);
                }
                _ => return Self::Some(Vec::new()),
            }
        }
    }

    fn of_items(items: &[SelectItem]) -> Self {
        let name = |item: &SelectItem| match item {
            SelectItem::UnnamedExpr(expression) => trino::own_name(expression).map(|name| name.value.clone()),
            SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
            _ => None,
        };
        let is_column =
            |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. });
        match items.iter().all(is_column) {
            true => Self::Each(items.iter().map(name).collect()),
            false => Self::Some(items.iter().filter_map(name).collect()),
        }
    }

    /// The name of the column at `index`, which the engine calls `own`; nothing where the query gives it none.
    pub(super) fn given(&self, index: usize, own: &str) -> Option<String> {
        let own = own.split(trino::AGAIN).next().unwrap_or_default();
        match self {
            Self::Each(names) => names.get(index).cloned().flatten(),
            Self::Some(names) => {
                let written = names.iter().find(|name| name.eq_ignore_ascii_case(own)).cloned();
                written.or_else(|| (own != numbered(index)).then(|| own.to_owned()))
            }
        }
    }

    /// The name of the column at `index`, which the engine calls `own`, as a result has it.
    pub(super) fn name(&self, index: usize, own: &str) -> String {
        self.given(index, own).unwrap_or_else(|| numbered(index))
    }
}

fn numbered(index: usize) -> String {
    format!("_col{index}")
}
