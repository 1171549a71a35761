//! The part of jq 1.6 that derives a partition: paths, defaults, comparisons, conditions and the making of text.
//!
//! Every filter here has one input and one output (jq 1.6 manual, "Basic filters", "Conditionals and Comparisons").

use std::fmt::Write;

use serde_json::Value;

const KNOWN: &str = "paths such as .a.b, literals, |, //, ==, !=, and, or, if-then-else-end, tostring, ascii_downcase, \
                     ascii_upcase and @uri";
/// How deep parentheses and conditions may lie in each other.
const MAX_DEPTH: usize = 32;

/// From a value to a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    Identity,
    Field(String),
    Literal(Value),
    Pipe(Box<Self>, Box<Self>),
    Alternative(Box<Self>, Box<Self>),
    Equal(Box<Self>, Box<Self>),
    Different(Box<Self>, Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    If(Box<[Self; 3]>),
    Function(Function),
}

/// A function without arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    ToString,
    Downcase,
    Upcase,
    Uri,
}

impl Filter {
    /// Parses `{key: filter, …}`; the keys in their order.
    pub(super) fn object(text: &str) -> Result<Vec<(String, Self)>, String> {
        let mut parser = Parser { rest: text, depth: 0 };
        let mut keys = Vec::new();
        parser.expect("{")?;
        while !parser.take("}") {
            let key = parser.key()?;
            parser.expect(":")?;
            keys.push((key, parser.value()?));
            if !parser.take(",") {
                parser.expect("}")?;
                break;
            }
        }
        parser.end()?;
        Ok(keys)
    }

    /// What comes out for `input`, or jq's complaint.
    pub(super) fn apply(&self, input: &Value) -> Result<Value, String> {
        match self {
            Self::Identity => Ok(input.clone()),
            Self::Field(name) => field(input, name).cloned(),
            Self::Literal(value) => Ok(value.clone()),
            // A path goes by reference: only its end is copied.
            Self::Pipe(first, second) => match first.place(input)? {
                Some(place) => second.apply(place),
                None => second.apply(&first.apply(input)?),
            },
            Self::Alternative(first, second) => match first.apply(input) {
                Ok(value) if truthy(&value) => Ok(value),
                _ => second.apply(input),
            },
            Self::Equal(first, second) => Ok((first.apply(input)? == second.apply(input)?).into()),
            Self::Different(first, second) => Ok((first.apply(input)? != second.apply(input)?).into()),
            Self::And(first, second) => Ok((truthy(&first.apply(input)?) && truthy(&second.apply(input)?)).into()),
            Self::Or(first, second) => Ok((truthy(&first.apply(input)?) || truthy(&second.apply(input)?)).into()),
            Self::If(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                if truthy(&condition.apply(input)?) { then.apply(input) } else { otherwise.apply(input) }
            }
            Self::Function(function) => function.apply(input),
        }
    }

    /// Where in `input` a path leads; `None` for what is no path.
    fn place<'v>(&self, input: &'v Value) -> Result<Option<&'v Value>, String> {
        match self {
            Self::Identity => Ok(Some(input)),
            Self::Field(name) => field(input, name).map(Some),
            Self::Pipe(first, second) => match first.place(input)? {
                Some(place) => second.place(place),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }
}

impl Function {
    fn apply(self, input: &Value) -> Result<Value, String> {
        match (self, input) {
            (Self::ToString, _) => Ok(text(input).into()),
            (Self::Uri, _) => Ok(percent_encoded(&text(input)).into()),
            (Self::Downcase, Value::String(text)) => Ok(text.to_ascii_lowercase().into()),
            (Self::Upcase, Value::String(text)) => Ok(text.to_ascii_uppercase().into()),
            (Self::Downcase, _) => Err("ascii_downcase input must be a string".to_owned()),
            (Self::Upcase, _) => Err("ascii_upcase input must be a string".to_owned()),
        }
    }
}

