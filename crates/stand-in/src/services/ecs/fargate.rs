//! The sizes that a task on Fargate may have.

use serde::{Deserialize, Serialize};

use super::{ServiceError, refuse};

/// What a task may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Size {
    /// In units, of which a vCPU has 1,024.
    pub(super) cpu: u32,
    /// In MiB.
    pub(super) memory: u32,
}

/// The memory that goes with a number of CPU units: from, to and by how many MiB (ECS developer guide, "Task size").
const SIZES: [(u32, u32, u32, u32); 7] = [
    (256, 512, 2_048, 512),
    (512, 1_024, 4_096, 1_024),
    (1_024, 2_048, 8_192, 1_024),
    (2_048, 4_096, 16_384, 1_024),
    (4_096, 8_192, 30_720, 1_024),
    (8_192, 16_384, 61_440, 4_096),
    (16_384, 32_768, 122_880, 8_192),
];

impl Size {
    /// Reads the two, each a number or with a unit (`1 vCPU`, `2 GB`).
    pub(super) fn of(cpu: Option<&str>, memory: Option<&str>) -> Result<Self, ServiceError> {
        let missing =
            |what: &str| refuse::client(format!("Fargate requires that '{what}' be defined at the task level."));
        let (cpu, memory) = (cpu.ok_or_else(|| missing("cpu"))?, memory.ok_or_else(|| missing("memory"))?);
        let invalid = |what: &str, given: &str| refuse::client(format!("Invalid '{what}' setting for task: {given}"));
        let size = Self {
            cpu: units(cpu, "vcpu").ok_or_else(|| invalid("cpu", cpu))?,
            memory: units(memory, "gb").ok_or_else(|| invalid("memory", memory))?,
        };
        match size.exists() {
            true => Ok(size),
            false => Err(refuse::client(format!(
                "No Fargate configuration exists for given values: {} CPU, {} memory. See the Amazon ECS documentation for the valid values.",
                size.cpu, size.memory
            ))),
        }
    }

    fn exists(self) -> bool {
        let Some((cpu, from, to, step)) = SIZES.into_iter().find(|(cpu, ..)| *cpu == self.cpu) else { return false };
        // 1.5 GB stands between the sizes of a quarter of a vCPU.
        let is_gap = cpu == 256 && self.memory == 1_536;
        (from..=to).contains(&self.memory) && (self.memory - from).is_multiple_of(step) && !is_gap
    }
}

/// A number of units, or so many times 1,024 of them where the larger unit stands behind it.
fn units(text: &str, larger: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    match text.strip_suffix(larger) {
        Some(number) => {
            let units = number.trim().parse::<f64>().ok()? * 1_024.0;
            (units.fract() == 0.0 && (0.0..=1e6).contains(&units)).then_some(units as u32)
        }
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pairs_that_fargate_has_are_sizes() {
        let size = |cpu, memory| Size::of(Some(cpu), Some(memory));
        for (cpu, memory) in [("256", "512"), ("256", "2048"), ("1024", "8192"), ("4096", "30720"), ("16384", "32768")]
        {
            let expected = Size { cpu: cpu.parse().expect("a number"), memory: memory.parse().expect("a number") };
            assert_eq!(size(cpu, memory), Ok(expected));
        }
        assert_eq!(size(".25 vCPU", "0.5GB"), Ok(Size { cpu: 256, memory: 512 }));
        assert_eq!(size("4 vcpu", "8 GB"), Ok(Size { cpu: 4_096, memory: 8_192 }));
        for (cpu, memory) in [("256", "1536"), ("256", "4096"), ("300", "512"), ("8192", "18432"), ("1024", "2049")] {
            let error = size(cpu, memory).expect_err("no such size");
            assert!(error.message.starts_with("No Fargate configuration exists"), "{error}");
        }
        for (cpu, memory) in [("much", "512"), ("256", "1 TB"), ("-1", "512")] {
            assert!(size(cpu, memory).expect_err("no number").message.starts_with("Invalid '"), "{cpu} {memory}");
        }
        assert!(Size::of(None, Some("512")).is_err() && Size::of(Some("256"), None).is_err());
    }
}
