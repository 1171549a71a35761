//! What the figures were measured on and with.

use std::{fs, process::Command};

/// Crates on the way of a record, whose versions matter.
const CRATES: [&str; 11] = [
    "aws-sdk-kinesis",
    "aws-smithy-runtime",
    "aws-sigv4",
    "aws-lc-rs",
    "ring",
    "hyper",
    "hyper-rustls",
    "rustls",
    "sha2",
    "base64-simd",
    "tokio",
];

/// Prints it.
pub fn print() {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| cpuinfo.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(": "));
    let model = field("model name").map_or("unknown", |(_, model)| model);
    let flags = field("flags").map_or("", |(_, flags)| flags);
    let known =
        ["sha_ni", "avx2", "vaes", "avx512f"].into_iter().filter(|flag| flags.split(' ').any(|has| has == *flag));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    println!("processor: {model}, {cores} cores, {}", known.collect::<Vec<_>>().join(" "));
    println!("kernel: Linux {}", kernel.trim());
    println!("compiler: {}", first_line("rustc"));
    println!("crates: {}", crates().join(", "));
}

fn first_line(program: &str) -> String {
    let output = Command::new(program).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}

fn crates() -> Vec<String> {
    let lock = include_str!("../../../../Cargo.lock");
    let packages =
        lock.split("[[package]]").filter_map(|package| Some((value(package, "name")?, value(package, "version")?)));
    packages.filter(|(name, _)| CRATES.contains(name)).map(|(name, version)| format!("{name} {version}")).collect()
}

fn value<'a>(package: &'a str, name: &str) -> Option<&'a str> {
    let line = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))?;
    Some(line.trim_matches('"'))
}
