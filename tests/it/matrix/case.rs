//! Which stacks are tried.

use std::{fs, path::PathBuf};

use demo_formats::schema::{self, Schema};
use kinesis_demo::{
    load::OpenWorkload,
    spec::{self, Stack, Workload},
};

/// A stack of `stacks/`, or one with something laid over it.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    file: PathBuf,
    sets: Vec<String>,
}

/// Only this one, where it is set: for whoever looks into one.
const ONE: &str = "KINESIS_DEMO_MATRIX";

impl Case {
    /// Every stack that is in the folder, a Redshift of the stack's own, one whose workers are tasks on Fargate, one
    /// with a time to live, and one whose journal has a mirror.
    pub fn all() -> Vec<Self> {
        let files = fs::read_dir("stacks").expect("the folder is there").map(|entry| entry.expect("readable").path());
        let mut all: Vec<Self> = files
            .filter(|path| path.extension().is_some_and(|kind| kind == "yaml"))
            .map(|file| Self::of(file, "", &[]))
            .collect();
        all.push(Self::created());
        all.push(Self::of("stacks/stream-only.yaml".into(), " (mirrored)", &["mirror=true"]));
        all.push(Self::fargate());
        all.push(Self::of("stacks/store-sales-s3.yaml".into(), " (ttl)", &["ttl=30d"]));
        all.push(Self::of("stacks/store-sales-s3.yaml".into(), " (mirror)", &["mirror=true"]));
        all.sort_by(|a, b| a.name.cmp(&b.name));
        match std::env::var(ONE) {
            Ok(one) => all.into_iter().filter(|case| case.name == one).collect(),
            Err(_) => all,
        }
    }

    /// The one whose Redshift is its own.
    pub fn created() -> Self {
        let own = ["deliver.redshift.workgroup=null", "deliver.redshift.create=true"];
        Self::of("stacks/store-sales-redshift.yaml".into(), " (created)", &own)
    }

    /// One whose workers are tasks on Fargate.
    pub fn fargate() -> Self {
        Self::of("stacks/stream-only.yaml".into(), " (fargate)", &["load.workers.fargate.tasks=2"])
    }

    /// That of a stack's file, without its ending.
    pub fn named(stem: &str) -> Self {
        Self::of(format!("stacks/{stem}.yaml").into(), "", &[])
    }

    fn of(file: PathBuf, what: &str, sets: &[&str]) -> Self {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).expect("a name of text");
        let sets = ["stream.shards=1"].iter().chain(sets).map(|&set| set.to_owned()).collect();
        Self { name: format!("{stem}{what}"), file, sets }
    }

    pub fn stack(&self) -> Stack {
        let checked = spec::read(&self.file, &[], &self.sets);
        checked.unwrap_or_else(|errors| panic!("{}: {errors}", self.name)).stack
    }
}

/// The columns of its documents.
pub fn schema_of(stack: &Stack) -> Schema {
    match stack.load.workload {
        Workload::StoreSales { .. } => schema::store_sales().clone(),
        _ => OpenWorkload::of(stack).expect("its documents open").schema().expect("columns"),
    }
}
