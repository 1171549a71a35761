//! A statement's text, parsed.

use datafusion::sql::sqlparser::{
    ast::{Query, Statement},
    parser::{Parser, ParserError},
    tokenizer::{Token, TokenWithSpan},
};

use super::{
    dialect::Trino,
    refusal::Refusal,
    tokens::{prepared, tokenize},
};

/// The statement that these tokens are.
///
/// # Errors
/// They are none, or one of a construct that the stand-in has not.
pub(crate) fn parse(tokens: Vec<TokenWithSpan>) -> Result<Statement, Refusal> {
    let tokens = prepared(tokens)?;
    let mut parser = Parser::new(&Trino).with_tokens_with_locations(tokens);
    let statement = parser.parse_statement().map_err(|error| parser_error(&error))?;
    while parser.consume_token(&Token::SemiColon) {}
    let rest = parser.next_token();
    match rest.token {
        Token::EOF => Ok(statement),
        token => Err(Refusal::syntax(&rest.span.start.to_string(), &format!("mismatched input '{token}'"))),
    }
}

/// The query that a text is.
pub(crate) fn parse_query(sql: &str) -> Result<Box<Query>, Refusal> {
    match parse(tokenize(sql)?)? {
        Statement::Query(query) => Ok(query),
        _ => Err(Refusal::new("SYNTAX_ERROR", "a query is expected")),
    }
}

fn parser_error(error: &ParserError) -> Refusal {
    let message = match error {
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => message,
        ParserError::RecursionLimitExceeded => return Refusal::new("STACK_OVERFLOW", "statement is too large"),
    };
    let (what, place) = message.rsplit_once(" at Line: ").unwrap_or((message, ""));
    let place = place.replace(" Column: ", "").replace(',', ":");
    let what = match what.split_once(", found: ") {
        Some((expected, found)) => {
            let found = if found == "EOF" { "<EOF>" } else { found };
            format!("mismatched input '{found}'. {}", expected.replace("Expected:", "Expecting:"))
        }
        None => what.to_owned(),
    };
    let place = if place.is_empty() { String::new() } else { format!("line {place}: ") };
    Refusal::new("SYNTAX_ERROR", format!("{place}{what}"))
}
