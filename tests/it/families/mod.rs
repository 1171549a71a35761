//! What a lifecycle must survive, family by family. Each ends with nothing of ours left, nothing of others touched, and a
//! second `down` that finds nothing to do.

pub mod attached;
mod bucket;
mod contents;
mod credentials;
mod denied;
mod firehose;
mod foreign;
mod hand;
mod journal;
mod limits;
mod lost;
mod propagation;
mod staged;
mod statements;
mod taken;

use std::collections::BTreeMap;

use kinesis_demo::{
    engine::{Applied, ApplyError, Down, ProviderError},
    pipeline::lifecycle::{self, LifecycleError},
};

use self::staged::Staged;
use crate::{
    inside::{self, Wire},
    matrix::{case::Case, ground::Ground, point::nothing_is_left},
};

/// The stack that has one of nearly everything.
const EVERYTHING: &str = "store-sales-everything";
/// The one whose Redshift is its own.
const CREATED: &str = "store-sales-redshift (created)";
/// The one whose workers are tasks on Fargate.
const FARGATE: &str = "stream-only (fargate)";

/// Ground for a stack of which nothing is made yet.
async fn ground(name: &str) -> Ground {
    let case = match name {
        CREATED => Case::created(),
        FARGATE => Case::fargate(),
        _ => Case::named(name),
    };
    let mut ground = Ground::of(&case).await;
    ground.begin().await;
    ground
}

/// The same, with a service on it whose answers are staged.
async fn staged(name: &str) -> (Ground, std::sync::Arc<Staged>) {
    let mut ground = ground(name).await;
    let staged = Staged::over(ground.stand_in.clone());
    ground.wire = Wire::over(std::sync::Arc::new(staged.clone()));
    (ground, staged)
}

/// `up` without the look around that comes before it, which would ask much more.
async fn make(ground: &Ground) -> Result<Applied, LifecycleError> {
    let clients = ground.wire.clients().await;
    let journal = lifecycle::open(&ground.home, &ground.stack, serde_json::json!({}), &clients).await?;
    inside::make(&journal, &ground.stack, &ground.materials(), &clients).await
}

async fn up(ground: &Ground) {
    make(ground).await.unwrap_or_else(|error| panic!("up: {error}"));
}

/// How many there are of each kind in the store, by the first two words of what it is called there; names of mappings are
/// random. A bucket's second word is its own name, which is the same each time.
fn kinds(ground: &Ground) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for name in ground.inventory().names() {
        let kind = name.split(' ').take(2).collect::<Vec<_>>().join(" ");
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}

/// What stood in the way of `up`.
async fn up_fails(ground: &Ground) -> Vec<ProviderError> {
    errors(make(ground).await.expect_err("it should have failed"))
}

fn errors(error: LifecycleError) -> Vec<ProviderError> {
    match error {
        LifecycleError::Apply(ApplyError::Failed(failed) | ApplyError::Refused(failed)) => {
            failed.into_iter().map(|(_, error)| error).collect()
        }
        LifecycleError::Provider(error) => vec![error],
        other => panic!("no error of a call: {other}"),
    }
}

async fn down(ground: &Ground) -> Down {
    ground.down().await.unwrap_or_else(|error| panic!("down: {error}"))
}

/// Every call by its name, as a whole life makes them.
async fn calls(name: &str) -> Vec<String> {
    let ground = ground(name).await;
    up(&ground).await;
    ground.land().await;
    ends_clean(&ground).await;
    let mut calls = ground.wire.calls();
    calls.sort();
    calls.dedup();
    calls
}

/// Nothing goes wrong any more: `down` takes away what is there, and everything is as it was.
async fn ends_clean(ground: &Ground) {
    ground.wire.heal();
    let down = down(ground).await;
    assert!(down.is_clean(), "{down:#?}");
    nothing_is_left(ground).await.expect("nothing is left");
}
