//! `demo` with an input: how it must end, whatever the input is.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, ExitStatus},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::command::text;

/// A command of an input, on a machine that others use as well.
const LONGEST: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(3);
/// Of a message: the twenty mistakes that are told, each with its line.
const MOST_SAID: usize = 32 << 10;

/// Runs it to its end. What it says goes to files in `folder`, so that it never waits for a reader.
///
/// # Errors
/// It does not end in time, ends by a signal or with another code than one of `exits`, panics, or says nothing or too much.
pub fn check(mut command: Command, folder: &Path, exits: &[i32]) -> Result<i32, String> {
    let (out, said) = (folder.join("stdout"), folder.join("stderr"));
    command.stdout(File::create(&out).expect("a file")).stderr(File::create(&said).expect("a file"));
    let mut child = command.spawn().map_err(|error| format!("demo does not start: {error}"))?;
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break status,
            None if begun.elapsed() > LONGEST => {
                child.kill().expect("ours");
                child.wait().expect("ours");
                return Err(format!("it did not end within {LONGEST:?}"));
            }
            None => sleep(LOOK_AGAIN),
        }
    };
    let said = text(&fs::read(said).expect("a file"));
    judge(status, &said, exits).map_err(|why| format!("{why}\n{}", shortened(&said)))
}

fn judge(status: ExitStatus, said: &str, exits: &[i32]) -> Result<i32, String> {
    match status.code() {
        None => Err(format!("it ended by a signal: {status}")),
        Some(_) if said.contains("panicked") => Err("it panicked".to_owned()),
        Some(code) if !exits.contains(&code) => Err(format!("it ended with {code}, not with one of {exits:?}")),
        Some(_) if said.len() > MOST_SAID => Err(format!("it said {} bytes", said.len())),
        Some(code) if code != 0 && said.trim().is_empty() => Err(format!("it ended with {code} and said nothing")),
        Some(code) => Ok(code),
    }
}

fn shortened(said: &str) -> &str {
    &said[..said.floor_char_boundary(2_000)]
}
