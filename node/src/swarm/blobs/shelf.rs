//! The shelf: answers about blobs that are here, with the hashes of those asked for lately kept at hand.

use super::super::limits::{SERVED_BYTES_MAX, TENSORS_MAX};
use super::super::wire::{Blob, BlobAnswer, Stretch};
use super::layout::Layout;
use super::slice;
use crate::home::Blobs;
use bao_tree::io::outboard::PreOrderMemOutboard;
use retrace_verifier::digest::Digest;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of hashes at hand; those of one blob always find room.
const KEPT_BYTES_MAX: usize = 32 << 20;
/// What a blob at hand costs beside its hashes.
const KEPT_BYTES_EACH: usize = 256;

/// The hashes of one blob.
struct Item {
    is_tensors: bool,
    layout: Layout,
    outboards: Vec<PreOrderMemOutboard>,
}

impl Item {
    fn cost(&self) -> usize {
        self.outboards.iter().map(|outboard| outboard.data.len() + KEPT_BYTES_EACH).sum()
    }
}

#[derive(Default)]
struct Kept {
    items: VecDeque<(Digest, Arc<Item>)>,
    bytes: usize,
}

/// The shelf.
#[derive(Default)]
pub(in super::super) struct Shelf {
    kept: Mutex<Kept>,
    /// One blob is hashed at a time: a flood of questions costs one processor.
    hashing: Mutex<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    /// Answers a question; also gives the bytes that were moved or hashed for it.
    pub(in super::super) fn answer(&self, blobs: &Blobs, question: &Blob) -> (BlobAnswer, u64) {
        let name = question.name();
        let mut hashed = 0;
        let answered = self.item(blobs, &name, &mut hashed).and_then(|found| match (found, question) {
            (None, _) => Ok(BlobAnswer::Absent),
            (Some(item), Blob::Describe { .. }) => Ok(describe(&item)),
            (Some(item), Blob::Slices { stretches, .. }) => slices(&item, blobs, &name, stretches),
        });
        let answer = answered.unwrap_or_else(|error| {
            tracing::error!(%name, %error, "a blob that is here cannot be read");
            BlobAnswer::Absent
        });
        let moved = match &answer {
            BlobAnswer::Slices { encoded } => encoded.iter().map(Vec::len).sum::<usize>() as u64,
            _ => 0,
        };
        (answer, moved + hashed)
    }

    fn item(&self, blobs: &Blobs, name: &Digest, hashed: &mut u64) -> io::Result<Option<Arc<Item>>> {
        if let Some(item) = lock(&self.kept).take(name) {
            return Ok(Some(item));
        }
        let file = match File::open(blobs.path(name)) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let _one = lock(&self.hashing);
        if let Some(item) = lock(&self.kept).take(name) {
            return Ok(Some(item));
        }
        let length = file.metadata()?.len();
        if length > SERVED_BYTES_MAX {
            return Ok(None);
        }
        *hashed = length;
        let item = read_item(&file, length, name)?.map(Arc::new);
        if let Some(item) = &item {
            lock(&self.kept).put(*name, Arc::clone(item));
        }
        Ok(item)
    }
}

fn describe(item: &Item) -> BlobAnswer {
    if item.is_tensors {
        return BlobAnswer::Tensors { digests: item.layout.parts.iter().map(|part| part.digest).collect() };
    }
    BlobAnswer::Bytes { length: item.layout.file_length }
}

fn slices(item: &Item, blobs: &Blobs, name: &Digest, stretches: &[Stretch]) -> io::Result<BlobAnswer> {
    if item.layout.covered(stretches).is_none() {
        return Ok(BlobAnswer::Absent);
    }
    let file = File::open(blobs.path(name))?;
    let one = |stretch: &Stretch| {
        let at = stretch.part as usize;
        slice::encode(&file, &item.layout.parts[at], &item.outboards[at], stretch)
    };
    Ok(BlobAnswer::Slices { encoded: stretches.iter().map(one).collect::<io::Result<_>>()? })
}

/// A file is plain bytes if they hash to its name, and tensors if it can be read as some; else it is nothing.
fn read_item(file: &File, length: u64, name: &Digest) -> io::Result<Option<Item>> {
    let whole = slice::outboard(BufReader::new(file), length)?;
    if Digest::from(whole.root) == *name {
        let layout = Layout::bytes(*name, length);
        return Ok(Some(Item { is_tensors: false, layout, outboards: vec![whole] }));
    }
    let Some(places) = tensor_places(file, length)? else { return Ok(None) };
    let mut outboards = Vec::with_capacity(places.len());
    for (offset, length) in &places {
        let mut reader = file;
        reader.seek(SeekFrom::Start(*offset))?;
        outboards.push(slice::outboard(BufReader::new(reader.take(*length)), *length)?);
    }
    let lengths = places.into_iter().map(|(_, length)| length);
    let layout = Layout::of_tensors(outboards.iter().map(|o| Digest::from(o.root)).zip(lengths));
    Ok(Some(Item { is_tensors: true, layout, outboards }))
}

/// Where the tensors of a file begin and how long they are; none if it is no list of tensors.
fn tensor_places(file: &File, length: u64) -> io::Result<Option<Vec<(u64, u64)>>> {
    let word_at = |offset: u64| -> io::Result<Option<u32>> {
        let mut word = [0; 4];
        if offset + 4 > length {
            return Ok(None);
        }
        file.read_exact_at(&mut word, offset)?;
        Ok(Some(u32::from_le_bytes(word)))
    };
    let Some(count) = word_at(0)?.filter(|count| *count as usize <= TENSORS_MAX) else { return Ok(None) };
    let (mut places, mut end) = (Vec::new(), 4);
    for _ in 0..count {
        let Some(words) = word_at(end)? else { return Ok(None) };
        let bytes = u64::from(words) * 4;
        places.push((end + 4, bytes));
        end += 4 + bytes;
    }
    Ok((end == length).then_some(places))
}

impl Kept {
    /// Finds one, and moves it to the front.
    fn take(&mut self, name: &Digest) -> Option<Arc<Item>> {
        let at = self.items.iter().position(|(kept, _)| kept == name)?;
        let found = self.items.remove(at)?;
        let item = Arc::clone(&found.1);
        self.items.push_front(found);
        Some(item)
    }

    fn put(&mut self, name: Digest, item: Arc<Item>) {
        self.bytes += item.cost();
        self.items.push_front((name, item));
        while self.bytes > KEPT_BYTES_MAX && self.items.len() > 1 {
            let oldest = self.items.pop_back();
            self.bytes -= oldest.map_or(0, |(_, item)| item.cost());
        }
    }
}
