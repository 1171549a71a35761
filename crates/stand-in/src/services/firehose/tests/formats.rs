//! Objects of every compression, of Parquet, and by partition.

use bytes::Bytes;
use datafusion::{
    arrow::{array::AsArray, datatypes::Int64Type},
    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
};

use super::*;

fn with(settings: &[(&str, Value)]) -> Value {
    let mut destination = destination(0);
    settings.iter().for_each(|(name, value)| destination[*name] = value.clone());
    destination
}

fn large_buffer() -> (&'static str, Value) {
    buffer(64, 1)
}

fn buffer(mib: u32, seconds: u32) -> (&'static str, Value) {
    ("BufferingHints", json!({"SizeInMBs": mib, "IntervalInSeconds": seconds}))
}

fn conversion(compression: &str) -> (&'static str, Value) {
    let schema = json!({"RoleARN": role(), "DatabaseName": "tpcds", "TableName": "sales"});
    let value = json!({
        "SchemaConfiguration": schema,
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": compression}}},
    });
    ("DataFormatConversionConfiguration", value)
}

fn partitioning(prefix: &str, query: &str) -> [(&'static str, Value); 3] {
    let parameter = |name: &str, value: &str| json!({"ParameterName": name, "ParameterValue": value});
    let parameters = [parameter("MetadataExtractionQuery", query), parameter("JsonParsingEngine", "JQ-1.6")];
    let processor = json!({"Type": "MetadataExtraction", "Parameters": parameters});
    [
        ("Prefix", json!(prefix)),
        ("DynamicPartitioningConfiguration", json!({"Enabled": true})),
        ("ProcessingConfiguration", json!({"Enabled": true, "Processors": [processor]})),
    ]
}

const BY_KIND: &str = "by/kind=!{partitionKeyFromQuery:kind}/";
const KIND: &str = r#"{kind:(.kind | if . == null or . == "" then "none" else tostring | @uri end)}"#;

impl Rig {
    async fn make_table(&self, columns: &[(&str, &str)]) {
        let columns: Vec<Value> = columns.iter().map(|(name, kind)| json!({"Name": name, "Type": kind})).collect();
        let input =
            json!({"Name": "sales", "StorageDescriptor": {"Columns": columns, "Location": "s3://landing/sales/"}});
        for (operation, request) in [
            ("CreateDatabase", json!({"DatabaseInput": {"Name": "tpcds"}})),
            ("CreateTable", json!({"DatabaseName": "tpcds", "TableInput": input})),
        ] {
            ask(&self.glue, operation, request.to_string()).await.expect(operation);
        }
    }

    /// The text of the objects whose key begins so.
    async fn text_under(&self, prefix: &str) -> String {
        let objects = self.objects().await.into_iter().filter(|(key, _)| key.starts_with(prefix));
        objects.map(|(_, data)| String::from_utf8(data).expect("text")).collect()
    }
}

/// Records of a failure object, each with its raw data decoded.
fn failures(text: &str) -> Vec<(Value, String)> {
    let failure = |line: &str| {
        let failure: Value = serde_json::from_str(line).expect("JSON");
        let raw = base64_simd::STANDARD.decode_to_vec(failure["rawData"].as_str().expect("text")).expect("base64");
        (failure, String::from_utf8(raw).expect("text"))
    };
    text.lines().map(failure).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_compression_is_written_as_firehose_does() {
    let rig = Rig::new().await;
    for (format, extension, magic) in [
        ("ZIP", ".zip", &b"PK\x03\x04"[..]),
        ("Snappy", ".snappy", b"\x82SNAPPY\0"),
        ("HADOOP_SNAPPY", ".snappy", b"\0\0\0\x0e"),
    ] {
        let prefix = format!("{format}/");
        rig.create(from_puts(format, &with(&[("CompressionFormat", json!(format)), ("Prefix", json!(prefix))]))).await;
        let record = json!({"Data": base64_simd::STANDARD.encode_to_string("hello, hello!\n")});
        rig.call("PutRecord", json!({"DeliveryStreamName": format, "Record": record})).await;
        rig.caught_up(format).await;
        let objects = rig.objects().await;
        let (key, data) = objects.iter().find(|(key, _)| key.starts_with(&prefix)).expect("an object");
        assert!(key.ends_with(extension) && data.starts_with(magic), "{key}: {data:?}");
        if format == "ZIP" {
            let mut archive = zip::ZipArchive::new(io::Cursor::new(data)).expect("an archive");
            let mut entry = archive.by_index(0).expect("an entry");
            let name = entry.name().expect("a name").into_owned();
            assert!(key.contains(&name) && name.len() == 36, "{name} in {key}");
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("text");
            assert_eq!(text, "hello, hello!\n");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_become_parquet_and_those_that_do_not_fit_are_told() {
    let rig = Rig::new().await;
    rig.make_table(&[("Ticket", "bigint"), ("price", "double"), ("item", "struct<id:bigint,kind:string>")]).await;
    rig.create(from_stream("d", &with(&[large_buffer(), conversion("GZIP")]))).await;
    let good = [
        "{\"TICKET\":1,\"price\":0.1,\"item\":{\"id\":7,\"kind\":\"a\"}}\n",
        "{\"ticket\":2,\"item\":null,\"unknown\":[1]}\n",
        "{\"ticket\":3}{\"ticket\":4}\n",
    ];
    let bad = ["no json\n", "{\"ticket\":\"x\"}\n", "{\"ticket\":5}{\"ticket\":\n", "17\n", "\n"];
    for record in good.iter().chain(&bad) {
        rig.send_record(record).await;
    }
    rig.caught_up("d").await;
    let (mut tickets, mut failed) = (Vec::new(), Vec::new());
    for (key, data) in rig.objects().await {
        if key.starts_with("errors/format-conversion-failed/") {
            failed.extend(failures(&String::from_utf8(data).expect("text")));
            assert!(!key.ends_with(".parquet"), "{key}");
            continue;
        }
        assert!(key.ends_with(".parquet") && key.starts_with("sales/year="), "{key}");
        let file = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(data)).expect("Parquet");
        let compression = file.metadata().row_group(0).column(0).compression();
        assert!(matches!(compression, datafusion::parquet::basic::Compression::GZIP(_)), "{compression}");
        for batch in file.build().expect("a reader") {
            let batch = batch.expect("a batch");
            assert_eq!(batch.num_columns(), 3);
            tickets.extend(batch.column(0).as_primitive::<Int64Type>().values().iter().copied());
        }
    }
    tickets.sort();
    assert_eq!(tickets, [1, 2, 3, 4]);
    let mut raw: Vec<&str> = failed.iter().map(|(_, raw)| raw.as_str()).collect();
    raw.sort();
    let mut expected = bad.to_vec();
    expected.sort();
    assert_eq!(raw, expected);
    let (failure, _) = failed.iter().find(|(_, raw)| raw.contains("\"x\"")).expect("one of another type");
    assert_eq!(failure["lastErrorCode"], "DataFormatConversion.MalformedData");
    assert_eq!(failure["dataCatalogTable"]["tableName"], "sales");
    assert!(text(&failure["lastErrorMessage"]).contains("\"x\" is no Int64"), "{failure}");
    let (failure, _) = failed.iter().find(|(_, raw)| raw == "no json\n").expect("one that is no JSON");
    assert_eq!(failure["lastErrorCode"], "DataFormatConversion.ParseError");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_partition_has_its_folder_and_what_has_none_is_told() {
    let rig = Rig::new().await;
    let partitioning = partitioning(BY_KIND, KIND);
    rig.create(from_stream("d", &with(&[&[large_buffer()][..], &partitioning].concat()))).await;
    for record in [
        "{\"n\":1,\"kind\":\"Home/Garden\"}\n",
        "{\"n\":2,\"kind\":\"Home/Garden\"}\n",
        "{\"n\":3,\"kind\":null}\n",
        "{\"n\":4}\n",
        "{\"n\":5,\"kind\":17}\n",
        "oops\n",
        "[1]\n",
    ] {
        rig.send_record(record).await;
    }
    rig.caught_up("d").await;
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let garden = ["{\"n\":1,\"kind\":\"Home/Garden\"}", "{\"n\":2,\"kind\":\"Home/Garden\"}"];
    assert_eq!(sorted(rig.text_under("by/kind=Home%2FGarden/d-1-").await), garden);
    assert_eq!(sorted(rig.text_under("by/kind=none/").await), ["{\"n\":3,\"kind\":null}", "{\"n\":4}"]);
    assert_eq!(sorted(rig.text_under("by/kind=17/").await), ["{\"n\":5,\"kind\":17}"]);
    let mut failed = failures(&rig.text_under("errors/metadata-extraction-failed/").await);
    failed.sort_by(|(_, a), (_, b)| a.cmp(b));
    let messages: Vec<_> = failed.iter().map(|(failure, raw)| (text(&failure["errorMessage"]), raw.as_str())).collect();
    assert_eq!(messages, [("Cannot index array with \"kind\"", "[1]\n"), ("Non JSON record provided", "oops\n")]);
    assert_eq!(failed[0].0["errorCode"], "DynamicPartitioning.MetadataExtractionFailed");
    assert_eq!(
        rig.objects()
            .await
            .iter()
            .filter(|(key, _)| !key.starts_with("by/kind=") && !key.starts_with("errors/"))
            .count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_with_dots_and_maps_become_parquet() {
    let rig = Rig::new().await;
    rig.make_table(&[("n_a", "bigint"), ("m", "map<string,bigint>")]).await;
    let (name, mut conversion) = conversion("SNAPPY");
    conversion["InputFormatConfiguration"]["Deserializer"]["OpenXJsonSerDe"] =
        json!({"ConvertDotsInJsonKeysToUnderscores": true});
    rig.create(from_stream("d", &with(&[large_buffer(), (name, conversion)]))).await;
    rig.send_record("{\"n.a\":7,\"m\":{\"X\":8}}\n").await;
    rig.caught_up("d").await;
    let (key, data) = rig.objects().await.pop().expect("an object");
    assert!(key.ends_with(".parquet"), "{key}");
    let mut file = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(data)).expect("Parquet").build().expect("rows");
    let batch = file.next().expect("a batch").expect("it reads");
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), 7);
    let entries = batch.column(1).as_map().value(0);
    assert_eq!(entries.column(0).as_string::<i32>().value(0), "x");
    assert_eq!(entries.column(1).as_primitive::<Int64Type>().value(0), 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_and_parquet_survive_many_crashes() {
    let mut rig = Rig::new().await;
    rig.make_table(&[("n", "bigint"), ("kind", "string")]).await;
    let partitioning = partitioning(BY_KIND, KIND);
    rig.create(from_stream("d", &with(&[&[large_buffer(), conversion("SNAPPY")][..], &partitioning].concat()))).await;
    for round in 0..6u64 {
        for n in round * 10..round * 10 + 10 {
            rig.send_record(&format!("{{\"n\":{n},\"kind\":\"{}\"}}\n", n % 3)).await;
        }
        // About when the buffer is due: each time another step of a delivery is cut short.
        sleep(Duration::from_millis(980 + round * 15)).await;
        rig.crash();
        rig.open();
    }
    rig.caught_up("d").await;
    let mut found = Vec::new();
    for (key, data) in rig.objects().await {
        for batch in
            ParquetRecordBatchReaderBuilder::try_new(Bytes::from(data)).expect("Parquet").build().expect("rows")
        {
            for n in batch.expect("a batch").column(0).as_primitive::<Int64Type>().values() {
                assert!(key.starts_with(&format!("by/kind={}/", n % 3)), "{n} in {key}");
                found.push(*n);
            }
        }
    }
    found.sort();
    assert_eq!(found, (0..60).collect::<Vec<i64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn formats_and_partitions_are_refused_as_aws_would() {
    let rig = Rig::new().await;
    let argument = "InvalidArgumentException";
    let no_table = with(&[large_buffer(), conversion("SNAPPY")]);
    rig.make_table(&[("n", "bigint")]).await;
    let error = {
        let mut other = no_table.clone();
        other["DataFormatConversionConfiguration"]["SchemaConfiguration"]["TableName"] = json!("none");
        rig.refused("CreateDeliveryStream", from_stream("d", &other)).await
    };
    assert!(error.code == argument && error.message.contains("EntityNotFoundException"), "{error}");
    let converted = |extra: (&'static str, Value)| with(&[large_buffer(), conversion("SNAPPY"), extra]);
    let partitioned = |prefix: &str, query: &str| with(&[&[large_buffer()][..], &partitioning(prefix, query)].concat());
    let mut no_processor = partitioned(BY_KIND, KIND);
    no_processor["ProcessingConfiguration"] = json!({"Enabled": false});
    let mut not_enabled = partitioned(BY_KIND, KIND);
    not_enabled["DynamicPartitioningConfiguration"] = json!({"Enabled": false});
    let small = buffer(63, 60);
    for (destination, part) in [
        (converted(("CompressionFormat", json!("GZIP"))), "must be UNCOMPRESSED"),
        (converted(small.clone()), "at least 64"),
        (with(&[&[small][..], &partitioning(BY_KIND, KIND)].concat()), "at least 64 when dynamic partitioning"),
        (with(&[&[buffer(64, 0)][..], &partitioning(BY_KIND, KIND)].concat()), "Zero buffering"),
        (partitioned("by/", KIND), "must contain an expression"),
        (partitioned(BY_KIND, "{other:.kind}"), "partitionKeyFromQuery:kind"),
        (partitioned(BY_KIND, "{kind:.kind|strftime(\"%Y\")}"), "the stand-in, which knows paths"),
        (no_processor, "MetadataExtraction processor is needed"),
        (not_enabled, "dynamic partitioning is not enabled"),
        (with(&[("Prefix", json!(BY_KIND))]), "unless dynamic partitioning is enabled"),
    ] {
        let error = rig.refused("CreateDeliveryStream", from_stream("d", &destination)).await;
        assert!(error.code == argument && error.message.contains(part), "{error} does not say {part}");
    }
    let error =
        rig.refused("CreateDeliveryStream", from_stream("d", &with(&[large_buffer(), conversion("ZSTD")]))).await;
    assert!(error.message.contains("enum value set"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversion_and_partitioning_are_described_and_partitioning_stays() {
    let rig = Rig::new().await;
    rig.make_table(&[("n", "bigint")]).await;
    let mut settings = with(&[&[conversion("SNAPPY")][..], &partitioning(BY_KIND, KIND)].concat());
    settings.as_object_mut().expect("an object").remove("BufferingHints");
    rig.create(from_stream("d", &settings)).await;
    let described = rig.describe(&json!({"DeliveryStreamName": "d"})).await;
    let shown = &described["Destinations"][0]["ExtendedS3DestinationDescription"];
    assert_eq!(shown["BufferingHints"]["SizeInMBs"], 128);
    let schema = &shown["DataFormatConversionConfiguration"]["SchemaConfiguration"];
    assert_eq!(
        (&schema["TableName"], &shown["DataFormatConversionConfiguration"]["Enabled"]),
        (&json!("sales"), &json!(true))
    );
    assert_eq!(shown["DynamicPartitioningConfiguration"]["RetryOptions"]["DurationInSeconds"], 300);
    assert!(described["Destinations"][0]["S3DestinationDescription"]["DynamicPartitioningConfiguration"].is_null());
    let update = json!({
        "DeliveryStreamName": "d", "CurrentDeliveryStreamVersionId": "1", "DestinationId": "destinationId-000000000001",
        "ExtendedS3DestinationUpdate": {
            "Prefix": "by/", "DynamicPartitioningConfiguration": {"Enabled": false},
            "ProcessingConfiguration": {"Enabled": false},
        },
    });
    let error = rig.refused("UpdateDestination", update).await;
    assert!(error.message.contains("cannot be disabled"), "{error}");
}
