//! The checks of `load.partition_key`: how documents are spread over shards.

use demo_formats::schema::{FieldPath, Type, store_sales};
use kinesis_producer::limits::PARTITION_KEY_CHARS;

use super::{
    super::{
        file::{HotShareFile, PartitionKeyFile, PartitionKeyMap, PartitionKeyWord, PathText, ShareText},
        load::Workload,
        partition_key::{HotShare, PartitionKey, ZipfKeys},
        quantity::{self, Refusal},
    },
    values::Check,
};

const PATH: &str = "load.partition_key";
/// What a hot key is called where nothing is said.
const HOT: &str = "hot";

impl Check<'_> {
    pub(super) fn partition_key(
        &mut self,
        key: Option<&PartitionKeyFile>,
        workload: &Workload,
    ) -> Option<PartitionKey> {
        match key {
            None if self.written(PATH) => None,
            None => Some(PartitionKey::Uniform),
            Some(PartitionKeyFile::Word(word)) => self.partition_key_word(*word, workload),
            Some(PartitionKeyFile::Map(map)) => self.partition_key_map(map, workload),
        }
    }

    fn partition_key_word(&mut self, word: PartitionKeyWord, workload: &Workload) -> Option<PartitionKey> {
        let (problem, expected) = match (word, workload) {
            (PartitionKeyWord::Uniform, _) => return Some(PartitionKey::Uniform),
            (PartitionKeyWord::Ticket, Workload::StoreSales { .. }) => return Some(PartitionKey::Ticket),
            (
                PartitionKeyWord::Key,
                Workload::JsonLines { key: Some(_), .. }
                | Workload::Template { key: Some(_), .. }
                | Workload::Mix { .. },
            ) => return Some(PartitionKey::Key),
            (PartitionKeyWord::Ticket, _) => {
                ("documents of your own have no ticket", "`uniform`, or `key` beside a `key` of the workload")
            }
            (PartitionKeyWord::Key, Workload::StoreSales { .. }) => {
                ("`key` is for documents of your own", "`uniform`, `ticket` or `{field: …}`")
            }
            (PartitionKeyWord::Key, _) => ("the workload declares no key", "`uniform`, or `key: [id]` in the workload"),
        };
        self.refuse(PATH, Refusal::new(problem, expected));
        None
    }

    fn partition_key_map(&mut self, map: &PartitionKeyMap, workload: &Workload) -> Option<PartitionKey> {
        let expected = "one of `field`, `zipf` and `hot`";
        let kind = self.one_of(PATH, &["field", "zipf", "hot"], "how documents are spread over shards", expected)?;
        if kind != "zipf" {
            self.idle(PATH, &["keys"], "only `zipf` has a number of keys", "no such key beside it")?;
        }
        match kind {
            "field" => self.key_field(map.field.as_ref()?, workload).map(PartitionKey::Field),
            "zipf" => self.zipf(map).map(PartitionKey::Zipf),
            _ => {
                let HotShareFile { key, share } = map.hot.as_ref()?;
                self.hot_share(&format!("{PATH}.hot"), key.as_deref(), share.as_ref()).map(PartitionKey::Hot)
            }
        }
    }

    /// A field of whole numbers or texts; of a user's own documents nobody knows them before they are read.
    fn key_field(&mut self, text: &PathText, workload: &Workload) -> Option<FieldPath> {
        let path = format!("{PATH}.field");
        let field = self.field_path(&path, text)?;
        if !matches!(workload, Workload::StoreSales { .. }) {
            return Some(field);
        }
        let problem = match store_sales().at(&field).map(|field| &field.kind) {
            Some(Type::BigInt | Type::Decimal | Type::String) => return Some(field),
            Some(_) => format!("`{field}` is neither a whole number nor a text"),
            None => format!("`{field}` is no field of `store_sales`"),
        };
        self.refuse(&path, Refusal::new(problem, "a field such as `ss_customer.c_customer_id`"));
        None
    }

    fn zipf(&mut self, map: &PartitionKeyMap) -> Option<ZipfKeys> {
        let (exponent, keys) = (map.zipf, map.keys);
        if keys.is_none() && !self.written(&format!("{PATH}.keys")) {
            self.refuse(PATH, Refusal::new("nothing says how many keys there are", "`keys`, such as `keys: 100000`"));
        }
        Some(ZipfKeys { exponent: exponent?, keys: keys? })
    }

    /// A key and its share, both below `path`.
    pub(super) fn hot_share(&mut self, path: &str, key: Option<&str>, share: Option<&ShareText>) -> Option<HotShare> {
        let key = key.unwrap_or(HOT);
        let fits = PARTITION_KEY_CHARS.contains(&key.chars().count());
        if !fits {
            let problem = format!("a partition key of {} characters", key.chars().count());
            self.refuse(&format!("{path}.key"), Refusal::new(problem, "1 to 256 characters"));
        }
        let share = share.and_then(|share| self.keep(&format!("{path}.share"), quantity::share(&share.0)));
        fits.then_some(HotShare { key: key.to_owned(), share: share? })
    }
}
