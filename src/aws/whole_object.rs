//! Reads a whole object of S3. The SDK repeats a call that has no answer, but not one whose answer is cut off.

use std::time::Duration;

use aws_sdk_s3::{Client, error::SdkError, operation::get_object::GetObjectError, primitives::ByteStreamError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::told::{chain, told};

/// How long answers may be cut off one after the other.
const WITHOUT_SUCCESS: Duration = Duration::from_secs(45);
/// The first wait before another attempt, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Why an object cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WholeObjectError {
    /// The call failed.
    #[error("{}", told(.0.as_ref()))]
    Call(Box<SdkError<GetObjectError, HttpResponse>>),
    /// Every answer was cut off.
    #[error("every answer was cut off for {} s: {}", .0.as_secs(), chain(.1))]
    CutOff(Duration, ByteStreamError),
}

/// The whole object; repeats the call while its answers are cut off.
pub(crate) async fn whole_object(s3: &Client, bucket: &str, key: &str) -> Result<Bytes, WholeObjectError> {
    within(WITHOUT_SUCCESS, s3, bucket, key).await
}

async fn within(most: Duration, s3: &Client, bucket: &str, key: &str) -> Result<Bytes, WholeObjectError> {
    let (began, (mut wait, longest)) = (Instant::now(), WAITS);
    loop {
        let answer = s3.get_object().bucket(bucket).key(key).send().await;
        match answer.map_err(|error| WholeObjectError::Call(Box::new(error)))?.body.collect().await {
            Ok(data) => return Ok(data.into_bytes()),
            Err(error) if began.elapsed() >= most => return Err(WholeObjectError::CutOff(began.elapsed(), error)),
            Err(_) => sleep(wait.mul_f64(rand::random_range(0.5..1.0))).await,
        }
        wait = (wait * 2).min(longest);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use aws_sdk_s3::config::Credentials;

    use super::*;
    use crate::aws::{Clients, Where};

    const OBJECT: &str = "{\"a\":1}\n{\"a\":2}\n";

    /// Answers so many requests with the beginning of the object, and then with all of it.
    async fn cutting(times: usize) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            for (request, stream) in listener.incoming().enumerate() {
                let (mut stream, mut head) = (stream.expect("a request"), [0; 4096]);
                assert!(stream.read(&mut head).expect("a request") > 0);
                let sent = if request < times { &OBJECT[..9] } else { OBJECT };
                let length = OBJECT.len();
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{sent}");
                stream.write_all(answer.as_bytes()).expect("sent");
            }
        });
        let credentials = Credentials::new("id", "secret", None, None, "test");
        Clients::connect(Where::Local { url, credentials }).await.s3
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_is_asked_for_again() {
        let whole = whole_object(&cutting(3).await, "bucket", "key").await;
        assert_eq!(whole.expect("the whole object"), OBJECT.as_bytes());
        let never = within(Duration::from_millis(200), &cutting(usize::MAX).await, "bucket", "key").await;
        let error = never.expect_err("always cut off").to_string();
        assert!(error.starts_with("every answer was cut off for 0 s: "), "{error}");
    }
}
