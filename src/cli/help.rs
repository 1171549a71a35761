//! The first help: the commands by what a person wants to do.

use std::fmt::Write as _;

use clap::{Command, CommandFactory};

use super::Demo;

/// Columns of the longest name of a command, and the space after it.
const NAMES: usize = 13;

/// Every command, by what a person wants to do.
const GROUPS: [(&str, &[&str]); 7] = [
    ("Get started", &["init", "run", "explain"]),
    ("Check before you create", &["validate", "plan", "cost", "doctor", "policy"]),
    ("Create and remove stacks", &["up", "status", "ls", "down", "gc"]),
    ("Load, present and verify", &["attach", "control", "dashboard", "verify"]),
    ("Look at documents", &["query", "get", "sample", "schema"]),
    ("Look at runs", &["runs", "report"]),
    ("The stand-in and this tool", &["local", "completions", "man", "help"]),
];

/// What to do first.
pub const START: &str = "\
demo creates a Kinesis pipeline from one YAML file, loads it, verifies that nothing was lost, and removes it.

Start with one of these; none needs an AWS account:

  demo init              Write a stack file for your own documents
  demo run FILE --rm     Create a pipeline, load it, verify it and remove it, for example stacks/store-sales-s3.yaml
  demo help              List all commands
";

/// The command line, with its commands in groups.
pub fn command() -> Command {
    let command = Demo::command();
    let groups = groups(&command);
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}Options:\n{{options}}\n\nRun `demo help COMMAND` for the options of a command."
    ))
}

fn groups(command: &Command) -> String {
    let mut text = String::new();
    for (title, names) in GROUPS {
        let _ = writeln!(text, "{title}:");
        for name in names {
            let about = match command.find_subcommand(name).and_then(Command::get_about) {
                Some(about) => about.to_string(),
                None => "Print this help, or that of a command".to_owned(),
            };
            let _ = writeln!(text, "  {name:<NAMES$}{about}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_one_group() {
        let command = Demo::command();
        let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
        let mut known: Vec<&str> = shown.map(Command::get_name).chain(["help"]).collect();
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        known.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(grouped, known);
        assert!(known.iter().all(|name| name.len() < NAMES));
    }

    #[test]
    fn help_has_the_groups_and_the_options() {
        let help = command().render_help().to_string();
        assert!(help.contains("Get started:\n  init ") && help.contains("--quiet"), "{help}");
        assert_eq!(help.matches("\n  run ").count(), 1, "{help}");
        assert!(
            command()
                .find_subcommand_mut("run")
                .is_some_and(|run| run.render_help().to_string().contains("--threshold"))
        );
    }
}
