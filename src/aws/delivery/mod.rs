//! The delivery stream: Firehose from the stream to the bucket.

mod destination;
mod route;

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use aws_sdk_firehose::{
    operation::{
        create_delivery_stream::builders::CreateDeliveryStreamFluentBuilder,
        update_destination::builders::UpdateDestinationFluentBuilder,
    },
    types::{
        DeliveryStreamDescription, DeliveryStreamStatus, DeliveryStreamType, KinesisStreamSourceConfiguration, Tag,
    },
};
use serde::{Deserialize, Serialize};

use super::{
    clients::Clients,
    failure::{broken, failure, is},
    kind::{Kind, Layer},
    ownership::{self, Ownership},
    pace::Pace,
    permission::{On, Statement},
    rates::Api,
    tags,
};
use crate::{
    engine::{Cause, Difference, Observed, Owned, Progress, ProviderError, Scope, StackId},
    spec::{Compression, FieldPath},
};

pub use route::Route;
pub(super) use route::{Found, changed};

const READY_BUDGET: Duration = Duration::from_secs(15 * 60);
const GONE_BUDGET: Duration = Duration::from_secs(60 * 60);
const NAMES_A_CALL: i32 = 100;
const CREATE: &str = "firehose CreateDeliveryStream";
const DESCRIBE: &str = "firehose DescribeDeliveryStream";
const UPDATE: &str = "firehose UpdateDestination";

/// A delivery stream as it is wanted. Records are put together as they are: each must end in a newline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// From the stream into the bucket.
    #[serde(flatten)]
    pub route: Route,
    /// Of the objects; inside them where they are Parquet.
    pub compression: Compression,
    /// Whose columns make the objects Parquet; without it they are the records as they are.
    pub parquet: Option<Columns>,
    /// The path in the document of each `!{partitionKeyFromQuery:…}` of the prefix.
    pub partition_by: BTreeMap<String, FieldPath>,
}

/// The Glue table whose columns a Parquet object has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// The document's key of each column and field that is called otherwise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub key_mappings: BTreeMap<String, String>,
}

/// Knows delivery streams.
pub struct Deliveries(pub Clients);

#[async_trait]
impl Kind for Deliveries {
    type Desired = Desired;

    const KIND: &'static str = "delivery";
    const LAYER: Layer = Layer::Flow;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.route.ownership
    }

    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        permissions(&wanted.route.name)
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        self.observe(&wanted.route, |found| {
            let s3 = found.destinations().first().and_then(|to| to.extended_s3_destination_description());
            s3.map(|s3| destination::differences(wanted, s3, &self.0))
        })
        .await
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let role = self.role(&wanted.route).await?;
        let to = destination::configuration(wanted, &role, &self.0);
        let to = to.map_err(|error| invalid(&wanted.route.name, &error))?;
        let call = self.call(&wanted.route, &role).await?;
        self.make(call.extended_s3_destination_configuration(to), &wanted.route.name).await
    }

    async fn make_ready(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let name = &wanted.route.name;
        self.wait_until_active(name, progress).await
    }

    async fn change(
        &self,
        wanted: &Desired,
        differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let role = self.role(&wanted.route).await?;
        let to = destination::configuration(wanted, &role, &self.0);
        let to = to.map_err(|error| invalid(&wanted.route.name, &error))?;
        self.bring(&wanted.route, differs, |call, found| {
            let s3 = found.destinations().first().and_then(|to| to.extended_s3_destination_description());
            call.extended_s3_destination_update(destination::update(to.clone(), s3))
        })
        .await
    }

    async fn delete(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let name = &wanted.route.name;
        self.remove(name, progress).await
    }

    /// Those to Redshift too.
    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let names = self.names().await?.into_iter().filter(|name| scope.may_follow(name));
        let tags = |name: String| async move { Ok(ownership::collected(pairs(&self.tags(&name).await?))) };
        let owned = |(name, ownership): (String, Ownership)| {
            let command = format!("firehose delete-delivery-stream --delivery-stream-name {name}");
            let route = Route { name: name.clone(), ownership, ..Route::default() };
            Self::found(&name, &Desired { route, ..Desired::default() }, self.0.cli(&command))
        };
        Ok(ownership::ours(scope, names, tags).await?.into_iter().map(owned).collect())
    }
}

