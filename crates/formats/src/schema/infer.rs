//! A schema from documents themselves.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{Field, FieldPath, Schema, Type};

/// Keys of one object; more of them are values rather than names.
const MOST_KEYS: usize = 2_000;
/// Athena user guide, "Names for tables, databases, and columns".
const LONGEST_NAME: usize = 255;
/// Glue API reference, Column.
const LONGEST_TYPE: usize = 131_072;

/// What documents have shown so far of the schema that they share: columns in the order in which they appeared.
///
/// Whole numbers become `BigInt`; with decimals among them, or alone, `Double`; truths `Boolean`; objects `Struct`; lists
/// `Array`; texts, whole numbers beyond 64 bits, whatever was null each time, and values that agree in none of
/// these, `String`. Null fits every type, and a key may be left out.
#[derive(Clone, Debug, Default)]
pub struct Inferred {
    keys: Keys,
    documents: u64,
}

/// Why documents have no schema that a table could take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InferError {
    /// There was none to look at.
    #[error("there is no document to take columns from")]
    NoDocuments,
    /// The documents are empty objects.
    #[error("the documents have no fields, so a table over them would have no columns")]
    NoColumns,
    /// A key is no name of a column (Athena user guide, "Names for tables, databases, and columns").
    #[error("`{0}` cannot be a column: Athena takes letters, digits and `_`, 255 of them at most; rename the key")]
    Name(FieldPath),
    /// Two keys are one column.
    #[error("`{first}` and `{second}` would be one column, since Athena's names have no case; rename one of them")]
    Collision {
        /// As one document has it.
        first: FieldPath,
        /// As the same or another has it.
        second: FieldPath,
    },
    /// An object's keys are as many as values.
    #[error("{} has more than {MOST_KEYS} different keys, which are values rather than columns; make it a list", place(.0))]
    TooManyKeys(FieldPath),
    /// A column's type is longer than Glue takes.
    #[error(
        "the type of column `{0}` is longer than the {LONGEST_TYPE} characters that Glue takes; it has too many fields"
    )]
    TooLong(String),
}

fn place(path: &FieldPath) -> String {
    if path.0.is_empty() { "the document".to_owned() } else { format!("`{path}`") }
}

impl Inferred {
    /// Adds what a document shows. After an error, some of it may have been added.
    ///
    /// # Errors
    /// It is not one JSON object.
    pub fn add(&mut self, document: &[u8]) -> serde_json::Result<()> {
        let mut reader = serde_json::Deserializer::from_slice(document);
        Object(&mut self.keys).deserialize(&mut reader)?;
        reader.end()?;
        self.documents += 1;
        Ok(())
    }

    /// How many documents were added.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// The schema of everything that was added.
    ///
    /// # Errors
    /// No table of Glue could have it.
    pub fn schema(&self) -> Result<Schema, InferError> {
        if self.documents == 0 {
            return Err(InferError::NoDocuments);
        }
        let columns = self.keys.fields(&FieldPath(Vec::new()))?;
        match columns.iter().find(|column| column.kind.hive().len() > LONGEST_TYPE) {
            Some(column) => Err(InferError::TooLong(column.name.clone())),
            None if columns.is_empty() => Err(InferError::NoColumns),
            None => Ok(Schema { columns }),
        }
    }

    /// The fields at the top, of any name, for what is no table of Glue or Redshift; without what is inside of them.
    pub fn fields(&self) -> Schema {
        let field = |(name, shape): &(String, Shape)| Field::new(name, shape.outside());
        Schema { columns: self.keys.known.iter().map(field).collect() }
    }
}

/// What the values of one key have been so far.
#[derive(Clone, Debug, Default)]
enum Shape {
    #[default]
    Null,
    Boolean,
    Whole,
    Decimal,
    Text,
    List(Box<Shape>),
    Object(Keys),
}

/// The keys of an object, in the order in which they appeared.
#[derive(Clone, Debug, Default)]
struct Keys {
    known: Vec<(String, Shape)>,
    too_many: bool,
}

impl Shape {
    fn widen(&mut self, scalar: Self) {
        *self = match (std::mem::take(self), scalar) {
            (Self::Null, new) => new,
            (Self::Boolean, Self::Boolean) => Self::Boolean,
            (Self::Whole, Self::Whole) => Self::Whole,
            (Self::Whole | Self::Decimal, Self::Whole | Self::Decimal) => Self::Decimal,
            _ => Self::Text,
        };
    }

