//! Memory that steps take, beside what was forecast.

use crate::train::Session;

/// Steps before the peak is read: the second one already reuses the first one's buffers.
const STEPS: u32 = 3;

/// Measured and forecast peaks, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The process before the model: its code, its libraries.
    pub idle: Option<u64>,
    /// Most that the process ever had in memory.
    pub peak: Option<u64>,
    /// What the step's plan says, without the process itself.
    pub forecast: u64,
}

impl Memory {
    /// Does a few plain steps and reads the peak, before anything else makes it higher.
    pub fn of_steps(session: &mut Session<'_>, planned: u64, idle: Option<u64>) -> Memory {
        for _ in 0..STEPS {
            session.advance();
        }
        Memory { idle, peak: of_process("VmHWM:"), forecast: planned }
    }

    /// Measured peak by forecast peak.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.peak? as f64 / (self.idle? + self.forecast) as f64)
    }
}

/// Bytes of this process that are in memory now.
pub fn resident() -> Option<u64> {
    of_process("VmRSS:")
}

fn of_process(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}
