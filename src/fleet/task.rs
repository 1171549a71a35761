//! What a worker in a task of its own is told, by the variables of its environment.

use std::num::NonZeroU32;

use super::message::Seat;
use crate::load::{NotAPart, Part};

/// The AWS region, and an endpoint in place of AWS's: as every AWS tool calls them.
const REGION: &str = "AWS_REGION";
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
const BUCKET: &str = "DEMO_BUCKET";
const RUN: &str = "DEMO_RUN";
const PART: &str = "DEMO_PART";
const GENERATION: &str = "DEMO_GENERATION";

/// A worker's seat, and the bucket where it meets its coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The region of stream and bucket.
    pub region: String,
    /// Called in place of AWS, if something is.
    pub endpoint_url: Option<String>,
    /// The stack's bucket.
    pub bucket: String,
    /// The run's id.
    pub run: String,
    /// The seat.
    pub seat: Seat,
}

/// Why variables say no task.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTask {
    /// One is missing.
    #[error("{0} is not set: `demo run` sets it for the workers that it starts")]
    Missing(&'static str),
    /// The part is none.
    #[error("{PART}: {0}")]
    Part(#[from] NotAPart),
    /// The generation is none.
    #[error("{GENERATION} `{0}` is not a number from 1")]
    Generation(String),
}

impl Task {
    /// As variables of an environment.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let Self { region, endpoint_url, bucket, run, seat } = self;
        let always = [
            (REGION, region.clone()),
            (BUCKET, bucket.clone()),
            (RUN, run.clone()),
            (PART, seat.part.to_string()),
            (GENERATION, seat.generation.to_string()),
        ];
        always.into_iter().chain(endpoint_url.clone().map(|url| (ENDPOINT_URL, url))).collect()
    }

    /// From the variables of an environment.
    ///
    /// # Errors
    /// They are not those of a task.
    pub fn of_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self, NoTask> {
        let set = |name| get(name).filter(|value| !value.is_empty());
        let needed = |name: &'static str| set(name).ok_or(NoTask::Missing(name));
        let part: Part = needed(PART)?.parse()?;
        let generation = needed(GENERATION)?;
        let generation = match generation.parse() {
            Ok(number) => NonZeroU32::get(number),
            Err(_) => return Err(NoTask::Generation(generation)),
        };
        Ok(Self {
            region: needed(REGION)?,
            endpoint_url: set(ENDPOINT_URL),
            bucket: needed(BUCKET)?,
            run: needed(RUN)?,
            seat: Seat { part, generation },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn of(variables: &HashMap<&'static str, String>) -> Result<Task, NoTask> {
        Task::of_variables(|name| variables.get(name).cloned())
    }

    #[test]
    fn a_task_is_read_as_it_was_written_and_what_is_missing_is_named() {
        let seat = Seat { part: Part { worker: 2, of: 3 }, generation: 1 };
        let (region, bucket) = ("eu-west-1".to_owned(), "shop-0a1b2c3d".to_owned());
        let task = Task { region, endpoint_url: None, bucket, run: "friday".to_owned(), seat };
        let local = Task { endpoint_url: Some("http://127.0.0.1:4566".to_owned()), ..task.clone() };
        for task in [&task, &local] {
            assert_eq!(of(&task.variables().into_iter().collect()).as_ref(), Ok(task));
        }
        for (name, _) in task.variables() {
            let mut fewer: HashMap<_, _> = task.variables().into_iter().collect();
            fewer.remove(name);
            assert_eq!(of(&fewer), Err(NoTask::Missing(name)));
        }
        let with = |name, value: &str| {
            let mut other: HashMap<_, _> = task.variables().into_iter().collect();
            other.insert(name, value.to_owned());
            of(&other).expect_err("no task").to_string()
        };
        assert!(with(PART, "4/3").starts_with("DEMO_PART: "), "{}", with(PART, "4/3"));
        assert_eq!(with(GENERATION, "0"), "DEMO_GENERATION `0` is not a number from 1");
    }
}
