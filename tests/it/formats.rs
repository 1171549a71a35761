//! Deliveries to S3 in every format, stood up by the product against the stand-in, and read again from the objects and by
//! SQL.

use std::{
    io::BufRead,
    path::Path,
    time::{Duration, Instant},
};

use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use demo_formats::prefix::{Prefix, Use};
use demo_workload::store_sales::StoreSales;
use kinesis_demo::{
    aws::{Clients, Names, partitions, query},
    deliveries::s3::{Partitions, S3Delivery},
    engine::{Action, Cancel, Home},
    pipeline::lifecycle,
    spec::{Buffer, Compression, FieldPath, Format, Name, Stack},
    verify::{contents, sql::Table},
};

use crate::{
    lifecycle::{materials, store_sales},
    stand_in::Running,
};

const BY_CATEGORY: &str = "sales/year=!{timestamp:yyyy}/category=!{partitionKeyFromQuery:category}/";
const PATIENCE: Duration = Duration::from_secs(60);

/// A stack with one delivery to S3 that is up.
struct Delivered {
    clients: Clients,
    names: Names,
    table: Option<Table>,
    prefix: String,
    sent: usize,
}

fn stack(name: &str, change: impl FnOnce(&mut S3Delivery)) -> Stack {
    let mut stack = store_sales();
    stack.name = name.to_owned();
    stack.stream.name = Name::Stem(name.to_owned());
    let s3 = stack.deliver.s3.as_mut().expect("a delivery");
    s3.bucket = Name::Stem(name.to_owned());
    s3.buffer = Buffer { mib: 64, interval: Duration::from_secs(0) };
    change(s3);
    stack
}

fn by_category(s3: &mut S3Delivery) {
    s3.prefix = Prefix::parse(BY_CATEGORY, Use::Data).expect("a prefix");
    s3.prefix_text = BY_CATEGORY.to_owned();
    s3.buffer.interval = Duration::from_secs(1);
    s3.partition_by = [("category".to_owned(), FieldPath(vec!["ss_item".into(), "i_category".into()]))].into();
}

fn documents(tickets: u64) -> Vec<Vec<u8>> {
    let mut rendered = StoreSales::new(1, 7).documents(1..=tickets);
    let next = || {
        let mut document = Vec::new();
        rendered.next_into(&mut document).map(|_| document)
    };
    std::iter::from_fn(next).collect()
}

impl Delivered {
    /// Stands the stack up, twice, which must change nothing; sends the documents and waits until they are in S3.
    async fn of(running: &Running, home: &Path, stack: &Stack, documents: &[Vec<u8>]) -> Self {
        let home = Home::at(home).expect("a home");
        let clients = Clients::connect(running.place()).await;
        let journal = lifecycle::open(&home, stack, serde_json::json!({}), &clients).await.expect("opened");
        let (materials, cancel) = (materials(), Cancel::new());
        lifecycle::up(&journal, stack, &materials, &clients, &(), &cancel).await.expect("up");
        let planned =
            lifecycle::plan(stack, journal.id(), &journal.state(), &materials, &clients).await.expect("a plan");
        assert!(planned.iter().all(|step| step.action == Action::Keep), "{planned:#?}");
        let s3 = stack.deliver.s3.as_ref().expect("a delivery");
        let (prefix, sent) = (s3.prefix.fixed().to_owned(), documents.len());
        let table = s3.names(journal.id()).table;
        let delivered = Self { names: Names::of(stack, journal.id()), table, clients, prefix, sent };
        delivered.send(documents).await;
        delivered
    }

    /// In batches; what the shards do not take is sent again.
    async fn send(&self, documents: &[Vec<u8>]) {
        let mut left: Vec<&Vec<u8>> = documents.iter().collect();
        while !left.is_empty() {
            let batch: Vec<&Vec<u8>> = left.drain(..left.len().min(100)).collect();
            let entry = |(number, document): (usize, &&Vec<u8>)| {
                let entry = PutRecordsRequestEntry::builder().partition_key(number.to_string());
                entry.data(document.to_vec().into()).build().expect("an entry")
            };
            let entries = batch.iter().enumerate().map(entry).collect();
            let put = self.clients.kinesis.put_records().stream_name(&self.names.stream).set_records(Some(entries));
            let answers = put.send().await.expect("answered").records;
            left.extend(batch.into_iter().zip(answers).filter(|(_, to)| to.error_code.is_some()).map(|(d, _)| d));
        }
    }

