//! The main job as a network: every party a process of its own, and a node of this process that watches them.

use super::outcome::{Network, Outcome, ProcessReport};
use super::setup::{Plan, SetupError};
use super::watch::{self, Progress, Subject};
use crate::config::Config;
use crate::data::Corpus;
use crate::devnet::manifest::Manifest;
use crate::devnet::{Devnet, Interrupts, Record, Voice, supervise};
use crate::home::Home;
use crate::init::NewHome;
use crate::keys::{Keystore, Passphrase, WORK_FACTOR_DEVNET};
use crate::rpc::client::{Client, ClientError};
use crate::start::Node;
use retrace_ledger::Height;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long the watching node may take to hear of the run.
const SYNC_PATIENCE: Duration = Duration::from_secs(60);
/// Most heights between the validators' tips.
const TIPS_APART_MAX: u64 = 3;

/// Runs a demo to its end, or until it is interrupted. No process is left behind.
pub fn run(plan: &Plan, corpus: Corpus, progress: &mut dyn Progress) -> Result<Outcome, SetupError> {
    let started = Instant::now();
    let interrupts = Interrupts::listen().map_err(|source| SetupError::Stopped {
        role: "the supervisor".into(),
        reason: source.to_string(),
    })?;
    let text = manifest(plan);
    let parsed = Manifest::parse(&text).map_err(crate::devnet::DevnetError::from)?;
    let mut devnet = Devnet::prepare(parsed, &text, &plan.home)?;
    let watched = watch_devnet(plan, &corpus, &interrupts, &mut devnet, progress);
    devnet.stop(Some(&interrupts))?;
    let mut outcome = watched?;
    outcome.seconds = started.elapsed().as_secs_f64();
    Ok(outcome)
}

fn watch_devnet(
    plan: &Plan,
    corpus: &Corpus,
    interrupts: &Interrupts,
    devnet: &mut Devnet,
    progress: &mut dyn Progress,
) -> Result<Outcome, SetupError> {
    if !devnet.spawn(interrupts)? {
        return Err(SetupError::Interrupted);
    }
    present(devnet.record(), progress);
    let run = devnet.open_run(corpus)?;
    devnet.ready()?;
    let node = observer(devnet)?;
    let result = follow(plan, corpus, interrupts, devnet, &node, &run, progress);
    let result = result.and_then(|mut outcome| {
        outcome.network_of = Some(agreement(devnet.record())?);
        outcome.height = node.board().height().0;
        Ok(outcome)
    });
    node.stop();
    result
}

/// The manifest of this demo: the default network, with the plan's liar and run.
fn manifest(plan: &Plan) -> String {
    let mut text = format!("[network]\nname = \"retrace-demo\"\nseed = {}\n", plan.seed);
    let mut add = |lines: String| {
        text.push_str(&lines);
        text.push('\n');
    };
    add("[[node]]\nrole = \"validator\"\ncount = 4".into());
    for name in super::setup::PEERS {
        let liar = plan.liar.as_ref().filter(|liar| liar.name == name);
        let strategy = liar.map_or(String::new(), |liar| format!("\nstrategy = \"{}\"", liar.strategy));
        add(format!("[[node]]\nrole = \"trainer\"\nname = \"{name}\"{strategy}"));
    }
    add("[[node]]\nrole = \"verifier\"\ncount = 2".into());
    let rate = f64::from(plan.audit_rate_ppm) / 1e6;
    let (preset, rounds, steps) = (plan.preset.name(), plan.rounds, plan.steps);
    // A draw one height later costs no idle second, and still comes after everything it draws from.
    add(format!(
        "[run]\npreset = \"{preset}\"\nrounds = {rounds}\nsteps = {steps}\naudit_rate = {rate:?}\ndraw_delay = 1"
    ));
    text
}

fn present(record: &Record, progress: &mut dyn Progress) {
    for node in &record.nodes {
        let (roles, pid) = (node.roles.join("+"), node.pid.unwrap_or_default());
        let line = format!(
            "{:<12} {roles:<10} pid {pid:<7} ports {} swarm, {} rpc at {}",
            node.name, node.ports.swarm, node.ports.rpc, node.ip
        );
        progress.line(Height(0), &line);
    }
}

