//! Records, written and read back.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};

use tempfile::TempDir;

use super::{
    RecordError, SECONDS,
    folders::{Kept, Records, name, prunable, remove},
    follower::{Follower, News},
    reader,
    writer::RecordWriter,
};
use crate::{
    engine::{Home, StackId},
    load::{ByShard, LoadSecond, LoadTotals, Part, Percentiles},
    report::{
        recorded::tests::recorded,
        second::{Second, Usage},
    },
};

struct Bench {
    _folder: TempDir,
    records: Records,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::at(folder.path().join("state")).expect("a home");
        Self { records: Records::of(&home), _folder: folder }
    }

    fn folder(&self, stack: &str, run: &str) -> PathBuf {
        self.records.folder(&stack.parse::<StackId>().expect("an id"), run, Part::WHOLE)
    }

    /// Begins a record that has two rows and an event.
    fn begin(&self, stack: &str, run: &str, started: &str) -> RecordWriter {
        let mut sample = recorded();
        sample.about.run = run.to_owned();
        sample.about.stack = stack.to_owned();
        sample.about.started = started.to_owned();
        let mut writer = RecordWriter::begin(self.folder(stack, run), sample.about).expect("begun");
        sample.seconds[..2].iter_mut().for_each(|second| {
            let load = second.load.as_mut().expect("a load");
            load.so_far = LoadTotals { offered: 810, acknowledged: 783, ..LoadTotals::default() };
        });
        sample.seconds[..2].iter().for_each(|second| writer.second(second));
        sample.moments.iter().for_each(|moment| writer.moment(moment));
        writer
    }

    fn listed(&self) -> Vec<Kept> {
        let (kept, unreadable) = self.records.list(None).expect("listed");
        assert!(unreadable.is_empty(), "{unreadable:?}");
        kept
    }

    fn runs(&self) -> Vec<(String, String)> {
        self.listed().iter().map(|kept| (kept.run.about.run.clone(), kept.run.verdict().to_string())).collect()
    }
}

#[test]
fn a_record_is_read_as_it_was_written_and_only_by_its_owner() {
    let (bench, sample) = (Bench::new(), recorded());
    let mut writer = bench.begin("shop-00000001", "r", "2026-11-30T10:00:00Z");
    assert_eq!(bench.runs(), [("r".to_owned(), "under way".to_owned())]);
    let second = RecordWriter::begin(bench.folder("shop-00000001", "r"), sample.about.clone());
    assert!(second.is_err(), "a process writes it");
    writer.end(&sample.report, None);
    assert_eq!(writer.broken(), None);
    drop(writer);
    let read = reader::read(&bench.folder("shop-00000001", "r")).expect("read");
    assert_eq!((&read.report, read.seconds.len(), &read.moments), (&sample.report, 2, &sample.moments));
    assert_eq!(read.json.as_deref(), sample.json.as_deref());
    assert!(read.ended.is_some() && !read.is_under_way && read.torn.is_empty());
    let folder = bench.folder("shop-00000001", "r");
    let mode = |path: PathBuf| fs::metadata(path).expect("it").permissions().mode() & 0o777;
    assert_eq!(mode(folder.clone()), 0o700);
    let files: Vec<_> =
        fs::read_dir(&folder).expect("files").map(|entry| mode(entry.expect("a file").path())).collect();
    assert_eq!(files, [0o600; 3]);
    RecordWriter::begin(folder, sample.about).expect("that of a run that sends again");
}

#[test]
fn a_run_that_was_killed_has_what_it_wrote_and_a_torn_line_is_told() {
    let bench = Bench::new();
    drop(bench.begin("shop-00000001", "r", "2026-11-30T10:00:00Z"));
    let folder = bench.folder("shop-00000001", "r");
    let mut rows = OpenOptions::new().append(true).open(folder.join(SECONDS)).expect("rows");
    rows.write_all(b"{\"at\":3.0,\"lo").expect("torn");
    assert_eq!(bench.runs(), [("r".to_owned(), "interrupted".to_owned())]);
    assert_eq!(bench.listed()[0].run.report.acknowledged, 783, "by the latest whole row");
    let read = reader::read(&folder).expect("read");
    assert_eq!((read.seconds.len(), read.report.offered), (2, 810));
    assert!(matches!(&read.torn[..], [torn] if torn.starts_with("seconds.jsonl, line 3: ")), "{:?}", read.torn);
}

#[test]
fn what_cannot_be_written_is_told_once_and_the_result_is_still_written() {
    let bench = Bench::new();
    let mut writer = bench.begin("shop-00000001", "r", "2026-11-30T10:00:00Z");
    writer.fill_the_disk();
    let sample = recorded();
    sample.seconds.iter().for_each(|second| writer.second(second));
    let broken = writer.broken().expect("a full disk").to_owned();
    assert!(broken.contains("cannot append to") && broken.contains("seconds.jsonl: No space left"), "{broken}");
    writer.end(&sample.report, None);
    assert_eq!(writer.broken(), Some(broken.as_str()));
    drop(writer);
    assert_eq!(bench.listed()[0].run.report.acknowledged, 12_001);
}

