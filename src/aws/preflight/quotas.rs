//! The account's quotas against what the stack would add. What exists already is not counted again.

use futures::future::{BoxFuture, join_all};

use super::{report::Finding, seldom};
use crate::{
    aws::{
        bucket::Buckets,
        clients::Clients,
        delivery::Deliveries,
        failure::failure,
        item_table::ItemTables,
        kind::Kind,
        mapping::{self, Mappings},
        redshift::delivery::RedshiftDeliveries,
        role::Roles,
        stream::{self, Capacity, Streams},
    },
    engine::{Cause, Graph, Node, Phase, ProviderError, Resource, State},
    spec::{self, Stack, Workers},
};

/// A quota by the names of Service Quotas (`aws service-quotas list-service-quotas`).
struct Quota {
    service: &'static str,
    /// None where Service Quotas has it by its name alone.
    code: Option<&'static str>,
    name: &'static str,
}

const SHARDS: Quota = Quota { service: "kinesis", code: Some("L-0918CF54"), name: "Shards per Region" };
const ON_DEMAND: Quota = Quota { service: "kinesis", code: None, name: "On-demand data streams per Region" };
const DELIVERIES: Quota = Quota { service: "firehose", code: Some("L-14BB0BE7"), name: "Delivery streams" };
const CONCURRENCY: Quota = Quota { service: "lambda", code: Some("L-B99A9384"), name: "Concurrent executions" };
const TABLE_WRITES: Quota =
    Quota { service: "dynamodb", code: Some("L-AB614373"), name: "Table-level write throughput limit" };
const BUCKETS: Quota = Quota { service: "s3", code: Some("L-DC2B2D3D"), name: "General purpose buckets" };
const ROLES: Quota = Quota { service: "iam", code: Some("L-FE177D64"), name: "Roles per account" };
const VCPUS: Quota =
    Quota { service: "fargate", code: Some("L-3032A538"), name: "Fargate On-Demand vCPU resource count" };

/// How much there is, and how much of it is taken and wanted.
struct Room {
    quota: Quota,
    most: f64,
    used: f64,
    needed: f64,
    /// What to ask less of, in the stack file.
    less: &'static str,
}

/// Every quota that making the stack would touch, asked side by side.
pub(super) async fn check(stack: &Stack, graph: &Graph, state: &State, clients: &Clients) -> Vec<Finding> {
    let made = |node: &&Node| matches!(state.phase(&node.key), Some(Phase::Accepted | Phase::Ready));
    let new: Vec<&Node> = graph.nodes().iter().filter(|node| !made(node)).collect();
    let count = |kinds: &[&str]| new.iter().filter(|node| kinds.contains(&node.key.kind.as_str())).count() as f64;
    let mut asked: Vec<BoxFuture<'_, Finding>> = Vec::new();
    if let Some(stream) = graph.nodes().iter().find_map(Streams::of) {
        asked.extend(streams(&stream, state, clients));
    }
    let deliveries = count(&[Deliveries::KIND, RedshiftDeliveries::KIND]);
    if deliveries > 0.0 {
        asked.push(Box::pin(found(DELIVERIES, deliveries_room(deliveries, clients), clients)));
    }
    if count(&[Buckets::KIND]) > 0.0 {
        asked.push(Box::pin(found(BUCKETS, buckets_room(clients), clients)));
    }
    let roles = count(&[Roles::KIND]);
    if roles > 0.0 {
        asked.push(Box::pin(found(ROLES, roles_room(roles, clients), clients)));
    }
    if let Some(mapping) = new.iter().find_map(|node| Mappings::of(node)) {
        asked.push(Box::pin(concurrency(mapping, stack, clients)));
    }
    if let Some(fargate) = stack.load.workers.as_ref().and_then(Workers::fargate) {
        let needed = f64::from(fargate.tasks) * fargate.size.vcpus();
        asked.push(Box::pin(found(VCPUS, vcpus_room(needed, clients), clients)));
    }
    let units = stack.deliver.dynamodb.as_ref().and_then(|to| to.write_units(&stack.load));
    if let Some(units) = units.filter(|_| count(&[ItemTables::KIND]) > 0.0) {
        asked.push(Box::pin(found(TABLE_WRITES, writes_room(units, clients), clients)));
    }
    join_all(asked).await
}

