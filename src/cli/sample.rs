//! `demo sample`: documents to look at.

use std::io::{self, Write};

use anyhow::Context;
use clap::Args;

use super::exit::Exit;
use crate::workload::store_sales::StoreSales;

/// Arguments.
#[derive(Args, Debug)]
pub struct Sample {
    /// How many.
    #[arg(short = 'n', long, default_value_t = 1)]
    count: u64,
    /// Indented, for people.
    #[arg(long)]
    pretty: bool,
    /// TPC-DS scale factor.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    scale: u32,
    /// Of the generator.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The first ticket.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    ticket: u64,
}

impl Sample {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let workload = StoreSales::new(self.scale, self.seed);
        let mut documents = workload.documents(self.ticket..=self.ticket.saturating_add(self.count));
        let mut out = io::BufWriter::new(io::stdout().lock());
        let mut line = Vec::new();
        for _ in 0..self.count {
            line.clear();
            documents.next_into(&mut line).context("a ticket has at least one document")?;
            let written =
                if self.pretty { pretty(&line).and_then(|text| out.write_all(&text)) } else { out.write_all(&line) };
            match written {
                Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Fine),
                other => other?,
            }
        }
        match out.flush() {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Fine),
            other => other.map(|()| Exit::Fine).map_err(Into::into),
        }
    }
}

fn pretty(line: &[u8]) -> io::Result<Vec<u8>> {
    let document: serde_json::Value = serde_json::from_slice(line)?;
    let mut text = serde_json::to_vec_pretty(&document)?;
    text.push(b'\n');
    Ok(text)
}
