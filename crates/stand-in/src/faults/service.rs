//! The calls by which faults are asked for.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use super::{Effect, Fault, Faults, SERVICE, SERVICES, TARGET};
use crate::{
    inventory::Inventory,
    json,
    protocol::{Json, Protocol},
    service::{Answer, Call, Operation::Immediate, Operations, Reply, Service},
    service_error::ServiceError,
};

/// A request without members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The stand-in's own service, beside those of AWS.
pub(crate) struct FaultService {
    /// What it sets.
    pub(crate) faults: Arc<Faults>,
    /// Those of AWS.
    pub(crate) services: Vec<Arc<dyn Service>>,
}

static OPERATIONS: Operations<FaultService> = Operations(&[
    ("ClearFaults", Immediate(|service, call| service.clear(parse(call)?))),
    ("InjectFault", Immediate(|service, call| service.inject(parse(call)?))),
    ("ListFaults", Immediate(|service, call| service.list(parse(call)?))),
]);

#[async_trait]
impl Service for FaultService {
    fn name(&self) -> &'static str {
        SERVICE
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json(Json::of_target(TARGET))
    }

    fn operations(&self) -> Vec<&'static str> {
        OPERATIONS.names()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        OPERATIONS.run(&*self, &call).await
    }
}

impl FaultService {
    fn inject(&self, fault: Fault) -> Answer {
        if let Some(mistake) = fault.mistake() {
            return Err(invalid(mistake));
        }
        self.find(&fault.effect)?;
        self.faults.inject(fault);
        Reply::json(200, &json!({}))
    }

    fn clear(&self, _: Nothing) -> Answer {
        self.faults.clear();
        Reply::json(200, &json!({}))
    }

    fn list(&self, _: Nothing) -> Answer {
        Reply::json(200, &json!({"faults": self.faults.list()}))
    }

    /// A fault on a resource that does not exist would do nothing, unnoticed.
    fn find(&self, effect: &Effect) -> Result<(), ServiceError> {
        let stored = match effect {
            Effect::Throttle { stream, .. } | Effect::Expire { stream } => format!("kinesis stream {stream}"),
            Effect::Kill { function } => format!("lambda function {function}"),
            Effect::Stall { delivery } => format!("firehose delivery stream {delivery}"),
            Effect::Exhaust { cluster } => format!("ecs cluster {cluster}"),
            Effect::Errors { service, .. } | Effect::Slow { service, .. } => {
                return match SERVICES.contains(&service.as_str()) {
                    true => Ok(()),
                    false => Err(invalid(format!("there is no service {service:?} here, but {}", SERVICES.join(", ")))),
                };
            }
        };
        let mut inventory = Inventory::default();
        self.services.iter().try_for_each(|service| service.inventory(&mut inventory))?;
        match inventory.names().any(|name| name == stored) {
            true => Ok(()),
            false => Err(ServiceError::client("ResourceNotFoundException", format!("there is no {stored}"))),
        }
    }
}

fn parse<T: DeserializeOwned>(call: &Call) -> Result<T, ServiceError> {
    json::parse(&call.body).map_err(|error| invalid(json::problem(&error)))
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ValidationException", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keys::AccessKey, service::ask, services::Services};

    #[tokio::test]
    async fn a_fault_of_what_is_there_is_listed_and_cleared() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = AccessKey::open(folder.path()).expect("a key");
        let Services { all, kinesis, .. } = Services::open(folder.path(), &key).expect("opened");
        let mut names: Vec<_> = all.iter().map(|service| service.name()).filter(|name| *name != SERVICE).collect();
        names.sort_unstable();
        assert_eq!(names, SERVICES);
        ask(&kinesis, "CreateStream", r#"{"StreamName":"orders","ShardCount":1}"#).await.expect("a stream");
        let service = Arc::new(FaultService { faults: kinesis.faults().clone(), services: all });
        let inject = |effect: &str| format!(r#"{{"effect":{effect},"seconds":60}}"#);
        let throttle =
            |stream: &str| inject(&format!(r#"{{"throttle":{{"stream":"{stream}","shards":1,"share":1}}}}"#));
        ask(&service, "InjectFault", throttle("orders")).await.expect("injected");
        for wrong in [
            throttle("nowhere"),
            inject(r#"{"stall":{"delivery":"nowhere"}}"#),
            inject(r#"{"kill":{"function":"nowhere"}}"#),
            inject(r#"{"expire":{"stream":"nowhere"}}"#),
            inject(r#"{"exhaust":{"cluster":"nowhere"}}"#),
            inject(r#"{"errors":{"service":"sqs","share":1}}"#),
            inject(r#"{"errors":{"service":"s3","share":2}}"#),
            inject(r#"{"flood":{}}"#),
            r#"{"effect":{"stall":{"delivery":"d"}}}"#.to_owned(),
        ] {
            ask(&service, "InjectFault", wrong.clone()).await.expect_err(&wrong);
        }
        let put = r#"{"StreamName":"orders","Data":"YQ==","PartitionKey":"k"}"#;
        let listed = ask(&service, "ListFaults", "{}").await.expect("listed");
        assert_eq!(String::from_utf8_lossy(&listed).matches("throttle").count(), 1);
        let refused = loop {
            // The stream is still being created at first.
            match ask(&kinesis, "PutRecord", put).await {
                Err(error) if error.code != "ResourceNotFoundException" => break error.code,
                _ => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        };
        assert_eq!(refused, "ProvisionedThroughputExceededException");
        ask(&service, "ClearFaults", "{}").await.expect("cleared");
        ask(&kinesis, "PutRecord", put).await.expect("taken");
    }
}
