//! Expressions as the parser has them, made by hand.

use datafusion::sql::sqlparser::ast::{
    DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    LambdaFunction, LambdaFunctionParameter, LambdaSyntax, ObjectName, OneOrManyWithParens, Value,
};

use super::scalar;

/// A call of one of our functions.
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    Expr::Function(function(&scalar::registered(name), arguments))
}

/// A call of a function that DataFusion knows by this name.
pub(crate) fn native(name: &str, arguments: Vec<Expr>) -> Expr {
    Expr::Function(function(name, arguments))
}

pub(super) fn function(name: &str, arguments: Vec<Expr>) -> Function {
    let args = arguments.into_iter().map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))).collect();
    Function {
        name: ObjectName::from(Ident::with_quote('"', name)),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}

pub(super) fn text(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).into())
}

pub(super) fn number(digits: &str) -> Expr {
    Expr::Value(Value::Number(digits.to_owned(), false).into())
}

pub(super) fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

pub(super) fn boolean(is: bool) -> Expr {
    Expr::Value(Value::Boolean(is).into())
}

pub(super) fn name(name: &str) -> Expr {
    Expr::Identifier(Ident::with_quote('"', name))
}

/// A cast that DataFusion plans itself.
pub(super) fn plain_cast(value: Expr, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: datafusion::sql::sqlparser::ast::CastKind::Cast,
        expr: Box::new(value),
        data_type,
        array: false,
        format: None,
    }
}

/// The field of a row.
pub(super) fn field(row: Expr, field: &str) -> Expr {
    call("row_field", vec![row, text(&field.to_lowercase())])
}

/// A function of one parameter.
pub(super) fn lambda(parameter: &str, body: Expr) -> Expr {
    let name = Ident::with_quote('"', parameter);
    Expr::Lambda(LambdaFunction {
        params: OneOrManyWithParens::One(LambdaFunctionParameter { name, data_type: None }),
        body: Box::new(body),
        syntax: LambdaSyntax::Arrow,
    })
}

/// The names of a lambda's parameters.
pub(super) fn parameters(lambda: &LambdaFunction) -> Vec<String> {
    lambda.params.iter().map(|parameter| parameter.name.value.clone()).collect()
}

/// The arguments of a call that has nothing but expressions; the others as they are.
pub(super) fn arguments(function: &mut Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else { return Some(Vec::new()) };
    let expression = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression.clone()),
        _ => None,
    };
    list.args.iter().map(expression).collect()
}

/// A name as the engine compares it: in lower case, quoted or not.
pub(super) fn plain(name: &Ident) -> Ident {
    Ident::with_quote('"', name.value.to_lowercase())
}
