//! Documents are complete, typed, truly joined, splittable and never repeat a key.

use std::{
    collections::HashMap,
    fmt::Display,
    ops::RangeInclusive,
    sync::{Arc, LazyLock},
};

use datafusion::prelude::{JsonReadOptions, SessionContext};
use demo_formats::schema::{self, Field, Type};
use demo_workload::{Key, store_sales::StoreSales};
use serde_json::Value;
use tpcdsgen::{
    config::{Session, Table},
    row::{
        CustomerAddressRowGenerator, CustomerRowGenerator, ItemRowGenerator, PromotionRowGenerator, StoreRowGenerator,
        StoreSalesRowGenerator,
    },
    types::Date,
};

static SALES: LazyLock<Arc<StoreSales>> = LazyLock::new(|| StoreSales::new(1, 0));

fn made(sales: &Arc<StoreSales>, tickets: RangeInclusive<u64>) -> (Vec<u8>, Vec<Key>) {
    let mut documents = sales.documents(tickets);
    let mut bytes = Vec::new();
    let keys = std::iter::from_fn(|| documents.next_into(&mut bytes)).collect();
    (bytes, keys)
}

fn parsed(tickets: RangeInclusive<u64>) -> Vec<Value> {
    let (bytes, _) = made(&SALES, tickets);
    let text = String::from_utf8(bytes).expect("documents are UTF-8");
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).expect("a line is one JSON document")).collect()
}

#[derive(Default)]
struct Seen {
    nulls: HashMap<String, usize>,
    widest: HashMap<String, usize>,
}

fn check(value: &Value, kind: &Type, path: &str, seen: &mut Seen) {
    match (value, kind) {
        (Value::Null, _) => *seen.nulls.entry(path.to_owned()).or_default() += 1,
        (Value::Number(number), Type::BigInt) => assert!(number.is_i64(), "{path} = {number}"),
        (Value::Number(_), Type::Double) | (Value::String(_), Type::String) => {}
        (Value::Object(object), Type::Struct(fields)) => {
            assert_eq!(object.len(), fields.len(), "{path}");
            check_fields(|name| object.get(name), fields, path, seen);
        }
        _ => panic!("{path} is {value}, expected {}", kind.hive()),
    }
}

fn check_fields<'a>(value: impl Fn(&str) -> Option<&'a Value>, fields: &[Field], path: &str, seen: &mut Seen) {
    for field in fields {
        let path = format!("{path}.{}", field.name);
        let value = value(&field.name).unwrap_or_else(|| panic!("{path} is missing"));
        check(value, &field.kind, &path, seen);
    }
}

#[test]
fn every_leaf_is_there_and_typed_as_the_schema_says() {
    let schema = schema::store_sales();
    let mut seen = Seen::default();
    for document in parsed(1..=400) {
        assert_eq!(document.as_object().map(serde_json::Map::len), Some(schema.columns.len()));
        check_fields(|name| document.get(name), &schema.columns, "", &mut seen);
        for column in &schema.columns {
            let width = document[&column.name].to_string().len();
            let widest = seen.widest.entry(column.name.clone()).or_default();
            *widest = width.max(*widest);
        }
    }
    for path in [".ss_customer", ".ss_promotion", ".ss_store", ".ss_net_profit", ".ss_item.i_rec_end_date"] {
        assert!(seen.nulls.contains_key(path), "{path} is null somewhere");
    }
    assert!(!seen.nulls.contains_key(".ss_ticket_number") && !seen.nulls.contains_key(".ss_item_sk"));
    for (column, kind) in schema.redshift_columns(schema::Structs::Varchar) {
        if let Some(room) = kind.strip_prefix("VARCHAR(").and_then(|kind| kind.strip_suffix(')')) {
            let room: usize = room.parse().expect("a width is a number");
            assert!(seen.widest[&column] <= room, "{column} has {} bytes", seen.widest[&column]);
        }
    }
}

#[test]
fn keys_come_in_the_schemas_order() {
    let (bytes, _) = made(&SALES, 5..=5);
    let line = std::str::from_utf8(&bytes).expect("UTF-8").lines().next().expect("a document");
    let positions: Vec<_> = schema::store_sales()
        .names()
        .map(|name| line.match_indices(&format!("\"{name}\":")).next().map(|(position, _)| position))
        .collect();
    assert!(positions.iter().all(Option::is_some) && positions.is_sorted(), "{positions:?}");
}

