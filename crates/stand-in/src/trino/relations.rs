//! What a query reads, and what its columns are called.

use std::collections::HashSet;

use datafusion::sql::sqlparser::ast::{
    Distinct, ExcludeSelectItem, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Query,
    Select, SelectFlavor, SelectItem, SelectItemQualifiedWildcardKind, TableAlias, TableFactor, TableSampleKind,
    TableWithJoins, WildcardAdditionalOptions,
};

use super::{expression::plain, parser::parse_query, refusal::Refusal, scope::Scope};

/// What stands behind the name of a column that has a name which another has too.
pub(crate) const AGAIN: char = ':';
/// The column that says where a row's object lies. A table has it where its name ends in this, which the rewriter sees to.
pub(crate) const PATH: &str = "$path";

fn not_trinos(what: &str) -> Refusal {
    Refusal::new("SYNTAX_ERROR", format!("mismatched input '{what}'"))
}

/// What the parser takes and Trino does not.
pub(super) fn refuse_query(query: &Query) -> Result<(), Refusal> {
    let refused = [
        ("FOR", query.for_clause.is_some() || !query.locks.is_empty()),
        ("SETTINGS", query.settings.is_some()),
        ("FORMAT", query.format_clause.is_some()),
        ("|>", !query.pipe_operators.is_empty()),
    ];
    refuse(&refused)
}

fn refuse(refused: &[(&str, bool)]) -> Result<(), Refusal> {
    match refused.iter().find(|(_, is_there)| *is_there) {
        Some((what, _)) => Err(not_trinos(what)),
        None => Ok(()),
    }
}

/// Brings a SELECT to what DataFusion plans: its columns are named, its UNNESTs stand in parentheses with what they read.
pub(super) fn prepare(select: &mut Select, scope: &Scope) -> Result<(), Refusal> {
    refuse(&[
        ("QUALIFY", select.qualify.is_some()),
        ("TOP", select.top.is_some()),
        ("INTO", select.into.is_some()),
        ("ON", matches!(select.distinct, Some(Distinct::On(_)))),
        ("LATERAL", !select.lateral_views.is_empty()),
        ("PREWHERE", select.prewhere.is_some()),
        ("CONNECT", !select.connect_by.is_empty()),
        ("SORT", !select.sort_by.is_empty() || !select.cluster_by.is_empty() || !select.distribute_by.is_empty()),
        ("FROM", select.flavor != SelectFlavor::Standard || select.projection.is_empty()),
    ])?;
    let names: Vec<String> =
        select.projection.iter().enumerate().filter_map(|(index, item)| shown(item, index)).collect();
    let mut seen = HashSet::new();
    let doubled: HashSet<String> = names.into_iter().filter(|name| !seen.insert(name.clone())).collect();
    for (index, item) in select.projection.iter_mut().enumerate() {
        name(item, index, &doubled, scope)?;
    }
    for table in &mut select.from {
        lower_aliases(table);
    }
    if select.to_string().contains(&format!("\"{PATH}\"")) {
        add_paths(select, scope);
    }
    select.from = grouped(std::mem::take(&mut select.from));
    Ok(())
}

/// Has the tables that a SELECT reads say where their rows lie; its `*` does not show it.
fn add_paths(select: &mut Select, scope: &Scope) {
    let mut is_changed = false;
    for table in &mut select.from {
        is_changed |= add_path(&mut table.relation, scope);
        for join in &mut table.joins {
            is_changed |= add_path(&mut join.relation, scope);
        }
    }
    for item in select.projection.iter_mut().filter(|_| is_changed) {
        if let SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) = item {
            options.opt_exclude = Some(ExcludeSelectItem::Single(ObjectName::from(Ident::with_quote('"', PATH))));
        }
    }
}

fn add_path(factor: &mut TableFactor, scope: &Scope) -> bool {
    let TableFactor::Table { name, alias, args: None, .. } = factor else { return false };
    let is_one_of_the_query =
        name.0.len() == 1 && scope.has_expression(&name.to_string().replace('"', "").to_lowercase());
    let Some(ObjectNamePart::Identifier(table)) = name.0.last_mut().filter(|_| !is_one_of_the_query) else {
        return false;
    };
    alias.get_or_insert_with(|| TableAlias { explicit: true, name: plain(table), columns: Vec::new(), at: None });
    table.value.push_str(PATH);
    table.quote_style = Some('"');
    true
}

/// The name of a column that has no alias, if it has one.
pub(crate) fn own_name(expression: &Expr) -> Option<&Ident> {
    match expression {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(path) => path.last(),
        _ => None,
    }
}

/// What a column is called, where it is no `*`.
fn shown(item: &SelectItem, index: usize) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(expression) => {
            Some(own_name(expression).map_or_else(|| format!("_col{index}"), |name| name.value.to_lowercase()))
        }
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.to_lowercase()),
        _ => None,
    }
}

