//! The lifecycle of every stack against AWS's own waiting times, on a clock that runs as fast as it can: whatever need not
//! wait for another must not, and what is waited for must be seen soon after it is there.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_sts::config::Credentials;
use aws_stand_in::internals::StandIn;
use bytes::Bytes;
use http::{Request, Response, header::CONTENT_LENGTH};
use kinesis_demo::engine::{Graph, ResourceKey};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    inside::{Call, Service, Wire, refusal},
    matrix::{Case, Ground, simulated},
    stand_in::sign_again,
};

/// How long a resource of a kind takes to come, and to go.
const TIMES: [(&str, Duration, Duration); 4] = [
    ("stream", Duration::from_secs(30), Duration::from_secs(30)),
    ("delivery", Duration::from_secs(60), Duration::from_secs(60)),
    ("redshift-delivery", Duration::from_secs(60), Duration::from_secs(60)),
    ("items", Duration::from_secs(15), Duration::from_secs(15)),
];
/// How long a role is not known to the services that are to assume it.
const PROPAGATION: Duration = Duration::from_secs(10);
/// The whole takes at most so much of its longest chain.
const MOST: f64 = 1.15;

/// A kind of resource that is on its way for a while: its calls, and where its status is written.
struct Slow {
    create: &'static str,
    describe: &'static str,
    delete: &'static str,
    name: &'static str,
    status: &'static str,
    coming: Duration,
    going: Duration,
}

const SLOW: [Slow; 3] = [
    Slow {
        create: "kinesis CreateStream",
        describe: "kinesis DescribeStreamSummary",
        delete: "kinesis DeleteStream",
        name: "StreamName",
        status: "/StreamDescriptionSummary/StreamStatus",
        coming: TIMES[0].1,
        going: TIMES[0].2,
    },
    Slow {
        create: "firehose CreateDeliveryStream",
        describe: "firehose DescribeDeliveryStream",
        delete: "firehose DeleteDeliveryStream",
        name: "DeliveryStreamName",
        status: "/DeliveryStreamDescription/DeliveryStreamStatus",
        coming: TIMES[1].1,
        going: TIMES[1].2,
    },
    Slow {
        create: "dynamodb CreateTable",
        describe: "dynamodb DescribeTable",
        delete: "dynamodb DeleteTable",
        name: "TableName",
        status: "/Table/TableStatus",
        coming: TIMES[3].1,
        going: TIMES[3].2,
    },
];

/// A resource on its way.
enum Way {
    Coming(Instant),
    /// With what was last said of it.
    Going(Instant, Bytes),
}

/// A stand-in that takes its time as AWS does.
struct Unhurried {
    stand_in: Arc<StandIn>,
    ways: Mutex<HashMap<(&'static str, String), Way>>,
    roles: Mutex<BTreeMap<String, Instant>>,
}

impl Unhurried {
    fn ways(&self) -> MutexGuard<'_, HashMap<(&'static str, String), Way>> {
        self.ways.lock().expect("no panic while it is held")
    }

    async fn ask(&self, call: &Call, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        Service::answer(&self.stand_in, call, request).await
    }

    async fn slow(&self, slow: &Slow, call: &Call, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        let asked: Value = serde_json::from_slice(request.body()).expect("JSON");
        let key = (slow.create, asked[slow.name].as_str().expect("a name").to_owned());
        if call.name == slow.create {
            let answer = self.ask(call, request).await?;
            if answer.status().is_success() {
                self.ways().insert(key, Way::Coming(Instant::now() + slow.coming));
            }
            return Ok(answer);
        }
        if call.name == slow.delete {
            return self.delete(slow, key, call, request).await;
        }
        let going = match self.ways().get(&key) {
            Some(Way::Going(until, said)) if Instant::now() < *until => Some(said.clone()),
            _ => None,
        };
        if let Some(said) = going {
            return Ok(Response::new(with_status(&said, slow.status, "DELETING")));
        }
        let answer = self.ask(call, request).await?;
        let coming = matches!(self.ways().get(&key), Some(Way::Coming(until)) if Instant::now() < *until);
        if coming && answer.status().is_success() {
            return Ok(answer.map(|said| with_status(&said, slow.status, "CREATING")));
        }
        Ok(answer)
    }

