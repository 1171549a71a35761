//! The command line: one file for each command. This file lists the commands.

pub mod attach;
pub mod code;
pub mod completions;
pub mod context;
pub mod control;
pub mod cost;
pub mod dashboard;
pub mod documents;
pub mod doctor;
pub mod down;
pub mod errors;
pub mod exit;
pub mod explain;
pub mod fault;
pub mod gc;
pub mod get;
pub mod help;
pub mod init;
pub mod live;
pub mod local;
pub mod ls;
pub mod machine;
pub mod man;
pub mod plan;
pub mod policy;
pub mod query;
pub mod report;
pub mod resource_lines;
pub mod run;
pub mod runs;
pub mod sample;
pub mod schema;
pub mod screen;
pub mod search_target;
pub mod signals;
pub mod stack_status;
pub mod status;
pub mod terminal;
pub mod trouble;
pub mod up;
pub mod usage;
pub mod validate;
pub mod verify;
pub mod worker;
pub mod workers;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use exit::{Exit, Stop};
use screen::Screen;

/// Create a Kinesis pipeline from one YAML file, load it, verify that nothing was lost, and remove it.
#[derive(Debug, Parser)]
#[command(name = "demo", version, propagate_version = true, max_term_width = 100)]
pub struct Demo {
    /// Hide progress; still print results and errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a stack file for your own documents; ask on a terminal for what the options do not say.
    Init(init::Init),
    /// Explain an exit code or a message.
    Explain(explain::Explain),
    /// Print the man page, or write one for each command.
    Man(man::Man),
    /// Create what a stack file describes, or finish creating it.
    Up(up::Up),
    /// Show what `up` would do, and why.
    Plan(plan::Plan),
    /// Load a stack and verify that every record arrived; creates the stack first if needed.
    Run(run::Run),
    /// Lead a run on Fargate that nobody leads, of `run --detach` or of a process that is gone, and verify it.
    Attach(attach::Attach),
    /// Act on a run that is under way: pause it, change its rate, reshard its stream, heat a key, stop it.
    Control(control::Control),
    /// Serve a live page of a run, for an audience and for you; plays a run back that is over.
    Dashboard(dashboard::Dashboard),
    /// Show which of a stack's resources exist and which have drifted.
    Status(status::Status),
    /// Query a stack's table with SQL.
    Query(query::Query),
    /// Read one item from the DynamoDB table, with its times.
    Get(get::Get),
    /// Search again for every acknowledged record of every run.
    Verify(verify::Verify),
    /// List the recorded runs; remove old records.
    Runs(runs::Runs),
    /// Show the report of a recorded run, or compare runs: as text, HTML, Markdown, JSON or JUnit.
    Report(report::Report),
    /// Remove a stack and check that nothing is left.
    Down(down::Down),
    /// List the stacks that this machine knows.
    Ls(ls::Ls),
    /// List the stacks of an account, whoever created them; remove those that you name, or the expired ones.
    Gc(gc::Gc),
    /// Print what a stack costs an hour, and what its load costs.
    Cost(cost::CostOf),
    /// Check a stack file and its documents, and report every mistake.
    Validate(validate::Validate),
    /// Check this machine and AWS access; with a stack file, check that it can be created.
    Doctor(doctor::Doctor),
    /// Print the least IAM policy that you need for a stack.
    Policy(policy::Policy),
    /// Print the JSON Schema of a stack file, or DDL, jsonpaths and columns for documents.
    Schema(schema::Schema),
    /// Print sample documents of a workload.
    Sample(sample::Sample),
    /// Control the AWS stand-in on this machine.
    Local(local::Local),
    /// Print shell completions.
    Completions(completions::Completions),
    /// Send one part of a load that `demo run` shares among several processes; `demo run` starts it.
    #[command(hide = true)]
    Worker(worker::Worker),
}

/// A stack file with its overlays and overrides.
#[derive(Args, Clone, Debug)]
pub struct StackFile {
    /// Stack file, for example stacks/store-sales-s3.yaml.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Its overlays and overrides.
    #[command(flatten)]
    pub over: Over,
}

/// Overlays and overrides of a stack file.
#[derive(Args, Clone, Debug, Default)]
pub struct Over {
    /// Merge an overlay over the stack file, for example config/aws.yaml; repeatable.
    #[arg(long = "config", short = 'c', value_name = "FILE")]
    pub overlays: Vec<PathBuf>,
    /// Override one value, for example load.rate=1000/s; repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

impl Over {
    /// Whether there are neither overlays nor overrides.
    pub fn is_empty(&self) -> bool {
        self.overlays.is_empty() && self.sets.is_empty()
    }
}

/// How to reach AWS, where that differs from the stack file.
#[derive(Args, Clone, Debug, Default)]
pub struct Reach {
    /// Call this endpoint instead of the target's own, for example another AWS implementation.
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Answer yes to every question.
    #[arg(long, short)]
    pub yes: bool,
}

/// Runs one command and returns its exit code; prints errors to stderr.
pub fn run(demo: Demo) -> ExitCode {
    let screen = Screen::new(demo.quiet);
    let Some(command) = demo.command else {
        return context::print(help::START).map_or_else(|error| failed(&error, &screen), |()| Exit::Fine.into());
    };
    match execute(command, &screen) {
        Ok(exit) => exit.into(),
        Err(error) => failed(&error, &screen),
    }
}

fn failed(error: &anyhow::Error, screen: &Screen) -> ExitCode {
    let exit = error.downcast_ref::<Stop>().map_or(Exit::Error, |stop| stop.exit);
    let error = errors::with_causes(error.as_ref());
    match exit {
        Exit::Interrupted => screen.say(&format!("\n{error}")),
        _ => screen.error(&error),
    }
    exit.into()
}

fn execute(command: Command, screen: &Screen) -> anyhow::Result<Exit> {
    match command {
        Command::Init(command) => context::block_on(command.run(screen)),
        Command::Explain(command) => command.run(),
        Command::Man(command) => command.run(),
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
        Command::Attach(command) => context::block_on(command.run(screen)),
        Command::Control(command) => context::block_on(command.run()),
        Command::Status(command) => context::block_on(command.run(screen)),
        Command::Query(command) => context::block_on(command.run(screen)),
        Command::Dashboard(command) => context::block_on(command.run(screen)),
        Command::Get(command) => context::block_on(command.run(screen)),
        Command::Verify(command) => context::block_on(command.run(screen)),
        Command::Runs(command) => command.run(screen),
        Command::Report(command) => command.run(screen),
        Command::Down(command) => context::block_on(command.run(screen)),
        Command::Ls(command) => command.run(screen),
        Command::Gc(command) => context::block_on(command.run(screen)),
        Command::Cost(command) => context::block_on(command.run(screen)),
        Command::Worker(command) => context::block_on(command.run(screen)),
    }
}
