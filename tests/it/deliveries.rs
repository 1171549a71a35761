//! What every delivery has to have besides its own folder: a stack that ships, documents, and its place in results.

use std::{collections::BTreeSet, fs};

use kinesis_demo::{
    deliveries::{self, DESTINATIONS},
    spec,
    verify::{Destination, stream},
};

use crate::{specs::read, stacks::shipped};

/// The keys that `deliver` may have.
fn keys() -> Vec<String> {
    let schema = spec::json_schema();
    let keys = schema["$defs"]["DeliverFile"]["properties"].as_object().expect("a map");
    assert!(keys.len() >= 3, "{keys:?}");
    keys.keys().cloned().collect()
}

#[test]
fn every_delivery_has_a_stack_that_ships_and_its_keys_are_documented() {
    let merged: Vec<_> = shipped().iter().map(|stack| read(&format!("stacks/{stack}.yaml")).merged).collect();
    let documents = fs::read_to_string("docs/stack-file.md").expect("the document is there");
    for key in keys() {
        assert!(merged.iter().any(|stack| stack["deliver"][&key].is_object()), "no stack has `deliver.{key}`");
        assert!(documents.contains(&format!("\n### `deliver.{key}`\n")), "no section about `deliver.{key}`");
    }
}

#[test]
fn every_destination_is_known_to_results_and_documented() {
    let mut delivered: BTreeSet<Destination> = BTreeSet::from([stream::DESTINATION]);
    for stack in shipped() {
        let stack = read(&format!("stacks/{stack}.yaml")).stack;
        delivered.extend(deliveries::of(&stack.deliver).iter().map(|delivery| delivery.destination()));
    }
    assert_eq!(delivered, BTreeSet::from(DESTINATIONS));
    assert_eq!(delivered.len(), keys().len() + 1, "each delivery ends in a destination of its own");
    let documents = fs::read_to_string("docs/deliveries.md").expect("the document is there");
    for Destination { name, .. } in DESTINATIONS.into_iter().filter(|to| *to != stream::DESTINATION) {
        assert!(documents.contains(&format!("\n## {name}\n")), "no section about {name}");
    }
}
