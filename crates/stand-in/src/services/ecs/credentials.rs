//! The credentials of a task's role, which its process asks for (ECS developer guide, "Amazon ECS task IAM role").

use std::{io, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{SecondsFormat, TimeDelta, Utc};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::json;

use super::AccessKey;
use crate::{
    processes::{Desk, Door},
    protocol::uuid,
    sessions::{Session, Sessions},
};

/// How long credentials are said to be valid; those of a task's role are so for up to six hours.
const VALID: TimeDelta = TimeDelta::hours(6);

/// What a process gets as its role.
pub(super) struct Credentials {
    role: String,
    key: AccessKey,
    session: Session,
    /// Which process asks for, with a secret of its own.
    path: String,
    authorization: String,
}

impl Credentials {
    /// The stand-in's own key, in a session of the role.
    pub(super) fn new(role: &str, key: &AccessKey, sessions: &Arc<Sessions>) -> Self {
        let path = format!("/v2/credentials/{}", uuid());
        let authorization = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
        Self { role: role.to_owned(), key: key.clone(), session: sessions.begin(role), path, authorization }
    }

    /// Serves them on a port of their own; also the variables by which an SDK finds them.
    pub(super) async fn serve(self) -> io::Result<(Door, [(&'static str, String); 2])> {
        let (path, authorization) = (self.path.clone(), self.authorization.clone());
        let door = Door::to(Arc::new(self)).await?;
        let variables = [
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://{}{path}", door.address)),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", authorization),
        ];
        Ok((door, variables))
    }

    fn show(&self) -> String {
        json!({
            "RoleArn": self.role,
            "AccessKeyId": self.key.id,
            "SecretAccessKey": self.key.secret,
            "Token": self.session.token,
            "Expiration": (Utc::now() + VALID).to_rfc3339_opts(SecondsFormat::Secs, true),
        })
        .to_string()
    }
}

#[async_trait]
impl Desk for Credentials {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let given = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let (status, body) = if request.method() != Method::GET || request.uri().path() != self.path {
            (StatusCode::NOT_FOUND, json!({"code": "NotFound", "message": "no such path"}).to_string())
        } else if given != Some(self.authorization.as_bytes()) {
            (StatusCode::FORBIDDEN, json!({"code": "AccessDenied", "message": "no such token"}).to_string())
        } else {
            (StatusCode::OK, self.show())
        };
        let mut response = Response::new(Full::new(body.into()));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Pid, getpgrp};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;
    use crate::services::iam::Iam;

    async fn get(door: &Door, path: &str, authorization: &str) -> String {
        let mut stream = TcpStream::connect(door.address).await.expect("connected");
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: h\r\nAuthorization: {authorization}\r\nConnection: close\r\n\r\n");
        let mut answer = String::new();
        // One that is not answered is hung up on, maybe before it has sent anything.
        let _ = stream.write_all(request.as_bytes()).await;
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    async fn served() -> (Door, String, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let key = AccessKey::open(folder.path()).expect("a key");
        let sessions = Sessions::new(Iam::open(folder.path()).expect("opened"));
        let served = Credentials::new("a-role", &key, &sessions).serve().await;
        let (door, [(_, url), (_, authorization)]) = served.expect("served");
        let path = url.strip_prefix(&format!("http://{}", door.address)).expect("on this port").to_owned();
        (door, path, authorization)
    }

    #[tokio::test]
    async fn a_process_of_the_group_gets_them_by_its_secret() {
        let (door, path, authorization) = served().await;
        door.open_to(getpgrp());
        let answer = get(&door, &path, &authorization).await;
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        let credentials: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(credentials["RoleArn"], "a-role");
        assert!(credentials["AccessKeyId"].as_str().expect("an id").starts_with("LOCAL"), "{answer}");
        assert!(get(&door, &path, "guessed").await.starts_with("HTTP/1.1 403"));
        assert!(get(&door, "/v2/credentials/guessed", &authorization).await.starts_with("HTTP/1.1 404"));
    }

    #[tokio::test]
    async fn a_process_of_another_group_gets_nothing() {
        let (door, path, authorization) = served().await;
        door.open_to(Pid::INIT);
        assert_eq!(get(&door, &path, &authorization).await, "");
    }
}
