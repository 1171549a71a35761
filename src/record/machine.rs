//! The machine that a run was made on.

use std::{env::consts, thread::available_parallelism};

use crate::report::recorded::Machine;

/// This machine. Its name is left out: reports are passed on.
pub fn this() -> Machine {
    let mut machine = Machine {
        system: format!("{} {}", consts::OS, consts::ARCH),
        processors: available_parallelism().map_or(0, usize::from),
        ..Machine::default()
    };
    describe(&mut machine);
    machine
}

#[cfg(target_os = "linux")]
fn describe(machine: &mut Machine) {
    use procfs::{CpuInfo, Current, Meminfo, sys::kernel::Version};

    machine.kernel =
        Version::current().ok().map(|version| format!("{}.{}.{}", version.major, version.minor, version.patch));
    machine.processor = CpuInfo::current().ok().and_then(|cpus| cpus.model_name(0).map(str::to_owned));
    machine.memory = Meminfo::current().ok().map(|memory| memory.mem_total);
}

#[cfg(not(target_os = "linux"))]
fn describe(_machine: &mut Machine) {}
