//! What is mended in a statement's tokens before they are parsed, and what is refused there.

use datafusion::sql::sqlparser::{
    keywords::Keyword,
    tokenizer::{Token, TokenWithSpan, Tokenizer, Word},
};

use super::{dialect::Trino, refusal::Refusal};

/// Constructs that Athena has, the stand-in has not, and the parser would take for mistakes.
const MISSING: [&str; 4] = ["JSON_OBJECT", "JSON_ARRAY", "JSON_TABLE", "MATCH_RECOGNIZE"];

/// The tokens of a statement.
///
/// # Errors
/// Some of its text is none.
pub(crate) fn tokenize(sql: &str) -> Result<Vec<TokenWithSpan>, Refusal> {
    Tokenizer::new(&Trino, sql)
        .tokenize_with_location()
        .map_err(|error| Refusal::syntax(&error.location.to_string(), &error.message))
}

/// The tokens with these in the place of the question marks.
///
/// # Errors
/// There are more of the one than of the other.
pub(crate) fn with_parameters(
    tokens: Vec<TokenWithSpan>,
    parameters: &[String],
) -> Result<Vec<TokenWithSpan>, Refusal> {
    let is_placeholder = |token: &TokenWithSpan| matches!(&token.token, Token::Placeholder(text) if text == "?");
    let expected = tokens.iter().filter(|token| is_placeholder(token)).count();
    if expected != parameters.len() {
        let found = parameters.len();
        let message = format!("Incorrect number of parameters: expected {expected} but found {found}");
        return Err(Refusal::new("INVALID_PARAMETER_USAGE", message));
    }
    let (mut made, mut parameters) = (Vec::with_capacity(tokens.len()), parameters.iter());
    for token in tokens {
        match parameters.as_slice() {
            [parameter, ..] if is_placeholder(&token) => {
                parameters.next();
                made.push(TokenWithSpan::wrap(Token::LParen));
                made.extend(tokenize(parameter)?.into_iter().filter(|token| token.token != Token::EOF));
                made.push(TokenWithSpan::wrap(Token::RParen));
            }
            _ => made.push(token),
        }
    }
    Ok(made)
}

