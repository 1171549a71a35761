//! Policies: that the one which `demo policy` prints allows every call that the commands make, and nothing that none of them
//! needs; and that each that we write passes a linter.

mod actions;
mod linter;

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex},
};

use aws_stand_in::internals::StandIn;
use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::{
    command::{Demo, text},
    inside::{Call, Service},
    stacks::shipped,
    stand_in::Running,
};

/// What is set in stacks that ship: a time to live, a Redshift of the stack's own, a cluster, workers on Fargate.
const SETS: [(&str, &[&str]); 5] = [
    ("store-sales-s3", &["ttl=1h"]),
    ("store-sales-redshift", &["deliver.redshift.workgroup=null", "deliver.redshift.create=true"]),
    (
        "store-sales-redshift",
        &["deliver.redshift.workgroup=null", "deliver.redshift.cluster=demo", "deliver.redshift.user=awsuser"],
    ),
    ("store-sales-everything", &["ttl=1h"]),
    ("stream-only", &["load.workers.fargate.tasks=2"]),
];

/// Every stack that ships, and those with something set in them.
pub fn cases() -> Vec<(String, &'static [&'static str])> {
    let mut cases: Vec<_> = shipped().into_iter().map(|name| (name, &[][..])).collect();
    cases.extend(SETS.map(|(name, sets)| (name.to_owned(), sets)));
    cases
}

type Names = Arc<Mutex<BTreeSet<String>>>;

/// What a policy allows, and what was called.
struct Lived {
    case: String,
    allowed: BTreeSet<String>,
    called: BTreeSet<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_policy_allows_what_the_commands_do_and_no_more() {
    let lives = join_all(cases().into_iter().map(|(name, sets)| lived(name, sets))).await;
    let (mut allowed, mut used) = (BTreeSet::new(), BTreeSet::new());
    for Lived { case, allowed: may, called } in lives {
        for call in called.iter().filter(|call| !actions::NEEDLESS.iter().any(|(name, _)| name == call)) {
            let lacks: Vec<String> = actions::of(call).into_iter().filter(|action| !may.contains(action)).collect();
            assert!(lacks.is_empty(), "{case}: {call} needs {lacks:?}");
        }
        used.extend(called.iter().flat_map(|call| actions::of(call).into_iter().chain(actions::besides(call))));
        allowed.extend(may);
    }
    let known = || actions::UNSEEN.iter().chain(&actions::SELDOM);
    let explained = |action: &String| known().any(|(name, _)| name == action);
    let needless: Vec<_> = allowed.iter().filter(|action| !used.contains(*action) && !explained(action)).collect();
    assert!(needless.is_empty(), "allowed and never used: {needless:#?}");
    let wrongly: Vec<_> =
        actions::UNSEEN.iter().filter(|(name, _)| used.contains(*name) || !allowed.contains(*name)).collect();
    assert!(wrongly.is_empty(), "used after all, or not allowed: {wrongly:#?}");
}

/// One stack's whole life by the real binary, over a stand-in that notes the calls.
async fn lived(name: String, sets: &[&str]) -> Lived {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(&folder.path().join("local")).await;
    let (called, key) = (Names::default(), running.stand_in.key().clone());
    let url = noting(running.stand_in.clone(), called.clone()).await;
    let (file, case) = (format!("stacks/{name}.yaml"), format!("{name} {sets:?}"));
    let small = ["load.stages=null", "load.events=null", "load.duration=1s", "load.rate=50/s", "stream.shards=1"];
    let sets: Vec<String> = small.iter().chain(sets).flat_map(|set| ["--set".to_owned(), (*set).to_owned()]).collect();
    let allowed = tokio::task::spawn_blocking(move || {
        let demo = Demo::new();
        let run = |args: &[&str]| {
            let output = demo.command_with(&key, args).output().expect("demo starts");
            assert!(output.status.success(), "{args:?}: {}{}", text(&output.stdout), text(&output.stderr));
            text(&output.stdout)
        };
        let over: Vec<&str> = sets.iter().map(String::as_str).collect();
        let printed = run(&[&["policy", &file], over.as_slice()].concat());
        let there = ["--endpoint-url", url.as_str()];
        run(&[&["plan", &file], over.as_slice(), &there].concat());
        run(&[&["up", &file, "--yes"], over.as_slice(), &there].concat());
        run(&[&["run", &file, "--yes", "--json"], over.as_slice(), &there].concat());
        run(&["status", &file]);
        run(&["verify", &file]);
        if file.contains("dynamodb") {
            demo.command_with(&key, &["get", &file, "1", "1"]).output().expect("demo starts");
        }
        run(&["down", &file, "--yes"]);
        allowed_by(&printed)
    });
    let allowed = allowed.await.unwrap_or_else(|panic| panic!("{case}: {panic}"));
    let offered = running.stand_in.operations();
    running.stop().await;
    let called = called.lock().expect("no panic while it is held").clone();
    for call in &called {
        let (service, operation) = call.split_once(' ').expect("service and operation");
        assert!(offered[service].contains(&operation), "{case}: {service} does not list {operation}");
    }
    Lived { case, allowed, called }
}

/// The actions of one policy, or of several in an array.
fn allowed_by(printed: &str) -> BTreeSet<String> {
    let printed: Value = serde_json::from_str(printed).expect("JSON");
    let policies = printed.as_array().cloned().unwrap_or_else(|| vec![printed]);
    assert!(policies.iter().all(|policy| policy.to_string().len() <= 6_144), "a managed policy takes no more");
    let statements = policies.iter().flat_map(|policy| policy["Statement"].as_array().expect("statements"));
    let actions = statements.flat_map(|statement| statement["Action"].as_array().expect("actions"));
    actions.map(|action| action.as_str().expect("a text").to_owned()).collect()
}

/// A port before a stand-in, where each call is noted. Its URL.
async fn noting(stand_in: Arc<StandIn>, called: Names) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (stand_in, called) = (stand_in.clone(), called.clone());
            let service = service_fn(move |request| note(request, stand_in.clone(), called.clone()));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    url
}

async fn note(request: Request<Incoming>, stand_in: Arc<StandIn>, called: Names) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let request = Request::from_parts(parts, body);
    let call = Call::of(&request);
    called.lock().expect("no panic while it is held").insert(call.name.clone());
    Ok(Service::answer(&stand_in, &call, request).await?.map(Full::new))
}
