//! Scans of a whole table, on a connection of their own.
//!
//! The library parses every value of an item before it leaves most of them out, and nobody writes meanwhile. A scan that is
//! written plainly is answered here from the same rows, in the same order; any other is left to the library.

use std::{
    collections::{BTreeSet, HashMap},
    num::NonZeroU32,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use dynoxide::{
    Database, TableMetadata,
    types::{AttributeDefinition, AttributeValue, KeySchemaElement, KeyType, ScalarAttributeType},
};
use rusqlite::{Connection, OpenFlags, Statement, ToSql};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::plain::Attributes;
use crate::service_error::ServiceError;

/// Of items, in bytes (DynamoDB API reference, Scan).
const LARGEST_PAGE: u64 = 1 << 20;
/// Their members are in another order in an answer than in a row.
const SETS: [&str; 3] = ["\"SS\"", "\"NS\"", "\"BS\""];

/// Reads the tables' rows.
pub(super) struct Scans {
    rows: Mutex<Connection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Request {
    table_name: String,
    limit: Option<NonZeroU32>,
    #[serde(rename = "ConsistentRead")]
    _is_consistent: Option<bool>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<HashMap<String, String>>,
    exclusive_start_key: Option<Attributes>,
}

/// A page of items.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page {
    items: Vec<Values>,
    count: usize,
    scanned_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_key: Option<Values>,
}

/// Values by the names of their attributes, as they are written.
type Values = HashMap<String, Box<RawValue>>;

impl Scans {
    /// Of the file that the library keeps.
    pub(super) fn open(file: &Path) -> rusqlite::Result<Self> {
        let rows = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(Self { rows: Mutex::new(rows) })
    }

    /// The page that a request asks for; `None` leaves it to the library.
    pub(super) fn page(&self, body: &[u8], database: &Database) -> Result<Option<Page>, ServiceError> {
        let Some(request) = serde_json::from_slice::<Request>(body).ok() else { return Ok(None) };
        let table = database.get_table_metadata(&request.table_name).map_err(ServiceError::internal)?;
        let Some(key) = table.filter(is_plain).as_ref().and_then(Key::of) else { return Ok(None) };
        let (Some(projected), Some(start)) = (request.projected(), key.start(request.exclusive_start_key.as_ref()))
        else {
            return Ok(None);
        };
        let limit = request.limit.map_or(-1, |limit| i64::from(limit.get()));
        let table = request.table_name.replace('"', "\"\"");
        let after = if start.is_some() { "WHERE (pk, sk) > (?2, ?3)" } else { "" };
        let sql = format!("SELECT item_json, item_size FROM \"{table}\" {after} ORDER BY pk, sk LIMIT ?1");
        let rows = self.lock();
        let mut statement = rows.prepare_cached(&sql).map_err(ServiceError::internal)?;
        let mut bound: Vec<&dyn ToSql> = vec![&limit];
        if let Some((hash, range)) = &start {
            bound.extend([hash as &dyn ToSql, range]);
        }
        read(&mut statement, &bound, limit, projected.as_ref(), &key)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(
    statement: &mut Statement<'_>,
    bound: &[&dyn ToSql],
    limit: i64,
    projected: Option<&BTreeSet<String>>,
    key: &Key,
) -> Result<Option<Page>, ServiceError> {
    let mut rows = statement.query(bound).map_err(ServiceError::internal)?;
    let (mut page, mut last, mut bytes, mut is_full) = (Page::default(), None, 0, false);
    while let Some(row) = rows.next().map_err(ServiceError::internal)? {
        bytes += row.get::<_, u64>(1).map_err(ServiceError::internal)?;
        if bytes > LARGEST_PAGE && page.count > 0 {
            is_full = true;
            break;
        }
        let item = row.get_ref(0).map_err(ServiceError::internal)?.as_str().map_err(ServiceError::internal)?;
        let mut item: HashMap<String, &RawValue> = serde_json::from_str(item).map_err(ServiceError::internal)?;
        last = Some(key.attributes.iter().filter_map(|(name, _)| owned(name, item.get(name)?)).collect());
        item.retain(|name, _| projected.is_none_or(|projected| projected.contains(name)));
        if item.values().any(|value| SETS.iter().any(|set| value.get().contains(set))) {
            return Ok(None);
        }
        page.items.push(item.iter().filter_map(|(name, value)| owned(name, value)).collect());
        page.count += 1;
    }
    page.scanned_count = page.count;
    page.last_evaluated_key = last.filter(|_| is_full || page.count as i64 == limit);
    Ok(Some(page))
}

fn owned(name: &str, value: &RawValue) -> Option<(String, Box<RawValue>)> {
    Some((name.to_owned(), value.to_owned()))
}

/// The size of its items is what the rows say, and it takes requests.
fn is_plain(table: &TableMetadata) -> bool {
    table.vector_index_definitions.is_none() && table.table_status == "ACTIVE"
}

impl Request {
    /// The attributes that are asked for, each by a placeholder and each placeholder once; in the inner one all of them.
    fn projected(&self) -> Option<Option<BTreeSet<String>>> {
        let names = self.expression_attribute_names.as_ref();
        let Some(projection) = &self.projection_expression else { return names.is_none().then_some(None) };
        let placeholders: Vec<&str> = projection.split(',').map(str::trim).collect();
        let named = placeholders.iter().map(|placeholder| names?.get(*placeholder).filter(|name| !name.is_empty()));
        let named: BTreeSet<String> = named.map(Option::<&String>::cloned).collect::<Option<_>>()?;
        let all_once = named.len() == placeholders.len() && names.is_some_and(|names| names.len() == named.len());
        (all_once && placeholders.iter().all(|placeholder| is_placeholder(placeholder))).then_some(Some(named))
    }
}

fn is_placeholder(text: &str) -> bool {
    let name = text.strip_prefix('#').unwrap_or_default();
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A table's key: its hash attribute first.
struct Key {
    attributes: Vec<(String, ScalarAttributeType)>,
}

impl Key {
    fn of(table: &TableMetadata) -> Option<Self> {
        let schema: Vec<KeySchemaElement> = serde_json::from_str(&table.key_schema).ok()?;
        let defined: Vec<AttributeDefinition> = serde_json::from_str(&table.attribute_definitions).ok()?;
        let of = |kind: KeyType| schema.iter().find(|part| part.key_type == kind).map(|part| &part.attribute_name);
        let typed = |name: &String| {
            let definition = defined.iter().find(|definition| definition.attribute_name == *name)?;
            Some((name.clone(), definition.attribute_type.clone()))
        };
        let names = [Some(of(KeyType::HASH)?), of(KeyType::RANGE)];
        Some(Self { attributes: names.into_iter().flatten().map(typed).collect::<Option<_>>()? })
    }

    /// Where a row of this key lies; the inner one is none at the beginning, the outer one where this is no key of the table.
    fn start(&self, key: Option<&Attributes>) -> Option<Option<(String, String)>> {
        let Some(Attributes(key)) = key else { return Some(None) };
        let mut parts = self.attributes.iter().map(|(name, kind)| match (key.get(name)?, kind) {
            (value @ AttributeValue::S(text), ScalarAttributeType::S) if !text.is_empty() => value.to_key_string(),
            (value @ AttributeValue::N(_), ScalarAttributeType::N) => value.to_key_string(),
            _ => None,
        });
        let (hash, range) = (parts.next()??, parts.next());
        let range = if let Some(range) = range { range? } else { String::new() };
        (key.len() == self.attributes.len()).then_some(Some((hash, range)))
    }
}
