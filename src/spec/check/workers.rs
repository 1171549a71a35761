//! The checks of `load.workers`: what several processes or tasks can share.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    super::{
        file::{FargateFile, LoadFile, TasksFile, WorkersFile},
        load::Workload,
        mean,
        quantity::Refusal,
        schedule::{Schedule, Timetable},
        workers::{Fargate, MOST_WORKERS, SizeError, TaskSize, Workers},
    },
    values::{Check, MIB},
};

const WORKERS: &str = "load.workers";
const TASKS: &str = "load.workers.fargate.tasks";
const CPU: &str = "load.workers.fargate.cpu";
const MEMORY: &str = "load.workers.fargate.memory";
const IMAGE: &str = "load.workers.fargate.image";
const START: &str = "load.workers.fargate.start_timeout";
const START_TIMEOUT: Duration = Duration::from_secs(600);
const START_TIMEOUTS: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(3_600);
const DEFAULT_VCPUS: f64 = 1.0;

impl Check<'_> {
    /// Workers have documents next to each other, each at its part of the rate.
    pub(super) fn workers(
        &mut self,
        load: &LoadFile,
        workload: Option<&Workload>,
        schedule: Option<&Schedule>,
    ) -> Option<Option<Workers>> {
        let Some(workers) = &load.workers else { return Some(None) };
        let problem = match schedule {
            Some(Schedule::Max(_)) => {
                "workers cannot share a load at rate `max`: how much each sends is not known before"
            }
            Some(Schedule::Open(Timetable::Replay(_))) => {
                "workers cannot share a replay: each of its documents has a time of its own"
            }
            _ if load.ordered == Some(true) => {
                "workers cannot keep the order of a partition key: two of them may have documents with it"
            }
            _ => return self.sharing(workers, load, workload, schedule).map(Some),
        };
        let remedy = format!("a load at a rate, not `ordered` (`--set {WORKERS}=null` has one process send it)");
        self.refuse_key(WORKERS, Refusal::new(problem, remedy));
        None
    }

    fn sharing(
        &mut self,
        workers: &WorkersFile,
        load: &LoadFile,
        workload: Option<&Workload>,
        schedule: Option<&Schedule>,
    ) -> Option<Workers> {
        let fargate = match workers {
            WorkersFile::Processes(count) => return Some(Workers::Processes(*count)),
            WorkersFile::Map(map) => &map.fargate,
        };
        if matches!(workload, Some(Workload::JsonLines { .. })) {
            let expected = "documents that are made from the stack file: `store_sales`, a template or a mix";
            let problem = "a task does not have the file that the documents are read from";
            self.refuse_key(WORKERS, Refusal::new(problem, expected));
            return None;
        }
        let image = self.image(fargate);
        let start_timeout = self.start_timeout(fargate);
        let size = self.task_size(fargate)?;
        let tasks = match fargate.tasks {
            Some(TasksFile::Number(tasks)) => tasks,
            Some(TasksFile::Word(_)) | None => {
                let (peak, bytes) = (schedule?.peak()?, mean::mean_bytes(workload?)?);
                self.most(size.tasks_for(peak, bytes, load.transport.unwrap_or_default()))?
            }
        };
        Some(Workers::Fargate(Fargate { tasks, size, image: image?, start_timeout: start_timeout? }))
    }

    fn most(&mut self, tasks: f64) -> Option<u32> {
        if tasks > f64::from(MOST_WORKERS) {
            let problem = format!("the load's rate takes {tasks} tasks of this size");
            let expected = format!("up to {MOST_WORKERS} tasks: larger ones, or a lower rate");
            self.refuse(TASKS, Refusal::new(problem, expected));
            return None;
        }
        Some(tasks as u32)
    }

    fn task_size(&mut self, fargate: &FargateFile) -> Option<TaskSize> {
        let memory = match &fargate.memory {
            None => None,
            // What is no whole MiB is refused with the other sizes that no task has.
            Some(text) => Some(self.size(MEMORY, text).map(|bytes| mib(bytes).unwrap_or(0))?),
        };
        let vcpus = fargate.cpu.unwrap_or(DEFAULT_VCPUS);
        match TaskSize::of(vcpus, memory) {
            Ok(size) => Some(size),
            Err(SizeError::Cpu) => {
                let problem = format!("no task on Fargate has {vcpus} vCPUs");
                self.refuse(CPU, Refusal::new(problem, "0.25, 0.5, 1, 2, 4, 8 or 16"));
                None
            }
            Err(SizeError::Memory { least, most, step }) => {
                let problem = format!("no task on Fargate with {vcpus} vCPUs has this much memory");
                let expected = format!("{} to {} in steps of {}", shown(least), shown(most), shown(step));
                self.refuse(MEMORY, Refusal::new(problem, expected));
                None
            }
        }
    }

    fn start_timeout(&mut self, fargate: &FargateFile) -> Option<Duration> {
        let Some(text) = &fargate.start_timeout else { return Some(START_TIMEOUT) };
        let time = self.time(START, text, "m")?;
        if !START_TIMEOUTS.contains(&time) {
            let problem = format!("a task is not waited for {}", text.0);
            self.refuse(START, Refusal::new(problem, "10s to 1h"));
            return None;
        }
        Some(time)
    }

    fn image(&mut self, fargate: &FargateFile) -> Option<Option<String>> {
        let Some(image) = &fargate.image else { return Some(None) };
        // ECS API reference, ContainerDefinition: letters, digits, hyphens, underscores, colons, periods, slashes and number signs.
        let is_known = |c: char| c.is_ascii_alphanumeric() || "-_:./#@".contains(c);
        if image.is_empty() || image.len() > 255 || !image.chars().all(is_known) {
            let expected = "such as `public.ecr.aws/amazonlinux/amazonlinux:2023-minimal`";
            self.refuse(IMAGE, Refusal::new(format!("`{image}` names no image"), expected));
            return None;
        }
        Some(Some(image.clone()))
    }
}

fn mib(bytes: u64) -> Option<u32> {
    bytes.is_multiple_of(MIB).then(|| u32::try_from(bytes / MIB).ok()).flatten()
}

fn shown(mib: u32) -> String {
    match mib {
        512 | 1_536 => format!("{mib}MiB"),
        _ => format!("{}GiB", mib / 1_024),
    }
}
