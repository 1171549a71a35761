//! The page of a run, section by section.

use std::fmt::Write;

use super::{
    escaped,
    plot::{Line, Plot, PlotError, Scale, bars},
    series,
};
use crate::report::{
    figures::{Figure, counts, leftovers, phases, speed},
    numbers::{bytes, grouped, millis},
    recorded::{About, Recorded},
    second::MomentKind,
    visible::joined,
};

/// Shards that are named.
const NAMED: usize = 5;

/// The page. The verdict comes first, how to run it again last.
///
/// # Errors
/// A plot cannot be drawn.
pub fn page(run: &Recorded) -> Result<String, PlotError> {
    let (about, title) = (&run.about, format!("{}: {}", run.about.stack, run.verdict()));
    let marks: Vec<f64> =
        run.moments.iter().filter(|moment| moment.kind == MomentKind::Action).map(|moment| moment.at).collect();
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\">\n<title>{}</title>\n<style>\n{}</style></head>\n<body>\n",
        escaped(&title),
        include_str!("page.css")
    );
    html += &head(run);
    html += &section(
        "Figures",
        &format!("<div class=\"columns\">{}{}</div>", table(&counts(&run.report)), table(&speed(&run.report))),
    );
    html += &thresholds(run);
    html += &problems(run);
    html += &section("Load", &load(run, &marks)?);
    html += &section("Balance of the shards", &balance(run)?);
    html += &section("Destinations", &destinations(run, &marks)?);
    html += &section("Events", &events(run));
    html += &section("Phases", &table(&phases(&run.report)));
    html += &section("Processors and memory", &processes(run)?);
    html += &section("Cost", &cost(run));
    html += &section("What is left", &format!("<p>{}</p>", escaped(&leftovers(&run.report))));
    html += &again(about);
    Ok(html + "</body></html>\n")
}

/// Nothing where there is nothing to say.
fn section(title: &str, content: &str) -> String {
    if content.is_empty() {
        String::new()
    } else {
        format!("<section><h2>{}</h2>\n{content}</section>\n", escaped(title))
    }
}

fn head(run: &Recorded) -> String {
    let (about, verdict) = (&run.about, run.verdict());
    let good = if verdict.is_good() { " good" } else { "" };
    let worker = about.worker.as_ref().map_or(String::new(), |worker| format!(", worker {worker}"));
    let (run_of, ran) = (format!("Run {}{worker}", about.run), format!("on {}, {}", about.target, about.started));
    format!(
        "<header><h1>{}</h1>\n<p class=\"soft\">{} {}</p>\n<p class=\"verdict{good}\">{}</p></header>\n",
        escaped(&about.stack),
        escaped(&run_of),
        escaped(&ran),
        escaped(&run.sentence())
    )
}

fn table(figures: &[Figure]) -> String {
    let row = |Figure { name, value }: &Figure| {
        format!("<tr><td>{}</td><td class=\"n\">{}</td></tr>\n", escaped(name), escaped(value))
    };
    if figures.is_empty() {
        String::new()
    } else {
        format!("<table>\n{}</table>\n", figures.iter().map(row).collect::<String>())
    }
}

fn thresholds(run: &Recorded) -> String {
    let mut rows = String::new();
    if let Some(abort) = &run.report.aborted {
        let _ = writeln!(
            rows,
            "<tr class=\"bad\"><td colspan=\"3\">the load was stopped: {}</td></tr>",
            escaped(&abort.to_string())
        );
    }
    for check in &run.report.thresholds {
        let (class, sign) = if check.met { ("", "✓") } else { (" class=\"bad\"", "✗") };
        let _ = writeln!(
            rows,
            "<tr{class}><td>{sign} {}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            escaped(&check.name),
            escaped(&check.actual),
            escaped(&check.limit)
        );
    }
    for name in &run.report.unmeasured {
        let _ = writeln!(rows, "<tr><td>? {}</td><td class=\"n\">not measured</td><td></td></tr>", escaped(name));
    }
    if rows.is_empty() {
        return rows;
    }
    let head = "<tr><th>Threshold</th><th class=\"n\">reached</th><th class=\"n\">limit</th></tr>";
    section("Thresholds", &format!("<table>{head}\n{rows}</table>\n"))
}

fn cost(run: &Recorded) -> String {
    let of_run = run.report.cost.as_ref().map(|cost| format!("<p>The run costs {}.</p>\n", escaped(&cost.to_string())));
    let of_stack = format!("<p>The stack costs {} while it is up.</p>\n", escaped(&run.about.cost));
    of_run.unwrap_or_default() + &of_stack
}

fn problems(run: &Recorded) -> String {
    let report = &run.report;
    let unrecorded = report.unrecorded.iter().map(|why| format!("The record of this run is incomplete: {why}"));
    let torn = run.torn.iter().map(|torn| format!("Left out of the record: {torn}"));
    let all = report.problems.iter().map(|problem| joined(problem)).chain(unrecorded).chain(torn);
    let rows: String = all.map(|problem| format!("<tr class=\"bad\"><td>{}</td></tr>\n", escaped(&problem))).collect();
    if rows.is_empty() { rows } else { section("Problems", &format!("<table>\n{rows}</table>\n")) }
}

