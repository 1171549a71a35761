//! Documents keep their numbers, however many threads and workers make them.

use demo_workload::json_lines::{JsonLines, Rules};

use super::*;

/// What each record of a run was, with the key that decided its shard.
type Sent = BTreeMap<(Vec<u8>, Option<u128>), u32>;

/// A Kinesis that remembers whole records.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Sent>>);

impl Transport for Keeper {
    fn wants(&self) -> Wants {
        Wants::new(Format::Json)
    }

    fn put_records(&self, request: Request) -> BoxFuture<'static, Result<Answer, RequestError>> {
        let mut kept = self.0.lock().expect("a test that failed");
        let mut answer = Answer::builder();
        for record in request.body.records() {
            *kept.entry((record.data.to_vec(), record.explicit_hash_key)).or_default() += 1;
            answer.written("shardId-0", "1");
        }
        let answer = answer.build();
        async move { Ok(answer) }.boxed()
    }
}

/// What a part of a load sends, all parts having the same tickets, and its log.
async fn sent(source: &Arc<dyn Source>, tickets: RangeInclusive<u64>, records: u64, part: Part) -> (Sent, AckLog) {
    let bench = Bench::new(Sink::default());
    let keeper = Keeper::default();
    let mut plan = bench.plan(Rate::Max, Length::Records(records));
    let needed = records.div_ceil(source.documents_per_ticket());
    plan.source = source.clone();
    plan.header.part = part;
    plan.reserve = Box::new(move |count| {
        assert_eq!(count, needed, "every part needs the tickets of the whole");
        Ok(*tickets.start()..=tickets.start() + count - 1)
    });
    let producer = Producer::with_transport(keeper.clone()).build().await.expect("settings");
    let log = bench.log();
    let running = run(plan, &producer, &log, &bench.progress, &bench.cancel);
    let loaded = timeout(PATIENCE, running).await.expect("an end").expect("loaded");
    let own = part.documents(records);
    assert_eq!((loaded.offered, loaded.acknowledged), (own.end - own.start, own.end - own.start), "{part}");
    let log = AckLog::read(&log).expect("a log");
    assert_eq!(log.acknowledged.intervals().collect::<Vec<_>>(), [own.start..=own.end - 1], "{part}");
    let sent = keeper.0.lock().expect("a test that failed").clone();
    (sent, log)
}

/// The parts of `of` workers, put together, are what one sends; their logs together are its log.
async fn parts_add_up(source: Arc<dyn Source>, first: u64, records: u64, of: u32) {
    let tickets = first..=u64::MAX;
    let (whole, log) = sent(&source, tickets.clone(), records, Part::WHOLE).await;
    assert_eq!(whole.values().map(|count| u64::from(*count)).sum::<u64>(), records);
    let (mut together, mut acknowledged) = (Sent::new(), IntervalSet::default());
    for worker in 1..=of {
        let (part, of_part) = sent(&source, tickets.clone(), records, Part { worker, of }).await;
        part.into_iter().for_each(|(record, count)| *together.entry(record).or_default() += count);
        of_part.acknowledged.intervals().for_each(|range| acknowledged.insert_range(range));
        assert_eq!(of_part.tickets, log.tickets);
    }
    assert!(together == whole, "{of} workers sent {} records, one {}", together.len(), whole.len());
    assert_eq!(acknowledged, log.acknowledged);
}

#[tokio::test]
async fn the_parts_of_all_workers_are_the_whole_run() {
    let sales = OpenWorkload::reopen(&Origin::StoreSales { scale: 1, seed: 3 }).expect("documents").source;
    // Over the end of a pass, which makes two stretches of the tickets.
    parts_add_up(sales.clone(), 239_950, 2_003, 3).await;
    parts_add_up(sales, 1, 1_000, 2).await;

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("own.jsonl");
    let lines: String = (0..1_234).map(|id| format!("{{\"id\":{id}}}\n")).collect();
    std::fs::write(&file, lines).expect("written");
    let rules = Rules { identity: Identity::Line, max_bytes: 1 << 20 };
    let lines: Arc<dyn Source> = Arc::new(JsonLines::open(&file, rules).expect("documents"));
    // The file comes a second time, so documents are equal.
    parts_add_up(lines, 1, 2_003, 3).await;

    let text = r#"{"id": {{ sequence }}}"#.to_owned();
    let template = Origin::Template { text, seed: 1, key: None, max_bytes: 1 << 20, times: None };
    parts_add_up(OpenWorkload::reopen(&template).expect("documents").source, 5, 1_001, 4).await;
}

