//! The head of a statement, read word by word: what stands before the query that it has, or the whole of one that has none.

use std::collections::BTreeMap;

use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Word};

use super::{failure::Failure, table_name::TableName};
use crate::{sql::check_depth, trino};

/// The most parentheses around what a property is set to.
const PARENTHESES: usize = 16;

/// The tokens of a statement, and how far they are read.
pub(super) struct Cursor<'a> {
    sql: &'a str,
    tokens: Vec<TokenWithSpan>,
    at: usize,
}

/// What a property of a statement is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    Text(String),
    /// `ARRAY['a', 'b']`.
    List(Vec<String>),
    /// A number, or `true` or `false`.
    Bare(String),
}

impl<'a> Cursor<'a> {
    /// At the first token of a statement; question marks are replaced by parameters.
    pub(super) fn new(sql: &'a str, parameters: &[String]) -> Result<Self, Failure> {
        let tokens = trino::with_parameters(trino::tokenize(sql)?, parameters)?;
        check_depth(&tokens.iter().map(|token| token.token.clone()).collect::<Vec<_>>())?;
        let mut cursor = Self { sql, tokens, at: 0 };
        cursor.skip_blanks();
        Ok(cursor)
    }

    /// Reads these words, if they come next.
    pub(super) fn takes(&mut self, words: &str) -> bool {
        let before = self.at;
        let found = words.split(' ').all(|word| self.take_word(word));
        if !found {
            self.at = before;
        }
        found
    }

    /// Whether one of these words comes next.
    pub(super) fn is_at(&self, words: &[&str]) -> bool {
        matches!(self.token(), Token::Word(Word { value, quote_style: None, .. })
            if words.iter().any(|word| value.eq_ignore_ascii_case(word)))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_at(&[word]);
        if found {
            self.next();
        }
        found
    }

    /// Reads these words.
    pub(super) fn expect(&mut self, words: &str) -> Result<(), Failure> {
        if self.takes(words) { Ok(()) } else { Err(self.unexpected(&format!("'{words}'"))) }
    }

    /// Reads a sign, if it comes next.
    pub(super) fn takes_sign(&mut self, sign: &Token) -> bool {
        let found = self.token() == sign;
        if found {
            self.next();
        }
        found
    }

    /// Reads a sign.
    pub(super) fn expect_sign(&mut self, sign: &Token) -> Result<(), Failure> {
        if self.takes_sign(sign) { Ok(()) } else { Err(self.unexpected(&format!("'{sign}'"))) }
    }

    /// Reads a name, without its quotes and in lower case.
    pub(super) fn name(&mut self) -> Result<String, Failure> {
        let Token::Word(Word { value, .. }) = self.token() else { return Err(self.unexpected("<identifier>")) };
        let name = value.to_lowercase();
        self.next();
        Ok(name)
    }

    /// Reads `table`, `database.table` or `catalog.database.table`.
    pub(super) fn table(&mut self) -> Result<TableName, Failure> {
        let mut parts = vec![self.name()?];
        while self.takes_sign(&Token::Period) {
            parts.push(self.name()?);
        }
        TableName::of_parts(parts)
    }

    /// Reads a text in single quotes.
    pub(super) fn text(&mut self) -> Result<String, Failure> {
        match self.token() {
            Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => {
                let text = text.clone();
                self.next();
                Ok(text)
            }
            _ => Err(self.unexpected("<string>")),
        }
    }

    /// Reads a text of Hive's DDL: in quotes of either kind, with its escapes.
    pub(super) fn hive_text(&mut self) -> Result<String, Failure> {
        let text = match self.token() {
            Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => text,
            Token::Word(Word { value, quote_style: Some('"'), .. }) => value,
            _ => return Err(self.unexpected("<string>")),
        };
        let text = unescaped(text);
        self.next();
        Ok(text)
    }

