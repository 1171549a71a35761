//! Where an object's fields lie in its text.

use super::{json, keys::KeyMappings};

type Place = (usize, usize);

/// Why an object has no places to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoObject {
    Malformed(json::Malformed),
    /// A field's key is there twice, whatever its case (Athena user guide, "OpenX JSON SerDe").
    Doubled(String),
}

impl From<json::Malformed> for NoObject {
    fn from(malformed: json::Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Finds the places of an object's fields by their keys in lower case.
pub(crate) struct Names {
    keys: Vec<String>,
    /// What a key with dots is compared with, underscores in their place; nothing where it is compared as it is.
    underscored: Vec<String>,
    /// Where each field's value lies in the object that was found last.
    places: Vec<Option<Place>>,
}

impl Names {
    /// Of these fields.
    pub(crate) fn new<'a>(fields: impl Iterator<Item = &'a str>, mappings: &KeyMappings) -> Self {
        let fields: Vec<&str> = fields.collect();
        let keys: Vec<String> = fields.iter().map(|field| mappings.key(field).to_owned()).collect();
        let underscored = match mappings.dots_in_keys {
            true => fields.into_iter().map(str::to_owned).collect(),
            false => Vec::new(),
        };
        Self { places: vec![None; keys.len()], keys, underscored }
    }

    /// Looks through the object at the start of `text`, and says where it ends. Keys match in any case. A key that a field has
    /// by itself goes before one with dots, and the first of these before the others.
    pub(crate) fn find(&mut self, text: &[u8]) -> Result<usize, NoObject> {
        let Self { keys, underscored, places } = self;
        places.fill(None);
        let (mut next, mut doubled, mut dotted) = (0, None, Vec::new());
        let end = json::fields(text, 0, |key, from, to| {
            if let Some(index) = position(keys, key, next) {
                if places[index].replace((from, to)).is_some() {
                    doubled = Some(index);
                }
                next = index + 1;
            } else if let Some(index) = position_of_dotted(underscored, key) {
                dotted.push((index, (from, to)));
            }
        })?;
        for (index, place) in dotted {
            places[index].get_or_insert(place);
        }
        doubled.map_or(Ok(end), |index| Err(NoObject::Doubled(keys[index].clone())))
    }

    /// Takes the items of the array at the start of `text` for the fields, in their order.
    pub(super) fn find_in_order(&mut self, text: &[u8]) -> Result<(), NoObject> {
        let mut fields = self.places.iter_mut();
        json::items(text, 0, |from, to| {
            if let Some(place) = fields.next() {
                *place = Some((from, to));
            }
        })?;
        fields.for_each(|place| *place = None);
        Ok(())
    }

    /// Where the value of each field lies in the object that was found last.
    pub(crate) fn places(&self) -> &[Option<Place>] {
        &self.places
    }
}

/// Fields mostly come in the schema's order, so `next` is tried first.
fn position(keys: &[String], key: &[u8], next: usize) -> Option<usize> {
    let is = |name: &String, key: &[u8]| name.as_bytes().eq_ignore_ascii_case(key);
    if keys.get(next).is_some_and(|name| is(name, key)) {
        return Some(next);
    }
    if key.contains(&b'\\') {
        let key = json::unescape(key);
        return keys.iter().position(|name| is(name, key.as_bytes()));
    }
    keys.iter().position(|name| is(name, key))
}

fn position_of_dotted(underscored: &[String], key: &[u8]) -> Option<usize> {
    if underscored.is_empty() || !key.contains(&b'.') {
        return None;
    }
    let key = json::unescape(key).replace('.', "_");
    underscored.iter().position(|name| name.eq_ignore_ascii_case(&key))
}