#[test]
fn the_oldest_of_each_stack_go_but_none_that_is_under_way() {
    let bench = Bench::new();
    let under_way = bench.begin("shop-00000001", "a", "2026-11-30T10:00:00Z");
    for (stack, run, minute) in [("shop-00000001", "b", 1), ("shop-00000001", "c", 2), ("cafe-00000002", "d", 0)] {
        drop(bench.begin(stack, run, &format!("2026-11-30T10:0{minute}:00Z")));
    }
    let names = |kept: Vec<Kept>| kept.into_iter().map(|kept| kept.run.about.run).collect::<Vec<_>>();
    assert_eq!(names(bench.listed()), ["c", "b", "d", "a"]);
    assert_eq!(names(bench.records.list(Some("shop")).expect("listed").0), ["c", "b", "a"]);
    assert_eq!(names(prunable(bench.listed(), 1)), ["b"], "the oldest is under way, and the other stack has one");
    prunable(bench.listed(), 0).iter().for_each(|kept| remove(kept).expect("removed"));
    assert_eq!(names(bench.listed()), ["a"]);
    drop(under_way);
}

#[test]
fn a_run_is_found_by_its_name_and_those_of_one_name_by_their_stacks() {
    let bench = Bench::new();
    let error = |run: Option<&str>| bench.records.find(run).err().expect("none").to_string();
    assert!(error(None).starts_with("no run is recorded"));
    for stack in ["shop-00000001", "cafe-00000002"] {
        drop(bench.begin(stack, "r", "2026-11-30T10:00:00Z"));
    }
    assert!(error(Some("x")).starts_with("unknown run 'x'"));
    assert!(error(Some("r")).contains("several runs are named 'r'"));
    let found = bench.records.find(Some("cafe-00000002/r")).expect("one");
    assert_eq!(found.run.about.stack, "cafe-00000002");
    assert_eq!(name("r", Part { worker: 2, of: 3 }), "r.2-of-3");
    fs::write(found.folder.join("run.json"), "{").expect("damaged");
    let (kept, unreadable) = bench.records.list(None).expect("listed");
    assert_eq!(kept.len(), 1);
    assert!(matches!(&unreadable[..], [RecordError::Invalid { .. }]), "{unreadable:?}");
}

#[test]
fn a_record_is_followed_as_it_grows_and_a_line_that_is_being_written_waits() {
    let (bench, sample) = (Bench::new(), recorded());
    let folder = bench.folder("shop-00000001", "r");
    let mut follower = Follower::new(&folder);
    let mut news = || {
        let mut all = Vec::new();
        follower.read(&mut |new| all.push(shown(&new))).expect("read");
        all
    };
    assert!(news().is_empty(), "there is nothing yet");
    let mut writer = bench.begin("shop-00000001", "r", "2026-11-30T10:00:00Z");
    assert_eq!(news(), ["pause", "1 s", "2 s", "under way"]);
    assert!(news().is_empty());
    let mut rows = OpenOptions::new().append(true).open(folder.join(SECONDS)).expect("rows");
    let third = serde_json::to_string(&sample.seconds[2]).expect("JSON");
    rows.write_all(&third.as_bytes()[..20]).expect("a part");
    assert!(news().is_empty());
    rows.write_all(&third.as_bytes()[20..]).and_then(|()| rows.write_all(b"\n{}\n")).expect("the rest");
    assert_eq!(news(), ["3 s", "torn: seconds.jsonl, line 4"]);
    writer.report(&sample.report);
    assert_eq!(news(), ["under way"], "with its result");
    writer.second(&sample.seconds[3]);
    writer.end(&sample.report, None);
    drop(writer);
    assert_eq!(news(), ["4 s", "lost 6"], "the end comes after the last row");
}

fn shown(news: &News) -> String {
    match news {
        News::Second(second) => format!("{} s", second.at),
        News::Moment(moment) => moment.text.clone(),
        News::Torn(torn) => format!("torn: {}", torn.rsplit_once(": ").map_or("", |(place, _)| place)),
        News::Run(run) => run.verdict().to_string(),
    }
}

#[test]
fn an_hour_of_500_shards_is_small() {
    let latency = Some(Percentiles { p50: 12.345, p90: 23.456, p99: 123.456, max: 1_234.567 });
    let of = |each: u64| (0..500).map(|shard| each + shard % 7).collect::<Vec<u64>>();
    let load = LoadSecond {
        at: 3_599.001,
        seconds: 1.001,
        scheduled: Some(60_000),
        offered: 60_000,
        acknowledged: 60_000,
        bytes: 490_000_000,
        ack_latency_ms: latency,
        service_ms: latency,
        shards: ByShard { acknowledged: of(120), bytes: of(980_000), throttled: of(0), ..ByShard::default() },
        so_far: LoadTotals { bytes: 1_764_000_000_000, ack_latency_ms: latency, ..LoadTotals::default() },
        ..LoadSecond::default()
    };
    let usage = Some(Usage { cpu: 1.95, memory: 123_456_789 });
    let row = Second {
        at: 3_600.001,
        load: Some(load),
        destinations: Vec::new(),
        cost: Some(0.012_345),
        demo: usage,
        stand_in: usage,
    };
    let bytes = serde_json::to_vec(&row).expect("JSON").len() * 3_600;
    assert!(bytes < 50_000_000, "{bytes} bytes");
}
