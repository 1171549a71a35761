//! Service Quotas: what an account may have of the things that a pipeline is made of.
//!
//! Codes, names and AWS's defaults are those that ListAWSDefaultServiceQuotas answers. Applied is what the stand-in itself
//! holds to, for shards, delivery streams and vCPUs, and AWS's default for the rest, which the stand-in does not limit.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    ACCOUNT, REGION, json,
    protocol::{Json, Protocol},
    service::{Answer, Call, Operation::Immediate, Operations, Service, json as answer},
    service_error::ServiceError,
    services::{ecs::Ecs, firehose::Firehose, kinesis::Kinesis},
};

/// The most that one page of a listing holds (Service Quotas API reference, ListServiceQuotas).
const PAGE: usize = 100;

/// A quota as AWS has it.
struct Quota {
    service: &'static str,
    service_name: &'static str,
    code: &'static str,
    name: &'static str,
    default: f64,
    /// Whether it is one for all regions together.
    global: bool,
}

const SHARDS: &str = "L-0918CF54";
const DELIVERY_STREAMS: &str = "L-14BB0BE7";
const VCPUS: &str = "L-3032A538";

/// In the order of service and code.
const QUOTAS: [Quota; 10] = [
    regional("dynamodb", "Amazon DynamoDB", "L-AB614373", "Table-level write throughput limit", 40_000.0),
    regional("dynamodb", "Amazon DynamoDB", "L-F98FE922", "Maximum number of tables", 2_500.0),
    regional("fargate", "AWS Fargate", VCPUS, "Fargate On-Demand vCPU resource count", 6.0),
    regional("firehose", "Amazon Kinesis Data Firehose", DELIVERY_STREAMS, "Delivery streams", 5_000.0),
    regional("glue", "AWS Glue", "L-F953935E", "Max databases per account", 10_000.0),
    Quota {
        service: "iam",
        service_name: "AWS Identity and Access Management (IAM)",
        code: "L-FE177D64",
        name: "Roles per account",
        default: 1_000.0,
        global: true,
    },
    regional("kinesis", "Amazon Kinesis Data Streams", SHARDS, "Shards per Region", 20_000.0),
    regional("lambda", "AWS Lambda", "L-B99A9384", "Concurrent executions", 1_000.0),
    regional("logs", "Amazon CloudWatch Logs", "L-C7B9AAAB", "Log groups", 1_000_000.0),
    regional("s3", "Amazon Simple Storage Service (Amazon S3)", "L-DC2B2D3D", "General purpose buckets", 10_000.0),
];

const fn regional(
    service: &'static str,
    service_name: &'static str,
    code: &'static str,
    name: &'static str,
    default: f64,
) -> Quota {
    Quota { service, service_name, code, name, default, global: false }
}

/// Service Quotas, which stores nothing.
pub(crate) struct Quotas {
    kinesis: Arc<Kinesis>,
    firehose: Arc<Firehose>,
    ecs: Arc<Ecs>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct One {
    service_code: String,
    quota_code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    service_code: String,
    quota_code: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Paging {
    next_token: Option<String>,
    max_results: Option<usize>,
}

impl Quotas {
    /// The quotas of these services, which hold to some of them themselves.
    pub(crate) fn of(kinesis: Arc<Kinesis>, firehose: Arc<Firehose>, ecs: Arc<Ecs>) -> Arc<Self> {
        Arc::new(Self { kinesis, firehose, ecs })
    }

    fn one(&self, wanted: &One, value: impl Fn(&Quota) -> f64) -> Result<Value, ServiceError> {
        let quota = QUOTAS.iter().find(|quota| quota.service == wanted.service_code && quota.code == wanted.quota_code);
        let quota =
            quota.ok_or_else(|| no_such_resource("The request failed because the specified quota does not exist."))?;
        Ok(json!({"Quota": quota.describe(value(quota))}))
    }

    fn applied(&self, quota: &Quota) -> f64 {
        match quota.code {
            SHARDS => self.kinesis.shard_quota() as f64,
            DELIVERY_STREAMS => self.firehose.stream_quota() as f64,
            VCPUS => f64::from(self.ecs.vcpu_quota()),
            _ => quota.default,
        }
    }
}

static OPERATIONS: Operations<Quotas> = Operations(&[
    (
        "GetServiceQuota",
        Immediate(|quotas, call| answer(quotas.one(&parse(&call.body)?, |quota| quotas.applied(quota)))),
    ),
    (
        "GetAWSDefaultServiceQuota",
        Immediate(|quotas, call| answer(quotas.one(&parse(&call.body)?, |quota| quota.default))),
    ),
    ("ListServiceQuotas", Immediate(|quotas, call| answer(list(&parse(&call.body)?, |quota| quotas.applied(quota))))),
    ("ListAWSDefaultServiceQuotas", Immediate(|_, call| answer(list(&parse(&call.body)?, |quota| quota.default)))),
    ("ListServices", Immediate(|_, call| answer(list_services(&parse(&call.body)?)))),
]);

#[async_trait]
impl Service for Quotas {
    fn name(&self) -> &'static str {
        "servicequotas"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json(Json::of_target("ServiceQuotasV20190624"))
    }

    fn operations(&self) -> Vec<&'static str> {
        OPERATIONS.names()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        OPERATIONS.run(&*self, &call).await
    }
}

