//! "The figures of a step", measured and forecast, in one JSON object each.

use crate::subject::refused;
use retrace_tests::binary::retrace;

/// Keys that need other libraries.
const PEERS: [&str; 6] = [
    "step_vs_torch_shipped",
    "step_vs_torch_unlocked",
    "step_wide_vs_torch_shipped",
    "step_wide_vs_torch_unlocked",
    "matmul_vs_best_geomean",
    "matmul_vs_best_min",
];

#[test]
fn bench_step_tells_its_figures() {
    let flags = ["bench", "step", "--shape", "tiny", "--steps", "1", "--threads", "2", "--json"];
    let run = retrace(&flags).exits(0);
    assert_eq!(run.stdout.lines().count(), 1, "--json prints one line and nothing else: {run}");
    assert!(run.stderr.contains("model/benches/peers/run"), "who gives the other figures? {run}");
    let said = run.json();
    for key in [
        "step_seconds",
        "tokens_per_second",
        "two_thread_speedup",
        "tracing_ratio",
        "hashing_share_segment",
        "hashing_share_every_step",
        "forecast_bytes",
        "peak_rss_bytes",
        "peak_rss_ratio",
    ] {
        assert!(said[key].as_f64().is_some_and(|figure| figure > 0.0), "{key} in {said}");
    }
    let shares: f64 =
        said["op_shares"].as_object().expect("shares").values().filter_map(|s| s.as_f64()).sum();
    assert!((shares - 1.0).abs() < 1e-9, "shares add up to {shares}");
    assert!(PEERS.iter().all(|key| said.get(key).is_some_and(|value| value.is_null())), "{said}");
    let backends = said["backends_gpt_tiny"].as_array().expect("backends");
    assert_eq!(backends.len(), retrace_model::Backend::available().len());
}

#[test]
fn bench_step_takes_the_peers_figures() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let path = folder.path().join("peers.json");
    std::fs::write(&path, "torch is slow\n{\"step_vs_torch_shipped\": 2.5, \"step_seconds\": 9}\n")
        .expect("a file");
    let path = crate::subject::text(&path);
    let flags = ["bench", "step", "--shape", "tiny", "--steps", "1", "--json", "--peers"];
    let said = retrace(&[&flags[..], &[&path]].concat()).exits(0).json();
    assert_eq!(said["step_vs_torch_shipped"], 2.5);
    assert!(said["matmul_vs_best_min"].is_null());
    assert_ne!(said["step_seconds"], 9, "a peer's figure in place of our own");
    refused(retrace(&[&flags[..], &["no such file"]].concat()), "is no result of the peers");
}

#[test]
fn doctor_forecasts_the_step_of_a_run() {
    let step = |name: &str| {
        let run = retrace(&["doctor", "--run", name, "--json"]);
        assert!(run.code < 2, "{run}");
        let step = run.json()["step"].clone();
        let figure = |key: &str| step[key].as_u64().unwrap_or_else(|| panic!("{key} in {step}"));
        assert!(figure("recomputing_bytes") <= figure("peak_bytes"), "{step}");
        (figure("parameters"), figure("state_bytes"), figure("peak_bytes"))
    };
    let (parameters, state, peak) = step("gpt-tiny");
    assert!(state == 12 * parameters && peak > state, "{parameters} parameters, {state} of {peak} bytes");
    let (more, _, higher) = step("gpt-small");
    assert!(more > parameters && higher > peak);
    refused(retrace(&["doctor", "--run", "no such run"]), "names no run");
}
