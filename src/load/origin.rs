//! The origin of a run's documents: recorded in its log, and opened again from there.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use demo_formats::schema::{FieldPath, InferError, Inferred, Schema, store_sales};
use demo_workload::{
    Identity,
    json_lines::{Each, Found, JsonLines, JsonLinesError, LineRules, Rules},
    mix::{Kind, Mix},
    store_sales::StoreSales,
    template::{self, Template, TemplateError},
};
use serde::{Deserialize, Serialize};

use super::{
    AckLog, ReserveTickets, Source,
    flaws::Flaws,
    part::Part,
    sample::sample,
    times::{RunClock, Times},
};
use crate::spec::{Broken, Load, Schedule, Stack, Workload};

/// The origin of documents: with it and their numbers, they can be made again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "workload", rename_all = "snake_case")]
pub enum Origin {
    /// Nested TPC-DS `store_sales`.
    StoreSales {
        /// TPC-DS scale factor.
        scale: u32,
        /// Of the generator.
        seed: u64,
    },
    /// The lines of a file.
    JsonLines {
        /// The file, from the root.
        file: PathBuf,
        /// The declared key.
        key: Option<Vec<FieldPath>>,
        /// Of a record.
        max_bytes: usize,
        /// Of the file, in hexadecimal.
        md5: String,
        /// Whether lines with a key twice were left out.
        #[serde(default)]
        unique_keys: bool,
    },
    /// Documents rendered from a template.
    Template {
        /// The template itself.
        text: String,
        /// Of the values.
        seed: u64,
        /// The declared key.
        key: Option<Vec<FieldPath>>,
        /// Of a record.
        max_bytes: usize,
        /// Event times, if it uses them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        times: Option<Times>,
    },
    /// Documents of several kinds.
    Mix {
        /// The kinds, with their templates.
        kinds: Vec<Kind>,
        /// Of the values.
        seed: u64,
        /// The mean rate, in documents in a thousand seconds: how many documents a status is late follows from it.
        rate: u64,
        /// Of a record.
        max_bytes: usize,
        /// Event times, if they are used.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        times: Option<Times>,
    },
}

/// A checked workload, ready to send.
#[derive(Clone)]
pub struct OpenWorkload {
    /// Its origin.
    pub origin: Origin,
    /// Its documents.
    pub source: Arc<dyn Source>,
    documents: Checked,
    clock: Option<Arc<RunClock>>,
}

#[derive(Clone)]
enum Checked {
    StoreSales,
    JsonLines(Arc<JsonLines>),
    Template(Inferred),
}

/// Why a workload cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file of documents.
    #[error(transparent)]
    JsonLines(#[from] JsonLinesError),
    /// The file has broken lines, and the stack says to refuse them.
    #[error(
        "{} of {} lines of {} are broken, and the stack refuses them (`broken: skip` leaves them out):\n{}",
        .found.broken, .found.broken + .found.documents + .found.blank, .file.display(), .found.broken_lines().trim_end()
    )]
    Broken {
        /// The file.
        file: PathBuf,
        /// What it has.
        found: Box<Found>,
    },
    /// The template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The file's place.
    #[error("cannot find {}: {source}", .file.display())]
    Place {
        /// As it was given.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not what was sent.
    #[error(
        "{} has changed since its lines were sent (MD5 {was} then, {is} now), so lost documents cannot be found; \
         restore the file and verify again",
        .file.display()
    )]
    Changed {
        /// The file.
        file: PathBuf,
        /// When it was sent.
        was: String,
        /// Now.
        is: String,
    },
}

impl OpenWorkload {
    /// Opens and checks a stack's workload.
    ///
    /// # Errors
    /// What is wrong with its file or its template.
    pub fn of(stack: &Stack) -> Result<Self, OpenError> {
        Self::read(stack, &mut |_, _| ())
    }

