//! The stacks and overlays that ship.

use std::{fs, path::PathBuf};

use kinesis_demo::{
    aws::Names,
    engine::StackId,
    spec::{self, StreamMode, Target},
};

use crate::specs::read;

const TOO_MUCH_FOR_A_TABLE: &str = "config/full-scale.yaml:6:9: load.rate: 60000/s of 8 write units each are 480,000 a second, and a DynamoDB table takes 40,000 by default; they would cost $1,080 an hour\n    6 |   rate: 60000/s\n      |         ^^^^^^^ expected at most 5000/s, or no `deliver.dynamodb`";

/// The names of those that ship: the files of `stacks/`.
pub fn shipped() -> Vec<String> {
    let files = fs::read_dir("stacks").expect("the folder is there").map(|entry| entry.expect("readable").path());
    let files = files.filter(|path| path.extension().is_some_and(|kind| kind == "yaml"));
    let mut names: Vec<String> = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    assert!(names.len() >= 9, "{names:?}");
    names
}

#[test]
fn the_shipped_stacks_are_laptop_sized_and_local() {
    for stack in shipped() {
        let checked = read(&format!("stacks/{stack}.yaml"));
        assert_eq!(checked.stack.target, Target::Local);
        assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
        let length = checked.stack.load.schedule.duration();
        assert!(length.is_some_and(|length| length.as_secs() <= 30), "{stack} lasts {length:?}");
    }
}

#[test]
fn the_shipped_overlays_fit_the_shipped_stacks() {
    let stack = "stacks/store-sales-s3.yaml".as_ref();
    let overlays = ["config/aws.yaml", "config/full-scale.yaml"].map(PathBuf::from);
    let checked = spec::read(stack, &overlays, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(checked.stack.target, Target::Aws { region: "us-east-1".to_owned(), profile: None });
    assert_eq!(checked.stack.stream.mode, StreamMode::Provisioned { shards: 540 });
    assert_eq!(checked.stack.load.schedule.mean(), Some(60_000.0));
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);

    let back = spec::read(stack, &[overlays.as_slice(), &["config/laptop.yaml".into()]].concat(), &[]);
    let back = back.unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(back.stack.target, Target::Local);
    assert_eq!(back.stack.stream.mode, StreamMode::Provisioned { shards: 20 });
}

#[test]
fn the_headline_is_what_the_documents_say() {
    let overlay = [PathBuf::from("config/headline.yaml")];
    let checked = spec::read("stacks/stream-only.yaml".as_ref(), &overlay, &[]);
    let checked = checked.unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(checked.stack.target, Target::Local);
    assert_eq!(checked.stack.stream.mode, StreamMode::Provisioned { shards: 540 });
    assert_eq!(checked.stack.load.schedule.documents(), Some(3_600_000));
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
}

#[test]
fn every_overlay_fits_every_stack_but_a_table_is_not_written_at_full_scale() {
    for stack in shipped().iter().map(|stack| format!("stacks/{stack}.yaml")) {
        for overlay in ["config/laptop.yaml", "config/aws.yaml", "config/full-scale.yaml"] {
            match spec::read(stack.as_ref(), &[overlay.into()], &[]) {
                Ok(checked) => assert!(checked.warnings.is_empty(), "{overlay} over {stack}: {:?}", checked.warnings),
                Err(errors) => assert_eq!(errors.to_string(), TOO_MUCH_FOR_A_TABLE, "{overlay} over {stack}"),
            }
        }
    }
}

#[test]
fn full_scale_is_refused_where_a_table_is_written() {
    for stack in shipped() {
        let file = format!("stacks/{stack}.yaml");
        let refused = spec::read(file.as_ref(), &["config/full-scale.yaml".into()], &[]).is_err();
        assert_eq!(refused, read(&file).stack.deliver.dynamodb.is_some(), "{stack}");
    }
}

/// A role has 64 characters, as have a Lambda function, a delivery stream and a Redshift workgroup; a bucket has 63.
#[test]
fn the_longest_stack_name_leaves_room_in_every_name() {
    let longest = "a-name-as-long-as-the-name-of-a-stack-is";
    let sets =
        [format!("name={longest}"), "deliver.redshift.workgroup=null".into(), "deliver.redshift.create=true".into()];
    let stack = spec::read("stacks/store-sales-everything.yaml".as_ref(), &[], &sets);
    let stack = stack.unwrap_or_else(|errors| panic!("{errors}")).stack;
    let id: StackId = format!("{longest}-7f3a91c2").parse().expect("an id");
    let names = Names::of(&stack, &id);
    let deliver = &stack.deliver;
    let s3 = deliver.s3.as_ref().expect("delivered").names(&id);
    let redshift = deliver.redshift.as_ref().expect("delivered").names(&id);
    let dynamodb = deliver.dynamodb.as_ref().expect("delivered").names(&id);
    for name in [
        &names.schedule,
        &names.schedule_role,
        &s3.role,
        &s3.delivery,
        &redshift.delivery,
        &redshift.role,
        &redshift.workgroup,
        &redshift.copy_role,
        &dynamodb.function,
        &dynamodb.role,
    ] {
        assert!(name.len() <= 64, "{name}");
    }
    assert!(names.bucket.expect("delivered").len() <= 63);
    assert!(s3.table.expect("a catalog").workgroup.len() <= 128, "Athena API reference, CreateWorkGroup");
}

#[test]
fn every_stack_names_its_schema_for_editors() {
    for stack in shipped() {
        let text = fs::read_to_string(format!("stacks/{stack}.yaml")).expect("text");
        assert!(
            text.starts_with("# yaml-language-server: $schema=../config/stack.schema.json\n"),
            "{stack} does not begin with its schema"
        );
    }
}
