//! `deliver.dynamodb` of a stack file.

mod capacity;
mod check;
mod file;

use std::time::Duration;

use demo_function::TableKey;

use crate::{
    deliveries::spec::section::{OwnedPrefix, Section},
    spec::{
        imperfect::{End, Flaw},
        names::Name,
        quantity::Refusal,
    },
};

pub(crate) use file::DynamoDbFile;

/// To a DynamoDB table, by a Lambda function.
#[derive(Clone, Debug)]
pub struct DynamoDbDelivery {
    /// The table; made by `up`.
    pub table: Name,
    /// Its key.
    pub key: TableKey,
    /// The function.
    pub function: FunctionSettings,
    /// How it is fed.
    pub mapping: MappingSettings,
}

/// A Lambda function's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionSettings {
    /// 128–10,240 MiB.
    pub memory_mib: u32,
    /// 1–900 s.
    pub timeout: Duration,
}

/// How Lambda feeds a function from a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappingSettings {
    /// Records a batch, 1–10,000.
    pub batch: u32,
    /// How long a batch is gathered, 0–300 s.
    pub window: Duration,
    /// Batches of a shard at a time, 1–10.
    pub parallel: u32,
    /// How often a failed batch is tried again, 0–10,000.
    pub retries: u32,
    /// Records older than this are given up, 60 s to 7 days.
    pub max_age: Duration,
}

impl Section for DynamoDbDelivery {
    fn end_of(&self, flaw: Flaw) -> Result<End, Refusal> {
        Ok(match flaw {
            Flaw::Malformed | Flaw::Empty => End::Rejected("failure bucket"),
            Flaw::Duplicates
            | Flaw::Late
            | Flaw::OutOfOrder
            | Flaw::WrongType
            | Flaw::Missing
            | Flaw::Unknown
            | Flaw::Oversize => End::Kept,
        })
    }

    fn fields(&self) -> Vec<&str> {
        self.key.fields()
    }

    fn fixed_prefixes(&self) -> Vec<OwnedPrefix<'_>> {
        let fixed = |owner, key| OwnedPrefix { owner, path: "", key };
        vec![fixed("what Lambda gave up", "aws/lambda/"), fixed("the function's code", "functions/")]
    }
}
