//! What the values of a key have been, read from documents as they are written.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    super::{Field, FieldPath, Type},
    InferError, Longest, Seen,
};

/// Keys of one object; more of them are values rather than names.
pub(super) const MOST_KEYS: usize = 2_000;
/// Digits of the longest decimal, of Redshift (developer guide, "Numeric types") as of DynamoDB.
const DIGITS: usize = 38;
/// As deep as serde_json follows.
const DEEPEST: usize = 128;

/// What the values of one key have been so far.
#[derive(Clone, Debug, Default)]
struct Shape {
    kind: Kind,
    longest: Longest,
    longest_text: Longest,
    nul: Option<u64>,
    number: Option<u64>,
    text: Option<u64>,
}

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    Null,
    Boolean,
    Whole,
    /// Whole numbers, some of them beyond 64 bits.
    Large,
    Fraction,
    Text,
    List(Box<Shape>),
    Object(Keys),
}

/// The keys of an object, in the order in which they appeared.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    known: Vec<Key>,
    /// How many objects were read into them.
    objects: u64,
    too_many: bool,
}

#[derive(Clone, Debug)]
struct Key {
    name: String,
    shape: Shape,
    first: u64,
    twice: Option<u64>,
    /// The number of the last object that has it.
    object: u64,
}

/// Where a document is, and how deep in it a value.
#[derive(Clone, Copy)]
struct Place {
    at: u64,
    depth: usize,
}

impl Longest {
    fn note(&mut self, bytes: usize, at: u64) {
        if self.at == 0 || bytes > self.bytes {
            *self = Self { bytes, at };
        }
    }
}

impl Place {
    fn inside(self) -> serde_json::Result<Self> {
        match self.depth < DEEPEST {
            true => Ok(Self { depth: self.depth + 1, ..self }),
            false => Err(serde_json::Error::custom("recursion limit exceeded")),
        }
    }
}

impl Kind {
    fn widen(&mut self, scalar: Self) {
        *self = match (std::mem::take(self), scalar) {
            (Self::Null, new) => new,
            (Self::Boolean, Self::Boolean) => Self::Boolean,
            (Self::Whole, Self::Whole) => Self::Whole,
            (Self::Whole | Self::Large, Self::Whole | Self::Large) => Self::Large,
            (Self::Whole | Self::Large | Self::Fraction, Self::Whole | Self::Large | Self::Fraction) => Self::Fraction,
            _ => Self::Text,
        };
    }

    /// Of a number as it is written.
    fn of_number(token: &str) -> Self {
        let digits = token.trim_start_matches('-').len();
        match () {
            () if token.contains(['.', 'e', 'E']) => Self::Fraction,
            () if token.parse::<i64>().is_ok() => Self::Whole,
            () if digits <= DIGITS => Self::Large,
            () => Self::Text,
        }
    }

    fn outside(&self) -> Type {
        match self {
            Self::Null | Self::Text => Type::String,
            Self::Boolean => Type::Boolean,
            Self::Whole => Type::BigInt,
            Self::Large => Type::Decimal,
            Self::Fraction => Type::Double,
            Self::List(of) => Type::Array(Box::new(of.kind.outside())),
            Self::Object(_) => Type::Struct(Vec::new()),
        }
    }

    fn whole(&self, path: &FieldPath) -> Result<Type, InferError> {
        Ok(match self {
            Self::List(of) => Type::Array(Box::new(of.kind.whole(path)?)),
            // Hive has no struct without fields; the SerDe gives such an object as its text.
            Self::Object(keys) if keys.known.is_empty() && !keys.too_many => Type::String,
            Self::Object(keys) => Type::Struct(keys.fields(path)?),
            scalar => scalar.outside(),
        })
    }
}

impl Shape {
    fn read(&mut self, value: &RawValue, place: Place) -> serde_json::Result<()> {
        let token = value.get();
        let mut bytes = token.len();
        match token.as_bytes().first() {
            Some(b'n') => return Ok(()),
            Some(b't' | b'f') => self.kind.widen(Kind::Boolean),
            Some(b'"') => {
                let text = content(token)?;
                bytes = text.len();
                self.kind.widen(Kind::Text);
                self.longest_text.note(bytes, place.at);
                self.text.get_or_insert(place.at);
                if text.contains('\0') {
                    self.nul.get_or_insert(place.at);
                }
            }
            Some(b'{') => self.read_object(token, place.inside()?)?,
            Some(b'[') => self.read_list(token, place.inside()?)?,
            _ => {
                self.kind.widen(Kind::of_number(token));
                self.number.get_or_insert(place.at);
            }
        }
        self.longest.note(bytes, place.at);
        Ok(())
    }

