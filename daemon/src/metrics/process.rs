//! How much memory, processor time and how many files does this process use? Read from /proc by ourselves; where there
//! is no /proc the gauges stay at zero.

use std::fs;

use prometheus::{Counter, Gauge, IntGauge};

use super::declared::Declare;

/// Linux shows processor times to programs in hundredths of a second, whatever the kernel ticks at (USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

/// The process's own figures, under the names that every Prometheus dashboard knows.
#[derive(Debug)]
pub(super) struct Process {
    resident: IntGauge,
    resident_peak: IntGauge,
    cpu: Counter,
    threads: IntGauge,
    files: IntGauge,
    start: Gauge,
}

impl Process {
    pub(super) fn declare(at: &Declare<'_>) -> Self {
        Self {
            resident: at.gauge("process_resident_memory_bytes", "Resident memory."),
            resident_peak: at.gauge("process_resident_memory_max_bytes", "The most resident memory there has been."),
            cpu: at.float_counter("process_cpu_seconds_total", "Processor time used, user and system."),
            threads: at.gauge("process_threads", "Threads of the process."),
            files: at.gauge("process_open_fds", "Open files and sockets."),
            start: at.float_gauge("process_start_time_seconds", "When the process began."),
        }
    }

    /// Reads /proc.
    pub(super) fn look(&self) {
        if let Ok(status) = fs::read_to_string("/proc/self/status") {
            let figure = |key: &str| -> Option<i64> {
                let line = status.lines().find_map(|line| line.strip_prefix(key))?;
                line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
            };
            self.resident.set(figure("VmRSS").unwrap_or(0).saturating_mul(1_024));
            self.resident_peak.set(figure("VmHWM").unwrap_or(0).saturating_mul(1_024));
            self.threads.set(figure("Threads").unwrap_or(0));
        }
        if let Some((used, started)) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(times) {
            self.cpu.inc_by((used - self.cpu.get()).max(0.0));
            if let Some(boot) = boot_time() {
                self.start.set(boot + started);
            }
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // The listing itself is one of them.
            self.files.set(i64::try_from(open.count().saturating_sub(1)).unwrap_or(i64::MAX));
        }
    }
}

/// Processor seconds used, and seconds from boot to the process's beginning. The command's name may hold spaces and
/// brackets, so the fields are counted from its last bracket (proc(5): the third field follows it).
fn times(stat: &str) -> Option<(f64, f64)> {
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
    Some(((ticks(14)? + ticks(15)?) / TICKS_PER_SECOND, ticks(22)? / TICKS_PER_SECOND))
}

fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_a_strange_name() {
        let stat = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 4 0 4242 1 2";
        assert_eq!(times(stat), Some((2.0, 42.42)));
        assert_eq!(times("12 (a"), None);
        assert_eq!(times(""), None);
    }
}
