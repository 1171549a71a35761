//! Trino's grammar, as far as it differs from the parser's general one.

use std::any::TypeId;

use datafusion::sql::sqlparser::{
    ast::Expr,
    dialect::{Dialect, GenericDialect},
    keywords::Keyword,
    parser::{Parser, ParserError},
    tokenizer::Token,
};

use super::expression;

/// The dialect; where the parser asks for one by name, it is the general one.
#[derive(Debug)]
pub(super) struct Trino;

impl Dialect for Trino {
    fn dialect(&self) -> TypeId {
        TypeId::of::<GenericDialect>()
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '"' || c == '`'
    }

    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || c == '_'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_alphanumeric() || c == '_' || c == '$'
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    fn supports_unicode_string_literal(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_left_associative_joins_without_parens(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    /// Casts, whose types the parser does not know.
    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        let [first, second] = [0, 1].map(|ahead| parser.peek_nth_token(ahead).token);
        let Token::Word(word) = first else { return None };
        let name = match word.keyword {
            Keyword::CAST => "cast",
            Keyword::TRY_CAST => "try_cast",
            _ => return None,
        };
        (word.quote_style.is_none() && second == Token::LParen).then(|| cast(parser, name))
    }
}

fn cast(parser: &mut Parser<'_>, name: &str) -> Result<Expr, ParserError> {
    parser.next_token();
    parser.expect_token(&Token::LParen)?;
    let value = parser.parse_expr()?;
    parser.expect_keyword(Keyword::AS)?;
    let (mut kind, mut depth) = (String::new(), 0_usize);
    loop {
        let token = parser.next_token();
        match &token.token {
            Token::RParen if depth == 0 => break,
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            Token::EOF => return parser.expected("a type and )", token),
            _ => {}
        }
        kind.push_str(&token.token.to_string());
        kind.push(' ');
    }
    Ok(expression::call(name, vec![value, expression::text(kind.trim())]))
}
