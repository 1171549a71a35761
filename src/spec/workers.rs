//! Who sends a load in place of this process alone, and how much one task carries.

use std::{fmt, ops::RangeInclusive, time::Duration};

use super::sending::Transport;

/// The most workers of a load.
pub(super) const MOST_WORKERS: u32 = 4_000;

/// Who shares a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Workers {
    /// So many processes of this machine.
    Processes(u32),
    /// Tasks on Fargate.
    Fargate(Fargate),
}

/// Tasks on Fargate, all alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fargate {
    /// How many.
    pub tasks: u32,
    /// What each has.
    pub size: TaskSize,
    /// The image that each runs in, in place of the default one.
    pub image: Option<String>,
    /// How long each may take until it is heard of.
    pub start_timeout: Duration,
}

/// What a task has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskSize {
    /// In 1/1,024 of a vCPU.
    pub cpu_units: u32,
    /// In MiB.
    pub memory_mib: u32,
}

/// CPU units, the memory in MiB that goes with them, and its steps (ECS developer guide, "Task CPU and memory").
const SIZES: [(u32, RangeInclusive<u32>, u32); 7] = [
    (256, 512..=2_048, 512),
    (512, 1_024..=4_096, 1_024),
    (1_024, 2_048..=8_192, 1_024),
    (2_048, 4_096..=16_384, 1_024),
    (4_096, 8_192..=30_720, 1_024),
    (8_192, 16_384..=61_440, 4_096),
    (16_384, 32_768..=122_880, 8_192),
];
/// Of a vCPU.
const UNITS: f64 = 1_024.0;

/// CPU-seconds for a byte of documents made and sent over TLS, measured with full ones (docs/benchmarks.md, "Cost against
/// other producers").
const CBOR: f64 = 11.6e-6 / 8_170.0;
const JSON: f64 = 15.1e-6 / 8_170.0;
const SDK: f64 = 23.8e-6 / 8_170.0;
/// And for each, however short it is.
const DOCUMENT: f64 = 1e-6;
/// What a task's link is planned with, in bytes a second: nobody publishes what it carries.
const LINK: f64 = 1e9 / 8.0;
/// How much of its CPU and of its link a task is given to do, since neither is its alone.
pub const BUSY: f64 = 0.7;

impl Workers {
    /// How many there are.
    pub fn count(&self) -> u32 {
        match self {
            Self::Processes(count) => *count,
            Self::Fargate(fargate) => fargate.tasks,
        }
    }

    /// The tasks, if they are tasks.
    pub fn fargate(&self) -> Option<&Fargate> {
        match self {
            Self::Processes(_) => None,
            Self::Fargate(fargate) => Some(fargate),
        }
    }
}

impl TaskSize {
    /// What a task has with this much CPU, and this much memory or the least that goes with it.
    ///
    /// # Errors
    /// What Fargate has instead.
    pub(super) fn of(vcpus: f64, memory_mib: Option<u32>) -> Result<Self, SizeError> {
        let (cpu_units, memory, step) =
            SIZES.iter().find(|(units, ..)| f64::from(*units) == vcpus * UNITS).ok_or(SizeError::Cpu)?;
        let is_one = |mib: &u32| memory.contains(mib) && mib.is_multiple_of(*step);
        // The smallest of all has 2 GB after 1 GB.
        let is_gap = |mib: &u32| *cpu_units == 256 && *mib == 1_536;
        match memory_mib {
            None => Ok(Self { cpu_units: *cpu_units, memory_mib: *memory.start() }),
            Some(mib) if is_one(&mib) && !is_gap(&mib) => Ok(Self { cpu_units: *cpu_units, memory_mib: mib }),
            Some(_) => Err(SizeError::Memory { least: *memory.start(), most: *memory.end(), step: *step }),
        }
    }

    /// Its vCPUs.
    pub fn vcpus(&self) -> f64 {
        f64::from(self.cpu_units) / UNITS
    }

    /// Its memory in GB, as Fargate counts and charges it.
    pub fn memory_gb(&self) -> f64 {
        f64::from(self.memory_mib) / UNITS
    }

    /// Documents of this mean length that it makes and sends in a second, as it is planned with.
    pub fn carries(&self, mean_bytes: f64, transport: Transport) -> f64 {
        let by_byte = match transport {
            Transport::Cbor => CBOR,
            Transport::Json => JSON,
            Transport::Sdk => SDK,
        };
        let by_cpu = self.vcpus() / (DOCUMENT + by_byte * mean_bytes);
        let by_link = LINK / mean_bytes;
        by_cpu.min(by_link) * BUSY
    }

    /// How many such tasks take `rate` documents a second.
    pub(super) fn tasks_for(&self, rate: f64, mean_bytes: f64, transport: Transport) -> f64 {
        (rate / self.carries(mean_bytes, transport)).ceil().max(1.0)
    }
}

impl fmt::Display for TaskSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} vCPU, {} GB", self.vcpus(), self.memory_gb())
    }
}

/// Why no task has this size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SizeError {
    Cpu,
    /// In MiB.
    Memory {
        least: u32,
        most: u32,
        step: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_has_the_sizes_of_fargate_and_no_other() {
        let size = |vcpus, memory| TaskSize::of(vcpus, memory);
        assert_eq!(size(4.0, Some(8_192)), Ok(TaskSize { cpu_units: 4_096, memory_mib: 8_192 }));
        assert_eq!(size(0.25, None), Ok(TaskSize { cpu_units: 256, memory_mib: 512 }));
        assert_eq!(size(3.0, None), Err(SizeError::Cpu));
        assert!(size(0.25, Some(1_536)).is_err() && size(0.25, Some(2_048)).is_ok());
        assert_eq!(size(8.0, Some(17_408)), Err(SizeError::Memory { least: 16_384, most: 61_440, step: 4_096 }));
        assert_eq!(size(4.0, Some(8_192)).expect("a size").to_string(), "4 vCPU, 8 GB");
    }

    #[test]
    fn a_task_carries_what_its_cpu_makes_and_no_more_than_its_link() {
        let small = TaskSize::of(0.25, None).expect("a size");
        let large = TaskSize::of(4.0, None).expect("a size");
        let short = small.carries(200.0, Transport::Cbor);
        assert!((130_000.0..140_000.0).contains(&short), "{short}");
        assert!(small.carries(200.0, Transport::Json) < short);
        assert_eq!(large.carries(8_170.0, Transport::Cbor), LINK / 8_170.0 * BUSY, "its link is the limit");
        assert_eq!(large.tasks_for(1e6, 8_170.0, Transport::Cbor), 94.0);
        assert_eq!(large.tasks_for(1.0, 10.0, Transport::Cbor), 1.0);
    }
}
