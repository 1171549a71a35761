//! The lifecycle against independent implementations of AWS, killed at some of its calls: they answer, list and forget in
//! their own ways. Time is real here, so a few points stand for all.

use std::{
    collections::BTreeSet,
    fmt,
    io::{self, Write},
    net::SocketAddr,
    sync::Arc,
    time::Instant,
};

use async_trait::async_trait;
use aws_sdk_sts::config::Credentials;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use kinesis_demo::{
    aws::{Clients, Names, Where},
    engine::{ApplyError, Cancel, Down, Home, Journal, StackId},
    pipeline::lifecycle::{self, LifecycleError},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    inside::{self, Call, Forward, Kill, Service, Wire},
    lifecycle::{Moto, materials, store_sales},
    matrix::in_memory,
    ministack::Ministack,
};

const ID: &str = "store-sales-7f3a91c2";
/// Theirs: the same stem, and found by whoever looks for names with the stack's digits; without a mark.
const THEIRS: &str = "store-sales-theirs-7f3a91c2";
/// At so many calls of a life it is killed, in each of three ways.
const UPS: usize = 8;
const DOWNS: usize = 4;

#[tokio::test]
#[ignore = "needs moto_server"]
async fn whoever_pulls_the_plug_nothing_is_left_in_moto() {
    let (_moto, address) = Moto::start().await;
    some_points("moto", address).await;
}

#[tokio::test]
#[ignore = "needs ministack"]
async fn whoever_pulls_the_plug_nothing_is_left_in_ministack() {
    let ministack = Ministack::start();
    some_points("ministack", ministack.address).await;
}

/// Which life is killed, at which of its calls, how, and whether the user says `up` again before `down`.
struct Point {
    life: Life,
    number: usize,
    kill: Kill,
    again: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Up,
    Down,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let then = if self.again { "up again and down" } else { "down" };
        write!(f, "{:?} killed {:?} at call {}, then {then}", self.life, self.kill, self.number)
    }
}

async fn some_points(peer: &str, address: SocketAddr) {
    let begun = Instant::now();
    let mut ground = Ground::on(address).await;
    let (ups, downs) = ground.whole_life().await;
    let mut killed = 0;
    let points = points(Life::Up, ups, UPS).chain(points(Life::Down, downs, DOWNS));
    for point in points {
        let tried = ground.try_on(&point).await;
        killed += usize::from(tried.unwrap_or_else(|why| panic!("{peer}, {point}: {why}")));
    }
    let took = begun.elapsed().as_secs_f64();
    let told = format!("\n{peer}: {killed} points of {ups} calls up and {downs} calls down, {took:.1} s\n");
    // Past the test harness, which keeps what a test prints that goes well.
    std::io::stderr().write_all(told.as_bytes()).expect("stderr");
    // A life that asks less often than the first one did outlives a kill at its end.
    assert!(2 * killed > 3 * (UPS + DOWNS), "{peer}: only {killed} points were reached");
}

/// From the first call to the last, evenly.
fn points(life: Life, calls: usize, numbers: usize) -> impl Iterator<Item = Point> {
    let number = move |n: usize| 1 + n * (calls - 1) / (numbers - 1);
    let kills = (0..numbers).flat_map(move |n| Kill::ALL.map(|kill| (number(n), kill)));
    kills.enumerate().map(move |(at, (number, kill))| Point { life, number, kill, again: at % 2 == 0 })
}

/// A peer that takes a stream's tags with CreateStream (Kinesis API reference, CreateStream, Tags). These pass over them there,
/// so whoever is killed after it would leave a stream that nothing tells from one of others.
struct Tagging(Forward);

#[async_trait]
impl Service for Tagging {
    async fn answer(&self, call: &Call, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        let tags = (call.name == "kinesis CreateStream").then(|| tags_of(&request));
        let answer = self.0.answer(call, request).await?;
        if let Some(tags) = tags.filter(|_| answer.status().is_success()) {
            let tagged = self.0.answer(call, tags).await?;
            assert!(tagged.status().is_success(), "{tagged:?}");
        }
        Ok(answer)
    }
}

