//! What the kernel says of processes, from `/proc`: CPU time, children, resident memory. A process that is gone has used
//! nothing.

use std::process::Command;
use std::sync::LazyLock;

/// Where `/proc/<pid>/stat` has them, behind the program's name.
const PARENT: usize = 1;
const USER: usize = 11;
const SYSTEM: usize = 12;
const REAPED_USER: usize = 13;
const REAPED_SYSTEM: usize = 14;

static TICKS: LazyLock<f64> = LazyLock::new(|| {
    let said = Command::new("getconf").arg("CLK_TCK").output();
    let ticks = said
        .ok()
        .and_then(|said| String::from_utf8(said.stdout).ok()?.trim().parse().ok());
    ticks.unwrap_or(100.0)
});

/// Seconds of CPU that these processes have used so far.
pub fn cpu(pids: &[u32]) -> f64 {
    pids.iter().map(|pid| seconds(*pid, &[USER, SYSTEM])).sum()
}

/// That of a process with all the children that it has had.
pub fn cpu_of_family(parent: u32) -> f64 {
    seconds(parent, &[USER, SYSTEM, REAPED_USER, REAPED_SYSTEM]) + cpu(&children(parent))
}

/// Resident memory in MB.
pub fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

pub fn processor() -> String {
    let all = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = all.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(':'))
        .map_or_else(String::new, |(_, name)| name.trim().to_owned())
}

fn children(parent: u32) -> Vec<u32> {
    let parent = parent.to_string();
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| stat(*pid).is_some_and(|stat| stat.get(PARENT) == Some(&parent)))
        .collect()
}

fn seconds(pid: u32, fields: &[usize]) -> f64 {
    let stat = stat(pid).unwrap_or_default();
    let ticks = fields
        .iter()
        .filter_map(|field| stat.get(*field)?.parse::<f64>().ok());
    ticks.sum::<f64>() / *TICKS
}

fn stat(pid: u32) -> Option<Vec<String>> {
    let all = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind_name) = all.rsplit_once(')')?;
    Some(behind_name.split_whitespace().map(str::to_owned).collect())
}
