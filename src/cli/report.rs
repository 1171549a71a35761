//! `demo report [RUN]`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;

use super::{
    context,
    exit::{Exit, Stop},
    screen::Screen,
};
use crate::{
    record::{
        folders::{Kept, Records},
        reader,
    },
    report::{compare::Comparison, html, junit, markdown, recorded::Recorded, terminal},
};

/// Arguments of `demo report`.
#[derive(Args, Debug)]
pub struct Report {
    /// The run, as `demo runs` lists it; the newest without one. With --compare: the runs, the one to compare with first.
    #[arg(value_name = "RUN")]
    runs: Vec<String>,
    /// Write a page that needs nothing else to this file: figures, plots, events, and how to run it again.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write one test case for each threshold and each destination to this file.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print Markdown, for example for the job summary of a GitHub workflow.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Print what `demo run --json` printed; with --compare, the comparison.
    #[arg(long)]
    json: bool,
    /// Put runs side by side, with their differences, and say which exceed the spread between repeated runs.
    #[arg(long, conflicts_with_all = ["html", "junit"])]
    compare: bool,
}

impl Report {
    pub(super) fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let records = Records::of(&context::home()?);
        if self.compare {
            return self.compare(&records);
        }
        if self.runs.len() > 1 {
            return Err(Stop::usage("one run at a time; add --compare to put several side by side").into());
        }
        let Kept { folder, .. } = records.find(self.runs.first().map(String::as_str))?;
        let run = reader::read(&folder)?;
        for torn in &run.torn {
            screen.warning(&format!("left out of the record of {}: {torn}", run.about.run));
        }
        if let Some(path) = &self.html {
            write(path, &html::page(&run)?, screen)?;
        }
        if let Some(path) = &self.junit {
            write(path, &junit::suite(&run), screen)?;
        }
        match () {
            () if self.markdown => context::print(&markdown::summary(&run))?,
            () if self.json => context::print(&format!("{}\n", run.json()?))?,
            () if self.html.is_some() || self.junit.is_some() => {}
            () => context::print(&in_terminal(&run))?,
        }
        Ok(Exit::Fine)
    }

    fn compare(&self, records: &Records) -> anyhow::Result<Exit> {
        if self.runs.len() < 2 {
            return Err(Stop::usage("--compare needs at least two runs; `demo runs` lists them").into());
        }
        let asked = self.runs.iter().map(|run| Ok(records.find(Some(run))?.run)).collect::<anyhow::Result<Vec<_>>>()?;
        let all: Vec<Recorded> = records.list(None)?.0.into_iter().map(|kept| kept.run).collect();
        let comparison = Comparison::of(&asked, &all);
        context::print(&match () {
            () if self.json => format!("{}\n", serde_json::to_string(&comparison)?),
            () if self.markdown => comparison.markdown(),
            () => comparison.text(context::width()),
        })?;
        Ok(Exit::Fine)
    }
}

/// The summary that `demo run` printed, below what run it is of.
fn in_terminal(run: &Recorded) -> String {
    let about = &run.about;
    let head = format!("{} of {} on {}, {}\n", about.run, about.stack, about.target, about.started);
    format!("{head}  {}\n\n{}", run.verdict().sentence(), terminal::summary(&run.report))
}

fn write(path: &Path, text: &str, screen: &Screen) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    screen.line(&format!("wrote {}", path.display()));
    Ok(())
}