    /// Reads `('name' = 'value', …)` of Hive's DDL.
    pub(super) fn hive_properties(&mut self) -> Result<BTreeMap<String, String>, Failure> {
        let pairs = self.listed(|cursor| {
            let name = cursor.hive_text()?;
            cursor.expect_sign(&Token::Eq)?;
            Ok((name, cursor.hive_text()?))
        })?;
        Ok(pairs.into_iter().collect())
    }

    /// Reads the text of a type, up to what follows it in a list.
    pub(super) fn hive_type(&mut self) -> Result<String, Failure> {
        let (mut text, mut depth) = (String::new(), 0_i32);
        loop {
            let is_end = match self.token() {
                Token::EOF => return Err(self.unexpected("')'")),
                Token::Comma | Token::RParen => depth == 0,
                Token::Word(word) => depth == 0 && !text.is_empty() && word.quote_style.is_none(),
                _ => false,
            };
            if is_end {
                break;
            }
            let token = self.token().to_string();
            depth += token
                .chars()
                .map(|c| match c {
                    '<' | '(' => 1,
                    '>' | ')' => -1,
                    _ => 0,
                })
                .sum::<i32>();
            text.push_str(token.trim_matches('`'));
            self.next();
        }
        if text.is_empty() { Err(self.unexpected("<type>")) } else { Ok(text.to_lowercase()) }
    }