/// The AddTagsToStream that belongs to a CreateStream.
fn tags_of(create: &Request<Bytes>) -> Request<Bytes> {
    let asked: Value = serde_json::from_slice(create.body()).expect("JSON");
    let body = json!({"StreamName": asked["StreamName"], "Tags": asked["Tags"]}).to_string();
    let mut tags = create.clone().map(|_| Bytes::from(body));
    let (length, target) = (tags.body().len().into(), HeaderValue::from_static("Kinesis_20131202.AddTagsToStream"));
    tags.headers_mut().insert(header::CONTENT_LENGTH, length);
    tags.headers_mut().insert("x-amz-target", target);
    tags
}

/// What the points stand on: a peer, a stack, a state folder, and what belongs to others.
struct Ground {
    wire: Arc<Wire>,
    place: Where,
    /// Clients which nothing happens to.
    aside: Clients,
    id: StackId,
    home: Home,
    folder: TempDir,
    /// What the peer lists while the stack is not there.
    others: BTreeSet<String>,
}

impl Ground {
    async fn on(address: SocketAddr) -> Self {
        let wire = Wire::over(Arc::new(Tagging(Forward(address))));
        let place = Where::Local {
            url: format!("http://{address}"),
            credentials: Credentials::new("any", "any", None, None, "test"),
        };
        let (folder, aside) = (in_memory(), Clients::connect(place.clone()).await);
        settle_on(&aside).await;
        let (home, others) = (Home::at(folder.path()).expect("a home"), listed(&aside).await);
        Self { wire, place, aside, id: ID.parse().expect("an id"), home, folder, others }
    }

    /// How many calls an `up` and a `down` have that nobody kills.
    async fn whole_life(&mut self) -> (usize, usize) {
        self.begin().await;
        self.up().await.expect("up");
        let ups = self.wire.calls().len();
        assert!(listed(&self.aside).await.len() >= self.others.len() + 6, "the peer lists what is there");
        self.land().await;
        self.wire.forget();
        down(self).await.expect("down");
        let downs = self.wire.calls().len();
        self.nothing_is_left().await.expect("nothing is left");
        (ups, downs)
    }

    /// Whether the kill came.
    async fn try_on(&mut self, point: &Point) -> Result<bool, String> {
        self.begin().await;
        if point.life == Life::Down {
            up(self).await?;
            self.land().await;
        }
        self.wire.kill_at(point.number, point.kill);
        let ended = match point.life {
            Life::Up => self.wire.live(up(self)).await,
            Life::Down => self.wire.live(down(self)).await,
        };
        self.wire.revive().await;
        let killed = ended.is_none();
        ended.unwrap_or(Ok(()))?;
        if killed && point.again {
            up_again(self, point.life).await?;
        }
        down(self).await?;
        self.nothing_is_left().await?;
        Ok(killed)
    }

    /// Begins the state folder anew, with the journal of a stack of which nothing is made yet.
    async fn begin(&mut self) {
        self.folder = in_memory();
        self.home = Home::at(self.folder.path()).expect("a home");
        let fingerprint = self.aside.fingerprint().await.expect("a place");
        drop(Journal::create(&self.home, &self.id, fingerprint, json!({})).expect("a journal"));
        self.wire.forget();
    }

    /// `demo up`, as a process of its own; but for the look before, which changes nothing.
    async fn up(&self) -> Result<(), LifecycleError> {
        let (clients, stack) = (self.wire.clients_at(self.place.clone()).await, store_sales());
        let journal = lifecycle::open(&self.home, &stack, json!({}), &clients).await?;
        inside::make(&journal, &stack, &materials(), &clients).await.map(drop)
    }

    /// `demo down`, likewise; of the stack that is up, or else of the one that was.
    async fn down(&self) -> Result<Down, LifecycleError> {
        let clients = self.wire.clients_at(self.place.clone()).await;
        let state = self.home.find(&store_sales().name).or_else(|_| self.home.find(self.id.as_str()))?;
        let journal = lifecycle::open_known(&self.home, &state, &clients).await?;
        lifecycle::down(&journal, &clients, &(), &Cancel::new()).await
    }

