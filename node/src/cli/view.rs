//! A finished run as a later process sees it: the home's blocks applied once more.

use super::exit::Failure;
use crate::devnet::Record;
use crate::home::{Home, HomeError};
use crate::roles::{Lineage, LineageError};
use retrace_ledger::limits::{BLOCK_BYTES_MAX, CERTIFICATE_BYTES_MAX};
use retrace_ledger::{
    Block, Chain, CheckedBlock, Event, Height, MemoryStore, Phase, Progress, RocksStore, Run, Store, decode,
};
use retrace_model::Engine;
use retrace_verifier::digest::Digest;
use std::path::{Path, PathBuf};

/// A home with its chain, from genesis to the last whole block.
pub struct Replayed {
    /// The home.
    pub home: Home,
    /// The chain.
    pub chain: Chain,
    /// What happened, by height from 1.
    pub events: Vec<Vec<Event>>,
}

/// The home to read in a folder: the folder itself, or in that of a devnet the one that keeps most: the observer's of a
/// demo, else the first node's.
pub fn home_in(path: &Path) -> PathBuf {
    if path.join("FORMAT").exists() || !Record::exists(path) {
        return path.to_path_buf();
    }
    let observer = path.join("observer");
    let first = || Record::load(path).ok().and_then(|record| Some(record.nodes.first()?.home.clone()));
    if observer.exists() { observer } else { first().unwrap_or_else(|| path.to_path_buf()) }
}

/// Opens a home and applies all its blocks; every signature, certificate, beacon and state root is checked on the
/// way. A process that is writing to the home is not disturbed.
pub fn open(path: &Path) -> Result<Replayed, Failure> {
    let home = Home::open(&home_in(path)).map_err(Failure::input)?;
    let damaged = |what: String| Failure::input(HomeError::Damaged { path: home.database(), what });
    let store = home.read_only().map_err(Failure::input)?;
    let mut chain = Chain::open(home.genesis().clone(), Box::new(MemoryStore::default()))
        .map_err(|e| damaged(e.to_string()))?;
    let last = store.height().map_err(|e| damaged(e.to_string()))?.unwrap_or_default();
    let mut events = Vec::new();
    for at in 1..=last.0 {
        let happened = apply_stored(&mut chain, &store, Height(at));
        events.push(happened.map_err(|what| damaged(format!("block {at}: {what}")))?);
    }
    Ok(Replayed { home, chain, events })
}

fn apply_stored(chain: &mut Chain, store: &RocksStore, at: Height) -> Result<Vec<Event>, String> {
    let missing = || "it is not there".to_string();
    let block = store.block(at).map_err(|e| e.to_string())?.ok_or_else(missing)?;
    let certificate = store.certificate(at).map_err(|e| e.to_string())?.ok_or_else(missing)?;
    let block: Block = decode(&block, BLOCK_BYTES_MAX).map_err(|e| e.to_string())?;
    let block = CheckedBlock::check(block).map_err(|e| e.to_string())?;
    let certificate = decode(&certificate, CERTIFICATE_BYTES_MAX).map_err(|e| e.to_string())?;
    chain.apply(&block, &certificate).map_err(|e| e.to_string())
}

/// A run of a replayed home.
pub struct OneRun {
    /// Id.
    pub id: Digest,
    /// Terms and pins.
    pub run: Run,
    /// Where it stands.
    pub progress: Progress,
}

impl Replayed {
    /// The home's run.
    pub fn run(&self) -> Result<OneRun, Failure> {
        let state = self.chain.state();
        let found = state.runs().next().map(|(id, run)| (id, run.clone()));
        let open = found.and_then(|(id, run)| Some(OneRun { id, run, progress: *state.progress(&id)? }));
        let path = self.home.path().to_path_buf();
        open.ok_or_else(|| {
            Failure::input(HomeError::Damaged { path, what: "no run was opened in it".into() })
        })
    }

    /// The base that `round` starts from, merged from published deltas.
    pub fn lineage(&self, one: &OneRun, round: u32, engine: &Engine) -> Result<Lineage, Failure> {
        let spec = &one.run.terms.spec;
        let mut lineage = Lineage::start(spec);
        let path = Lineage::path(self.chain.state(), &one.id, round);
        match lineage.follow(spec, &self.home.blobs(), engine, &path) {
            Ok(()) => Ok(lineage),
            // Bytes that are missing or damaged are unreadable input; a history that does not add up is a no.
            Err(LineageError::Blob(error)) => Err(Failure::input(error)),
            Err(other) => Err(Failure::work(other)),
        }
    }

    /// The run's shards, each checked against the manifest.
    pub fn shards(&self, one: &OneRun) -> Result<Vec<Vec<u8>>, Failure> {
        let blobs = self.home.blobs();
        let shards = one.run.terms.manifest.iter().map(|shard| blobs.bytes(&shard.digest, shard.bytes));
        shards.collect::<Result<_, _>>().map_err(Failure::input)
    }

    /// Rounds that were merged, if they had anything to merge: all of a run after its last one, or those before the current
    /// one.
    pub fn rounds_done(&self, one: &OneRun) -> u32 {
        let is_last = matches!(one.progress.phase, Phase::Closing | Phase::Finished);
        if is_last { one.run.terms.spec.rounds } else { one.progress.round }
    }
}