/// What one process sends of a part, and another that goes on where it ended; some of the last are sent by both.
#[tokio::test]
async fn a_part_that_another_process_finishes_is_the_whole_part() {
    let source = OpenWorkload::reopen(&Origin::StoreSales { scale: 1, seed: 3 }).expect("documents").source;
    let (records, part) = (3_000, Part { worker: 2, of: 3 });
    let own = part.documents(records);
    let (whole, log) = sent(&source, 1..=u64::MAX, records, part).await;
    let mut done = DocumentsDone::default();
    done.acknowledged.insert_range(own.start..=own.start + 399);
    done.acknowledged.insert_range(own.start + 420..=own.start + 430);
    done.acknowledged.insert_range(own.end - 5..=own.end - 1);

    let bench = Bench::new(Sink::default());
    let keeper = Keeper::default();
    let rate = Rate::PerSecond(3_000.0);
    let mut plan = bench.plan(rate, Length::Records(records));
    (plan.source, plan.header.part) = (source.clone(), part);
    plan.reserve = Box::new(|count| Ok(1..=count));
    let actions = vec![Done { at: 0.1, action: crate::spec::Action::Rate(300_000.0) }];
    plan.resumed = Some(Resumed { done: done.clone(), times: 2, actions });
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let (start, starts) = tokio::sync::oneshot::channel();
    plan.gate = Some(Gate { ready, start: starts });
    let acks = Arc::new(AckWriter::succeed(&bench.log(), &plan.header, &done).expect("a log"));
    let producer = Producer::with_transport(keeper.clone()).build().await.expect("settings");
    let running = run_logged(plan, &producer, acks, &bench.progress, &bench.cancel);
    let starting = async {
        is_ready.await.expect("ready");
        start.send(Instant::now() - Duration::from_millis(200)).expect("someone waits");
    };
    let (loaded, ()) = tokio::join!(timeout(PATIENCE, running), starting);
    let loaded = loaded.expect("an end").expect("loaded");

    let left = own.end - own.start - done.count();
    assert_eq!((loaded.offered, loaded.acknowledged, loaded.failed), (left, left, 0));
    let log_of_both = AckLog::read(&bench.log()).expect("a log");
    assert_eq!((&log_of_both.acknowledged, log_of_both.offered), (&log.acknowledged, log.offered));
    // At 100,000 a second from 100 ms on, all were due when it began, so any may have been sent.
    assert_eq!(loaded.possible_duplicates, 2 * left);
    assert_eq!(bench.progress.borrow().possible_duplicates, 2 * left, "from its beginning");
    let again = keeper.0.lock().expect("a test that failed").clone();
    assert_eq!(again.values().map(|count| u64::from(*count)).sum::<u64>(), left);
    assert!(again.keys().all(|record| whole.contains_key(record)), "byte for byte what the first would have sent");
}

#[tokio::test]
async fn documents_come_in_the_order_of_their_tickets_however_many_threads_make_them() {
    let source: Arc<dyn Source> =
        OpenWorkload::reopen(&Origin::StoreSales { scale: 1, seed: 1 }).expect("documents").source;
    let mut render = source.clone().render(7..=u64::MAX);
    let folder = tempfile::tempdir().expect("a folder");
    let header =
        Header { run: "run".into(), origin: Origin::StoreSales { scale: 1, seed: 1 }, part: Part::WHOLE, flaws: None };
    let acks = AckWriter::create(&folder.path().join("run.acks"), &header).expect("a log");
    let generator = Generator {
        source,
        keyed: None,
        reserve: Box::new(|count| Ok(7..=6 + count)),
        acks: Arc::new(acks),
        whole: Some(5_000),
        before: 0,
    };
    let (mut chunks, generating) = generator.start();
    let (mut expected, mut count) = (Vec::new(), 0);
    while let Some(chunk) = chunks.next().await {
        for document in chunk {
            expected.clear();
            assert_eq!(render.next_into(&mut expected).expect("a document"), Some(document.ticket));
            assert!(document.data == expected, "document {count}");
            count += 1;
        }
    }
    assert!(count >= 5_000, "{count} of all 625 tickets");
    generating.ended().await.expect("no thread failed");
}
