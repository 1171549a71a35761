//! `demo schema`: prints schemas for editors and databases.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use demo_formats::schema::{self, Schema as Columns};

use super::{
    Over, StackFile, context, documents,
    exit::{Exit, Stop},
    screen::Screen,
};
use crate::{
    deliveries,
    spec::{self, METRICS, Metric, Stack},
};

/// Arguments of `demo schema`.
#[derive(Args, Debug)]
pub struct Schema {
    /// Which schema to print.
    #[arg(value_enum, default_value_t = What::Stack)]
    what: What,
    /// With `documents`: stack file whose documents to describe.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    over: Over,
    /// Write the files below the current folder instead of printing them.
    #[arg(long, conflicts_with = "file")]
    write: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Print the JSON Schema of a stack file (config/stack.schema.json).
    Stack,
    /// Print DDL, jsonpaths and column list of store_sales (sql/).
    Sql,
    /// Print the figures of a run that thresholds can limit.
    Thresholds,
    /// Print DDL for the documents of a stack file; your own documents have the columns found in them.
    Documents,
}

impl Schema {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let files = match self.what {
            What::Documents => return self.documents(screen).await,
            _ if self.file.is_some() || !self.over.is_empty() => {
                let problem = "a stack file, `-c` and `--set` need `documents`; run `demo schema documents FILE`";
                return Err(Stop::usage(problem).into());
            }
            What::Stack => {
                let text = serde_json::to_string_pretty(&spec::json_schema())? + "\n";
                vec![("config/stack.schema.json", text)]
            }
            What::Sql => schema::files(),
            What::Thresholds if self.write => {
                return Err(Stop::usage("the list of thresholds is in no file; run `demo schema thresholds`").into());
            }
            What::Thresholds => vec![("", thresholds())],
        };
        for (path, text) in files {
            if self.write {
                std::fs::write(path, text).with_context(|| {
                    format!("cannot write {path}; run this in the folder that has config/ and sql/")
                })?;
                screen.line(&format!("wrote {path}"));
            } else {
                context::print(&text)?;
            }
        }
        Ok(Exit::Fine)
    }

    async fn documents(self, screen: &Screen) -> anyhow::Result<Exit> {
        let Some(file) = self.file else {
            let problem = "no stack file given; run, for example, `demo schema documents stacks/your-own-json.yaml`";
            return Err(Stop::usage(problem).into());
        };
        let checked = context::read(&StackFile { file, over: self.over }, screen)?;
        let documents = documents::check(&checked.stack, screen).await?;
        context::print(&ddl(&checked.stack, &documents.schema))?;
        Ok(Exit::Fine)
    }
}

/// A line for each figure that a threshold can limit.
fn thresholds() -> String {
    let line = |metric: &Metric| {
        let example = metric.unit.example(metric.more_is_better).replace(['`', '"'], "");
        let aborts = if metric.is_live { "abort" } else { "" };
        format!("{:<23} {example:<18} {aborts:<6} {}\n", metric.name, metric.about)
    };
    METRICS.iter().map(line).collect()
}

/// DDL for each table that the stack creates; for Athena if it creates none.
fn ddl(stack: &Stack, columns: &Columns) -> String {
    let deliveries = deliveries::of(&stack.deliver);
    let text: String = deliveries.iter().map(|delivery| delivery.ddl(columns)).collect();
    if text.is_empty() { columns.athena_ddl("documents", "${location}") } else { text }
}
