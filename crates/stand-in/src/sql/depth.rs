//! How deeply a statement's tree is nested, by its tokens alone: a tree that is too deep is never built, since even to drop
//! it takes the stack.

use datafusion::sql::sqlparser::{
    keywords::Keyword,
    tokenizer::{Token, Word},
};

use super::TooLarge;

/// The parser nests no deeper than 50 by itself, but a chain such as `1 + 1 + …` is as deep as it is long. DataFusion, built
/// without optimization, takes up to 60 kB of stack for each level; [`super::isolation::STACK`] has 512.
const MOST: usize = 500;
/// Where an argument is none, and in PostgreSQL's dialect always, the parser (sqlparser 0.62) tries a call in several ways, and
/// each reads the arguments again: twelve calls in each other, such as `CAST(CAST(…`, take seconds, and each more four times
/// as long.
const MOST_CALLS: usize = 12;

/// Where a sign is a call of a function, DataFusion (55.2) writes out the names of all below it when it looks for its type: what 128
/// signs take is a second, and twice as many ten times that.
const MOST_SIGNS: usize = 128;

/// What a token does to the tree, from what binds least to what binds most. A chain of one class has the chains of those
/// below it as its operands.
#[derive(Clone, Copy)]
enum Class {
    Item,
    Clause,
    Relation,
    Or,
    And,
    Operator,
}

const CLASSES: usize = Class::Operator as usize + 1;

enum Step {
    Open,
    Close,
    /// Ends a subtree; the next one stands beside it.
    Separator(Class),
    /// Puts the subtree before it below a new node.
    Link(Class),
    Nothing,
}

/// Refuses a statement whose tree would be too deep.
///
/// # Errors
/// It is.
pub(crate) fn check_depth(tokens: &[Token]) -> Result<(), TooLarge> {
    if depth(tokens) > MOST {
        return Err(TooLarge { what: "levels of nesting", limit: MOST });
    }
    if calls(tokens) > MOST_CALLS {
        return Err(TooLarge { what: "calls in each other", limit: MOST_CALLS });
    }
    Ok(())
}

/// Refuses a statement with more signs of arithmetic, `||` and places one behind the other than can be calls of functions.
///
/// # Errors
/// It has.
pub(crate) fn check_signs(tokens: &[Token]) -> Result<(), TooLarge> {
    if signs(tokens) > MOST_SIGNS {
        return Err(TooLarge { what: "signs one behind the other", limit: MOST_SIGNS });
    }
    Ok(())
}

fn signs(tokens: &[Token]) -> usize {
    let (mut open, mut now, mut most) = (Vec::new(), 0, 0);
    for token in tokens {
        match token {
            Token::Plus
            | Token::Minus
            | Token::Mul
            | Token::Div
            | Token::Mod
            | Token::StringConcat
            | Token::LBracket => {
                now += 1;
                most = most.max(now);
            }
            Token::LParen => open.push(now),
            Token::RParen => now = open.pop().unwrap_or_default(),
            Token::Comma => now = open.last().copied().unwrap_or_default(),
            Token::Word(Word { quote_style: None, keyword, .. }) if *keyword != Keyword::NoKeyword => {
                now = open.last().copied().unwrap_or_default();
            }
            _ => {}
        }
    }
    most
}

/// How many calls and arrays are open at once: parentheses behind a word.
fn calls(tokens: &[Token]) -> usize {
    let (mut open, mut now, mut most) = (Vec::new(), 0, 0);
    let mut is_behind_word = false;
    for token in tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))) {
        match token {
            Token::LParen | Token::LBracket => {
                open.push(is_behind_word);
                now += usize::from(is_behind_word);
                most = most.max(now);
            }
            Token::RParen | Token::RBracket => now -= usize::from(open.pop().unwrap_or_default()),
            _ => {}
        }
        is_behind_word = matches!(token, Token::Word(_));
    }
    most
}

