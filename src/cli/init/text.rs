//! The text of a stack file that `demo init` writes.

use std::{fmt::Write, time::Duration};

use super::{
    Answers, To,
    documents::{self, Own},
};

/// A template to begin with.
const SAMPLE: &str =
    r#"{"id": {{ sequence }}, "name": "{{ first_name }}", "amount": {{ int(1, 500) }}, "at": "{{ now }}"}"#;

/// A commented stack file. `is_beside` if it is written to the current folder, where relative paths start.
pub(super) fn of(answers: &Answers, is_beside: bool) -> String {
    let name = &answers.name;
    let mut text = format!(
        "# Written by `demo init`. `demo validate` checks it, `demo sample` shows its documents, `demo cost` what it costs on AWS,\n\
         # and `demo run FILE --rm` runs it.\n\n\
         name: {name}  # the stem of every name; the stack's id is added\n"
    );
    text += &target(answers);
    text += "\nstream:\n  shards: auto            # as many as the rate below needs; or a number, 1 MB/s or 1,000 records/s each\n";
    text += &deliver(answers);
    text += &load(answers, is_beside);
    text += &limits(answers);
    text
}

fn target(answers: &Answers) -> String {
    match &answers.region {
        None => "target: local             # the stand-in on this machine; or {aws: {region: us-east-1}}\n".to_owned(),
        Some(region) => format!(
            "target:\n  aws:\n    region: {}\n    # profile: demo       # of ~/.aws/config\n\
             ttl: 8h                   # from its first `up`; then a schedule deletes the stream, whoever forgot it\n",
            scalar(region)
        ),
    }
}

fn deliver(answers: &Answers) -> String {
    let table = answers.name.replace('-', "_");
    let mut text = String::new();
    for to in [To::S3, To::Redshift, To::Dynamodb].into_iter().filter(|to| answers.deliver.contains(to)) {
        text += if text.is_empty() { "\ndeliver:\n" } else { "" };
        let folder = match to {
            To::S3 => "documents",
            _ => "on-its-way",
        };
        let prefixes = format!(
            "    prefix: {folder}/year=!{{timestamp:yyyy}}/month=!{{timestamp:MM}}/day=!{{timestamp:dd}}/\n    \
             error_prefix: {folder}-error/!{{firehose:error-output-type}}/\n    \
             buffer: {{size: 64MiB, interval: 5s}}  # an object is written at whichever is reached first\n"
        );
        text += &match to {
            To::S3 => format!(
                "  s3:                     # by Firehose\n{prefixes}    catalog:              # a Glue table, with columns found in your documents\n      \
                 database: {table}\n      table: documents\n"
            ),
            To::Redshift => format!(
                "  redshift:               # by Firehose to S3, and from there by COPY\n    workgroup: {}\n    database: dev\n    \
                 table: {table}.documents\n{prefixes}",
                scalar(&answers.workgroup)
            ),
            _ => "  dynamodb: {}            # by a Lambda function; the table has the key below\n".to_owned(),
        };
    }
    text
}

fn load(answers: &Answers, is_beside: bool) -> String {
    let (kind, source) = match &answers.own {
        Own::Lines(file, _) => {
            ("json_lines", format!("file: {}  # over and over", scalar(&documents::path(file, is_beside))))
        }
        Own::Template(file) => ("template", format!("file: {}", scalar(&documents::path(file, is_beside)))),
        Own::Sample => ("template", format!("text: '{SAMPLE}'  # `demo sample --fields` lists the fields")),
    };
    let fields: Vec<String> = answers.key.iter().map(|field| scalar(field)).collect();
    let key = match fields.is_empty() {
        true => {
            "      # key: [id]         # the fields that identify a document; the whole line without them\n".to_owned()
        }
        false => format!("      key: [{}]  # the fields that identify a document\n", fields.join(", ")),
    };
    format!(
        "\nload:\n  workload:\n    {kind}:\n      {source}\n{key}  \
         rate: {}/s             # open loop: latency counts from the intended send time\n  \
         duration: {}           # or `records: 1000`\n",
        answers.rate,
        time(answers.duration)
    )
}

fn limits(answers: &Answers) -> String {
    let mut text = String::new();
    if let Some(budget) = answers.budget {
        let _ = write!(
            text,
            "\nbudget: ${budget}               # the load stops before a run costs more, by an estimate\n"
        );
    }
    text + "\nthresholds:               # a run that misses one exits with 99; `demo schema thresholds` lists all\n  lost: 0\n"
}

/// In the largest unit that needs no fraction.
fn time(time: Duration) -> String {
    let millis = time.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let unit = units.into_iter().find(|(_, each)| millis >= *each && millis.is_multiple_of(*each));
    unit.map_or_else(|| format!("{millis}ms"), |(unit, each)| format!("{}{unit}", millis / each))
}

/// A text as YAML reads it back, in quotes where it could be something else.
fn scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let is_a_word = ["true", "false", "null", "yes", "no", "on", "off"].contains(&text.to_lowercase().as_str());
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/');
    match begins && text.chars().all(is_plain) && !is_a_word {
        true => text.to_owned(),
        false => serde_json::Value::from(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_times_are_read_back() {
        assert_eq!(["order.id", "/a/b-c.jsonl", "_x"].map(scalar), ["order.id", "/a/b-c.jsonl", "_x"]);
        assert_eq!(
            ["1", "no", "a b", "a#b", "", "./x"].map(scalar),
            ["\"1\"", "\"no\"", "\"a b\"", "\"a#b\"", "\"\"", "\"./x\""]
        );
        let times = [500, 90_000, 120_000, 86_400_000].map(Duration::from_millis);
        assert_eq!(times.map(time), ["500ms", "90s", "2m", "1d"]);
    }
}
