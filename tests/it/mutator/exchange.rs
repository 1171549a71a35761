//! A stand-in as a process, and single requests to it.

use std::{
    fs,
    io::{Error, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use aws_stand_in::AccessKey;

use crate::command::Demo;

/// What a request may take.
const LONGEST: Duration = Duration::from_secs(60);
/// What one that is cut off is waited for.
const PAUSE: Duration = Duration::from_millis(300);

/// How reading ended.
enum Ended {
    Closed,
    Broken(Error),
    /// Nothing came for some time.
    No,
}

pub struct Target {
    pub demo: Demo,
    host: String,
    identity: String,
}

impl Target {
    pub fn start() -> Self {
        let demo = Demo::new();
        let url = demo.expect(0, &["local", "start"]);
        let host = url.trim().trim_start_matches("http://").to_owned();
        let mut target = Self { demo, host, identity: String::new() };
        target.identity = target.who().expect("it answers");
        target
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn key(&self) -> AccessKey {
        self.demo.key()
    }

    /// Sends a request, and reads the answer to its end.
    ///
    /// # Errors
    /// The answer does not end in time, or is none.
    pub fn ask(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let (mut stream, sent) = self.send(request)?;
        let mut answer = Vec::new();
        match read(&mut stream, LONGEST, &mut answer) {
            Ended::No => Err(format!("no end of an answer within {LONGEST:?}; {} bytes of it came", answer.len())),
            Ended::Broken(error) if sent && answer.is_empty() => Err(format!("no answer: {error}")),
            _ => Ok(answer),
        }
    }

    /// Sends what may be the beginning of a request alone, and hangs up where nothing comes.
    ///
    /// # Errors
    /// The connection does not end then.
    pub fn provoke(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let (mut stream, _) = self.send(bytes)?;
        let mut answer = Vec::new();
        if let Ended::No = read(&mut stream, PAUSE, &mut answer) {
            let hung_up = stream.shutdown(Shutdown::Write);
            if let (Ok(()), Ended::No) = (hung_up, read(&mut stream, LONGEST, &mut answer)) {
                return Err(format!("the connection did not end within {LONGEST:?}"));
            }
        }
        Ok(answer)
    }

    /// A connection that has sent these bytes, or as many as were taken: it may be answered, and closed, before.
    fn send(&self, bytes: &[u8]) -> Result<(TcpStream, bool), String> {
        let mut stream = TcpStream::connect(&self.host).map_err(|error| format!("nobody listens: {error}"))?;
        let sent = stream.write_all(bytes).is_ok();
        Ok((stream, sent))
    }

    /// Whether the same process answers as before.
    ///
    /// # Errors
    /// It does not.
    pub fn is_alive(&self) -> Result<(), String> {
        match self.who() {
            Ok(identity) if identity == self.identity => Ok(()),
            Ok(_) => Err("another stand-in answers".to_owned()),
            Err(why) => Err(format!("the stand-in does not answer any more: {why}")),
        }
    }

    /// What it logged when something panicked.
    pub fn panics(&self) -> Vec<String> {
        let log = fs::read_to_string(self.demo.home.path().join("local/server.log")).expect("a log");
        log.lines().filter(|line| line.contains("panicked")).map(str::to_owned).collect()
    }

    fn who(&self) -> Result<String, String> {
        let host = &self.host;
        let answer =
            self.ask(format!("GET /_stand-in HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("no answer but {answer:?}"))?;
        match head.starts_with("HTTP/1.1 200 ") {
            true => Ok(body.to_owned()),
            false => Err(head.to_owned()),
        }
    }
}

fn read(stream: &mut TcpStream, time: Duration, into: &mut Vec<u8>) -> Ended {
    stream.set_read_timeout(Some(time)).expect("a time");
    match stream.read_to_end(into) {
        Ok(_) => Ended::Closed,
        Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => Ended::No,
        Err(error) => Ended::Broken(error),
    }
}
