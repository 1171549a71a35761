//! The page as a browser gets it: over a connection of its own.

use std::{path::PathBuf, time::Duration};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use super::Page;
use crate::{
    engine::Home,
    record::writer::RecordWriter,
    report::{
        recorded::tests::recorded,
        second::{Moment, MomentKind},
    },
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
const FILES: [&str; 2] = [include_str!("index.html"), include_str!("page.css")];
const SCRIPTS: [&str; 9] = [
    include_str!("main.js"),
    include_str!("pipeline.js"),
    include_str!("plot.js"),
    include_str!("plots.js"),
    include_str!("presenter.js"),
    include_str!("series.js"),
    include_str!("shards.js"),
    include_str!("tables.js"),
    include_str!("text.js"),
];

struct Bench {
    folder: TempDir,
    page: Page,
}

/// An answer: its status, its head and its body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::at(folder.path().join("state")).expect("a home");
        Self { page: Page::open(&home, 0).await.expect("a port"), folder }
    }

    fn host(&self) -> String {
        self.page.address().replace("http://", "").replace('/', "")
    }

    fn secret(&self) -> String {
        self.page.presenter_address().split_once('#').expect("a secret").1.to_owned()
    }

    fn record(&self) -> PathBuf {
        self.folder.path().join("record")
    }

    async fn send(&self, request: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(self.host()).await.expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("sent");
        BufReader::new(stream)
    }

    /// Asks with these lines of a head, and reads to the end.
    async fn ask(&self, line: &str, head: &str, body: &str) -> Answer {
        let length = body.len();
        let request = format!("{line} HTTP/1.1\r\n{head}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        let mut text = String::new();
        self.send(&request).await.read_to_string(&mut text).await.expect("an answer");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), &format!("Host: {}\r\n", self.host()), "").await
    }

    async fn post(&self, path: &str, more: &str, body: &str) -> Answer {
        let head = format!("Host: {}\r\nContent-Type: application/json\r\n{more}", self.host());
        self.ask(&format!("POST {path}"), &head, body).await
    }

    async fn watch(&self) -> BufReader<TcpStream> {
        self.send(&format!("GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", self.host())).await
    }
}

/// Reads on until a line has this.
async fn until(events: &mut BufReader<TcpStream>, what: &str) -> String {
    let reading = async {
        loop {
            let mut line = String::new();
            let read = events.read_line(&mut line).await.expect("a line");
            assert!(read > 0, "the events ended before {what}");
            if line.contains(what) {
                return line;
            }
        }
    };
    timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let bench = Bench::new().await;
    let refused = bench.ask("GET /", "Host: evil.example\r\n", "").await;
    let answers = [bench.get("/").await, bench.get("/main.js").await, bench.get("/nothing").await, refused];
    assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 200, 404, 403]);
    for Answer { head, .. } in &answers {
        let csp = "\r\ncontent-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                   img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        for line in [csp, "\r\nx-content-type-options: nosniff", "\r\nreferrer-policy: no-referrer"] {
            assert!(head.contains(line), "{line} in {head}");
        }
        assert!(!head.contains("access-control-"), "{head}");
    }
}

#[tokio::test]
async fn other_names_and_other_pages_get_nothing() {
    let bench = Bench::new().await;
    let host = bench.host();
    for (line, head) in [
        ("GET /events", "Host: evil.example\r\n".to_owned()),
        ("GET /", String::new()),
        ("GET /", format!("Host: {host}\r\nOrigin: http://evil.example\r\n")),
        ("POST /act", format!("Host: {host}\r\nOrigin: null\r\nAuthorization: Bearer {}\r\n", bench.secret())),
    ] {
        let answer = bench.ask(line, &head, "").await;
        assert!(matches!(answer.status, 400 | 403) && !answer.body.contains("<html"), "{line} {head} {}", answer.body);
    }
    let own = bench.ask("GET /", &format!("Host: {host}\r\nOrigin: http://{host}\r\n"), "").await;
    assert!(own.status == 200 && own.body.contains("<html"));
}

