//! A door between the real binary and its stand-in, which is shut when a certain call comes by.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

use serde_json::Value;

use crate::command::{Demo, until};

/// What happens to the calls that are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Through,
    Held,
    /// The connection is cut, and the service has seen nothing.
    Cut,
}

#[derive(Default)]
struct Watched {
    /// What a call that is waited for has in its head or body, and what happens to it.
    calls: Vec<(String, Way)>,
    reached: Vec<String>,
    reads: Reads,
}

/// The calls that only read, whose answers may be cut.
#[derive(Default)]
struct Reads {
    /// How many of a hundred are cut in the middle.
    cut_of_a_hundred: u32,
    /// Numbers that look drawn by lot, the same each time.
    lot: u32,
    cut: usize,
}

impl Reads {
    fn is_cut(&mut self) -> bool {
        self.lot = self.lot.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let is_cut = (self.lot >> 16) % 100 < self.cut_of_a_hundred;
        self.cut += usize::from(is_cut);
        is_cut
    }
}

/// A proxy in front of the stand-in of one state folder.
pub struct Gate {
    watched: Arc<(Mutex<Watched>, Condvar)>,
}

impl Gate {
    /// Starts the stand-in by hand, and stands between it and every command over this folder from then on.
    pub fn before(demo: &Demo) -> Self {
        demo.expect(0, &["local", "start"]);
        let path = demo.home.path().join("local/endpoint.json");
        let mut endpoint = endpoint(&path);
        let port = u16::try_from(endpoint["port"].as_u64().expect("a port")).expect("a port");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        endpoint["port"] = listener.local_addr().expect("bound").port().into();
        fs::write(&path, endpoint.to_string()).expect("written");
        let gate = Self { watched: Arc::default() };
        let watched = gate.watched.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let watched = watched.clone();
                thread::spawn(move || join(client, port, watched));
            }
        });
        gate
    }

    /// Calls of this name wait from now on.
    pub fn hold(&self, call: &str) {
        self.set(call, Way::Held);
    }

    /// Calls of this name find nobody from now on.
    pub fn cut(&self, call: &str) {
        self.set(call, Way::Cut);
    }

    /// So many answers of a hundred to calls that only read are cut in the middle from now on.
    pub fn cut_answers(&self, of_a_hundred: u32) {
        self.watched.0.lock().expect("no panic").reads.cut_of_a_hundred = of_a_hundred;
    }

    /// How many answers were cut.
    pub fn answers_cut(&self) -> usize {
        self.watched.0.lock().expect("no panic").reads.cut
    }

    /// Those that wait go through, and so do all that come.
    pub fn release(&self, call: &str) {
        self.set(call, Way::Through);
    }

    /// Returns when a call of this name stands at the gate.
    pub fn until_reached(&self, call: &str) {
        until(call, || self.watched.0.lock().expect("no panic").reached.iter().any(|reached| reached == call));
    }

    /// Whether any call that is waited for has come.
    pub fn is_reached(&self) -> bool {
        !self.watched.0.lock().expect("no panic").reached.is_empty()
    }

    fn set(&self, call: &str, way: Way) {
        let (watched, changed) = &*self.watched;
        let mut watched = watched.lock().expect("no panic");
        watched.calls.retain(|(name, _)| name != call);
        watched.calls.push((call.to_owned(), way));
        changed.notify_all();
    }
}

fn endpoint(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("an endpoint")).expect("JSON")
}

fn join(client: TcpStream, port: u16, watched: Arc<(Mutex<Watched>, Condvar)>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { return };
    let (Ok(answers), Ok(to)) = (server.try_clone(), client.try_clone()) else { return };
    let cut = Arc::new(AtomicBool::new(false));
    let cut_next = cut.clone();
    thread::spawn(move || answer(answers, to, &cut_next));
    forward(client, server, &watched, &cut);
}

/// Whoever ends first ends both. An answer that is to be cut ends with half of what comes of it first.
fn answer(mut answers: TcpStream, mut to: TcpStream, cut: &AtomicBool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = answers.read(&mut buffer) {
        let is_cut = cut.load(SeqCst);
        let passed = if is_cut { count / 2 } else { count };
        if to.write_all(&buffer[..passed]).is_err() || is_cut {
            break;
        }
    }
    let _ = answers.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// A GET of S3, or another service's call of such a name.
fn is_read(request: &str) -> bool {
    let has = |header: &str| request.to_lowercase().contains(header);
    let is_named = |verb: &str| has("x-amz-target: ") && request.contains(verb);
    // Who asks whether it is a stand-in signs nothing.
    (request.starts_with("GET ") && has("authorization: "))
        || [".Get", ".List", ".Describe", ".Scan"].into_iter().any(is_named)
}

fn forward(
    mut client: TcpStream,
    mut server: TcpStream,
    (watched, changed): &(Mutex<Watched>, Condvar),
    cut: &AtomicBool,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
        // As a target or as an action; policies that are asked about name calls otherwise.
        let is_call = |name: &str| text.contains(&format!(".{name}")) || text.contains(&format!("Action={name}&"));
        let way = |watched: &Watched| {
            let met = watched.calls.iter().find(|(name, _)| is_call(name));
            met.cloned()
        };
        let mut now = watched.lock().expect("no panic");
        if is_read(&text) && now.reads.is_cut() {
            cut.store(true, SeqCst);
        }
        let met = loop {
            let met = way(&now);
            now.reached.extend(met.as_ref().map(|(name, _)| name.clone()));
            match met {
                Some((_, Way::Held)) => now = changed.wait(now).expect("no panic"),
                met => break met,
            }
        };
        drop(now);
        if matches!(met, Some((_, Way::Cut))) || server.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(std::net::Shutdown::Both);
    let _ = client.shutdown(std::net::Shutdown::Both);
}
