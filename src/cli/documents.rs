//! Shows what the check of a stack's documents found.

use demo_formats::schema::Schema;

use super::{errors, screen::Screen};
use crate::{
    load::OpenWorkload,
    operations::Documents,
    report::numbers::{counted, grouped},
    spec::{Stack, Workload},
};

/// Checks the documents of a stack and shows what it finds.
///
/// Errors end the command with exit code 2: nothing was touched.
pub async fn check(stack: &Stack, screen: &Screen) -> anyhow::Result<Documents> {
    let documents = Documents::check(stack).await.map_err(errors::documents)?;
    show(stack, &documents, screen);
    Ok(documents)
}

/// Shows what the check found in a user's own documents.
pub fn show(stack: &Stack, documents: &Documents, screen: &Screen) {
    if let Some(opened) = &documents.opened {
        show_opened(stack, opened, &documents.schema, screen);
    }
}

fn show_opened(stack: &Stack, opened: &OpenWorkload, schema: &Schema, screen: &Screen) {
    let columns = match schema.columns.len() {
        0 => String::new(),
        1 => "1 column".to_owned(),
        many => format!("{many} columns"),
    };
    let (Some(found), Workload::JsonLines { file, .. }) = (opened.found(), &stack.load.workload) else {
        let of = match &stack.load.workload {
            Workload::Mix { kinds, .. } => counted(kinds.len() as u64, "kind"),
            _ => "a template".to_owned(),
        };
        screen.line(&format!("documents of {of}: {columns}"));
        return;
    };
    if found.broken > 0 {
        let broken = grouped(found.broken);
        let lines = found.broken_lines();
        screen.warning(&format!("skipping {broken} broken lines of {}\n{}", file.display(), lines.trim_end()));
    }
    let blank = match found.blank {
        0 => String::new(),
        1 => ", 1 blank line".to_owned(),
        many => format!(", {} blank lines", grouped(many)),
    };
    let columns = if columns.is_empty() { columns } else { format!(", {columns}") };
    screen.line(&format!("{}: {} documents{columns}{blank}", file.display(), grouped(found.documents)));
}