#[test]
fn a_foreign_key_and_its_struct_are_null_together() {
    for document in parsed(1000..=1300) {
        for (key, structure) in [
            ("ss_addr_sk", "ss_customer_address"),
            ("ss_cdemo_sk", "ss_customer_demographics"),
            ("ss_customer_sk", "ss_customer"),
            ("ss_hdemo_sk", "ss_household_demographics"),
            ("ss_item_sk", "ss_item"),
            ("ss_promo_sk", "ss_promotion"),
            ("ss_sold_time_sk", "ss_time_dim"),
            ("ss_store_sk", "ss_store"),
        ] {
            assert_eq!(document[key].is_null(), document[structure].is_null(), "{key}");
        }
        for (key, structure) in [
            ("c_current_addr_sk", "c_current_address"),
            ("c_current_cdemo_sk", "c_current_customer_demographics"),
            ("c_current_hdemo_sk", "c_current_household_demographics"),
            ("c_first_sales_date_sk", "c_first_sales_date"),
            ("c_last_review_date_sk", "c_last_review_date"),
        ] {
            let customer = &document["ss_customer"];
            assert_eq!(customer[key].is_null(), customer[structure].is_null(), "{key}");
        }
    }
}

/// A TPC-DS row's printed columns, NULL empty.
fn columns(row: &impl Display) -> Vec<String> {
    row.to_string().split('|').map(str::to_owned).collect()
}

/// A table of the generator's own, by row number.
fn table<R: Display, G: Iterator<Item = R>>(table: Table, generator: fn(Session, u64) -> G) -> Vec<Vec<String>> {
    let session = Session::default();
    let rows = session.get_scaling().get_row_count(table);
    generator(session, rows).map(|row| columns(&row)).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Compares as TPC-DS prints: exact for text and whole numbers, by value where JSON's reader drops zeros at the end.
fn assert_same(value: &Value, printed: &str, what: &str) {
    let equal = match value {
        Value::Number(number) if number.is_f64() => number.as_f64() == printed.parse().ok(),
        _ => text(value) == printed,
    };
    assert!(equal, "{what}: {value} is not {printed}");
}

fn assert_address(value: &Value, row: &[String]) {
    for (name, column) in [("ca_address_id", 1), ("ca_street_name", 3), ("ca_city", 6), ("ca_state", 8), ("ca_zip", 9)]
    {
        assert_same(&value[name], &row[column], name);
    }
}

fn assert_item(value: &Value, row: &[String]) {
    for (name, column) in
        [("i_item_id", 1), ("i_rec_start_date", 2), ("i_item_desc", 4), ("i_current_price", 5), ("i_category", 12)]
    {
        assert_same(&value[name], &row[column], name);
    }
}

fn assert_date(value: &Value, key: &Value) {
    if let Some(key) = key.as_i64() {
        let julian = i32::try_from(key).expect("a Julian day");
        assert_eq!(text(&value["d_date"]), Date::from_julian_days(julian).to_string());
    }
}

fn row<'a>(table: &'a [Vec<String>], key: &Value) -> Option<&'a [String]> {
    let key = usize::try_from(key.as_u64()?).ok()?;
    assert_eq!(table[key - 1][0], key.to_string(), "the table's first column is its key");
    Some(&table[key - 1])
}

#[test]
fn joins_are_true_to_the_generators_own_tables() {
    let addresses = table(Table::CustomerAddress, CustomerAddressRowGenerator::new);
    let customers = table(Table::Customer, CustomerRowGenerator::new);
    let items = table(Table::Item, ItemRowGenerator::new);
    let promotions = table(Table::Promotion, PromotionRowGenerator::new);
    let stores = table(Table::Store, StoreRowGenerator::new);
    for document in parsed(70_000..=70_100) {
        let customer = &document["ss_customer"];
        if let Some(row) = row(&customers, &document["ss_customer_sk"]) {
            for (name, column) in [
                ("c_customer_id", 1),
                ("c_current_cdemo_sk", 2),
                ("c_current_addr_sk", 4),
                ("c_last_name", 9),
                ("c_email_address", 16),
            ] {
                assert_same(&customer[name], &row[column], name);
            }
        }
        if let Some(row) = row(&addresses, &customer["c_current_addr_sk"]) {
            assert_address(&customer["c_current_address"], row);
        }
        if let Some(row) = row(&addresses, &document["ss_addr_sk"]) {
            assert_address(&document["ss_customer_address"], row);
        }
        assert_item(&document["ss_item"], row(&items, &document["ss_item_sk"]).expect("a sale has an item"));
        let promotion = &document["ss_promotion"];
        if let Some(row) = row(&promotions, &document["ss_promo_sk"]) {
            assert_same(&promotion["p_promo_id"], &row[1], "p_promo_id");
            assert_same(&promotion["p_channel_details"], &row[16], "p_channel_details");
        }
        if let Some(row) = row(&items, &promotion["p_item_sk"]) {
            assert_item(&promotion["p_item"], row);
        }
        if let Some(row) = row(&stores, &document["ss_store_sk"]) {
            assert_same(&document["ss_store"]["s_store_id"], &row[1], "s_store_id");
            assert_same(&document["ss_store"]["s_tax_precentage"], &row[28], "s_tax_precentage");
        }
        assert_date(&customer["c_first_sales_date"], &customer["c_first_sales_date_sk"]);
        assert_date(&customer["c_first_shipto_date"], &customer["c_first_shipto_date_sk"]);
        assert_date(&customer["c_last_review_date"], &customer["c_last_review_date_sk"]);
        assert_date(&promotion["p_start_date"], &promotion["p_start_date_sk"]);
        assert_date(&document["ss_store"]["s_closed_date"], &document["ss_store"]["s_closed_date_sk"]);
        if let Some(time) = document["ss_sold_time_sk"].as_i64() {
            assert_eq!(document["ss_time_dim"]["t_time"].as_i64(), Some(time));
        }
    }
}