async fn found(quota: Quota, room: impl Future<Output = Result<Room, ProviderError>>, clients: &Clients) -> Finding {
    match room.await {
        Ok(room) => room.finding(clients),
        Err(error) => Finding::unseen(quota.title(), error),
    }
}

/// Shards that are to come, or one more stream on demand.
fn streams<'a>(wanted: &stream::Desired, state: &State, clients: &'a Clients) -> Option<BoxFuture<'a, Finding>> {
    let made = |there: &&Resource| matches!(there.phase, Phase::Accepted | Phase::Ready);
    let there = state.resource(&Streams::key(&wanted.name)).filter(made).and_then(|there| Streams::of(&there.node));
    match (wanted.capacity, there.map(|there| there.capacity)) {
        (Capacity::Provisioned(wanted), there) => {
            let there = if let Some(Capacity::Provisioned(shards)) = there { shards } else { 0 };
            let needed = f64::from(wanted.saturating_sub(there));
            (needed > 0.0).then(|| Box::pin(found(SHARDS, shards_room(needed, clients), clients)) as _)
        }
        (_, Some(Capacity::OnDemand)) => None,
        _ => Some(Box::pin(found(ON_DEMAND, on_demand_room(clients), clients))),
    }
}

async fn shards_room(needed: f64, clients: &Clients) -> Result<Room, ProviderError> {
    let limits = clients.kinesis.describe_limits().send().await;
    let limits = limits.map_err(|error| failure("kinesis DescribeLimits", "the account", &error))?;
    let (most, used) = (f64::from(limits.shard_limit()), f64::from(limits.open_shard_count()));
    Ok(Room { quota: SHARDS, most, used, needed, less: "stream.shards" })
}

async fn on_demand_room(clients: &Clients) -> Result<Room, ProviderError> {
    let limits = clients.kinesis.describe_limits().send().await;
    let limits = limits.map_err(|error| failure("kinesis DescribeLimits", "the account", &error))?;
    let (most, used) = (limits.on_demand_stream_count_limit(), limits.on_demand_stream_count());
    let (most, used) = (f64::from(most), f64::from(used));
    Ok(Room { quota: ON_DEMAND, most, used, needed: 1.0, less: "stream.mode" })
}

async fn deliveries_room(needed: f64, clients: &Clients) -> Result<Room, ProviderError> {
    let (most, used) = futures::join!(applied(&DELIVERIES, clients), deliveries(clients));
    Ok(Room { quota: DELIVERIES, most: most?, used: used? as f64, needed, less: "deliver" })
}

/// How many there are in the account, in this region.
async fn deliveries(clients: &Clients) -> Result<usize, ProviderError> {
    let (mut count, mut last) = (0, None);
    loop {
        let call = clients.firehose.list_delivery_streams().set_exclusive_start_delivery_stream_name(last);
        let page = call.send().await.map_err(|error| failure("firehose ListDeliveryStreams", "the account", &error))?;
        count += page.delivery_stream_names().len();
        last = page.delivery_stream_names().last().cloned();
        if !page.has_more_delivery_streams() || last.is_none() {
            return Ok(count);
        }
    }
}

async fn buckets_room(clients: &Clients) -> Result<Room, ProviderError> {
    let (most, buckets) = futures::join!(applied(&BUCKETS, clients), clients.s3.list_buckets().send());
    let buckets = buckets.map_err(|error| failure("s3 ListBuckets", "the account", &error))?;
    Ok(Room { quota: BUCKETS, most: most?, used: buckets.buckets().len() as f64, needed: 1.0, less: "deliver" })
}

/// IAM tells both numbers itself, in every region (IAM API reference, GetAccountSummary).
async fn roles_room(needed: f64, clients: &Clients) -> Result<Room, ProviderError> {
    const CALL: &str = "iam GetAccountSummary";
    let call = clients.iam.get_account_summary().customize();
    let answer = call.config_override(aws_sdk_iam::config::Builder::new().retry_config(seldom())).send().await;
    let summary = answer.map_err(|error| failure(CALL, "the account", &error))?.summary_map.unwrap_or_default();
    let number = |key: &str| summary.get(&key.into()).copied().map(f64::from);
    let (most, used) = (number("RolesQuota").unwrap_or(f64::INFINITY), number("Roles").unwrap_or_default());
    Ok(Room { quota: ROLES, most, used, needed, less: "deliver" })
}

