//! What is mutated: the files that ship.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// A stack or an overlay, read.
pub fn trees(files: &[PathBuf]) -> Vec<Value> {
    files.iter().map(|file| serde_yaml::from_str(&read(file)).expect("YAML that JSON can write")).collect()
}

/// The stack files that ship, and the good ones of the tests.
pub fn stacks() -> Vec<PathBuf> {
    let good = files("tests/specs", "yaml").into_iter().filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("good"))
    });
    files("stacks", "yaml").into_iter().chain(good).collect()
}

/// The overlays that ship.
pub fn overlays() -> Vec<PathBuf> {
    let is_overlay = |path: &PathBuf| !path.ends_with("prices.yaml");
    files("config", "yaml").into_iter().filter(is_overlay).collect()
}

/// Files with this ending, in an order that is always the same.
pub fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("readable").path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == ending)).collect();
    files.sort();
    files
}

pub fn read(file: impl AsRef<Path>) -> String {
    let file = file.as_ref();
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
