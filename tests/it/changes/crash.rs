//! A change that was cut off: the next `up` goes on from wherever it stopped.

use super::Bench;
use crate::inside::Kill;

const MANY: &[&str] = &["stream.shards=7", "stream.retention=48h", "stream.max_record=2MiB", "tags={team: sales}"];

/// Kills `up` at every call that it makes on the way from `from` to `to`, each time of a fresh stack, and brings it up again.
async fn goes_on(stack: &str, from: &[&str], to: &[&str], when: Kill) -> usize {
    for number in 1.. {
        let bench = Bench::of(stack);
        bench.made(from).await;
        bench.wire.kill_at(number, when);
        let outlived = bench.wire.live(bench.up(to)).await.is_some();
        bench.wire.revive().await;
        let again = bench.up(to).await;
        assert!(again.is_ok(), "killed at call {number}, {when:?}: {}", again.expect_err("it failed"));
        bench.is_settled(to).await;
        if outlived {
            return number;
        }
    }
    unreachable!("a life has an end")
}

#[tokio::test(start_paused = true)]
async fn between_the_steps_of_a_stream() {
    for when in [Kill::Before, Kill::AfterUnseen, Kill::AfterAnswer] {
        assert!(goes_on("stream-only", &[], MANY, when).await > 10, "{when:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn anywhere_in_a_delivery_to_s3_and_its_table() {
    let to = ["deliver.s3.buffer.size=7MiB", "deliver.s3.catalog.partitions=projected", "tags={team: sales}"];
    assert!(goes_on("store-sales-s3", &[], &to, Kill::AfterUnseen).await > 10);
}

#[tokio::test(start_paused = true)]
async fn anywhere_in_a_function_and_what_feeds_it() {
    let to = ["deliver.dynamodb.function.memory=256MiB", "deliver.dynamodb.mapping.batch=50", "tags={team: sales}"];
    assert!(goes_on("store-sales-dynamodb", &[], &to, Kill::AfterUnseen).await > 10);
}

/// A change is another revision, and the one before it goes.
#[tokio::test(start_paused = true)]
async fn between_the_revisions_of_a_task_definition() {
    let from = ["load.workers.fargate.tasks=2"];
    let to = ["load.workers.fargate={tasks: 2, cpu: 2}", "tags={team: sales}"];
    for when in [Kill::AfterUnseen, Kill::AfterAnswer] {
        assert!(goes_on("stream-only", &from, &to, when).await > 10, "{when:?}");
    }
}
