//! What is said to a person who typed something else than was meant.

use crate::command::{Demo, text};

#[test]
fn a_stack_where_a_file_belongs_is_told_from_a_file_that_is_not_there() {
    let demo = Demo::new();
    let said = |file: &str| text(&demo.output(&["run", file]).stderr);
    let of_id = said("store-sales-0a1b2c3d");
    assert!(of_id.contains("takes a stack file") && of_id.contains("`demo status`, `verify`"), "{of_id}");
    demo.expect(0, &["up", "stacks/stream-only.yaml"]);
    assert!(said("stream-only").contains("takes a stack file"));
    demo.expect(0, &["down", "stream-only"]);
    assert!(!said("stacks/none.yaml").contains("takes a stack file"));
}

#[test]
fn a_key_without_its_path_is_pointed_at() {
    let demo = Demo::new();
    let set = demo.output(&["validate", "stacks/stream-only.yaml", "--set", "shards=4"]);
    assert!(text(&set.stderr).contains("did you mean `stream.shards`?"), "{}", text(&set.stderr));
    let option = demo.output(&["up", "stacks/stream-only.yaml", "--shards", "8"]);
    assert_eq!(option.status.code(), Some(2));
    assert!(text(&option.stderr).contains("--set stream.shards=VALUE"), "{}", text(&option.stderr));
}
