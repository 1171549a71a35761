//! A workgroup: what runs a namespace's statements.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::MOMENT;
use crate::{
    ACCOUNT, REGION, clock,
    protocol::uuid,
    service_error::ServiceError,
    services::redshift::wire::{Tag, invalid},
};

/// The port of every warehouse.
const PORT: u16 = 5439;

/// A workgroup.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::services::redshift) struct Workgroup {
    id: String,
    pub(in crate::services::redshift) namespace: String,
    capacity: u32,
    max_capacity: Option<u32>,
    publicly_accessible: bool,
    created: DateTime<Utc>,
    pub(super) deleted: Option<DateTime<Utc>>,
    pub(super) tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::services::redshift) struct CreateWorkgroup {
    pub(super) workgroup_name: String,
    pub(super) namespace_name: String,
    base_capacity: Option<u32>,
    max_capacity: Option<u32>,
    #[serde(default)]
    publicly_accessible: bool,
    #[serde(default)]
    enhanced_vpc_routing: bool,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
}

impl Workgroup {
    pub(super) fn new(request: CreateWorkgroup) -> Result<Self, ServiceError> {
        let capacity = request.base_capacity.unwrap_or(128);
        // Redshift Serverless API reference, CreateWorkgroup: 4, or 8 to 512 in steps of 8, or up to 1024 in steps of 32.
        let fits = capacity == 4
            || (8..=512).contains(&capacity) && capacity.is_multiple_of(8)
            || (512..=1024).contains(&capacity) && capacity.is_multiple_of(32);
        if !fits {
            return Err(invalid(format!("baseCapacity {capacity} is not one of 4, 8, 16, 24 … 512, 544 … 1024")));
        }
        if request.enhanced_vpc_routing {
            return Err(invalid("enhancedVpcRouting is not supported by the stand-in."));
        }
        Ok(Self {
            id: uuid(),
            namespace: request.namespace_name,
            capacity,
            max_capacity: request.max_capacity,
            publicly_accessible: request.publicly_accessible,
            created: clock::utc(),
            deleted: None,
            tags: request.tags,
        })
    }

    /// The one that a fresh stand-in has.
    pub(super) fn preloaded(namespace: &str) -> Self {
        Self {
            id: "00000000-0000-4000-8000-000000000002".into(),
            namespace: namespace.to_owned(),
            capacity: 8,
            max_capacity: None,
            publicly_accessible: true,
            created: DateTime::UNIX_EPOCH,
            deleted: None,
            tags: Vec::new(),
        }
    }

    pub(in crate::services::redshift) fn arn(&self) -> String {
        format!("arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/{}", self.id)
    }

    /// The host that clients connect to.
    pub(in crate::services::redshift) fn host(name: &str) -> String {
        format!("{name}.{ACCOUNT}.{REGION}.redshift-serverless.amazonaws.com")
    }

    pub(super) fn status(&self, now: DateTime<Utc>) -> &'static str {
        match self.deleted {
            Some(_) => "DELETING",
            None if (now - self.created).num_milliseconds() < MOMENT => "CREATING",
            None => "AVAILABLE",
        }
    }

    pub(super) fn is_gone(&self, now: DateTime<Utc>) -> bool {
        self.deleted.is_some_and(|deleted| (now - deleted).num_milliseconds() >= MOMENT)
    }

    pub(super) fn describe(&self, name: &str) -> Value {
        json!({
            "workgroupName": name, "workgroupId": self.id, "workgroupArn": self.arn(), "namespaceName": self.namespace,
            "baseCapacity": self.capacity, "maxCapacity": self.max_capacity, "port": PORT,
            "publiclyAccessible": self.publicly_accessible, "enhancedVpcRouting": false,
            "endpoint": {"address": Self::host(name), "port": PORT},
            "status": self.status(clock::utc()),
            "creationDate": self.created.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        })
    }
}