    /// Leaves in the bucket what a running stack would.
    async fn land(&self) {
        let bucket = Names::of(&store_sales(), &self.id).bucket.expect("a bucket");
        let key = format!("landed/year=2026/{}-1-2026-11-29-10-00-00-a.gz", self.id);
        let put = self.aside.s3.put_object().bucket(bucket).key(key).body(b"{}\n".to_vec().into());
        put.send().await.expect("put");
    }

    /// By the peer's own lists nothing of ours is there and what is others' is as it was; and another `down` does nothing.
    async fn nothing_is_left(&self) -> Result<(), String> {
        let otherwise = &self.others ^ &listed(&self.aside).await;
        if !otherwise.is_empty() {
            return Err(format!("not as it was: {otherwise:#?}"));
        }
        let before = self.wire.changes().len();
        let again = self.down().await.map_err(|error| format!("down again: {error}"))?;
        let changed = self.wire.changes().split_off(before);
        if again.is_clean() && again.removed.is_empty() && changed.is_empty() {
            return Ok(());
        }
        Err(format!("a second down did something: {again:?}, {changed:?}"))
    }
}

async fn up(ground: &Ground) -> Result<(), String> {
    ground.up().await.map_err(|error| format!("up: {error}"))
}

/// What is going down does not come up again before it is down.
async fn up_again(ground: &Ground, killed: Life) -> Result<(), String> {
    match ground.up().await {
        Err(LifecycleError::Apply(ApplyError::GoingDown(_))) if killed == Life::Down => Ok(()),
        other => other.map_err(|error| format!("up again: {error}")),
    }
}

async fn down(ground: &Ground) -> Result<(), String> {
    let down = ground.down().await.map_err(|error| format!("down: {error}"))?;
    if down.is_clean() { Ok(()) } else { Err(format!("down is not clean: {down:?}")) }
}

/// Makes what is not ours.
async fn settle_on(aws: &Clients) {
    aws.kinesis.create_stream().stream_name(THEIRS).shard_count(1).send().await.expect("a stream");
    aws.s3.create_bucket().bucket(THEIRS).send().await.expect("a bucket");
    let put = aws.s3.put_object().bucket(THEIRS).key("kept").body(b"as it is".to_vec().into());
    put.send().await.expect("an object");
}

/// Everything that the peer lists, whosesoever, and how it is where others' might have been touched.
async fn listed(aws: &Clients) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for name in aws.kinesis.list_streams().send().await.expect("streams").stream_names {
        all.insert(format!("stream {name} {}", of_stream(aws, &name).await));
    }
    for bucket in aws.s3.list_buckets().send().await.expect("buckets").buckets.unwrap_or_default() {
        let name = bucket.name.expect("a name");
        all.insert(format!("bucket {name} {}", of_bucket(aws, &name).await));
    }
    let deliveries = aws.firehose.list_delivery_streams().send().await.expect("delivery streams");
    let roles = aws.iam.list_roles().path_prefix("/demo/").send().await.expect("roles").roles;
    let databases = aws.glue.get_databases().send().await.expect("databases").database_list;
    let workgroups = aws.athena.list_work_groups().send().await.expect("workgroups").work_groups.unwrap_or_default();
    all.extend(deliveries.delivery_stream_names.iter().map(|name| format!("delivery stream {name}")));
    all.extend(roles.iter().map(|role| format!("role {}", role.role_name)));
    all.extend(databases.iter().map(|database| format!("database {}", database.name)));
    all.extend(workgroups.iter().map(|group| format!("workgroup {}", group.name().expect("a name"))));
    all
}

async fn of_stream(aws: &Clients, name: &str) -> String {
    let described = aws.kinesis.describe_stream_summary().stream_name(name).send().await.expect("it is listed");
    let stream = described.stream_description_summary.expect("a stream");
    let tags = aws.kinesis.list_tags_for_stream().stream_name(name).send().await.expect("it is listed").tags;
    format!("{:?} {} {tags:?}", stream.stream_creation_timestamp, stream.retention_period_hours)
}

async fn of_bucket(aws: &Clients, name: &str) -> String {
    let objects = aws.s3.list_objects_v2().bucket(name).send().await.expect("it is listed").contents;
    // There is no tag set where there is no tag.
    let tags = aws.s3.get_bucket_tagging().bucket(name).send().await.map(|found| found.tag_set).ok();
    format!("{objects:?} {tags:?}")
}
