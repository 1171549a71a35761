//! Trino in a Java process of its own.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/trino/java");

/// What a statement comes to.
#[derive(Debug)]
pub enum Answer {
    /// Name and type of each column; text, or null, of each value.
    Rows { columns: Vec<(String, String)>, rows: Vec<Vec<Option<String>>> },
    /// Its kind and its message.
    Error(String, #[expect(dead_code, reason = "where the answers differ, Debug shows it")] String),
}

impl Answer {
    /// Of a message that its kind leads.
    pub fn error(text: &str) -> Self {
        let (kind, message) = text.split_once(": ").unwrap_or((text, ""));
        Self::Error(kind.to_owned(), message.to_owned())
    }

    fn of(json: &Value) -> Self {
        if let Some(kind) = json["error"].as_str() {
            return Self::Error(kind.to_owned(), json["message"].as_str().unwrap_or_default().to_owned());
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let list = |value: &Value| value.as_array().expect("a list").clone();
        let column = |column: &Value| (text(&column[0]).expect("a name"), text(&column[1]).expect("a type"));
        Self::Rows {
            columns: list(&json["columns"]).iter().map(column).collect(),
            rows: list(&json["rows"]).iter().map(|row| list(row).iter().map(text).collect()).collect(),
        }
    }
}

/// Trino with the libraries that Maven finds for `pom.xml`.
pub struct Oracle;

impl Oracle {
    /// The answers to the queries, once the statements before them have been run.
    pub fn ask(statements: &[String], queries: &[&str]) -> Vec<Answer> {
        let lines = statements.iter().map(String::as_str).chain(queries.iter().copied());
        let lines: String = lines.map(|sql| format!("{}\n", Value::from(sql))).collect();
        let classes = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trino-oracle.classpath");
        run(
            Command::new("mvn")
                .args(["-q", "-B", "dependency:build-classpath", "-f"])
                .arg(format!("{FOLDER}/pom.xml"))
                .arg(format!("-Dmdep.outputFile={}", classes.display())),
            String::new(),
        );
        let classes = fs::read_to_string(classes).expect("a class path");
        let answers =
            run(Command::new("java").args(["-cp", classes.trim()]).arg(format!("{FOLDER}/Oracle.java")), lines);
        let answers: Vec<Answer> =
            answers.lines().map(|line| Answer::of(&serde_json::from_str(line).expect("JSON"))).collect();
        assert_eq!(answers.len(), statements.len() + queries.len());
        let mut answers = answers.into_iter();
        for statement in statements {
            let answer = answers.next();
            assert!(matches!(answer, Some(Answer::Rows { .. })), "{statement:.200}: {answer:?}");
        }
        answers.collect()
    }
}

/// What a program writes to its standard output.
fn run(command: &mut Command, input: String) -> String {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.spawn().unwrap_or_else(|e| panic!("{command:?} (apt-get install maven default-jdk-headless): {e}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:.300?}: {}\n{}",
        output.status,
        &said[said.len().saturating_sub(4_000)..]
    );
    writer.join().expect("no panic").expect("all was read");
    String::from_utf8(output.stdout).expect("UTF-8")
}