    fn read_object(&mut self, object: &str, place: Place) -> serde_json::Result<()> {
        if matches!(self.kind, Kind::Null) {
            self.kind = Kind::Object(Keys::default());
        }
        match &mut self.kind {
            Kind::Object(keys) => keys.read_at(object.as_bytes(), place),
            other => {
                *other = Kind::Text;
                Ok(())
            }
        }
    }

    fn read_list(&mut self, list: &str, place: Place) -> serde_json::Result<()> {
        if matches!(self.kind, Kind::Null) {
            self.kind = Kind::List(Box::default());
        }
        match &mut self.kind {
            Kind::List(of) => {
                let items: Vec<&RawValue> = serde_json::from_str(list)?;
                items.into_iter().try_for_each(|item| of.read(item, place))
            }
            other => {
                *other = Kind::Text;
                Ok(())
            }
        }
    }

    /// What it has shown; `key` says where its key was.
    fn seen(&self, path: &FieldPath, is_column: bool, key: &Key) -> Seen {
        Seen {
            path: path.clone(),
            is_column,
            first: key.first,
            twice: key.twice,
            longest: self.longest,
            longest_text: self.longest_text,
            nul: self.nul,
            number: self.number,
            text: self.text,
        }
    }
}

/// A JSON string without its quotes and escapes.
fn content(token: &str) -> serde_json::Result<Cow<'_, str>> {
    match token.contains('\\') {
        true => serde_json::from_str::<String>(token).map(Cow::Owned),
        false => Ok(Cow::Borrowed(&token[1..token.len() - 1])),
    }
}

impl Keys {
    /// Reads a document into what is known of its keys.
    pub(super) fn read(&mut self, document: &[u8], at: u64) -> serde_json::Result<()> {
        self.read_at(document, Place { at, depth: 0 })
    }

    fn read_at(&mut self, object: &[u8], place: Place) -> serde_json::Result<()> {
        self.objects += 1;
        let mut reader = serde_json::Deserializer::from_slice(object);
        reader.deserialize_map(Object { keys: self, place })?;
        reader.end()
    }

    /// Where a key is. Documents mostly have the same keys in the same order, so it is looked for at `expected` first.
    fn place(&mut self, name: &str, expected: usize, at: u64) -> Option<usize> {
        if self.known.get(expected).is_some_and(|key| key.name == name) {
            return Some(expected);
        }
        if let Some(place) = self.known.iter().position(|key| key.name == name) {
            return Some(place);
        }
        if self.known.len() == MOST_KEYS {
            self.too_many = true;
            return None;
        }
        self.known.push(Key { name: name.to_owned(), shape: Shape::default(), first: at, twice: None, object: 0 });
        Some(self.known.len() - 1)
    }

    pub(super) fn fields(&self, outer: &FieldPath) -> Result<Vec<Field>, InferError> {
        if self.too_many {
            return Err(InferError::TooManyKeys(outer.clone()));
        }
        let field = |key: &Key| {
            let kind = key.shape.kind.whole(&below(outer, &key.name))?;
            Ok(Field { longest: key.shape.longest.bytes, ..Field::new(&key.name, kind) })
        };
        self.known.iter().map(field).collect()
    }

    /// Names and types, without what is inside.
    pub(super) fn outside(&self) -> impl Iterator<Item = (&str, Type)> {
        self.known.iter().map(|key| (key.name.as_str(), key.shape.kind.outside()))
    }

    pub(super) fn tell(&self, outer: &FieldPath, seen: &mut Vec<Seen>) {
        for key in &self.known {
            let path = below(outer, &key.name);
            seen.push(key.shape.seen(&path, outer.0.is_empty(), key));
            let mut shape = &key.shape;
            while let Kind::List(of) = &shape.kind {
                shape = of;
                seen.push(Seen { twice: None, ..shape.seen(&path, false, key) });
            }
            if let Kind::Object(keys) = &shape.kind {
                keys.tell(&path, seen);
            }
        }
    }
}

fn below(outer: &FieldPath, name: &str) -> FieldPath {
    FieldPath(outer.0.iter().cloned().chain([name.to_owned()]).collect())
}

/// Reads an object's fields.
struct Object<'s> {
    keys: &'s mut Keys,
    place: Place,
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { keys, place } = self;
        let mut expected = 0;
        while let Some(found) = map.next_key_seed(Name { keys, expected, at: place.at })? {
            let Some(found) = found else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let object = keys.objects;
            let key = &mut keys.known[found];
            if std::mem::replace(&mut key.object, object) == object {
                key.twice.get_or_insert(place.at);
            }
            let value = map.next_value::<&RawValue>()?;
            key.shape.read(value, place).map_err(A::Error::custom)?;
            expected = found + 1;
        }
        Ok(())
    }
}

/// Reads a key as its place.
struct Name<'s> {
    keys: &'s mut Keys,
    expected: usize,
    at: u64,
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
        Ok(self.keys.place(key, self.expected, self.at))
    }
}
