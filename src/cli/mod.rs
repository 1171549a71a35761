//! One file per command; this one is the table of them.

pub mod code;
pub mod completions;
pub mod context;
pub mod cost;
pub mod documents;
pub mod doctor;
pub mod down;
pub mod drive;
pub mod exit;
pub mod gc;
pub mod get;
pub mod local;
pub mod ls;
pub mod place;
pub mod logs;
pub mod machine;
pub mod plan;
pub mod policy;
pub mod prove;
pub mod query;
pub mod resources;
pub mod run;
pub mod sample;
pub mod schema;
pub mod screen;
pub mod signals;
pub mod standing;
pub mod status;
pub mod up;
pub mod validate;
pub mod verify;
pub mod worker;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use exit::{Exit, Stop};
use screen::Screen;

/// Stand up a Kinesis pipeline from one YAML file, drive it, prove that nothing was lost, take it away.
#[derive(Debug, Parser)]
#[command(name = "demo", version, propagate_version = true, max_term_width = 100)]
pub struct Demo {
    /// Progress is left out; results and errors stay.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make what a stack file describes, or finish making it.
    Up(up::Up),
    /// Show what `up` would make, and why.
    Plan(plan::Plan),
    /// Load a stack and prove that every record landed; makes it first where it is not up.
    Run(run::Run),
    /// Show what is there of a stack.
    Status(status::Status),
    /// Ask a stack's table a question in SQL.
    Query(query::Query),
    /// Read one document back from the DynamoDB table.
    Get(get::Get),
    /// Look again whether every acknowledged record is at its destination.
    Verify(verify::Verify),
    /// Take a stack away and make sure that nothing is left.
    Down(down::Down),
    /// List the stacks that this machine knows of.
    Ls(ls::Ls),
    /// List the stacks of an account, whoever made them, and take away those whose time is over.
    Gc(gc::Gc),
    /// Print what a stack costs by the hour, and what its load costs.
    Cost(cost::CostOf),
    /// Check a stack file and a user's own documents, and say everything that is wrong with them.
    Validate(validate::Validate),
    /// Look whether this machine and AWS are fit, and with a stack file whether it could be made.
    Doctor(doctor::Doctor),
    /// Print the least IAM policy that a person needs to run a stack.
    Policy(policy::Policy),
    /// Print the JSON Schema of a stack file, or what follows from the columns of its documents.
    Schema(schema::Schema),
    /// Print documents of a workload.
    Sample(sample::Sample),
    /// The AWS stand-in on this machine.
    Local(local::Local),
    /// Print completions for a shell.
    Completions(completions::Completions),
}

/// A stack file with what is laid over it.
#[derive(Args, Clone, Debug)]
pub struct StackFile {
    /// The stack file, for example stacks/store-sales-s3.yaml.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What is laid over it.
    #[command(flatten)]
    pub over: Over,
}

/// What is laid over a stack file.
#[derive(Args, Clone, Debug, Default)]
pub struct Over {
    /// An overlay to merge over the stack, for example config/aws.yaml; may be given again.
    #[arg(long = "config", short = 'c', value_name = "FILE")]
    pub overlays: Vec<PathBuf>,
    /// One value to override, for example load.rate=1000/s; may be given again.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

impl Over {
    /// Whether nothing is laid over it.
    pub fn is_empty(&self) -> bool {
        self.overlays.is_empty() && self.sets.is_empty()
    }
}

/// How AWS is reached, where that differs from the stack file.
#[derive(Args, Clone, Debug, Default)]
pub struct Reach {
    /// Speak to this address instead of the target's own, for example another AWS implementation.
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Answer yes to every question.
    #[arg(long, short)]
    pub yes: bool,
}

/// Runs one command and says how it ended; errors go to stderr.
pub fn run(demo: Demo) -> ExitCode {
    let screen = Screen::new(demo.quiet);
    match execute(demo.command, &screen) {
        Ok(exit) => exit.into(),
        Err(error) => {
            let exit = error.downcast_ref::<Stop>().map_or(Exit::Error, |stop| stop.exit);
            match exit {
                Exit::Interrupted => screen.say(&format!("\n{error:#}")),
                _ => screen.error(&format!("{error:#}")),
            }
            exit.into()
        }
    }
}

fn execute(command: Command, screen: &Screen) -> anyhow::Result<Exit> {
    match command {
        Command::Validate(command) => context::block_on(command.run(screen)),
        Command::Doctor(command) => context::block_on(command.run(screen)),
        Command::Policy(command) => context::block_on(command.run(screen)),
        Command::Schema(command) => context::block_on(command.run(screen)),
        Command::Sample(command) => context::block_on(command.run(screen)),
        Command::Completions(command) => command.run(),
        Command::Local(command) => command.run(screen),
        Command::Up(command) => context::block_on(command.run(screen)),
        Command::Plan(command) => context::block_on(command.run(screen)),
        Command::Run(command) => context::block_on(command.run(screen)),
        Command::Status(command) => context::block_on(command.run(screen)),
        Command::Query(command) => context::block_on(command.run(screen)),
        Command::Get(command) => context::block_on(command.run(screen)),
        Command::Verify(command) => context::block_on(command.run(screen)),
        Command::Down(command) => context::block_on(command.run(screen)),
        Command::Ls(command) => command.run(),
        Command::Gc(command) => context::block_on(command.run(screen)),
        Command::Cost(command) => context::block_on(command.run(screen)),
    }
}
