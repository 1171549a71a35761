//! Runs side by side: how they differ, and whether by more than repeated runs do.

use std::fmt::Write;

use serde::Serialize;

use super::{
    RunReport,
    markdown::cell,
    numbers::{bytes, grouped, millis},
    recorded::Recorded,
    table::Rows,
};

/// Runs that are compared with the first of them.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The runs, the one to compare with first.
    pub runs: Vec<Side>,
    /// What is compared.
    pub measures: Vec<Measure>,
}

/// One of the runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// Its id.
    pub run: String,
    /// Its stack.
    pub stack: String,
    /// What became of it.
    pub verdict: String,
    /// Recorded runs of the same stack file on the same machine by the same version that came to their end, this one among
    /// them.
    pub repeated: usize,
}

/// One measure of every run.
#[derive(Clone, Debug, Serialize)]
pub struct Measure {
    /// What it is.
    pub name: &'static str,
    /// Of each run, in their order; null where a run does not have it.
    pub values: Vec<Option<f64>>,
    /// Of each run but the first, in their order.
    pub differences: Vec<Option<Difference>>,
    #[serde(skip)]
    show: fn(f64) -> String,
}

/// How a run differs from the first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// By how much.
    pub by: f64,
    /// The same in percent of the first run's; null where that is 0.
    pub percent: Option<f64>,
    /// The greatest distance between repeated runs of either; null without repeated runs.
    pub spread: Option<f64>,
    /// Whether it is more than the spread.
    pub exceeds_spread: Option<bool>,
}

struct Kind {
    name: &'static str,
    value: fn(&RunReport) -> Option<f64>,
    show: fn(f64) -> String,
}

fn count(n: f64) -> String {
    grouped(n.round() as u64)
}

fn ms(n: f64) -> String {
    format!("{} ms", millis(n))
}

const KINDS: [Kind; 13] = [
    Kind { name: "documents", value: |run| Some(run.acknowledged as f64), show: count },
    Kind { name: "documents a second", value: |run| Some(run.records_per_second), show: count },
    Kind { name: "bytes a second", value: |run| Some(run.bytes_per_second), show: bytes },
    Kind { name: "acknowledged in p50", value: |run| Some(run.ack_latency_ms.p50), show: ms },
    Kind { name: "acknowledged in p90", value: |run| Some(run.ack_latency_ms.p90), show: ms },
    Kind { name: "acknowledged in p99", value: |run| Some(run.ack_latency_ms.p99), show: ms },
    Kind { name: "acknowledged in max", value: |run| Some(run.ack_latency_ms.max), show: ms },
    Kind { name: "readable in S3 after p99", value: |run| run.freshness_s3_ms.map(|fresh| fresh.p99), show: ms },
    Kind { name: "readable after p99", value: |run| run.freshness_ms.map(|fresh| fresh.p99), show: ms },
    Kind { name: "found after", value: |run| run.seconds.verify, show: |n| format!("{n:.1} s") },
    Kind { name: "retried", value: |run| Some(run.retried as f64), show: count },
    Kind { name: "throttled", value: |run| Some(run.throttled as f64), show: count },
    Kind { name: "lost", value: |run| run.lost.map(|lost| lost as f64), show: count },
];

impl Comparison {
    /// Compares runs with the first of them. `all` are the recorded runs among which repeated ones are looked for.
    pub fn of(runs: &[Recorded], all: &[Recorded]) -> Self {
        let repeats: Vec<Vec<&RunReport>> = runs.iter().map(|run| repeats(run, all)).collect();
        let side = |(run, repeats): (&Recorded, &Vec<&RunReport>)| Side {
            run: run.about.run.clone(),
            stack: run.about.stack.clone(),
            verdict: run.verdict().to_string(),
            repeated: repeats.len(),
        };
        let measures = KINDS.iter().map(|kind| kind.measure(runs, &repeats));
        Self { runs: runs.iter().zip(&repeats).map(side).collect(), measures: measures.collect() }
    }

    /// A table for a terminal of this width.
    pub fn text(&self, width: Option<usize>) -> String {
        let columns = self.head().into_iter().map(|name| (name, "varchar".to_owned())).collect();
        let rows = self.cells().into_iter().map(|row| row.into_iter().map(Some).collect()).collect();
        format!("{}\n{}", Rows { columns, rows }.pretty(width), self.notes())
    }

    /// The same as Markdown.
    pub fn markdown(&self) -> String {
        let line =
            |cells: &[String]| format!("| {} |\n", cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(" | "));
        let head = self.head();
        let rule = format!("|{}\n", "---|".repeat(head.len()));
        let rows: String = self.cells().iter().map(|row| line(row)).collect();
        format!("{}{rule}{rows}\n{}", line(&head), cell_lines(&self.notes()))
    }

    fn head(&self) -> Vec<String> {
        let mut head = vec![String::new(), self.runs[0].run.clone()];
        for run in &self.runs[1..] {
            head.extend([run.run.clone(), "difference".to_owned()]);
        }
        head
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let mut first = vec!["verdict".to_owned(), self.runs[0].verdict.clone()];
        self.runs[1..].iter().for_each(|run| first.extend([run.verdict.clone(), String::new()]));
        let row = |measure: &Measure| {
            let shown = |value: &Option<f64>| value.map_or("–".to_owned(), measure.show);
            let mut row = vec![measure.name.to_owned(), shown(&measure.values[0])];
            for (value, difference) in measure.values[1..].iter().zip(&measure.differences) {
                row.extend([
                    shown(value),
                    difference.map_or(String::new(), |difference| difference.text(measure.show)),
                ]);
            }
            row
        };
        std::iter::once(first).chain(self.measures.iter().map(row)).collect()
    }

