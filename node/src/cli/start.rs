//! `retrace start`: a node in the foreground, until SIGINT or SIGTERM.

use super::exit::{Exit, Failure};
use crate::config::{Config, Overrides};
use crate::doctor;
use crate::home::Home;
use crate::keys::{FILE_NAME, Keystore, PassphraseArgs};
use crate::start::Node;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Arguments of `retrace start`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  retrace init --home ./trainer --genesis genesis.bin --role trainer\n  retrace start --home ./trainer --peer /ip4/203.0.113.5/tcp/4100/p2p/12D3KooW...\n\nWithout a role the node follows the chain and serves it. With --defend ACCOUNT it answers disputes over what that account signed, by its own key alone, once `retrace stake delegate` has named it. RETRACE_LOG sets the log's filter, such as info,libp2p=debug."
)]
pub struct Args {
    /// Folder that `retrace init` made; with --genesis it is made if it is not there
    #[arg(long, env = "RETRACE_HOME", value_name = "DIR")]
    home: PathBuf,
    /// Genesis file of the network, where the home is to be made
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    log();
    if let Some(genesis) = args.genesis.as_ref().filter(|_| !args.home.join("FORMAT").exists()) {
        super::init::make(&args.home, genesis, args.overrides.clone(), &args.passphrase)?;
    }
    let home = Home::open(&args.home).map_err(Failure::input)?;
    let config = Config::load(&args.home).map_err(Failure::input)?;
    let config = args.overrides.clone().over(config);
    let configured = config.passphrase_path(&args.home);
    let passphrase = args.passphrase.existing(configured.as_deref()).map_err(Failure::input)?;
    let keys = Keystore::load(&args.home.join(FILE_NAME), &passphrase).map_err(Failure::input)?;
    introduce(&args.home, &home, &config, &keys);
    // Whoever is started by a supervisor has nobody who reads it.
    if !is_attached() && !config.node.roles.is_empty() {
        foresee(&args.home, &config);
    }
    let node = Node::start(home, &config, &keys).map_err(Failure::work)?;
    for address in node.addresses() {
        eprintln!("  reached  {address}");
    }
    eprintln!("running; stop with Ctrl-C");
    let ended = node.wait_for_end(is_attached());
    let since = Instant::now();
    if let Ok(reason) = &ended {
        eprintln!("{reason}: stopping");
    }
    let height = node.board().height();
    node.stop();
    eprintln!("stopped at height {height} after {:.1} s", since.elapsed().as_secs_f64());
    ended.map(|_| Exit::Yes).map_err(Failure::work)
}

/// What the roles will need, before they start.
fn foresee(path: &Path, config: &Config) {
    let forecast = doctor::forecast(&doctor::Question {
        home: path,
        roles: &config.node.roles,
        storage_mib: config.storage.cache_mib + config.storage.write_buffer_mib,
        engine: config.engine(),
        run: None,
        step: None,
    });
    forecast.lines().iter().for_each(|line| eprintln!("  {line}"));
}

/// True for a node that a supervisor started: it ends when that one does, even by SIGKILL.
fn is_attached() -> bool {
    std::env::var_os("RETRACE_ATTACHED").is_some()
}

/// Our own parts from level info on, and what libraries warn of. Malachite warns of what is usual, such as a peer that
/// is not up yet.
const LOG_FILTER: &str = "warn,retrace=info,arc_malachitebft=error,arc_malachitebft_network=off,\
                          arc_malachitebft_discovery=off,informalsystems_malachitebft=error";

/// Log lines go to standard error: the parts' own from level info on, the libraries' warnings.
fn log() {
    let filter = std::env::var("RETRACE_LOG").unwrap_or_else(|_| LOG_FILTER.into());
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(LOG_FILTER));
    let plain =
        std::env::var_os("NO_COLOR").is_some() || !std::io::IsTerminal::is_terminal(&std::io::stderr());
    let built = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(!plain);
    // A second subscriber in one process is no reason not to run.
    drop(built.with_writer(std::io::stderr).try_init());
}

fn introduce(path: &Path, home: &Home, config: &Config, keys: &Keystore) {
    let roles = config.node.duties();
    let genesis = home.genesis();
    eprintln!("retrace start: {}", config.node.name);
    eprintln!("  network  {} ({})", genesis.name, genesis.network());
    eprintln!(
        "  roles    {}",
        if roles.is_empty() { "none: it follows and serves".into() } else { roles.join(", ") }
    );
    eprintln!("  account  {}", keys.account());
    eprintln!("  swarm    {}/p2p/{}", config.node.listen, keys.peer_id());
    eprintln!("  rpc      {}", config.rpc_url());
    eprintln!("  home     {}", path.display());
}
