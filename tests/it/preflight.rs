//! Each thing that can be wrong before anything is made, one by one and all at once, over a stand-in in this process.

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use aws_sdk_sts::config::Credentials;
use aws_stand_in::{ACCOUNT, REGION, internals::StandIn};
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use demo_formats::schema;
use http::{HeaderValue, Request, Response};
use kinesis_demo::{
    aws::{
        Clients, access,
        packaging::Package,
        permission::Realm,
        preflight::{Finding, Report, Verdict},
    },
    engine::{Cancel, Cause, Home, StackId, State},
    pipeline::{self, Materials, lifecycle},
    spec::{self, Stack},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::inside::{Call, Fault, Service, Wire};

/// A stand-in, some of whose answers are another's.
struct Account {
    stand_in: Arc<StandIn>,
    /// Body and type, by call; of Service Quotas with the quota's code after it.
    says: Mutex<BTreeMap<String, (String, &'static str)>>,
    /// How far the answers' own dates are from this machine's.
    ahead: Mutex<Option<TimeDelta>>,
}

#[async_trait]
impl Service for Arc<Account> {
    fn credentials(&self) -> Credentials {
        self.stand_in.key().into()
    }

    async fn answer(&self, call: &Call, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        let code = serde_json::from_slice(request.body())
            .ok()
            .and_then(|body: Value| body["QuotaCode"].as_str().map(str::to_owned));
        let name = code.map_or(call.name.clone(), |code| format!("{} {code}", call.name));
        let said = self.says.lock().expect("no panic while it is held").get(&name).cloned();
        let mut answer = match said {
            Some((body, kind)) => {
                Response::builder().header("content-type", kind).body(body.into()).expect("a response")
            }
            None => Service::answer(&self.stand_in, call, request).await?,
        };
        if let Some(ahead) = *self.ahead.lock().expect("no panic while it is held") {
            let date = (Utc::now() + ahead).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            answer.headers_mut().insert("date", HeaderValue::from_str(&date).expect("a header"));
        }
        Ok(answer)
    }
}

/// What a look stands on.
struct Ground {
    folder: TempDir,
    account: Arc<Account>,
    wire: Arc<Wire>,
    clients: Clients,
}

impl Ground {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let stand_in = StandIn::open(&folder.path().join("local")).expect("opened");
        let account = Arc::new(Account { stand_in, says: Mutex::default(), ahead: Mutex::default() });
        let wire = Wire::over(Arc::new(account.clone()));
        let clients = wire.clients().await;
        Self { folder, account, wire, clients }
    }

    fn says(&self, call: &str, body: &Value) {
        let mut says = self.account.says.lock().expect("no panic while it is held");
        says.insert(call.to_owned(), (body.to_string(), "application/x-amz-json-1.1"));
    }

    fn quota(&self, code: &str, value: f64) {
        let quota = json!({"Quota": {"QuotaCode": code, "Value": value}});
        self.says(&format!("servicequotas GetServiceQuota {code}"), &quota);
    }

    fn writes(&self, call: &str, xml: &str) {
        let mut says = self.account.says.lock().expect("no panic while it is held");
        says.insert(call.to_owned(), (xml.to_owned(), "text/xml"));
    }

    async fn look(&self, stack: &Stack) -> Report {
        let id = id(stack);
        let looked = lifecycle::check(stack, &id, &State::default(), &materials(&Package::any()), &self.clients).await;
        looked.expect("it can be made into resources")
    }
}

fn id(stack: &Stack) -> StackId {
    format!("{}-7f3a91c2", stack.name).parse().expect("an id")
}

fn materials(package: &Package) -> Materials<'_> {
    Materials { schema: schema::store_sales(), function: Some(package), worker: Some(package.architecture) }
}

fn stack(name: &str, sets: &[&str]) -> Stack {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let checked = spec::read(&PathBuf::from(format!("stacks/{name}.yaml")), &[], &sets);
    checked.unwrap_or_else(|errors| panic!("{errors}")).stack
}

fn everything() -> Stack {
    stack("store-sales-everything", &["ttl=1h"])
}

fn found<'a>(report: &'a Report, what: &str) -> &'a Finding {
    report.0.iter().find(|finding| finding.what == what).unwrap_or_else(|| panic!("no {what} in {report:#?}"))
}

