//! The documents of a stack, before anything is created: checks their file or template and reads their columns.

use demo_formats::schema::{self, Field, FieldPath, InferError, Inferred, Schema, Type};
use demo_workload::Identity;
use tokio::task::{JoinError, spawn_blocking};

use crate::{
    deliveries::{
        self, Delivery,
        documents::{Documents as Read, Places, Refusals},
        parts::Unfit,
    },
    load::{Fields, Flaws, OpenError, OpenWorkload, SourceError},
    spec::{Flaw, PartitionKey, Stack, Workload},
};

/// Documents to measure for their mean length.
const MEASURED: u64 = 1_000;
/// Reasons that are told one by one.
const TOLD: usize = 20;

/// What a stack sends.
#[derive(Clone)]
pub struct Documents {
    /// The columns of its tables.
    pub schema: Schema,
    /// Which of the documents of a run are imperfect, if any are.
    pub flaws: Option<Flaws>,
    /// The user's own documents, checked. Those of `store_sales` need no check, and are opened when they are sent.
    pub opened: Option<OpenWorkload>,
}

/// Why a stack's documents cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum DocumentsError {
    /// The file or the template is wrong.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The documents have no columns that a table could have.
    #[error(transparent)]
    Columns(#[from] InferError),
    /// Deliveries cannot deliver them.
    #[error("the documents cannot be delivered as the stack says; nothing was created\n{}", told(.0))]
    Unfit(Vec<Unfit>),
    /// A document cannot be read or rendered.
    #[error("cannot make a document: {0}")]
    Source(#[from] SourceError),
    /// The check panicked.
    #[error(transparent)]
    Panicked(#[from] JoinError),
}

impl Documents {
    /// Checks a user's own documents.
    pub async fn check(stack: &Stack) -> Result<Self, DocumentsError> {
        if matches!(stack.load.workload, Workload::StoreSales { .. }) {
            let schema = schema::store_sales().clone();
            let flaws =
                flaws(stack, &schema, &Identity::StoreSales).map_err(|unfit| DocumentsError::Unfit(vec![unfit]))?;
            return Ok(Self { schema, flaws, opened: None });
        }
        let of = stack.clone();
        spawn_blocking(move || Self::read(&of)).await?
    }

    fn read(stack: &Stack) -> Result<Self, DocumentsError> {
        let (deliveries, mut refusals) = (deliveries::of(&stack.deliver), Refusals::default());
        let mut keys = KeyField::of(&stack.load.partition_key);
        let opened = OpenWorkload::read(stack, &mut |place, document| {
            refusals.look(&deliveries, place, document);
            keys.iter_mut().for_each(|keys| keys.look(place, document));
        })?;
        let identity = opened.source.identity();
        let mut unfit: Vec<Unfit> =
            deliveries.iter().filter_map(|delivery| delivery.check_identity(&identity).err()).collect();
        let schema = columns(&deliveries, &opened)?;
        let seen = opened.inferred().map(Inferred::seen).unwrap_or_default();
        let places = opened.found().map_or(Places::Documents, |_| Places::Lines);
        unfit.extend(keys.and_then(|keys| keys.unfit(places)));
        let read = Read { schema: &schema, seen: &seen, places };
        unfit.extend(refusals.and_of_all(&deliveries, &read));
        let flaws = flaws(stack, &schema, &identity).map_err(|why| unfit.push(why)).ok().flatten();
        match unfit.is_empty() {
            true => Ok(Self { schema, flaws, opened: Some(opened) }),
            false => Err(DocumentsError::Unfit(unfit)),
        }
    }

    /// The mean length of a document in bytes, its newline included.
    ///
    /// # Errors
    /// The user's own documents cannot be opened or read.
    pub async fn mean_bytes(&self, stack: &Stack) -> Result<f64, DocumentsError> {
        if let Some(bytes) = stack.load.workload.mean_bytes() {
            return Ok(bytes);
        }
        let source = self.open(stack).await?.source;
        spawn_blocking(move || -> Result<f64, DocumentsError> {
            let mut documents = source.render(1..=MEASURED);
            let (mut count, mut bytes, mut line) = (0_u64, 0, Vec::new());
            while count < MEASURED && documents.next_into(&mut line)?.is_some() {
                (count, bytes) = (count + 1, bytes + line.len());
                line.clear();
            }
            Ok(bytes as f64 / count.max(1) as f64)
        })
        .await?
    }

    /// Opens the documents to send.
    pub async fn open(&self, stack: &Stack) -> Result<OpenWorkload, DocumentsError> {
        match &self.opened {
            Some(opened) => Ok(opened.clone()),
            None => {
                let of = stack.clone();
                Ok(spawn_blocking(move || OpenWorkload::of(&of)).await??)
            }
        }
    }
}

/// The imperfect documents of a stack's load, with the fields that they are about: of the schema, but for what tells
/// documents apart and what the stack needs as it is.
fn flaws(stack: &Stack, schema: &Schema, identity: &Identity) -> Result<Option<Flaws>, Unfit> {
    let load = &stack.load;
    let Some(imperfect) = &load.imperfect else { return Ok(None) };
    let outermost = |path: &FieldPath| path.0.first().cloned();
    let mut needed: Vec<String> = identity.fields().iter().filter_map(outermost).collect();
    needed.extend(stack.deliver.fields().into_iter().map(str::to_owned));
    if let PartitionKey::Field(field) = &load.partition_key {
        needed.extend(outermost(field));
    }
    let is_number = |kind: &Type| matches!(kind, Type::BigInt | Type::Double | Type::Decimal);
    let field = |flaw: Flaw, named: &Option<String>| {
        let fits = |field: &&Field| flaw == Flaw::Missing || is_number(&field.kind);
        let mut fields = schema.columns.iter().filter(|field| !needed.contains(&field.name)).filter(fits);
        let found = match named {
            Some(name) => fields.find(|field| field.name == *name),
            None => fields.next(),
        };
        found.map(|field| field.name.clone()).ok_or_else(|| no_field(flaw, named, &needed))
    };
    let is_asked = |flaw: Flaw| imperfect.amounts.iter().any(|(one, _)| *one == flaw);
    let chosen = |flaw: Flaw, named: &Option<String>| is_asked(flaw).then(|| field(flaw, named)).transpose();
    let fields = Fields {
        wrong_type: chosen(Flaw::WrongType, &imperfect.wrong_type)?,
        missing: chosen(Flaw::Missing, &imperfect.missing)?,
    };
    let max_bytes = stack.stream.max_record_kib as usize * 1024;
    Ok(Flaws::new(imperfect, load.schedule.documents(), max_bytes, fields))
}

fn no_field(flaw: Flaw, named: &Option<String>, needed: &[String]) -> Unfit {
    let kind = if flaw == Flaw::WrongType { "number" } else { "field" };
    let problem = match named {
        Some(name) if needed.contains(name) => {
            format!("`load.imperfect.{flaw}`: `{name}` tells documents apart, or the stack needs it")
        }
        Some(name) => format!("`load.imperfect.{flaw}`: the documents have no {kind} `{name}` at their top"),
        None => format!("`load.imperfect.{flaw}`: the documents have no {kind} at their top that nothing else needs"),
    };
    Unfit::new(problem, format!("name another {kind} as its `field`, or leave `{flaw}` out"))
}

/// A field that documents have their partition key in.
struct KeyField {
    field: Identity,
    /// Documents that have it.
    found: u64,
    /// Where it is first something that no key can be, and what.
    wrong: Option<(u64, String)>,
}

impl KeyField {
    fn of(key: &PartitionKey) -> Option<Self> {
        let PartitionKey::Field(field) = key else { return None };
        Some(Self { field: Identity::Fields(vec![field.clone()]), found: 0, wrong: None })
    }

    fn look(&mut self, place: u64, document: &[u8]) {
        match self.field.texts(document) {
            Ok(_) => self.found += 1,
            Err(error) if error.is_absence() => {}
            Err(error) => _ = self.wrong.get_or_insert_with(|| (place, error.to_string())),
        }
    }

    fn unfit(self, places: Places) -> Option<Unfit> {
        const ADVICE: &str = "name a field of whole numbers or texts, or choose another `load.partition_key`";
        match self.wrong {
            Some((place, why)) => Some(Unfit::new(format!("partition key: {why}, in {}", places.at(place)), ADVICE)),
            None if self.found == 0 => {
                let field = self.field.fields().into_iter().map(|field| field.to_string()).collect::<String>();
                Some(Unfit::new(format!("partition key: no document has the field `{field}`"), ADVICE))
            }
            None => None,
        }
    }
}

/// The columns. Only tables need them: without a table, documents may have any keys.
fn columns(deliveries: &[&dyn Delivery], opened: &OpenWorkload) -> Result<Schema, InferError> {
    match opened.schema() {
        Err(_) if !deliveries.iter().any(|delivery| delivery.has_columns()) => Ok(opened.fields()),
        schema => schema,
    }
}

fn told(unfit: &[Unfit]) -> String {
    let more = unfit.len().saturating_sub(TOLD);
    let more = (more > 0).then(|| format!("and {more} more"));
    unfit.iter().take(TOLD).map(ToString::to_string).chain(more).collect::<Vec<_>>().join("\n")
}