#[test]
fn a_sale_is_the_generators_own_row() {
    let session = Session::default();
    let mut rows = StoreSalesRowGenerator::new(session, 240_000);
    rows.set_source_row_range(500, 600);
    let mut documents = parsed(500..=600).into_iter();
    for row in rows {
        let row = columns(&row);
        let document = documents.next().expect("as many documents as rows");
        assert_date(&document["ss_date_dim"], &row[0].parse::<i64>().map_or(Value::Null, Value::from));
        assert_eq!(document["ss_date_dim"].is_null(), row[0].is_empty());
        for (column, name) in [
            (1, "ss_sold_time_sk"),
            (2, "ss_item_sk"),
            (3, "ss_customer_sk"),
            (4, "ss_cdemo_sk"),
            (5, "ss_hdemo_sk"),
            (6, "ss_addr_sk"),
            (7, "ss_store_sk"),
            (8, "ss_promo_sk"),
            (9, "ss_ticket_number"),
            (10, "ss_quantity"),
            (11, "ss_wholesale_cost"),
            (12, "ss_list_price"),
            (13, "ss_sales_price"),
            (14, "ss_ext_discount_amt"),
            (15, "ss_ext_sales_price"),
            (16, "ss_ext_wholesale_cost"),
            (17, "ss_ext_list_price"),
            (18, "ss_ext_tax"),
            (19, "ss_coupon_amt"),
            (20, "ss_net_paid"),
            (21, "ss_net_paid_inc_tax"),
            (22, "ss_net_profit"),
        ] {
            assert_same(&document[name], &row[column], name);
        }
    }
    assert!(documents.next().is_none());
}

#[test]
fn money_is_written_digit_for_digit() {
    let (bytes, _) = made(&SALES, 1..=1);
    let text = String::from_utf8(bytes).expect("UTF-8");
    let row = columns(&StoreSalesRowGenerator::new(Session::default(), 240_000).next().expect("a row"));
    let line = text.lines().next().expect("a document");
    assert!(line.contains(&format!("\"ss_list_price\":{},", row[12])), "{}", row[12]);
    assert!(line.contains(&format!("\"ss_net_profit\":{},", row[22])), "{}", row[22]);
}

#[test]
fn ranges_join_to_the_same_bytes_also_over_a_passs_end() {
    let tickets = SALES.tickets_per_pass();
    assert_eq!(tickets, 240_000);
    for (first, cut, last) in
        [(1, 20, 50), (tickets - 10, tickets, tickets + 10), (tickets - 10, tickets + 3, tickets + 10)]
    {
        let (whole, keys) = made(&SALES, first..=last);
        let (mut parts, mut part_keys) = made(&SALES, first..=cut);
        let (second, second_keys) = made(&SALES, cut + 1..=last);
        parts.extend(second);
        part_keys.extend(second_keys);
        assert!(whole == parts, "{first}..={cut}..={last}");
        assert_eq!(keys, part_keys);
        assert!((keys.first().map(|key| key.ticket), keys.last().map(|key| key.ticket)) == (Some(first), Some(last)));
    }
}