    /// [`OpenWorkload::of`] that shows each document that is read: those of a file with their lines, a sample of a template's
    /// with their numbers, and none of `store_sales`.
    ///
    /// # Errors
    /// The same.
    pub fn read(stack: &Stack, each: Each<'_>) -> Result<Self, OpenError> {
        let max_bytes = stack.stream.max_record_kib as usize * 1024;
        match &stack.load.workload {
            Workload::StoreSales { scale, seed } => Ok(Self::store_sales(*scale, *seed)),
            Workload::JsonLines { file, key, broken } => {
                let document = Rules { identity: Identity::declared(key.as_deref()), max_bytes };
                let rules = LineRules { document, unique_keys: *broken == Broken::Skip };
                let opened = Self::json_lines(file, key.as_deref(), rules, each)?;
                match opened.found().filter(|found| found.broken > 0 && *broken == Broken::Refuse) {
                    Some(found) => Err(OpenError::Broken { file: file.clone(), found: Box::new(found.clone()) }),
                    None => Ok(opened),
                }
            }
            Workload::Template { text, seed, key } => {
                let (opened, template) = Self::template(text, *seed, key.as_deref(), max_bytes, None)?;
                let sample = sample(|number, out| template.document(number, out), &stack.load, Vec::new(), each)?;
                Ok(Self { documents: Checked::Template(sample), ..opened })
            }
            Workload::Mix { kinds, seed } => {
                let (opened, mix) = Self::mix(kinds, *seed, rate_of(&stack.load), max_bytes, None)?;
                let sample = sample(|number, out| mix.document(number, out), &stack.load, mix.firsts(), each)?;
                Ok(Self { documents: Checked::Template(sample), ..opened })
            }
        }
    }

    /// Opens the workload of a recorded run.
    ///
    /// # Errors
    /// The workload has changed or is gone.
    pub fn reopen(origin: &Origin) -> Result<Self, OpenError> {
        Self::reopen_with(origin, None)
    }

    /// With the flaws of its event times.
    fn reopen_with(origin: &Origin, flaws: Option<&Flaws>) -> Result<Self, OpenError> {
        match origin {
            Origin::StoreSales { scale, seed } => Ok(Self::store_sales(*scale, *seed)),
            Origin::JsonLines { file, key, max_bytes, md5, unique_keys } => {
                let document = Rules { identity: Identity::declared(key.as_deref()), max_bytes: *max_bytes };
                let rules = LineRules { document, unique_keys: *unique_keys };
                let opened = Self::json_lines(file, key.as_deref(), rules, &mut |_, _| ())?;
                match opened.found().map(|found| found.md5.clone()).filter(|is| is != md5) {
                    Some(is) => Err(OpenError::Changed { file: file.clone(), was: md5.clone(), is }),
                    None => Ok(opened),
                }
            }
            Origin::Template { text, seed, key, max_bytes, times } => {
                let clock = times.as_ref().map(|times| (times, flaws));
                Ok(Self::template(text, *seed, key.as_deref(), *max_bytes, clock)?.0)
            }
            Origin::Mix { kinds, seed, rate, max_bytes, times } => {
                let clock = times.as_ref().map(|times| (times, flaws));
                Ok(Self::mix(kinds, *seed, *rate, *max_bytes, clock)?.0)
            }
        }
    }

    /// Opens the workload of a run by its log.
    ///
    /// # Errors
    /// The workload has changed or is gone.
    pub fn of_run(log: &AckLog) -> Result<Self, OpenError> {
        let opened = Self::reopen_with(&log.header.origin, log.header.flaws.as_ref())?;
        if let (Some(clock), Some(tickets)) = (&opened.clock, log.tickets.first()) {
            clock.begins_at(*tickets.start());
        }
        Ok(opened)
    }

    /// The same documents for a run that begins at this time, in milliseconds since 1970, with its event times where they use them, and what reserves its tickets.
    ///
    /// # Errors
    /// The workload cannot be opened again.
    pub fn begin(
        self,
        (started, schedule): (i64, &Schedule),
        (part, flaws): (Part, Option<&Flaws>),
        mut reserve: ReserveTickets,
    ) -> Result<(Self, ReserveTickets), OpenError> {
        let Some(origin) = self.origin.with_times(started, schedule, part) else { return Ok((self, reserve)) };
        let opened = Self { documents: self.documents, ..Self::reopen_with(&origin, flaws)? };
        let clock = opened.clock.clone();
        let reserve = move |count| {
            let tickets = reserve(count)?;
            clock.iter().for_each(|clock| clock.begins_at(*tickets.start()));
            Ok(tickets)
        };
        Ok((opened, Box::new(reserve)))
    }

    fn store_sales(scale: u32, seed: u64) -> Self {
        let source = StoreSales::new(scale, seed);
        Self { origin: Origin::StoreSales { scale, seed }, source, documents: Checked::StoreSales, clock: None }
    }

    fn json_lines(file: &Path, key: Option<&[FieldPath]>, rules: LineRules, each: Each<'_>) -> Result<Self, OpenError> {
        let file = fs::canonicalize(file).map_err(|source| OpenError::Place { file: file.to_owned(), source })?;
        let (max_bytes, unique_keys) = (rules.document.max_bytes, rules.unique_keys);
        let lines = Arc::new(JsonLines::open_with(&file, rules, each)?);
        let (key, md5) = (key.map(<[_]>::to_vec), lines.found().md5.clone());
        let origin = Origin::JsonLines { file, key, max_bytes, md5, unique_keys };
        Ok(Self { origin, source: lines.clone(), documents: Checked::JsonLines(lines), clock: None })
    }

