//! Reads the delivered documents from the objects in S3.

use std::{collections::HashSet, io::BufRead, sync::Arc, time::Duration};

use aws_sdk_s3::Client;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::sleep;

use super::{contents, expected::Expected, keys::KeyBag};
use crate::aws::told::{chain, told};

/// Objects that are fetched at the same time; each may be as large as the delivery's buffer.
const FETCHES: usize = 2;

/// The documents under a key prefix of a bucket, each object read once.
pub struct Objects {
    client: Client,
    bucket: String,
    prefix: String,
    expected: Arc<Expected>,
    seen: HashSet<String>,
    /// Ids found so far, of the expected documents.
    pub keys: KeyBag,
    /// Bytes of the objects read, as they are stored.
    pub stored_bytes: u64,
}

/// How often an object is read whose answer is cut off.
const ATTEMPTS: u32 = 5;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(200);

/// Why the objects cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// A call failed.
    #[error("S3 {call} of s3://{bucket}/{key}: {why}")]
    Call {
        /// For example `ListObjectsV2`.
        call: &'static str,
        /// The bucket.
        bucket: String,
        /// The key, or the prefix of a listing.
        key: String,
        /// The service's own words.
        why: String,
    },
    /// An object does not hold what was sent.
    #[error("s3://{bucket}/{key} line {line}: {why}; the object is not what the producer sent")]
    Content {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
}

impl Objects {
    /// The expected documents under `prefix`.
    pub fn new(client: Client, bucket: &str, prefix: &str, expected: Arc<Expected>) -> Self {
        Self {
            client,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            expected,
            seen: HashSet::new(),
            keys: KeyBag::default(),
            stored_bytes: 0,
        }
    }

    /// Reads the objects that are new since the last read.
    pub async fn read_new(&mut self) -> Result<(), ObjectsError> {
        let new: Vec<String> = self.list().await?.into_iter().filter(|key| !self.seen.contains(key)).collect();
        let read: Vec<(String, u64, KeyBag)> =
            stream::iter(new).map(|key| self.read(key)).buffer_unordered(FETCHES).try_collect().await?;
        for (key, bytes, keys) in read {
            self.seen.insert(key);
            self.stored_bytes += bytes;
            self.keys.append(keys);
        }
        Ok(())
    }

    async fn list(&self) -> Result<Vec<String>, ObjectsError> {
        let mut pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(&self.prefix).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| self.failed("ListObjectsV2", &self.prefix, told(&e)))?;
            keys.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
        }
        Ok(keys)
    }

    async fn read(&self, key: String) -> Result<(String, u64, KeyBag), ObjectsError> {
        let data = self.fetch(&key).await?;
        let bytes = data.len() as u64;
        let expected = self.expected.clone();
        let keys = tokio::task::spawn_blocking(move || keys_of(data, &expected)).await.expect("reading does not panic");
        match keys {
            Ok(keys) => Ok((key, bytes, keys)),
            Err((line, why)) => Err(ObjectsError::Content { bucket: self.bucket.clone(), key, line, why }),
        }
    }

    /// The whole object. The SDK repeats a call that has no answer, but not one whose answer is cut off.
    async fn fetch(&self, key: &str) -> Result<Bytes, ObjectsError> {
        let mut attempt = 1;
        loop {
            let answer = self.client.get_object().bucket(&self.bucket).key(key).send().await;
            let body = answer.map_err(|e| self.failed("GetObject", key, told(&e)))?.body;
            match body.collect().await {
                Ok(data) => return Ok(data.into_bytes()),
                Err(error) if attempt == ATTEMPTS => return Err(self.failed("GetObject", key, chain(&error))),
                Err(_) => sleep(BETWEEN_ATTEMPTS * attempt).await,
            }
            attempt += 1;
        }
    }

    fn failed(&self, call: &'static str, key: &str, why: String) -> ObjectsError {
        ObjectsError::Call { call, bucket: self.bucket.clone(), key: key.to_owned(), why }
    }
}

