//! What most commands start with: a checked stack, the state folder, and clients for the stack's target.

use std::{
    borrow::Cow,
    future::Future,
    io::{self, IsTerminal, Write},
    path::Path,
};

use anyhow::Context as _;

use super::{Reach, StackFile, errors, exit::Stop, screen::Screen};
use crate::{
    aws::{Clients, Where},
    engine::{Home, HomeError, StackId},
    operations::{room::what_to_remove, target},
    report::visible::visible,
    spec::{self, Checked, Target},
};

/// Runs a command's future on a runtime of its own.
pub fn block_on<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

/// The state folder.
pub fn home() -> anyhow::Result<Home> {
    Ok(Home::from_env()?)
}

/// Gives free what was kept for this where the disk is full, and says what else may go.
pub fn make_room(screen: &Screen) -> anyhow::Result<()> {
    let Some(home) = Home::existing()? else { return Ok(()) };
    let root = home.root().display();
    if home.use_kept_room().with_context(|| format!("cannot free the room that is kept in {root}"))? {
        screen.warning(&format!("the disk of {root} is full\n  {}", what_to_remove(home.root())));
    }
    Ok(())
}

/// Reads and checks a stack file with its overlays and overrides. Shows warnings; errors end the command with exit
/// code 2.
pub fn read(stack: &StackFile, screen: &Screen) -> anyhow::Result<Checked> {
    read_with(stack, &[], screen)
}

/// [`read`], with thresholds of the command line.
pub fn read_with(stack: &StackFile, thresholds: &[String], screen: &Screen) -> anyhow::Result<Checked> {
    let checked = spec::read_with(&stack.file, &stack.over.overlays, &stack.over.sets, thresholds);
    let checked = checked.map_err(|errors| {
        let what = if errors.0.len() == 1 { "one mistake".to_owned() } else { format!("{} mistakes", errors.0.len()) };
        let hint = if stack.file.exists() { String::new() } else { takes_a_file(&stack.file) };
        Stop::usage(format!("{what} in the stack; nothing was touched\n{errors}{hint}"))
    })?;
    for warning in &checked.warnings {
        screen.warning(&warning.to_string());
    }
    Ok(checked)
}

/// What to say of a stack's id or name where a stack file belongs; nothing where it is neither.
fn takes_a_file(given: &Path) -> String {
    let Some(given) = given.to_str() else { return String::new() };
    let is_stack = |home: Home| !matches!(home.find(given), Err(HomeError::Unknown(_)));
    let is_known = Home::existing().is_ok_and(|home| home.is_some_and(is_stack));
    if !is_known && given.parse::<StackId>().is_err() {
        return String::new();
    }
    format!(
        "\n  `{given}` is a stack, and this command takes a stack file; `demo status`, `verify`, `query`, `get` and `down` take \
         a stack"
    )
}

/// Clients for the target of a stack file; starts the stand-in if that is the target.
pub async fn clients(home: &Home, target: &Target, reach: &Reach) -> anyhow::Result<Clients> {
    target::connect(home, target, reach.endpoint_url.as_deref()).await.map_err(errors::connect)
}

/// Asks before a command deletes something on AWS; `--yes` answers.
pub fn agree(screen: &Screen, clients: &Clients, reach: &Reach, question: &str) -> anyhow::Result<()> {
    let free = !matches!(clients.place(), Where::Aws { endpoint_url: None, .. });
    if free || reach.yes || screen.confirm(question)? {
        return Ok(());
    }
    Err(errors::declined(question).into())
}

/// A text as stdout takes it: as it is for a program, without what drives a terminal for a person.
pub fn shown(text: &str) -> Cow<'_, str> {
    if io::stdout().is_terminal() { visible(text) } else { Cow::Borrowed(text) }
}

/// The columns of the terminal that stdout is; none where it is none.
pub fn width() -> Option<usize> {
    console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns))
}

/// Prints to stdout; ends quietly if the reader has closed the pipe.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(shown(text).as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to stdout"),
    }
}
