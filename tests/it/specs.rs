//! Broken specs with everything that is said about them, and the specs that ship.

use std::{fs, path::PathBuf};

use kinesis_demo::spec::{self, Length, Rate, StreamMode, Target};

/// A broken spec: `tests/specs/NAME.yaml` unless `file` says otherwise, and in `tests/specs/NAME.txt` all that is wrong.
pub struct Case {
    name: &'static str,
    file: &'static str,
    overlays: &'static [&'static str],
    sets: &'static [&'static str],
}

impl Case {
    const fn of(name: &'static str) -> Self {
        Self { name, file: name, overlays: &[], sets: &[] }
    }

    const fn laid_over(name: &'static str, file: &'static str, overlays: &'static [&'static str]) -> Self {
        Self { name, file, overlays, sets: &[] }
    }

    const fn set(name: &'static str, sets: &'static [&'static str]) -> Self {
        Self { name, file: "good", overlays: &[], sets }
    }

    /// What the case is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The stack file.
    pub fn file(&self) -> PathBuf {
        PathBuf::from(format!("tests/specs/{}.yaml", self.file))
    }

    /// For `-c`.
    pub fn overlays(&self) -> Vec<PathBuf> {
        self.overlays.iter().map(|name| PathBuf::from(format!("tests/specs/{name}.yaml"))).collect()
    }

    /// For `--set`.
    pub fn sets(&self) -> Vec<String> {
        self.sets.iter().map(|&set| set.to_owned()).collect()
    }

    /// Every diagnostic, one after the other.
    pub fn expected(&self) -> String {
        let path = format!("tests/specs/{}.txt", self.name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

/// All broken specs.
pub fn cases() -> Vec<Case> {
    vec![
        Case::of("unknown-key"),
        Case::of("later-key"),
        Case::of("missing-keys"),
        Case::of("wrong-types"),
        Case::of("bare-numbers"),
        Case::of("wrong-units"),
        Case::of("no-shards"),
        Case::of("half-a-shard"),
        Case::of("shards-misspelt"),
        Case::of("auto-at-max"),
        Case::of("on-demand-with-shards"),
        Case::of("record-over-the-limit"),
        Case::of("retention"),
        Case::of("broken-prefix"),
        Case::of("quoted-prefix"),
        Case::of("plain-error-prefix"),
        Case::of("error-type-in-the-data-prefix"),
        Case::of("catalog-without-partitions"),
        Case::of("projected-and-registered"),
        Case::of("projected-random"),
        Case::of("errors-inside-the-table"),
        Case::of("names"),
        Case::of("long-names"),
        Case::of("region"),
        Case::of("target"),
        Case::of("buffer"),
        Case::of("compression"),
        Case::of("two-lengths"),
        Case::of("no-length"),
        Case::of("workload"),
        Case::of("tags"),
        Case::of("thresholds"),
        Case::of("blank-value"),
        Case::of("duplicate-key"),
        Case::of("tab"),
        Case::of("not-yaml"),
        Case::of("alias"),
        Case::of("yaml-tag"),
        Case::of("empty"),
        Case::of("a-list"),
        Case::of("two-documents"),
        Case::of("no-such-file"),
        Case::laid_over("overlay-mistakes", "no-shards", &["overlay-mistakes.over"]),
        Case::laid_over("overlay-on-demand", "good", &["overlay-on-demand.over"]),
        Case::laid_over("overlay-broken", "not-yaml", &["overlay-broken.over", "no-such-file"]),
        Case::set("set-values", &["load.rate=2000", "stream.shards=0", "lod.rate=1/s"]),
        Case::set("set-into-a-scalar", &["load.rate.max=1", "load.records=5"]),
        Case::set(
            "set-malformed",
            &[
                "load.rate",
                "=5",
                "load..rate=5/s",
                "load.rate=",
                "load.rate=[1",
                "tags=[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
            ],
        ),
        Case {
            name: "set-over-overlay",
            file: "good",
            overlays: &["overlay-mistakes.over"],
            sets: &["stream.shards=8", "target.aws.region=us_east_1"],
        },
    ]
}

#[test]
fn a_broken_spec_is_told_all_that_is_wrong_with_it() {
    let mut wrong = Vec::new();
    for case in cases() {
        let said = match spec::read(&case.file(), &case.overlays(), &case.sets()) {
            Ok(_) => "nothing is wrong with it".to_owned(),
            Err(errors) => errors.to_string(),
        };
        if said.trim_end() != case.expected().trim_end() {
            wrong.push(format!("== {}, said:\n{said}\n-- expected:\n{}", case.name(), case.expected()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_broken_spec_file_is_in_the_table() {
    let names = cases().iter().map(Case::name).collect::<Vec<_>>();
    for entry in fs::read_dir("tests/specs").expect("the folder is there") {
        let name = entry.expect("readable").file_name().into_string().expect("UTF-8");
        if let Some(name) = name.strip_suffix(".txt") {
            assert!(names.contains(&name), "tests/specs/{name}.txt belongs to no case");
        }
    }
}

#[test]
fn the_shipped_stacks_are_laptop_sized_and_local() {
    for stack in ["stacks/stream-only.yaml", "stacks/store-sales-s3.yaml"] {
        let checked = spec::read(stack.as_ref(), &[], &[]).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(checked.stack.target, Target::Local);
        assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
        let Length::Duration(length) = checked.stack.load.length else { panic!("{stack} lasts as long as it takes") };
        assert!(length.as_secs() <= 30);
    }
}

#[test]
fn the_shipped_overlays_fit_the_shipped_stacks() {
    let stack = "stacks/store-sales-s3.yaml".as_ref();
    let overlays = ["config/aws.yaml", "config/full-scale.yaml"].map(PathBuf::from);
    let checked = spec::read(stack, &overlays, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(checked.stack.target, Target::Aws { region: "us-east-1".to_owned(), profile: None });
    assert_eq!(checked.stack.stream.mode, StreamMode::Provisioned { shards: 540 });
    assert_eq!(checked.stack.load.rate, Rate::PerSecond(60_000.0));
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);

    let back = spec::read(stack, &[overlays.as_slice(), &["config/laptop.yaml".into()]].concat(), &[]);
    let back = back.unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(back.stack.target, Target::Local);
    assert_eq!(back.stack.stream.mode, StreamMode::Provisioned { shards: 20 });
}

#[test]
fn every_overlay_fits_every_stack() {
    for stack in ["stacks/stream-only.yaml", "stacks/store-sales-s3.yaml"] {
        for overlay in ["config/laptop.yaml", "config/aws.yaml", "config/full-scale.yaml"] {
            let checked = spec::read(stack.as_ref(), &[overlay.into()], &[]);
            assert!(checked.is_ok_and(|checked| checked.warnings.is_empty()), "{overlay} over {stack}");
        }
    }
}

#[test]
fn null_in_an_overlay_takes_a_key_away() {
    let overlay = PathBuf::from("tests/specs/overlay-null.over.yaml");
    let sets = ["deliver.s3.catalog=null".to_owned()];
    let checked = spec::read("tests/specs/good-s3.yaml".as_ref(), &[overlay], &sets);
    let stack = checked.unwrap_or_else(|errors| panic!("{errors}")).stack;
    assert_eq!(stack.stream.mode, StreamMode::OnDemand);
    assert!(stack.deliver.s3.expect("still delivered").catalog.is_none());
}

#[test]
fn a_recorded_spec_is_the_same_stack() {
    let sets = ["stream.shards=auto".to_owned(), "load.rate=max".to_owned(), "load.rate=2000/s".to_owned()];
    let checked = spec::read("stacks/store-sales-s3.yaml".as_ref(), &[], &sets);
    let checked = checked.unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(checked.stack.stream.mode, StreamMode::Provisioned { shards: 18 });
    assert_eq!(checked.merged["stream"]["shards"], 18);
    let again = spec::from_value(&checked.merged).expect("it was valid");
    assert_eq!(format!("{again:?}"), format!("{:?}", checked.stack));

    let mut damaged = checked.merged;
    damaged["load"]["rate"] = 5.into();
    let error = spec::from_value(&damaged).expect_err("a rate without its unit").to_string();
    assert!(error.starts_with("the recorded spec: load.rate: 5 has no unit; expected "), "{error}");
}

#[test]
fn a_load_beyond_the_stream_is_warned_of() {
    let warnings = |sets: &[&str]| {
        let sets = sets.iter().map(|&set| set.to_owned()).collect::<Vec<_>>();
        let checked =
            spec::read("tests/specs/good.yaml".as_ref(), &[], &sets).unwrap_or_else(|errors| panic!("{errors}"));
        checked.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(warnings(&[]).is_empty());
    assert!(warnings(&["load.rate=max"]).is_empty());
    let [by_bytes] = warnings(&["load.rate=480/s"]).try_into().expect("one warning");
    assert_eq!(
        by_bytes,
        "--set load.rate=480/s:1:11: load.rate: 480/s of 8170 bytes each are 3.9 MB/s, 98 % of the 4.0 MB/s that 4 shards can take\n    1 | load.rate=480/s\n      |           ^^^^^ expected at least 5 shards, or a lower rate"
    );
    assert_eq!(warnings(&["load.rate=5000/s"]).len(), 2);
    assert_eq!(warnings(&["load.rate=480/s", "stream={mode: on-demand, shards: null}"]).len(), 1);
}

#[test]
fn the_kept_json_schema_is_the_one_of_the_types() {
    let made = serde_json::to_string_pretty(&spec::json_schema()).expect("JSON") + "\n";
    let kept = fs::read_to_string("config/stack.schema.json").expect("kept");
    assert!(made == kept, "config/stack.schema.json is out of date: `demo schema > config/stack.schema.json`");
}

#[test]
fn every_stack_names_its_schema_for_editors() {
    for entry in fs::read_dir("stacks").expect("the folder is there") {
        let path = entry.expect("readable").path();
        let text = fs::read_to_string(&path).expect("text");
        assert!(
            text.starts_with("# yaml-language-server: $schema=../config/stack.schema.json\n"),
            "{} does not begin with its schema",
            path.display()
        );
    }
}
