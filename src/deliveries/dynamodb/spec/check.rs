//! The checks of `deliver.dynamodb`: the key, the function, its mapping, and what the table takes.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use demo_formats::schema::{FieldPath, Schema, Type};
use demo_function::{ARRIVED, KIND, KIND_KEY, PROCESSED, TableKey};
use demo_workload::mix::Kind;

use super::{
    DynamoDbDelivery, FunctionSettings, MappingSettings, capacity,
    file::{DynamoDbFile, FromFile, FunctionFile, KeyFile, MappingFile},
};
use crate::spec::{
    check::values::{Check, Sent},
    load::Workload,
    names::{Rules, swap},
    quantity::Refusal,
};

/// DynamoDB API reference, CreateTable, `TableName`.
const TABLE: Rules = Rules {
    what: "DynamoDB table name",
    least: 3,
    most: 255,
    admits: |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'),
    expected: "3 to 255 letters, digits, `_`, `.` and `-`",
    mend: |text| swap(text, '-'),
    more: |_| None,
};

/// What tells `store_sales` documents apart, the partition key first.
const STORE_SALES_KEY: [&str; 2] = ["ss_ticket_number", "ss_item_sk"];
/// What is wrong with a key of the table other than the one that documents of several kinds have, and what would be right.
const NOT_OF_KINDS: (&str, &str) = (
    "it does not tell documents of different kinds apart",
    "`[kind, kind_key]`, where `kind_key` is made from each kind's `key`, or no `key` here",
);
/// What the function adds to each item.
const ADDED: [&str; 2] = [PROCESSED, ARRIVED];
/// Lambda API reference, CreateFunction, `MemorySize`.
const MEMORY_MIB: RangeInclusive<u64> = 128..=10_240;
/// Lambda API reference, CreateFunction, `Timeout`.
const TIMEOUT_SECONDS: RangeInclusive<u64> = 1..=900;
/// Lambda API reference, CreateEventSourceMapping, `MaximumBatchingWindowInSeconds`.
const WINDOW_SECONDS: RangeInclusive<u64> = 0..=300;
/// Lambda API reference, CreateEventSourceMapping, `MaximumRecordAgeInSeconds`.
const AGE_SECONDS: RangeInclusive<u64> = 60..=604_800;
/// Lambda API reference, CreateEventSourceMapping: a larger batch needs a window of at least a second.
const BATCH_WITHOUT_WINDOW: u32 = 10;