    fn outside(&self) -> Type {
        match self {
            Self::Null | Self::Text => Type::String,
            Self::Boolean => Type::Boolean,
            Self::Whole => Type::BigInt,
            Self::Decimal => Type::Double,
            Self::List(of) => Type::Array(Box::new(of.outside())),
            Self::Object(_) => Type::Struct(Vec::new()),
        }
    }

    fn kind(&self, path: &FieldPath) -> Result<Type, InferError> {
        Ok(match self {
            Self::Null | Self::Text | Self::Boolean | Self::Whole | Self::Decimal => self.outside(),
            Self::List(of) => Type::Array(Box::new(of.kind(path)?)),
            // Hive has no struct without fields; the SerDe gives such an object as its text.
            Self::Object(keys) if keys.known.is_empty() => Type::String,
            Self::Object(keys) => Type::Struct(keys.fields(path)?),
        })
    }
}

impl Keys {
    /// Where a key is. Documents mostly have the same keys in the same order, so it is looked for at `expected` first.
    fn place(&mut self, key: &str, expected: usize) -> Option<usize> {
        if self.known.get(expected).is_some_and(|(name, _)| name == key) {
            return Some(expected);
        }
        if let Some(place) = self.known.iter().position(|(name, _)| name == key) {
            return Some(place);
        }
        if self.known.len() == MOST_KEYS {
            self.too_many = true;
            return None;
        }
        self.known.push((key.to_owned(), Shape::Null));
        Some(self.known.len() - 1)
    }

    fn fields(&self, outer: &FieldPath) -> Result<Vec<Field>, InferError> {
        if self.too_many {
            return Err(InferError::TooManyKeys(outer.clone()));
        }
        let mut lower = BTreeMap::new();
        let mut fields = Vec::new();
        for (name, shape) in &self.known {
            let path = FieldPath([outer.0.as_slice(), std::slice::from_ref(name)].concat());
            if !is_name(name) {
                return Err(InferError::Name(path));
            }
            if let Some(first) = lower.insert(name.to_lowercase(), path.clone()) {
                return Err(InferError::Collision { first, second: path });
            }
            fields.push(Field::new(name, shape.kind(&path)?));
        }
        Ok(fields)
    }
}

fn is_name(key: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !key.is_empty() && key.len() <= LONGEST_NAME && key.chars().all(known)
}

/// Reads an object into what is known of its keys.
struct Object<'s>(&'s mut Keys);

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut expected = 0;
        while let Some(place) = map.next_key_seed(Name { keys: self.0, expected })? {
            match place {
                Some(place) => {
                    map.next_value_seed(Any(&mut self.0.known[place].1))?;
                    expected = place + 1;
                }
                None => map.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        Ok(())
    }
}

/// Reads a key as its place.
struct Name<'s> {
    keys: &'s mut Keys,
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        Ok(self.keys.place(key, self.expected))
    }
}