/// The keys of an object's documents; or the line that is not one, and why.
fn keys_of(data: Bytes, expected: &Expected) -> Result<KeyBag, (u64, String)> {
    let mut lines = contents::lines(data, &expected.identity.fields()).map_err(|e| (1, e.to_string()))?;
    let (mut line, mut number, mut keys) = (Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        number += 1;
        if lines.read_until(b'\n', &mut line).map_err(|e| (number, e.to_string()))? == 0 {
            return Ok(keys.into_iter().collect());
        }
        keys.extend(expected.id_of(&line).map_err(|e| (number, e.to_string()))?);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{TcpListener, TcpStream},
        thread,
    };

    use aws_sdk_s3::config::Credentials;
    use flate2::{Compression, write::GzEncoder};

    use super::{super::expected::Scope, *};
    use crate::aws::{Clients, Where};
    use demo_workload::Identity;

    fn sales(tickets: std::ops::RangeInclusive<u64>) -> Expected {
        Expected { identity: Identity::StoreSales, scope: Scope::Tickets(vec![tickets]) }
    }

    const LINES: &str = "{\"ss_item_sk\":7,\"x\":{\"ss_item_sk\":null},\"ss_ticket_number\":1}\n{\"ss_item_sk\":8,\"ss_ticket_number\":5}\n";

    #[test]
    fn keys_are_read_from_plain_and_gzip_alike() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(LINES.as_bytes()).expect("memory takes it");
        let zipped = gzip.finish().expect("memory takes it");
        for data in [LINES.as_bytes().to_vec(), zipped.clone(), [zipped.clone(), zipped].concat()] {
            let keys = keys_of(data.into(), &sales(1..=9)).expect("both are documents");
            assert!(keys.len() == 2 || keys.len() == 4);
        }
    }

    /// Answers each request with the beginning of the object, and at last with all of it.
    fn cutting(times: usize) -> (String, thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = thread::spawn(move || {
            for request in 0..=times {
                let (mut stream, _) = listener.accept().expect("a request");
                let mut head = [0; 4096];
                assert!(stream.read(&mut head).expect("a request") > 0);
                let sent = if request < times { &LINES[..9] } else { LINES };
                let length = LINES.len();
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{sent}");
                stream.write_all(answer.as_bytes()).expect("sent");
            }
        });
        (url, serving)
    }

    async fn objects_at(url: String) -> Objects {
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let clients = Clients::connect(Where::Local { url, credentials }).await;
        Objects::new(clients.s3, "bucket", "", Arc::new(sales(1..=9)))
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_is_asked_for_again() {
        let (url, serving) = cutting(2);
        assert_eq!(objects_at(url).await.fetch("key").await.expect("the whole object"), LINES.as_bytes());
        serving.join().expect("no panic");
        let (url, serving) = cutting(ATTEMPTS as usize);
        let error = objects_at(url.clone()).await.fetch("key").await.expect_err("always cut off").to_string();
        assert!(error.starts_with("S3 GetObject of s3://bucket/key: "), "{error}");
        // What is left to serve.
        TcpStream::connect(url.trim_start_matches("http://"))
            .and_then(|mut last| last.write_all(b"GET"))
            .expect("asked");
        serving.join().expect("no panic");
    }

    #[test]
    fn tickets_of_other_runs_are_left_out() {
        let keys = keys_of(Bytes::from_static(LINES.as_bytes()), &sales(5..=5)).expect("both are documents");
        assert_eq!(keys.len(), 1);
    }

    #[test]
    fn two_documents_on_a_line_are_an_error_with_its_number() {
        let glued = [LINES, &LINES.replace('\n', "")].concat();
        let (line, why) = keys_of(glued.into_bytes().into(), &sales(1..=9)).expect_err("two on one line");
        assert_eq!(line, 3);
        assert!(why.contains("trailing characters"), "{why}");
    }
}
