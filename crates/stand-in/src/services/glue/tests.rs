use serde_json::{Value, json};

use super::*;
use crate::service::ask;

struct Fixture {
    folder: tempfile::TempDir,
    glue: Arc<Glue>,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let glue = Glue::open(folder.path()).expect("a catalog");
        Self { folder, glue }
    }

    async fn with_table() -> Self {
        let fixture = Self::new();
        fixture.ok("CreateDatabase", json!({"DatabaseInput": {"Name": "TPCDS"}})).await;
        fixture.ok("CreateTable", json!({"DatabaseName": "tpcds", "TableInput": table_input("Sales")})).await;
        fixture
    }

    async fn try_call(&self, operation: &str, request: Value) -> Result<Value, ServiceError> {
        let answer = ask(&self.glue, operation, request.to_string()).await?;
        Ok(serde_json::from_slice(&answer).expect("an answer in JSON"))
    }

    async fn ok(&self, operation: &str, request: Value) -> Value {
        self.try_call(operation, request).await.expect(operation)
    }

    async fn refused(&self, operation: &str, request: Value) -> &'static str {
        self.try_call(operation, request).await.expect_err(operation).code
    }

    fn reopen(self) -> Self {
        let Self { folder, glue } = self;
        drop(glue);
        let glue = Glue::open(folder.path()).expect("a catalog");
        Self { folder, glue }
    }
}

fn table_input(name: &str) -> Value {
    json!({
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "json", "owner.stack": "a"},
        "PartitionKeys": [{"Name": "year", "Type": "int"}, {"Name": "month", "Type": "string"}],
        "StorageDescriptor": {
            "Columns": [{"Name": "A", "Type": "bigint"}, {"Name": "b", "Type": "struct<c:string>", "Comment": "x"}],
            "Location": "s3://bucket/sales/",
            "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe", "Parameters": {"p": "q"}},
        },
    })
}

fn partition(year: &str, month: &str) -> Value {
    json!({"Values": [year, month], "StorageDescriptor": {"Location": format!("s3://bucket/sales/year={year}/month={month}/")}})
}

fn in_table(more: Value) -> Value {
    let mut request = json!({"DatabaseName": "tpcds", "TableName": "sales"});
    let (object, more) = (request.as_object_mut().expect("an object"), more);
    object.extend(more.as_object().expect("an object").clone());
    request
}

async fn months(fixture: &Fixture, expression: &str) -> Vec<String> {
    let found = fixture.ok("GetPartitions", in_table(json!({"Expression": expression}))).await;
    let text = |partition: &Value| {
        format!("{}-{}", partition["Values"][0].as_str().expect("text"), partition["Values"][1].as_str().expect("text"))
    };
    found["Partitions"].as_array().expect("partitions").iter().map(text).collect()
}

#[tokio::test]
async fn databases_are_folded_to_lower_case_tagged_and_kept() {
    let fixture = Fixture::new();
    let create = json!({"DatabaseInput": {"Name": "TpcDs", "Description": "d"}, "Tags": {"stack": "a"}});
    fixture.ok("CreateDatabase", create.clone()).await;
    assert_eq!(fixture.refused("CreateDatabase", create).await, "AlreadyExistsException");
    let arn = "arn:aws:glue:us-east-1:000000000000:database/tpcds";
    fixture.ok("TagResource", json!({"ResourceArn": arn, "TagsToAdd": {"owner": "b"}})).await;
    fixture.ok("UntagResource", json!({"ResourceArn": arn, "TagsToRemove": ["stack"]})).await;
    let fixture = fixture.reopen();
    assert_eq!(fixture.ok("GetTags", json!({"ResourceArn": arn})).await, json!({"Tags": {"owner": "b"}}));
    let database = fixture.ok("GetDatabase", json!({"Name": "TPCDS"})).await;
    assert_eq!(database["Database"]["Name"], "tpcds");
    assert_eq!(database["Database"]["Description"], "d");
    let table_arn = "arn:aws:glue:us-east-1:000000000000:table/tpcds/sales";
    assert_eq!(
        fixture.refused("TagResource", json!({"ResourceArn": table_arn, "TagsToAdd": {}})).await,
        "InvalidInputException"
    );
    assert_eq!(fixture.refused("GetDatabase", json!({"Name": "nope"})).await, "EntityNotFoundException");
    assert_eq!(fixture.refused("CreateDatabase", json!({"DatabaseInput": {}})).await, "InvalidInputException");
}

