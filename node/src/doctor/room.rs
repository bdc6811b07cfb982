//! Memory and disk that this machine has left.

use serde::Serialize;
use std::path::Path;

/// What there is; nothing where the system does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Room {
    /// Memory that can be had without swapping.
    pub memory_mib: Option<u64>,
    /// Space on the home's disk.
    pub disk_mib: Option<u64>,
}

impl Room {
    /// What there is for a home.
    pub fn of(home: &Path) -> Room {
        Room { memory_mib: memory(), disk_mib: disk(home) }
    }
}

fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib >> 10)
}

/// The disk of the home, or of the nearest folder above that exists.
fn disk(home: &Path) -> Option<u64> {
    let home = std::path::absolute(home).ok()?;
    let found = home.ancestors().find(|path| path.exists())?;
    let stat = rustix::fs::statvfs(found).ok()?;
    Some(stat.f_bavail.checked_mul(stat.f_frsize)? >> 20)
}

#[cfg(test)]
mod tests {
    use super::Room;
    use std::path::Path;

    #[test]
    fn a_home_that_is_not_there_yet_is_on_the_disk_above_it() {
        let here = Room::of(Path::new("."));
        let deep = Room::of(Path::new("./not/there"));
        assert!(here.disk_mib.is_some() && deep.disk_mib.is_some());
        assert!(here.memory_mib.is_some_and(|mib| mib > 16));
    }
}