fn field<'v>(input: &'v Value, name: &str) -> Result<&'v Value, String> {
    match input {
        Value::Object(fields) => Ok(fields.get(name).unwrap_or(&Value::Null)),
        Value::Null => Ok(&Value::Null),
        other => Err(format!("Cannot index {} with \"{name}\"", kind(other))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn truthy(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

/// A string's content; anything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// As `@uri` of jq 1.6 does it: everything but its unreserved characters.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes it");
        }
    }
    encoded
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

type Binary = fn(Box<Filter>, Box<Filter>) -> Filter;

impl Parser<'_> {
    /// An object's value: terms and nothing looser, piped.
    fn value(&mut self) -> Result<Filter, String> {
        let first = self.term()?;
        Ok(if self.take("|") { Filter::Pipe(first.into(), self.value()?.into()) } else { first })
    }

    /// jq's operators, the loosest first: `|`, `//`, `or`, `and`, `==`.
    fn pipe(&mut self) -> Result<Filter, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("it is nested too deeply".to_owned());
        }
        let first = self.alternative()?;
        let whole = if self.take("|") { Filter::Pipe(first.into(), self.pipe()?.into()) } else { first };
        self.depth -= 1;
        Ok(whole)
    }

    fn alternative(&mut self) -> Result<Filter, String> {
        self.chain("//", Filter::Alternative, Self::or)
    }

    fn or(&mut self) -> Result<Filter, String> {
        self.chain("or", Filter::Or, Self::and)
    }

    fn and(&mut self) -> Result<Filter, String> {
        self.chain("and", Filter::And, Self::comparison)
    }

    fn chain(
        &mut self,
        operator: &str,
        make: Binary,
        operand: fn(&mut Self) -> Result<Filter, String>,
    ) -> Result<Filter, String> {
        let mut operands = vec![operand(self)?];
        while self.take(operator) {
            operands.push(operand(self)?);
        }
        let last = operands.pop().expect("one was read");
        Ok(operands.into_iter().rev().fold(last, |after, before| make(before.into(), after.into())))
    }

    fn comparison(&mut self) -> Result<Filter, String> {
        let first = self.term()?;
        let make: Binary = match () {
            () if self.take("==") => Filter::Equal,
            () if self.take("!=") => Filter::Different,
            () => return Ok(first),
        };
        Ok(make(first.into(), self.term()?.into()))
    }

    fn term(&mut self) -> Result<Filter, String> {
        self.space();
        match self.rest.chars().next() {
            Some('.') => self.path(),
            Some('(') => {
                self.expect("(")?;
                let inner = self.pipe()?;
                self.expect(")")?;
                Ok(inner)
            }
            Some('"') => self.string().map(|text| Filter::Literal(text.into())),
            Some('-' | '0'..='9') => self.number().map(Filter::Literal),
            _ if self.take("if") => self.condition(),
            _ if self.take("null") => Ok(Filter::Literal(Value::Null)),
            _ if self.take("true") => Ok(Filter::Literal(true.into())),
            _ if self.take("false") => Ok(Filter::Literal(false.into())),
            _ if self.take("tostring") => Ok(Filter::Function(Function::ToString)),
            _ if self.take("ascii_downcase") => Ok(Filter::Function(Function::Downcase)),
            _ if self.take("ascii_upcase") => Ok(Filter::Function(Function::Upcase)),
            _ if self.take("@uri") => Ok(Filter::Function(Function::Uri)),
            _ => Err(self.unknown()),
        }
    }

    fn path(&mut self) -> Result<Filter, String> {
        let mut path = None;
        while let Some(rest) = self.rest.strip_prefix('.') {
            self.rest = rest;
            let name = match rest.chars().next() {
                Some('"') => self.string()?,
                Some(first) if first.is_ascii_alphabetic() || first == '_' => self.word().to_owned(),
                _ if path.is_none() => return Ok(Filter::Identity),
                _ => return Err(self.unknown()),
            };
            let step = Filter::Field(name);
            path = Some(match path {
                None => step,
                Some(before) => Filter::Pipe(Box::new(before), Box::new(step)),
            });
        }
        match self.rest.chars().next() {
            Some('[' | '?') => Err(self.unknown()),
            _ => Ok(path.expect("a path begins with a dot")),
        }
    }

    fn condition(&mut self) -> Result<Filter, String> {
        let condition = self.pipe()?;
        self.expect("then")?;
        let then = self.pipe()?;
        self.expect("else")?;
        let otherwise = self.pipe()?;
        self.expect("end")?;
        Ok(Filter::If(Box::new([condition, then, otherwise])))
    }

    fn key(&mut self) -> Result<String, String> {
        self.space();
        if self.rest.starts_with('"') {
            return self.string();
        }
        match self.word() {
            "" => Err(self.unknown()),
            word => Ok(word.to_owned()),
        }
    }

    /// As JSON has it; so without interpolation.
    fn string(&mut self) -> Result<String, String> {
        let mut strings = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
        let string = strings.next().and_then(Result::ok);
        let end = strings.byte_offset();
        let string = string.ok_or_else(|| self.unknown())?;
        self.rest = &self.rest[end..];
        Ok(string)
    }

    fn number(&mut self) -> Result<Value, String> {
        let of_number = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
        let end = self.rest.find(|c| !of_number(c)).unwrap_or(self.rest.len());
        let number = serde_json::from_str(&self.rest[..end]).map_err(|_| self.unknown())?;
        self.rest = &self.rest[end..];
        Ok(number)
    }

    fn word(&mut self) -> &str {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// Takes a word or an operator, whole.
    fn take(&mut self, token: &str) -> bool {
        self.space();
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        let within_word = token.ends_with(|c: char| c.is_ascii_alphanumeric())
            && rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if !within_word {
            self.rest = rest;
        }
        !within_word
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) { Ok(()) } else { Err(format!("{token} is expected at {:?}", self.rest)) }
    }

    fn end(&mut self) -> Result<(), String> {
        self.space();
        if self.rest.is_empty() { Ok(()) } else { Err(format!("{:?} follows its end", self.rest)) }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn unknown(&self) -> String {
        format!("{:?} is not supported by the stand-in, which knows {KNOWN}", self.rest)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(filter: &str, input: Value) -> Result<Value, String> {
        let keys = Filter::object(&format!("{{x:({filter})}}"))?;
        keys[0].1.apply(&input)
    }

    #[test]
    fn filters_give_what_jq_gives() {
        let input = json!({"a": {"b": "B/c", "n": 1.5, "f": false, "": 7}, "two words": null});
        for (filter, output) in [
            (".a.b", json!("B/c")),
            (".a.\"b\"", json!("B/c")),
            (".\"two words\".deeper", json!(null)),
            (".a.none // \"x\"", json!("x")),
            (".a.f // \"x\"", json!("x")),
            (".a.b.c // \"x\"", json!("x")),
            (".none // .none // 3", json!(3)),
            (".a.n | tostring", json!("1.5")),
            (".a | .b|ascii_downcase|@uri", json!("b%2Fc")),
            (".a.b == \"B/c\" and .a.n == 1.5", json!(true)),
            (".a.n != 1.5 or .a.f", json!(false)),
            ("if .a.f then 1 else if .a.b == null then 2 else 3 end end", json!(3)),
            (".a.f | if . == null or . == \"\" then \"none\" else tostring end", json!("false")),
        ] {
            assert_eq!(run(filter, input.clone()), Ok(output), "{filter}");
        }
        assert_eq!(run(".a.b.c", input.clone()), Err("Cannot index string with \"c\"".to_owned()));
        assert!(run(".a.n | ascii_upcase", input).expect_err("no string").contains("must be a string"));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (query, part) in [
            ("{x:.a[0]}", "\"[0]}\" is not supported"),
            ("{x:.a|strftime(\"%Y\")}", "strftime"),
            ("{x:.a // 1}", "} is expected"),
            ("{x:.a?}", "is not supported"),
            ("{x:(.a}", ") is expected"),
            ("{x:.a} | .x", "follows its end"),
            (".a", "{ is expected"),
            ("{x:(\"\\(.a)\")}", "is not supported"),
            ("{x:(if .a then 1 end)}", "else is expected"),
        ] {
            let why = Filter::object(query).expect_err(query);
            assert!(why.contains(part), "{query}: {why}");
        }
        let piped = Filter::object("{ x : .a | tostring , \"y z\":.b }").expect("an object");
        assert_eq!(piped.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["x", "y z"]);
        let deep = format!("{{x:{}.a{}}}", "(".repeat(100), ")".repeat(100));
        assert!(Filter::object(&deep).expect_err("too deep").contains("too deeply"));
    }
}
