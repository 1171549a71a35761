//! `demo explain`: looks up exit codes and messages in docs/troubleshooting.md.

use std::fmt::Write as _;

use clap::Args;

use super::{
    context,
    exit::{Exit, Stop},
};

/// The one source of what is explained.
const PAGE: &str = include_str!("../../docs/troubleshooting.md");
/// Entries that are shown for a text that several are like.
const SHOWN: usize = 3;
/// Stands in a message for what differs.
const DIFFERS: char = '…';

/// Arguments of `demo explain`.
#[derive(Args, Debug)]
pub struct Explain {
    /// An exit code, such as 99, or a message or a part of it.
    #[arg(required = true, value_name = "CODE or MESSAGE")]
    about: Vec<String>,
}

impl Explain {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let about = self.about.join(" ");
        let found = found(&about);
        if found.is_empty() {
            let problem =
                format!("nothing is known about `{about}`; give the part of the message that says what failed");
            return Err(Stop::new(Exit::Error, problem).into());
        }
        let shown: Vec<String> = found.iter().take(SHOWN).map(Entry::text).collect();
        context::print(&shown.join("\n"))?;
        Ok(Exit::Fine)
    }
}

/// A row of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    section: &'static str,
    /// The code, or the messages.
    title: &'static str,
    cause: &'static str,
    remedy: &'static str,
}

impl Entry {
    fn of(section: &'static str, line: &'static str) -> Option<Self> {
        let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let [title, cause, remedy] = cells.split(" | ").collect::<Vec<_>>()[..] else { return None };
        let is_head = title == "Message" || title == "Code";
        (!is_head).then_some(Self { section, title, cause, remedy })
    }

    fn is_code(&self) -> bool {
        self.title.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The messages that it is about, each as its fixed parts in their order.
    fn messages(&self) -> impl Iterator<Item = Vec<String>> {
        let parts = |message: &str| message.split(DIFFERS).map(plain).filter(|part| !part.is_empty()).collect();
        quoted(self.title).into_iter().map(parts).filter(|parts: &Vec<String>| !parts.is_empty())
    }

    fn text(&self) -> String {
        let (title, section) = (unlinked(self.title).replace('`', ""), self.section);
        let mut text = if self.is_code() { format!("exit code {title}\n") } else { format!("{title}  ({section})\n") };
        let _ = writeln!(text, "  cause:  {}\n  remedy: {}", unlinked(self.cause), unlinked(self.remedy));
        text
    }
}

fn entries() -> Vec<Entry> {
    let mut section = "";
    let mut entries = Vec::new();
    for line in PAGE.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title;
        }
        entries.extend(Entry::of(section, line));
    }
    entries
}

/// The entries about an exit code or a message, the likeliest first.
fn found(about: &str) -> Vec<Entry> {
    let code = about.trim();
    let entries = entries();
    if let Some(entry) = entries.iter().find(|entry| entry.is_code() && entry.title == code) {
        return vec![entry.clone()];
    }
    let about = plain(about);
    let likeness = |entry: Entry| {
        let best = entry.messages().map(|parts| likeness(&about, &parts)).max()?;
        (best > 0).then_some((best, entry))
    };
    let mut found: Vec<(usize, Entry)> = entries.into_iter().filter_map(likeness).collect();
    found.sort_by_key(|(best, _)| std::cmp::Reverse(*best));
    let most = found.first().map_or(0, |(best, _)| *best);
    // Next to one that has all of it, those that share some words say nothing.
    found.into_iter().filter(|(best, _)| *best * 2 > most).map(|(_, entry)| entry).collect()
}

