//! A call works and its answer is lost: to a reset, to a time-out, to a 500 afterwards.

use std::{collections::BTreeSet, time::Duration};

use super::{CREATED, EVERYTHING, FARGATE, down, ends_clean, ground, kinds, make, up};
use crate::{
    inside::Fault,
    matrix::{ground::Ground, point::nothing_is_left},
};

fn losses() -> [Fault; 3] {
    let message = "We encountered an internal error.".to_owned();
    [
        Fault::LoseAnswer,
        Fault::Delay(Duration::from_secs(90)),
        Fault::AnswerAfter { status: 500, code: "InternalFailure", message },
    ]
}

/// Every call that changes something, each name once.
fn changes(ground: &Ground) -> BTreeSet<String> {
    ground.wire.changes().into_iter().collect()
}

async fn whatever_is_lost(stack: &str) {
    let mut ground = ground(stack).await;
    up(&ground).await;
    let (made, kept) = (changes(&ground), kinds(&ground));
    ground.wire.forget();
    ground.land().await;
    ends_clean(&ground).await;
    let removed = changes(&ground);
    assert!(made.len() > 8 && removed.len() > 6, "{made:?} {removed:?}");
    for fault in losses() {
        for call in &made {
            ground.begin().await;
            ground.wire.fault(call, fault.clone());
            make(&ground).await.unwrap_or_else(|error| panic!("{call} {fault:?}: {error}"));
            assert_eq!(kinds(&ground), kept, "{call} {fault:?}");
            ends_clean(&ground).await;
        }
        for call in &removed {
            ground.begin().await;
            up(&ground).await;
            ground.land().await;
            ground.wire.fault(call, fault.clone());
            let down = down(&ground).await;
            assert!(down.is_clean(), "{call} {fault:?}: {down:#?}");
            nothing_is_left(&ground).await.unwrap_or_else(|why| panic!("{call} {fault:?}: {why}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lost_answers_of_a_stack_of_everything() {
    whatever_is_lost(EVERYTHING).await;
}

#[tokio::test(start_paused = true)]
async fn lost_answers_of_a_redshift_of_its_own() {
    whatever_is_lost(CREATED).await;
}

#[tokio::test(start_paused = true)]
async fn lost_answers_of_what_tasks_on_fargate_need() {
    whatever_is_lost(FARGATE).await;
}

/// The SDK gives up before the service answers at all; what it made meanwhile is found by its mark.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_at_every_try() {
    for call in ["kinesis CreateStream", "iam CreateRole", "firehose CreateDeliveryStream", "lambda CreateFunction"] {
        let ground = ground(EVERYTHING).await;
        ground.wire.faults(call, 5, Fault::LoseAnswer);
        up(&ground).await;
        ends_clean(&ground).await;
    }
}
