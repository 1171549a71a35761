//! Clusters.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Ecs, Known, ServiceError, arn,
    page::{Paging, listed},
    refuse,
    tags::{self, Tag, Tags},
    task::Status,
};
use crate::clock;

/// Clusters of one request (ECS API reference, DescribeClusters).
const MOST_DESCRIBED: usize = 100;

/// A cluster as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Cluster {
    pub(super) tags: Tags,
    /// When it was deleted: it is shown as INACTIVE for a while.
    pub(super) deleted: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateCluster {
    cluster_name: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DescribeClusters {
    clusters: Option<Vec<String>>,
    /// What there is of it is always shown, but for the tags.
    #[serde(default)]
    include: Vec<Include>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
enum Include {
    Attachments,
    Configurations,
    Settings,
    Statistics,
    Tags,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListClusters {
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteCluster {
    cluster: String,
}

impl Cluster {
    pub(super) fn is_active(&self) -> bool {
        self.deleted.is_none()
    }
}

impl Ecs {
    /// A cluster that is there is answered as it is.
    pub(super) fn create_cluster(&self, request: CreateCluster) -> Result<Value, ServiceError> {
        let name = request.cluster_name.as_deref().unwrap_or("default");
        refuse::name("The cluster name", name)?;
        let tags = tags::read(&request.tags)?;
        self.change(|known| {
            if !known.clusters.get(name).is_some_and(Cluster::is_active) {
                known.clusters.insert(name.to_owned(), Cluster { tags, deleted: None });
            }
            Ok(json!({"cluster": known.describe_cluster(name, true)}))
        })
    }

    pub(super) fn describe_clusters(&self, request: DescribeClusters) -> Result<Value, ServiceError> {
        let asked = request.clusters.unwrap_or_else(|| vec!["default".to_owned()]);
        if asked.len() > MOST_DESCRIBED {
            return Err(refuse::parameter(format!("clusters has up to {MOST_DESCRIBED} items.")));
        }
        let (known, with_tags) = (self.known()?, request.include.contains(&Include::Tags));
        let (mut clusters, mut failures) = (Vec::new(), Vec::new());
        for asked in &asked {
            let name = arn::cluster_in(Some(asked));
            match known.clusters.contains_key(name) {
                true => clusters.push(known.describe_cluster(name, with_tags)),
                false => failures.push(json!({"arn": arn::cluster(name), "reason": "MISSING"})),
            }
        }
        Ok(json!({"clusters": clusters, "failures": failures}))
    }

    pub(super) fn list_clusters(&self, request: ListClusters) -> Result<Value, ServiceError> {
        let known = self.known()?;
        let active = known.clusters.iter().filter(|(_, cluster)| cluster.is_active());
        let arns = active.map(|(name, _)| (name.clone(), arn::cluster(name)));
        let paging = Paging::of(request.max_results, request.next_token.as_deref())?;
        Ok(listed("clusterArns", paging.page(arns)))
    }

    pub(super) fn delete_cluster(&self, request: DeleteCluster) -> Result<Value, ServiceError> {
        let name = arn::cluster_in(Some(&request.cluster));
        self.change(|known| {
            if known.tasks_of(name).any(|task| !task.is_stopped()) {
                let message = "The Cluster cannot be deleted while Tasks are active.";
                return Err(ServiceError::client("ClusterContainsTasksException", message));
            }
            let cluster = known.clusters.get_mut(name).ok_or_else(refuse::no_cluster)?;
            cluster.deleted.get_or_insert_with(clock::utc);
            Ok(json!({"cluster": known.describe_cluster(name, true)}))
        })
    }
}

impl Known {
    /// A cluster that is there, as DescribeClusters shows it.
    fn describe_cluster(&self, name: &str, with_tags: bool) -> Value {
        let cluster = &self.clusters[name];
        let tasks = |is_counted: fn(Status) -> bool| self.tasks_of(name).filter(|task| is_counted(task.status)).count();
        json!({
            "clusterArn": arn::cluster(name),
            "clusterName": name,
            "status": if cluster.is_active() { "ACTIVE" } else { "INACTIVE" },
            "registeredContainerInstancesCount": 0,
            "runningTasksCount": tasks(|status| status == Status::Running),
            "pendingTasksCount": tasks(|status| status < Status::Running),
            "activeServicesCount": 0,
            "statistics": [],
            "tags": if with_tags { tags::describe(&cluster.tags) } else { Vec::new() },
            "settings": [],
            "capacityProviders": [],
            "defaultCapacityProviderStrategy": [],
        })
    }
}
