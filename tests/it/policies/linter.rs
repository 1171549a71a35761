//! Every policy that we write, before `parliament`, a linter that knows the actions, resources and conditions of each service.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use chrono::Utc;
use demo_formats::schema;
use kinesis_demo::{
    aws::{
        access, bucket,
        packaging::Package,
        permission::{self, On, Realm},
        role,
    },
    engine::{Graph, StackId},
    load::OpenWorkload,
    pipeline::{self, Materials},
    spec::{self, Stack, Workload},
};
use serde_json::Value;

use super::cases;

/// What the linter's definitions do not know yet: the finding, the action, and where it is written.
const BEHIND: [(&str, &str, &str); 6] = [
    ("RESOURCE_MISMATCH", "kinesis:UpdateShardCount", "it is of a stream (Kinesis API reference)"),
    ("RESOURCE_MISMATCH", "kinesis:UpdateStreamMode", "it is of a stream (Kinesis API reference)"),
    ("RESOURCE_MISMATCH", "athena:TagResource", "one of its kinds of resources is enough, a workgroup"),
    ("RESOURCE_MISMATCH", "athena:ListTagsForResource", "one of its kinds of resources is enough, a workgroup"),
    (
        "RESOURCE_MISMATCH",
        "ec2:CreateSecurityGroup",
        "the VPC has a statement of its own: what is asked for it has no tags",
    ),
    (
        "RESOURCE_STAR",
        "ecs:ListTasks",
        "a condition binds it (ECS developer guide, \"Identity-based policy examples\")",
    ),
];

/// An action that the linter has never heard of hides the rest of its statement, so it is taken out.
const UNHEARD: [(&str, &str); 4] = [
    ("kinesis:UpdateMaxRecordSize", "new (Kinesis API reference)"),
    ("kinesis:DeleteChannel", "new (Kinesis API reference)"),
    ("kinesis:ListChannels", "new (Kinesis API reference)"),
    ("kinesis:ListTagsForResource", "new (Kinesis API reference)"),
];

/// An account as the linter wants one.
fn realm() -> Realm {
    Realm { region: "eu-west-1".to_owned(), account: "123456789012".to_owned() }
}

#[test]
#[ignore = "needs parliament"]
fn every_policy_that_we_write_passes_the_linter() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut written = 0;
    for (at, (name, sets)) in cases().iter().enumerate() {
        let stack = stack(name, sets);
        let id: StackId = format!("{}-7f3a91c2", stack.name).parse().expect("an id");
        let graph = graph_of(&stack, &id);
        for (what, document) in documents(&graph, &id) {
            let file = folder.path().join(format!("{name}-{at}-{what}.json"));
            fs::write(file, heard(document).to_string()).expect("written");
            written += 1;
        }
    }
    assert!(written > 40, "{written} documents");
    let broken = findings(folder.path());
    assert!(broken.is_empty(), "{} of {written} documents:\n{}", broken.len(), broken.join("\n"));
}

#[test]
#[ignore = "needs parliament"]
fn the_linter_finds_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let everything =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kinesis:CreateStream","Resource":"*"}]}"#;
    fs::write(folder.path().join("everything.json"), everything).expect("written");
    let broken = findings(folder.path());
    assert!(broken.len() == 1 && broken[0].contains("RESOURCE_STAR"), "{broken:?}");
}

/// A document without the actions that the linter cannot know.
fn heard(mut document: Value) -> Value {
    for statement in document["Statement"].as_array_mut().into_iter().flatten() {
        if let Some(actions) = statement["Action"].as_array_mut() {
            actions.retain(|action| UNHEARD.iter().all(|(unheard, _)| action != unheard));
        }
    }
    if let Some(statements) = document["Statement"].as_array_mut() {
        statements.retain(|statement| statement["Action"].as_array().is_none_or(|actions| !actions.is_empty()));
    }
    document
}

/// Those of the linter's findings that it is not behind with.
fn findings(folder: &Path) -> Vec<String> {
    let mut linter = Command::new("parliament");
    linter.args(["--json", "--directory"]).arg(folder).stdin(Stdio::null()).env("PYTHONWARNINGS", "ignore");
    let output = linter.output().expect("parliament in PATH: pip install parliament 'setuptools<81'");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(matches!(output.status.code(), Some(0 | 1)) && err.is_empty(), "{out}\n{err}");
    out.lines().filter_map(finding).collect()
}

fn finding(line: &str) -> Option<String> {
    let finding: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let issue = finding["issue"].as_str().unwrap_or_default();
    let behind = |action: &str| BEHIND.iter().any(|(known, of, _)| *known == issue && *of == action);
    let action = |detail: &Value| detail["action"].as_str().or(detail.as_str()).unwrap_or_default().to_owned();
    let details = finding["detail"].as_array().filter(|details| !details.is_empty());
    let known = details.is_some_and(|details| details.iter().all(|detail| behind(&action(detail))));
    (!known).then(|| line.to_owned())
}

/// Trust and permissions of each role, the bucket's while it is emptied, and what `demo policy` prints.
fn documents(graph: &Graph, id: &StackId) -> Vec<(String, Value)> {
    let realm = realm();
    let mut documents = Vec::new();
    for node in graph.nodes() {
        match node.key.kind.as_str() {
            "role" => {
                let role: role::Desired = serde_json::from_value(node.desired.clone()).expect("a role");
                documents.push((format!("{}-trust", role.name), trust(&role, &realm)));
                documents.push((role.name.clone(), permission::document(&role.statements, &realm)));
            }
            "bucket" => {
                let arn = format!("arn:aws:s3:::{}", node.key.name);
                documents.push(("bucket".to_owned(), bucket::no_more_writes(&arn, None)));
            }
            _ => {}
        }
    }
    let printed = access::policies(&access::statements(graph, id), id, &realm);
    documents.extend(printed.into_iter().enumerate().map(|(at, policy)| (format!("person-{at}"), policy)));
    documents
}

/// What a trust policy is on is the role that has it; IAM takes no word of it there, and the linter asks for one.
fn trust(role: &role::Desired, realm: &Realm) -> Value {
    let mut trust = role.trust(&realm.account);
    for statement in trust["Statement"].as_array_mut().into_iter().flatten() {
        statement["Resource"] = On::Role(format!("{}{}", role.path, role.name)).arn(realm).into();
    }
    trust
}

fn stack(name: &str, sets: &[&str]) -> Stack {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let checked = spec::read(&PathBuf::from(format!("stacks/{name}.yaml")), &[], &sets);
    checked.unwrap_or_else(|errors| panic!("{name}: {errors}")).stack
}

fn graph_of(stack: &Stack, id: &StackId) -> Graph {
    let schema = match stack.load.workload {
        Workload::StoreSales { .. } => schema::store_sales().clone(),
        _ => OpenWorkload::of(stack).expect("its documents open").schema().expect("columns"),
    };
    let any = Package::any();
    let materials = Materials { schema: &schema, function: Some(&any), worker: Some(any.architecture) };
    pipeline::graph(stack, id, Utc::now(), &materials).expect("a graph")
}
