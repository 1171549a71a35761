//! Command lines that are wrong.

use std::{
    io::{self, Write},
    process,
};

use clap::{
    FromArgMatches,
    error::{ContextKind, ContextValue, Error, ErrorKind},
};

use super::{Demo, exit::Exit, help};
use crate::spec;

/// Characters of what was written wrong.
const SHOWN: usize = 200;

/// Reads the command line; ends the process where it is wrong, or asks for help alone.
pub fn parse() -> Demo {
    let matches = help::command().try_get_matches();
    let demo = matches.and_then(|matches| Demo::from_arg_matches(&matches));
    demo.unwrap_or_else(|error| end(&shortened(with_hint(error))))
}

/// Prints what is wrong, or the help that was asked for, and ends the process.
fn end(error: &Error) -> ! {
    let unprinted = error.print().err().filter(|why| !error.use_stderr() && why.kind() != io::ErrorKind::BrokenPipe);
    if let Some(why) = unprinted {
        // If stderr is full as well, the exit code tells.
        let _ = writeln!(io::stderr(), "error: cannot write to stdout: {why}");
        process::exit(Exit::Error as i32);
    }
    process::exit(error.exit_code())
}

/// Shows the beginning alone of what was written wrong, however long it is.
fn shortened(mut error: Error) -> Error {
    for kind in [ContextKind::InvalidArg, ContextKind::InvalidSubcommand, ContextKind::InvalidValue] {
        let Some(ContextValue::String(written)) = error.get(kind) else { continue };
        let Some((end, _)) = written.char_indices().nth(SHOWN) else { continue };
        let shown = format!("{}…", &written[..end]);
        error.insert(kind, ContextValue::String(shown));
        // It would have all of it again.
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(Vec::new()));
    }
    error
}

/// A key of the stack file is easily taken for an option.
fn with_hint(mut error: Error) -> Error {
    let key = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(arg)) if error.kind() == ErrorKind::UnknownArgument => {
            arg.trim_start_matches('-').split('=').next().unwrap_or_default().replace('-', "_")
        }
        _ => return error,
    };
    if let Some(path) = spec::path_of(&key) {
        let hint = format!("`{path}` is a key of the stack file; override it with `--set {path}=VALUE`");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
    error
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn said(args: &[&str]) -> String {
        let error = Demo::try_parse_from(args).expect_err("wrong");
        shortened(with_hint(error)).to_string()
    }

    #[test]
    fn what_is_long_is_shown_in_part() {
        let long = "x".repeat(50_000);
        for args in
            [["demo", "up", &format!("--{long}")], ["demo", &long, ""], ["demo", "sample", &format!("-n{long}")]]
        {
            let said = said(&args);
            assert!(said.len() < 2_000 && said.contains("xxx…"), "{} bytes", said.len());
        }
    }

    #[test]
    fn an_option_that_is_a_key_of_the_stack_file_is_explained() {
        for option in ["--shards", "--shards=8"] {
            let said = said(&["demo", "up", "stack.yaml", option]);
            assert!(said.contains("override it with `--set stream.shards=VALUE`") && !said.contains("-- --"), "{said}");
        }
        assert!(said(&["demo", "up", "stack.yaml", "--give-up", "5s"]).contains("--set load.give_up=VALUE"));
        assert!(!said(&["demo", "up", "stack.yaml", "--colour"]).contains("--set"));
    }
}
