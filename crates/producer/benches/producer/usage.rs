//! What a process has used so far.

use std::{fs, time::Instant};

/// The kernel's unit of time in /proc.
const TICKS_PER_SECOND: f64 = 100.0;

/// From when the client is warm to when all is acknowledged.
pub struct Meter {
    cpu: f64,
    wall: Instant,
}

impl Meter {
    pub fn start() -> Self {
        Self { cpu: cpu_seconds(), wall: Instant::now() }
    }

    /// Prints what the bench reads, as every peer does.
    pub fn print(&self) {
        let (cpu, wall) = (cpu_seconds() - self.cpu, self.wall.elapsed().as_secs_f64());
        println!("cpu_s={cpu:.3} wall_s={wall:.3} peak_kb={}", peak_kb());
    }
}

/// User and system time of this process, threads that ended included.
pub fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux has /proc");
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().unwrap_or(0.0));
    ticks.sum::<f64>() / TICKS_PER_SECOND
}

/// The most memory that it had, in KiB.
pub fn peak_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has /proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
