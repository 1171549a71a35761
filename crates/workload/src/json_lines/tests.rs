use std::io::Write;

use demo_formats::schema::FieldPath;

use super::*;

fn rules() -> Rules {
    Rules { identity: Identity::Line, max_bytes: 1 << 20 }
}

fn by_id() -> Rules {
    Rules { identity: Identity::Fields(vec![FieldPath(vec!["id".to_owned()])]), ..rules() }
}

fn file(text: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_ref()).expect("written");
    file
}

fn opened(text: impl AsRef<[u8]>, rules: impl Into<LineRules>) -> (tempfile::NamedTempFile, Arc<JsonLines>) {
    let file = file(text);
    let lines = JsonLines::open(file.path(), rules).expect("documents");
    (file, Arc::new(lines))
}

fn documents(of: &Arc<JsonLines>, first: u64, count: usize) -> Vec<String> {
    let (mut documents, mut line) = (of.documents(first), Vec::new());
    let mut next = || {
        let mut out = Vec::new();
        documents.next_into(&mut out, &mut line).expect("a document");
        String::from_utf8(out).expect("UTF-8")
    };
    (0..count).map(|_| next()).collect()
}

fn broken(of: &JsonLines) -> Vec<(u64, &str)> {
    of.found().first_broken.iter().map(|broken| (broken.line, broken.why.as_str())).collect()
}

#[test]
fn lines_are_sent_with_one_newline_however_they_end() {
    let (_file, lines) = opened("\u{feff}{\"a\":1}\r\n\n {\"a\": 2} \n \t\r\n{\"a\":3}", rules());
    assert_eq!((lines.found().documents, lines.found().blank, lines.found().broken), (3, 2, 0));
    assert_eq!(documents(&lines, 1, 3), ["{\"a\":1}\n", " {\"a\": 2} \n", "{\"a\":3}\n"]);
    assert_eq!(lines.found().largest, " {\"a\": 2} \n".len());
    assert_eq!(lines.found().md5.len(), 32);
}

#[test]
fn the_file_repeats_from_its_start() {
    let (_file, lines) = opened("{\"a\":1}\nx\n{\"a\":2}\n{\"a\":3}\n", rules());
    assert_eq!(documents(&lines, 1, 7).concat().matches("{\"a\":1}").count(), 3);
    assert_eq!(documents(&lines, 6, 3), ["{\"a\":3}\n", "{\"a\":1}\n", "{\"a\":2}\n"]);
}

#[test]
fn reading_begins_anywhere() {
    let text: String =
        (1..=3_500).map(|n| format!("{{\"n\":{n}}}\n{}", if n % 3 == 0 { "\nbroken\n" } else { "" })).collect();
    let (_file, lines) = opened(text, rules());
    assert_eq!((lines.found().documents, lines.found().broken), (3_500, 1_166));
    assert_eq!(lines.places.len(), 4);
    for first in [1, 2, 999, 1_000, 1_001, 1_002, 3_001, 3_500, 3_501, 7_001] {
        let n = (first - 1) % 3_500 + 1;
        assert_eq!(documents(&lines, first, 1), [format!("{{\"n\":{n}}}\n")], "document {first}");
    }
}

#[test]
fn broken_lines_are_told_with_their_numbers() {
    let text = "{\"id\":1}\n{\"id\":}\n[1]\n\n{\"id\":1.5}\n{\"id\":null}\n{}\n{\"id\":2} {}\n{\"id\":\"\u{1}\"}\n";
    let (_file, lines) = opened(text, by_id());
    assert_eq!((lines.found().documents, lines.found().broken), (1, 7));
    let told = broken(&lines);
    assert_eq!(told.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 5, 6, 7, 8, 9]);
    assert_eq!(told[0].1, "expected value at column 7");
    assert!(told[1].1.contains("expected a JSON object"), "{told:?}");
    assert!(told[2].1.contains("`id` is a number with decimals (1.5)"), "{told:?}");
    assert!(told[3].1.contains("`id` is null"), "{told:?}");
    assert!(told[4].1.contains("`id` is not there"), "{told:?}");
    assert!(told[5].1.contains("trailing characters at column 10"), "{told:?}");
    assert!(lines.found().broken_lines().starts_with("  line 2: expected value at column 7\n"));
}

