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
pub const PLAIN_EVERY: Duration = Duration::from_secs(5);

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

    /// Asks for a text on a terminal; an empty answer is what is taken otherwise.
    pub fn ask(&self, question: &str, otherwise: &str) -> io::Result<String> {
        let shown = if otherwise.is_empty() { String::new() } else { format!(" [{otherwise}]") };
        write!(io::stderr(), "{}{}: ", visible(question), visible(&shown))?;
        io::stderr().flush()?;
        let mut answer = String::new();
        if io::stdin().read_line(&mut answer)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "there is no answer; nothing was written"));
        }
        let answer = answer.trim();
        Ok(if answer.is_empty() { otherwise.to_owned() } else { answer.to_owned() })
    }

    /// Shows several named steps that run side by side.
    pub fn steps(&self) -> Steps {
        Steps { screen: self.clone(), running: Mutex::default() }
    }

    /// Whether it is a terminal that shows what lives.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Shows a line that lives above the bars that are added later.
    pub fn stage(&self, label: &str) -> StageLine {
        let line = self.bars.add(ProgressBar::no_length());
        line.set_style(style("  {prefix:8} {wide_msg}"));
        line.set_prefix(label.to_owned());
        StageLine { line }
    }

    /// Shows progress towards a known or unknown total.
    pub fn bar(&self, label: &str, total: Option<u64>) -> Bar {
        let bar = self.bars.add(match total {
            Some(total) => ProgressBar::new(total.max(1)),
            None => ProgressBar::no_length(),
        });
        let length = bar_length(columns());
        let (template, taken) = match total {
            Some(_) => {
                (format!("  {{prefix:8}} {{bar:{length}}} {{percent:>3}} %  {{wide_msg}}"), LABEL + length + PERCENT)
            }
            None => ("  {prefix:8} {spinner}  {wide_msg}".to_owned(), LABEL + SPINNER),
        };
        bar.set_style(style(&template));
        bar.set_prefix(label.to_owned());
        Bar { screen: self.clone(), label: label.to_owned(), bar, taken, printed_at: Mutex::new(Instant::now()) }
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
        bar.set_style(style("  {spinner} {prefix}  {elapsed:>4}  {wide_msg}"));
        let label = in_one_line(label);
        bar.set_prefix(console::truncate_str(&label, columns().saturating_sub(STEP), "…").into_owned());
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

/// A line that lives while something goes on, and is cleared when it is dropped.
pub struct StageLine {
    line: ProgressBar,
}

impl StageLine {
    /// Shows as many of these parts as the terminal has room for.
    pub fn set(&self, parts: &[String]) {
        self.line.set_message(fitted(parts, columns().saturating_sub(LABEL)));
    }
}

/// Columns of a step that are not its label.
const STEP: usize = 14;
/// Columns of an indented label.
const LABEL: usize = 11;
/// Columns of a share, and of the space around it and the bar.
const PERCENT: usize = 8;
const SPINNER: usize = 3;
/// Between the parts of a line.
const GAP: &str = "   ";

/// The columns of the terminal that stderr is, also after it was resized.
fn columns() -> usize {
    console::Term::stderr().size_checked().map_or(80, |(_, columns)| usize::from(columns))
}

/// How long a bar is that leaves room for its figures.
fn bar_length(columns: usize) -> usize {
    match columns {
        ..50 => 4,
        50..70 => 10,
        _ => 20,
    }
}

/// The first of the parts, as many as fit into so many columns.
fn fitted(parts: &[String], columns: usize) -> String {
    let mut line = String::new();
    for part in parts {
        let part = in_one_line(part);
        let gap = if line.is_empty() { "" } else { GAP };
        if !line.is_empty()
            && console::measure_text_width(&line) + GAP.len() + console::measure_text_width(&part) > columns
        {
            break;
        }
        line += gap;
        line += &part;
    }
    line
}

/// A progress bar, which is cleared when it is dropped.
pub struct Bar {
    screen: Screen,
    label: String,
    bar: ProgressBar,
    /// Columns that are not for its message.
    taken: usize,
    printed_at: Mutex<Instant>,
}

impl Bar {
    /// Sets the position and what is said beside it, as far as there is room, on a terminal.
    pub fn draw(&self, position: u64, parts: &[String]) {
        self.bar.set_position(position);
        self.bar.set_message(fitted(parts, columns().saturating_sub(self.taken)));
    }

    /// Sets the position and what is said beside it; without a terminal, prints that now and then.
    pub fn set(&self, position: u64, parts: &[String]) {
        self.draw(position, parts);
        let mut printed_at = self.printed_at.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !self.screen.terminal && printed_at.elapsed() >= PLAIN_EVERY {
            *printed_at = Instant::now();
            self.screen.line(&format!("  {:8} {}", self.label, parts.join(GAP)));
        }
    }

    /// Ends the bar and prints one line in its place.
    pub fn finish(self, parts: &[String]) {
        self.bar.finish_and_clear();
        self.screen.line(&format!("  {:8} {}", self.label, parts.join(GAP)));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant").progress_chars("━╸ ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_as_many_parts_as_there_is_room_for() {
        let parts = ["2,000/s", "16.4 MB/s", "p99 15.5 ms"].map(str::to_owned);
        assert_eq!(fitted(&parts, 80), "2,000/s   16.4 MB/s   p99 15.5 ms");
        assert_eq!(fitted(&parts, 33), "2,000/s   16.4 MB/s   p99 15.5 ms");
        assert_eq!(fitted(&parts, 32), "2,000/s   16.4 MB/s");
        assert_eq!(fitted(&parts, 3), "2,000/s", "the bar cuts it");
        assert_eq!(fitted(&["a\u{1b}[2J\nb".to_owned()], 80), "a\\u{1b}[2J\\nb");
        assert!([40, 50, 70, 200].iter().all(|width| LABEL + bar_length(*width) + PERCENT + 16 < *width));
    }
}
