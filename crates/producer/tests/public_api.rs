//! The public API of the libraries, item by item, as it is kept in each one's `public-api.txt`: a change of it shows in the
//! diff. `WRITE_PUBLIC_API=1` writes the listings anew.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What `rustdoc` finds public, without what every type has and without what is derived.
fn listing(package: &str) -> String {
    let built = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .current_dir(root())
        .env("RUSTDOC", root().join("ci/rustdoc-unstable.sh"))
        .args(["rustdoc", "--lib", "--locked", "--quiet", "--package", package, "--"])
        .args(["-Z", "unstable-options", "--output-format", "json"])
        .status()
        .expect("cargo");
    assert!(built.success(), "cargo rustdoc: {built}");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in the target folder");
    let json = target.join("doc").join(format!("{}.json", package.replace('-', "_")));
    let builder = public_api::Builder::from_rustdoc_json(json).omit_blanket_impls(true).omit_auto_trait_impls(true);
    let api = builder.omit_auto_derived_impls(true).build().expect("a version of the JSON that is known");
    api.to_string()
}

#[test]
#[ignore = "builds the libraries' documentation"]
fn the_public_api_is_the_one_that_was_reviewed() {
    for (package, folder) in [("kinesis-producer", "producer"), ("kinesis-aggregation", "aggregation")] {
        let kept = root().join("crates").join(folder).join("public-api.txt");
        let found = listing(package);
        if env::var_os("WRITE_PUBLIC_API").is_some() {
            fs::write(&kept, &found).expect("the crate's folder");
        }
        let known = fs::read_to_string(&kept).unwrap_or_default();
        let only_in = |one: &str, other: &str, mark: &str| -> String {
            one.lines()
                .filter(|line| !other.lines().any(|known| known == *line))
                .map(|l| format!("{mark} {l}\n"))
                .collect()
        };
        let diff = only_in(&known, &found, "-") + &only_in(&found, &known, "+");
        assert!(known == found, "the public API of {package} has changed; WRITE_PUBLIC_API=1 writes it anew:\n{diff}");
    }
}
