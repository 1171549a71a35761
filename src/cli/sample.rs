//! `demo sample`: prints sample documents.

use std::{
    fmt::Write as _,
    io::{self, Write},
    path::PathBuf,
};

use anyhow::Context as _;
use clap::Args;
use demo_workload::template::FIELDS;

use super::{
    Over, StackFile, context, documents,
    exit::{Exit, Stop},
    screen::Screen,
};
use crate::load::{OpenWorkload, Origin};

/// Arguments of `demo sample`.
#[derive(Args, Debug)]
pub struct Sample {
    /// Stack file whose documents to print; defaults to documents of store_sales.
    #[arg(value_name = "FILE", conflicts_with_all = ["scale", "seed"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    over: Over,
    /// List the fields that a template can use, instead of printing documents.
    #[arg(long)]
    fields: bool,
    /// Number of documents to print.
    #[arg(short = 'n', long, default_value_t = 1)]
    count: u64,
    /// Indent the JSON.
    #[arg(long)]
    pretty: bool,
    /// TPC-DS scale factor.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    scale: u32,
    /// Seed of the generator.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// First ticket to print; for your own documents, the number of the first one.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    ticket: u64,
}

impl Sample {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        if self.fields {
            return context::print(&fields()).map(|()| Exit::Fine);
        }
        let opened = match &self.file {
            Some(file) => {
                let checked = context::read(&StackFile { file: file.clone(), over: self.over.clone() }, screen)?;
                documents::check(&checked.stack, screen).await?.open(&checked.stack).await?
            }
            None if !self.over.is_empty() => {
                return Err(Stop::usage("`-c` and `--set` need a stack file; name one").into());
            }
            None => OpenWorkload::reopen(&Origin::StoreSales { scale: self.scale, seed: self.seed })?,
        };
        self.print(opened)
    }

    fn print(&self, opened: OpenWorkload) -> anyhow::Result<Exit> {
        let mut documents = opened.source.render(self.ticket..=self.ticket.saturating_add(self.count));
        let mut out = io::BufWriter::new(io::stdout().lock());
        let mut line = Vec::new();
        for _ in 0..self.count {
            line.clear();
            let made = documents.next_into(&mut line).map_err(|error| anyhow::anyhow!(error))?;
            made.context("a ticket has at least one document")?;
            let text = if self.pretty { pretty(&line)? } else { line.clone() };
            let written = out.write_all(context::shown(&String::from_utf8_lossy(&text)).as_bytes());
            match written {
                Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Fine),
                other => other.context("cannot write to stdout")?,
            }
        }
        match out.flush() {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Fine),
            other => other.map(|()| Exit::Fine).context("cannot write to stdout"),
        }
    }
}

/// The fields that a template can use, one a line.
fn fields() -> String {
    let width = FIELDS.iter().map(|field| field.usage.chars().count()).max().unwrap_or(0);
    FIELDS.iter().fold(String::new(), |mut text, field| {
        let _ = writeln!(text, "{:width$}  {}", field.usage, field.gives);
        text
    })
}

fn pretty(line: &[u8]) -> io::Result<Vec<u8>> {
    let document: serde_json::Value = serde_json::from_slice(line)?;
    let mut text = serde_json::to_vec_pretty(&document)?;
    text.push(b'\n');
    Ok(text)
}