    fn template(
        text: &str,
        seed: u64,
        key: Option<&[FieldPath]>,
        max_bytes: usize,
        clocked: Option<(&Times, Option<&Flaws>)>,
    ) -> Result<(Self, Arc<Template>), OpenError> {
        let rules = Rules { identity: Identity::declared(key), max_bytes };
        let template = Template::new(text, seed, rules)?;
        let clock = clocked.map(|(times, flaws)| Arc::new(RunClock::new(times.clone(), flaws.cloned())));
        let template = Arc::new(match &clock {
            Some(clock) => template.with_clock(clock.clone()),
            None => template,
        });
        let (text, key) = (text.to_owned(), key.map(<[_]>::to_vec));
        let times = clocked.map(|(times, _)| times.clone());
        let origin = Origin::Template { text, seed, key, max_bytes, times };
        let opened =
            Self { origin, source: template.clone(), documents: Checked::Template(Inferred::default()), clock };
        Ok((opened, template))
    }

    fn mix(
        kinds: &[Kind],
        seed: u64,
        rate: u64,
        max_bytes: usize,
        clocked: Option<(&Times, Option<&Flaws>)>,
    ) -> Result<(Self, Arc<Mix>), OpenError> {
        let mix = Mix::new(kinds, seed, rate, max_bytes)?;
        let clock = clocked.map(|(times, flaws)| Arc::new(RunClock::new(times.clone(), flaws.cloned())));
        let mix = Arc::new(match &clock {
            Some(clock) => mix.with_clock(clock.clone()),
            None => mix,
        });
        let times = clocked.map(|(times, _)| times.clone());
        let origin = Origin::Mix { kinds: kinds.to_vec(), seed, rate, max_bytes, times };
        let opened = Self { origin, source: mix.clone(), documents: Checked::Template(Inferred::default()), clock };
        Ok((opened, mix))
    }

    /// What the check of a file found; `None` of other workloads.
    pub fn found(&self) -> Option<&Found> {
        match &self.documents {
            Checked::JsonLines(lines) => Some(lines.found()),
            _ => None,
        }
    }

    /// What the documents that were read have shown of their fields; `None` of `store_sales`.
    pub fn inferred(&self) -> Option<&Inferred> {
        match &self.documents {
            Checked::StoreSales => None,
            Checked::JsonLines(lines) => Some(lines.inferred()),
            Checked::Template(sample) => Some(sample),
        }
    }

    /// The columns of the documents: of a file, those that all of its lines show; of a template, those of a sample.
    ///
    /// # Errors
    /// No table could have them.
    pub fn schema(&self) -> Result<Schema, InferError> {
        self.inferred().map_or_else(|| Ok(store_sales().clone()), Inferred::schema)
    }

    /// The fields at the top of the documents, of any name, where no table is to have them.
    pub fn fields(&self) -> Schema {
        self.inferred().map_or_else(|| store_sales().clone(), Inferred::fields)
    }

    /// Whether each run begins with the first document again, instead of going on where the last one ended.
    pub fn begins_anew(&self) -> bool {
        matches!(self.documents, Checked::JsonLines(_))
    }
}

impl Origin {
    /// Whether documents have event times, which follow from when they were to be sent.
    pub fn has_times(&self) -> bool {
        matches!(self, Self::Template { times: Some(_), .. } | Self::Mix { times: Some(_), .. })
    }

    /// That of a run which begins at this time; `None` where documents have no event times.
    fn with_times(&self, started: i64, schedule: &Schedule, part: Part) -> Option<Self> {
        let mut origin = self.clone();
        let uses_times = |text: &str| !template::uses(text, &template::TIMES).is_empty();
        let (times, are_used) = match &mut origin {
            Self::Template { text, times, .. } => (times, uses_times(text)),
            Self::Mix { kinds, times, .. } => (times, kinds.iter().any(|kind| uses_times(&kind.template))),
            Self::StoreSales { .. } | Self::JsonLines { .. } => return None,
        };
        if !are_used {
            return None;
        }
        *times = Some(Times::from(started, schedule, part)?);
        Some(origin)
    }
}