fn depth(tokens: &[Token]) -> usize {
    let mut levels = vec![Level::default()];
    let mut betweens = 0;
    for token in tokens {
        let last = levels.len() - 1;
        match step(token, &mut betweens) {
            Step::Open => levels.push(Level::default()),
            Step::Close if last > 0 => {
                let inner = levels.pop().map_or(0, |mut level| level.depth());
                levels[last - 1].contain(inner);
            }
            Step::Separator(class) => levels[last].separate(class),
            Step::Link(class) => levels[last].link(class),
            Step::Close | Step::Nothing => {}
        }
    }
    levels.into_iter().map(|mut level| level.depth()).sum()
}

/// The chains between two parentheses: links so far, and the deepest operand, of each class.
#[derive(Default)]
struct Level {
    links: [usize; CLASSES],
    deepest: [usize; CLASSES],
}

impl Level {
    fn separate(&mut self, class: Class) {
        for tighter in (class as usize + 1..CLASSES).rev() {
            let depth = self.links[tighter] + self.deepest[tighter];
            self.deepest[tighter - 1] = self.deepest[tighter - 1].max(depth);
            (self.links[tighter], self.deepest[tighter]) = (0, 0);
        }
    }

    fn link(&mut self, class: Class) {
        self.separate(class);
        self.links[class as usize] += 1;
    }

    fn contain(&mut self, inner: usize) {
        let operand = &mut self.deepest[Class::Operator as usize];
        *operand = (*operand).max(inner + 1);
    }

    fn depth(&mut self) -> usize {
        self.separate(Class::Item);
        self.deepest[Class::Item as usize]
    }
}

fn step(token: &Token, betweens: &mut usize) -> Step {
    match token {
        Token::Word(Word { quote_style: None, keyword, .. }) => word(*keyword, betweens),
        Token::LParen => Step::Open,
        Token::RParen => Step::Close,
        Token::Comma => Step::Separator(Class::Item),
        Token::Plus
        | Token::Minus
        | Token::Mul
        | Token::Div
        | Token::Mod
        | Token::StringConcat
        | Token::DoubleColon
        | Token::LBracket
        | Token::Eq
        | Token::DoubleEq
        | Token::Neq
        | Token::Lt
        | Token::LtEq
        | Token::Gt
        | Token::GtEq => Step::Link(Class::Operator),
        Token::Word(_)
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Whitespace(_)
        | Token::Period
        | Token::Colon
        | Token::SemiColon
        | Token::RBracket
        | Token::EOF => Step::Nothing,
        // The operators of other dialects, and literals of theirs.
        _ => Step::Link(Class::Operator),
    }
}

