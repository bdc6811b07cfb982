//! Figures: distances between blocks, idle and busy, with all four and with one down. Run with `--ignored`.

use super::cluster::{Cluster, PATIENCE};
use super::network::reaches;
use std::time::{Duration, Instant};

/// Clock ticks of this process, at 100 a second on every Linux.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn measure(cluster: &Cluster, what: &str, heights: u64, load: u64) {
    let from = cluster.books[0].height();
    let (start, used) = (Instant::now(), ticks());
    while cluster.books[0].height() < from + heights {
        if load > 0 {
            cluster.load(load);
        }
        assert!(reaches(&cluster.books[0], cluster.books[0].height() + 1, PATIENCE));
    }
    let seconds = start.elapsed().as_secs_f64();
    let late = cluster.books[0].seen().range(from..).filter(|(_, seen)| seen.round > 0).count();
    cluster.report(what, 0, from, from + heights);
    let cpu = (ticks() - used) as f64 / seconds;
    println!("    {late} heights took more than one round; {cpu:.1} % of one core for the whole network");
}

#[test]
#[ignore = "takes minutes, and asserts nothing about time"]
fn figures() {
    let mut cluster = Cluster::start(4);
    cluster.agree(&[0, 1, 2, 3], 3);
    measure(&cluster, "idle, four up", 40, 0);
    measure(&cluster, "busy, four up, 4 transactions", 150, 1);
    measure(&cluster, "busy, four up, 400 transactions", 60, 100);
    cluster.kill(3);
    measure(&cluster, "busy, one of four down, 4 transactions", 150, 1);
    measure(&cluster, "busy, one of four down, 400 transactions", 60, 100);
    measure(&cluster, "idle, one of four down", 80, 0);
    let tip = cluster.tip();
    let start = Instant::now();
    cluster.up(3);
    cluster.agree(&[3], tip);
    println!("{} heights behind: caught up in {} ms", tip, start.elapsed().as_millis());
    std::thread::sleep(Duration::from_millis(100));
    cluster.agree(&[0, 1, 2, 3], tip + 3);
}