    fn bucket(&self) -> &str {
        self.names.bucket.as_deref().expect("a bucket")
    }

    async fn keys(&self) -> Vec<String> {
        let list = self.clients.s3.list_objects_v2().bucket(self.bucket()).prefix(&self.prefix);
        let objects = list.into_paginator().send().collect::<Result<Vec<_>, _>>().await.expect("a listing");
        let objects = objects.into_iter().flat_map(|page| page.contents.unwrap_or_default());
        objects.filter_map(|object| object.key).collect()
    }

    /// The lines of every object, once there are as many as were sent; sorted.
    async fn lines(&self, key: &[FieldPath]) -> Vec<String> {
        let start = Instant::now();
        loop {
            let mut lines = Vec::new();
            for object in self.keys().await {
                let got = self.clients.s3.get_object().bucket(self.bucket()).key(&object).send().await.expect("got");
                let data = got.body.collect().await.expect("its data").into_bytes();
                let text = contents::lines(data, key).expect("readable");
                lines.extend(text.lines().collect::<Result<Vec<_>, _>>().expect("text"));
            }
            if lines.len() >= self.sent {
                lines.sort();
                return lines;
            }
            assert!(start.elapsed() < PATIENCE, "{} of {} landed", lines.len(), self.sent);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn register(&self) -> Vec<Vec<String>> {
        let Table { database, table, .. } = self.table.as_ref().expect("a catalog");
        partitions::register(&self.clients.glue, &self.clients.s3, database, table).await.expect("registered")
    }

    async fn sql(&self, sql: &str) -> query::Answer {
        let Table { workgroup, database, .. } = self.table.as_ref().expect("a catalog");
        query::run(&self.clients.athena, workgroup, database, sql, 10_000).await.expect(sql)
    }
}

fn key() -> [FieldPath; 2] {
    ["ss_ticket_number", "ss_item_sk"].map(|field| FieldPath(vec![field.to_owned()]))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_compression_is_written_and_read_again() {
    let (folder, home) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let running = Running::over(folder.path()).await;
    let documents = documents(5);
    let mut expected: Vec<String> =
        documents.iter().map(|document| String::from_utf8_lossy(document.trim_ascii_end()).into_owned()).collect();
    expected.sort();
    for (name, compression, extension, catalog) in [
        ("plain", Compression::None, "", true),
        ("gzip", Compression::Gzip, ".gz", true),
        ("zip", Compression::Zip, ".zip", false),
        ("snappy", Compression::Snappy, ".snappy", false),
        ("hadoop", Compression::HadoopSnappy, ".snappy", true),
    ] {
        let stack = stack(name, |s3| {
            s3.compression = compression;
            s3.catalog = s3.catalog.take().filter(|_| catalog);
        });
        let delivered = Delivered::of(&running, home.path(), &stack, &documents).await;
        assert_eq!(delivered.lines(&[]).await, expected, "{name}");
        assert!(delivered.keys().await.iter().all(|key| key.ends_with(extension)), "{name}");
        if catalog {
            assert_eq!(delivered.register().await.len(), 1, "{name}");
            let answer = delivered.sql("SELECT count(*) FROM store_sales").await;
            assert_eq!(answer.rows, [[Some(documents.len().to_string())]], "{name}");
        }
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_over_parquet_answers_as_over_json() {
    const QUERIES: [&str; 5] = [
        "SELECT count(*), sum(ss_quantity), sum(CAST(ss_net_profit AS decimal(18, 2))), count(ss_customer_sk), count(ss_customer) FROM store_sales",
        "SELECT ss_item.i_category, count(*), max(ss_sales_price), count(ss_item) FROM store_sales GROUP BY 1",
        "SELECT ss_customer.c_current_address.ca_state, ss_promotion.p_item.i_brand_id, ss_ticket_number FROM store_sales",
        "SELECT count(*) FROM store_sales WHERE ss_customer IS NULL OR ss_promotion.p_end_date IS NULL",
        "SELECT * FROM store_sales",
    ];
    let (folder, home) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let running = Running::over(folder.path()).await;
    let documents = documents(30);
    let json = stack("json", |_| ());
    let json = Delivered::of(&running, home.path(), &json, &documents).await;
    let parquet = stack("parquet", |s3| {
        s3.format = Format::Parquet;
        s3.compression = Compression::Snappy;
    });
    let parquet = Delivered::of(&running, home.path(), &parquet, &documents).await;
    let (from_json, from_parquet) = (json.lines(&[]).await, parquet.lines(&key()).await);
    assert_eq!((from_json.len(), from_parquet.len()), (documents.len(), documents.len()));
    let mut keys: Vec<String> = from_json.iter().map(|line| key_line(line)).collect();
    let mut parquet_keys: Vec<String> = from_parquet.iter().map(|line| key_line(line)).collect();
    keys.sort();
    parquet_keys.sort();
    assert_eq!(parquet_keys, keys);
    assert!(parquet.keys().await.iter().all(|key| key.ends_with(".parquet")));
    json.register().await;
    parquet.register().await;
    for sql in QUERIES {
        let (mut expected, mut answer) = (json.sql(sql).await, parquet.sql(sql).await);
        expected.rows.sort();
        answer.rows.sort();
        assert!(!expected.rows.is_empty());
        assert_eq!((answer.columns, answer.rows), (expected.columns, expected.rows), "{sql}");
    }
    let (whole, column) = (json.sql(QUERIES[4]).await, parquet.sql("SELECT sum(ss_quantity) FROM store_sales").await);
    assert!(column.scanned_bytes < whole.scanned_bytes / 10, "{} of {}", column.scanned_bytes, whole.scanned_bytes);
    running.stop().await;
}

fn key_line(line: &str) -> String {
    let document: serde_json::Value = serde_json::from_str(line).expect("JSON");
    format!("{} {}", document["ss_ticket_number"], document["ss_item_sk"])
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_lie_by_their_values_and_the_table_knows_them() {
    let (folder, home) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let running = Running::over(folder.path()).await;
    let mut documents = documents(20);
    let odd = r#"{"ss_ticket_number":9001,"ss_item_sk":1,"ss_item":{"i_category":"Home/Garden & \"Ünique\" 100%"}}"#;
    let none = r#"{"ss_ticket_number":9002,"ss_item_sk":1,"ss_item":null}"#;
    documents.extend([odd, none].map(|document| format!("{document}\n").into_bytes()));
    for (name, format) in [("by-value", Format::Json), ("by-value-parquet", Format::Parquet)] {
        let stack = stack(name, |s3| {
            by_category(s3);
            s3.format = format;
        });
        let delivered = Delivered::of(&running, home.path(), &stack, &documents).await;
        assert_eq!(delivered.lines(&key()).await.len(), documents.len());
        assert!(delivered.register().await.len() > 3);
        assert!(delivered.register().await.is_empty());
        let differing = "SELECT count(*) FROM store_sales WHERE category <> coalesce(ss_item.i_category, 'none')";
        assert_eq!(delivered.sql(differing).await.rows, [[Some("0".to_owned())]]);
        let all = delivered.sql("SELECT count(*), count(DISTINCT category) FROM store_sales").await;
        assert_eq!(all.rows[0][0], Some(documents.len().to_string()));
        let odd = "SELECT ss_ticket_number FROM store_sales WHERE category = 'Home/Garden & \"Ünique\" 100%'";
        assert_eq!(delivered.sql(odd).await.rows, [[Some("9001".to_owned())]]);
        let none = "SELECT ss_ticket_number FROM store_sales WHERE category = 'none' AND ss_ticket_number > 9000";
        assert_eq!(delivered.sql(none).await.rows, [[Some("9002".to_owned())]]);
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_partitions_reads_everything_under_its_prefix() {
    let (folder, home) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let running = Running::over(folder.path()).await;
    let documents = documents(5);
    for (name, format) in [("whole", Format::Json), ("whole-parquet", Format::Parquet)] {
        let stack = stack(name, |s3| {
            s3.format = format;
            s3.catalog.as_mut().expect("a catalog").partitions = Partitions::None;
        });
        let delivered = Delivered::of(&running, home.path(), &stack, &documents).await;
        assert_eq!(delivered.lines(&key()).await.len(), documents.len());
        let counted = delivered.sql("SELECT count(*) FROM store_sales").await;
        assert_eq!(counted.rows, [[Some(documents.len().to_string())]]);
        let Table { database, table, .. } = delivered.table.as_ref().expect("a catalog");
        let table = delivered.clients.glue.get_table().database_name(database).name(table);
        let table = table.send().await.expect("a table").table.expect("it is answered");
        assert!(table.partition_keys().is_empty());
    }
    running.stop().await;
}
