//! What a person sees on stderr: progress bars on a terminal, plain lines elsewhere, no progress when quiet.

use std::{
    collections::HashMap,
    io::{self, IsTerminal, Write},
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::visible::{in_one_line, visible};

/// Time between two plain lines of a progress bar, without a terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Prints progress, warnings and errors to stderr.
#[derive(Clone)]
pub struct Screen {
    quiet: bool,
    terminal: bool,
    color: bool,
    bars: MultiProgress,
}

impl Screen {
    /// Writes to this process's stderr; respects `NO_COLOR`, and `TERM=dumb`: plain lines.
    pub fn new(quiet: bool) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let terminal = io::stderr().is_terminal() && !quiet && !is_dumb;
        let color = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { quiet, terminal, color, bars: MultiProgress::with_draw_target(target) }
    }

    /// Prints a line of progress.
    pub fn line(&self, text: &str) {
        if !self.quiet {
            self.print("", text);
        }
    }

    /// Prints a line of progress behind a mark.
    fn marked(&self, mark: &str, text: &str) {
        if !self.quiet {
            self.print(&format!("  {mark} "), text);
        }
    }

    /// Prints a warning, even when quiet.
    pub fn warning(&self, text: &str) {
        self.print(&self.paint("33", "warning: "), text);
    }

    /// Prints an error, even when quiet.
    pub fn error(&self, text: &str) {
        self.print(&self.paint("31", "error: "), text);
    }

    /// Asks on a terminal; without one, the answer is no.
    pub fn confirm(&self, question: &str) -> io::Result<bool> {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Ok(false);
        }
        write!(io::stderr(), "{} [y/N] ", visible(question))?;
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// Shows several named steps that run side by side.
    pub fn steps(&self) -> Steps {
        Steps { screen: self.clone(), running: Mutex::default() }
    }

    /// Shows progress towards a known or unknown total.
    pub fn bar(&self, label: &str, total: Option<u64>) -> Bar {
        let bar = self.bars.add(match total {
            Some(total) => ProgressBar::new(total.max(1)),
            None => ProgressBar::no_length(),
        });
        bar.set_style(style(if total.is_some() {
            "  {prefix:8} {bar:20} {percent:>3} %  {msg}"
        } else {
            "  {prefix:8} {spinner}  {msg}"
        }));
        bar.set_prefix(label.to_owned());
        Bar { screen: self.clone(), label: label.to_owned(), bar, printed_at: Mutex::new(Instant::now()) }
    }

    /// A green tick.
    fn tick(&self) -> String {
        self.paint("32", "✔")
    }

    fn cross(&self) -> String {
        self.paint("31", "✘")
    }

    /// Prints a line, even when quiet.
    pub fn say(&self, text: &str) {
        self.print("", text);
    }

    /// What a text has from documents, keys and services must not drive the terminal; `mark` is our own.
    fn print(&self, mark: &str, text: &str) {
        // A closed terminal must not stop the work under way.
        let _ = self.bars.suspend(|| writeln!(io::stderr(), "{mark}{}", visible(text)));
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Several named steps that run side by side; each becomes a line when it is done.
pub struct Steps {
    screen: Screen,
    running: Mutex<HashMap<String, ProgressBar>>,
}

impl Steps {
    /// Starts a step; `key` identifies it, `label` is for the person.
    pub fn start(&self, key: &str, label: &str) {
        let bar = self.screen.bars.add(ProgressBar::new_spinner());
        bar.set_style(style("  {spinner} {prefix}  {msg} {elapsed:>4}"));
        bar.set_prefix(in_one_line(label).into_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        self.bars().insert(key.to_owned(), bar);
    }

    /// Shows what a step is waiting for.
    pub fn wait(&self, key: &str, what: &str) {
        if let Some(bar) = self.bars().get(key) {
            bar.set_message(in_one_line(what).into_owned());
        }
    }

    /// Ends a step that succeeded.
    pub fn done(&self, key: &str, label: &str, took: Duration) {
        self.end(key);
        self.screen.marked(&self.screen.tick(), &format!("{:>5.1} s  {label}", took.as_secs_f64()));
    }

    /// Ends a step that failed.
    pub fn failed(&self, key: &str, label: &str, why: &str) {
        self.end(key);
        self.screen.marked(&self.screen.cross(), &format!("{label}: {why}"));
    }

    fn end(&self, key: &str) {
        if let Some(bar) = self.bars().remove(key) {
            bar.finish_and_clear();
        }
    }

    fn bars(&self) -> std::sync::MutexGuard<'_, HashMap<String, ProgressBar>> {
        self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A progress bar.
pub struct Bar {
    screen: Screen,
    label: String,
    bar: ProgressBar,
    printed_at: Mutex<Instant>,
}

impl Bar {
    /// Sets the position and the message.
    pub fn set(&self, position: u64, message: &str) {
        self.bar.set_position(position);
        self.bar.set_message(in_one_line(message).into_owned());
        let mut printed_at = self.printed_at.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !self.screen.terminal && printed_at.elapsed() >= PLAIN_EVERY {
            *printed_at = Instant::now();
            self.screen.line(&format!("  {:8} {message}", self.label));
        }
    }

    /// Ends the bar and prints one line in its place.
    pub fn finish(self, message: &str) {
        self.bar.finish_and_clear();
        self.screen.line(&format!("  {:8} {message}", self.label));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant").progress_chars("━╸ ")
}