    fn notes(&self) -> String {
        let mut text = String::new();
        for Side { run, repeated, .. } in &self.runs {
            let _ = match repeated {
                0 | 1 => writeln!(text, "{run}: no other run of the same stack file is recorded, so it has no spread"),
                n => writeln!(text, "{run}: its spread is that of {n} runs of the same stack file"),
            };
        }
        text
    }
}

fn cell_lines(text: &str) -> String {
    text.lines().map(|line| format!("- {}\n", cell(line))).collect()
}

impl Kind {
    fn measure(&self, runs: &[Recorded], repeats: &[Vec<&RunReport>]) -> Measure {
        let values: Vec<Option<f64>> = runs.iter().map(|run| (self.value)(&run.report)).collect();
        let spread = |of: &[&RunReport]| spread(of.iter().filter_map(|run| (self.value)(run)));
        let first = values.first().copied().flatten().zip(repeats.first());
        let difference = |(value, own): (&Option<f64>, &Vec<&RunReport>)| {
            let (value, (base, of_base)) = value.zip(first)?;
            let spread = [spread(of_base), spread(own)].into_iter().flatten().reduce(f64::max);
            let by = value - base;
            let percent = (base != 0.0).then(|| by / base * 100.0);
            Some(Difference { by, percent, spread, exceeds_spread: spread.map(|spread| by.abs() > spread) })
        };
        let differences = values.iter().zip(repeats).skip(1).map(difference).collect();
        Measure { name: self.name, values, differences, show: self.show }
    }
}

impl Difference {
    fn text(self, show: fn(f64) -> String) -> String {
        if self.by == 0.0 {
            return "none".to_owned();
        }
        let sign = if self.by < 0.0 { "-" } else { "+" };
        let by = self.percent.map_or_else(|| show(self.by.abs()), |percent| format!("{:.1} %", percent.abs()));
        let beyond = match self.exceeds_spread {
            Some(true) => ", beyond the spread",
            Some(false) => ", within the spread",
            None => "",
        };
        format!("{sign}{by}{beyond}")
    }
}

/// The recorded runs that differ from this one in nothing that is known, it among them.
fn repeats<'a>(run: &Recorded, all: &'a [Recorded]) -> Vec<&'a RunReport> {
    let is_repeat = |other: &&Recorded| {
        let (about, of) = (&run.about, &other.about);
        let same = (&about.spec, &about.version, &about.machine, &about.worker)
            == (&of.spec, &of.version, &of.machine, &of.worker);
        same && other.ended.is_some()
            && other.error.is_none()
            && !other.report.interrupted
            && other.report.actions == run.report.actions
    };
    all.iter().filter(is_repeat).map(|other| &other.report).collect()
}

/// The distance between the least and the greatest; none of fewer than two.
fn spread(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, least, most) = values
        .fold((0, f64::MAX, f64::MIN), |(count, least, most), value| (count + 1, least.min(value), most.max(value)));
    (count > 1).then_some(most - least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::recorded::tests::recorded;

    fn with_p99(run: &str, spec: u64, p99: f64) -> Recorded {
        let mut recorded = recorded();
        recorded.about.run = run.to_owned();
        recorded.about.spec = spec.into();
        recorded.report.ack_latency_ms.p99 = p99;
        recorded
    }

    #[test]
    fn a_difference_is_held_against_the_spread_of_repeated_runs() {
        let all = [("a", 1, 10.0), ("b", 1, 12.0), ("c", 2, 11.5), ("d", 2, 20.0), ("e", 3, 40.0)];
        let all = all.map(|(run, spec, p99)| with_p99(run, spec, p99));
        let compared = |of: &[usize]| {
            let runs: Vec<Recorded> = of.iter().map(|n| all[*n].clone()).collect();
            let comparison = Comparison::of(&runs, &all);
            let p99 =
                comparison.measures.iter().find(|measure| measure.name == "acknowledged in p99").expect("it").clone();
            (p99.differences[0].expect("both have it"), comparison)
        };
        let (difference, comparison) = compared(&[0, 3]);
        assert_eq!((difference.by, difference.spread, difference.exceeds_spread), (10.0, Some(8.5), Some(true)));
        let text = comparison.text(None);
        assert!(
            text.contains("+100.0 %, beyond the spread") && text.contains("a: its spread is that of 2 runs"),
            "{text}"
        );
        assert!(
            comparison.markdown().contains("| acknowledged in p99 | 10.0 ms | 20.0 ms | +100.0 %, beyond the spread |")
        );
        assert_eq!(compared(&[0, 2]).0.exceeds_spread, Some(false));
        let alone = with_p99("f", 4, 1.0);
        let comparison = Comparison::of(&[alone.clone(), all[4].clone()], &[alone]);
        assert!(comparison.text(None).contains("f: no other run of the same stack file is recorded"));
    }
}
