//! A disk without room: what would fill it says so, and changes nothing.

use crate::command::{Demo, text};

#[test]
fn a_full_disk_is_told_with_what_to_remove() {
    let demo = Demo::new();
    for command in ["up", "run"] {
        // On this file system, nothing is ever free.
        let full = demo.command(&[command, "stacks/stream-only.yaml"]).env("KINESIS_DEMO_HOME", "/proc/full").output();
        let full = full.expect("demo starts");
        let said = text(&full.stderr);
        assert_eq!(full.status.code(), Some(1), "{said}");
        let why = "the disk of /proc/full is full: 0 B free, and a stack needs 12.6 MB; nothing was changed\n";
        assert!(said.contains(why), "{said}");
        assert!(said.contains("`demo down STACK` removes one") && said.contains("delete /proc/full/local "), "{said}");
    }
}

#[test]
fn a_load_that_cannot_fit_is_refused_with_its_size() {
    let demo = Demo::new();
    let stack = "stacks/store-sales-s3.yaml";
    let load = ["--set", "load={rate: 60000/s, records: 6000000000000, duration: null}"];
    let refused = |more: &[&str]| {
        let output = demo.output(&[&["run", stack], &load[..], more].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("the load does not fit on the disk of ") && said.contains("; nothing was changed\n"),
            "{said}"
        );
        assert!(said.contains("lower `load.records` or `load.duration`"), "{said}");
        said
    };
    let said = refused(&[]);
    // The stream retains a day of it.
    let size = "6,000,000,000,000 documents of 8170 bytes: 42353.28 GB in the stream, 4902000.00 GB in S3";
    assert!(said.contains(size), "{said}");
    assert_eq!(["stacks", "runs", "local"].map(|folder| demo.files(folder).len()), [0, 0, 0], "nothing was changed");
    demo.expect(0, &[&["up", stack], &load[..]].concat());
    let said = refused(&["--workers", "2/3", "--run", "shared"]);
    assert!(said.contains("2,000,000,000,000 documents of 8170 bytes: "), "{said}");
    assert_eq!(demo.files("runs").len(), 0);
    demo.expect(0, &["down", stack]);
}