impl Deliveries {
    /// What is there. `differences` are those of the destination, or none where it is of another kind.
    pub(super) async fn observe(
        &self,
        wanted: &Route,
        differences: impl FnOnce(&DeliveryStreamDescription) -> Option<Vec<Difference>>,
    ) -> Result<Observed, ProviderError> {
        let Some(found) = self.describe(&wanted.name).await? else { return Ok(Observed::Absent) };
        let tags = self.tags(&wanted.name).await?;
        if let Err(why) = wanted.ownership.is_on(pairs(&tags)) {
            return Ok(Observed::Foreign { why });
        }
        let active = *found.delivery_stream_status() == DeliveryStreamStatus::Active;
        let mut differs = Vec::new();
        if active {
            differs.extend(wanted.source_differences(&found));
            let other = || vec![Difference::replace("destination", "another kind", "the one in the stack file")];
            differs.extend(differences(&found).unwrap_or_else(other));
        }
        differs.extend(tags::differences(&wanted.ownership, pairs(&tags)));
        Ok(Observed::Ours { identity: found.delivery_stream_arn().to_owned(), ready: active, differs })
    }

    /// The ARN of its role.
    pub(super) async fn role(&self, wanted: &Route) -> Result<String, ProviderError> {
        self.0.iam_arn(&format!("role{}", wanted.role)).await
    }

    /// The call that makes a delivery stream; it lacks a destination yet. `role` is an ARN.
    pub(super) async fn call(
        &self,
        wanted: &Route,
        role: &str,
    ) -> Result<CreateDeliveryStreamFluentBuilder, ProviderError> {
        let Route { name, stream, ownership, .. } = wanted;
        let stream = self.0.arn("kinesis", &format!("stream/{stream}")).await?;
        let source = KinesisStreamSourceConfiguration::builder().kinesis_stream_arn(stream).role_arn(role).build();
        let source = source.map_err(|error| invalid(name, &error))?;
        let tags = to_tags(ownership.all(), name)?;
        let call = self.0.firehose.create_delivery_stream().delivery_stream_name(name);
        let call = call.delivery_stream_type(DeliveryStreamType::KinesisStreamAsSource);
        Ok(call.kinesis_stream_source_configuration(source).set_tags(Some(tags)))
    }

    /// Makes it. Returns its ARN.
    pub(super) async fn make(
        &self,
        call: CreateDeliveryStreamFluentBuilder,
        name: &str,
    ) -> Result<String, ProviderError> {
        self.0.turn(Api::CREATE_DELIVERY_STREAM).await;
        let answer = call.send().await.map_err(|error| failure(CREATE, name, &error))?;
        Ok(answer.delivery_stream_arn.unwrap_or_default())
    }

    /// Brings tags and destination to what is wanted; `fill` gives the call its destination, from what is there.
    pub(super) async fn bring(
        &self,
        wanted: &Route,
        differs: &[Difference],
        fill: impl Fn(UpdateDestinationFluentBuilder, &DeliveryStreamDescription) -> UpdateDestinationFluentBuilder,
    ) -> Result<(), ProviderError> {
        let name = &wanted.name;
        if tags::among(differs) {
            let tags = to_tags(tags::changing(&wanted.ownership), name)?;
            let answer = self.0.firehose.tag_delivery_stream().delivery_stream_name(name).set_tags(Some(tags)).send();
            answer.await.map_err(|error| failure("firehose TagDeliveryStream", name, &error))?;
        }
        if tags::beside(differs) { self.redirect(name, fill).await } else { Ok(()) }
    }

    /// Each update names the version that it changes, so that none is made over another.
    async fn redirect(
        &self,
        name: &str,
        fill: impl Fn(UpdateDestinationFluentBuilder, &DeliveryStreamDescription) -> UpdateDestinationFluentBuilder,
    ) -> Result<(), ProviderError> {
        let gone =
            || broken(Cause::Other, DESCRIBE, name, "it no longer exists".to_owned(), "`demo up` creates it again");
        let found = self.describe(name).await?.ok_or_else(gone)?;
        let to = found.destinations().first().map(|to| to.destination_id().to_owned());
        let call = self.0.firehose.update_destination().delivery_stream_name(name).set_destination_id(to);
        let call = fill(call.current_delivery_stream_version_id(found.version_id()), &found);
        call.send().await.map_err(|error| failure(UPDATE, name, &error)).map(drop)
    }

    pub(super) async fn wait_until_active(&self, name: &str, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let mut pace = Pace::within(READY_BUDGET);
        loop {
            let what = match self.describe(name).await? {
                // A delivery stream that was just made may not be seen everywhere yet.
                None => "not visible yet".to_owned(),
                Some(found) => match found.delivery_stream_status() {
                    DeliveryStreamStatus::Active => return Ok(()),
                    DeliveryStreamStatus::Creating => "CREATING".to_owned(),
                    DeliveryStreamStatus::CreatingFailed => {
                        let why = reason(&found);
                        self.remove(name, progress).await?;
                        let message = format!("CREATING_FAILED: {why}; the delivery stream was deleted");
                        return Err(broken(
                            Cause::Other,
                            CREATE,
                            name,
                            message,
                            "fix the cause, then run `demo up` again",
                        ));
                    }
                    status => {
                        let message = format!("it is {}: {}", status.as_str(), reason(&found));
                        return Err(broken(
                            Cause::Other,
                            DESCRIBE,
                            name,
                            message,
                            "run `demo down`, then `demo up` again",
                        ));
                    }
                },
            };
            pace.wait(progress, DESCRIBE, name, &what).await?;
        }
    }

