//! The body on disk, in folders of its own: it comes back as it was, and refuses what is not its own.

use super::{FORMAT, META, RocksOptions, RocksStore, StoreError};
use crate::tests::fixture::{AUDITOR, World, certify, genesis, key};
use crate::{Chain, Fault, Height, MemoryStore, StateKey, Store, verify};
use retrace_verifier::digest::Digest;
use rocksdb::{DB, Options};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn network() -> Digest {
    genesis().network()
}

fn open(path: &Path) -> Result<RocksStore, StoreError> {
    RocksStore::open(path, &network(), RocksOptions::default())
}

fn chain(path: &Path) -> Chain {
    Chain::open(genesis(), Box::new(open(path).unwrap())).unwrap()
}

/// A world that has gone as far as a merge, and a folder that holds its chain.
fn written() -> (World, TempDir) {
    let (mut world, home) = (World::new(), TempDir::new().unwrap());
    world.chain = chain(home.path());
    world.merging();
    (world, home)
}

/// Files whose names end so, in order.
fn files(home: &Path, end: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = paths.filter(|path| path.to_string_lossy().ends_with(end)).collect();
    found.sort();
    found
}

/// L-7.6, L-7.4, L-8.2: after a restart the chain is where it was, every block, certificate and event is there, and it goes on
/// to the same roots as a chain in memory.
#[test]
fn a_chain_comes_back() {
    let (mut world, home) = written();
    let head = world.chain.head();
    let names = world.validators();
    drop(std::mem::replace(&mut world.chain, World::new().chain));
    world.chain = chain(home.path());
    assert_eq!((world.chain.head(), world.validators()), (head, names));
    let mut memory = Chain::open(genesis(), Box::new(MemoryStore::default())).unwrap();
    for ((block, certificate), height) in world.log().zip(1..) {
        let events = memory.apply_bytes(&block, &certificate).unwrap();
        assert_eq!(world.chain.events(Height(height)).unwrap(), events);
        assert_eq!(world.chain.block(Height(height)), memory.block(Height(height)));
        assert_eq!(world.chain.certificate(Height(height)), memory.certificate(Height(height)));
    }
    assert_eq!(memory.head(), head);
    let (row, proof) = (StateKey::Account(key(AUDITOR)), |chain: &Chain| {
        chain.prove(&StateKey::Account(key(AUDITOR))).unwrap()
    });
    assert_eq!(proof(&memory), proof(&world.chain));
    let value = world.chain.state().value(&row);
    assert_eq!(verify(&head.state_root, &row, value.as_deref(), &proof(&world.chain)), Ok(()));
    let next = world.propose(vec![]).block;
    world.apply(&next);
    memory.apply(&next, &certify(&next, &world.validators())).unwrap();
    assert_eq!(memory.head(), world.chain.head());
    assert_eq!(world.chain.block(Height(10_000)), Ok(None));
}

/// L-7.6: a reader beside the writer sees the chain as of its opening, and writes nothing.
#[test]
fn a_reader_beside_the_writer() {
    let (mut world, home) = written();
    let before = world.chain.head();
    let read = || RocksStore::open_read_only(home.path(), &network(), RocksOptions::default()).unwrap();
    let mut reader = Chain::open(genesis(), Box::new(read())).unwrap();
    assert_eq!(reader.head(), before);
    world.wait(2);
    assert_eq!(reader.block(world.height()), Ok(None));
    assert_eq!(Chain::open(genesis(), Box::new(read())).unwrap().head(), world.chain.head());
    let (block, certificate) = world.log().nth(before.height.0 as usize).unwrap();
    let refused = Fault::Store { what: "it is open for reading only".to_owned() };
    assert_eq!(reader.apply_bytes(&block, &certificate), Err(crate::BlockError::Fault(refused)));
    assert_eq!(reader.head(), before);
    world.wait(1);
}

/// L-7.6: two writers are one too many.
#[test]
fn a_second_writer_is_refused() {
    let (_world, home) = written();
    let found = open(home.path()).err().unwrap();
    assert_eq!(found, StoreError::Busy { path: home.path().to_owned() });
    assert!(found.what_to_do().contains("stop the node"));
}

