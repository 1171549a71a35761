//! What a process uses, as its system tells.

use crate::report::second::Usage;

/// Measures one process.
pub struct UsageMeter {
    /// None for this process.
    pid: Option<u32>,
    #[cfg(target_os = "linux")]
    before: Option<(u64, std::time::Instant)>,
}

impl UsageMeter {
    /// Of this process, or of the one with this id. It begins to measure.
    pub fn new(pid: Option<u32>) -> Self {
        let mut meter = Self {
            pid,
            #[cfg(target_os = "linux")]
            before: None,
        };
        meter.read();
        meter
    }

    /// What it used since it was read before; none where the system does not tell, or the process is gone.
    #[cfg(target_os = "linux")]
    pub fn read(&mut self) -> Option<Usage> {
        use procfs::process::Process;

        let process = match self.pid {
            None => Process::myself(),
            Some(pid) => Process::new(i32::try_from(pid).ok()?),
        };
        let stat = process.and_then(|process| process.stat()).ok()?;
        let (ticks, now) = (stat.utime + stat.stime, std::time::Instant::now());
        let (since, then) = self.before.replace((ticks, now)).unwrap_or((ticks, now));
        let seconds = now.duration_since(then).as_secs_f64();
        let used = ticks.saturating_sub(since) as f64 / procfs::ticks_per_second() as f64;
        let cpu = if seconds > 0.0 { used / seconds } else { 0.0 };
        // A hundredth of a processor is what the system's ticks tell.
        Some(Usage { cpu: (cpu * 100.0).round() / 100.0, memory: stat.rss * procfs::page_size() })
    }

    /// What it used since it was read before; this system is not asked.
    #[cfg(not(target_os = "linux"))]
    pub fn read(&mut self) -> Option<Usage> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_process_that_works_is_seen_to_work() {
        let mut meter = UsageMeter::new(None);
        let begun = Instant::now();
        let mut sum = 0_u64;
        while begun.elapsed() < Duration::from_millis(200) {
            sum = std::hint::black_box(sum.wrapping_mul(31) + 1);
        }
        let usage = meter.read().expect("this process");
        assert!(usage.cpu > 0.05 && usage.memory > 1_000_000, "{usage:?}");
        assert_eq!(UsageMeter::new(Some(u32::MAX)).read(), None);
    }
}
