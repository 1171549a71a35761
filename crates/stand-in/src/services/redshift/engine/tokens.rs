//! A statement's words: what sqlparser cannot parse of Redshift's is read or taken away here.

use datafusion::sql::sqlparser::{
    dialect::PostgreSqlDialect,
    tokenizer::{Token, Tokenizer, Word},
};

use super::{catalog::Name, failure::Failure};

/// The words of one statement, without space, comments and the semicolon at its end; each parameter (`:name`) is replaced
/// by its value as a string.
pub(super) fn read(sql: &str, parameters: &[(String, String)], case: Case) -> Result<Vec<Token>, Failure> {
    let mut tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize()?;
    tokens.retain(|token| !matches!(token, Token::Whitespace(_) | Token::EOF));
    while tokens.last() == Some(&Token::SemiColon) {
        tokens.pop();
    }
    if tokens.contains(&Token::SemiColon) {
        return Err(Failure::new("only one statement is allowed in a call; send several with BatchExecuteStatement"));
    }
    if case == Case::Folded {
        tokens.iter_mut().for_each(fold);
    }
    bind(tokens, parameters)
}

/// What becomes of the case of identifiers in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::services::redshift) enum Case {
    /// ASCII letters become lower case (database developer guide, "Names and identifiers").
    Folded,
    /// It stays (the same guide, "enable_case_sensitive_identifier").
    Kept,
}

fn fold(token: &mut Token) {
    if let Token::Word(Word { value, quote_style: Some(_), .. }) | Token::DoubleQuotedString(value) = token {
        value.make_ascii_lowercase();
    }
}

/// Whether a word is an identifier that would be another one without its case.
pub(super) fn has_case(token: &Token) -> bool {
    matches!(token, Token::Word(Word { value, quote_style: Some(_), .. }) if value.contains(|c: char| c.is_ascii_uppercase()))
}

fn bind(tokens: Vec<Token>, parameters: &[(String, String)]) -> Result<Vec<Token>, Failure> {
    let mut bound = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let name = match (&token, tokens.peek()) {
            (Token::Colon, Some(Token::Word(word))) => word.value.clone(),
            _ => {
                bound.push(token);
                continue;
            }
        };
        tokens.next();
        let value = parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let value = value.ok_or_else(|| Failure::new(format!("the parameter :{name} has no value")))?;
        bound.push(Token::SingleQuotedString(value));
    }
    Ok(bound)
}

/// What names the columns that rows are sorted or distributed by.
const SORTED: [&[&str]; 4] = [&["COMPOUND", "SORTKEY"], &["INTERLEAVED", "SORTKEY"], &["SORTKEY"], &["DISTKEY"]];

/// Takes away what a table's definition says of how Redshift lays its rows out (database developer guide, "CREATE TABLE":
/// DISTSTYLE, DISTKEY, SORTKEY, ENCODE, BACKUP), which changes no answer.
pub(super) fn without_layout(tokens: Vec<Token>) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut rest = Cursor::new(tokens);
    while let Some(token) = rest.peek().cloned() {
        if rest.takes(&["DISTSTYLE"]) || rest.takes(&["ENCODE"]) || rest.takes(&["BACKUP"]) {
            rest.next();
        } else if SORTED.iter().any(|words| rest.takes(words)) {
            rest.skip_parentheses();
        } else {
            kept.push(token);
            rest.next();
        }
    }
    kept
}

/// A place among words.
pub(in crate::services::redshift) struct Cursor {
    tokens: Vec<Token>,
    at: usize,
}

impl Cursor {
    pub(in crate::services::redshift) fn new(tokens: Vec<Token>) -> Self {
        Self { tokens, at: 0 }
    }

    pub(in crate::services::redshift) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(in crate::services::redshift) fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    pub(in crate::services::redshift) fn is_at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Steps over these words, if all of them come next.
    pub(in crate::services::redshift) fn takes(&mut self, words: &[&str]) -> bool {
        let next = self.tokens.iter().skip(self.at);
        let same = next.zip(words).filter(|(token, word)| is_word(token, word)).count() == words.len();
        if same {
            self.at += words.len();
        }
        same
    }

    /// Steps over this sign, if it comes next.
    pub(in crate::services::redshift) fn takes_sign(&mut self, sign: &Token) -> bool {
        let same = self.peek() == Some(sign);
        if same {
            self.at += 1;
        }
        same
    }

    pub(in crate::services::redshift) fn expects(&mut self, word: &str) -> Result<(), Failure> {
        if self.takes(&[word]) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// A string in quotes.
    pub(in crate::services::redshift) fn text(&mut self) -> Result<String, Failure> {
        match self.next() {
            Some(Token::SingleQuotedString(text)) => Ok(text),
            _ => Err(self.unexpected_before()),
        }
    }

    pub(in crate::services::redshift) fn number(&mut self) -> Result<u64, Failure> {
        let number = match self.next() {
            Some(Token::Number(digits, _)) => digits.parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| self.unexpected_before())
    }

    /// An identifier, in lower case as Redshift has every name.
    pub(in crate::services::redshift) fn identifier(&mut self) -> Result<String, Failure> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word.value.to_ascii_lowercase()),
            Some(Token::DoubleQuotedString(name)) => Ok(name.to_ascii_lowercase()),
            _ => Err(self.unexpected_before()),
        }
    }

    /// `table` or `schema.table`.
    pub(in crate::services::redshift) fn name(&mut self) -> Result<Name, Failure> {
        let first = self.identifier()?;
        if !self.takes_sign(&Token::Period) {
            return Ok(Name { schema: None, table: first });
        }
        Ok(Name { schema: Some(first), table: self.identifier()? })
    }

    pub(in crate::services::redshift) fn unexpected(&self) -> Failure {
        match self.peek() {
            Some(token) => Failure::syntax(token),
            None => Failure::new("syntax error at end of input"),
        }
    }

    fn unexpected_before(&mut self) -> Failure {
        self.at -= 1;
        self.unexpected()
    }

    fn skip_parentheses(&mut self) {
        if self.peek() != Some(&Token::LParen) {
            return;
        }
        while let Some(token) = self.next() {
            if token == Token::RParen {
                return;
            }
        }
    }
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(Word { value, quote_style: None, .. }) if value.eq_ignore_ascii_case(word))
}