/// L-7.6: nothing, something else, another network's, an older and a newer one.
#[test]
fn foreign_stores_are_refused() {
    let (world, home) = written();
    drop(world);
    let path = home.path().to_owned();
    let (expected, found) = (Digest([7; 32]), network());
    let other = RocksStore::open(&path, &expected, RocksOptions::default()).err();
    assert_eq!(other, Some(StoreError::Network { path: path.clone(), expected, found }));
    for found in [FORMAT + 1, FORMAT - 1] {
        rewrite_format(&path, &found.to_le_bytes());
        assert_eq!(open(&path).err(), Some(StoreError::Format { path: path.clone(), found }));
    }
    rewrite_format(&path, &[1]);
    assert!(matches!(open(&path), Err(StoreError::Damaged { .. })));
    rewrite_format(&path, &FORMAT.to_le_bytes());
    assert!(open(&path).is_ok());

    let missing = home.path().join("none");
    let read = |path: &Path| RocksStore::open_read_only(path, &network(), RocksOptions::default()).err();
    assert_eq!(read(&missing), Some(StoreError::Absent { path: missing.clone() }));
    assert!(!missing.exists(), "reading makes nothing");
    let notes = TempDir::new().unwrap();
    fs::write(notes.path().join("notes.txt"), "mine").unwrap();
    let foreign = Some(StoreError::NotAStore { path: notes.path().to_owned() });
    assert_eq!((open(notes.path()).err(), read(notes.path())), (foreign.clone(), foreign));
    let database = TempDir::new().unwrap();
    let mut options = Options::default();
    options.create_if_missing(true);
    DB::open(&options, database.path()).unwrap().put("a", "b").unwrap();
    let foreign = Some(StoreError::NotAStore { path: database.path().to_owned() });
    assert_eq!(open(database.path()).err(), foreign);
}

fn rewrite_format(path: &Path, format: &[u8]) {
    let (options, names) = (Options::default(), DB::list_cf(&Options::default(), path).unwrap());
    let db = DB::open_cf(&options, path, names).unwrap();
    db.put_cf(db.cf_handle(META).unwrap(), "format", format).unwrap();
}

/// L-7.6: a store whose making was cut short is made anew.
#[test]
fn a_draft_is_finished() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("LOCK"), "").unwrap();
    fs::write(home.path().join("MANIFEST-000001"), "").unwrap();
    assert_eq!(chain(home.path()).head().height, Height(0));
    let database = TempDir::new().unwrap();
    let mut options = Options::default();
    options.create_if_missing(true);
    drop(DB::open(&options, database.path()).unwrap());
    assert_eq!(chain(database.path()).head().height, Height(0));
}

/// L-7.6: a torn last write is dropped, as after a power cut; damage in the middle is named and refused.
#[test]
fn damage_is_named() {
    let (world, home) = written();
    let head = world.chain.head();
    drop(world);
    let log = files(home.path(), ".log").pop().unwrap();
    let bytes = fs::read(&log).unwrap();
    fs::write(&log, &bytes[..bytes.len() - 5]).unwrap();
    assert_eq!(chain(home.path()).head().height.0, head.height.0 - 1);

    let (world, home) = written();
    drop(world);
    let log = files(home.path(), ".log").pop().unwrap();
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, &bytes).unwrap();
    let found = open(home.path()).err();
    assert!(matches!(found, Some(StoreError::Damaged { .. })), "{found:?}");

    let (world, home) = written();
    drop(world);
    fs::remove_file(home.path().join("CURRENT")).unwrap();
    let found = open(home.path()).err().unwrap();
    assert!(matches!(found, StoreError::Damaged { .. }), "{found:?}");
    assert!(found.what_to_do().contains("sync again"));
}

/// L-7.4: a block is written with all that it changes or not at all, whatever its size.
#[test]
fn a_batch_is_one() {
    let home = TempDir::new().unwrap();
    let mut store = open(home.path()).unwrap();
    assert_eq!(store.height(), Ok(None));
    let rows: Vec<crate::Row> = (0..5_000u32).map(|n| (n.to_be_bytes().to_vec(), vec![7; 900])).collect();
    let tree = crate::TreeChange { written: vec![(vec![1], vec![2]), (vec![3], vec![4])], removed: vec![] };
    let (block, height) = (Some(vec![9; 1 << 20]), Height(1));
    let batch = crate::Batch { height, block: block.clone(), rows: rows.clone(), tree, ..Default::default() };
    store.commit(batch).unwrap();
    let tree = crate::TreeChange { written: vec![], removed: vec![vec![1]] };
    store.commit(crate::Batch { height: Height(2), tree, ..Default::default() }).unwrap();
    drop(store);
    let store = open(home.path()).unwrap();
    assert_eq!(
        (store.height(), store.block(height), store.rows()),
        (Ok(Some(Height(2))), Ok(block), Ok(rows))
    );
    assert_eq!((store.node(&[1]), store.node(&[3])), (Ok(None), Ok(Some(vec![4]))));
    assert_eq!((store.events(height), store.certificate(Height(2))), (Ok(None), Ok(None)));
}
