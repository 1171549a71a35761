//! The checks of what a template uses, told where it is written: in the template's file, or in the stack file.

use std::sync::Arc;

use demo_workload::template::{self, FIELDS, Mistake, Use};

use super::{
    super::{
        quantity::Refusal,
        schedule::Schedule,
        tree::{Source, Span},
    },
    values::Check,
};

/// A template, and what says in the stack file which one it is.
pub(super) struct Written<'a> {
    /// The path of `file` and `text`.
    pub(super) path: &'a str,
    pub(super) text: &'a str,
}

impl Check<'_> {
    /// What can be seen before a document is made.
    pub(super) fn well_formed(&mut self, template: &Written<'_>) -> Option<()> {
        let Some(Mistake { offset, part, problem, expected, near }) = template::mistake(template.text) else {
            return Some(());
        };
        self.refuse_in(template, offset, &part, Refusal::new(problem, expected).suggest(near.map(str::to_owned)));
        None
    }

    /// Event times are those of the schedule.
    pub(super) fn event_times(&mut self, template: &Written<'_>, schedule: &Schedule) -> Option<()> {
        let uses = template::uses(template.text, &template::TIMES);
        let Some(first) = uses.first().filter(|_| matches!(schedule, Schedule::Max(_))) else { return Some(()) };
        let problem =
            format!("at rate `max` nobody knows when a document is to be sent, so `{}` has no value", first.name);
        self.refuse_use(
            template,
            first,
            Refusal::new(problem, "a rate such as `2000/s`, or another field, such as `datetime`"),
        );
        None
    }

    /// Without other kinds beside it, a template has nothing to refer to.
    pub(super) fn alone(&mut self, template: &Written<'_>) {
        let of_a_mix: Vec<&'static str> =
            FIELDS.iter().filter(|field| field.is_of_a_mix()).map(template::Field::name).collect();
        for field in template::uses(template.text, &of_a_mix) {
            let problem = format!("only a kind of a mix has `{}`", field.name);
            self.refuse_use(
                template,
                &field,
                Refusal::new(problem, "`load.workload.mix` in place of the template, or another field"),
            );
        }
    }

    /// Complains of a field where a template uses it.
    pub(super) fn refuse_use(&mut self, template: &Written<'_>, field: &Use, refusal: Refusal) {
        self.refuse_in(template, field.offset, field.name, refusal);
    }

    /// Complains of a part of a template, by bytes from its start.
    pub(super) fn refuse_in(&mut self, template: &Written<'_>, offset: usize, part: &str, refusal: Refusal) {
        let (line, column) = template::place(template.text, offset);
        let path = format!("{}.file", template.path);
        let Some(file) = self.root.at(&path).and_then(|node| Some((self.beside(&path, &node.shown())?, node))) else {
            let problem = match template.text.trim_end().contains('\n') {
                true => format!("line {line}: {}", refusal.problem),
                false => refusal.problem,
            };
            let refusal = Refusal { problem, ..refusal };
            return self.expect_part(&format!("{}.text", template.path), template.text, offset, part, refusal);
        };
        let (file, node) = file;
        let source = Source {
            order: node.span.source.order,
            name: file.display().to_string(),
            text: template.text.to_owned(),
            folder: None,
        };
        let span = Span { source: Arc::new(source), line, column, width: part.chars().count() };
        let found = span.problem(&path, refusal.problem);
        self.found.push(found.expected(refusal.expected).suggest(refusal.suggestion));
    }
}