    pub(super) async fn remove(&self, name: &str, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let mut pace = Pace::within(GONE_BUDGET);
        while let Some(found) = self.describe(name).await? {
            let status = found.delivery_stream_status();
            // What is CREATING cannot be deleted, and what is DELETING need not be.
            if !matches!(status, DeliveryStreamStatus::Creating | DeliveryStreamStatus::Deleting) {
                let force = *status == DeliveryStreamStatus::DeletingFailed;
                self.0.turn(Api::DELETE_DELIVERY_STREAM).await;
                let call = self.0.firehose.delete_delivery_stream().delivery_stream_name(name);
                match call.set_allow_force_delete(force.then_some(true)).send().await {
                    Ok(_) => {}
                    Err(error) if is(&error, &["ResourceNotFoundException"]) => return Ok(()),
                    Err(error) => return Err(failure("firehose DeleteDeliveryStream", name, &error)),
                }
            }
            pace.wait(progress, "firehose DeleteDeliveryStream", name, status.as_str()).await?;
        }
        Ok(())
    }

    pub(super) async fn describe(&self, name: &str) -> Result<Option<DeliveryStreamDescription>, ProviderError> {
        self.0.turn(Api::DESCRIBE_DELIVERY_STREAM).await;
        match self.0.firehose.describe_delivery_stream().delivery_stream_name(name).send().await {
            Ok(answer) => Ok(answer.delivery_stream_description),
            Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(None),
            Err(error) => Err(failure(DESCRIBE, name, &error)),
        }
    }

    pub(super) async fn tags(&self, name: &str) -> Result<Vec<Tag>, ProviderError> {
        let mut tags: Vec<Tag> = Vec::new();
        loop {
            let last = tags.last().map(|tag| tag.key().to_owned());
            self.0.turn(Api::LIST_TAGS_FOR_DELIVERY_STREAM).await;
            let call = self.0.firehose.list_tags_for_delivery_stream().delivery_stream_name(name);
            let page = call.set_exclusive_start_tag_key(last).send().await;
            let page = page.map_err(|error| failure("firehose ListTagsForDeliveryStream", name, &error))?;
            let more = page.has_more_tags() && !page.tags().is_empty();
            tags.extend(page.tags);
            if !more {
                return Ok(tags);
            }
        }
    }

    async fn names(&self) -> Result<Vec<String>, ProviderError> {
        let mut names: Vec<String> = Vec::new();
        loop {
            self.0.turn(Api::LIST_DELIVERY_STREAMS).await;
            let call = self.0.firehose.list_delivery_streams().limit(NAMES_A_CALL);
            let page = call.set_exclusive_start_delivery_stream_name(names.last().cloned()).send().await;
            let page = page.map_err(|error| failure("firehose ListDeliveryStreams", "the account", &error))?;
            let more = page.has_more_delivery_streams() && !page.delivery_stream_names().is_empty();
            names.extend(page.delivery_stream_names);
            if !more {
                return Ok(names);
            }
        }
    }
}

/// What a person needs for a delivery stream of any destination.
pub(super) fn permissions(name: &str) -> Vec<Statement> {
    const ACTIONS: [&str; 6] = [
        "firehose:CreateDeliveryStream",
        "firehose:DeleteDeliveryStream",
        "firehose:DescribeDeliveryStream",
        "firehose:ListTagsForDeliveryStream",
        "firehose:TagDeliveryStream",
        "firehose:UpdateDestination",
    ];
    vec![Statement::new(&ACTIONS, [On::resource("firehose", format!("deliverystream/{name}"))])]
}

fn reason(found: &DeliveryStreamDescription) -> String {
    match found.failure_description() {
        Some(failure) => format!("{}: {}", failure.r#type().as_str(), failure.details()),
        None => "no reason given".to_owned(),
    }
}

fn to_tags(tags: ownership::Tags, name: &str) -> Result<Vec<Tag>, ProviderError> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build().map_err(|error| invalid(name, &error));
    tags.into_iter().map(tag).collect()
}

fn pairs(tags: &[Tag]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|tag| (tag.key(), tag.value().unwrap_or_default()))
}

pub(super) fn invalid(name: &str, error: &dyn std::fmt::Display) -> ProviderError {
    broken(Cause::Other, CREATE, name, error.to_string(), "")
}