/// A node without a role, made and started like anybody's: it knows genesis and the validators' addresses.
fn observer(devnet: &Devnet) -> Result<Node, SetupError> {
    let record = devnet.record();
    let path = devnet.folder().join("observer");
    let genesis = crate::init::read_genesis(&record.genesis)?;
    let (keys, passphrase) = (Keystore::generate()?, Passphrase::from_file(&record.passphrase_file)?);
    let mut config = Config::default();
    config.node.name = "observer".into();
    // Both ports are whatever is free: nobody needs to find this node.
    config.node.listen = "/ip4/127.0.0.1/tcp/0".parse().unwrap_or(config.node.listen);
    config.node.rpc.set_port(0);
    let validators = record.nodes.iter().filter(|node| node.consensus.is_some());
    config.node.peers = validators.filter_map(|node| node.swarm.parse().ok()).collect();
    config.passphrase_file = Some(record.passphrase_file.clone());
    if !path.exists() {
        let (genesis, keys, passphrase, config) = (&genesis, &keys, &passphrase, &config);
        NewHome { genesis, keys, passphrase, work_factor: WORK_FACTOR_DEVNET, config }.make(&path)?;
    }
    Ok(Node::start(Home::open(&path)?, &config, &keys)?)
}

/// What the supervisor has to say goes beside the progress.
struct Aside;

impl Voice for Aside {
    fn line(&mut self, text: &str) {
        eprintln!("devnet: {text}");
    }

    fn tip(&mut self, _height: u64, _round: Option<u32>, _running: usize) {}
}

/// Watches the run on the observer's board while the supervisor looks after the processes.
fn follow(
    plan: &Plan,
    corpus: &Corpus,
    interrupts: &Interrupts,
    devnet: &mut Devnet,
    node: &Node,
    run: &str,
    progress: &mut dyn Progress,
) -> Result<Outcome, SetupError> {
    let board = node.board();
    let names = names(devnet.record());
    let subject = subject(plan, board, names, run, interrupts)?;
    let loss_first = watch::first_loss(&subject, corpus, progress);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let supervisor = scope.spawn(|| {
            let ended = supervise(devnet, interrupts, &mut Aside, |_| is_over.load(Ordering::Relaxed));
            // Whatever ended it: nobody waits for blocks any more.
            if !is_over.load(Ordering::Relaxed) {
                board.stop();
            }
            ended
        });
        let watched = watch::watch(board, &subject, corpus, loss_first, progress);
        is_over.store(true, Ordering::Relaxed);
        if let Ok(ended) = supervisor.join() {
            ended?;
        }
        if interrupts.came() { Err(SetupError::Interrupted) } else { watched }
    })
}

fn names(record: &Record) -> BTreeMap<String, String> {
    let nodes = record.nodes.iter().map(|node| (node.account.clone(), node.name.clone()));
    nodes.chain([(record.sponsor.account.clone(), "sponsor".to_string())]).collect()
}

/// What is watched: the run as the observer has it, once it has.
fn subject(
    plan: &Plan,
    board: &crate::network::Board,
    names: BTreeMap<String, String>,
    run: &str,
    interrupts: &Interrupts,
) -> Result<Subject, SetupError> {
    let since = Instant::now();
    loop {
        let found = board.read(|state| {
            let (id, run) = state.runs().find(|(id, _)| id.to_string() == run)?;
            let accounts = state.accounts().map(|(key, _)| key);
            let named = accounts.filter_map(|key| Some((key, names.get(&key.to_string())?.clone())));
            Some((id, run.terms.spec, run.terms.verdicts_min, named.collect()))
        });
        if let Some((run, spec, verdicts_min, names)) = found {
            let liar = plan.liar.as_ref().map(|liar| liar.name.clone());
            let (audit_rate_ppm, engine): (u32, _) = (plan.audit_rate_ppm, plan.engine);
            return Ok(Subject { run, spec, names, liar, audit_rate_ppm, verdicts_min, engine });
        }
        if interrupts.came() {
            return Err(SetupError::Interrupted);
        }
        if since.elapsed() > SYNC_PATIENCE {
            let reason = format!("it has not heard of the run in {} s", SYNC_PATIENCE.as_secs());
            return Err(SetupError::Stopped { role: "the observer".into(), reason });
        }
        board.wait_a_while(board.height(), Duration::from_millis(200));
    }
}

