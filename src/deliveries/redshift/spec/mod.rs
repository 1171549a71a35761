//! `deliver.redshift` of a stack file.

mod check;
mod file;
mod names;

use std::time::Duration;

use demo_formats::{prefix::Prefix, schema::Structs};

use crate::{
    deliveries::spec::section::{OwnedPrefix, Section},
    spec::{
        imperfect::{End, Flaw},
        names::Name,
        objects::Buffer,
        quantity::Refusal,
    },
};

pub(crate) use file::RedshiftFile;

/// To a Redshift table, through S3.
#[derive(Clone, Debug)]
pub struct RedshiftDelivery {
    /// Which Redshift.
    pub at: RedshiftAt,
    /// The database.
    pub database: String,
    /// The schema; made by `up`.
    pub schema: Name,
    /// The table in it; made by `up`.
    pub table: String,
    /// How the table is loaded.
    pub load: RedshiftLoad,
    /// The role that COPY assumes: an ARN; Redshift's default role when `None`. Unused where Redshift itself is ours.
    pub role: Option<String>,
    /// The secret with the database user: a name or an ARN, of Secrets Manager.
    pub secret: Option<String>,
    /// What a struct becomes.
    pub structs: Structs,
    /// Key prefix of the objects on their way, with expressions.
    pub prefix: Prefix,
    /// `prefix` as it was written.
    pub prefix_text: String,
    /// Key prefix of what could not be delivered; none where Firehose loads, whose Redshift destination has none.
    pub error_prefix: Option<Prefix>,
    /// `error_prefix` as it was written.
    pub error_prefix_text: Option<String>,
    /// When an object is written.
    pub buffer: Buffer,
    /// Documents that one COPY may leave out because it cannot load them, at most 100,000.
    pub max_errors: u32,
}

/// Which Redshift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedshiftAt {
    /// A Serverless workgroup that exists; never changed or deleted.
    Workgroup {
        /// Its name.
        name: String,
    },
    /// A cluster that exists; never changed or deleted.
    Cluster {
        /// Its identifier.
        identifier: String,
        /// The database user, where there is no secret.
        user: Option<String>,
        /// `host:port`, which Firehose connects to.
        endpoint: Option<String>,
    },
    /// A namespace and a workgroup of our own, at the smallest base capacity.
    Created,
}

/// How a Redshift table is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedshiftLoad {
    /// By COPY through the Data API, of what has landed in S3 since the last time.
    Copy {
        /// How often.
        every: Duration,
    },
    /// By Firehose's own Redshift destination.
    Firehose,
}

impl Section for RedshiftDelivery {
    /// COPY bears so many documents that it cannot load as MAXERROR says, and refuses the batch at one more (Redshift
    /// developer guide, "Data load operations"). A member that is not there is NULL.
    fn end_of(&self, flaw: Flaw) -> Result<End, Refusal> {
        Ok(match flaw {
            Flaw::Malformed | Flaw::WrongType if self.max_errors == 0 => {
                let problem = "one such document makes COPY refuse all that it is loaded with";
                return Err(Refusal::new(problem, "`deliver.redshift.max_errors`, such as `max_errors: 1000`"));
            }
            Flaw::Malformed | Flaw::WrongType => End::Rejected("load errors"),
            Flaw::Empty => End::Nulls,
            Flaw::Duplicates | Flaw::Late | Flaw::OutOfOrder | Flaw::Missing | Flaw::Unknown | Flaw::Oversize => {
                End::Kept
            }
        })
    }

    fn fixed_prefixes(&self) -> Vec<OwnedPrefix<'_>> {
        let fixed = |owner, key| OwnedPrefix { owner, path: "", key };
        vec![fixed("the jsonpaths", "redshift/jsonpaths.json"), fixed("the manifests", "redshift/manifests/")]
    }

    fn prefixes(&self) -> Vec<OwnedPrefix<'_>> {
        let (path, key) = ("deliver.redshift.prefix", self.prefix.fixed());
        let data = OwnedPrefix { owner: "those on their way to Redshift", path, key };
        let errors = self.error_prefix.as_ref().map(|prefix| {
            let (path, key) = ("deliver.redshift.error_prefix", prefix.fixed());
            OwnedPrefix { owner: "what Redshift did not get", path, key }
        });
        [data].into_iter().chain(errors).collect()
    }
}