    /// Reads `(item, …)`.
    pub(super) fn listed<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        self.expect_sign(&Token::LParen)?;
        self.rest_of_list(&Token::RParen, &mut item)
    }

    fn rest_of_list<T>(
        &mut self,
        end: &Token,
        item: &mut impl FnMut(&mut Self) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let mut items = vec![item(self)?];
        while self.takes_sign(&Token::Comma) {
            items.push(item(self)?);
        }
        self.expect_sign(end)?;
        Ok(items)
    }

    /// Reads `(name = setting, …)`.
    pub(super) fn settings(&mut self) -> Result<Vec<(String, Setting)>, Failure> {
        self.listed(|cursor| {
            let name = match cursor.token() {
                Token::SingleQuotedString(_) => cursor.text()?.to_lowercase(),
                _ => cursor.name()?,
            };
            cursor.expect_sign(&Token::Eq)?;
            Ok((name, cursor.setting()?))
        })
    }

    /// Reads what a property is set to. A parameter comes in parentheses, and may have some of its own.
    fn setting(&mut self) -> Result<Setting, Failure> {
        let mut open = 0;
        while open < PARENTHESES && self.takes_sign(&Token::LParen) {
            open += 1;
        }
        let setting = self.plain_setting()?;
        for _ in 0..open {
            self.expect_sign(&Token::RParen)?;
        }
        Ok(setting)
    }

    fn plain_setting(&mut self) -> Result<Setting, Failure> {
        if self.takes("ARRAY") {
            self.expect_sign(&Token::LBracket)?;
            if self.takes_sign(&Token::RBracket) {
                return Ok(Setting::List(Vec::new()));
            }
            return Ok(Setting::List(self.rest_of_list(&Token::RBracket, &mut Self::text)?));
        }
        match self.token() {
            Token::SingleQuotedString(_) => Ok(Setting::Text(self.text()?)),
            Token::Number(number, _) => {
                let number = number.clone();
                self.next();
                Ok(Setting::Bare(number))
            }
            Token::Word(_) => Ok(Setting::Bare(self.name()?)),
            _ => Err(self.unexpected("<expression>")),
        }
    }

    /// Whether what stands in parentheses here is a query.
    pub(super) fn has_query_in_parentheses(&self) -> bool {
        let behind = self.tokens[self.at..].iter().map(|token| &token.token);
        let first = behind.filter(|token| !matches!(token, Token::Whitespace(_) | Token::LParen)).take(1).next();
        matches!(first, Some(Token::Word(Word { value, quote_style: None, .. }))
            if ["SELECT", "WITH", "VALUES", "TABLE"].iter().any(|word| value.eq_ignore_ascii_case(word)))
    }

    /// Reads what stands in parentheses here.
    pub(super) fn in_parentheses(&mut self) -> Result<Vec<TokenWithSpan>, Failure> {
        self.expect_sign(&Token::LParen)?;
        let (from, mut depth) = (self.at, 1_usize);
        loop {
            match self.token() {
                Token::LParen => depth += 1,
                Token::RParen if depth == 1 => break,
                Token::RParen => depth -= 1,
                Token::EOF => return Err(self.unexpected("')'")),
                _ => {}
            }
            self.next();
        }
        let inside = self.tokens[from..self.at].to_vec();
        self.next();
        Ok(inside)
    }

    /// What is left of the statement, without a semicolon at its end.
    pub(super) fn rest(mut self) -> Vec<TokenWithSpan> {
        self.drop_end();
        self.tokens.split_off(self.at)
    }

    /// The text of what is left, without a semicolon at its end.
    pub(super) fn rest_of_text(&self) -> &'a str {
        let text = self.tokens.get(self.at).map_or("", |token| from(self.sql, token.span.start));
        text.trim_end().trim_end_matches(';').trim_end()
    }

    /// Cuts these words off the end of the statement, if they stand there.
    pub(super) fn takes_from_end(&mut self, words: &str) -> bool {
        self.drop_end();
        let mut end = self.tokens.len();
        for word in words.split(' ').rev() {
            let is_there = matches!(self.tokens[self.at.min(end)..end].last(), Some(TokenWithSpan { token: Token::Word(found), .. })
                if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word));
            if !is_there {
                return false;
            }
            end -= 1;
            while end > self.at && matches!(self.tokens[end - 1].token, Token::Whitespace(_)) {
                end -= 1;
            }
        }
        self.tokens.truncate(end);
        true
    }

    fn drop_end(&mut self) {
        let is_end =
            |token: &TokenWithSpan| matches!(token.token, Token::Whitespace(_) | Token::SemiColon | Token::EOF);
        while self.tokens.len() > self.at && self.tokens.last().is_some_and(is_end) {
            self.tokens.pop();
        }
    }

    /// Refuses whatever is left but a semicolon.
    pub(super) fn end(mut self) -> Result<(), Failure> {
        while self.takes_sign(&Token::SemiColon) {}
        if *self.token() == Token::EOF { Ok(()) } else { Err(self.unexpected("<EOF>")) }
    }

    /// The next word in capitals; empty where none comes next.
    pub(super) fn word(&self) -> String {
        match self.token() {
            Token::Word(Word { value, quote_style: None, .. }) => value.to_uppercase(),
            _ => String::new(),
        }
    }

    /// The token that comes next.
    pub(super) fn token(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::EOF, |token| &token.token)
    }

    /// Goes past the token that comes next.
    pub(super) fn next(&mut self) {
        self.at += 1;
        self.skip_blanks();
    }

    fn skip_blanks(&mut self) {
        while matches!(self.token(), Token::Whitespace(_)) {
            self.at += 1;
        }
    }

    /// Says that something else stands where `expected` does.
    pub(super) fn unexpected(&self, expected: &str) -> Failure {
        let (found, place) = match self.tokens.get(self.at) {
            Some(TokenWithSpan { token: Token::EOF, .. }) | None => ("<EOF>".to_owned(), String::new()),
            Some(TokenWithSpan { token, span }) => {
                (token.to_string(), format!("line {}:{}: ", span.start.line, span.start.column))
            }
        };
        Failure::user(format!("SYNTAX_ERROR: {place}mismatched input '{found}'. Expecting: {expected}"))
    }
}

/// A text of Hive's without its escapes: `\t`, `\001`, `\\'`.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let octal = after.get(..3).filter(|digits| digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit)));
        if let Some(code) = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            plain.push(char::from(code));
            rest = &after[3..];
            continue;
        }
        let mut chars = after.chars();
        match chars.next() {
            Some('t') => plain.push('\t'),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some(other) => plain.push(other),
            None => plain.push('\\'),
        }
        rest = chars.as_str();
    }
    plain + rest
}