/// Whether the validators say the same: one block id and state root at every height that all of them have.
fn agreement(record: &Record) -> Result<Network, SetupError> {
    let nodes = record.nodes.iter().filter(|node| node.pid.is_some());
    let clients: Vec<(&str, bool, Client)> = nodes
        .map(|node| Ok((node.name.as_str(), node.consensus.is_some(), Client::new(&node.rpc)?)))
        .collect::<Result<_, ClientError>>()?;
    let mut heights = BTreeMap::new();
    for (name, _, client) in &clients {
        heights.insert((*name).to_string(), client.status()?.height);
    }
    let validators: Vec<&(&str, bool, Client)> = clients.iter().filter(|(_, is_one, _)| *is_one).collect();
    let tips = || validators.iter().filter_map(|(name, ..)| heights.get(*name).copied());
    let (lowest, highest) = (tips().min().unwrap_or(0), tips().max().unwrap_or(0));
    let mut histories = Vec::new();
    for (_, _, client) in &validators {
        histories.push(history(client, lowest)?);
    }
    let is_same = histories.windows(2).all(|pair| pair[0] == pair[1]);
    let validators_agree = is_same && !histories.is_empty() && highest - lowest <= TIPS_APART_MAX;
    let processes = record.nodes.iter().map(|node| ProcessReport {
        name: node.name.clone(),
        roles: node.roles.clone(),
        pid: node.pid,
        rpc: node.rpc.clone(),
        swarm: node.swarm.clone(),
        log: node.log.display().to_string(),
    });
    Ok(Network { heights, validators_agree, processes: processes.collect() })
}

/// Id and state root of every block up to a height.
fn history(client: &Client, last: u64) -> Result<Vec<(String, String)>, SetupError> {
    let (mut found, mut from) = (Vec::new(), Some(1));
    while let Some(at) = from.filter(|at| *at <= last) {
        let page = client.blocks(Some(at))?;
        found.extend(page.blocks.into_iter().filter(|b| b.height <= last).map(|b| (b.id, b.state_root)));
        from = page.next;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::manifest;
    use crate::demo::{Liar, Plan, Preset};
    use crate::devnet::manifest::Manifest;
    use crate::strategy::Strategy;
    use retrace_ledger::Role;
    use retrace_model::{Backend, Engine};

    /// What the demo asks for is what the manifest says.
    #[test]
    fn the_manifest_is_the_plans() {
        let plan = Plan {
            seed: 9,
            home: "nowhere".into(),
            liar: Some(Liar { name: "trainer-3".into(), strategy: Strategy::WrongRate }),
            audit_rate_ppm: 125_000,
            preset: Preset::Tiny,
            rounds: 3,
            steps: 5,
            engine: Engine { backend: Backend::Reference, threads: 1 },
        };
        let manifest = Manifest::parse(&manifest(&plan)).expect("a manifest");
        let count = |role| manifest.count(role);
        assert_eq!((count(Role::Validator), count(Role::Trainer), count(Role::Verifier)), (4, 3, 2));
        let liars = manifest.nodes.iter().filter_map(|node| Some((node.name.as_str(), node.strategy?)));
        assert_eq!(liars.collect::<Vec<_>>(), [("trainer-3", Strategy::WrongRate)]);
        let run = &manifest.run;
        assert_eq!((run.audit_rate_ppm, run.rounds, run.steps, run.preset), (125_000, 3, 5, Preset::Tiny));
        assert_eq!(manifest.network.seed, Some(9));
    }
}