impl Quota {
    fn describe(&self, value: f64) -> Value {
        let region = if self.global { "" } else { REGION };
        json!({
            "ServiceCode": self.service,
            "ServiceName": self.service_name,
            "QuotaArn": format!("arn:aws:servicequotas:{region}:{ACCOUNT}:{}/{}", self.service, self.code),
            "QuotaCode": self.code,
            "QuotaName": self.name,
            "Value": value,
            "Unit": "None",
            "Adjustable": true,
            "GlobalQuota": self.global,
            "QuotaAppliedAtLevel": "ACCOUNT",
        })
    }
}

fn list(wanted: &List, value: impl Fn(&Quota) -> f64) -> Result<Value, ServiceError> {
    if QUOTAS.iter().all(|quota| quota.service != wanted.service_code) {
        return Err(no_such_resource("The request failed because the specified service does not exist."));
    }
    let of_service = QUOTAS.iter().filter(|quota| quota.service == wanted.service_code);
    let quotas = of_service.filter(|quota| wanted.quota_code.as_deref().is_none_or(|code| code == quota.code));
    let described = quotas.map(|quota| (quota.code, quota.describe(value(quota)))).collect();
    wanted.paging.page("Quotas", described)
}

fn list_services(paging: &Paging) -> Result<Value, ServiceError> {
    let service = |quota: &Quota| json!({"ServiceCode": quota.service, "ServiceName": quota.service_name});
    let mut services: Vec<(&str, Value)> = QUOTAS.iter().map(|quota| (quota.service, service(quota))).collect();
    services.dedup_by_key(|(code, _)| *code);
    paging.page("Services", services)
}

impl Paging {
    /// One page of `all`; a token is the key of the last one served.
    fn page(&self, what: &str, all: Vec<(&str, Value)>) -> Result<Value, ServiceError> {
        let most = self.max_results.unwrap_or(PAGE);
        if !(1..=PAGE).contains(&most) {
            return Err(ServiceError::client(
                "IllegalArgumentException",
                format!("MaxResults must be between 1 and {PAGE}."),
            ));
        }
        let begin =
            match &self.next_token {
                None => 0,
                Some(last) => all.iter().position(|(key, _)| key == last).map(|at| at + 1).ok_or_else(|| {
                    ServiceError::client("InvalidPaginationTokenException", "Invalid token was used.")
                })?,
            };
        let end = (begin + most).min(all.len());
        let mut answer = json!({});
        if end < all.len() {
            answer["NextToken"] = json!(all[end - 1].0);
        }
        answer[what] = all.into_iter().take(end).skip(begin).map(|(_, item)| item).collect();
        Ok(answer)
    }
}

fn no_such_resource(message: &str) -> ServiceError {
    ServiceError::client("NoSuchResourceException", message)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ServiceError> {
    json::parse(body).map_err(|e| ServiceError::client("SerializationException", json::problem(&e)))
}