/// In documents in a thousand seconds.
fn rate_of(load: &Load) -> u64 {
    load.schedule.mean().map_or(0, |mean| (mean * 1_000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        load::Header,
        spec::{Length, Rate},
    };

    fn stack_of(origin: &Origin) -> Result<OpenWorkload, OpenError> {
        OpenWorkload::reopen(origin)
    }

    fn lines(text: &str) -> (tempfile::TempDir, Origin) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("own.jsonl");
        fs::write(&file, text).expect("written");
        let rules = Rules { identity: Identity::Line, max_bytes: 1 << 20 };
        let opened = OpenWorkload::json_lines(&file, None, rules.into(), &mut |_, _| ()).expect("documents");
        (folder, opened.origin)
    }

    #[test]
    fn a_file_that_was_changed_is_refused() {
        let (_folder, origin) = lines("{\"a\":1}\n{\"a\":2}\n");
        stack_of(&origin).expect("unchanged");
        let Origin::JsonLines { file, .. } = &origin else { panic!("{origin:?}") };
        fs::write(file, "{\"a\":1}\n{\"a\":3}\n").expect("written");
        let said = stack_of(&origin).map(|_| ()).expect_err("changed").to_string();
        assert!(said.contains("has changed since its lines were sent (MD5 "), "{said}");
        fs::remove_file(file).expect("removed");
        let said = stack_of(&origin).map(|_| ()).expect_err("gone").to_string();
        assert!(said.starts_with("cannot find ") && said.contains("own.jsonl"), "{said}");
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let key = Some(vec![FieldPath(vec!["a".to_owned(), "b".to_owned()])]);
        for origin in [
            Origin::StoreSales { scale: 1, seed: u64::MAX },
            Origin::JsonLines {
                file: "/x".into(),
                key: key.clone(),
                max_bytes: 5,
                md5: "ab".to_owned(),
                unique_keys: true,
            },
            Origin::Template { text: "{}\n".to_owned(), seed: 1, key: None, max_bytes: 5, times: None },
        ] {
            let text = serde_json::to_string(&origin).expect("JSON");
            assert_eq!(serde_json::from_str::<Origin>(&text).expect("an origin"), origin, "{text}");
        }
    }

    #[test]
    fn event_times_are_those_of_the_run_also_when_it_is_read_again() {
        let text = r#"{"id": {{ sequence }}, "at": {{ now_ms }}}"#;
        let (opened, _) = OpenWorkload::template(text, 1, None, 1 << 20, None).expect("a template");
        let old = serde_json::to_value(&opened.origin).expect("JSON");
        assert_eq!(old.get("times"), None, "as earlier versions wrote it, and as they read it");
        assert_eq!(serde_json::from_value::<Origin>(old).expect("an origin"), opened.origin);
        let schedule = Schedule::constant(Rate::PerSecond(100.0), Length::Records(50)).expect("documents");
        let (opened, mut reserve) = opened
            .begin((1_700_000_000_000, &schedule), (Part::WHOLE, None), Box::new(|count| Ok(71..=70 + count)))
            .expect("a run");
        let tickets = reserve(50).expect("tickets");
        let sent = documents(&opened, &tickets);
        let at = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["at"].as_i64();
        assert_eq!(at(&sent[9]).zip(at(&sent[0])).map(|(later, first)| later - first), Some(90), "{sent:?}");

        let header =
            serde_json::to_string(&Header { run: "a".into(), origin: opened.origin, part: Part::WHOLE, flaws: None });
        let header = serde_json::from_str(&header.expect("JSON")).expect("a header");
        let (acknowledged, refused) = Default::default();
        let log = AckLog { header, tickets: vec![tickets.clone()], acknowledged, refused, offered: None };
        assert_eq!(documents(&OpenWorkload::of_run(&log).expect("documents"), &tickets), sent);
    }

    fn documents(opened: &OpenWorkload, tickets: &std::ops::RangeInclusive<u64>) -> Vec<String> {
        let (mut documents, mut all) = (opened.source.clone().render(tickets.clone()), Vec::new());
        while documents.next_into(&mut all).expect("a document").is_some() {}
        String::from_utf8(all).expect("UTF-8").lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_columns_are_those_of_the_documents() {
        let (_folder, origin) = lines("{\"a\":1}\n\n{\"b\":\"x\",\"a\":2.5}\n");
        let schema = stack_of(&origin).expect("documents").schema().expect("columns");
        let columns = [("a", "double"), ("b", "string")].map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        assert_eq!(schema.glue_columns(), columns);
        let text = r#"{"id": {{ sequence }}, "ok": {{ bool }}}"#;
        let (opened, _) = OpenWorkload::template(text, 1, None, 1 << 20, None).expect("a template");
        assert!(!opened.begins_anew());
    }
}
