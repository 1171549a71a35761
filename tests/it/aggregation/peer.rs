//! A program that packs and takes apart, and the lines that it is talked to in.

use std::{
    io::Write,
    process::{Command, Stdio},
    thread,
};

use base64_simd::STANDARD;
use kinesis_aggregation::UserRecord;

/// How such a program is started; it is told `pack` or `unpack`.
pub struct Peer {
    program: String,
    arguments: Vec<String>,
}

impl Peer {
    pub fn new(program: &str, arguments: &[&str]) -> Self {
        Self { program: program.to_owned(), arguments: arguments.iter().map(|&argument| argument.to_owned()).collect() }
    }

    /// Aggregated records, one of each.
    pub fn pack(&self, aggregates: &[Vec<UserRecord>]) -> Vec<Vec<u8>> {
        let records = |records: &Vec<UserRecord>| records.iter().map(line).collect::<String>() + "\n";
        self.ask("pack", aggregates.iter().map(records).collect()).lines().map(data).collect()
    }

    /// The user records of each; before the record itself, a line has what else the program needs to know.
    pub fn unpack(&self, packed: &[(String, Vec<u8>)]) -> Vec<Vec<UserRecord>> {
        let lines = packed.iter().map(|(before, data)| format!("{before}{}\n", STANDARD.encode_to_string(data)));
        let found = self.ask("unpack", lines.collect());
        let mut aggregates = vec![Vec::new()];
        for line in found.lines() {
            match line {
                "" => aggregates.push(Vec::new()),
                line => aggregates.last_mut().expect("at least one").push(record(line)),
            }
        }
        assert_eq!(aggregates.pop(), Some(Vec::new()), "an empty line ends each");
        aggregates
    }

    fn ask(&self, what: &str, lines: String) -> String {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(what).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{} in PATH: {e}", self.program));
        let mut stdin = child.stdin.take().expect("a pipe");
        let writer = thread::spawn(move || stdin.write_all(lines.as_bytes()));
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {:?} {what}: {}\n{said}", self.program, self.arguments, output.status);
        writer.join().expect("no panic").expect("all was read");
        String::from_utf8(output.stdout).expect("text")
    }
}

fn line(record: &UserRecord) -> String {
    let explicit_hash_key = record.explicit_hash_key.as_deref().unwrap_or("-");
    let [key, data] = [record.partition_key.as_bytes(), &record.data].map(|bytes| STANDARD.encode_to_string(bytes));
    format!("{key} {explicit_hash_key} {data}\n")
}

fn record(line: &str) -> UserRecord {
    let fields: Vec<&str> = line.split(' ').collect();
    let [partition_key, explicit_hash_key, content] = fields[..] else { panic!("three fields: {line}") };
    let record = UserRecord::new(String::from_utf8(data(partition_key)).expect("text"), data(content));
    match explicit_hash_key {
        "-" => record,
        key => record.with_explicit_hash_key(key),
    }
}

fn data(base64: &str) -> Vec<u8> {
    STANDARD.decode_to_vec(base64).expect("base64")
}