/// The tokens with each value of `VALUES 1, 2` in parentheses, `TABLE t` as a SELECT, and what `LEADING FROM` trims.
pub(super) fn prepared(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, Refusal> {
    for (index, token) in tokens.iter().enumerate() {
        refuse(token, &tokens[index + 1..])?;
    }
    let mut made = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_slice();
    while let [token, behind @ ..] = rest {
        let is_table = is_word(&token.token, Keyword::TABLE) && is_at_start(&made);
        if is_table {
            let select = [Token::make_keyword("SELECT"), Token::Mul, Token::make_keyword("FROM")];
            made.extend(select.map(TokenWithSpan::wrap));
        } else {
            made.push(token.clone());
        }
        rest = behind;
        let is_side =
            [Keyword::LEADING, Keyword::TRAILING, Keyword::BOTH].iter().any(|side| is_word(&token.token, *side));
        let next = behind.iter().map(|token| &token.token).find(|token| !is_blank(token));
        if is_side && next.is_some_and(|next| is_word(next, Keyword::FROM)) {
            made.push(TokenWithSpan::wrap(Token::SingleQuotedString(" ".to_owned())));
        }
        if is_word(&token.token, Keyword::VALUES) {
            rest = add_values(&mut made, behind);
        }
    }
    Ok(made)
}

/// Whether a query begins here.
fn is_at_start(before: &[TokenWithSpan]) -> bool {
    matches!(before.iter().rev().map(|token| &token.token).find(|token| !is_blank(token)), None | Some(Token::LParen))
}

fn refuse(token: &TokenWithSpan, behind: &[TokenWithSpan]) -> Result<(), Refusal> {
    let place = token.span.start.to_string();
    match &token.token {
        Token::DoubleColon => Err(Refusal::syntax(&place, "mismatched input ':'")),
        Token::Word(Word { quote_style: Some('`'), .. }) => Err(Refusal::syntax(
            &place,
            "backquoted identifiers are not supported; use double quotes to quote identifiers",
        )),
        Token::Word(Word { quote_style: None, value, .. }) => {
            let name = value.to_uppercase();
            let is_called =
                behind.iter().map(|token| &token.token).find(|token| !is_blank(token)) == Some(&Token::LParen);
            match MISSING.contains(&name.as_str()) && is_called {
                true => Err(Refusal::missing(&name.to_lowercase())),
                false => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn is_blank(token: &Token) -> bool {
    matches!(token, Token::Whitespace(_))
}

fn is_word(token: &Token, keyword: Keyword) -> bool {
    matches!(token, Token::Word(Word { quote_style: None, keyword: known, .. }) if *known == keyword)
}

/// Adds the values that stand here; gives what follows them.
fn add_values<'a>(made: &mut Vec<TokenWithSpan>, mut rest: &'a [TokenWithSpan]) -> &'a [TokenWithSpan] {
    loop {
        let end = end_of_value(rest);
        let (value, behind) = rest.split_at(end);
        let from = value.iter().position(|token| !is_blank(&token.token)).unwrap_or(value.len());
        let (blanks, value) = value.split_at(from);
        made.extend_from_slice(blanks);
        let value = without_row(value);
        match is_in_parentheses(value) || value.is_empty() {
            true => made.extend_from_slice(value),
            false => {
                made.push(TokenWithSpan::wrap(Token::LParen));
                made.extend_from_slice(value);
                made.push(TokenWithSpan::wrap(Token::RParen));
            }
        }
        match behind {
            [comma, behind @ ..] if comma.token == Token::Comma => {
                made.push(comma.clone());
                rest = behind;
            }
            _ => return behind,
        }
    }
}

/// `ROW(1, 2)` is `(1, 2)` here.
fn without_row(value: &[TokenWithSpan]) -> &[TokenWithSpan] {
    match value {
        [row, rest @ ..] if is_word(&row.token, Keyword::ROW) && is_in_parentheses(rest) => rest,
        _ => value,
    }
}

/// Whether all of it is in one pair of parentheses.
fn is_in_parentheses(value: &[TokenWithSpan]) -> bool {
    let mut depth = 0_usize;
    let mut tokens = value.iter().map(|token| &token.token).filter(|token| !is_blank(token)).peekable();
    if tokens.peek() != Some(&&Token::LParen) {
        return false;
    }
    while let Some(token) = tokens.next() {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return tokens.peek().is_none();
        }
    }
    false
}

/// Where the first value ends: at a comma, at what closes the list, or at the next clause.
fn end_of_value(tokens: &[TokenWithSpan]) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        match &token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket if depth == 0 => return index,
            Token::RParen | Token::RBracket => depth -= 1,
            Token::Comma | Token::SemiColon | Token::EOF if depth == 0 => return index,
            Token::Word(Word { quote_style: None, keyword, .. }) if depth == 0 => {
                let is_next_clause = matches!(
                    keyword,
                    Keyword::ORDER
                        | Keyword::LIMIT
                        | Keyword::OFFSET
                        | Keyword::FETCH
                        | Keyword::UNION
                        | Keyword::INTERSECT
                        | Keyword::EXCEPT
                );
                if is_next_clause {
                    return index;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> Result<String, String> {
        let made = prepared(tokenize(sql).expect("tokens")).map_err(|refusal| refusal.to_string())?;
        Ok(made.iter().map(|token| token.token.to_string()).collect())
    }

    #[test]
    fn values_are_put_into_parentheses() {
        assert_eq!(of("VALUES 1, 2").expect("tokens"), "VALUES (1), (2)");
        assert_eq!(
            of("SELECT * FROM (VALUES 1 + 2, f(3, 4)) t").expect("tokens"),
            "SELECT * FROM (VALUES (1 + 2), (f(3, 4))) t"
        );
        assert_eq!(of("VALUES (1, 2), ROW(3, 4) LIMIT 1").expect("tokens"), "VALUES (1, 2), (3, 4) LIMIT 1");
        assert_eq!(of("VALUES (1) + 2 UNION ALL VALUES 3").expect("tokens"), "VALUES ((1) + 2 )UNION ALL VALUES (3)");
    }

    #[test]
    fn what_is_not_trinos_is_refused_at_its_place() {
        assert_eq!(of("SELECT a::varchar").expect_err("a refusal"), "SYNTAX_ERROR: line 1:9: mismatched input ':'");
        assert!(
            of("SELECT `a`").expect_err("a refusal").contains("line 1:8: backquoted identifiers"),
            "{:?}",
            of("SELECT `a`")
        );
        assert_eq!(
            of("SELECT json_object('a' : 1)").expect_err("a refusal"),
            "NOT_SUPPORTED: the stand-in has no `json_object`; Athena has it"
        );
    }
}