impl Check<'_> {
    pub(crate) fn dynamodb(
        &mut self,
        file: DynamoDbFile,
        stack: Option<&str>,
        sent: Sent<'_>,
    ) -> Option<DynamoDbDelivery> {
        let table = self.name("deliver.dynamodb.table", &TABLE, file.table, stack);
        let key = match file.key {
            Some(KeyFile(key)) => self.key(key, sent),
            None if self.written("deliver.dynamodb.key") => None,
            None => self.key_of_the_workload(sent),
        };
        let function = self.function(file.function.unwrap_or_default());
        let mapping = self.mapping(file.mapping.unwrap_or_default());
        let affordable = self.written_at_that_rate(sent);
        affordable?;
        Some(DynamoDbDelivery { table: table?, key: key?, function: function?, mapping: mapping? })
    }

    fn key(&mut self, key: Vec<String>, sent: Sent<'_>) -> Option<TableKey> {
        let before = self.complaints();
        for (position, field) in key.iter().enumerate() {
            let path = format!("deliver.dynamodb.key.{position}");
            let (problem, expected) = if key[..position].contains(field) {
                (format!("`{field}` is here twice"), "each field once")
            } else if ADDED.contains(&field.as_str()) {
                (format!("`{field}` is what the function adds to an item"), "a field of the document")
            } else if let Some(refused) = sent.schema().and_then(|schema| no_key(schema, field)) {
                refused
            } else if sent.schema().is_none() && (field.contains('.') || field.trim().is_empty()) {
                (format!("`{field}` is no field of the top level"), "the plain name of a field of the document")
            } else {
                continue;
            };
            self.refuse(&path, Refusal::new(problem, expected));
        }
        if self.complaints() > before {
            return None;
        }
        self.that_tells_apart(key, sent.workload?)
    }

    /// Items of one key replace one another, and documents are looked up by it.
    fn that_tells_apart(&mut self, key: Vec<String>, workload: &Workload) -> Option<TableKey> {
        let (problem, expected) = match workload {
            Workload::StoreSales { .. } => {
                let enough = STORE_SALES_KEY.iter().all(|field| key.iter().any(|of_key| of_key == field));
                if enough {
                    return Some(TableKey::Fields(key));
                }
                let problem =
                    "several store_sales documents have the same key, and their items would replace one another";
                (problem.to_owned(), format!("`[{}]`", STORE_SALES_KEY.join(", ")))
            }
            Workload::JsonLines { key: None, .. } | Workload::Template { key: None, .. } => (
                "documents without a key cannot be looked up in a table".to_owned(),
                format!("`key: [{}]` in `load.workload` too", key.join(", ")),
            ),
            Workload::JsonLines { key: Some(declared), .. } | Workload::Template { key: Some(declared), .. } => {
                if is_key(declared, &key) {
                    return Some(TableKey::Fields(key));
                }
                let declared = joined(declared);
                let problem = format!("the workload's documents are told apart by [{declared}]");
                (problem, "the same fields in the same order as the `key` in `load.workload`".to_owned())
            }
            Workload::Mix { kinds, .. } if key == [KIND, KIND_KEY] => return self.key_of_kinds(kinds),
            Workload::Mix { .. } => (NOT_OF_KINDS.0.to_owned(), NOT_OF_KINDS.1.to_owned()),
        };
        self.refuse("deliver.dynamodb.key", Refusal::new(problem, expected));
        None
    }

    fn key_of_the_workload(&mut self, sent: Sent<'_>) -> Option<TableKey> {
        let declared = match sent.workload? {
            Workload::StoreSales { .. } => {
                return Some(TableKey::Fields(STORE_SALES_KEY.map(str::to_owned).to_vec()));
            }
            Workload::JsonLines { key, .. } | Workload::Template { key, .. } => key.as_deref(),
            Workload::Mix { kinds, .. } => return self.key_of_kinds(kinds),
        };
        let (problem, expected) = match declared {
            Some([FieldPath(one)]) if one.len() == 1 => return self.key(vec![one[0].clone()], sent),
            Some([FieldPath(one), FieldPath(two)]) if one.len() == 1 && two.len() == 1 => {
                return self.key(vec![one[0].clone(), two[0].clone()], sent);
            }
            Some(declared) => (
                format!("a table's key cannot be [{}]", joined(declared)),
                "one or two fields of the document's top level as the `key` in `load.workload`",
            ),
            None => (
                "documents without a key cannot be looked up in a table".to_owned(),
                "`key: [id]` here and in `load.workload`",
            ),
        };
        self.refuse("deliver.dynamodb.key", Refusal::new(problem, expected));
        None
    }

    /// Documents of several kinds share a table, each with the key of its kind.
    fn key_of_kinds(&mut self, kinds: &[Kind]) -> Option<TableKey> {
        let mut keys = BTreeMap::new();
        for kind in kinds {
            if let Some(field) = kind.key.iter().find(|field| field.0.len() != 1) {
                let problem =
                    format!("`{field}`, of the key of {}, does not lie at the top level of its documents", kind.name);
                let expected = "fields of the top level as the `key` of each kind";
                self.refuse("deliver.dynamodb", Refusal::new(problem, expected));
                return None;
            }
            keys.insert(kind.name.clone(), kind.key.iter().map(ToString::to_string).collect());
        }
        Some(TableKey::Kinds(keys))
    }

    fn function(&mut self, function: FunctionFile) -> Option<FunctionSettings> {
        let path = "deliver.dynamodb.function";
        let memory = function
            .memory
            .map_or(Some(512), |text| self.mib(&format!("{path}.memory"), &text, MEMORY_MIB, "a function cannot have"));
        let timeout = function.timeout.map_or(Some(Duration::from_secs(60)), |text| {
            self.seconds(&format!("{path}.timeout"), &text, TIMEOUT_SECONDS, "a function cannot run for")
        });
        Some(FunctionSettings { memory_mib: memory?, timeout: timeout? })
    }

    fn mapping(&mut self, mapping: MappingFile) -> Option<MappingSettings> {
        let path = "deliver.dynamodb.mapping";
        // The one word there is: a second would have to be told to Lambda.
        let (None | Some(FromFile::TrimHorizon)) = mapping.from;
        let window = mapping.window.map_or(Some(Duration::from_secs(1)), |text| {
            self.seconds(&format!("{path}.window"), &text, WINDOW_SECONDS, "Lambda does not gather for")
        });
        let max_age = mapping.max_age.map_or(Some(Duration::from_secs(3_600)), |text| {
            self.seconds(&format!("{path}.max_age"), &text, AGE_SECONDS, "Lambda does not give records up after")
        });
        let batch = mapping.batch.unwrap_or(100);
        if window.is_some_and(|window| window.is_zero()) && batch > BATCH_WITHOUT_WINDOW {
            let problem = format!("Lambda does not fill batches of {batch} without gathering");
            let expected = format!("at least 1s, or a `batch` of at most {BATCH_WITHOUT_WINDOW}");
            self.refuse(&format!("{path}.window"), Refusal::new(problem, expected));
            return None;
        }
        Some(MappingSettings {
            batch,
            window: window?,
            parallel: mapping.parallel.unwrap_or(1),
            retries: mapping.retries.unwrap_or(3),
            max_age: max_age?,
        })
    }

    /// Refused, not warned of: a table would throttle nearly all of it, and dearly.
    fn written_at_that_rate(&mut self, sent: Sent<'_>) -> Option<()> {
        let (Some(workload), Some(schedule)) = (sent.workload, sent.schedule) else { return Some(()) };
        let beyond = schedule.peak().and_then(|peak| capacity::beyond_a_table(peak, workload));
        let Some(beyond) = beyond else { return Some(()) };
        self.refuse_peak(schedule, beyond);
        None
    }
}

/// Why a field of a known schema cannot be in a table's key.
fn no_key(schema: &Schema, field: &str) -> Option<(String, &'static str)> {
    const EXPECTED: &str = "a field that is a whole number or text";
    match schema.column(field).map(|column| &column.kind) {
        Some(Type::BigInt | Type::Decimal | Type::String) => None,
        Some(Type::Double) => Some((
            format!("a float in a key: `{field}` has decimals, which two writers may write differently"),
            EXPECTED,
        )),
        Some(_) => Some((format!("`{field}` is not one value but several"), EXPECTED)),
        None => Some((format!("a store_sales document has no field `{field}` at its top level"), EXPECTED)),
    }
}

fn is_key(declared: &[FieldPath], key: &[String]) -> bool {
    declared.len() == key.len() && declared.iter().zip(key).all(|(field, name)| field.0 == [name.as_str()])
}

fn joined(fields: &[FieldPath]) -> String {
    fields.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
