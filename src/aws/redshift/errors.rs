//! What COPY has refused: which line of which object, which column, why, and the document itself.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt,
    io::{BufRead, BufReader},
    time::Duration,
};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use super::{
    data::{Answer, DataError, Runner},
    manifest::Batch,
    sql, url,
};
use crate::{
    aws::{clients::Clients, failure::broken, whole_object::whole_object},
    engine::Cause,
};

/// Refused values that are shown of a batch; COPY stops at the first, on each of its slices.
const SHOWN: usize = 3;
/// Characters of a document, and of a value.
const SHOWN_CHARS: usize = 160;
/// The system views may lag behind the statement.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// A value that COPY has refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `s3://…`.
    pub object: String,
    /// Counted from 1.
    pub line: u64,
    /// The column.
    pub column: String,
    /// Redshift's number for the reason, for example 1204.
    pub code: String,
    /// Redshift's own words.
    pub reason: String,
    /// The document, shortened, or why it cannot be shown.
    pub document: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { object, line, column, code, reason, document } = self;
        write!(f, "{object} line {line}, column {column}: {reason} (code {code})\n    {document}")
    }
}

/// What of a batch COPY has refused, by the system views; empty when they say nothing of it.
pub(super) async fn of(
    batch: &Batch,
    bucket: &str,
    prefix: &str,
    runner: &Runner,
    clients: &Clients,
) -> Result<Vec<Refused>, DataError> {
    let mut found = Vec::new();
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        found = rows(&look_up(runner, &url(bucket, prefix)).await?, among(batch, bucket));
        if !found.is_empty() {
            break;
        }
    }
    show(&mut found, bucket, clients).await;
    Ok(found)
}

/// What COPY has refused of the objects under a key prefix, whoever has loaded them; empty when the system views say
/// nothing of it.
///
/// # Errors
/// The system views cannot be read.
pub async fn under(bucket: &str, prefix: &str, runner: &Runner, clients: &Clients) -> Result<Vec<Refused>, DataError> {
    let answer = look_up(runner, &url(bucket, prefix)).await?;
    let mut found = rows(&answer, |named| Some(named.to_owned()));
    show(&mut found, bucket, clients).await;
    Ok(found)
}

/// The documents under a key prefix that COPY has left out, of whichever load: each object with the lines that are not
/// in `known`, counted from 1, and their texts.
///
/// # Errors
/// The system views or an object cannot be read.
pub async fn rejected_lines(
    folder: (&str, &str),
    runner: &Runner,
    clients: &Clients,
    known: &HashSet<(String, u64)>,
) -> Result<Vec<((String, u64), Vec<u8>)>, DataError> {
    let ((bucket, prefix), mut by_object) = (folder, BTreeMap::<String, BTreeSet<u64>>::new());
    let url_of = url(bucket, prefix);
    let answer = match runner.run(&[sql::rejected_lines(&url_of)], usize::MAX).await {
        Err(DataError::Ended { .. }) => runner.run(&[sql::old_rejected_lines(&url_of)], usize::MAX).await?,
        answer => answer?,
    };
    for row in &answer.rows {
        let cell = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default().trim().to_owned();
        let place = (cell(0), cell(1).parse().unwrap_or_default());
        if !known.contains(&place) {
            by_object.entry(place.0).or_default().insert(place.1);
        }
    }
    let mut found = Vec::new();
    for (object, lines) in by_object {
        let key = object.strip_prefix(&url(bucket, "")).unwrap_or_default().to_owned();
        let data = fetch(clients, bucket, &key).await.map_err(|why| unreadable(&object, why))?;
        let texts = BufReader::new(MultiGzDecoder::new(data.as_ref())).split(b'\n');
        for (text, line) in texts.zip(1..).filter(|(_, line)| lines.contains(line)) {
            let text = text.map_err(|error| unreadable(&object, error.to_string()))?;
            found.push(((object.clone(), line), text));
        }
    }
    Ok(found)
}

fn unreadable(object: &str, why: String) -> DataError {
    DataError::Call(broken(Cause::Other, "s3 GetObject", object, why, "verify again"))
}

async fn show(found: &mut [Refused], bucket: &str, clients: &Clients) {
    for refused in found {
        let key = refused.object.strip_prefix(&url(bucket, "")).unwrap_or_default();
        refused.document = document(clients, bucket, key, refused.line, &refused.column).await;
    }
}

/// By the view of today or, where that cannot be read, by the one of before.
async fn look_up(runner: &Runner, under: &str) -> Result<Answer, DataError> {
    match runner.run(&[sql::load_errors(under)], usize::MAX).await {
        Err(DataError::Ended { .. }) => runner.run(&[sql::old_load_errors(under)], usize::MAX).await,
        answer => answer,
    }
}

