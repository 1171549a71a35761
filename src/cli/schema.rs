//! `demo schema`: what editors and databases need to know.

use clap::{Args, ValueEnum};

use super::exit::Exit;
use crate::{schema, spec};

/// Arguments.
#[derive(Args, Debug)]
pub struct Schema {
    /// Of a stack file, or what follows from the documents' schema.
    #[arg(value_enum, default_value_t = What::Stack)]
    what: What,
    /// Write the files below the current folder instead of printing them.
    #[arg(long)]
    write: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// The JSON Schema of a stack file (config/stack.schema.json).
    Stack,
    /// DDL, jsonpaths and column list (sql/).
    Sql,
}

impl Schema {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let files = match self.what {
            What::Stack => {
                let text = serde_json::to_string_pretty(&spec::json_schema())? + "\n";
                vec![("config/stack.schema.json", text)]
            }
            What::Sql => schema::files(),
        };
        for (path, text) in files {
            if self.write {
                std::fs::write(path, text)?;
                eprintln!("wrote {path}");
            } else {
                print!("{text}");
            }
        }
        Ok(Exit::Fine)
    }
}
