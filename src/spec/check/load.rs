//! The checks of `load`: the documents, and how they are sent.

use std::{io, path::PathBuf, time::Duration};

use demo_formats::schema::FieldPath;
use demo_workload::files;

use super::{
    super::{
        action::Event,
        file::{IdentityFile, JsonLinesFile, LoadFile, TemplateFile, Time, WorkloadFile},
        imperfect::Imperfect,
        load::{Load, Workload},
        quantity::Refusal,
        schedule::Schedule,
    },
    template::Written,
    values::Check,
};

/// Twice the producer's longest wait for one answer.
const GIVE_UP: Duration = Duration::from_secs(60);
const SHORTEST_GIVE_UP: Duration = Duration::from_secs(1);
const WORKLOAD: &str = "load.workload";
const TEMPLATE: &str = "load.workload.template";
/// A template's document fits into a record, and records end at 1 MiB or 10.
const MOST_OF_A_TEMPLATE: u64 = 1 << 20;

impl Check<'_> {
    pub(super) fn load(
        &mut self,
        load: &LoadFile,
        workload: Option<Workload>,
        (events, schedule): (Option<Vec<Event>>, Option<Schedule>),
        imperfect: Option<Imperfect>,
    ) -> Option<Load> {
        let partition_key =
            workload.as_ref().and_then(|workload| self.partition_key(load.partition_key.as_ref(), workload));
        let sending = self.sending(load);
        let timed = self.times(workload.as_ref(), schedule.as_ref());
        let give_up = load.give_up.as_ref().map_or(Some(GIVE_UP), |text| self.give_up(text));
        let workers = self.workers(load, workload.as_ref(), schedule.as_ref());
        let (partition_key, sending, give_up, workers) = (partition_key?, sending?, give_up?, workers?);
        timed?;
        let (workload, schedule, events) = (workload?, schedule?, events?);
        Some(Load { workload, schedule, give_up, partition_key, imperfect, events, sending, workers })
    }

    /// What templates say of times needs a schedule.
    fn times(&mut self, workload: Option<&Workload>, schedule: Option<&Schedule>) -> Option<()> {
        let Some(schedule) = schedule else { return Some(()) };
        match workload {
            Some(Workload::Template { text, .. }) => self.event_times(&Written { path: TEMPLATE, text }, schedule),
            Some(Workload::Mix { kinds, .. }) => self.times_of_kinds(kinds, schedule),
            _ => Some(()),
        }
    }

    fn give_up(&mut self, text: &Time) -> Option<Duration> {
        let path = "load.give_up";
        let give_up = self.time(path, text, "s")?;
        if give_up >= SHORTEST_GIVE_UP {
            return Some(give_up);
        }
        let problem = format!("no load can give up after {}", text.0);
        self.refuse(path, Refusal::new(problem, "at least 1s without an acknowledgement, such as `60s`"));
        None
    }

    pub(super) fn workload(&mut self, workload: Option<&WorkloadFile>) -> Option<Workload> {
        const KINDS: [&str; 4] = ["store_sales", "json_lines", "template", "mix"];
        let map = match workload {
            None if self.written(WORKLOAD) => return None,
            None | Some(WorkloadFile::Word(_)) => return Some(Workload::StoreSales { scale: 1, seed: 1 }),
            Some(WorkloadFile::Map(map)) => map,
        };
        let expected = "one of `store_sales`, `json_lines`, `template` and `mix`";
        match self.one_of(WORKLOAD, &KINDS, "what is sent", expected)? {
            "json_lines" => self.json_lines(map.json_lines.as_ref()?),
            "template" => self.template(map.template.as_ref()?),
            "mix" => self.mix(map.mix.as_ref()?),
            _ => {
                let sizes = map.store_sales.as_ref()?;
                Some(Workload::StoreSales { scale: sizes.scale.unwrap_or(1), seed: sizes.seed.unwrap_or(1) })
            }
        }
    }

    fn json_lines(&mut self, lines: &JsonLinesFile) -> Option<Workload> {
        let path = "load.workload.json_lines";
        let key = self.identity(&format!("{path}.key"), lines.key.as_ref());
        let file = lines.file.as_ref().and_then(|file| self.json_lines_file(&format!("{path}.file"), file));
        let broken = lines.broken.unwrap_or_default();
        Some(Workload::JsonLines { file: file?, key: key?, broken })
    }

    /// The whole path of a file that is there. A recorded path is whole, and may have lost its file since.
    fn json_lines_file(&mut self, path: &str, written: &str) -> Option<PathBuf> {
        let Some(file) = self.beside(path, written) else { return Some(PathBuf::from(written)) };
        let readable = files::open(&file).and_then(|_| std::path::absolute(&file));
        let readable = readable.and_then(|whole| match whole.to_str() {
            Some(_) => Ok(whole),
            None => Err(io::Error::new(io::ErrorKind::InvalidFilename, "its whole path is not UTF-8")),
        });
        self.readable(path, &file, "a file with one JSON object a line", readable)
    }

    fn template(&mut self, template: &TemplateFile) -> Option<Workload> {
        let key = self.identity(&format!("{TEMPLATE}.key"), template.key.as_ref());
        let text = self.template_of(TEMPLATE, template.file.as_deref(), template.text.as_deref());
        let before = self.complaints();
        if let Some(text) = &text {
            let template = Written { path: TEMPLATE, text };
            self.well_formed(&template)?;
            self.alone(&template);
        }
        let seed = template.seed.unwrap_or(1);
        (self.complaints() == before).then_some(())?;
        Some(Workload::Template { text: text?, seed, key: key? })
    }

    /// The text of a template that is written under `path`, as `file` or `text`.
    pub(super) fn template_of(&mut self, path: &str, file: Option<&str>, text: Option<&str>) -> Option<String> {
        let expected = "either `file`, or `text` with the template itself";
        match self.one_of(path, &["file", "text"], "what the template is", expected)? {
            "file" => self.template_file(&format!("{path}.file"), file?),
            _ => self.template_text(&format!("{path}.text"), text?.to_owned()),
        }
    }

    fn template_file(&mut self, path: &str, written: &str) -> Option<String> {
        let file = self.beside(path, written).unwrap_or_else(|| PathBuf::from(written));
        let text = self.readable(path, &file, "a file with one JSON document in it, `{{ … }}` where values go", {
            files::read_text(&file, MOST_OF_A_TEMPLATE)
        })?;
        self.template_text(path, text)
    }

    fn template_text(&mut self, path: &str, text: String) -> Option<String> {
        if text.trim().is_empty() {
            let expected = "one JSON document with `{{ … }}` where values go";
            self.refuse(path, Refusal::new("an empty template", expected));
            return None;
        }
        Some(text)
    }

    /// A path from where it is written; `None` for one that was recorded.
    pub(super) fn beside(&self, path: &str, written: &str) -> Option<PathBuf> {
        self.root.nearest(path).source.folder.as_ref().map(|folder| folder.join(written))
    }

    fn readable<T>(&mut self, path: &str, file: &std::path::Path, expected: &str, read: io::Result<T>) -> Option<T> {
        read.map_err(|error| {
            let problem = format!("`{}` cannot be read: {error}", file.display());
            let expected = format!("{expected}; a relative path starts where it is written");
            self.refuse(path, Refusal::new(problem, expected));
        })
        .ok()
    }

    /// The fields of a key, if one is declared and nothing is wrong with it.
    pub(super) fn identity(&mut self, path: &str, key: Option<&IdentityFile>) -> Option<Option<Vec<FieldPath>>> {
        let Some(IdentityFile(fields)) = key else { return (!self.written(path)).then_some(None) };
        let mut known = Vec::new();
        for (position, field) in fields.iter().enumerate() {
            let of_field = format!("{path}.{position}");
            let field = self.field_path(&of_field, field)?;
            if known.contains(&field) {
                self.refuse(&of_field, Refusal::new(format!("`{field}` is here twice"), "each field once"));
                return None;
            }
            known.push(field);
        }
        Some(Some(known))
    }
}
