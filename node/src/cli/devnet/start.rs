//! `retrace devnet start`: in the foreground, or detached with a supervisor in the background.

use super::super::consent;
use super::super::exit::{Exit, Failure};
use super::super::print::say;
use super::failure;
use super::voice::Voice;
use crate::data::{Corpus, dictionary, from_paths};
use crate::devnet::manifest::{DEFAULT, Manifest};
use crate::devnet::{Devnet, DevnetError, Interrupts, Phase, Record, Voice as _, supervise};
use crate::home::disk;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Arguments of `retrace devnet start`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  retrace devnet manifest > net.toml\n  retrace devnet start --manifest net.toml --home /tmp/net --detach\n\nThe same home started again goes on where it was. devnet.json in it says what runs where."
)]
pub struct Args {
    /// What to make; without it the home's own manifest, or 4 validators, 3 trainers (one lies) and 2 verifiers
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Folder of the devnet: new, empty, or one that was made before
    #[arg(long, env = "RETRACE_DEVNET", value_name = "DIR")]
    home: PathBuf,
    /// Return once everything is ready; a supervisor stays in the background
    #[arg(long)]
    detach: bool,
    /// Agree that the files under [run] data become public to every peer
    #[arg(long)]
    yes: bool,
    /// Print devnet.json's object on standard output when everything is ready
    #[arg(long)]
    json: bool,
    /// This process is the supervisor of a detached devnet
    #[arg(long, hide = true)]
    supervisor: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let (manifest, text) = manifest(args).map_err(failure)?;
    let needs_run = manifest.run.open && Record::load(&args.home).map_or(true, |record| record.run.is_none());
    let corpus = if needs_run { Some(corpus(&manifest, args)?) } else { None };
    if args.supervisor {
        // Away from the terminal, whose Ctrl-C is meant for whoever started this.
        rustix::process::setsid().ok();
    }
    if args.detach {
        let devnet = Devnet::prepare(manifest, &text, &args.home).map_err(failure)?;
        let folder = devnet.folder().to_path_buf();
        // Made whole, and let go of: from here on the supervisor has it.
        drop(devnet);
        return detach(args, &folder);
    }
    let interrupts = Interrupts::listen().map_err(|source| {
        failure(DevnetError::Process { name: "the supervisor".into(), what: "told of signals", source })
    })?;
    let mut devnet = Devnet::prepare(manifest, &text, &args.home).map_err(failure)?;
    let mut voice = Voice::new();
    let result = look_after(&mut devnet, corpus.as_ref(), args, &interrupts, &mut voice);
    voice.line("stopping");
    let killed = devnet.stop(Some(&interrupts)).map_err(failure)?;
    for name in &killed {
        voice.line(&format!("{name} did not end in time and was killed"));
    }
    drop(voice);
    result.map_err(failure)?;
    eprintln!("stopped; `retrace devnet start --home {}` goes on", args.home.display());
    Ok(if killed.is_empty() { Exit::Yes } else { Exit::No })
}

/// What the run trains on, read before anything is made; what would become public is asked for first.
fn corpus(manifest: &Manifest, args: &Args) -> Result<Corpus, Failure> {
    let data = &manifest.run.data;
    consent::to_publish(data, args.yes)?;
    if data.is_empty() { dictionary() } else { from_paths(data) }.map_err(Failure::input)
}

fn manifest(args: &Args) -> Result<(Manifest, String), DevnetError> {
    let own = args.home.join("manifest.toml");
    let path = match &args.manifest {
        Some(path) => Some(path.clone()),
        None => Record::exists(&args.home).then_some(own),
    };
    match path {
        Some(path) => Ok(Manifest::load(&path)?),
        None => Ok((Manifest::parse(DEFAULT)?, DEFAULT.to_string())),
    }
}

fn look_after(
    devnet: &mut Devnet,
    corpus: Option<&Corpus>,
    args: &Args,
    interrupts: &Interrupts,
    voice: &mut Voice,
) -> Result<(), DevnetError> {
    voice.line(&format!(
        "starting {} processes in {}",
        devnet.record().nodes.len(),
        devnet.folder().display()
    ));
    if !devnet.spawn(interrupts)? {
        return Ok(());
    }
    if let Some(corpus) = corpus {
        voice.line(&format!("opening the run on {}", corpus.source));
        let run = devnet.open_run(corpus)?;
        voice.line(&format!("run {run} is open"));
    }
    devnet.ready()?;
    present(devnet.record(), args.json);
    supervise(devnet, interrupts, voice, |_| false)
}

/// Who runs where.
fn present(record: &Record, json: bool) {
    if json {
        say!("{}", serde_json::to_string(record).unwrap_or_default());
        return;
    }
    eprintln!("network {} ({})", record.name, record.network);
    for node in &record.nodes {
        let (roles, pid) = (node.roles.join("+"), node.pid.unwrap_or_default());
        eprintln!("  {:<14} {roles:<10} pid {pid:<8} {}  {}", node.name, node.rpc, node.swarm);
    }
    eprintln!("ready; genesis for whoever joins: {}", record.genesis.display());
}

fn detach(args: &Args, folder: &Path) -> Result<Exit, Failure> {
    let log = folder.join("logs").join("supervisor.log");
    let mut supervisor = spawn_supervisor(args, folder, &log)?;
    loop {
        let ended = supervisor.try_wait().ok().flatten();
        if let Some(status) = ended {
            let (name, status) = ("the supervisor".to_string(), crate::devnet::ending(status));
            let tail = crate::devnet::tail(&log);
            return Err(failure(DevnetError::Died { name, status, tail, log }));
        }
        let record = Record::load(folder).map_err(failure)?;
        if record.phase == Phase::Ready {
            present(&record, args.json);
            eprintln!("stop it with `retrace devnet stop --home {}`", folder.display());
            return Ok(Exit::Yes);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn spawn_supervisor(args: &Args, folder: &Path, log: &Path) -> Result<Child, Failure> {
    let failed = |source| DevnetError::Process { name: "the supervisor".into(), what: "started", source };
    let open = || File::options().create(true).append(true).open(log);
    let out = open().map_err(|source| Failure::work(disk(log)(source)))?;
    let err = open().map_err(|source| Failure::work(disk(log)(source)))?;
    let executable = std::env::current_exe().map_err(|source| failure(failed(source)))?;
    let mut command = Command::new(executable);
    command.args(["devnet", "start", "--supervisor", "--yes", "--home"]).arg(folder);
    if let Some(manifest) = &args.manifest {
        command.arg("--manifest").arg(manifest);
    }
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    command.spawn().map_err(|source| failure(failed(source)))
}
