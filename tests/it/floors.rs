//! Imports run downward: a file of the tool imports only from modules above its own line in `src/lib.rs`, or from its own; a
//! crate knows no other crate of ours than its line here names. A folder is on one floor, but for `deliveries`: the `spec`
//! of a delivery is a part of `spec`.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What each crate knows of the others.
const CRATES: &[(&str, &[&str])] = &[
    ("aggregation", &[]),
    ("formats", &[]),
    ("workload", &["demo-formats"]),
    ("function", &["kinesis-aggregation"]),
    ("producer", &["kinesis-aggregation"]),
    ("stand-in", &["demo-formats", "kinesis-aggregation"]),
];
/// Modules that import less than their floor would allow.
const ALONE: &[(&str, &[&str])] = &[("engine", &[])];

/// The module whose files named `spec`, and those in folders of that name, are on the floor of the module `spec`.
const DELIVERIES: &str = "deliveries";

/// Words that a module's code must not have: what only the command line knows.
const FOREIGN: &[(&str, &[&str])] =
    &[("operations", &["clap::", "indicatif::", "std::process", "tokio::signal", "println!", "stderr()", "stdout()"])];

/// Our own crates among those that a manifest's `[dependencies]` name.
fn known_crates(manifest: &str) -> Vec<&str> {
    let section = manifest.split("\n[").find_map(|section| section.strip_prefix("dependencies]")).unwrap_or_default();
    let name = |line: &'_ str| line.find(['.', ' ', '=']).map_or(line.len(), |end| end);
    let names = section.lines().map(|line| &line[..name(line)]);
    let is_ours = |name: &&str| ["aws-stand-in", "demo-", "kinesis-"].iter().any(|ours| name.starts_with(ours));
    names.filter(is_ours).collect()
}

#[test]
fn a_crate_knows_those_that_it_should() {
    let folder = root().join("crates");
    let mut found: Vec<String> = Vec::new();
    for entry in fs::read_dir(&folder).expect("the crates") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        let manifest = fs::read_to_string(folder.join(&name).join("Cargo.toml")).expect("a manifest");
        let (_, allowed) = CRATES.iter().find(|(known, _)| *known == name).expect("a line in CRATES");
        assert_eq!(known_crates(&manifest), *allowed, "{name}");
        found.push(name);
    }
    assert_eq!(found.len(), CRATES.len(), "{found:?}");
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\nbytes.workspace = true\ndemo-formats.workspace = true\n\n[dev-dependencies]\naws-stand-in.workspace = true\n";
    assert_eq!(known_crates(manifest), ["demo-formats"]);
}

fn floors() -> Vec<String> {
    let lib = fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs");
    lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).map(str::to_owned).collect()
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The floors of this crate that a source text names, `use crate::{a, b::c}` included.
fn imports(source: &str) -> Vec<String> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut found = Vec::new();
    let start = source.as_ptr() as usize;
    for line in code {
        for (at, _) in line.match_indices("crate::") {
            found.extend(floors_of(&source[line.as_ptr() as usize - start + at + "crate::".len()..]));
        }
    }
    found
}

/// The floors that a path after `crate::` leads to, or each path of a group in braces.
fn floors_of(path: &str) -> Vec<String> {
    if let Some(group) = path.strip_prefix('{') {
        return top_level(group).flat_map(floors_of).collect();
    }
    let name = ident(path);
    match path[name.len()..].strip_prefix("::") {
        _ if name.is_empty() => Vec::new(),
        Some(inside) if name == DELIVERIES => floors_of_deliveries(inside),
        _ => vec![name.to_owned()],
    }
}

fn floors_of_deliveries(inside: &str) -> Vec<String> {
    if let Some(group) = inside.strip_prefix('{') {
        return top_level(group).flat_map(floors_of_deliveries).collect();
    }
    let name = ident(inside);
    match inside[name.len()..].strip_prefix("::") {
        _ if name == "spec" => vec!["spec".to_owned()],
        Some(below) if ident(below) == "spec" => vec!["spec".to_owned()],
        _ => vec![DELIVERIES.to_owned()],
    }
}