#[tokio::test]
async fn listings_come_in_pages() {
    let fixture = Fixture::new();
    for name in ["a", "b", "c"] {
        fixture.ok("CreateDatabase", json!({"DatabaseInput": {"Name": name}})).await;
    }
    let first = fixture.ok("GetDatabases", json!({"MaxResults": 2})).await;
    assert_eq!(first["DatabaseList"].as_array().map(Vec::len), Some(2));
    let second = fixture.ok("GetDatabases", json!({"NextToken": first["NextToken"]})).await;
    assert_eq!(second["DatabaseList"][0]["Name"], "c");
    assert_eq!(second.get("NextToken"), None);
}

#[tokio::test]
async fn a_table_comes_back_as_it_was_given() {
    let fixture = Fixture::with_table().await.reopen();
    let table = fixture.ok("GetTable", json!({"DatabaseName": "Tpcds", "Name": "SALES"})).await["Table"].clone();
    for key in ["TableType", "Parameters", "PartitionKeys", "StorageDescriptor"] {
        assert_eq!(table[key], table_input("")[key], "{key}");
    }
    assert_eq!((table["Name"].as_str(), table["VersionId"].as_str()), (Some("sales"), Some("0")));
    let info = fixture.glue.table("tpcds", "Sales").expect("a table");
    assert_eq!(info.columns[0], ("a".to_owned(), "bigint".to_owned()));
    assert_eq!(info.partition_keys[1], ("month".to_owned(), "string".to_owned()));
    assert_eq!(info.serde_parameters["p"], "q");
    let mut changed = table_input("sales");
    changed["Parameters"] = json!({"new": "yes"});
    fixture.ok("UpdateTable", json!({"DatabaseName": "tpcds", "TableInput": changed})).await;
    let table = fixture.ok("GetTable", json!({"DatabaseName": "tpcds", "Name": "sales"})).await["Table"].clone();
    assert_eq!((table["VersionId"].as_str(), &table["Parameters"]), (Some("1"), &json!({"new": "yes"})));
}

#[tokio::test]
async fn tables_are_found_by_expression_and_go_with_their_database() {
    let fixture = Fixture::with_table().await;
    fixture.ok("CreateTable", json!({"DatabaseName": "tpcds", "TableInput": table_input("returns")})).await;
    assert_eq!(
        fixture.refused("CreateTable", json!({"DatabaseName": "tpcds", "TableInput": table_input("RETURNS")})).await,
        "AlreadyExistsException"
    );
    assert_eq!(
        fixture.refused("CreateTable", json!({"DatabaseName": "nope", "TableInput": table_input("t")})).await,
        "EntityNotFoundException"
    );
    let found = fixture.ok("GetTables", json!({"DatabaseName": "tpcds", "Expression": "sa.*"})).await;
    assert_eq!(found["TableList"].as_array().map(Vec::len), Some(1));
    let gone =
        fixture.ok("BatchDeleteTable", json!({"DatabaseName": "tpcds", "TablesToDelete": ["returns", "nope"]})).await;
    assert_eq!(gone["Errors"][0]["TableName"], "nope");
    assert_eq!(gone["Errors"][0]["ErrorDetail"]["ErrorCode"], "EntityNotFoundException");
    fixture.ok("DeleteDatabase", json!({"Name": "tpcds"})).await;
    fixture.ok("CreateDatabase", json!({"DatabaseInput": {"Name": "tpcds"}})).await;
    let fixture = fixture.reopen();
    assert_eq!(fixture.glue.table_names("tpcds"), Some(vec![]));
}

#[tokio::test]
async fn batches_answer_for_each_partition() {
    let fixture = Fixture::with_table().await;
    let list = json!([partition("2026", "01"), partition("2026", "02")]);
    let made = fixture.ok("BatchCreatePartition", in_table(json!({"PartitionInputList": list}))).await;
    assert_eq!(made["Errors"], json!([]));
    let list = json!([partition("2026", "02"), partition("2026", "03")]);
    let made = fixture.ok("BatchCreatePartition", in_table(json!({"PartitionInputList": list}))).await;
    assert_eq!(made["Errors"][0]["PartitionValues"], json!(["2026", "02"]));
    assert_eq!(made["Errors"][0]["ErrorDetail"]["ErrorCode"], "AlreadyExistsException");
    let many: Vec<_> = (0..101).map(|year| partition(&year.to_string(), "01")).collect();
    let refused = fixture.refused("BatchCreatePartition", in_table(json!({"PartitionInputList": many}))).await;
    assert_eq!(refused, "InvalidInputException");
    let many: Vec<_> = (0..26).map(|year| json!({"Values": [year.to_string(), "01"]})).collect();
    let refused = fixture.refused("BatchDeletePartition", in_table(json!({"PartitionsToDelete": many}))).await;
    assert_eq!(refused, "InvalidInputException");
    let two = json!([{"Values": ["2026", "01"]}, {"Values": ["1999", "01"]}]);
    let got = fixture.ok("BatchGetPartition", in_table(json!({"PartitionsToGet": two}))).await;
    assert_eq!(got["Partitions"].as_array().map(Vec::len), Some(1));
    let gone = fixture.ok("BatchDeletePartition", in_table(json!({"PartitionsToDelete": two}))).await;
    assert_eq!(gone["Errors"][0]["PartitionValues"], json!(["1999", "01"]));
    assert_eq!(gone["Errors"].as_array().map(Vec::len), Some(1));
    assert_eq!(months(&fixture.reopen(), "").await, ["2026-02", "2026-03"]);
}

