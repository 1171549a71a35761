//! `demo local`: controls the AWS stand-in.

use std::{fs, io, path::PathBuf};

use anyhow::Context;
use aws_stand_in::daemon::{self, Daemon, Started};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{context, exit::Exit, fault::Asked, screen::Screen};
use crate::{engine::Home, operations::target::stacks_in_use};

/// Arguments of `demo local`.
#[derive(Args, Debug)]
pub struct Local {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Start the stand-in in the background; it runs until you stop it.
    Start,
    /// Stop the stand-in; its data stays on disk.
    Stop {
        /// Stop it even while another `demo` works on one of its stacks.
        #[arg(long)]
        force: bool,
    },
    /// Show whether the stand-in is running, and where.
    Status {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print the environment that points the AWS CLI or an SDK at the stand-in: eval "$(demo local env)".
    Env,
    /// Have something go wrong in the stand-in for a while.
    #[command(subcommand)]
    Fault(Asked),
    /// Print the stand-in's log.
    Logs,
    /// Run the stand-in in the foreground.
    Serve {
        /// Folder for the stand-in's data; defaults to the one in the state folder.
        #[arg(long)]
        folder: Option<PathBuf>,
        #[arg(long, hide = true)]
        background: Option<Started>,
    },
}

impl Local {
    pub(super) fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        context::block_on(self.what.run(screen))
    }
}

/// A command under way would fail, or wait for a stand-in that does not come back.
fn refuse_while_in_use(home: &Home) -> anyhow::Result<()> {
    let in_use = stacks_in_use(home)?;
    let Some((id, holder)) = in_use.first() else { return Ok(()) };
    let holder = holder.as_ref().map_or("another process".to_owned(), ToString::to_string);
    let help = "wait until it ends, or run `demo local stop --force`";
    anyhow::bail!("the stand-in is in use: stack {id} is locked by {holder}\n  {help}")
}

impl What {
    async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let home = context::home()?;
        let folder = home.local();
        let stand_in = Daemon::at(&folder);
        match self {
            Self::Start => {
                context::make_room(screen)?;
                let endpoint = stand_in.ensure(Started::ByHand).await?;
                if let Err(error) = home.keep_room() {
                    screen.warning(&format!("no room is kept for removals in {}: {error}", home.root().display()));
                }
                context::print(&format!("{}\n", endpoint.url()))?;
            }
            // It writes nothing, so the room that is kept stays for the removal of a stack.
            Self::Stop { force } => {
                if !force {
                    refuse_while_in_use(&home)?;
                }
                match stand_in.stop().await? {
                    Some(endpoint) => screen.line(&format!("the stand-in at {} has stopped", endpoint.url())),
                    None => screen.line("the stand-in was not running"),
                }
            }
            Self::Status { json } => {
                let endpoint = stand_in.status().await?;
                let text = match (json, endpoint) {
                    (true, Some(e)) => {
                        json!({"running": true, "url": e.url(), "pid": e.pid, "started": e.started, "folder": folder})
                            .to_string()
                    }
                    (true, None) => json!({"running": false, "folder": folder}).to_string(),
                    (false, Some(e)) => {
                        format!("running at {} (process {}), state in {}", e.url(), e.pid, folder.display())
                    }
                    (false, None) => format!("not running; state in {}", folder.display()),
                };
                context::print(&format!("{text}\n"))?;
            }
            Self::Env => {
                let endpoint = stand_in
                    .status()
                    .await?
                    .context("the stand-in is not running; start it with `demo local start`")?;
                let variables = endpoint.env(&stand_in.key()?).into_iter();
                let lines: String = variables.map(|(name, value)| format!("export {name}={value}\n")).collect();
                context::print(&lines)?;
            }
            Self::Fault(asked) => asked.run(&stand_in).await?,
            Self::Logs => {
                let path = stand_in.log_path();
                let mut log = fs::File::open(&path)
                    .with_context(|| format!("cannot read the stand-in's log {}", path.display()))?;
                match io::copy(&mut log, &mut io::stdout().lock()) {
                    Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                        return Err(error).context("cannot print the stand-in's log");
                    }
                    _ => {}
                }
            }
            Self::Serve { folder: other, background } => {
                // A line that cannot be written, where the disk is full, is lost; to tell of it on stderr would panic.
                let log = tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false);
                log.log_internal_errors(false).init();
                daemon::serve(&other.unwrap_or(folder), background).await?;
            }
        }
        Ok(Exit::Fine)
    }
}
