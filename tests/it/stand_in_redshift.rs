//! Redshift on the stand-in, driven by the AWS SDK alone: loaded from a bucket, and by a delivery stream.

use std::{io::Write, time::Duration};

use aws_config::SdkConfig;
use aws_sdk_firehose::types::{
    BufferingHints, CompressionFormat, CopyCommand, DeliveryStreamStatus, RedshiftDestinationConfiguration,
    RedshiftRetryOptions, S3DestinationConfiguration, SecretsManagerConfiguration,
};
use aws_sdk_redshiftdata::types::{Field, StatusString};
use aws_sdk_redshiftserverless::types::WorkgroupStatus;
use demo_formats::schema::{Structs, store_sales};
use demo_workload::store_sales::StoreSales;
use flate2::{Compression, write::GzEncoder};
use tokio::time::{sleep, timeout};

use crate::stand_in::Running;

pub const BUCKET: &str = "lake";
const URL: &str = "jdbc:redshift://demo.000000000000.us-east-1.redshift-serverless.amazonaws.com:5439/dev";
const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
    "Principal": {"Service": "firehose.amazonaws.com"}}]}"#;

/// Rows of text; a null is `None`.
pub type Rows = Vec<Vec<Option<String>>>;

/// The workgroup `demo`, and a bucket to load from.
pub struct Warehouse {
    data: aws_sdk_redshiftdata::Client,
    s3: aws_sdk_s3::Client,
}

impl Warehouse {
    pub fn at(config: &SdkConfig) -> Self {
        let s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(true).build();
        Self { data: aws_sdk_redshiftdata::Client::new(config), s3: aws_sdk_s3::Client::from_conf(s3) }
    }

    /// The bucket is made if it is not there.
    pub async fn of(running: &Running) -> Self {
        let warehouse = Self::at(&running.config());
        if !running.stand_in.s3.exists(BUCKET) {
            warehouse.s3.create_bucket().bucket(BUCKET).send().await.expect("a bucket");
        }
        warehouse
    }

    pub async fn put(&self, key: &str, data: Vec<u8>) {
        self.s3.put_object().bucket(BUCKET).key(key).body(data.into()).send().await.expect("put");
    }

