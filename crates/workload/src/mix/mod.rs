//! Documents of several kinds, each from a template of its own, that refer to each other.
//!
//! Document n follows from n, the kinds and the seed: which kind it is of (`layout.rs`), which entity it is about, and the
//! values of that entity, which all its documents share. A reference chooses an entity that began before, and takes its id
//! from its document, made again.

mod kind;
mod layout;
mod plan;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use minijinja::value::Value;
use serde_json::{Map, Value as Json};

pub use kind::{Kind, Part, Status};
pub use plan::{At, Mistake, mistakes};

use self::{
    layout::{Layout, Place},
    plan::Plan,
};
use crate::{
    Identity, KindKeys,
    clock::{Clock, FromNow},
    field_at,
    json_lines::Rules,
    mixed,
    template::{Choose, Earlier, STATUS, TIMES, TemplateError, Text, Values, finish, not_an_object, uses},
};

/// Documents that are made to see whether the templates are right, besides the first of each step.
const TRIED: u64 = 200;
/// Two times that share no digit, 1970-01-01T00:00:00.000Z and 2681-12-22T11:11:11.111Z: what is the same in both does not depend
/// on time.
const TIMES_APART: [i64; 2] = [0, 22_467_755_471_111];

/// A mix of kinds that was found right.
#[derive(Debug)]
pub struct Mix {
    kinds: Arc<Kinds>,
    rules: Rules,
    clock: Arc<dyn Clock>,
}

/// The entities that a document refers to, directly and by those that it refers to.
type Known = Arc<Mutex<HashMap<(usize, u64), Map<String, Json>>>>;

#[derive(Debug)]
struct Kinds {
    all: Vec<KindTemplate>,
    layout: Layout,
}

#[derive(Debug)]
struct KindTemplate {
    kind: Kind,
    text: Text,
    seed: u64,
    /// Whether its documents may differ by their time or status.
    changes: bool,
}

impl Mix {
    /// Reads the templates and makes the first documents; their event times go on from the present. `rate` is the number of
    /// documents in a thousand seconds, from which the times of statuses become numbers of documents; a document and its
    /// record have at most `max_bytes`.
    ///
    /// # Errors
    /// What is wrong with the kinds, a template, or one of those documents.
    pub fn new(kinds: &[Kind], seed: u64, rate: u64, max_bytes: usize) -> Result<Self, TemplateError> {
        let plan = Plan::of(kinds).map_err(TemplateError::Kinds)?;
        let layout = Layout::new(&plan, seed, rate);
        let all = kinds.iter().map(|kind| KindTemplate::new(kind, seed)).collect::<Result<_, _>>()?;
        let keys = kinds.iter().map(|kind| (kind.name.clone(), kind.key.clone())).collect();
        let rules = Rules { identity: Identity::Kinds(KindKeys(keys)), max_bytes };
        let mix = Self { kinds: Arc::new(Kinds { all, layout }), rules, clock: Arc::new(FromNow::new()) };
        (1..=TRIED).chain(mix.firsts()).try_for_each(|number| mix.document(number, &mut Vec::new()))?;
        Ok(mix)
    }

    /// The same documents, with event times by another clock.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Appends a document, numbered from 1, with its newline.
    ///
    /// # Errors
    /// It is not one JSON object, lacks its key, has a `kind` of its own, or is too long for a record.
    pub fn document(&self, number: u64, out: &mut Vec<u8>) -> Result<(), TemplateError> {
        let place = self.kinds.layout.place(number);
        let of = &self.kinds.all[self.kinds.step(place).kind];
        let rendered = self.kinds.render(place, self.clock.at(number), &Known::default());
        let made =
            rendered.and_then(|text| with_kind(&text, &of.kind.name)).and_then(|text| finish(&text, &self.rules, out));
        made.map_err(|why| {
            let source = Box::new(TemplateError::Document { number, why });
            TemplateError::Kind { kind: of.kind.name.clone(), source }
        })
    }

    /// By what its documents are told apart.
    pub fn identity(&self) -> &Identity {
        &self.rules.identity
    }

    /// The numbers of documents of which each is the first of its kind and status.
    pub fn firsts(&self) -> Vec<u64> {
        self.kinds.layout.firsts()
    }
}

impl KindTemplate {
    fn new(kind: &Kind, seed: u64) -> Result<Self, TemplateError> {
        let failed = |source| TemplateError::Kind { kind: kind.name.clone(), source: Box::new(source) };
        let text = Text::parse(&kind.template).map_err(failed)?;
        let changes = !uses(&kind.template, &[TIMES[0], TIMES[1], STATUS]).is_empty();
        // By its name: another kind beside it changes nothing.
        let seed = kind.name.bytes().fold(mixed(seed), |seed, byte| mixed(seed ^ u64::from(byte)));
        Ok(Self { kind: kind.clone(), text, seed, changes })
    }
}

impl Kinds {
    fn step(&self, place: Place) -> &plan::Step {
        &self.layout.groups[place.group].steps[place.step]
    }

    fn render(self: &Arc<Self>, place: Place, now: i64, known: &Known) -> Result<String, String> {
        let of = &self.all[self.step(place).kind];
        let values = Values::new(of.seed, place.entity + 1, now);
        of.text.render(values.in_mix(Document { kinds: self.clone(), place, known: known.clone() }))
    }

