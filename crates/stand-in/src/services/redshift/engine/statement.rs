//! A statement, parsed.

use datafusion::sql::sqlparser::{
    ast::{
        ColumnOption, CommentObject, CreateTable, Delete, Expr, FromTable, Insert, ObjectName, ObjectType, Query,
        SchemaName, Statement as Sql, TableFactor, TableObject, Truncate,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
    tokenizer::Token,
};

use super::{
    catalog::{Column, Name},
    copy::Copy,
    failure::Failure,
    kind::Kind,
    tokens::{self, Case, Cursor},
};
use crate::sql::check_depth;

/// The most columns of a table (database developer guide, "CREATE TABLE").
const MOST_COLUMNS: usize = 1_600;

/// A statement that the stand-in runs.
#[derive(Clone, Debug)]
pub(in crate::services::redshift) enum Statement {
    Select(Box<Query>),
    SetSearchPath(Vec<String>),
    /// What is said of identifiers in the statements that follow.
    SetCase(Case),
    CreateSchema {
        name: String,
        if_not_exists: bool,
    },
    DropSchema {
        names: Vec<String>,
        if_exists: bool,
        cascade: bool,
    },
    CreateTable {
        name: Name,
        columns: Vec<Column>,
        if_not_exists: bool,
    },
    DropTable {
        names: Vec<Name>,
        if_exists: bool,
    },
    CommentOnSchema {
        name: String,
        comment: Option<String>,
    },
    CommentOnTable {
        name: Name,
        comment: Option<String>,
    },
    Truncate(Vec<Name>),
    Lock(Vec<Name>),
    Delete {
        table: Name,
        condition: Option<Box<Expr>>,
    },
    Insert {
        table: Name,
        columns: Vec<String>,
        source: Box<Query>,
    },
    Copy(Box<Copy>),
}

impl Statement {
    /// Parses one statement; `parameters` are the values of its `:name`s.
    pub(in crate::services::redshift) fn parse(sql: &str, parameters: &[(String, String)]) -> Result<Self, Failure> {
        Self::parse_as(sql, parameters, Case::Folded)
    }

    /// Parses the statements of one session, which may set what is said of those that follow.
    pub(in crate::services::redshift) fn parse_all(
        sqls: &[String],
        parameters: &[(String, String)],
    ) -> Vec<Result<Self, Failure>> {
        let mut case = Case::Folded;
        let parsed = sqls.iter().map(|sql| {
            let parsed = Self::parse_as(sql, parameters, case);
            if let Ok(Self::SetCase(set)) = &parsed {
                case = *set;
            }
            parsed
        });
        parsed.collect()
    }

    fn parse_as(sql: &str, parameters: &[(String, String)], case: Case) -> Result<Self, Failure> {
        let tokens = tokens::read(sql, parameters, case)?;
        check_depth(&tokens)?;
        let has_case = tokens.iter().any(tokens::has_case);
        match Self::of_tokens(tokens)? {
            Self::Select(query) => Ok(Self::Select(query)),
            _ if has_case => Err(Failure::unsupported("a name with upper-case letters other than in a SELECT")),
            other => Ok(other),
        }
    }

    fn of_tokens(tokens: Vec<Token>) -> Result<Self, Failure> {
        let mut start = Cursor::new(tokens.clone());
        if start.takes(&["COPY"]) {
            return Ok(Self::Copy(Box::new(Copy::parse(start)?)));
        }
        if start.takes(&["SET", "SEARCH_PATH"]) {
            return search_path(start);
        }
        if start.takes(&["SET", "ENABLE_CASE_SENSITIVE_IDENTIFIER"]) {
            return set_case(start);
        }
        if start.takes(&["LOCK", "TABLE"]) || start.takes(&["LOCK"]) {
            return lock(start);
        }
        let tokens = if start.takes(&["CREATE"]) { tokens::without_layout(tokens) } else { tokens };
        Self::of(parse(tokens)?)
    }

    /// Whether it leaves everything as it is.
    pub(super) fn only_reads(&self) -> bool {
        matches!(self, Self::Select(_) | Self::SetSearchPath(_) | Self::SetCase(_))
    }

    fn of(sql: Sql) -> Result<Self, Failure> {
        match sql {
            Sql::Query(query) => Ok(Self::Select(query)),
            Sql::CreateSchema { schema_name: SchemaName::Simple(name), if_not_exists, .. } => {
                Ok(Self::CreateSchema { name: single(&name)?, if_not_exists })
            }
            Sql::CreateTable(table) => create_table(table),
            Sql::Drop { object_type: ObjectType::Schema, if_exists, names, cascade, .. } => {
                let names = names.iter().map(single).collect::<Result<_, _>>()?;
                Ok(Self::DropSchema { names, if_exists, cascade })
            }
            Sql::Drop { object_type: ObjectType::Table, if_exists, names, .. } => {
                let names = names.iter().map(name).collect::<Result<_, _>>()?;
                Ok(Self::DropTable { names, if_exists })
            }
            Sql::Comment { object_type: CommentObject::Schema, object_name, comment, .. } => {
                Ok(Self::CommentOnSchema { name: single(&object_name)?, comment })
            }
            Sql::Comment { object_type: CommentObject::Table, object_name, comment, .. } => {
                Ok(Self::CommentOnTable { name: name(&object_name)?, comment })
            }
            Sql::Truncate(truncate) => self::truncate(&truncate),
            Sql::Delete(delete) => self::delete(delete),
            Sql::Insert(insert) => self::insert(insert),
            other => {
                let text = other.to_string();
                let words: Vec<&str> = text.split_whitespace().take(2).collect();
                Err(Failure::unsupported(words.join(" ").to_uppercase()))
            }
        }
    }
}

fn parse(tokens: Vec<Token>) -> Result<Sql, Failure> {
    let dialect = PostgreSqlDialect {};
    let mut parser = Parser::new(&dialect).with_tokens(tokens);
    let statement = parser.parse_statement()?;
    match parser.next_token().token {
        Token::EOF => Ok(statement),
        other => Err(Failure::syntax(other)),
    }
}

fn search_path(mut rest: Cursor) -> Result<Statement, Failure> {
    if !rest.takes(&["TO"]) && !rest.takes_sign(&Token::Eq) {
        return Err(rest.unexpected());
    }
    let mut path = Vec::new();
    loop {
        let schema = match rest.peek() {
            Some(Token::SingleQuotedString(_)) => rest.text()?.to_ascii_lowercase(),
            _ => rest.identifier()?,
        };
        // The user has no schema of their own here.
        path.extend((schema != "$user").then_some(schema));
        if rest.is_at_end() {
            return Ok(Statement::SetSearchPath(path));
        }
        if !rest.takes_sign(&Token::Comma) {
            return Err(rest.unexpected());
        }
    }
}

fn set_case(mut rest: Cursor) -> Result<Statement, Failure> {
    if !rest.takes(&["TO"]) && !rest.takes_sign(&Token::Eq) {
        return Err(rest.unexpected());
    }
    let case = match () {
        () if rest.takes(&["TRUE"]) || rest.takes(&["ON"]) => Case::Kept,
        () if rest.takes(&["FALSE"]) || rest.takes(&["OFF"]) || rest.takes(&["DEFAULT"]) => Case::Folded,
        () => return Err(rest.unexpected()),
    };
    if rest.is_at_end() { Ok(Statement::SetCase(case)) } else { Err(rest.unexpected()) }
}

fn lock(mut rest: Cursor) -> Result<Statement, Failure> {
    let mut names = vec![rest.name()?];
    while rest.takes_sign(&Token::Comma) {
        names.push(rest.name()?);
    }
    if rest.is_at_end() { Ok(Statement::Lock(names)) } else { Err(rest.unexpected()) }
}

fn create_table(table: CreateTable) -> Result<Statement, Failure> {
    if table.query.is_some() || table.like.is_some() || table.temporary {
        return Err(Failure::unsupported("CREATE TABLE other than with its columns"));
    }
    let mut columns: Vec<Column> = Vec::new();
    for definition in &table.columns {
        let mut column = Column {
            name: definition.name.value.to_ascii_lowercase(),
            kind: Kind::parse(&definition.data_type)?,
            nullable: true,
            default: None,
        };
        for option in &definition.options {
            match &option.option {
                ColumnOption::Null | ColumnOption::Unique(_) | ColumnOption::ForeignKey(_) => {}
                ColumnOption::NotNull | ColumnOption::PrimaryKey(_) => column.nullable = false,
                ColumnOption::Default(value) => column.default = Some(value.to_string()),
                other => return Err(Failure::unsupported(format!("the column option {other}"))),
            }
        }
        if columns.iter().any(|known| known.name == column.name) {
            return Err(Failure::new(format!("column \"{}\" specified more than once", column.name)));
        }
        columns.push(column);
    }
    if columns.is_empty() {
        return Err(Failure::new("table must have at least one column"));
    }
    if columns.len() > MOST_COLUMNS {
        return Err(Failure::new(format!("tables can have at most {MOST_COLUMNS} columns")));
    }
    Ok(Statement::CreateTable { name: name(&table.name)?, columns, if_not_exists: table.if_not_exists })
}

fn truncate(truncate: &Truncate) -> Result<Statement, Failure> {
    let names = truncate.table_names.iter().map(|target| name(&target.name));
    Ok(Statement::Truncate(names.collect::<Result<_, _>>()?))
}

fn delete(delete: Delete) -> Result<Statement, Failure> {
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
    let table = match from.as_slice() {
        [one] if one.joins.is_empty() && delete.using.is_none() => &one.relation,
        _ => return Err(Failure::unsupported("DELETE from more than one table")),
    };
    let TableFactor::Table { name: table, alias: None, .. } = table else {
        return Err(Failure::unsupported("DELETE from anything but a table by its own name"));
    };
    Ok(Statement::Delete { table: name(table)?, condition: delete.selection.map(Box::new) })
}

fn insert(insert: Insert) -> Result<Statement, Failure> {
    let TableObject::TableName(table) = &insert.table else {
        return Err(Failure::unsupported("INSERT into anything but a table"));
    };
    let source = insert.source.ok_or_else(|| Failure::unsupported("INSERT without VALUES or SELECT"))?;
    if insert.on.is_some() || insert.returning.is_some() {
        return Err(Failure::unsupported("INSERT with ON CONFLICT or RETURNING"));
    }
    let columns = insert.columns.iter().map(single).collect::<Result<_, _>>()?;
    Ok(Statement::Insert { table: name(table)?, columns, source })
}

/// A name of one part.
fn single(name: &ObjectName) -> Result<String, Failure> {
    match parts(name)?.as_slice() {
        [one] => Ok(one.clone()),
        _ => Err(Failure::syntax(name)),
    }
}

/// A table's name; a database before it is ignored.
pub(super) fn name(name: &ObjectName) -> Result<Name, Failure> {
    match parts(name)?.as_slice() {
        [table] => Ok(Name { schema: None, table: table.clone() }),
        [schema, table] | [_, schema, table] => Ok(Name { schema: Some(schema.clone()), table: table.clone() }),
        _ => Err(Failure::syntax(name)),
    }
}

fn parts(name: &ObjectName) -> Result<Vec<String>, Failure> {
    let part = |part: &datafusion::sql::sqlparser::ast::ObjectNamePart| {
        part.as_ident().map(|ident| ident.value.to_ascii_lowercase()).ok_or_else(|| Failure::syntax(name))
    };
    name.0.iter().map(part).collect()
}