#[tokio::test]
async fn a_partition_is_made_changed_and_removed() {
    let fixture = Fixture::with_table().await;
    fixture.ok("CreatePartition", in_table(json!({"PartitionInput": partition("2026", "01")}))).await;
    let again = fixture.refused("CreatePartition", in_table(json!({"PartitionInput": partition("2026", "01")}))).await;
    assert_eq!(again, "AlreadyExistsException");
    let short = fixture.refused("CreatePartition", in_table(json!({"PartitionInput": {"Values": ["2026"]}}))).await;
    assert_eq!(short, "InvalidInputException");
    let update = json!({"PartitionValueList": ["2026", "01"], "PartitionInput": {"Values": ["2026", "02"]}});
    fixture.ok("UpdatePartition", in_table(update)).await;
    let values = json!({"PartitionValues": ["2026", "02"]});
    let got = fixture.ok("GetPartition", in_table(values.clone())).await;
    assert_eq!(got["Partition"]["TableName"], "sales");
    let location = &fixture.glue.partitions("tpcds", "sales")[0].location;
    assert_eq!(location, "s3://bucket/sales/year=2026/month=02/", "where none is given, Hive's layout");
    fixture.ok("DeletePartition", in_table(values.clone())).await;
    assert_eq!(fixture.refused("GetPartition", in_table(values)).await, "EntityNotFoundException");
}

#[tokio::test]
async fn partitions_are_filtered_by_typed_values() {
    let fixture = Fixture::with_table().await;
    let list: Vec<_> =
        [("999", "12"), ("2025", "11"), ("2026", "01"), ("2026", "02")].map(|(y, m)| partition(y, m)).into();
    fixture.ok("BatchCreatePartition", in_table(json!({"PartitionInputList": list}))).await;
    assert_eq!(months(&fixture, "year > 2025 AND month >= '02'").await, ["2026-02"]);
    assert_eq!(months(&fixture, "year < 1000").await, ["999-12"], "an int key compares as a number");
    assert_eq!(months(&fixture, "year = '2026' and not (month = '01')").await, ["2026-02"]);
    assert_eq!(months(&fixture, "month in ('11', '12') or month like '%2'").await, ["2025-11", "2026-02", "999-12"]);
    assert_eq!(months(&fixture, "year between 2025 and 2026 and month <> '01'").await, ["2025-11", "2026-02"]);
    for wrong in ["day = 1", "year +", "upper(month) = 'X'", "year = 'x'"] {
        let refused = fixture.refused("GetPartitions", in_table(json!({"Expression": wrong}))).await;
        assert_eq!(refused, "InvalidInputException", "{wrong}");
    }
    let first = fixture.ok("GetPartitions", in_table(json!({"MaxResults": 3}))).await;
    let rest = fixture.ok("GetPartitions", in_table(json!({"NextToken": first["NextToken"]}))).await;
    assert_eq!(rest["Partitions"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_is_not_there_is_refused() {
    let fixture = Fixture::with_table().await;
    assert_eq!(fixture.refused("StartCrawler", json!({})).await, "UnknownOperationException");
    assert_eq!(fixture.refused("GetTable", json!({"Name": "x"})).await, "InvalidInputException");
    let missing = json!({"DatabaseName": "tpcds", "Name": "nope"});
    assert_eq!(fixture.refused("DeleteTable", missing).await, "EntityNotFoundException");
    let mut twice = table_input("twice");
    twice["PartitionKeys"] = json!([{"Name": "a", "Type": "int"}]);
    let refused = fixture.refused("CreateTable", json!({"DatabaseName": "tpcds", "TableInput": twice})).await;
    assert_eq!(refused, "InvalidInputException");
}
