//! Redshift's own words in a parsed query, made DataFusion's: functions by other names, `::regclass`, and dots into SUPER
//! columns, whose values are compared as plain text or numbers.

use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
};

use datafusion::sql::sqlparser::{
    ast::{
        AccessExpr, BinaryOperator, CaseWhen, CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg,
        FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList, FunctionArguments, Ident, ObjectName, Query,
        Subscript, TableFactor, TimezoneInfo, Value, Visit, VisitMut, Visitor, VisitorMut,
        helpers::attached_token::AttachedToken,
    },
    tokenizer::Span,
};

use super::{
    calendar,
    catalog::{Name, Table},
    elements,
    failure::Failure,
    functions::{NAVIGATE, PLAIN},
    kind::Kind,
    statement,
    view::View,
};

/// Rewrites a whole query.
pub(super) fn query(query: &mut Query, view: &View) -> Result<(), Failure> {
    elements::unnest(query);
    let mut scope = Scope { view, tables: HashMap::new(), elements: HashSet::new() };
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
    /// Those relations whose rows are the elements of SUPER arrays, in a column of the same name.
    elements: HashSet<String>,
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
        if let TableFactor::UNNEST { alias: Some(alias), .. } = factor {
            self.elements.insert(alias.name.value.to_ascii_lowercase());
        }
        ControlFlow::Continue(())
    }
}

impl Scope<'_> {
    /// Whether this path begins with a SUPER column: how many of its names are the column's own.
    fn super_column(&self, path: &[String]) -> Option<usize> {
        let is_super = |table: &Table, name: &str| table.column(name).is_some_and(|column| column.kind == Kind::Super);
        match path {
            [element, ..] if self.elements.contains(element) => Some(1),
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

/// Names are folded to lower case, those in quotes as soon as they are read.
fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_ascii_lowercase() }
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
            Expr::CompoundIdentifier(path) => Ok(self.navigation(path, &[])),
            Expr::CompoundFieldAccess { root, access_chain } => self.place(root, access_chain),
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
            // It gives a TIMESTAMPTZ.
            Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("to_timestamp") => {
                Err(Failure::unsupported("TO_TIMESTAMP"))
            }
            Expr::Function(function) => Ok(self.function(function)),
            _ => Ok(None),
        }
    }

    /// `column[0].a`, where anything but a path of names and places is not SUPER's.
    fn place(&self, root: &Expr, chain: &[AccessExpr]) -> Result<Option<Expr>, Failure> {
        let mut path = match root {
            Expr::Identifier(name) => vec![name.clone()],
            Expr::CompoundIdentifier(path) => path.clone(),
            _ => return Ok(None),
        };
        let mut chain = chain.iter().peekable();
        while let Some(AccessExpr::Dot(Expr::Identifier(name))) = chain.peek() {
            path.push(name.clone());
            chain.next();
        }
        let key = |access: &AccessExpr| match access {
            AccessExpr::Dot(Expr::Identifier(name)) => Ok(folded(name)),
            AccessExpr::Subscript(Subscript::Index { index }) if is_number(index) => Ok(format!("[{index}]")),
            AccessExpr::Subscript(Subscript::Index { index: Expr::Value(value) }) => {
                Ok(value.value.clone().into_string().unwrap_or_default())
            }
            other => Err(Failure::unsupported(format!("{other} in a SUPER path"))),
        };
        let keys = chain.map(key).collect::<Result<Vec<_>, _>>()?;
        Ok(self.navigation(&path, &keys))
    }

    /// `column.a.b`, or `table.column.a.b`, of a SUPER column, and the keys that follow.
    fn navigation(&self, path: &[Ident], keys: &[String]) -> Option<Expr> {
        let own = self.scope.super_column(&lower(path)).filter(|own| path.len() + keys.len() > *own)?;
        let column = match &path[..own] {
            [single] => Expr::Identifier(single.clone()),
            names => Expr::CompoundIdentifier(names.to_vec()),
        };
        let keys = path[own..].iter().map(folded).chain(keys.iter().cloned()).map(text);
        Some(call(NAVIGATE, std::iter::once(column).chain(keys)))
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
            "decode" => return decoded(arguments(function)?),
            "nvl2" => return chosen(arguments(function)?),
            "dateadd" | "datediff" | "date_trunc" => name_part(function),
            "date_part" => {
                name_part(function);
                let read = Expr::Function(function.clone());
                return Some(cast(read, CastKind::Cast, DataType::DoublePrecision));
            }
            "convert_timezone" => begin_in_utc(function),
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

fn arguments(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let expression = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression.clone()),
        _ => None,
    };
    list.args.iter().map(expression).collect()
}

/// `DECODE(x, 1, 'one', 2, 'two', 'many')`, in which a null equals a null.
fn decoded(arguments: Vec<Expr>) -> Option<Expr> {
    let (value, pairs) = arguments.split_first()?;
    let conditions = pairs.chunks_exact(2).map(|pair| CaseWhen {
        condition: Expr::IsNotDistinctFrom(Box::new(value.clone()), Box::new(pair[0].clone())),
        result: pair[1].clone(),
    });
    let conditions: Vec<CaseWhen> = conditions.collect();
    let otherwise = pairs.chunks_exact(2).remainder().first().cloned();
    (!conditions.is_empty()).then(|| case(conditions, otherwise))
}

/// `NVL2(x, there, missing)`.
fn chosen(arguments: Vec<Expr>) -> Option<Expr> {
    let [value, there, missing] = <[Expr; 3]>::try_from(arguments).ok()?;
    Some(case(vec![CaseWhen { condition: Expr::IsNotNull(Box::new(value)), result: there }], Some(missing)))
}

fn case(conditions: Vec<CaseWhen>, otherwise: Option<Expr>) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions,
        else_result: otherwise.map(Box::new),
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

/// A part of a date may stand without quotes, and under many names.
fn name_part(function: &mut Function) {
    let FunctionArguments::List(list) = &mut function.args else { return };
    let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(part))) = list.args.first_mut() else { return };
    let written = match part {
        Expr::Identifier(name) => name.value.clone(),
        Expr::Value(value) => value.value.clone().into_string().unwrap_or_default(),
        _ => return,
    };
    if let Some(name) = calendar::canonical(&written) {
        *part = text(name.to_owned());
    }
}

/// `CONVERT_TIMEZONE(to, time)` is from UTC.
fn begin_in_utc(function: &mut Function) {
    if let FunctionArguments::List(list) = &mut function.args
        && list.args.len() == 2
    {
        list.args.insert(0, argument(text("UTC".to_owned())));
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