#[test]
fn a_key_twice_breaks_a_line_where_keys_are_unique() {
    let text = "{\"id\":1}\n{\"id\":2,\"id\":3}\n{\"id\":4,\"o\":{\"a\":1,\"a\":2}}\n{\"id\":5}\n";
    let rules = |unique_keys| LineRules { document: rules(), unique_keys };
    assert_eq!(opened(text, rules(false)).1.found().broken, 0);
    let (_file, lines) = opened(text, rules(true));
    let told = broken(&lines);
    assert_eq!(told.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3]);
    assert!(told[0].1.starts_with("`id` is twice in one object at column "), "{told:?}");
    assert_eq!(documents(&lines, 1, 3), ["{\"id\":1}\n", "{\"id\":5}\n", "{\"id\":1}\n"]);
}

#[test]
fn twenty_broken_lines_are_told_and_the_others_counted() {
    let text = format!("{}{{}}\n", "x\n".repeat(25));
    let (_file, lines) = opened(text, rules());
    assert_eq!((lines.found().broken, lines.found().first_broken.len()), (25, 20));
    assert!(lines.found().broken_lines().ends_with("  and 5 more\n"));
}

#[test]
fn a_line_that_fits_into_no_record_is_broken() {
    let rules = Rules { max_bytes: 100, ..rules() };
    let line = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    // 100 less a newline and the 20 digits of a partition key.
    let text = [line(79), line(80), line(99), line(5_000), line(8)].join("\n");
    let (_file, lines) = opened(text, rules.clone());
    assert_eq!(broken(&lines).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(broken(&lines)[0].1.starts_with("longer than a record, which takes 100 bytes"));
    assert_eq!(documents(&lines, 1, 2), [line(79) + "\n", line(8) + "\n"]);
    let (_file, crlf) = opened(line(79) + "\r\n{}\r\n", rules);
    assert_eq!((crlf.found().documents, crlf.found().broken), (2, 0));
}

#[test]
fn bytes_that_are_no_text_are_broken() {
    let (_file, lines) = opened(b"{\"a\":\"\xff\"}\n{\"a\":\"\xc3\xa4\"}\n", rules());
    assert_eq!((lines.found().documents, broken(&lines)[0].0), (1, 1));
}

#[test]
fn a_file_without_documents_is_refused() {
    let said = |text: &str| {
        let file = file(text);
        JsonLines::open(file.path(), rules()).map(|_| ()).expect_err("no documents").to_string()
    };
    assert!(said("\n\n").ends_with(" has no document"), "{}", said("\n\n"));
    assert!(said("x\n").contains(" has no document, and 1 broken lines:\n  line 1: "), "{}", said("x\n"));
    let missing = JsonLines::open(Path::new("/nowhere/x.jsonl"), rules()).map(|_| ()).expect_err("no file");
    assert!(missing.to_string().starts_with("cannot read /nowhere/x.jsonl: "), "{missing}");
}

#[test]
fn a_file_that_changes_meanwhile_is_noticed() {
    let (mut file, lines) = opened("{\"a\":1}\n", rules());
    file.write_all(b"{\"a\":2}\n").expect("written");
    let mut out = Vec::new();
    let changed = lines.documents(1).next_into(&mut out, &mut Vec::new()).expect_err("changed");
    assert!(matches!(changed, JsonLinesError::Changed { .. }), "{changed}");
}

#[test]
fn the_columns_are_those_of_every_line_that_is_sent() {
    let (_file, lines) = opened("{\"id\":1}\n{\"id\":\"a\",\"x\":true}\n{\"y\":1}\n", by_id());
    let schema = lines.inferred().schema().expect("columns");
    let columns = [("id", "string"), ("x", "boolean")].map(|(name, kind)| (name.to_owned(), kind.to_owned()));
    assert_eq!(schema.glue_columns(), columns);
}