fn ident(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())]
}

/// The floor that a file below `src` is on.
fn floor_of(inside: &Path) -> &str {
    let mut names = inside.iter().map(|name| name.to_str().expect("UTF-8").trim_end_matches(".rs"));
    match names.next().expect("a name") {
        DELIVERIES if names.any(|name| name == "spec") => "spec",
        module => module,
    }
}

/// The items of a brace group, not those of the groups inside it.
fn top_level(group: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let end = group
        .find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth < 0
        })
        .unwrap_or(group.len());
    let mut depth = 0;
    group[..end]
        .split(move |c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        })
        .map(str::trim)
}

fn upward(module: &str, source: &str, floors: &[String]) -> Vec<String> {
    let floor = |name: &str| floors.iter().position(|f| f == name);
    let own = floor(module).unwrap_or(floors.len());
    let allowed = |name: &str| match ALONE.iter().find(|(alone, _)| *alone == module) {
        Some((_, only)) => only.contains(&name),
        None => floor(name).is_none_or(|f| f < own),
    };
    imports(source).into_iter().filter(|name| name != module && !allowed(name)).collect()
}

/// The words in a module's code that it must not have.
fn foreign(module: &str, source: &str) -> Vec<&'static str> {
    let words = FOREIGN.iter().filter(|(name, _)| *name == module).flat_map(|(_, words)| *words);
    words.copied().filter(|word| source.contains(word)).collect()
}

pub fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn no_import_runs_upward() {
    let (src, floors) = (root().join("src"), floors());
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 30 && floors.len() > 5, "{} files, {} floors", files.len(), floors.len());
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&src).expect("below src");
        let module = floor_of(inside);
        if module == "lib" || module == "main" {
            continue;
        }
        let source = fs::read_to_string(&file).expect("a source file");
        for import in upward(module, &source, &floors) {
            wrong.push(format!("{} imports crate::{import}", inside.display()));
        }
        for word in foreign(module, &source) {
            wrong.push(format!("{} has {word}", inside.display()));
        }
    }
    assert!(wrong.is_empty(), "imports that run upward:\n{}", wrong.join("\n"));
}

#[test]
fn an_upward_import_is_found() {
    let floors = floors();
    let found = |module, source| upward(module, source, &floors);
    assert_eq!(found("engine", "use crate::aws::bucket;"), ["aws"]);
    assert_eq!(found("aws", "use crate::{engine::Journal, load::{Load, Part}, spec};"), ["load"]);
    assert_eq!(found("spec", "fn f() { crate::cli::run(demo_formats::prefix::parse()) }"), ["cli"]);
    assert_eq!(found("engine", "use crate::{\n    spec,\n    engine::journal,\n};"), ["spec"]);
    assert_eq!(found("cli", "use crate::{aws, report, verify}; // all below\n/// [`crate::nothing`]"), [""; 0]);
    assert_eq!(found("operations", "use crate::{aws, cli::screen::Screen, engine};"), ["cli"]);
    assert_eq!(found("spec", "use crate::deliveries::{s3::{S3Delivery, spec::A}, spec::Deliver};"), ["deliveries"]);
    assert_eq!(found("spec", "use crate::deliveries::{s3::spec::A, spec::{B, C}};"), [""; 0]);
    assert_eq!(found("aws", "fn f() { crate::deliveries::of(a) }"), ["deliveries"]);
    let floors_of_files = ["deliveries/s3/spec/check.rs", "deliveries/spec.rs", "deliveries/s3/mod.rs", "spec/mod.rs"];
    assert_eq!(floors_of_files.map(|file| floor_of(Path::new(file))), ["spec", "spec", "deliveries", "spec"]);
    assert_eq!(foreign("operations", "use clap::Args;\nfn f() { println!() }"), ["clap::", "println!"]);
    assert!(foreign("cli", "use clap::Args;").is_empty());
}
