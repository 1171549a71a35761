//! `deliver` of a stack file: what a user may write under it, and what it comes to.
//!
//! Each delivery has one line in each of these: [`DeliverFile`], its `check`, [`Deliver`] and its sections.

mod apart;
pub(crate) mod section;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    dynamodb::spec::{DynamoDbDelivery, DynamoDbFile},
    redshift::spec::{RedshiftDelivery, RedshiftFile},
    s3::spec::{S3Delivery, S3File},
};
use crate::spec::{
    check::values::{Check, Sent},
    imperfect::{End, Flaw},
    names::Name,
    quantity::Refusal,
};
use section::Section;

/// a map of `s3`, `redshift` and `dynamodb`, any of them
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliverFile {
    /// Firehose from the stream to S3.
    pub s3: Option<S3File>,
    /// To a Redshift table, through S3.
    pub redshift: Option<RedshiftFile>,
    /// To a DynamoDB table, by a Lambda function.
    pub dynamodb: Option<DynamoDbFile>,
}

impl DeliverFile {
    /// What it comes to, if nothing is wrong with it. `stack` is the stack's name, if that is right.
    pub(crate) fn check(
        self,
        check: &mut Check<'_>,
        stack: Option<&str>,
        sent: Sent<'_>,
        mirror: bool,
    ) -> Option<Deliver> {
        let s3 = if_written(self.s3, |file| check.s3(file, stack, sent));
        let redshift = if_written(self.redshift, |file| check.redshift(file));
        let dynamodb = if_written(self.dynamodb, |file| check.dynamodb(file, stack, sent));
        let deliver = Deliver { s3: s3?, redshift: redshift?, dynamodb: dynamodb? };
        check.apart(&deliver, mirror).map(|()| deliver)
    }
}

/// None where something is wrong, a delivery of none where nothing is written.
fn if_written<F, D>(file: Option<F>, check: impl FnOnce(F) -> Option<D>) -> Option<Option<D>> {
    file.map_or(Some(None), |file| check(file).map(Some))
}

/// Where records go; any subset, none too.
#[derive(Clone, Debug, Default)]
pub struct Deliver {
    /// Firehose to S3.
    pub s3: Option<S3Delivery>,
    /// To a Redshift table, through S3.
    pub redshift: Option<RedshiftDelivery>,
    /// To a DynamoDB table, by a Lambda function.
    pub dynamodb: Option<DynamoDbDelivery>,
}

impl Deliver {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sections().is_empty()
    }

    /// The name that a delivery gives the stack's bucket.
    pub(crate) fn bucket(&self) -> Option<&Name> {
        self.sections().into_iter().find_map(Section::bucket)
    }

    /// Where each delivery has the documents with a flaw, by its key.
    pub(crate) fn ends_of(&self, flaw: Flaw) -> Vec<(&'static str, Result<End, Refusal>)> {
        let named = |(name, section): (_, Option<&dyn Section>)| section.map(|section| (name, section.end_of(flaw)));
        self.named().into_iter().filter_map(named).collect()
    }

    /// The fields at the top of documents that a delivery needs as they are.
    pub(crate) fn fields(&self) -> Vec<&str> {
        self.sections().into_iter().flat_map(Section::fields).collect()
    }

    fn named(&self) -> [(&'static str, Option<&dyn Section>); 3] {
        let Self { s3, redshift, dynamodb } = self;
        [("s3", section::of(s3)), ("redshift", section::of(redshift)), ("dynamodb", section::of(dynamodb))]
    }

    fn sections(&self) -> Vec<&dyn Section> {
        self.named().into_iter().filter_map(|(_, section)| section).collect()
    }
}