fn name(item: &mut SelectItem, index: usize, doubled: &HashSet<String>, scope: &Scope) -> Result<(), Refusal> {
    let refuse_options = |options: &WildcardAdditionalOptions| {
        refuse(&[
            ("EXCLUDE", options.opt_exclude.is_some() || options.opt_except.is_some()),
            ("REPLACE", options.opt_replace.is_some()),
            ("RENAME", options.opt_rename.is_some()),
            ("ILIKE", options.opt_ilike.is_some()),
        ])
    };
    match item {
        SelectItem::UnnamedExpr(expression) => {
            let is_column = match expression {
                Expr::Identifier(_) => true,
                Expr::CompoundIdentifier(path) => path.len() == 2 && scope.is_relation(&path[0].value.to_lowercase()),
                _ => false,
            };
            let name = own_name(expression).map_or_else(|| format!("_col{index}"), |name| name.value.to_lowercase());
            let is_doubled = doubled.contains(&name);
            if is_column && !is_doubled {
                return Ok(());
            }
            let name = if is_doubled { format!("{name}{AGAIN}{index}") } else { name };
            *item = SelectItem::ExprWithAlias { expr: expression.clone(), alias: Ident::with_quote('"', name) };
        }
        SelectItem::ExprWithAlias { alias, .. } => {
            *alias = plain(alias);
            if doubled.contains(&alias.value) {
                alias.value = format!("{}{AGAIN}{index}", alias.value);
            }
        }
        SelectItem::ExprWithAliases { .. } => return Err(not_trinos("(")),
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(ObjectName(parts)), options) => {
            refuse_options(options)?;
            for part in parts {
                if let ObjectNamePart::Identifier(name) = part {
                    *name = plain(name);
                }
            }
        }
        SelectItem::QualifiedWildcard(..) => return Err(Refusal::missing("(expression).*")),
        SelectItem::Wildcard(options) => refuse_options(options)?,
    }
    Ok(())
}

pub(super) fn lower_alias(alias: &mut TableAlias) {
    alias.name = plain(&alias.name);
    for column in &mut alias.columns {
        column.name = plain(&column.name);
    }
}

fn lower_aliases(table: &mut TableWithJoins) {
    lower_factor(&mut table.relation);
    for join in &mut table.joins {
        lower_factor(&mut join.relation);
        if let Some(JoinConstraint::Using(columns)) = constraint(&mut join.join_operator) {
            for part in columns.iter_mut().flat_map(|name| &mut name.0) {
                if let ObjectNamePart::Identifier(name) = part {
                    *name = plain(name);
                }
            }
        }
    }
}

fn constraint(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Join(on)
        | JoinOperator::Inner(on)
        | JoinOperator::Left(on)
        | JoinOperator::LeftOuter(on)
        | JoinOperator::Right(on)
        | JoinOperator::RightOuter(on)
        | JoinOperator::FullOuter(on) => Some(on),
        _ => None,
    }
}

fn lower_factor(factor: &mut TableFactor) {
    let alias = match factor {
        TableFactor::Table { alias, .. } | TableFactor::Derived { alias, .. } | TableFactor::UNNEST { alias, .. } => {
            alias
        }
        TableFactor::NestedJoin { table_with_joins, alias } => {
            lower_aliases(table_with_joins);
            alias
        }
        _ => return,
    };
    alias.iter_mut().for_each(lower_alias);
}

fn is_unnest(factor: &TableFactor) -> bool {
    matches!(factor, TableFactor::UNNEST { .. })
}

fn in_parentheses(table: TableWithJoins) -> TableFactor {
    TableFactor::NestedJoin { table_with_joins: Box::new(table), alias: None }
}

/// The same relations, where there are UNNESTs as one: each with all that stands before it.
pub(crate) fn grouped(from: Vec<TableWithJoins>) -> Vec<TableWithJoins> {
    let has_unnest =
        from.iter().any(|table| is_unnest(&table.relation) || table.joins.iter().any(|join| is_unnest(&join.relation)));
    let mut tables = from.into_iter();
    let first = match tables.next() {
        Some(first) if has_unnest => first,
        other => return other.into_iter().chain(tables).collect(),
    };
    let comma = |table: TableWithJoins| {
        let first = Join {
            relation: table.relation,
            global: false,
            join_operator: JoinOperator::CrossJoin(JoinConstraint::None),
        };
        std::iter::once(first).chain(table.joins)
    };
    let joins: Vec<Join> = first.joins.into_iter().chain(tables.flat_map(comma)).collect();
    let mut whole = TableWithJoins { relation: first.relation, joins: Vec::new() };
    if is_unnest(&whole.relation) {
        whole = TableWithJoins { relation: in_parentheses(whole), joins: Vec::new() };
    }
    for join in joins {
        if !is_unnest(&join.relation) {
            whole.joins.push(join);
            continue;
        }
        let left = if whole.joins.is_empty() { whole.relation } else { in_parentheses(whole) };
        let pair = TableWithJoins { relation: left, joins: vec![join] };
        whole = TableWithJoins { relation: in_parentheses(pair), joins: Vec::new() };
    }
    vec![whole]
}

/// A table of which each row is taken by chance, where it is asked for.
pub(super) fn sampled(factor: &mut TableFactor) -> Result<(), Refusal> {
    let TableFactor::Table { name, alias, sample, .. } = factor else { return Ok(()) };
    let Some(TableSampleKind::BeforeTableAlias(how) | TableSampleKind::AfterTableAlias(how)) = sample.take() else {
        return Ok(());
    };
    let text = how.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let percentage = match (&how.quantity, text.as_str()) {
        (Some(quantity), "BERNOULLI" | "SYSTEM") if quantity.unit.is_none() && how.seed.is_none() => {
            quantity.value.to_string()
        }
        _ => return Err(not_trinos("TABLESAMPLE")),
    };
    let within = percentage.parse::<f64>().is_ok_and(|percentage| (0.0..=100.0).contains(&percentage));
    if !within {
        return Err(Refusal::argument("Sample percentage must be between 0 and 100, and a constant on the stand-in"));
    }
    let subquery = parse_query(&format!("SELECT * FROM {name} WHERE rand() * 100 < {percentage}"))?;
    let of_table = || {
        let last = name.0.last().and_then(|part| part.as_ident()).map(plain).unwrap_or_else(|| Ident::new(""));
        TableAlias { explicit: true, name: last, columns: Vec::new(), at: None }
    };
    let alias = Some(alias.take().unwrap_or_else(of_table));
    *factor = TableFactor::Derived { lateral: false, subquery, alias, sample: None };
    Ok(())
}