/// A text from one of its places on.
fn from(text: &str, place: Location) -> &str {
    let before: usize = text.split_inclusive('\n').take(place.line.saturating_sub(1) as usize).map(str::len).sum();
    let line = &text[before..];
    let column = line.char_indices().nth(place.column.saturating_sub(1) as usize).map_or(line.len(), |(at, _)| at);
    &line[column..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(sql: &str) -> Cursor<'_> {
        Cursor::new(sql, &[]).expect(sql)
    }

    #[test]
    fn a_head_is_read_word_by_word() {
        let mut cursor = cursor(
            "create -- a comment\n TABLE \"D\".t WITH (a = 'x''y', b = ARRAY['p', 'q'], c = 3)\n  AS SELECT 'ü' ;",
        );
        assert!(!cursor.takes("CREATE VIEW") && cursor.takes("CREATE TABLE"));
        assert_eq!(cursor.table().expect("a name"), TableName::of_parts(vec!["d".into(), "t".into()]).expect("a name"));
        cursor.expect("WITH").expect("it is there");
        let settings = cursor.settings().expect("settings");
        let expected = [
            ("a", Setting::Text("x'y".into())),
            ("b", Setting::List(vec!["p".into(), "q".into()])),
            ("c", Setting::Bare("3".into())),
        ];
        assert_eq!(settings, expected.map(|(name, setting)| (name.to_owned(), setting)));
        let refused = cursor.expect("FOR").expect_err("it is not there").message;
        assert_eq!(refused, "SYNTAX_ERROR: line 3:3: mismatched input 'AS'. Expecting: 'FOR'");
        assert!(cursor.takes("AS"));
        assert_eq!(cursor.rest_of_text(), "SELECT 'ü'");
    }

    #[test]
    fn a_setting_may_be_in_a_few_parentheses() {
        let nested = |times: usize| format!("(a = {}'x'{})", "(".repeat(times), ")".repeat(times));
        let sql = nested(PARENTHESES);
        assert_eq!(cursor(&sql).settings().expect(&sql), [("a".to_owned(), Setting::Text("x".into()))]);
        let sql = nested(PARENTHESES + 1);
        let refused = cursor(&sql).settings().expect_err(&sql).message;
        assert_eq!(refused, "SYNTAX_ERROR: line 1:22: mismatched input '('. Expecting: <expression>");
        let refused = cursor("(a = ('x')").settings().expect_err("a parenthesis is missing").message;
        assert!(refused.ends_with("mismatched input '<EOF>'. Expecting: ')'"), "{refused}");
    }

    #[test]
    fn what_is_nested_too_deeply_is_refused_before_it_is_read() {
        let nested = format!("{}1{}", "(".repeat(1_000), ")".repeat(1_000));
        let refused =
            Cursor::new("CREATE TABLE t WITH (a = ?) AS SELECT 1 b", &[nested]).err().expect("it is too deep");
        assert!(refused.message.starts_with("STACK_OVERFLOW: statement is too large (levels"), "{refused}");
    }

    #[test]
    fn hives_texts_and_types_are_read() {
        let mut cursor = cursor("('a\\tb' = \"c\\001\") struct<`A`:array<map<string,int>>, b:decimal(10, 2)>, c");
        let properties = cursor.hive_properties().expect("properties");
        assert_eq!(properties, BTreeMap::from([("a\tb".to_owned(), "c\u{1}".to_owned())]));
        let kind = cursor.hive_type().expect("a type");
        assert_eq!(kind, "struct<a:array<map<string,int>>,b:decimal(10,2)>");
        assert_eq!(*cursor.token(), Token::Comma);
    }

    #[test]
    fn words_are_cut_off_the_end() {
        let mut with_data = cursor("SELECT 1 WITH  DATA;");
        assert!(!with_data.takes_from_end("WITH NO DATA"));
        let mut none = cursor("SELECT 1 with no data ; ");
        assert!(none.takes_from_end("WITH NO DATA"));
        assert_eq!(none.rest().len(), 3);
    }
}