#[tokio::test]
async fn nobody_acts_or_asks_without_the_secret() {
    let bench = Bench::new().await;
    let secret = bench.secret();
    let wrong = format!("Authorization: Bearer {}\r\n", "0".repeat(secret.len()));
    let bare = format!("Authorization: {secret}\r\n");
    let short = format!("Authorization: Bearer {}\r\n", &secret[1..]);
    for (path, body) in [("/act", "\"pause\""), ("/query", "{\"sql\":\"\"}"), ("/presenter", "null")] {
        for more in ["", &wrong, &bare, &short] {
            assert_eq!(bench.post(path, more, body).await.status, 401, "{path} {more}");
        }
        let get = bench.ask(&format!("GET {path}"), &format!("Host: {}\r\n", bench.host()), "").await;
        assert_eq!(get.status, 405, "a link does nothing");
    }
    let right = format!("Authorization: Bearer {secret}\r\n");
    assert_eq!(bench.post("/presenter", &right, "null").await.status, 204);
    let early = bench.post("/act", &right, "\"pause\"").await;
    assert!(early.status == 409 && early.body.contains("the run has not begun yet"), "{}", early.body);
    let plain = format!("Host: {}\r\nContent-Type: text/plain\r\n{right}", bench.host());
    assert_eq!(bench.ask("POST /act", &plain, "\"pause\"").await.status, 415, "a form of another page has no JSON");
    let long = format!("\"{}\"", "x".repeat(600 << 10));
    assert_eq!(bench.post("/act", &right, &long).await.status, 413);
    assert_ne!(secret, Bench::new().await.secret(), "each page has its own");
    for path in ["/", "/main.js", "/presenter.js"] {
        assert!(!bench.get(path).await.body.contains(&secret));
    }
}

#[tokio::test]
async fn browsers_see_the_record_grow_and_its_end() {
    let bench = Bench::new().await;
    let mut early = bench.watch().await;
    until(&mut early, "\"phase\":\"preparing\"").await;
    let sample = recorded();
    let mut writer = RecordWriter::begin(bench.record(), sample.about.clone()).expect("begun");
    bench.page.show(&bench.record());
    until(&mut early, "\"stack\":\"shop-0a1b2c3d\"").await;
    writer.second(&sample.seconds[0]);
    until(&mut early, "{\"at\":1.0,\"phase\":\"load\"").await;
    let key = "<img src=x onerror=alert(1)>".to_owned();
    writer.moment(&Moment { at: 1.5, kind: MomentKind::Action, text: key.clone(), done: None });
    assert!(until(&mut early, &key).await.starts_with("data: {"));
    let mut late = bench.watch().await;
    let state = until(&mut late, "data: ").await;
    assert!(state.contains("\"acknowledged\":391.0") && state.contains(&key), "{state}");
    assert!(state.contains("\"first_seen\":[\"shardId-000000000000\"]"), "{state}");
    writer.second(&sample.seconds[1]);
    writer.end(&sample.report, None);
    drop(writer);
    for events in [&mut early, &mut late] {
        let end = until(events, "\"is_over\":true").await;
        assert!(end.contains("\"name\":\"acknowledged\",\"value\":\"12,001\""), "{end}");
        assert!(end.contains("\"destination\":\"S3\",\"documents\":11997,\"by_sql\":11996"), "{end}");
    }
    let mut replay = bench.send(&format!("GET /events/0/100 HTTP/1.1\r\nHost: {}\r\n\r\n", bench.host())).await;
    until(&mut replay, "\"is_over\":true").await;
    assert_eq!(bench.get("/events/0/1000").await.status, 400, "too fast");
    assert_eq!(bench.get("/events/-1/1").await.status, 400);
    timeout(PATIENCE, bench.page.close()).await.expect("it closes");
    let mut rest = String::new();
    timeout(PATIENCE, late.read_to_string(&mut rest)).await.expect("it ends").expect("it ends");
}

#[tokio::test]
async fn the_end_is_told_before_the_page_closes_and_a_browser_that_does_not_read_holds_nothing_up() {
    let bench = Bench::new().await;
    let sample = recorded();
    let mut writer = RecordWriter::begin(bench.record(), sample.about.clone()).expect("begun");
    bench.page.show(&bench.record());
    let (mut reads, _never_reads) = (bench.watch().await, bench.watch().await);
    until(&mut reads, "\"stack\":\"shop-0a1b2c3d\"").await;
    for _ in 0..200 {
        sample.seconds.iter().for_each(|second| writer.second(second));
    }
    writer.end(&sample.report, None);
    drop(writer);
    let closing = tokio::spawn(bench.page.close());
    until(&mut reads, "\"is_over\":true").await;
    timeout(PATIENCE, closing).await.expect("it closes").expect("closed");
}

#[test]
fn the_page_has_nothing_from_outside_and_makes_no_markup_of_values() {
    for text in FILES.into_iter().chain(SCRIPTS) {
        let outside = text
            .match_indices("//")
            .filter(|(at, _)| text[..*at].ends_with("http:") || text[..*at].ends_with("https:"));
        let other = outside.filter(|(at, _)| !text[*at..].starts_with("//www.w3.org/2000/svg"));
        assert_eq!(other.count(), 0, "an address: {text}");
    }
    let markup = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "setAttribute(\"style\"",
        "setAttribute(\"on",
    ];
    for script in SCRIPTS {
        assert!(markup.iter().all(|word| !script.contains(word)), "{script}");
        assert!(script.lines().count() < 500);
    }
    let inline = [" style=", " onclick=", " onload=", "<style", "javascript:"];
    assert!(inline.iter().all(|word| !FILES[0].contains(word)));
}
