//! The AWS CLI looks into the running stand-in: what a user would see who points their own tools at it.

use std::process::Command;

use serde_json::Value;

use crate::command::{Demo, text};

const STORE_SALES: &str = "stacks/store-sales-s3.yaml";

struct Aws {
    environment: Vec<(String, String)>,
}

impl Aws {
    fn of(demo: &Demo) -> Self {
        Self { environment: demo.stand_in_environment() }
    }

    fn json(&self, args: &[&str]) -> Value {
        let mut command = Command::new("aws");
        command.args(args).args(["--output", "json"]).env_remove("AWS_PROFILE").envs(self.environment.clone());
        let output = command.output().expect("the AWS CLI is on the PATH (pip install awscli)");
        assert!(output.status.success(), "aws {}: {}", args.join(" "), text(&output.stderr));
        let out = text(&output.stdout);
        if out.trim().is_empty() { Value::Null } else { serde_json::from_str(&out).expect("JSON") }
    }

    fn count(&self, args: &[&str], list: &str) -> usize {
        self.json(args)[list].as_array().map_or(0, Vec::len)
    }
}

#[test]
#[ignore = "needs the AWS CLI"]
fn the_aws_cli_sees_every_resource_and_then_none() {
    let demo = Demo::new();
    demo.expect(0, &["local", "start"]);
    let aws = Aws::of(&demo);
    let small = ["--set", "load.duration=2s", "--set", "deliver.s3.buffer.interval=1s"];
    demo.expect(0, &[&["up", STORE_SALES][..], &small].concat());
    let id = demo.json(&["ls", "--json"])[0]["id"].as_str().expect("an id").to_owned();

    assert_eq!(aws.json(&["kinesis", "list-streams"])["StreamNames"], Value::from(vec![id.clone()]));
    assert_eq!(aws.json(&["firehose", "list-delivery-streams"])["DeliveryStreamNames"], Value::from(vec![id.clone()]));
    let database = &aws.json(&["glue", "get-databases"])["DatabaseList"][0]["Name"];
    let database = database.as_str().expect("a database").to_owned();
    let table = aws.json(&["glue", "get-table", "--database-name", &database, "--name", "store_sales"]);
    assert_eq!(table["Table"]["StorageDescriptor"]["Columns"].as_array().map(Vec::len), Some(31));
    assert_eq!(table["Table"]["PartitionKeys"].as_array().map(Vec::len), Some(3));

    demo.expect(0, &[&["run", STORE_SALES][..], &small].concat());
    let objects = aws.json(&["s3api", "list-objects-v2", "--bucket", &id, "--prefix", "tpcds/streaming/store_sales/"]);
    let keys: Vec<&str> =
        objects["Contents"].as_array().expect("objects").iter().filter_map(|o| o["Key"].as_str()).collect();
    assert!(!keys.is_empty());
    for key in keys {
        assert!(key.contains("/year=") && key.contains("/month=") && key.contains("/day="), "{key}");
    }
    demo.expect(0, &["query", "store-sales", "SELECT count(*) FROM store_sales"]);
    demo.expect(0, &["verify", "store-sales"]);

    demo.expect(0, &["down", "store-sales", "--yes"]);
    let lists: [(&[&str], &str); 5] = [
        (&["kinesis", "list-streams"], "StreamNames"),
        (&["firehose", "list-delivery-streams"], "DeliveryStreamNames"),
        (&["s3api", "list-buckets"], "Buckets"),
        (&["glue", "get-databases"], "DatabaseList"),
        (&["iam", "list-roles"], "Roles"),
    ];
    for (call, list) in lists {
        assert_eq!(aws.count(call, list), 0, "aws {}", call.join(" "));
    }
    let workgroups = aws.json(&["athena", "list-work-groups"])["WorkGroups"].clone();
    assert_eq!(workgroups.as_array().map(Vec::len), Some(1), "only Athena's own `primary`: {workgroups}");
    demo.expect(0, &["local", "stop"]);
}
