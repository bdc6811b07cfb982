//! The figures of a step: for people, and as one JSON object.

use super::clock::Rows;
use super::measure::{Times, median};
use super::memory::Memory;
use super::peers;
use retrace_model::{Backend, Engine, RunSpec};
use serde_json::{Map, Value, json};

/// Steps of a segment that hashing is held against.
const SEGMENT: f64 = 16.0;

/// Everything that was measured.
pub struct Report<'a> {
    /// Name of the model.
    pub preset: &'static str,
    /// The run.
    pub spec: &'a RunSpec,
    /// With what.
    pub engine: Engine,
    /// Memory of plain steps.
    pub memory: Memory,
    /// Times of steps.
    pub times: Times,
    /// Times of rows.
    pub rows: Rows,
    /// The machine's multiply-adds a second.
    pub peak: Option<f64>,
    /// Seconds of a gpt-tiny step by backend.
    pub backends: Vec<(Backend, f64)>,
    /// What the peers' script found.
    pub peers: Option<Map<String, Value>>,
}

/// The figures that follow from the times.
struct Figures {
    step: f64,
    tokens: f64,
    speedup: Option<f64>,
    tracing: f64,
    segment: f64,
    every_step: f64,
    avx2: Option<f64>,
    peak_share: Option<f64>,
    step_peak_share: Option<f64>,
}

impl Report<'_> {
    fn figures(&self) -> Figures {
        let Times { plain, single, traced, avx2, hashed } = &self.times;
        // At least one of each was taken.
        let [step, traced, hashed] = [plain, traced, hashed].map(|times| median(times).unwrap_or(f64::NAN));
        let share = |peak: f64, a_second: f64| a_second / peak;
        Figures {
            step,
            tokens: self.spec.tokens_per_step() as f64 / step,
            // Told by its name only where it is that of two threads.
            speedup: median(single).filter(|_| self.engine.threads == 2).map(|one| one / step),
            tracing: traced / step,
            segment: hashed / (SEGMENT * step),
            every_step: hashed / step,
            avx2: median(avx2).map(|avx2| avx2 / step),
            peak_share: self.peak.zip(self.rows.large_products_a_second()).map(|(p, s)| share(p, s)),
            step_peak_share: self.peak.map(|p| share(p, self.rows.multiply_adds() as f64 / step)),
        }
    }

    /// Lines for people.
    pub fn lines(&self) -> Vec<String> {
        let f = self.figures();
        let Engine { backend, threads } = self.engine;
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
        let mut lines = vec![
            format!(
                "{}: {backend} backend, {threads} thread(s), medians of {}",
                self.preset,
                self.times.plain.len()
            ),
            format!("step        {:.1} ms, {:.0} tokens/s", 1e3 * f.step, f.tokens),
        ];
        lines.extend(f.speedup.map(|speedup| format!("two threads {speedup:.2} x one")));
        lines.extend(f.avx2.map(|ratio| format!("avx2        {ratio:.2} x as long")));
        lines.push(format!("traced      {:.2} x a plain step", f.tracing));
        lines.push(format!(
            "hashing     {} of a 16-step segment, {} where every step is a checkpoint",
            percent(f.segment),
            percent(f.every_step)
        ));
        if let (Some(large), Some(step)) = (f.peak_share, f.step_peak_share) {
            let (large, step) = (percent(large), percent(step));
            lines.push(format!(
                "peak        large products reach {large} of the multiply-add peak, the step {step}"
            ));
        }
        if let (Some(peak), Some(ratio)) = (self.memory.peak, self.memory.ratio()) {
            let forecast = mib(self.memory.idle.unwrap_or(0) + self.memory.forecast);
            lines.push(format!("memory      {} at most, {forecast} forecast: {ratio:.2} x", mib(peak)));
        }
        lines.extend(self.backends.iter().map(|(backend, seconds)| {
            format!("gpt-tiny    {:.2} ms on {backend}, one thread", 1e3 * seconds)
        }));
        let total = self.rows.total().as_secs_f64();
        lines.extend(self.rows.shares().iter().map(|share| {
            let (kind, time) = (format!("{:?}", share.kind), share.time.as_secs_f64());
            format!("  {kind:<22} {:>4} rows {:>9.3} ms {:>8}", share.rows, 1e3 * time, percent(time / total))
        }));
        if self.peers.is_none() {
            lines.push(
                "peers       not measured here: model/benches/peers/run --json, then --peers FILE".into(),
            );
        }
        lines
    }

    /// One object. Keys of the peers' script are null without it; where it has a key of ours, ours stands.
    pub fn json(&self) -> Value {
        let f = self.figures();
        let total = self.rows.total().as_secs_f64();
        let shares = self.rows.shares();
        let shares = shares.iter().map(|s| (format!("{:?}", s.kind), json!(s.time.as_secs_f64() / total)));
        let slowest_is = self.backends.first().map_or(f64::NAN, |(_, seconds)| *seconds);
        let backends = self.backends.iter().map(|(backend, seconds)| {
            json!({ "backend": backend.name(), "step_seconds": seconds, "times_reference": slowest_is / seconds })
        });
        let own = json!({
            "shape": self.preset,
            "backend": self.engine.backend.name(),
            "threads": self.engine.threads,
            "steps": self.times.plain.len(),
            "step_seconds": f.step,
            "tokens_per_second": f.tokens,
            "two_thread_speedup": f.speedup,
            "avx2_step_ratio": f.avx2,
            "tracing_ratio": f.tracing,
            "hashing_share_segment": f.segment,
            "hashing_share_every_step": f.every_step,
            "fma_peak_share": f.peak_share,
            "step_fma_peak_share": f.step_peak_share,
            "fma_peak_per_second": self.peak,
            "op_shares": shares.collect::<Map<String, Value>>(),
            "backends_gpt_tiny": backends.collect::<Vec<Value>>(),
            "forecast_bytes": self.memory.idle.map(|idle| idle + self.memory.forecast),
            "step_forecast_bytes": self.memory.forecast,
            "peak_rss_bytes": self.memory.peak,
            "peak_rss_ratio": self.memory.ratio(),
        });
        let mut object: Map<String, Value> =
            peers::KEYS.map(|key| (key.to_string(), Value::Null)).into_iter().collect();
        object.extend(self.peers.clone().unwrap_or_default());
        if let Value::Object(own) = own {
            object.extend(own);
        }
        Value::Object(object)
    }
}