    /// [`Kinds::made_anew`], once for all references of a document.
    fn entity(self: &Arc<Self>, group: usize, entity: u64, known: &Known) -> Result<Map<String, Json>, String> {
        let found = known.lock().unwrap_or_else(PoisonError::into_inner).get(&(group, entity)).cloned();
        if let Some(fields) = found {
            return Ok(fields);
        }
        let fields = self.made_anew(group, entity, known)?;
        known.lock().unwrap_or_else(PoisonError::into_inner).insert((group, entity), fields.clone());
        Ok(fields)
    }

    /// What each document of an entity's own kind says, whatever its time and status.
    fn made_anew(self: &Arc<Self>, group: usize, entity: u64, known: &Known) -> Result<Map<String, Json>, String> {
        let steps = &self.layout.groups[group].steps;
        let head = &self.all[steps[0].kind];
        let object = |step: usize, now: i64| {
            let text = self.render(Place { group, step, entity }, now, known)?;
            serde_json::from_str::<Map<String, Json>>(&text).map_err(|error| not_an_object(&text, &error))
        };
        let mut fields = object(0, TIMES_APART[0]).map_err(|why| format!("an entity of `{}` {why}", head.kind.name))?;
        if head.changes {
            let last = steps.iter().rposition(|step| step.kind == steps[0].kind).unwrap_or_default();
            keep_equal(&mut fields, &object(last, TIMES_APART[1])?);
        }
        Ok(fields)
    }
}

/// Leaves what is the same in both.
fn keep_equal(fields: &mut Map<String, Json>, others: &Map<String, Json>) {
    fields.retain(|name, value| match (value, others.get(name)) {
        (Json::Object(fields), Some(Json::Object(others))) => {
            keep_equal(fields, others);
            true
        }
        (value, other) => Some(&*value) == other,
    });
}

/// A document that says at its top of which kind it is.
fn with_kind(text: &str, kind: &str) -> Result<String, String> {
    let name = KindKeys::KIND;
    let field = demo_formats::schema::FieldPath(vec![name.to_owned()]);
    if let Ok(Some(_)) = field_at(text.as_bytes(), &field) {
        return Err(format!("has a field `{name}`, which `demo` adds itself to say that it is one of `{kind}`"));
    }
    let Some(fields) = text.trim_start().strip_prefix('{') else { return Ok(text.to_owned()) };
    let comma = if fields.trim_start().starts_with('}') { "" } else { "," };
    Ok(format!("{{\"{name}\":\"{kind}\"{comma}{fields}"))
}

/// As a template sees it.
fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(truth) => Value::from(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(whole)) => Value::from(whole),
            (None, None) => number.as_f64().map_or_else(|| Value::from(()), Value::from),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(value_of).collect(),
        Json::Object(fields) => Value::from_pairs(fields.iter().map(|(name, value)| (name.clone(), value_of(value)))),
    }
}

/// A document in the making.
#[derive(Debug)]
struct Document {
    kinds: Arc<Kinds>,
    place: Place,
    known: Known,
}

impl Document {
    /// The entity of its own group, or one that had begun before its own.
    fn chosen(&self, kind: &str, choose: Choose<'_>) -> Result<(&Kind, Map<String, Json>), String> {
        let layout = &self.kinds.layout;
        let head = |group: usize| &self.kinds.all[layout.groups[group].head].kind;
        let group = (0..layout.groups.len()).find(|group| head(*group).name == kind);
        let group = group.ok_or_else(|| format!("there is no kind `{kind}` to refer to"))?;
        let Place { group: own, entity: own_entity, .. } = self.place;
        if group == own {
            return match self.kinds.step(self.place).kind == layout.groups[group].head {
                true => Err(format!("`{kind}` refer to themselves")),
                false => Ok((head(group), self.kinds.entity(group, own_entity, &self.known)?)),
            };
        }
        let count = layout.entities_before(group, layout.birth(own, own_entity));
        if count == 0 {
            return Err(format!("there is none of `{kind}` before it"));
        }
        let entity = layout.entity(group, choose(count)?);
        Ok((head(group), self.kinds.entity(group, entity, &self.known)?))
    }
}

impl Earlier for Document {
    fn status(&self) -> Option<&str> {
        let step = self.kinds.step(self.place);
        Some(&self.kinds.all[step.kind].kind.statuses().get(step.status?)?.name)
    }

    fn id(&self, kind: &str, choose: Choose<'_>) -> Result<Value, String> {
        let (of, fields) = self.chosen(kind, choose)?;
        let id = of.key.first().ok_or_else(|| format!("`{kind}` have no key"))?;
        let (first, inside) = id.0.split_first().ok_or_else(|| format!("`{kind}` have no key"))?;
        let found = inside.iter().try_fold(fields.get(first), |value, key| Some(value?.get(key)));
        let found = found.flatten().ok_or_else(|| format!("the id `{id}` of `{kind}` depends on time or status"))?;
        Ok(value_of(found))
    }

    fn entity(&self, kind: &str, choose: Choose<'_>) -> Result<Value, String> {
        self.chosen(kind, choose).map(|(_, fields)| value_of(&Json::Object(fields)))
    }
}