/// Reads any value into what is known of its key.
struct Any<'s>(&'s mut Shape);

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.0.widen(Shape::Boolean);
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.0.widen(Shape::Whole);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.0.widen(if i64::try_from(number).is_ok() { Shape::Whole } else { Shape::Text });
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        let beyond_64_bits = number.fract() == 0.0 && number.abs() >= i64::MAX as f64;
        self.0.widen(if beyond_64_bits { Shape::Text } else { Shape::Decimal });
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.0.widen(Shape::Text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if matches!(self.0, Shape::Null) {
            *self.0 = Shape::List(Box::default());
        }
        if let Shape::List(of) = self.0 {
            while seq.next_element_seed(Any(of))?.is_some() {}
        } else {
            *self.0 = Shape::Text;
            while seq.next_element::<IgnoredAny>()?.is_some() {}
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if matches!(self.0, Shape::Null) {
            *self.0 = Shape::Object(Keys::default());
        }
        if let Shape::Object(keys) = self.0 {
            return Object(keys).visit_map(map);
        }
        *self.0 = Shape::Text;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;

    fn inferred(documents: &[&str]) -> Inferred {
        let mut inferred = Inferred::default();
        documents.iter().for_each(|document| inferred.add(document.as_bytes()).expect("an object"));
        inferred
    }

    fn hive(documents: &[&str]) -> String {
        inferred(documents).schema().expect("columns").columns[0].kind.hive()
    }

    #[test]
    fn every_kind_of_value_has_its_type() {
        for (values, expected) in [
            (&["1", "-5", "null"][..], "bigint"),
            (&["9223372036854775807"], "bigint"),
            (&["9223372036854775808"], "string"),
            (&["92233720368547758080"], "string"),
            (&["1.0"], "double"),
            (&["1", "2.5"], "double"),
            (&["2.5", "1"], "double"),
            (&["1e3"], "double"),
            (&["\"a\""], "string"),
            (&["null", "null"], "string"),
            (&["true", "null", "false"], "boolean"),
            (&["true", "1"], "string"),
            (&["1", "\"a\""], "string"),
            (&["{}", "null"], "string"),
            (&["{\"a\":1}", "{\"B\":true,\"a\":2.5}"], "struct<a:double,b:boolean>"),
            (&["{\"a\":{\"b\":[{\"c\":null}]}}"], "struct<a:struct<b:array<struct<c:string>>>>"),
            (&["{\"a\":1}", "5"], "string"),
            (&["5", "{\"a\":[1,{}]}"], "string"),
            (&["[]"], "array<string>"),
            (&["[]", "[1,2]", "[1.5]"], "array<double>"),
            (&["[1,\"a\",{\"b\":1}]"], "array<string>"),
            (&["[1]", "1"], "string"),
            (&["1", "[[1]]"], "string"),
        ] {
            let documents: Vec<_> = values.iter().map(|value| format!("{{\"k\":{value}}}")).collect();
            let documents: Vec<_> = documents.iter().map(String::as_str).collect();
            assert_eq!(hive(&documents), expected, "{values:?}");
        }
    }

    #[test]
    fn columns_stand_in_the_order_of_their_first_appearance() {
        let schema = inferred(&[r#"{"b":1,"a":2}"#, r#"{"c":"x","a":null,"b":1}"#]).schema().expect("columns");
        assert_eq!(schema.names().collect::<Vec<_>>(), ["b", "a", "c"]);
    }

    #[test]
    fn names_keep_their_case_for_json_and_lose_it_for_hive() {
        let schema = inferred(&[r#"{"OrderId":1,"Buyer":{"FirstName":"x"}}"#]).schema().expect("columns");
        assert_eq!(schema.glue_columns()[0].0, "orderid");
        assert_eq!(schema.glue_columns()[1].1, "struct<firstname:string>");
        assert!(schema.jsonpaths().contains("$.OrderId"));
    }

    #[test]
    fn what_no_table_takes_is_said() {
        let any = inferred(&[r#"{"order-id":1,"a b":{"c":2},"l":[{}]}"#]).fields();
        assert_eq!(any.names().collect::<Vec<_>>(), ["order-id", "a b", "l"]);
        assert_eq!((&any.columns[0].kind, &any.columns[1].kind), (&Type::BigInt, &Type::Struct(Vec::new())));
        let refused = |documents: &[&str]| inferred(documents).schema().expect_err("no table");
        assert_eq!(refused(&[]), InferError::NoDocuments);
        assert_eq!(refused(&["{}"]), InferError::NoColumns);
        let said = refused(&[r#"{"a":[{"order-id":1}]}"#]).to_string();
        assert!(said.starts_with("`a.order-id` cannot be a column"), "{said}");
        assert!(matches!(refused(&[r#"{"":1}"#]), InferError::Name(_)));
        let said = refused(&[r#"{"Id":1}"#, r#"{"id":1}"#]).to_string();
        assert!(said.starts_with("`Id` and `id` would be one column"), "{said}");
        let keys: Vec<_> = (0..=MOST_KEYS).map(|n| format!("\"k{n}\":1")).collect();
        let said = refused(&[&format!("{{\"users\":{{{}}}}}", keys.join(","))]).to_string();
        assert!(said.starts_with("`users` has more than 2000 different keys"), "{said}");
        let long: Vec<_> = (0..1_000).map(|n| format!("\"{}{n}\":1", "x".repeat(200))).collect();
        assert_eq!(refused(&[&format!("{{\"a\":{{{}}}}}", long.join(","))]), InferError::TooLong("a".to_owned()));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[1]", "5", "{\"a\":}", "{\"a\":1} {}", ""] {
            assert!(Inferred::default().add(text.as_bytes()).is_err(), "{text}");
        }
    }
}