fn word(keyword: Keyword, betweens: &mut usize) -> Step {
    match keyword {
        Keyword::CASE => Step::Open,
        Keyword::END => Step::Close,
        Keyword::SELECT
        | Keyword::FROM
        | Keyword::WHERE
        | Keyword::GROUP
        | Keyword::HAVING
        | Keyword::QUALIFY
        | Keyword::ORDER
        | Keyword::LIMIT => Step::Separator(Class::Clause),
        Keyword::WHEN | Keyword::THEN | Keyword::ELSE | Keyword::ON => Step::Separator(Class::Relation),
        Keyword::UNION | Keyword::EXCEPT | Keyword::MINUS | Keyword::INTERSECT | Keyword::JOIN => {
            Step::Link(Class::Clause)
        }
        Keyword::OR | Keyword::XOR => Step::Link(Class::Or),
        Keyword::BETWEEN => {
            *betweens += 1;
            Step::Link(Class::Operator)
        }
        Keyword::AND if *betweens > 0 => {
            *betweens -= 1;
            Step::Nothing
        }
        Keyword::AND => Step::Link(Class::And),
        Keyword::NOT
        | Keyword::IS
        | Keyword::NOTNULL
        | Keyword::IN
        | Keyword::LIKE
        | Keyword::ILIKE
        | Keyword::RLIKE
        | Keyword::REGEXP
        | Keyword::SIMILAR
        | Keyword::DIV
        | Keyword::COLLATE
        | Keyword::AT
        | Keyword::OVERLAPS => Step::Link(Class::Operator),
        _ => Step::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::{dialect::GenericDialect, tokenizer::Tokenizer};

    use super::*;

    #[test]
    fn signs_are_counted_along_their_chains() {
        let count = |sql: &str| signs(&tokens(sql));
        assert_eq!(count("SELECT a + b * c - d FROM t WHERE e + f > 1"), 3);
        assert_eq!(count("SELECT a + (b + (c || d)), e + f"), 3);
        assert_eq!(count("SELECT f(a, b + c, d[1][2])"), 2);
        let chain = |length: usize| check_signs(&tokens(&format!("SELECT {}", vec!["1"; length].join(" + "))));
        assert_eq!(chain(129), Ok(()));
        let refused = chain(130).expect_err("too many").to_string();
        assert!(refused.contains("signs one behind the other: more than 128"), "{refused}");
    }

    fn of(sql: &str) -> usize {
        depth(&Tokenizer::new(&GenericDialect {}, sql).tokenize().expect("tokens"))
    }

    #[test]
    fn a_chain_is_as_deep_as_it_is_long() {
        let chain = |link: &str| of(&vec!["1"; 500].join(link));
        for link in ["+", " || ", " or ", " and ", " UNION ALL SELECT ", " CROSS JOIN ", " * ", " = "] {
            assert_eq!(chain(link), 499, "{link}");
        }
        assert_eq!(of(&format!("SELECT 1{}", "::int".repeat(258))), 258);
        assert_eq!(of(&format!("SELECT 1{}", " IS NULL".repeat(300))), 300);
        assert_eq!(of(&format!("SELECT a{}", "[1]".repeat(300))), 300);
    }

    #[test]
    fn what_stands_side_by_side_adds_nothing() {
        assert_eq!(of(&format!("SELECT {}", vec!["a + b"; 500].join(", "))), 1);
        assert_eq!(of(&format!("SELECT 1 WHERE a IN ({})", vec!["-1"; 5_000].join(", "))), 3);
        let ranges = vec!["a BETWEEN 1 AND 2 + 3"; 400].join(" OR ");
        assert!((400..410).contains(&of(&format!("SELECT a FROM t WHERE {ranges}"))));
        assert_eq!(of("SELECT a + b FROM t WHERE c = d AND e < f ORDER BY g - h"), 2);
    }

    #[test]
    fn what_is_nested_adds_up() {
        assert!(of("SELECT ((1 + 2) + 3) + 4") >= 3);
        let inner = vec!["1"; 200].join(" + ");
        let cases = format!("x + CASE WHEN {inner} > 0 OR a THEN 1 ELSE 2 END + y");
        assert!(of(&cases) >= 203, "{}", of(&cases));
        assert!(of(&format!("SELECT {} + ({inner})", vec!["1"; 300].join(" + "))) >= 500);
    }

    fn tokens(sql: &str) -> Vec<Token> {
        Tokenizer::new(&GenericDialect {}, sql).tokenize().expect("tokens")
    }

    #[test]
    fn calls_in_each_other_are_few() {
        let nested = |call: &str, times: usize| check_depth(&tokens(&format!("SELECT {}1", call.repeat(times))));
        for call in ["CAST((", "abs (", "\"f\"(", "ARRAY[", "1 + coalesce(NULL, "] {
            assert_eq!(nested(call, 12), Ok(()), "{call}");
            let refused = nested(call, 13).expect_err(call).to_string();
            assert!(refused.contains("(calls in each other: more than 12)"), "{refused}");
        }
        assert_eq!(calls(&tokens(&format!("SELECT {}", vec!["f(g(1))"; 50].join(" + ")))), 2);
        assert_eq!(calls(&tokens(")) (( 1 ) 2)")), 0);
    }

    #[test]
    fn the_limit_is_named() {
        let sum = |terms: usize| tokens(&format!("SELECT {}", vec!["1"; terms].join("+")));
        assert_eq!(check_depth(&sum(501)), Ok(()));
        let refused = check_depth(&sum(502)).expect_err("too deep").to_string();
        assert!(refused.starts_with("statement is too large (levels of nesting: more than 500)"), "{refused}");
    }
}