#[test]
fn the_next_pass_has_the_same_content_under_new_tickets() {
    let tickets = SALES.tickets_per_pass();
    let (first, second) = (parsed(7..=8), parsed(tickets + 7..=tickets + 8));
    assert_eq!(first.len(), second.len());
    for (mut one, two) in first.into_iter().zip(second) {
        let ticket = one["ss_ticket_number"].as_u64().expect("a ticket");
        one["ss_ticket_number"] = Value::from(ticket + tickets);
        assert_eq!(one, two);
    }
}

#[test]
fn keys_are_the_documents_keys() {
    let tickets = SALES.tickets_per_pass();
    let seeded = StoreSales::new(1, 42);
    for sales in [&*SALES, &seeded] {
        for range in [1..=2000, tickets - 5..=tickets + 500, 200_000..=200_500] {
            let (bytes, keys) = made(sales, range.clone());
            assert_eq!(sales.keys(range).collect::<Vec<_>>(), keys);
            let written: Vec<_> = String::from_utf8(bytes).expect("UTF-8").lines().map(key_of).collect();
            assert_eq!(written, keys);
        }
    }
}

fn key_of(line: &str) -> Key {
    let number = |name: &str| {
        let (_, rest) = line.split_once(name).expect("the key is there");
        rest.split(',').next().and_then(|number| number.parse().ok()).expect("a key is a number")
    };
    Key { ticket: number("\"ss_ticket_number\":"), item: number("\"ss_item_sk\":") }
}

#[test]
fn no_key_repeats_over_two_passes() {
    let tickets = SALES.tickets_per_pass();
    let mut keys: Vec<_> = SALES.keys(1..=2 * tickets).collect();
    let made = keys.len();
    assert!(made > 5_000_000, "{made}");
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), made);
}

#[test]
fn another_scale_keeps_the_promises() {
    let sales = StoreSales::new(2, 0);
    assert!(sales.tickets_per_pass() > SALES.tickets_per_pass());
    let keys: Vec<_> = sales.keys(1..=20_000).collect();
    let distinct: std::collections::HashSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
    let (_, documents) = made(&sales, 1..=50);
    assert_eq!(documents, keys[..documents.len()]);
}

#[test]
fn documents_can_be_made_on_any_thread() {
    let mut documents = SALES.documents(9..=9);
    let elsewhere = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        while documents.next_into(&mut bytes).is_some() {}
        bytes
    });
    assert!(elsewhere.join().expect("a thread makes documents") == made(&SALES, 9..=9).0);
}

#[test]
fn seeds_make_different_documents_and_the_same_seed_the_same() {
    let (one, again, other) = (StoreSales::new(1, 1), StoreSales::new(1, 1), StoreSales::new(1, 2));
    let of = |sales| made(sales, 1..=3).0;
    assert!(of(&one) == of(&again));
    assert!(of(&one) != of(&other));
    assert!(of(&one) != of(&SALES));
}

#[test]
fn empty_ranges_have_no_documents() {
    assert!(made(&SALES, RangeInclusive::new(3, 2)).1.is_empty());
    assert_eq!(SALES.keys(RangeInclusive::new(3, 2)).count(), 0);
}

#[tokio::test]
async fn every_query_answers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("store_sales.json");
    std::fs::write(&path, made(&SALES, 1..=60).0).expect("documents are written");
    let context = SessionContext::new();
    let path = path.to_str().expect("a path in UTF-8");
    context.register_json("store_sales", path, JsonReadOptions::default()).await.expect("documents are a table");
    let queries = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/queries/athena")).expect("queries");
    let mut answered = 0;
    for query in queries {
        let query = query.expect("a query").path();
        if query.is_dir() {
            continue;
        }
        let sql = std::fs::read_to_string(&query).expect("a query's text");
        let frame = context.sql(&sql).await.unwrap_or_else(|error| panic!("{}: {error}", query.display()));
        let batches = frame.collect().await.unwrap_or_else(|error| panic!("{}: {error}", query.display()));
        assert!(batches.iter().any(|batch| batch.num_rows() > 1), "{}", query.display());
        answered += 1;
    }
    assert!(answered >= 5);
}

#[test]
fn the_mean_size_that_specs_count_with_is_true() {
    let (mut documents, mut count, mut out) = (StoreSales::new(1, 0).documents(1..=3_000), 0u64, Vec::new());
    while documents.next_into(&mut out).is_some() {
        count += 1;
    }
    let mean = out.len() as f64 / count as f64;
    let assumed = kinesis_demo::spec::MEAN_DOCUMENT_BYTES as f64;
    assert!((mean / assumed - 1.0).abs() < 0.02, "the mean is {mean:.0} bytes, not {assumed}");
}
