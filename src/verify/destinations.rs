//! The places where a stack's records end.

use std::sync::Arc;

use super::{
    destination::DestinationReader, dynamodb::DynamoDb, expected::Expected, redshift::Redshift, s3::S3, stream::Stream,
};
use crate::{
    aws::{Clients, Names, redshift::Loader},
    spec::{Deliver, Stack},
};

/// Every place where the records of a stack end; the stream itself where it delivers nowhere. Documents that are not
/// `expected` are left out.
pub fn of(
    stack: &Stack,
    names: &Names,
    clients: &Clients,
    expected: &Arc<Expected>,
) -> Vec<Box<dyn DestinationReader>> {
    let mut all: Vec<Box<dyn DestinationReader>> = Vec::new();
    let Deliver { s3, redshift, dynamodb } = &stack.deliver;
    if let Some(s3) = s3 {
        all.push(Box::new(S3::new(s3, names, clients, expected)));
    }
    if let Some(redshift) = redshift {
        let loader = Loader::of(stack, names, clients);
        all.push(Box::new(Redshift::new(redshift, names, clients, expected, loader)));
    }
    if let Some(to) = dynamodb {
        all.push(Box::new(DynamoDb::new(to, names, clients, expected)));
    }
    if stack.deliver.is_empty() {
        all.push(Box::new(Stream::new(&names.stream, clients, expected)));
    }
    all
}
