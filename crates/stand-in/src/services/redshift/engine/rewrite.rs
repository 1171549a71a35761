//! Redshift's own words in a parsed query, made DataFusion's: functions by other names, `::regclass`, and dots into SUPER
//! columns, whose values are compared as plain text or numbers.

use std::{collections::HashMap, ops::ControlFlow};

use datafusion::sql::sqlparser::{
    ast::{
        BinaryOperator, CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr,
        FunctionArgumentClause, FunctionArgumentList, FunctionArguments, Ident, ObjectName, Query, TableFactor,
        TimezoneInfo, Value, Visit, VisitMut, Visitor, VisitorMut,
    },
    tokenizer::Span,
};

use super::{
    catalog::{Name, Table},
    failure::Failure,
    functions::{NAVIGATE, PLAIN},
    kind::Kind,
    statement,
    view::View,
};

/// Rewrites a whole query.
pub(super) fn query(query: &mut Query, view: &View) -> Result<(), Failure> {
    let mut scope = Scope { view, tables: HashMap::new() };
    let _: ControlFlow<()> = Visit::visit(query, &mut scope);
    let mut rewriter = Rewriter { scope };
    match VisitMut::visit(query, &mut rewriter) {
        ControlFlow::Break(failure) => Err(failure),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// The stored tables that a query reads, by the names that it has for them.
struct Scope<'a> {
    view: &'a View,
    tables: HashMap<String, &'a Table>,
}

impl Visitor for Scope<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, alias, .. } = factor
            && let Ok(name) = statement::name(name)
            && let Some(table) = self.view.table(&name)
        {
            let called = alias.as_ref().map_or(name.table, |alias| alias.name.value.to_ascii_lowercase());
            self.tables.insert(called, table);
        }
        ControlFlow::Continue(())
    }
}

impl Scope<'_> {
    /// Whether this path begins with a SUPER column: how many of its names are the column's own.
    fn super_column(&self, path: &[String]) -> Option<usize> {
        let is_super = |table: &Table, name: &str| table.column(name).is_some_and(|column| column.kind == Kind::Super);
        match path {
            [table, column, ..] if self.tables.get(table).is_some_and(|table| is_super(table, column)) => Some(2),
            [column, ..] if self.tables.values().any(|table| is_super(table, column)) => Some(1),
            _ => None,
        }
    }

    fn is_super(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Identifier(name) => self.super_column(&[name.value.to_ascii_lowercase()]).is_some(),
            Expr::CompoundIdentifier(path) => self.super_column(&lower(path)) == Some(path.len()),
            Expr::Function(function) => function.name.to_string() == NAVIGATE,
            Expr::Nested(inner) => self.is_super(inner),
            _ => false,
        }
    }
}

fn lower(path: &[Ident]) -> Vec<String> {
    path.iter().map(|name| name.value.to_ascii_lowercase()).collect()
}

struct Rewriter<'a> {
    scope: Scope<'a>,
}

impl VisitorMut for Rewriter<'_> {
    type Break = Failure;

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Failure> {
        match self.rewritten(expression) {
            Ok(Some(new)) => *expression = new,
            Ok(None) => {}
            Err(failure) => return ControlFlow::Break(failure),
        }
        ControlFlow::Continue(())
    }
}