/// What runs by now is not counted: Service Quotas does not tell it, and it may have ended when the load begins.
async fn vcpus_room(needed: f64, clients: &Clients) -> Result<Room, ProviderError> {
    let most = applied(&VCPUS, clients).await?;
    Ok(Room { quota: VCPUS, most, used: 0.0, needed, less: "load.workers.fargate" })
}

async fn writes_room(needed: f64, clients: &Clients) -> Result<Room, ProviderError> {
    let most = applied(&TABLE_WRITES, clients).await?;
    Ok(Room { quota: TABLE_WRITES, most, used: 0.0, needed, less: "load.rate" })
}

/// A function that may not run as often at a time as it is fed only falls behind.
async fn concurrency(mapping: mapping::Desired, stack: &Stack, clients: &Clients) -> Finding {
    let most = match applied(&CONCURRENCY, clients).await {
        Ok(most) => most,
        Err(error) => return Finding::unseen(CONCURRENCY.title(), error),
    };
    let needed = f64::from(spec::shards(stack)) * f64::from(mapping.parallel);
    let room =
        Room { quota: CONCURRENCY, most, used: 0.0, needed, less: "stream.shards, deliver.dynamodb.mapping.parallel" };
    let finding = room.finding(clients);
    match finding.verdict {
        super::Verdict::Wrong(_) => {
            let why = format!("{}; DynamoDB would fall behind the stream", finding.why);
            Finding::warning(finding.what, why, finding.advice)
        }
        _ => finding,
    }
}

/// What holds in this account; the default where nothing else was ever asked for.
async fn applied(quota: &Quota, clients: &Clients) -> Result<f64, ProviderError> {
    let settings = || aws_sdk_servicequotas::config::Builder::new().retry_config(seldom());
    let title = quota.title();
    let call =
        clients.quotas.get_service_quota().service_code(quota.service).set_quota_code(quota.code.map(str::to_owned));
    let value = match call.customize().config_override(settings()).send().await {
        Ok(answer) => answer.quota.and_then(|quota| quota.value),
        Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_resource_exception()) => {
            let call = clients.quotas.get_aws_default_service_quota().service_code(quota.service);
            let call = call.set_quota_code(quota.code.map(str::to_owned)).customize();
            let answer = call.config_override(settings()).send().await;
            answer
                .map_err(|error| failure("servicequotas GetAWSDefaultServiceQuota", &title, &error))?
                .quota
                .and_then(|quota| quota.value)
        }
        Err(error) => return Err(failure("servicequotas GetServiceQuota", &title, &error)),
    };
    Ok(value.unwrap_or(f64::INFINITY))
}

impl Quota {
    fn title(&self) -> String {
        format!("quota {} of {}", self.name, self.service)
    }
}

impl Room {
    fn finding(&self, clients: &Clients) -> Finding {
        let Self { quota, most, used, needed, less } = self;
        let used_said = if *used > 0.0 { format!("{used} in use, ") } else { String::new() };
        if used + needed <= *most {
            return Finding::fine(quota.title(), format!("{needed} needed, {used_said}at most {most}"));
        }
        let why = format!("{needed} needed, {used_said}and at most {most} in {}", clients.region());
        let raise = match quota.code {
            Some(code) => clients.cli(&format!(
                "service-quotas request-service-quota-increase --service-code {} --quota-code {code} --desired-value {}",
                quota.service,
                used + needed
            )),
            None => format!("in the Service Quotas console, service {}, quota {}", quota.service, quota.name),
        };
        // IAM is of no region, and its quotas are kept in one.
        let only = if quota.service == "iam" { " (asked for in us-east-1)" } else { "" };
        Finding::wrong(Cause::Quota, quota.title(), why, format!("ask for less ({less}), or raise it{only}: {raise}"))
    }
}
