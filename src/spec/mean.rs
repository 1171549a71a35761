//! The mean length of documents that are not sent yet.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use demo_workload::{
    Identity,
    json_lines::Rules,
    mix::{Kind, Mix},
    template::{Template, TemplateError},
};

use super::load::Workload;

/// Documents of a template that are measured.
const MEASURED: u64 = 100;
/// Of a mix, so many have each kind by its share.
const MEASURED_OF_A_MIX: u64 = 1_000;
/// Of a record, at most (Kinesis API reference, UpdateMaxRecordSize): longer ones are refused elsewhere.
pub(super) const RECORD_BYTES: usize = 10 << 20;

/// In bytes, the newline included; `None` where no document can be read, which is told when they are checked.
pub(super) fn mean_bytes(workload: &Workload) -> Option<f64> {
    match workload {
        Workload::StoreSales { .. } => workload.mean_bytes(),
        Workload::JsonLines { file, .. } => of_lines(file).ok().flatten(),
        Workload::Template { text, seed, key } => {
            let rules = Rules { identity: Identity::declared(key.as_deref()), max_bytes: RECORD_BYTES };
            of_template(text, *seed, rules).ok()
        }
        Workload::Mix { kinds, seed } => of_mix(kinds, *seed).ok(),
    }
}

fn of_lines(file: &Path) -> io::Result<Option<f64>> {
    let mut lines = BufReader::new(File::open(file)?);
    let (mut line, mut count, mut bytes) = (Vec::new(), 0_u64, 0_u64);
    while lines.read_until(b'\n', &mut line)? > 0 {
        let text = line.trim_ascii_end();
        if !text.is_empty() {
            count += 1;
            bytes += text.len() as u64 + 1;
        }
        line.clear();
    }
    Ok((count > 0).then(|| bytes as f64 / count as f64))
}

fn of_template(text: &str, seed: u64, rules: Rules) -> Result<f64, TemplateError> {
    let template = Template::new(text, seed, rules)?;
    let mut documents = Vec::new();
    (1..=MEASURED).try_for_each(|number| template.document(number, &mut documents))?;
    Ok(documents.len() as f64 / MEASURED as f64)
}

/// With statuses that follow each other at once: of many documents, each kind and status has its part.
fn of_mix(kinds: &[Kind], seed: u64) -> Result<f64, TemplateError> {
    let mix = Mix::new(kinds, seed, 0, RECORD_BYTES)?;
    let mut documents = Vec::new();
    (1..=MEASURED_OF_A_MIX).try_for_each(|number| mix.document(number, &mut documents))?;
    Ok(documents.len() as f64 / MEASURED_OF_A_MIX as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_a_template_have_a_mean_length() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("own.jsonl");
        std::fs::write(&file, "{\"a\":1}\r\n\n{\"a\":\"four\"}").expect("written");
        let lines = |file: &Path| Workload::JsonLines { file: file.to_owned(), key: None, broken: Default::default() };
        assert_eq!(mean_bytes(&lines(&file)), Some((8.0 + 13.0) / 2.0));
        assert_eq!(mean_bytes(&lines(&folder.path().join("none"))), None);
        let template = |text: &str| Workload::Template { text: text.to_owned(), seed: 1, key: None };
        assert_eq!(mean_bytes(&template("{\"a\":1}")), Some(8.0));
        assert_eq!(mean_bytes(&template("{{ nothing }}")), None);
    }
}
