//! Glue and Athena as a caller has them: by the SDK, over the stand-in's port, on objects in its S3.

use aws_sdk_glue::types::{Column, DatabaseInput, PartitionInput, SerDeInfo, StorageDescriptor, TableInput};
use aws_sdk_s3::primitives::ByteStream;
use kinesis_demo::aws::query::{self, QueryError};

use crate::stand_in::Running;

/// A running stand-in with a bucket `lake`, a database `tpcds` and a workgroup `demo`.
struct Lake {
    running: Running,
    s3: aws_sdk_s3::Client,
    glue: aws_sdk_glue::Client,
    athena: aws_sdk_athena::Client,
}

impl Lake {
    async fn new(folder: &std::path::Path) -> Self {
        let lake = Self::over(folder).await;
        lake.s3.create_bucket().bucket("lake").send().await.expect("a bucket");
        let database = DatabaseInput::builder().name("tpcds").build().expect("an input");
        lake.glue.create_database().database_input(database).send().await.expect("a database");
        lake.workgroup("demo", None).await;
        lake
    }

    async fn over(folder: &std::path::Path) -> Self {
        let running = Running::over(folder).await;
        let config = running.config();
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3),
            glue: aws_sdk_glue::Client::new(&config),
            athena: aws_sdk_athena::Client::new(&config),
            running,
        }
    }

    async fn workgroup(&self, name: &str, cutoff: Option<i64>) {
        use aws_sdk_athena::types::{ResultConfiguration, WorkGroupConfiguration};
        let results = ResultConfiguration::builder().output_location("s3://lake/results/").build();
        let configuration = WorkGroupConfiguration::builder()
            .result_configuration(results)
            .enforce_work_group_configuration(true)
            .set_bytes_scanned_cutoff_per_query(cutoff)
            .build();
        self.athena.create_work_group().name(name).configuration(configuration).send().await.expect("a workgroup");
    }

    async fn sales_table(&self) {
        let storage = StorageDescriptor::builder()
            .columns(column("ss_quantity", "bigint"))
            .columns(column("ss_item", "struct<i_category:string>"))
            .location("s3://lake/sales/")
            .serde_info(SerDeInfo::builder().serialization_library("org.openx.data.jsonserde.JsonSerDe").build())
            .build();
        let table = TableInput::builder()
            .name("store_sales")
            .partition_keys(column("year", "string"))
            .storage_descriptor(storage)
            .build()
            .expect("an input");
        self.glue.create_table().database_name("tpcds").table_input(table).send().await.expect("a table");
    }

    async fn partition(&self, year: &str) {
        let location = format!("s3://lake/sales/year={year}/");
        let input = PartitionInput::builder()
            .values(year)
            .storage_descriptor(StorageDescriptor::builder().location(location).build())
            .build();
        let create = self.glue.create_partition().database_name("tpcds").table_name("store_sales");
        create.partition_input(input).send().await.expect("a partition");
    }

    async fn object(&self, key: &str, text: &str) {
        let body = ByteStream::from(text.as_bytes().to_vec());
        self.s3.put_object().bucket("lake").key(key).body(body).send().await.expect("an object");
    }

    async fn run(&self, sql: &str, max_rows: usize) -> Result<query::Answer, QueryError> {
        query::run(&self.athena, "demo", "tpcds", sql, max_rows).await
    }
}

fn column(name: &str, kind: &str) -> Column {
    Column::builder().name(name).r#type(kind).build().expect("a column")
}

fn cells(rows: &[Vec<Option<String>>]) -> Vec<Vec<&str>> {
    rows.iter().map(|row| row.iter().map(|cell| cell.as_deref().unwrap_or("null")).collect()).collect()
}

#[tokio::test]
async fn sql_answers_from_the_objects_of_the_partitions_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = Lake::new(folder.path()).await;
    lake.sales_table().await;
    for year in ["2025", "2026"] {
        lake.partition(year).await;
    }
    let books = "{\"ss_quantity\":2,\"ss_item\":{\"i_category\":\"Books\"}}\n";
    let music = "{\"ss_quantity\":3,\"ss_item\":{\"i_category\":\"Music\"}}\n{\"ss_quantity\":4}\n";
    lake.object("sales/year=2025/a", books).await;
    lake.object("sales/year=2026/a", music).await;
    let sql = "select ss_item.i_category, sum(ss_quantity) as sold from store_sales group by 1 order by 2";
    let answer = lake.run(sql, 100).await.expect("an answer");
    assert_eq!(answer.columns, [("i_category".into(), "varchar".into()), ("sold".into(), "bigint".into())]);
    assert_eq!(cells(&answer.rows), [["Books", "2"], ["Music", "3"], ["null", "4"]]);
    assert_eq!(answer.scanned_bytes, (books.len() + music.len()) as u64);
    let answer = lake.run("select count(*) from store_sales where year = '2026'", 100).await.expect("an answer");
    assert_eq!((cells(&answer.rows), answer.scanned_bytes), (vec![vec!["2"]], music.len() as u64));
    let shown = lake.run("show partitions store_sales", 100).await.expect("an answer");
    assert_eq!(cells(&shown.rows), [["year=2025"], ["year=2026"]], "no header to take away");
    let result = lake.s3.get_object().bucket("lake").key(format!("results/{}.csv", answer.query_id)).send().await;
    let text = result.expect("the result in S3").body.collect().await.expect("its text").into_bytes();
    assert_eq!(text, "\"_col0\"\n\"2\"\n");
    lake.running.stop().await;
}

#[tokio::test]
async fn rows_are_fetched_page_by_page_up_to_the_cap() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = Lake::new(folder.path()).await;
    lake.sales_table().await;
    lake.partition("2026").await;
    let lines: String = (0..1500).map(|n| format!("{{\"ss_quantity\":{n}}}\n")).collect();
    lake.object("sales/year=2026/a", &lines).await;
    let sql = "select ss_quantity from store_sales order by ss_quantity";
    let all = lake.run(sql, 5000).await.expect("an answer");
    assert_eq!((all.rows.len(), all.truncated), (1500, false));
    assert_eq!(all.rows[1499], [Some("1499".to_owned())]);
    let some = lake.run(sql, 1200).await.expect("an answer");
    assert_eq!((some.rows.len(), some.truncated), (1200, true));
    lake.running.stop().await;
}

#[tokio::test]
async fn a_query_that_fails_says_why_and_which() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = Lake::new(folder.path()).await;
    let Err(QueryError::Ended { query_id, state, reason }) = lake.run("select * from nope", 1).await else {
        panic!("an end other than success was expected");
    };
    assert_eq!((query_id.len(), state.as_str()), (36, "FAILED"));
    assert!(reason.contains("'awsdatacatalog.tpcds.nope' does not exist"), "{reason}");
    let refused = query::run(&lake.athena, "no-such-group", "tpcds", "select 1", 1).await.expect_err("refused");
    let text = refused.to_string();
    assert!(text.contains("StartQueryExecution") && text.contains("no-such-group"), "{text}");
    lake.running.stop().await;
}

#[tokio::test]
async fn the_catalog_outlives_the_stand_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = Lake::new(folder.path()).await;
    lake.sales_table().await;
    lake.partition("2026").await;
    lake.object("sales/year=2026/a", "{\"ss_quantity\":5}").await;
    lake.running.stop().await;
    let lake = Lake::over(folder.path()).await;
    let answer = lake.run("select sum(ss_quantity) as sold from store_sales", 1).await.expect("an answer");
    assert_eq!(cells(&answer.rows), [["5"]]);
    lake.running.stop().await;
}