fn plot(title: &str, lines: Vec<Line>, marks: &[f64], label: fn(f64) -> String) -> Result<String, PlotError> {
    Plot { title, lines, marks, scale: Scale::Linear, label }.figure()
}

fn load(run: &Recorded, marks: &[f64]) -> Result<String, PlotError> {
    let (rows, count) = (&run.seconds, |n: f64| grouped(n.round() as u64));
    let mut html = plot("Documents a second: schedule, offered, acknowledged", series::rates(rows), marks, count)?;
    let (title, lines) = ("Time until acknowledged, by powers of ten", series::latencies(rows));
    html +=
        &Plot { title, lines, marks, scale: Scale::Logarithmic, label: |n| format!("{} ms", millis(n)) }.figure()?;
    html += &plot("Sent again, a second", series::retries(rows), marks, count)?;
    html += &plot("Documents in flight", series::in_flight(rows), marks, count)?;
    if !html.is_empty() {
        html += "<p class=\"soft\">Time from the intended send time includes what a document waits before it is sent; time of the \
                 service is from the request to its answer.";
        if !marks.is_empty() {
            html += " Dashed lines are events.";
        }
        html += "</p>\n";
    }
    Ok(html)
}

fn balance(run: &Recorded) -> Result<String, PlotError> {
    let shards = series::shards(&run.seconds);
    let documents: Vec<u64> = shards.iter().map(|shard| shard.1).collect();
    let mut html = bars("Documents by shard, the busiest first", &documents, |n| grouped(n.round() as u64))?;
    if html.is_empty() {
        return Ok(html);
    }
    if let Some(uneven) = &run.report.imbalance {
        let _ = writeln!(
            html,
            "<p>The hottest of {} shards, {}, got {:.1} times the mean.</p>",
            grouped(uneven.shards),
            escaped(&uneven.hottest),
            uneven.over_mean
        );
    }
    html += "<table><tr><th>Shard</th><th class=\"n\">documents</th><th class=\"n\">throttled</th></tr>\n";
    for (id, documents, throttled) in shards.iter().take(NAMED) {
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            escaped(id),
            grouped(*documents),
            grouped(*throttled)
        );
    }
    if shards.len() > NAMED {
        let _ =
            writeln!(html, "<tr><td>and {} more</td><td></td><td></td></tr>", grouped((shards.len() - NAMED) as u64));
    }
    Ok(html + "</table>\n")
}

fn destinations(run: &Recorded, marks: &[f64]) -> Result<String, PlotError> {
    let rows = &run.seconds;
    let mut html =
        plot("Documents acknowledged and not found yet", series::behind(rows), &[], |n| grouped(n.round() as u64))?;
    let seconds = |n: f64| format!("{} ms", grouped(n.round() as u64));
    html += &plot("Time until a tracked document could be read", series::freshness(rows), marks, seconds)?;
    Ok(html)
}

fn events(run: &Recorded) -> String {
    let row = |(at, text, is_bad): (f64, &str, bool)| {
        let class = if is_bad { " class=\"bad\"" } else { "" };
        format!("<tr{class}><td class=\"n\">{at:.1} s</td><td>{}</td></tr>\n", escaped(text))
    };
    let moments =
        run.moments.iter().map(|moment| (moment.at, moment.text.as_str(), moment.kind == MomentKind::Warning));
    let rows: String = moments.map(row).collect();
    if rows.is_empty() { rows } else { format!("<table class=\"events\">\n{rows}</table>\n") }
}

fn processes(run: &Recorded) -> Result<String, PlotError> {
    let mut html = plot("Processors in use", series::processors(&run.seconds), &[], |n| format!("{n:.1}"))?;
    html += &plot("Memory in use", series::memory(&run.seconds), &[], bytes)?;
    Ok(html)
}

fn again(about: &About) -> String {
    let About { command, version, machine, spec, .. } = about;
    let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
    let memory = machine.memory.map(|memory| format!("{} of memory", bytes(memory as f64)));
    let processors = format!("{} processors", machine.processors);
    let parts =
        [Some(machine.system.clone()), machine.kernel.clone(), machine.processor.clone(), Some(processors), memory];
    let on: Vec<String> = parts.into_iter().flatten().collect();
    let spec = serde_json::to_string_pretty(spec).unwrap_or_else(|error| error.to_string());
    let lines: Vec<String> = spec.lines().map(escaped).collect();
    section(
        "How to run it again",
        &format!(
            "<pre>{}</pre>\n<p class=\"soft\">demo {} on {}</p>\n<details><summary>The stack as it was run</summary><pre>{}</pre></details>\n",
            escaped(&words.join(" ")),
            escaped(version),
            escaped(&on.join(", ")),
            lines.join("\n")
        ),
    )
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,%+@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
