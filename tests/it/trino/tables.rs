//! The documents that both read: `orders.jsonl` and `customers.jsonl`, here in S3 with a Glue table, there in memory.

use std::path::Path;

use aws_sdk_glue::types::{Column, DatabaseInput, SerDeInfo, StorageDescriptor, TableInput};
use aws_sdk_s3::primitives::ByteStream;

use crate::stand_in::Running;

pub const DATABASE: &str = "shop";
pub const WORKGROUP: &str = "demo";

struct Table {
    name: &'static str,
    /// Name and Hive type.
    columns: &'static [(&'static str, &'static str)],
    documents: &'static str,
}

const TABLES: [Table; 2] = [
    Table {
        name: "orders",
        columns: &[
            ("order_id", "bigint"),
            (
                "customer",
                "struct<id:int,name:string,address:struct<city:string,country:string,zip:string>,tags:array<string>>",
            ),
            ("lines", "array<struct<sku:string,qty:int,price:double,discounts:array<double>>>"),
            ("attributes", "map<string,string>"),
            ("scores", "map<string,int>"),
            ("status", "string"),
            ("amount", "decimal(10,2)"),
            ("paid", "boolean"),
            ("rate", "double"),
            ("placed", "timestamp"),
            ("day", "date"),
            ("note", "string"),
            ("quantity", "int"),
            ("small", "smallint"),
        ],
        documents: include_str!("orders.jsonl"),
    },
    Table {
        name: "customers",
        columns: &[("id", "int"), ("name", "string"), ("since", "date"), ("level", "string")],
        documents: include_str!("customers.jsonl"),
    },
];

/// A stand-in with the tables, and a client of its Athena.
pub struct Lake {
    _running: Running,
    pub athena: aws_sdk_athena::Client,
}

impl Lake {
    pub async fn new(folder: &Path) -> Self {
        let running = Running::over(folder).await;
        let config = running.config();
        let s3 =
            aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build());
        let glue = aws_sdk_glue::Client::new(&config);
        s3.create_bucket().bucket("lake").send().await.expect("a bucket");
        let database = DatabaseInput::builder().name(DATABASE).build().expect("an input");
        glue.create_database().database_input(database).send().await.expect("a database");
        for table in &TABLES {
            let body = ByteStream::from_static(table.documents.as_bytes());
            s3.put_object()
                .bucket("lake")
                .key(format!("{}/documents.json", table.name))
                .body(body)
                .send()
                .await
                .expect("an object");
            glue.create_table().database_name(DATABASE).table_input(input(table)).send().await.expect("a table");
        }
        let athena = aws_sdk_athena::Client::new(&config);
        workgroup(&athena).await;
        Self { _running: running, athena }
    }
}

async fn workgroup(athena: &aws_sdk_athena::Client) {
    use aws_sdk_athena::types::{ResultConfiguration, WorkGroupConfiguration};
    let results = ResultConfiguration::builder().output_location("s3://lake/results/").build();
    let configuration = WorkGroupConfiguration::builder().result_configuration(results).build();
    athena.create_work_group().name(WORKGROUP).configuration(configuration).send().await.expect("a workgroup");
}

fn input(table: &Table) -> TableInput {
    let column = |(name, kind): &(&str, &str)| Column::builder().name(*name).r#type(*kind).build().expect("a column");
    let storage = StorageDescriptor::builder()
        .set_columns(Some(table.columns.iter().map(column).collect()))
        .location(format!("s3://lake/{}/", table.name))
        .serde_info(SerDeInfo::builder().serialization_library("org.openx.data.jsonserde.JsonSerDe").build())
        .build();
    TableInput::builder().name(table.name).storage_descriptor(storage).build().expect("an input")
}

/// The statements that make the tables in Trino, of the same documents.
pub fn statements() -> Vec<String> {
    TABLES.iter().map(statement).collect()
}

fn statement(table: &Table) -> String {
    let is_of_time = |kind: &str| ["timestamp", "date"].contains(&kind);
    let read = |(name, kind): &(&str, &str)| match *kind {
        kind if is_of_time(kind) => format!("{name} varchar"),
        kind => format!("{name} {}", trino(kind)),
    };
    let brought = |(name, kind): &(&str, &str)| match *kind {
        "timestamp" => format!("CAST(d.{name} AS timestamp(3)) AS {name}"),
        "date" => format!("CAST(d.{name} AS date) AS {name}"),
        _ => format!("d.{name} AS {name}"),
    };
    let documents = table.documents.lines().map(|line| format!("'{}'", line.replace('\'', "''")));
    let (read, brought, documents) = (
        table.columns.iter().map(read).collect::<Vec<_>>().join(", "),
        table.columns.iter().map(brought).collect::<Vec<_>>().join(", "),
        documents.collect::<Vec<_>>().join(", "),
    );
    let name = table.name;
    format!(
        "CREATE TABLE {name} AS SELECT {brought} FROM (SELECT CAST(json_parse(j) AS ROW({read})) AS d FROM (VALUES {documents}) AS t(j))"
    )
}

/// A Hive type as Trino writes it.
fn trino(hive: &str) -> String {
    let named = hive.replace(':', " ").replace("string", "varchar").replace("struct<", "row(");
    named.replace("array<", "array(").replace("map<", "map(").replace('>', ")")
}