fn policy_of(stack: &Stack) -> Value {
    let id = id(stack);
    let graph = pipeline::graph(stack, &id, Utc::now(), &materials(&Package::any())).expect("a graph");
    let realm = Realm { region: REGION.to_owned(), account: ACCOUNT.to_owned() };
    let policies = access::policies(&access::statements(&graph, &id), &id, &realm);
    let statements = policies.iter().flat_map(|policy| policy["Statement"].as_array().cloned().unwrap_or_default());
    json!({"Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>()})
}

#[tokio::test(start_paused = true)]
async fn what_could_be_made_is_accepted_with_everything_looked_at() {
    let ground = Ground::new().await;
    let report = ground.look(&everything()).await;
    assert_eq!(report.warnings().count(), 0, "{report:#?}");
    assert!(report.0.iter().all(|finding| finding.verdict == Verdict::Fine), "{report:#?}");
    for what in ["credentials", "permissions", "names", "workgroup demo, database dev"] {
        found(&report, what);
    }
    let quotas = report.0.iter().filter(|finding| finding.what.starts_with("quota ")).count();
    assert_eq!(quotas, 6, "shards, deliveries, buckets, roles, concurrency, writes: {report:#?}");
    assert!(ground.wire.changes().is_empty(), "{:?}", ground.wire.changes());
    assert!(report.accepted().is_ok());
}

#[tokio::test(start_paused = true)]
async fn each_quota_that_is_too_small_is_named_with_its_value_the_need_and_where_to_raise_it() {
    let ground = Ground::new().await;
    let limits =
        json!({"ShardLimit": 10, "OpenShardCount": 8, "OnDemandStreamCount": 50, "OnDemandStreamCountLimit": 50});
    ground.says("kinesis DescribeLimits", &limits);
    for code in ["L-14BB0BE7", "L-DC2B2D3D", "L-AB614373"] {
        ground.quota(code, 0.0);
    }
    ground.quota("L-B99A9384", 3.0);
    let summary = [("Roles", 999), ("RolesQuota", 1000)]
        .map(|(key, value)| format!("<entry><key>{key}</key><value>{value}</value></entry>"))
        .concat();
    ground.writes("iam GetAccountSummary", &format!("<GetAccountSummaryResponse><GetAccountSummaryResult><SummaryMap>{summary}</SummaryMap></GetAccountSummaryResult></GetAccountSummaryResponse>"));
    let report = ground.look(&everything()).await;
    let expected = [
        (
            "Shards per Region of kinesis",
            "4 needed, 8 in use, and at most 10 in us-east-1",
            "--quota-code L-0918CF54 --desired-value 12",
        ),
        (
            "Delivery streams of firehose",
            "2 needed, and at most 0 in us-east-1",
            "--quota-code L-14BB0BE7 --desired-value 2",
        ),
        ("General purpose buckets of s3", "1 needed, and at most 0", "--quota-code L-DC2B2D3D --desired-value 1"),
        (
            "Roles per account of iam",
            "needed, 999 in use, and at most 1000",
            "--service-code iam --quota-code L-FE177D64",
        ),
        ("Table-level write throughput limit of dynamodb", "needed, and at most 0", "ask for less (load.rate)"),
    ];
    for (quota, why, advice) in expected {
        let finding = found(&report, &format!("quota {quota}"));
        assert_eq!(finding.verdict, Verdict::Wrong(Cause::Quota), "{finding:?}");
        assert!(finding.why.contains(why), "{why} in {finding:?}");
        assert!(finding.advice.contains(advice), "{advice} in {finding:?}");
    }
    let slow = found(&report, "quota Concurrent executions of lambda");
    assert_eq!(slow.verdict, Verdict::Warning, "it would only fall behind: {slow:?}");
    let refused = report.accepted().expect_err("five are too small");
    assert_eq!(refused.causes(), [Cause::Quota; 5]);
    let report = ground.look(&stack("stream-only", &["stream.shards=null", "stream.mode=on-demand"])).await;
    let finding = found(&report, "quota On-demand data streams per Region of kinesis");
    assert_eq!(finding.why, "1 needed, 50 in use, and at most 50 in us-east-1");
}

#[tokio::test(start_paused = true)]
async fn the_printed_policy_is_enough_and_what_it_lacks_is_named() {
    for name in ["stream-only", "store-sales-parquet", "store-sales-redshift-firehose", "store-sales-everything"] {
        let (ground, stack) = (Ground::new().await, stack(name, &["ttl=1h"]));
        let mut policy = policy_of(&stack);
        ground.account.stand_in.iam.restrict_caller(Some(&policy.to_string())).expect("a policy");
        let report = ground.look(&stack).await;
        assert_eq!(found(&report, "permissions").verdict, Verdict::Fine, "{name}: {report:#?}");
        let statements = policy["Statement"].as_array_mut().expect("statements");
        for statement in statements.iter_mut() {
            statement["Action"].as_array_mut().expect("actions").retain(|action| action != "kinesis:CreateStream");
        }
        statements.retain(|statement| statement["Action"] != json!(["iam:PassRole"]));
        ground.account.stand_in.iam.restrict_caller(Some(&policy.to_string())).expect("a policy");
        let report = ground.look(&stack).await;
        let finding = found(&report, "permissions");
        assert_eq!(finding.verdict, Verdict::Wrong(Cause::Permission));
        assert!(finding.why.contains("may not iam:PassRole on arn:aws:iam::"), "{finding:?}");
        assert!(finding.why.contains("kinesis:CreateStream on arn:aws:kinesis:us-east-1:"), "{finding:?}");
        assert!(finding.advice.contains("demo policy"), "{finding:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_asked_about_by_its_role() {
    let (ground, stack) = (Ground::new().await, stack("stream-only", &[]));
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/operator/joe");
    ground.writes("sts GetCallerIdentity", &format!("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{session}</Arn><UserId>A:joe</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"));
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]});
    let role = ground.clients.iam.create_role().role_name("operator").path("/people/");
    role.assume_role_policy_document(trust.to_string()).send().await.expect("made");
    let report = ground.look(&stack).await;
    assert!(found(&report, "credentials").why.contains("(a session of a role) in account"), "{report:#?}");
    let denied = found(&report, "permissions");
    assert_eq!(denied.verdict, Verdict::Wrong(Cause::Permission));
    assert!(denied.why.starts_with(&format!("arn:aws:iam::{ACCOUNT}:role/people/operator may not ")), "{denied:?}");
    let policy = ground.clients.iam.put_role_policy().role_name("operator").policy_name("demo");
    policy.policy_document(policy_of(&stack).to_string()).send().await.expect("put");
    assert_eq!(found(&ground.look(&stack).await, "permissions").verdict, Verdict::Fine);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_is_only_noted() {
    let ground = Ground::new().await;
    for call in [
        "iam SimulatePrincipalPolicy",
        "servicequotas GetServiceQuota",
        "kinesis DescribeLimits",
        "iam GetAccountSummary",
    ] {
        ground.wire.faults(call, usize::MAX, Fault::denied("not allowed to ask"));
    }
    let report = ground.look(&everything()).await;
    for what in ["permissions", "quota Shards per Region of kinesis", "quota Roles per account of iam"] {
        let finding = found(&report, what);
        assert_eq!(finding.verdict, Verdict::Note, "{finding:?}");
        assert!(finding.why.contains("AccessDenied"), "{finding:?}");
    }
    assert!(report.accepted().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off_is_told_whether_or_not_the_caller_is_let_in() {
    let (ground, stack) = (Ground::new().await, stack("stream-only", &[]));
    let off =
        |minutes| *ground.account.ahead.lock().expect("no panic while it is held") = Some(TimeDelta::minutes(minutes));
    off(-2);
    assert_eq!(found(&ground.look(&stack).await, "clock").verdict, Verdict::Warning);
    off(10);
    let finding = found(&ground.look(&stack).await, "clock").clone();
    assert_eq!(finding.verdict, Verdict::Wrong(Cause::Other));
    assert!(finding.why.contains("s behind AWS's") && finding.advice.contains("timedatectl"), "{finding:?}");
}

#[tokio::test(start_paused = true)]
async fn credentials_that_do_not_work_are_all_that_is_said() {
    let ground = Ground::new().await;
    let expired = Fault::refused("ExpiredTokenException", "The security token included in the request is expired");
    ground.wire.faults("sts GetCallerIdentity", usize::MAX, expired);
    let report = ground.look(&everything()).await;
    assert_eq!(report.0.len(), 1, "{report:#?}");
    assert_eq!(found(&report, "credentials").verdict, Verdict::Wrong(Cause::Permission));
    assert!(ground.wire.calls().iter().all(|call| call == "sts GetCallerIdentity"), "{:?}", ground.wire.calls());
}

#[tokio::test(start_paused = true)]
async fn all_that_is_wrong_is_said_together() {
    let ground = Ground::new().await;
    let stack = stack(
        "store-sales-everything",
        &["deliver.s3.bucket.exact=theirs", "deliver.redshift.workgroup=nobodys", "stream.shards=25000"],
    );
    ground.clients.s3.create_bucket().bucket("theirs").send().await.expect("made");
    let none =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kinesis:*", "Resource": "*"}]});
    ground.account.stand_in.iam.restrict_caller(Some(&none.to_string())).expect("a policy");
    ground.wire.forget();
    let refused = ground.look(&stack).await.accepted().expect_err("refused").to_string();
    let parts = [
        "4 problems; nothing was created\n",
        "\n  quota Shards per Region of kinesis: 25000 needed",
        "\n  permissions: ",
        "\n  workgroup nobodys, database dev: no such workgroup",
        "\n  bucket theirs: it has no demo:stack tag; it exists and does not belong to this stack\n    choose another name",
    ];
    for part in parts {
        assert!(refused.contains(part), "{part} in {refused}");
    }
    assert!(ground.wire.changes().is_empty(), "{:?}", ground.wire.changes());
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_is_up_is_not_asked_about_quotas_and_permissions() {
    let (ground, stack) = (Ground::new().await, stack("store-sales-s3", &["stream.shards=2"]));
    let home = Home::at(ground.folder.path().join("home")).expect("a home");
    let journal = lifecycle::open(&home, &stack, json!({}), &ground.clients).await.expect("opened");
    let package = Package::any();
    let made = lifecycle::up(&journal, &stack, &materials(&package), &ground.clients, &(), &Cancel::new()).await;
    made.expect("up");
    ground.wire.forget();
    let (state, id) = (journal.state(), journal.id().clone());
    let report = lifecycle::check(&stack, &id, &state, &materials(&package), &ground.clients).await.expect("looked");
    assert_eq!(report.wrong().count(), 0, "{report:#?}");
    let calls = ground.wire.calls();
    let costly =
        ["servicequotas", "SimulatePrincipalPolicy", "DescribeLimits", "GetAccountSummary", "ListDeliveryStreams"];
    assert!(calls.iter().all(|call| costly.iter().all(|word| !call.contains(word))), "{calls:?}");
}
