//! `demo schema`: what editors and databases need to know.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use demo_formats::schema::{self, Schema as Columns, Stored};

use super::{
    Over, StackFile, context,
    documents::Documents,
    exit::{Exit, Stop},
    screen::Screen,
};
use crate::spec::{self, Format, Stack};

/// Arguments.
#[derive(Args, Debug)]
pub struct Schema {
    /// Of a stack file, of its documents, or what follows from those of store_sales.
    #[arg(value_enum, default_value_t = What::Stack)]
    what: What,
    /// With `documents`: the stack file whose documents are looked at.
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
    /// The JSON Schema of a stack file (config/stack.schema.json).
    Stack,
    /// DDL, jsonpaths and column list of store_sales (sql/).
    Sql,
    /// DDL over the documents of a stack file: a user's own have the columns that they show.
    Documents,
}

impl Schema {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let files = match self.what {
            What::Documents => return self.documents(screen).await,
            _ if self.file.is_some() || !self.over.is_empty() => {
                return Err(Stop::usage("a stack file, `-c` and `--set` go with `documents` only").into());
            }
            What::Stack => {
                let text = serde_json::to_string_pretty(&spec::json_schema())? + "\n";
                vec![("config/stack.schema.json", text)]
            }
            What::Sql => schema::files(),
        };
        for (path, text) in files {
            if self.write {
                std::fs::write(path, text).with_context(|| {
                    format!("cannot write {path}; run this in the folder that has config/ and sql/")
                })?;
                eprintln!("wrote {path}");
            } else {
                context::print(&text)?;
            }
        }
        Ok(Exit::Fine)
    }

    async fn documents(self, screen: &Screen) -> anyhow::Result<Exit> {
        let Some(file) = self.file else {
            return Err(
                Stop::usage("which stack file? For example `demo schema documents stacks/your-own-json.yaml`").into()
            );
        };
        let checked = context::read(&StackFile { file, over: self.over }, screen)?;
        let documents = Documents::of(&checked.stack, screen).await?;
        context::print(&ddl(&checked.stack, &documents.schema))?;
        Ok(Exit::Fine)
    }
}

/// For each table that the stack makes; Athena's where it makes none.
fn ddl(stack: &Stack, columns: &Columns) -> String {
    let catalog = stack.deliver.s3.as_ref().and_then(|s3| Some((s3, s3.catalog.as_ref()?)));
    let mut text = String::new();
    if let Some((s3, catalog)) = catalog {
        let stored = match s3.format {
            Format::Json => Stored::JsonLines,
            Format::Parquet => Stored::Parquet,
        };
        text += &columns.athena_ddl_of(&catalog.table, "${location}", stored, &s3.partition_columns());
    } else if stack.deliver.redshift.is_none() {
        text += &columns.athena_ddl("documents", "${location}");
    }
    if let Some(redshift) = &stack.deliver.redshift {
        text += &columns.redshift_ddl(&redshift.table, redshift.structs);
        text += &columns.jsonpaths();
    }
    text
}