/// The batch's object of a name. The views hold only the first characters of a long one.
fn among(batch: &Batch, bucket: &str) -> impl Fn(&str) -> Option<String> {
    let urls: Vec<String> = batch.objects.iter().map(|object| url(bucket, &object.key)).collect();
    move |named| urls.iter().find(|url| url.starts_with(named)).cloned()
}

/// The rows that are about objects in question.
fn rows(answer: &Answer, object_of: impl Fn(&str) -> Option<String>) -> Vec<Refused> {
    let mut found: Vec<Refused> = Vec::new();
    for row in &answer.rows {
        let cell = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default().trim().to_owned();
        let named = cell(0);
        let Some(object) = object_of(&named).filter(|_| !named.is_empty()) else { continue };
        let refused = Refused {
            object,
            line: cell(1).parse().unwrap_or_default(),
            column: cell(2),
            code: cell(3),
            reason: cell(4),
            document: String::new(),
        };
        if !found.contains(&refused) && found.len() < SHOWN {
            found.push(refused);
        }
    }
    found
}

async fn document(clients: &Clients, bucket: &str, key: &str, line: u64, column: &str) -> String {
    match fetch(clients, bucket, key).await {
        Ok(data) => match nth_line(data, line) {
            Some(text) => shown(&text, column),
            None => format!("(the object has no line {line})"),
        },
        Err(why) => format!("(the object cannot be read: {why})"),
    }
}

async fn fetch(clients: &Clients, bucket: &str, key: &str) -> Result<Bytes, String> {
    whole_object(&clients.s3, bucket, key).await.map_err(|error| error.to_string())
}

fn nth_line(gzipped: Bytes, line: u64) -> Option<String> {
    let at = usize::try_from(line.checked_sub(1)?).ok()?;
    let line = BufReader::new(MultiGzDecoder::new(gzipped.as_ref())).split(b'\n').nth(at)?.ok()?;
    Some(String::from_utf8_lossy(&line).into_owned())
}

/// The document's beginning, and the value that was refused with its size.
fn shown(document: &str, column: &str) -> String {
    let value = serde_json::from_str::<serde_json::Value>(document).ok();
    // Redshift has the column's name in lower case.
    let is_it = |(key, _): &(&String, &serde_json::Value)| key.eq_ignore_ascii_case(column);
    let fields = value.as_ref().and_then(serde_json::Value::as_object);
    let value = fields.and_then(|fields| fields.iter().find(is_it)).map(|(_, value)| value.to_string());
    let value = value.map(|value| format!("\n    its {column} has {} bytes: {}", value.len(), shortened(&value)));
    format!("{}{}", shortened(document), value.unwrap_or_default())
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::aws::redshift::manifest::Object;

    #[test]
    fn only_what_is_about_the_batch_is_shown() {
        let object = |key: &str| Object { key: key.to_owned(), bytes: 1 };
        let batch = Batch { number: 1, objects: vec![object("p/a.gz"), object("p/b.gz")] };
        let row =
            |file: &str| [file, "3", "ss_item ", "1204", "String length exceeds DDL length"].map(|t| Some(t.into()));
        let rows_found = [row("s3://l/p/a.gz  "), row("s3://l/p/a.gz"), row("s3://l/p/other.gz"), row("s3://l/p/b.")];
        let answer = Answer { rows: rows_found.map(|row| row.to_vec()).to_vec(), ..Answer::default() };
        let found = rows(&answer, among(&batch, "l"));
        let objects: Vec<&str> = found.iter().map(|refused| refused.object.as_str()).collect();
        assert_eq!(objects, ["s3://l/p/a.gz", "s3://l/p/b.gz"]);
        assert_eq!((found[0].line, found[0].column.as_str(), found[0].code.as_str()), (3, "ss_item", "1204"));
    }

    #[test]
    fn a_document_is_found_by_its_line_and_shortened() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let wide = "x".repeat(5000);
        write!(gzip, "{{\"a\":1}}\n{{\"a\":2,\"b\":\"{wide}\"}}\n").expect("memory takes it");
        let data = Bytes::from(gzip.finish().expect("memory takes it"));
        let line = nth_line(data.clone(), 2).expect("two lines");
        let text = shown(&line, "b");
        assert!(text.starts_with("{\"a\":2,") && text.contains("its b has 5002 bytes: \"xxx"), "{text}");
        assert!(text.len() < 500, "{text}");
        assert_eq!(nth_line(data.clone(), 3), None);
        assert_eq!(nth_line(data, 0), None);
    }
}
