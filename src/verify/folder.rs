//! The objects under a key prefix of a bucket.

use std::time::Duration;

use aws_sdk_s3::Client;
use bytes::Bytes;
use tokio::time::sleep;

use crate::aws::told::{chain, told};

/// How often an object is read whose answer is cut off.
const ATTEMPTS: u32 = 5;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(200);

/// A bucket, and the prefix of the keys in question.
#[derive(Clone, Debug)]
pub struct Folder {
    client: Client,
    bucket: String,
    prefix: String,
}

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

impl Folder {
    /// The objects under `prefix`.
    pub fn new(client: &Client, bucket: &str, prefix: &str) -> Self {
        Self { client: client.clone(), bucket: bucket.to_owned(), prefix: prefix.to_owned() }
    }

    /// The bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// An object's address, `s3://…`.
    pub fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// The keys of all objects.
    pub async fn list(&self) -> Result<Vec<String>, ObjectsError> {
        let mut pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(&self.prefix).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| self.failed("ListObjectsV2", &self.prefix, told(&e)))?;
            keys.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
        }
        Ok(keys)
    }

    /// A whole object. The SDK repeats a call that has no answer, but not one whose answer is cut off.
    pub async fn fetch(&self, key: &str) -> Result<Bytes, ObjectsError> {
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

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{TcpListener, TcpStream},
        thread,
    };

    use aws_sdk_s3::config::Credentials;

    use super::*;
    use crate::aws::{Clients, Where};

    const OBJECT: &str = "{\"a\":1}\n{\"a\":2}\n";

    /// Answers each request with the beginning of the object, and at last with all of it.
    fn cutting(times: usize) -> (String, thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = thread::spawn(move || {
            for request in 0..=times {
                let (mut stream, _) = listener.accept().expect("a request");
                let mut head = [0; 4096];
                assert!(stream.read(&mut head).expect("a request") > 0);
                let sent = if request < times { &OBJECT[..9] } else { OBJECT };
                let length = OBJECT.len();
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{sent}");
                stream.write_all(answer.as_bytes()).expect("sent");
            }
        });
        (url, serving)
    }

    async fn folder_at(url: String) -> Folder {
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let clients = Clients::connect(Where::Local { url, credentials }).await;
        Folder::new(&clients.s3, "bucket", "")
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_is_asked_for_again() {
        let (url, serving) = cutting(2);
        assert_eq!(folder_at(url).await.fetch("key").await.expect("the whole object"), OBJECT.as_bytes());
        serving.join().expect("no panic");
        let (url, serving) = cutting(ATTEMPTS as usize);
        let error = folder_at(url.clone()).await.fetch("key").await.expect_err("always cut off").to_string();
        assert!(error.starts_with("S3 GetObject of s3://bucket/key: "), "{error}");
        // What is left to serve.
        TcpStream::connect(url.trim_start_matches("http://"))
            .and_then(|mut last| last.write_all(b"GET"))
            .expect("asked");
        serving.join().expect("no panic");
    }
}
