//! What a function takes and gives, written as Trino's documentation does: `array(T), T -> boolean`.
//!
//! A letter is a type of the call's own: `T` any, `N` a number, `D` a decimal. `zoned` is a moment in whatever zone, `row` any
//! row. The last argument may be repeated: `varchar...`.

use std::collections::HashMap;

use datafusion::arrow::datatypes::DataType;

use super::{
    refusal::Refusal,
    types::{self, common},
};

/// The types that a call's arguments are brought to, and that of its result.
pub(super) type Bound = (Vec<DataType>, DataType);

/// The first signature that takes arguments of these types.
///
/// # Errors
/// None does.
pub(super) fn bind(name: &str, signatures: &[&str], arguments: &[DataType]) -> Result<Bound, Refusal> {
    let of = |signature: &&str| bind_one(signature, arguments);
    signatures.iter().find_map(of).ok_or_else(|| unexpected(name, signatures, arguments))
}

fn unexpected(name: &str, signatures: &[&str], arguments: &[DataType]) -> Refusal {
    let given: Vec<String> = arguments.iter().map(types::name).collect();
    let expected: Vec<String> = signatures
        .iter()
        .filter_map(|signature| signature.split_once("->"))
        .map(|(takes, gives)| format!("{name}({}) {}", takes.trim(), gives.trim()))
        .collect();
    let (given, expected) = (given.join(", "), expected.join(", "));
    let message = format!("Unexpected parameters ({given}) for function {name}. Expected: {expected}");
    Refusal::new("FUNCTION_NOT_FOUND", message)
}

fn bind_one(signature: &str, arguments: &[DataType]) -> Option<Bound> {
    let (takes, gives) = signature.split_once("->").expect("a signature has an arrow");
    let patterns = patterns(takes.trim(), arguments.len())?;
    let mut letters = Letters::default();
    for (pattern, argument) in patterns.iter().zip(arguments) {
        letters.unify(pattern, argument)?;
    }
    let coerced = patterns.iter().zip(arguments).map(|(pattern, argument)| letters.coerced(pattern, argument));
    Some((coerced.collect::<Option<_>>()?, letters.filled(gives.trim())))
}

/// A pattern for each of so many arguments.
fn patterns(takes: &str, arguments: usize) -> Option<Vec<&str>> {
    let mut patterns = split(takes);
    if let Some(repeated) = patterns.last().and_then(|last| last.strip_suffix("...")) {
        patterns.pop();
        if arguments < patterns.len() {
            return None;
        }
        patterns.resize(arguments, repeated);
    }
    (patterns.len() == arguments).then_some(patterns)
}

/// The parts between the commas that are in no parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    let last = text[from..].trim();
    parts.extend((!last.is_empty()).then_some(last));
    parts
}

fn inside<'a>(pattern: &'a str, word: &str) -> Option<&'a str> {
    pattern.strip_prefix(word)?.strip_prefix('(')?.strip_suffix(')')
}

/// What the letters stand for.
#[derive(Default)]
struct Letters<'a>(HashMap<&'a str, DataType>);

impl<'a> Letters<'a> {
    fn unify(&mut self, pattern: &'a str, argument: &DataType) -> Option<()> {
        if *argument == DataType::Null {
            return Some(());
        }
        if let Some(item) = inside(pattern, "array") {
            let DataType::List(field) = argument else { return None };
            return self.unify(item, field.data_type());
        }
        if let Some(entry) = inside(pattern, "map") {
            let ((key, value), patterns) = (types::entries(argument)?, split(entry));
            self.unify(patterns[0], key)?;
            return self.unify(patterns[1], value);
        }
        let fits = match pattern {
            "N" => types::is_number(argument),
            "D" => matches!(argument, DataType::Decimal128(..)),
            _ => true,
        };
        if is_letter(pattern) && fits {
            let known = self.0.get(pattern).unwrap_or(&DataType::Null);
            let both = common(known, argument)?;
            self.0.insert(pattern, both);
            return Some(());
        }
        (!is_letter(pattern)).then_some(())
    }

    fn coerced(&self, pattern: &str, argument: &DataType) -> Option<DataType> {
        match pattern {
            "row" => matches!(argument, DataType::Struct(_)).then(|| argument.clone()),
            "zoned" => matches!(argument, DataType::Timestamp(_, Some(_))).then(|| argument.clone()),
            _ => {
                let to = self.filled(pattern);
                let is_new = pattern.contains(|c: char| c.is_uppercase());
                (is_new || common(argument, &to).is_some_and(|both| both == to)).then_some(to)
            }
        }
    }

    fn filled(&self, pattern: &str) -> DataType {
        if let Some(item) = inside(pattern, "array") {
            return types::array(self.filled(item));
        }
        if let Some(entry) = inside(pattern, "map") {
            let patterns = split(entry);
            return types::map(self.filled(patterns[0]), self.filled(patterns[1]));
        }
        if let Some(fields) = inside(pattern, "row") {
            let fields = split(fields).into_iter().enumerate();
            return types::row(fields.map(|(index, field)| (types::anonymous(index), self.filled(field))));
        }
        if is_letter(pattern) {
            return self.0.get(pattern).cloned().unwrap_or(DataType::Null);
        }
        match pattern {
            "zoned" => types::zoned("UTC"),
            _ => types::parse(pattern).expect("a signature names types that there are"),
        }
    }
}

fn is_letter(pattern: &str) -> bool {
    pattern.len() == 1 && pattern.chars().all(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(signatures: &[&str], arguments: &[&str]) -> Result<String, String> {
        let arguments: Vec<DataType> = arguments.iter().map(|text| types::parse(text).expect(text)).collect();
        let (coerced, result) = bind("f", signatures, &arguments).map_err(|refusal| refusal.to_string())?;
        let coerced: Vec<String> = coerced.iter().map(types::name).collect();
        Ok(format!("{} -> {}", coerced.join(", "), types::name(&result)))
    }

    #[test]
    fn letters_stand_for_what_the_arguments_have_in_common() {
        let contains = ["array(T), T -> boolean"];
        assert_eq!(
            of(&contains, &["array(bigint)", "integer"]).expect("a signature"),
            "array(bigint), bigint -> boolean"
        );
        assert_eq!(
            of(&["map(K, V) -> array(row(K, V))"], &["map(varchar, double)"]).expect("a signature"),
            "map(varchar, double) -> array(row(varchar, double))"
        );
        assert_eq!(
            of(&["varchar, varchar... -> varchar"], &["varchar", "varchar", "varchar"]).expect("a signature"),
            "varchar, varchar, varchar -> varchar"
        );
        let refused = of(&contains, &["array(bigint)", "varchar"]).expect_err("a refusal");
        assert_eq!(
            refused,
            "FUNCTION_NOT_FOUND: Unexpected parameters (array(bigint), varchar) for function f. Expected: f(array(T), T) boolean"
        );
    }

    #[test]
    fn the_first_signature_that_fits_is_taken() {
        let abs = ["D -> D", "N -> N"];
        assert_eq!(of(&abs, &["decimal(3,1)"]).expect("a signature"), "decimal(3,1) -> decimal(3,1)");
        assert_eq!(of(&abs, &["smallint"]).expect("a signature"), "smallint -> smallint");
        assert!(of(&abs, &["varchar"]).is_err());
        assert_eq!(of(&["double -> double"], &["integer"]).expect("a signature"), "double -> double");
        assert!(of(&["bigint -> bigint"], &["double"]).is_err(), "nothing is narrowed unasked");
    }
}
