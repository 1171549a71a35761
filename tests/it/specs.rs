//! Broken specs with everything that is said about them, and the specs that ship.

use std::{fs, path::PathBuf, time::Duration};

use demo_formats::schema::Structs;
use demo_function::TableKey;
use kinesis_demo::{
    deliveries::{
        redshift::{RedshiftAt, RedshiftLoad},
        s3::Partitions,
    },
    spec::{
        self, Aggregation, Broken, Checked, Compression, FieldPath, Format, METRICS, Name, PartitionKey, Sending,
        StreamMode, Transport, Workload,
    },
};

/// A broken spec: `tests/specs/NAME.yaml` unless `file` says otherwise, and in `tests/specs/NAME.txt` all that is wrong.
pub struct Case {
    name: String,
    file: String,
    overlays: &'static [&'static str],
    sets: &'static [&'static str],
}

impl Case {
    fn of(name: &str) -> Self {
        Self::laid_over(name, name, &[])
    }

    fn laid_over(name: &str, file: &str, overlays: &'static [&'static str]) -> Self {
        Self { name: name.to_owned(), file: file.to_owned(), overlays, sets: &[] }
    }

    fn set(name: &str, sets: &'static [&'static str]) -> Self {
        Self { sets, ..Self::laid_over(name, "good", &[]) }
    }

    /// What the case is called.
    pub fn name(&self) -> &str {
        &self.name
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

/// All broken specs: every `.txt` in the folder.
pub fn cases() -> Vec<Case> {
    let mut cases = with_more_than_a_file();
    let names = fs::read_dir("tests/specs").expect("the folder is there").map(|entry| entry.expect("readable").path());
    let names = names.filter(|path| path.extension().is_some_and(|kind| kind == "txt"));
    let names = names.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    let plain: Vec<Case> =
        names.filter(|name| !cases.iter().any(|case| case.name == *name)).map(|name| Case::of(&name)).collect();
    cases.extend(plain);
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

/// Those of overlays and flags.
fn with_more_than_a_file() -> Vec<Case> {
    vec![
        Case::laid_over("overlay-mistakes", "no-shards", &["overlay-mistakes.over"]),
        Case::laid_over("overlay-on-demand", "good", &["overlay-on-demand.over"]),
        Case::laid_over("overlay-broken", "not-yaml", &["overlay-broken.over", "no-such-file"]),
        Case::set("set-values", &["load.rate=2000", "stream.shards=0", "lod.rate=1/s"]),
        Case::set("set-too-slow", &["load.rate=0.01/s"]),
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
            sets: &["stream.shards=8", "target.aws.region=us_east_1"],
            ..Case::laid_over("set-over-overlay", "good", &["overlay-mistakes.over"])
        },
    ]
}

/// A spec with nothing wrong in it.
pub fn read(file: &str) -> Checked {
    spec::read(file.as_ref(), &[], &[]).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn a_broken_spec_is_told_all_that_is_wrong_with_it() {
    let (cases, mut wrong) = (cases(), Vec::new());
    assert!(cases.len() > 90, "{} broken specs", cases.len());
    for case in cases {
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
    assert_eq!(checked.stack.stream.mode, StreamMode::Provisioned { shards: 17 });
    assert_eq!(checked.merged["stream"]["shards"], 17);
    let again = spec::from_value(&checked.merged).expect("it was valid");
    assert_eq!(format!("{again:?}"), format!("{:?}", checked.stack));

    let mut damaged = checked.merged;
    damaged["load"]["rate"] = 5.into();
    let error = spec::from_value(&damaged).expect_err("a rate without its unit").to_string();
    assert!(error.starts_with("the recorded spec: load.rate: 5 has no unit; expected "), "{error}");
}

/// Reads what was recorded, which must come to the same stack.
fn recorded(checked: &Checked) -> String {
    let again = spec::from_value(&checked.merged).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(format!("{again:?}"), format!("{:?}", checked.stack));
    checked.merged.to_string()
}

fn field(path: &str) -> FieldPath {
    FieldPath(path.split('.').map(str::to_owned).collect())
}

#[test]
fn parquet_and_partitions_by_a_field_are_read() {
    let checked = read("tests/specs/good-s3-parquet.yaml");
    recorded(&checked);
    let s3 = checked.stack.deliver.s3.expect("delivered");
    assert_eq!((s3.format, s3.compression), (Format::Parquet, Compression::Gzip));
    assert_eq!(s3.partition_by, [("category".to_owned(), field("ss_item.i_category"))].into());
    assert_eq!(s3.catalog.expect("a table").partitions, Partitions::None);

    let zip = read("tests/specs/good-s3-zip.yaml").stack.deliver.s3.expect("delivered");
    assert_eq!((zip.format, zip.compression), (Format::Json, Compression::Zip));
}

#[test]
fn a_delivery_to_redshift_is_read() {
    let checked = read("tests/specs/good-redshift.yaml");
    recorded(&checked);
    let made = checked.stack.deliver.redshift.expect("delivered");
    assert_eq!((made.at, made.database.as_str()), (RedshiftAt::Created, "dev"));
    assert_eq!((made.schema, made.table.as_str()), (Name::Stem("tpcds".into()), "streaming_store_sales"));
    assert_eq!((made.load, made.structs), (RedshiftLoad::Copy { every: Duration::from_secs(10) }, Structs::Varchar));
    assert_eq!((made.role, made.secret), (None, None));
    assert_eq!(made.prefix.fixed(), "tpcds/streaming_store_sales_inter/");
    assert_eq!(made.error_prefix.expect("a prefix").fixed(), "tpcds/streaming_store_sales_error/");

    let checked = read("tests/specs/good-redshift-cluster.yaml");
    recorded(&checked);
    let cluster = checked.stack.deliver.redshift.expect("delivered");
    let endpoint = Some("demo.abc.us-east-1.redshift.amazonaws.com:5439".to_owned());
    assert_eq!(cluster.at, RedshiftAt::Cluster { identifier: "demo".into(), user: None, endpoint });
    assert_eq!((cluster.schema, cluster.table.as_str()), (Name::Exact("sales".into()), "store_sales"));
    assert_eq!((cluster.load, cluster.structs), (RedshiftLoad::Firehose, Structs::Super));
    assert_eq!((cluster.prefix_text.as_str(), cluster.error_prefix), ("inter/", None));
    assert!(cluster.secret.is_some_and(|secret| secret.ends_with("secret:demo/redshift-Ab1")));
    assert_eq!((cluster.buffer.mib, cluster.buffer.interval), (1, Duration::ZERO));
}

#[test]
fn a_delivery_to_dynamodb_is_read() {
    let checked = read("tests/specs/good-dynamodb.yaml");
    recorded(&checked);
    let items = checked.stack.deliver.dynamodb.expect("delivered");
    assert_eq!(
        (items.table, items.key),
        (Name::Stem("good".into()), TableKey::Fields(vec!["ss_ticket_number".into(), "ss_item_sk".into()]))
    );
    assert_eq!((items.function.memory_mib, items.function.timeout), (512, Duration::from_secs(60)));
    let mapping = items.mapping;
    assert_eq!((mapping.batch, mapping.window, mapping.parallel), (100, Duration::from_secs(1), 1));
    assert_eq!((mapping.retries, mapping.max_age), (3, Duration::from_secs(3_600)));
}

#[test]
fn a_file_of_json_lines_is_recorded_by_its_whole_path_and_may_be_gone_later() {
    let checked = read("tests/specs/good-own.yaml");
    let whole = std::path::absolute("tests/specs/own.jsonl").expect("a path");
    assert!(recorded(&checked).contains(whole.to_str().expect("UTF-8")));
    let key = Some(vec![field("id"), field("line")]);
    assert_eq!(checked.stack.load.workload, Workload::JsonLines { file: whole, key, broken: Broken::Skip });
    assert_eq!(checked.stack.load.partition_key, PartitionKey::Key);
    let items = checked.stack.deliver.dynamodb.expect("delivered");
    assert_eq!(items.key.attributes(), ["id", "line"], "the workload's key is the table's");
    assert_eq!((items.mapping.parallel, items.mapping.retries, items.mapping.max_age.as_secs()), (10, 0, 604_800));

    let mut gone = checked.merged;
    gone["load"]["workload"]["json_lines"]["file"] = "/no/such/file.jsonl".into();
    assert!(spec::from_value(&gone).is_ok());
}

#[test]
fn a_template_is_recorded_itself_not_its_file() {
    let checked = read("tests/specs/good-template.yaml");
    let text = fs::read_to_string("tests/specs/own.template").expect("text");
    let template = Workload::Template { text: text.clone(), seed: 7, key: Some(vec![field("order.id")]) };
    assert_eq!(checked.stack.load.workload, template);
    assert!(!recorded(&checked).contains("own.template"));
    assert_eq!(checked.merged["load"]["workload"]["template"]["text"], text);
}

#[test]
fn the_templates_of_a_mix_are_recorded_themselves() {
    let checked = read("tests/specs/good-mix.yaml");
    let Workload::Mix { kinds, seed: 7 } = &checked.stack.load.workload else { panic!("{:?}", checked.stack.load) };
    assert_eq!(kinds[0].template, fs::read_to_string("tests/specs/own.template").expect("text"));
    assert_eq!((&kinds[0].key, &kinds[1].key), (&vec![field("order.id")], &vec![field("id"), field("status")]));
    assert_eq!(kinds[1].statuses()[1].after_ms, 5_000);
    assert!(!recorded(&checked).contains("own.template"));
}

#[test]
fn a_relative_path_starts_where_it_is_written() {
    let overlay = PathBuf::from("tests/specs/overlay-template.over.yaml");
    let over = spec::read("stacks/stream-only.yaml".as_ref(), &[overlay], &[]);
    let by_flag = ["load.workload={template: {file: tests/specs/own.template}}".to_owned()];
    let flag = spec::read("stacks/stream-only.yaml".as_ref(), &[], &by_flag);
    for checked in [over, flag] {
        let workload = checked.unwrap_or_else(|errors| panic!("{errors}")).stack.load.workload;
        assert!(matches!(&workload, Workload::Template { text, seed: 1, key: None } if text.contains("1 + 1")));
    }
}

#[test]
fn how_documents_travel_is_read() {
    let checked = read("tests/specs/good-sending.yaml");
    recorded(&checked);
    let aggregation = Aggregation::On { max_bytes: 25 * 1024 };
    let sending = Sending { transport: Transport::Cbor, aggregation, ordered: true };
    assert_eq!(checked.stack.load.sending, sending);
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
    assert_eq!(read("tests/specs/good.yaml").stack.load.sending, Sending::default());
    for (sets, sending) in [
        ("load={transport: sdk, aggregation: off}", "JSON by the SDK"),
        ("load={transport: json, aggregation: on}", "JSON, aggregated to 50 KiB"),
        ("load={aggregation: {}}", "JSON, aggregated to 50 KiB"),
    ] {
        let checked = spec::read("tests/specs/good.yaml".as_ref(), &[], &[sets.to_owned()]);
        assert_eq!(checked.unwrap_or_else(|errors| panic!("{errors}")).stack.load.sending.to_string(), sending);
    }
}

#[test]
fn stages_are_summed_and_the_stream_is_sized_by_their_peak() {
    let checked = read("tests/specs/good-stages.yaml");
    recorded(&checked);
    let schedule = &checked.stack.load.schedule;
    assert_eq!(schedule.documents(), Some(30_000 + 120_000 + 40_000 + 90_000 + 2_500));
    assert_eq!((schedule.duration(), schedule.peak()), (Some(Duration::from_secs(175)), Some(6_000.0)));
    assert_eq!(checked.stack.stream.mode, StreamMode::Provisioned { shards: 50 });
    let small = spec::read("tests/specs/good-stages.yaml".as_ref(), &[], &["stream.shards=20".to_owned()]);
    let warnings = small.unwrap_or_else(|errors| panic!("{errors}")).warnings;
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(
        warning.to_string().starts_with("tests/specs/good-stages.yaml:8:7: load.stages.2: 6000/s of "),
        "{warning}"
    );
}

/// What is said of the good stack with these values.
fn warnings(sets: &[&str]) -> Vec<String> {
    let sets = sets.iter().map(|&set| set.to_owned()).collect::<Vec<_>>();
    let checked = spec::read("tests/specs/good.yaml".as_ref(), &[], &sets).unwrap_or_else(|errors| panic!("{errors}"));
    checked.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn what_has_no_effect_is_warned_of() {
    let [alone] = warnings(&["load.aggregation={max_size: 15KiB}"]).try_into().expect("one");
    assert_eq!(
        alone,
        "--set load.aggregation={max_size: 15KiB}:1:18: load.aggregation: no two documents of 8170 bytes fit into a record of 15360, so each goes alone\n    1 | load.aggregation={max_size: 15KiB}\n      |                  ^ expected at least `{max_size: 17KiB}`, or `off`"
    );
    assert!(warnings(&["load.aggregation={max_size: 17KiB}"]).is_empty());
    assert!(warnings(&["load.aggregation=on", "load.rate=max"]).is_empty());
    let [spread] = warnings(&["load.ordered=true"]).try_into().expect("one");
    assert!(spread.contains("load.ordered: only documents of one shard keep their order"), "{spread}");
    assert!(warnings(&["load.ordered=true", "load.partition_key=ticket"]).is_empty());
    // Six documents are a record.
    assert_eq!(warnings(&["load.rate=5000/s", "load.aggregation=on"]).len(), 1);
}

#[test]
fn a_load_beyond_the_stream_is_warned_of() {
    assert!(warnings(&[]).is_empty());
    assert!(warnings(&["load.rate=max"]).is_empty());
    let [by_bytes] = warnings(&["load.rate=500/s"]).try_into().expect("one warning");
    assert_eq!(
        by_bytes,
        "--set load.rate=500/s:1:11: load.rate: 500/s of 8170 bytes each are 4.1 MB/s, 97 % of the 4.2 MB/s that 4 shards can take\n    1 | load.rate=500/s\n      |           ^^^^^ expected at least 5 shards, or a lower rate"
    );
    assert_eq!(warnings(&["load.rate=5000/s"]).len(), 2);
    assert_eq!(warnings(&["load.rate=500/s", "stream={mode: on-demand, shards: null}"]).len(), 1);
}

#[test]
fn the_kept_json_schema_is_the_one_of_the_types() {
    let made = serde_json::to_string_pretty(&spec::json_schema()).expect("JSON") + "\n";
    let kept = fs::read_to_string("config/stack.schema.json").expect("kept");
    assert!(made == kept, "config/stack.schema.json is out of date: `demo schema > config/stack.schema.json`");
}

#[test]
fn a_load_is_to_keep_its_rate_unless_the_file_says_otherwise() {
    let throughput = |sets: &[&str]| {
        let sets: Vec<_> = sets.iter().map(|&set| set.to_owned()).collect();
        let checked = spec::read("stacks/stream-only.yaml".as_ref(), &[], &sets).expect("a good spec");
        let mut thresholds = checked.stack.thresholds.0.iter();
        thresholds.find(|threshold| threshold.metric.name == "throughput").map(|threshold| threshold.limit.round())
    };
    let rate = "load.rate=900/s";
    assert_eq!(throughput(&[rate, "load.duration=18s"]), Some(736.0), "16,200 in 20 s and 2 s");
    assert_eq!(throughput(&[rate, "load.duration=null", "load.records=16200"]), Some(736.0));
    assert_eq!(throughput(&[rate, "thresholds.throughput=\">= 5/s\""]), Some(5.0));
    assert_eq!(throughput(&[rate, "thresholds.throughput=>= 5/s"]), Some(5.0), "what the hint says can be typed");
    assert_eq!(throughput(&[rate, "thresholds.throughput=off"]), None);
    assert_eq!(throughput(&["load.rate=max"]), None);
}

#[test]
fn thresholds_of_the_command_line_are_laid_over_the_files() {
    let read = |flags: &[&str]| {
        let flags: Vec<_> = flags.iter().map(|&flag| flag.to_owned()).collect();
        spec::read_with("tests/specs/good.yaml".as_ref(), &[], &["thresholds.p99_ack=1s".to_owned()], &flags)
    };
    let checked = read(&["p99_ack < 500ms", " freshness.dynamodb.p99<5s"]).expect_err("no DynamoDB").to_string();
    let problem = "--threshold  freshness.dynamodb.p99<5s:1:2: thresholds.freshness.dynamodb.p99: the stack has no \
                   `deliver.dynamodb`, so there is no `freshness.dynamodb.p99`";
    assert!(checked.starts_with(problem), "{checked}");
    let stack = read(&["p99_ack < 500ms", "retried<=3"]).expect("a good stack").stack;
    let mut limits = stack.thresholds.0.iter().map(|threshold| (threshold.metric.name, threshold.limit));
    assert!(limits.clone().any(|limit| limit == ("p99_ack", 500.0)) && limits.any(|limit| limit == ("retried", 3.0)));
    let said = |flag: &str| read(&[flag]).expect_err(flag).to_string();
    let unknown = said("p99_akc < 500ms");
    assert!(unknown.starts_with("--threshold p99_akc < 500ms:1:1: thresholds.p99_akc: there is no key `p99_akc` here"));
    assert!(unknown.ends_with("did you mean `p99_ack`?"), "{unknown}");
    assert!(said("p99_ack < 500").contains(":1:9: thresholds.p99_ack: 500 has no unit"), "{}", said("p99_ack < 500"));
    for (flag, problem) in [
        ("p99_ack", ":1:8: there is no `<`, `<=`, `>` or `>=`"),
        ("p99_ack = 5ms", ":1:9: there is no `<`"),
        ("< 5ms", ":1:1: there is no name"),
        ("", ":1:1: there is no name"),
    ] {
        assert!(said(flag).contains(problem), "{flag}: {}", said(flag));
    }
}

#[test]
fn every_figure_that_a_threshold_can_limit_is_documented() {
    let document = fs::read_to_string("docs/stack-file.md").expect("a document");
    for metric in &METRICS {
        let aborts = if metric.is_live { "yes" } else { "" };
        let example = metric.unit.example(metric.more_is_better);
        let row = format!("| `{}` | {} | {example} | {aborts} |", metric.name, metric.about);
        assert!(document.contains(&row), "docs/stack-file.md lacks\n{row}");
    }
}

/// What is said of a stack file with this text.
fn said_of(text: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("stack.yaml");
    fs::write(&file, text).expect("written");
    said(&file, &[])
}

fn said(file: &std::path::Path, sets: &[String]) -> String {
    spec::read(file, &[], sets).expect_err("it is broken").to_string()
}

#[test]
fn the_first_mistakes_are_told_and_the_others_counted() {
    let keys: String = (0..10_000).map(|number| format!("key{number}: 1\n")).collect();
    let all = said_of(&format!("name: a\n{keys}"));
    assert!(all.contains("there is no key `key0` here") && !all.contains("key20`"), "{all}");
    assert!(all.ends_with("more; correct these first") && all.len() < 20_000, "{}", all.len());
    let more = all.lines().last().and_then(|line| line.split(' ').nth(1)).and_then(|more| more.parse::<u32>().ok());
    assert!(more.is_some_and(|more| more >= 9_980), "{more:?}");
}

#[test]
fn a_file_without_bounds_is_refused_at_once() {
    let one_line: String = (0..10_000).map(|number| format!("key{number}: 1, ")).collect();
    let long = said_of(&format!("name: a\ntags: {{ {one_line} }}\n"));
    assert!(long.contains(":2:1: a line of ") && long.contains("at most 16384 bytes a line"), "{long}");
    assert!(long.len() < 1_000, "{}", long.len());
    let many = said_of(&"- 1\n".repeat(30_000));
    assert!(many.contains("more than 25000 keys and values"), "{many}");
    let large = said_of(&"# nothing\n".repeat(120_000));
    assert!(large.contains("cannot be read: it has more than 1048576 bytes"), "{large}");
    let deep = said_of(&format!("name: {}1{}\n", "[".repeat(5_000), "]".repeat(5_000)));
    assert!(deep.contains("this is not YAML") && deep.len() < 1_000, "{deep}");
    let good = std::path::Path::new("tests/specs/good.yaml");
    let deep = said(good, &[format!("{}=1", vec!["a"; 8_000].join("."))]);
    assert!(deep.contains("more than 32 keys in each other") && deep.len() < 1_000, "{deep}");
    let long = said(good, &[format!("tags={{{}}}", "a: 1, ".repeat(10_000))]);
    assert!(long.contains("a line of ") && long.len() < 1_000, "{long}");
}

#[test]
fn a_long_line_is_shown_around_its_mistake() {
    let said = said_of(&format!(
        "name: a # {}\nload: {{ rate: 5/s, {} lod: 1 }}\n",
        "é".repeat(500),
        "records: 5, ".repeat(40)
    ));
    let (line, carets) = said.lines().zip(said.lines().skip(1)).find(|(_, next)| next.contains("^^^")).expect("carets");
    let at = carets.chars().position(|c| c == '^').expect("a caret");
    assert!(line.contains('…') && line.chars().count() < 200, "{line}");
    let pointed: String = line.chars().skip(at).take(carets.chars().filter(|c| *c == '^').count()).collect();
    assert!(["records", "lod"].contains(&pointed.as_str()), "{pointed}: {said}");
}

#[test]
fn what_is_no_file_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let good = std::path::Path::new("tests/specs/good.yaml");
    for (file, what) in [(fifo.as_path(), "a FIFO"), (std::path::Path::new("/dev/zero"), "a device")] {
        let cannot = format!("cannot be read: it is {what}, not a file");
        assert!(said(file, &[]).contains(&cannot), "{}", said(file, &[]));
        let over = spec::read(good, &[file.to_owned()], &[]).expect_err("no overlay").to_string();
        assert!(over.contains(&cannot), "{over}");
        for workload in ["template: { file", "json_lines: { key: [id], file"] {
            let set = format!("load.workload={{{workload}: {} }} }}", file.display());
            assert!(said(good, std::slice::from_ref(&set)).contains(&cannot), "{}", said(good, &[set]));
        }
    }
}