/// How much of what is asked about a message has: its fixed parts in their order, or a part of them, or most of its words.
fn likeness(about: &str, parts: &[String]) -> usize {
    let fixed: usize = parts.iter().map(String::len).sum();
    let asked = format!(" {about} ");
    let mut rest = asked.as_str();
    let has_all = parts.iter().all(|part| match rest.find(&format!(" {part} ")) {
        Some(at) => {
            rest = &rest[at + 1 + part.len()..];
            true
        }
        None => false,
    });
    if has_all {
        return 1_000 + fixed;
    }
    if !about.is_empty() && parts.iter().any(|part| format!(" {part} ").contains(&asked)) {
        return 1_000 + about.len();
    }
    let words: Vec<&str> = parts.iter().flat_map(|part| part.split(' ')).filter(|word| word.len() > 2).collect();
    let shared = words.iter().filter(|word| about.split(' ').any(|asked| asked == **word)).count();
    if shared >= 3 && shared * 3 >= words.len() * 2 { shared } else { 0 }
}

/// What stands in backticks, one or two of them on either side.
fn quoted(cell: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = cell;
    while let Some(at) = rest.find('`') {
        let mark = if rest[at..].starts_with("``") { "``" } else { "`" };
        let inside = &rest[at + mark.len()..];
        let Some(end) = inside.find(mark) else { break };
        found.push(&inside[..end]);
        rest = &inside[end + mark.len()..];
    }
    found
}

/// Lower-case words without marks.
fn plain(text: &str) -> String {
    let text: String = text.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A cell without Markdown's links: `[text](file.md#part)` is `text (docs/file.md#part)`.
fn unlinked(cell: &str) -> String {
    let mut text = String::new();
    let mut rest = cell;
    while let Some((before, link)) = rest.split_once('[') {
        let Some((shown, target)) = link.split_once("](") else { break };
        let Some((target, after)) = target.split_once(')') else { break };
        let _ = write!(text, "{before}{shown} (docs/{target})");
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(about: &str) -> Vec<&'static str> {
        found(about).iter().map(|entry| entry.title).collect()
    }

    #[test]
    fn every_exit_code_has_an_entry_and_nothing_else_has() {
        let mut codes: Vec<String> =
            entries().iter().filter(|entry| entry.is_code()).map(|entry| entry.title.to_owned()).collect();
        assert_eq!(codes, Exit::ALL.map(|exit| (exit as u8).to_string()));
        codes.retain(|code| titles(code) != [code.as_str()]);
        assert!(codes.is_empty(), "{codes:?}");
    }

    #[test]
    fn every_row_of_the_page_is_an_entry_that_its_own_message_finds() {
        let rows = PAGE
            .lines()
            .filter(|line| line.starts_with("| ") && !line.starts_with("| Message |") && !line.starts_with("| Code |"));
        let entries = entries();
        assert_eq!(entries.len(), rows.count(), "each row has three cells");
        for entry in entries.iter().filter(|entry| !entry.is_code()) {
            let messages: Vec<_> = entry.messages().collect();
            assert!(!messages.is_empty(), "{} has no fixed part", entry.title);
            for parts in messages {
                let said = format!("x {} y", parts.join(" 42 "));
                assert!(found(&said).contains(entry), "`{said}` does not find {}", entry.title);
            }
        }
    }

    #[test]
    fn a_message_is_found_by_what_a_person_pastes() {
        let first = |about: &str| titles(about).first().copied().unwrap_or_default();
        assert_eq!(first("load.rate: 2000 has no unit"), "`… has no unit`");
        assert_eq!(first("no unit"), "`… has no unit`");
        assert!(
            first("error: no document was acknowledged, of 400 that were offered: denied").contains("no document was")
        );
        assert!(first("✗ p99_ack: 700.0 ms, at most 500.0 ms").contains("at most"));
        assert!(titles("the weather is nice").is_empty());
        assert!(titles("").is_empty());
    }

    #[test]
    fn texts_in_backticks_are_found() {
        assert_eq!(quoted("`a …` or ``b `c` d`` (e)"), ["a …", "b `c` d"]);
        assert_eq!(quoted("a ` b"), [""; 0]);
    }

    #[test]
    fn links_are_told_as_files() {
        assert_eq!(unlinked("Use [`a`](b.md#c), then [d](e.md)."), "Use `a` (docs/b.md#c), then d (docs/e.md).");
        assert_eq!(unlinked("a [b] c"), "a [b] c");
    }
}
