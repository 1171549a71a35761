//! Compressions, and Parquet.

use std::io::Cursor;

use datafusion::{
    arrow::{
        datatypes::{DataType, Field, Fields, Schema},
        json::ReaderBuilder,
    },
    parquet::arrow::ArrowWriter,
};

use super::*;
use crate::snappy::{Framing, SnappyWriter};

const LINES: &str = "{\"a\":1}\n{\"a\":2}\n";

fn snappy(framing: Framing) -> Vec<u8> {
    let mut writer = SnappyWriter::new(framing);
    writer.write_all(LINES.as_bytes()).expect("memory takes it");
    writer.finish().expect("memory takes it")
}

fn zip() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("one", zip::write::SimpleFileOptions::default()).expect("a file");
    archive.write_all(LINES.as_bytes()).expect("memory takes it");
    archive.finish().expect("memory takes it").into_inner()
}

/// `{"a": …, "s": {"x": …, "y": …}}` as Parquet.
fn parquet(rows: &str) -> Vec<u8> {
    let inner = Fields::from(vec![Field::new("x", DataType::Int32, true), Field::new("y", DataType::Utf8, true)]);
    let fields = vec![Field::new("a", DataType::Int32, true), Field::new("s", DataType::Struct(inner), true)];
    let schema = Arc::new(Schema::new(fields));
    let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), None).expect("a writer");
    for batch in ReaderBuilder::new(schema).build(rows.as_bytes()).expect("a reader") {
        writer.write(&batch.expect("a batch")).expect("written");
    }
    writer.into_inner().expect("an object")
}

async fn lake_of_parquet(columns: &[(&str, &str)]) -> Lake {
    let lake = Lake::new().await;
    let serde = json!({"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"});
    lake.table_of("t", columns, &[("year", "string")], json!({}), serde).await;
    for year in ["2025", "2026"] {
        lake.partition(&[year], &format!("t/year={year}/")).await;
    }
    lake
}

#[tokio::test]
async fn snappy_is_read_in_hadoops_framing_alone() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.object("t/1.snappy", snappy(Framing::Hadoop));
    assert_eq!(lake.value("select count(*), sum(a) from t").await, "2|3");
    lake.object("t/2.snappy", snappy(Framing::Java));
    let reason = lake.reason("select count(*) from t", "FAILED").await;
    assert!(reason.starts_with("HIVE_CURSOR_ERROR: s3://lake/t/2.snappy"), "{reason}");
}

#[tokio::test]
async fn an_archive_is_no_json() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.object("t/1.zip", zip());
    let reason = lake.reason("select count(*) from t", "FAILED").await;
    assert!(reason.starts_with("HIVE_BAD_DATA: s3://lake/t/1.zip") && reason.contains("not a valid JSON"), "{reason}");
}

#[tokio::test]
async fn parquet_is_read_by_name_with_partitions_and_only_the_columns_asked_for() {
    let lake =
        lake_of_parquet(&[("A", "bigint"), ("gone", "double"), ("s", "struct<Y:string,z:bigint,x:bigint>")]).await;
    let rows =
        "{\"a\":1,\"s\":{\"x\":7,\"y\":\"p\"}}\n{\"a\":null,\"s\":null}\n{\"a\":3,\"s\":{\"x\":null,\"y\":\"q\"}}\n";
    let size = lake.object("t/year=2025/1.parquet", parquet(rows));
    lake.object("t/year=2026/1.parquet", parquet("{\"a\":10}\n"));
    assert_eq!(lake.value("select count(*), count(a), sum(a), count(gone) from t").await, "4|3|14|0");
    assert_eq!(lake.value("select s, s.x, s.z, year from t where s.y = 'p'").await, "{y=p, z=null, x=7}|7|null|2025");
    assert_eq!(lake.value("select count(*) from t where s is null").await, "2");
    lake.read();
    let execution = lake.ended("select sum(a) from t where year = '2025'").await;
    assert_eq!(lake.read(), ["t/year=2025/1.parquet"]);
    let scanned = execution["Statistics"]["DataScannedInBytes"].as_u64().expect("a number");
    assert!(0 < scanned && scanned < size / 2, "{scanned} of {size}");
}

#[tokio::test]
async fn parquet_of_another_type_fails_the_query_that_reads_it() {
    let lake = lake_of_parquet(&[("a", "string"), ("s", "struct<x:int>")]).await;
    lake.object("t/year=2025/1.parquet", parquet("{\"a\":1,\"s\":{\"x\":2}}\n"));
    assert_eq!(lake.value("select s.x from t").await, "2");
    let reason = lake.reason("select a from t", "FAILED").await;
    assert!(reason.contains("HIVE_BAD_DATA") && reason.contains("Field a's type Int32"), "{reason}");
    lake.object("t/year=2025/2.parquet", "{\"a\":1}\n");
    let reason = lake.reason("select s.x from t", "FAILED").await;
    assert!(reason.starts_with("HIVE_CURSOR_ERROR: s3://lake/t/year=2025/2.parquet"), "{reason}");
}
