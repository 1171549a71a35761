//! The parts by themselves.

use super::super::{results, store::Location};

#[test]
fn what_is_written_is_read_again() {
    let rows = [
        vec![Some("a\"b".to_owned()), None, Some(String::new())],
        vec![Some("x,\ny".to_owned()), Some("é".to_owned()), None],
        vec![None, None, None],
    ];
    let mut csv = Vec::new();
    for row in &rows {
        results::write_row(&mut csv, row.iter().map(Option::as_deref));
    }
    assert_eq!(results::read_rows(&csv, 0, 10), (rows.to_vec(), None));
    let (first, next) = results::read_rows(&csv, 0, 1);
    assert_eq!(first, rows[..1]);
    let (rest, end) = results::read_rows(&csv, next.expect("there are more"), 10);
    assert_eq!((rest.as_slice(), end), (&rows[1..], None));
}

#[test]
fn locations_end_with_a_slash() {
    let at = |text| Location::parse(text).map(|location| (location.bucket, location.prefix));
    assert_eq!(at("s3://b/p/q"), Some(("b".to_owned(), "p/q/".to_owned())));
    assert_eq!(at("s3://b"), Some(("b".to_owned(), String::new())));
    assert_eq!(at("http://b/p"), None);
    assert_eq!(at("s3:///p"), None);
}