    /// The stand-in forgets it at once, and so what is said of it until it would be gone is asked for before.
    async fn delete(
        &self,
        slow: &Slow,
        key: (&'static str, String),
        call: &Call,
        request: Request<Bytes>,
    ) -> io::Result<Response<Bytes>> {
        let mut parts = request.clone().into_parts().0;
        let target = parts.headers["x-amz-target"].to_str().expect("text");
        let operation = slow.describe.split_once(' ').expect("service and operation").1;
        let target = format!("{}.{operation}", target.split_once('.').expect("a target").0);
        parts.headers.insert("x-amz-target", target.parse().expect("a header"));
        // No more than its name: a description has none of a deletion's other members.
        let body = json!({slow.name: key.1}).to_string();
        parts.headers.insert(CONTENT_LENGTH, body.len().into());
        let mut describe = Request::from_parts(parts, body.into());
        let service = call.name.split_once(' ').expect("service and operation").0;
        sign_again(&mut describe, self.stand_in.key(), service);
        let said = self.ask(call, describe).await?.into_body();
        let answer = self.ask(call, request).await?;
        if answer.status().is_success() {
            self.ways().insert(key, Way::Going(Instant::now() + slow.going, said));
        }
        Ok(answer)
    }

    /// Whether a call hands over a role that is younger than it takes to be known.
    fn hands_over_a_young_role(&self, request: &Request<Bytes>) -> bool {
        let text = String::from_utf8_lossy(request.body());
        let roles = self.roles.lock().expect("no panic while it is held");
        roles.iter().any(|(role, made)| made.elapsed() < PROPAGATION && text.contains(&format!("/{role}\"")))
    }

    fn note_role(&self, request: &Request<Bytes>) {
        let form = String::from_utf8_lossy(request.body()).into_owned();
        let name = form.split('&').find_map(|field| field.strip_prefix("RoleName=")).expect("a name").to_owned();
        self.roles.lock().expect("no panic while it is held").insert(name, Instant::now());
    }
}

#[async_trait]
impl Service for Unhurried {
    fn credentials(&self) -> Credentials {
        self.stand_in.key().into()
    }

    async fn answer(&self, call: &Call, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        let text = match call.name.as_str() {
            "iam CreateRole" => {
                self.note_role(&request);
                None
            }
            "firehose CreateDeliveryStream" => {
                Some(("InvalidArgumentException", "Firehose is unable to assume role. Please check the role provided."))
            }
            "lambda CreateFunction" => Some((
                "InvalidParameterValueException",
                "The role defined for the function cannot be assumed by Lambda.",
            )),
            "scheduler CreateSchedule" => Some((
                "ValidationException",
                "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
            )),
            _ => None,
        };
        if let Some((code, message)) = text.filter(|_| self.hands_over_a_young_role(&request)) {
            return Ok(refusal(call, 400, code, message));
        }
        match SLOW.iter().find(|slow| [slow.create, slow.describe, slow.delete].contains(&call.name.as_str())) {
            Some(slow) => self.slow(slow, call, request).await,
            None => self.ask(call, request).await,
        }
    }
}

fn with_status(said: &[u8], pointer: &str, status: &str) -> Bytes {
    let mut said: Value = serde_json::from_slice(said).expect("JSON");
    *said.pointer_mut(pointer).expect("a status") = status.into();
    said.to_string().into()
}

/// The longest way through the graph, up or down; the time of a role counts before what is handed it.
fn chain(graph: &Graph, up: bool) -> Duration {
    let time = |key: &ResourceKey| {
        let known = TIMES.iter().find(|(kind, ..)| *kind == key.kind);
        let propagation = if up && key.kind == "role" { PROPAGATION } else { Duration::ZERO };
        known.map_or(propagation, |(_, coming, going)| if up { *coming } else { *going })
    };
    let mut ends: HashMap<&ResourceKey, Duration> = HashMap::new();
    for node in graph.ordered() {
        let begins = node.depends_on.iter().map(|on| ends[on]).max().unwrap_or_default();
        ends.insert(&node.key, begins + time(&node.key));
    }
    ends.into_values().max().unwrap_or_default()
}

#[test]
fn up_and_down_take_little_longer_than_the_longest_chain() {
    let mut text = String::from("\nup and down in simulated time, against the longest chain:\n");
    let mut slow = Vec::new();
    for case in Case::all() {
        let lives = simulated(lived(&case));
        for (life, took, chain) in lives {
            let share = took.as_secs_f64() / chain.as_secs_f64();
            let (took, chain) = (took.as_secs_f64(), chain.as_secs_f64());
            let line = format!("{:36} {life:5} {took:6.1} s of {chain:5.1} s  {share:5.3}", case.name);
            text += &format!("  {line}\n");
            if share > MOST {
                slow.push(line);
            }
        }
    }
    io::stderr().write_all(text.as_bytes()).expect("stderr");
    assert!(slow.is_empty(), "more than {MOST} of the longest chain:\n{slow:#?}");
}

async fn lived(case: &Case) -> [(&'static str, Duration, Duration); 2] {
    let mut ground = Ground::bare(case).await;
    let service = Unhurried { stand_in: ground.stand_in.clone(), ways: Mutex::default(), roles: Mutex::default() };
    ground.wire = Wire::over(Arc::new(service));
    ground.begin().await;
    let graph = ground.graph(&ground.id);
    let begun = Instant::now();
    ground.up().await.unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let up = begun.elapsed();
    ground.land().await;
    let begun = Instant::now();
    let down = ground.down().await.unwrap_or_else(|error| panic!("{}: {error}", case.name));
    assert!(down.is_clean(), "{}: {down:?}", case.name);
    assert_eq!(ground.inventory().changes_since(&ground.others), [""; 0], "{}", case.name);
    [("up", up, chain(&graph, true)), ("down", begun.elapsed(), chain(&graph, false))]
}
