//! Whole names from the stack file: the id is not in them, and they are found all the same.

use kinesis_demo::{
    aws::inventory,
    engine::{Cancel, Scope},
    pipeline::{discover, lifecycle},
    spec,
};
use serde_json::json;

use super::lost::blank;
use crate::{
    inside::{Fault, Wire},
    lifecycle::materials,
    matrix::simulated,
};

const NAMES: [&str; 4] = [
    "stream.name={exact: the-stream}",
    "stream.shards=1",
    "deliver.s3.bucket={exact: the-bucket-of-it}",
    "deliver.s3.catalog.database={exact: the_database}",
];

#[test]
fn whole_names_are_found_by_their_tags() {
    simulated(async {
        let folder = tempfile::tempdir().expect("a folder");
        let stand_in = aws_stand_in::internals::StandIn::open(folder.path()).expect("opened");
        let (wire, before) = (Wire::to(stand_in.clone()), stand_in.inventory().expect("readable"));
        let clients = wire.clients().await;
        let stack = spec::read("stacks/store-sales-s3.yaml".as_ref(), &[], &NAMES.map(str::to_owned));
        let stack = stack.unwrap_or_else(|errors| panic!("{errors}")).stack;
        let (_folder, home) = blank();
        let journal = lifecycle::open(&home, &stack, json!({}), &clients).await.expect("opened");
        lifecycle::up(&journal, &stack, &materials(), &clients, &(), &Cancel::new()).await.expect("up");
        let id = journal.id().clone();

        let by_name = inventory::of(&clients, &Scope::Stack(id.clone())).await.expect("an inventory");
        assert_eq!(by_name.len(), 5, "neither stream nor bucket: {by_name:#?}");
        let found = inventory::thorough(&clients, &id).await;
        let names: Vec<_> = found.owned.iter().map(|owned| owned.node.key.to_string()).collect();
        for name in ["stream the-stream", "bucket the-bucket-of-it", "database the_database"] {
            assert!(names.iter().any(|found| found == name), "{names:?}");
        }

        wire.faults("kinesis DeleteStream", usize::MAX, Fault::denied("not allowed"));
        let down = lifecycle::down(&journal, &clients, &(), &Cancel::new()).await.expect("down");
        let left: Vec<_> = down.leftovers.iter().map(|owned| owned.command.as_str()).collect();
        assert!(left.len() == 1 && left[0].contains("--stream-name the-stream"), "it is listed: {down:#?}");
        wire.heal();
        drop(journal);

        let (_folder, home) = blank();
        let found = inventory::thorough(&clients, &id).await;
        let journal = discover::journal(&home, &id, &found, &clients).await.expect("a journal");
        let down = lifecycle::down(&journal, &clients, &(), &Cancel::new()).await.expect("down");
        assert!(down.is_clean() && down.removed.len() == 1, "{down:#?}");
        assert!(stand_in.inventory().expect("readable").changes_since(&before).is_empty());
    });
}