impl Rewriter<'_> {
    /// What an expression becomes, its parts already rewritten; nothing where it stays, changed inside or not.
    fn rewritten(&self, expression: &mut Expr) -> Result<Option<Expr>, Failure> {
        match expression {
            Expr::CompoundIdentifier(path) => Ok(self.navigation(path)),
            Expr::Cast { expr, data_type: DataType::Regclass, .. } => self.object_id(expr).map(Some),
            Expr::Cast { expr, .. } => {
                self.make_plain(expr);
                Ok(None)
            }
            Expr::BinaryOp { left, op, right } => {
                self.compare(left, op, right);
                Ok(None)
            }
            Expr::InList { expr, .. } | Expr::Like { expr, .. } | Expr::ILike { expr, .. } => {
                self.make_plain(expr);
                Ok(None)
            }
            Expr::Identifier(name) if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("sysdate") => {
                Ok(Some(self.now()))
            }
            Expr::Function(function) => Ok(self.function(function)),
            _ => Ok(None),
        }
    }

    /// `column.a.b`, or `table.column.a.b`, of a SUPER column.
    fn navigation(&self, path: &[Ident]) -> Option<Expr> {
        let own = self.scope.super_column(&lower(path)).filter(|own| path.len() > *own)?;
        let column = match &path[..own] {
            [single] => Expr::Identifier(single.clone()),
            names => Expr::CompoundIdentifier(names.to_vec()),
        };
        // Names are folded to lower case, those in quotes as soon as they are read.
        let key = |name: &Ident| {
            text(if name.quote_style.is_some() { name.value.clone() } else { name.value.to_ascii_lowercase() })
        };
        let arguments = std::iter::once(column).chain(path[own..].iter().map(key));
        Some(call(NAVIGATE, arguments))
    }

    fn make_plain(&self, expression: &mut Expr) {
        if self.scope.is_super(expression) {
            *expression = call(PLAIN, std::iter::once(expression.clone()));
        }
    }

    fn make_number(&self, expression: &mut Expr) {
        if self.scope.is_super(expression) {
            self.make_plain(expression);
            *expression = cast(expression.clone(), CastKind::TryCast, DataType::Double(ExactNumberInfo::None));
        }
    }

    /// A SUPER value beside anything else is compared by its content.
    fn compare(&self, left: &mut Expr, operator: &BinaryOperator, right: &mut Expr) {
        let arithmetic = matches!(
            operator,
            BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply | BinaryOperator::Divide
        );
        if self.scope.is_super(left) && self.scope.is_super(right) && !arithmetic {
            return;
        }
        let (beside_left, beside_right) = (is_number(right), is_number(left));
        for (one, beside_number) in [(left, beside_left), (right, beside_right)] {
            if arithmetic || beside_number { self.make_number(one) } else { self.make_plain(one) }
        }
    }

    fn object_id(&self, name: &Expr) -> Result<Expr, Failure> {
        let Expr::Value(value) = name else { return Err(Failure::unsupported("regclass of anything but a name")) };
        let written = value.value.clone().into_string().unwrap_or_default().to_ascii_lowercase();
        let name = match written.split_once('.') {
            Some((schema, table)) => Name { schema: Some(schema.into()), table: table.into() },
            None => Name { schema: None, table: written.clone() },
        };
        let id = match self.scope.view.table(&name) {
            Some(table) => table.id,
            None => super::system::class_id(&written).ok_or_else(|| Failure::no_relation(&written))?,
        };
        Ok(Expr::Value(Value::Number(id.to_string(), false).with_span(Span::empty())))
    }

    fn now(&self) -> Expr {
        let now = text(self.scope.view.now.format("%Y-%m-%d %H:%M:%S%.6f").to_string());
        cast(now, CastKind::Cast, DataType::Timestamp(None, TimezoneInfo::None))
    }

    fn function(&self, function: &mut Function) -> Option<Expr> {
        match function.name.to_string().to_ascii_lowercase().as_str() {
            "nvl" => function.name = named("coalesce"),
            "len" => function.name = named("character_length"),
            "getdate" => return Some(self.now()),
            "listagg" => list_aggregate(function),
            "sum" | "avg" => self.each_argument(function, |expression| self.make_number(expression)),
            _ => {}
        }
        None
    }

    fn each_argument(&self, function: &mut Function, change: impl Fn(&mut Expr)) {
        let FunctionArguments::List(list) = &mut function.args else { return };
        for argument in &mut list.args {
            if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) = argument {
                change(expression);
            }
        }
    }
}

/// `LISTAGG(x[, ',']) WITHIN GROUP (ORDER BY y)` is `string_agg(x, ',' ORDER BY y)`.
fn list_aggregate(function: &mut Function) {
    function.name = named("string_agg");
    let order = std::mem::take(&mut function.within_group);
    let FunctionArguments::List(list) = &mut function.args else { return };
    if list.args.len() == 1 {
        list.args.push(argument(text(String::new())));
    }
    if !order.is_empty() {
        list.clauses.push(FunctionArgumentClause::OrderBy(order));
    }
}

fn is_number(expression: &Expr) -> bool {
    match expression {
        Expr::Value(value) => matches!(value.value, Value::Number(..)),
        Expr::UnaryOp { expr, .. } | Expr::Nested(expr) => is_number(expr),
        _ => false,
    }
}

fn named(name: &str) -> ObjectName {
    ObjectName::from(Ident::new(name))
}

fn text(text: String) -> Expr {
    Expr::Value(Value::SingleQuotedString(text).with_span(Span::empty()))
}

fn argument(expression: Expr) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(expression))
}

fn cast(expression: Expr, kind: CastKind, data_type: DataType) -> Expr {
    Expr::Cast { kind, expr: Box::new(expression), data_type, array: false, format: None }
}

fn call(name: &str, arguments: impl Iterator<Item = Expr>) -> Expr {
    let args = arguments.map(argument).collect();
    let list = FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
    Expr::Function(Function {
        name: named(name),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