    /// Sends statements as one batch; the rows of the last, or the error.
    pub async fn run(&self, sqls: &[&str]) -> Result<Rows, String> {
        let sent = self.data.batch_execute_statement().workgroup_name("demo").database("dev");
        let sent = sqls.iter().fold(sent, |sent, sql| sent.sqls(*sql)).send().await.expect("taken");
        let id = sent.id().expect("an id").to_owned();
        let wait = async {
            loop {
                let ended = self.data.describe_statement().id(&id).send().await.expect("there");
                match ended.status() {
                    Some(StatusString::Finished) => return Ok(ended.has_result_set() == Some(true)),
                    Some(StatusString::Failed) => return Err(ended.error().expect("an error").to_owned()),
                    _ => sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let has_result = timeout(Duration::from_secs(120), wait).await.expect("it ends")?;
        let last = format!("{id}:{}", sqls.len());
        Ok(if has_result { self.rows(&last).await } else { Rows::new() })
    }

    async fn rows(&self, id: &str) -> Rows {
        let (mut rows, mut token) = (Rows::new(), None);
        loop {
            let page = self.data.get_statement_result().id(id).set_next_token(token);
            let page = page.send().await.expect("a page");
            rows.extend(page.records().iter().map(|record| record.iter().map(text).collect()));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return rows;
            }
        }
    }

    /// Makes the table of the schema's DDL in `schema`, and uploads its jsonpaths.
    pub async fn make_table(&self, schema: &str) {
        let ddl = store_sales().redshift_ddl(&format!("{schema}.streaming_store_sales"), Structs::Varchar);
        self.run(&[&format!("CREATE SCHEMA {schema}"), &ddl]).await.expect("made");
        self.put("paths.json", store_sales().jsonpaths().into_bytes()).await;
    }
}

fn text(field: &Field) -> Option<String> {
    match field {
        Field::LongValue(whole) => Some(whole.to_string()),
        Field::DoubleValue(number) => Some(number.to_string()),
        Field::BooleanValue(truth) => Some(truth.to_string()),
        Field::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

/// The documents of these tickets, one a line.
pub fn documents(tickets: std::ops::RangeInclusive<u64>) -> (Vec<u8>, usize) {
    let mut documents = StoreSales::new(1, 0).documents(tickets);
    let (mut bytes, mut count) = (Vec::new(), 0);
    while documents.next_into(&mut bytes).is_some() {
        count += 1;
    }
    (bytes, count)
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let wait = async {
        while !holds().await {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test]
async fn documents_are_loaded_queried_and_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let warehouse = Warehouse::of(&running).await;
    warehouse.make_table("tpcds").await;
    let (bytes, count) = documents(1..=40);
    warehouse.put("in/1.gz", gzip(&bytes)).await;
    let manifest = r#"{"entries": [{"url": "s3://lake/in/1.gz", "mandatory": true}]}"#;
    warehouse.put("manifest", manifest.into()).await;
    let copy = format!(
        "COPY tpcds.streaming_store_sales ({}) FROM 's3://{BUCKET}/manifest' IAM_ROLE default MANIFEST JSON 's3://{BUCKET}/paths.json' GZIP",
        store_sales().column_list()
    );
    warehouse.run(&[&copy]).await.expect("loaded");
    running.stop().await;

    let running = Running::over(folder.path()).await;
    let warehouse = Warehouse::of(&running).await;
    let counted = warehouse.run(&["SELECT count(*) FROM tpcds.streaming_store_sales"]).await.expect("an answer");
    assert_eq!(counted, [[Some(count.to_string())]]);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/queries/redshift");
    let queries: Vec<_> = std::fs::read_dir(folder).expect("queries").collect();
    assert_eq!(queries.len(), 6);
    for query in queries {
        let query = query.expect("a query").path();
        let sql = std::fs::read_to_string(&query).expect("a query's text");
        let rows = warehouse.run(&["SET search_path TO tpcds", &sql]).await;
        let rows = rows.unwrap_or_else(|error| panic!("{}: {error}", query.display()));
        assert!(rows.len() > 1, "{}: {rows:?}", query.display());
    }
    running.stop().await;
}

#[tokio::test]
async fn a_workgroup_and_a_secret_are_made_by_the_sdk() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let serverless = aws_sdk_redshiftserverless::Client::new(&running.config());
    let secrets = aws_sdk_secretsmanager::Client::new(&running.config());
    let namespace = serverless.create_namespace().namespace_name("own").manage_admin_password(true);
    let namespace = namespace.send().await.expect("created").namespace.expect("it is answered");
    let secret = namespace.admin_password_secret_arn().expect("a secret");
    let value = secrets.get_secret_value().secret_id(secret).send().await.expect("there");
    assert!(value.secret_string().is_some_and(|value| value.contains("\"username\":\"admin\"")));
    let create = serverless.create_workgroup().workgroup_name("own").namespace_name("own").base_capacity(8);
    create.send().await.expect("created");
    until("it is AVAILABLE", async || {
        let got = serverless.get_workgroup().workgroup_name("own").send().await.expect("there");
        got.workgroup().is_some_and(|workgroup| *workgroup.status().expect("a status") == WorkgroupStatus::Available)
    })
    .await;
    let taken = serverless.create_namespace().namespace_name("own").send().await.expect_err("taken");
    assert!(taken.into_service_error().is_conflict_exception());
    let none = serverless.get_workgroup().workgroup_name("none").send().await.expect_err("not there");
    assert!(none.into_service_error().is_resource_not_found_exception());
    let data = aws_sdk_redshiftdata::Client::new(&running.config());
    let refused = data.execute_statement().workgroup_name("none").database("dev").sql("SELECT 1").send().await;
    assert!(refused.expect_err("refused").into_service_error().is_validation_exception());
    running.stop().await;
}

/// A delivery stream of direct puts into `tpcds.streaming_store_sales`, its role made too.
async fn deliver(running: &Running, url: &str, options: &str, seconds: i32) -> aws_sdk_firehose::Client {
    let firehose = aws_sdk_firehose::Client::new(&running.config());
    let role = aws_sdk_iam::Client::new(&running.config()).create_role().role_name("delivery");
    let role = role.assume_role_policy_document(TRUST).send().await.expect("a role");
    let role = role.role().expect("it is answered").arn().to_owned();
    let copy = CopyCommand::builder()
        .data_table_name("tpcds.streaming_store_sales")
        .data_table_columns(store_sales().column_list());
    let intermediate = S3DestinationConfiguration::builder()
        .role_arn(&role)
        .bucket_arn(format!("arn:aws:s3:::{BUCKET}"))
        .prefix("inter/")
        .compression_format(CompressionFormat::Gzip)
        .buffering_hints(BufferingHints::builder().size_in_mbs(1).interval_in_seconds(1).build());
    let secret = SecretsManagerConfiguration::builder().enabled(true).secret_arn("demo/redshift");
    let destination = RedshiftDestinationConfiguration::builder()
        .role_arn(&role)
        .cluster_jdbcurl(url)
        .copy_command(copy.copy_options(options).build().expect("a command"))
        .retry_options(RedshiftRetryOptions::builder().duration_in_seconds(seconds).build())
        .s3_configuration(intermediate.build().expect("a destination"))
        .secrets_manager_configuration(secret.build().expect("a configuration"));
    let create = firehose.create_delivery_stream().delivery_stream_name("sales");
    create
        .redshift_destination_configuration(destination.build().expect("a destination"))
        .send()
        .await
        .expect("created");
    until("it is ACTIVE", async || {
        let described = firehose.describe_delivery_stream().delivery_stream_name("sales").send().await.expect("there");
        *described.delivery_stream_description().expect("a description").delivery_stream_status()
            == DeliveryStreamStatus::Active
    })
    .await;
    firehose
}

async fn send(firehose: &aws_sdk_firehose::Client, bytes: &[u8]) {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    for lines in lines.chunks(100) {
        let record = |line: &&[u8]| aws_sdk_firehose::types::Record::builder().data(line.to_vec().into()).build();
        let records = lines.iter().map(record).collect::<Result<_, _>>().expect("records");
        let put = firehose.put_record_batch().delivery_stream_name("sales").set_records(Some(records));
        assert_eq!(put.send().await.expect("taken").failed_put_count(), 0);
    }
}

#[tokio::test]
async fn a_delivery_stream_loads_redshift_and_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let warehouse = Warehouse::of(&running).await;
    warehouse.make_table("tpcds").await;
    let firehose = deliver(&running, URL, "FORMAT JSON 's3://lake/paths.json' GZIP COMPUPDATE OFF", 60).await;
    let described = firehose.describe_delivery_stream().delivery_stream_name("sales").send().await.expect("there");
    let described = described.delivery_stream_description.expect("a description");
    let shown = described.destinations()[0].redshift_destination_description().expect("a Redshift destination");
    assert_eq!(shown.cluster_jdbcurl(), URL);
    assert_eq!(shown.s3_destination_description().and_then(|s3| s3.prefix()), Some("inter/"));

    let (first, first_count) = documents(1..=20);
    send(&firehose, &first).await;
    running.stop().await;
    let running = Running::over(folder.path()).await;
    let firehose = aws_sdk_firehose::Client::new(&running.config());
    let (second, second_count) = documents(21..=40);
    send(&firehose, &second).await;
    until("all is loaded", async || running.stand_in.firehose.is_caught_up("sales").expect("it is there")).await;
    let warehouse = Warehouse::of(&running).await;
    let sql =
        "SELECT count(*), count(DISTINCT ss_ticket_number * 100000 + ss_item_sk) FROM tpcds.streaming_store_sales";
    let all = Some((first_count + second_count).to_string());
    assert_eq!(warehouse.run(&[sql]).await.expect("an answer"), [[all.clone(), all]]);
    let errors = running.stand_in.s3.list(BUCKET, "errors/").await.expect("listed");
    assert!(errors.is_empty(), "{errors:?}");
    running.stop().await;
}

#[tokio::test]
async fn what_redshift_does_not_take_leaves_a_manifest() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let warehouse = Warehouse::of(&running).await;
    warehouse.make_table("tpcds").await;
    let firehose = deliver(&running, URL, "JSON 's3://lake/paths.json' GZIP", 0).await;
    send(&firehose, b"{\"ss_ticket_number\": \"seven\"}\n").await;
    until("it is given up", async || running.stand_in.firehose.is_caught_up("sales").expect("it is there")).await;
    let errors = running.stand_in.s3.list(BUCKET, "errors/manifests/").await.expect("listed");
    assert_eq!(errors.len(), 1, "{errors:?}");
    let manifest = running.stand_in.s3.get(BUCKET, &errors[0].key).await.expect("a manifest");
    assert!(String::from_utf8_lossy(&manifest).contains("s3://lake/inter/"));
    let sql = "SELECT column_name, error_code FROM sys_load_error_detail";
    let told = [[Some("ss_ticket_number".to_owned()), Some("1207".to_owned())]];
    assert_eq!(warehouse.run(&[sql]).await.expect("an answer"), told);

    let (good, count) = documents(1..=5);
    send(&firehose, &good).await;
    until("the next is loaded", async || {
        let counted = warehouse.run(&["SELECT count(*) FROM tpcds.streaming_store_sales"]).await.expect("an answer");
        counted == [[Some(count.to_string())]]
    })
    .await;
    running.stop().await;
}
