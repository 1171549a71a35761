//! A server that speaks just enough HTTP to misbehave, by script.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// The content types of Kinesis.
pub const JSON: &str = "application/x-amz-json-1.1";
pub const CBOR: &str = "application/x-amz-cbor-1.1";

/// What the server does with a request.
pub enum Reply {
    Http(Written),
    /// Answers after a while.
    Slow(Duration, Written),
    /// Announces a body, sends half of it, and closes the connection.
    Half(Written),
    /// Closes the connection.
    Hang,
    /// Resets the connection.
    Reset,
    /// Never answers, and leaves the connection open.
    Silence,
}

/// An answer.
pub struct Written {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Written {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("content-type", content_type.to_owned())], body: body.into() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {} X\r\ncontent-length: {}\r\n", self.status, self.body.len()).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which connection it came over, from 0.
    pub connection: usize,
    pub line: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn is_cbor(&self) -> bool {
        self.header("content-type") == CBOR
    }
}

type Script = dyn Fn(usize, &Seen) -> Reply + Send + Sync;

/// A server, and the requests that it got.
pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub async fn start(script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (requests, script) = (seen.clone(), Arc::<Script>::from(Box::new(script) as Box<Script>));
        tokio::spawn(async move {
            let mut connections = 0..;
            while let Ok((connection, _)) = listener.accept().await {
                let number = connections.next().expect("a number");
                tokio::spawn(serve(BufReader::new(connection), number, requests.clone(), script.clone()));
            }
        });
        Self { url, seen }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("a test that failed").clone()
    }
}

async fn serve(mut connection: BufReader<TcpStream>, number: usize, seen: Arc<Mutex<Vec<Seen>>>, script: Arc<Script>) {
    while let Some(request) = read_request(&mut connection, number).await {
        let index = {
            let mut seen = seen.lock().expect("a test that failed");
            seen.push(request.clone());
            seen.len() - 1
        };
        let answer = match script(index, &request) {
            Reply::Http(answer) => answer.bytes(),
            Reply::Slow(time, answer) => {
                tokio::time::sleep(time).await;
                answer.bytes()
            }
            Reply::Half(answer) => {
                let bytes = answer.bytes();
                // The client may be gone.
                let _ = connection.write_all(&bytes[..bytes.len() - answer.body.len() / 2]).await;
                return;
            }
            Reply::Hang => return,
            Reply::Reset => {
                connection.into_inner().set_zero_linger().expect("a socket");
                return;
            }
            Reply::Silence => std::future::pending().await,
        };
        if connection.write_all(&answer).await.is_err() {
            return;
        }
    }
}

async fn read_request(connection: &mut BufReader<TcpStream>, number: usize) -> Option<Seen> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).await.ok().filter(|&read| read > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |line: &String| {
        let (name, value) = line.split_once(": ").expect("a header");
        (name.to_lowercase(), value.to_owned())
    };
    let headers: HashMap<_, _> = lines[1..].iter().map(header).collect();
    let mut body = vec![0; headers["content-length"].parse().expect("a number")];
    connection.read_exact(&mut body).await.ok()?;
    Some(Seen { connection: number, line: lines.swap_remove(0), headers, body })
}
