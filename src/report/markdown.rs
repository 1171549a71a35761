//! A run in Markdown, for example for the job summary of a GitHub workflow.

use std::fmt::Write;

use super::{
    figures::{Figure, counts, leftovers, phases, speed},
    recorded::Recorded,
    visible::{in_one_line, joined},
};

/// Events that are listed at most.
const EVENTS: usize = 40;

/// The verdict and the figures of a run.
pub fn summary(run: &Recorded) -> String {
    let (about, report, verdict) = (&run.about, &run.report, run.verdict());
    let sign = if verdict.is_good() { "✅" } else { "❌" };
    let mut text = format!("## {sign} {}: {verdict}\n\n{}\n\n", cell(&about.stack), cell(&run.sentence()));
    let _ = writeln!(text, "Run {} on {}, {}\n", cell(&about.run), cell(&about.target), cell(&about.started));
    text += &figures("Documents", &counts(report));
    text += &figures("Speed", &speed(report));
    if let Some(abort) = &report.aborted {
        let _ = writeln!(text, "The load was stopped: {}\n", cell(&abort.to_string()));
    }
    if !report.thresholds.is_empty() || !report.unmeasured.is_empty() {
        text += "| Threshold | Reached | Limit | |\n|---|---:|---:|---|\n";
        for check in &report.thresholds {
            let sign = if check.met { "✓" } else { "✗" };
            let _ =
                writeln!(text, "| {} | {} | {} | {sign} |", cell(&check.name), cell(&check.actual), cell(&check.limit));
        }
        for name in &report.unmeasured {
            let _ = writeln!(text, "| {} | not measured | | ? |", cell(name));
        }
        text.push('\n');
    }
    for problem in report.problems.iter().chain(report.unrecorded.iter()).chain(&run.torn) {
        let _ = writeln!(text, "- {}", cell(&joined(problem)));
    }
    if !report.problems.is_empty() || report.unrecorded.is_some() || !run.torn.is_empty() {
        text.push('\n');
    }
    text += &events(run);
    text += &figures("Phase", &phases(report));
    if let Some(cost) = &report.cost {
        let _ = writeln!(text, "The run costs {}.\n", cell(&cost.to_string()));
    }
    let _ = writeln!(text, "{}\n\nThe stack costs {} while it is up.", leftovers(report), cell(&about.cost));
    text
}

fn figures(title: &str, figures: &[Figure]) -> String {
    if figures.is_empty() {
        return String::new();
    }
    let mut text = format!("| {title} | |\n|---|---:|\n");
    for Figure { name, value } in figures {
        let _ = writeln!(text, "| {} | {} |", cell(name), cell(value));
    }
    text.push('\n');
    text
}

fn events(run: &Recorded) -> String {
    if run.moments.is_empty() {
        return String::new();
    }
    let mut text = "| Seconds | What happened |\n|---:|---|\n".to_owned();
    for moment in run.moments.iter().take(EVENTS) {
        let _ = writeln!(text, "| {:.1} | {} |", moment.at, cell(&moment.text));
    }
    let more = run.moments.len().saturating_sub(EVENTS);
    if more > 0 {
        let _ = writeln!(text, "| | and {more} more |");
    }
    text.push('\n');
    text
}

/// A text in one cell: nothing in it is markup.
pub(super) fn cell(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in in_one_line(text).chars() {
        match c {
            '&' => shown += "&amp;",
            '<' => shown += "&lt;",
            '>' => shown += "&gt;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => shown.extend(['\\', c]),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_markup() {
        let text = "a|b `c` <img src=x> [d](e) *f*\n# g\u{1b}[2J";
        let expected = "a\\|b \\`c\\` &lt;img src=x&gt; \\[d\\](e) \\*f\\*\\\\n\\# g\\\\u{1b}\\[2J";
        assert_eq!(cell(text), expected);
    }
}
