//! One fetch: the layout is proved first, then every source works on what is missing, and a liar is named and left out.

use super::super::refused::{Refused, Unanswered};
use super::super::shared::Shared;
use super::super::wire::{Blob, BlobAnswer, Stretch};
use super::layout::Layout;
use super::offers::{Made, Offer, ask_around};
use super::partial::Partial;
use super::slice;
use crate::home::Want;
use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::PeerId;
use retrace_verifier::digest::Digest;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Stretches on the way from one source.
const WINDOW: usize = 4;
/// Sources that are used at the same time.
const SOURCES_MAX: usize = 6;
/// How long a source that says "later" is left alone.
const LATER: Duration = Duration::from_millis(30);

/// Why a fetch ended without a blob.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// Nobody who is connected has the right bytes, or no longer.
    #[error("nobody has it")]
    Nobody,
    /// The disk of this node.
    #[error("disk: {0}")]
    Disk(#[from] io::Error),
}

/// What came of asking one source for some stretches.
enum Came {
    /// Verified bytes of each stretch, written if there is a file yet.
    Good(Vec<Leaves>),
    /// The source has no time.
    Later,
    /// The source does not have this part.
    Absent,
    /// The source is gone.
    Gone,
    /// The source lied.
    Lie(Refused),
    /// This node's disk failed.
    Disk(io::Error),
}

/// Verified bytes with their places in a part.
type Leaves = Vec<(u64, Bytes)>;
type Flight = BoxFuture<'static, (PeerId, Vec<Stretch>, Came)>;
type Kept = Arc<Mutex<Partial>>;

/// A fetch that is under way.
pub(super) struct Fetch<'a> {
    shared: Arc<Shared>,
    want: &'a Want,
    name: Digest,
    folder: PathBuf,
    /// Peers that lied about this blob.
    refused: &'a mut BTreeSet<PeerId>,
    kept: Option<Kept>,
    queue: VecDeque<Stretch>,
    sources: BTreeMap<PeerId, usize>,
    /// Sources whose claimed length is being proved.
    claims: BTreeMap<PeerId, u64>,
    flights: FuturesUnordered<Flight>,
}

impl<'a> Fetch<'a> {
    /// A fetch that has asked nobody yet.
    pub(super) fn new(shared: &Arc<Shared>, want: &'a Want, refused: &'a mut BTreeSet<PeerId>) -> Fetch<'a> {
        let folder = shared.partial_folder();
        Fetch {
            shared: Arc::clone(shared),
            want,
            name: want.name(),
            folder,
            refused,
            kept: None,
            queue: VecDeque::new(),
            sources: BTreeMap::new(),
            claims: BTreeMap::new(),
            flights: FuturesUnordered::new(),
        }
    }

    /// Runs until the blob is here or nobody is left to ask.
    pub(super) async fn run(mut self) -> Result<(), FetchError> {
        let mut offers = ask_around(&self.shared, self.name, self.refused);
        let mut is_asking = true;
        loop {
            if self.kept.as_ref().is_some_and(|kept| lock(kept).is_whole()) && self.finish().await? {
                return Ok(());
            }
            self.fill();
            if !is_asking && self.flights.is_empty() {
                self.save();
                return Err(FetchError::Nobody);
            }
            tokio::select! {
                offer = offers.recv(), if is_asking => match offer {
                    Some(offer) => self.take_offer(offer)?,
                    None => is_asking = false,
                },
                Some((peer, load, came)) = self.flights.next() => self.land(peer, load, came)?,
            }
        }
    }

    fn refuse(&mut self, peer: PeerId, refused: Refused) {
        if !self.refused.insert(peer) {
            return;
        }
        tracing::warn!(%peer, blob = %self.name, %refused, "a source of a blob is refused");
        self.shared.blame(peer, refused);
        self.sources.remove(&peer);
        self.claims.remove(&peer);
    }

    /// A peer says that it has the blob: what it says of it is checked before anything else is asked.
    fn take_offer(&mut self, offer: Offer) -> io::Result<()> {
        let peer = offer.peer;
        match (self.want, offer.made) {
            (Want::Bytes { bytes_max, .. }, Made::Bytes(length)) if length > *bytes_max => {
                self.refuse(peer, Refused::BlobTooLong);
            }
            (Want::Bytes { .. }, Made::Bytes(length)) => return self.take_length(peer, length),
            (Want::Tensors { name, kind, spec }, Made::Tensors(digests)) => {
                match Layout::tensors(name, *kind, spec, &digests) {
                    Some(layout) => {
                        self.begin(layout)?;
                        self.sources.insert(peer, 0);
                    }
                    None => self.refuse(peer, Refused::BlobEntries),
                }
            }
            _ => self.refuse(peer, Refused::BlobEntries),
        }
        Ok(())
    }

    fn take_length(&mut self, peer: PeerId, length: u64) -> io::Result<()> {
        let known = self.kept.as_ref().map(|kept| lock(kept).layout().file_length);
        match known.or_else(|| Partial::remembered_length(&self.folder, &self.name)) {
            Some(known) if known == length => {
                self.begin(Layout::bytes(self.name, length))?;
                self.sources.insert(peer, 0);
            }
            Some(_) => self.refuse(peer, Refused::BlobLength),
            None => {
                let layout = Layout::bytes(self.name, length);
                let load = vec![Layout::last_stretch(&layout.parts[0])];
                self.claims.insert(peer, length);
                self.flights.push(self.flight(peer, load, Arc::new(layout), None));
            }
        }
        Ok(())
    }

    /// The layout is proved: the rest of the blob is what its file lacks.
    fn begin(&mut self, layout: Layout) -> io::Result<()> {
        if self.kept.is_none() {
            let partial = Partial::open(&self.folder, &self.name, Arc::new(layout))?;
            self.queue = partial.missing().into();
            self.kept = Some(Arc::new(Mutex::new(partial)));
        }
        Ok(())
    }

    /// Gives every source as much to do as it may have.
    fn fill(&mut self) {
        let Some(kept) = self.kept.clone() else { return };
        let layout = Arc::clone(lock(&kept).layout());
        loop {
            let free = self.sources.iter().take(SOURCES_MAX).filter(|(_, flights)| **flights < WINDOW);
            let Some((peer, _)) = free.min_by_key(|(_, flights)| **flights) else { return };
            let peer = *peer;
            let load = layout.load(&mut self.queue);
            if load.is_empty() {
                return;
            }
            self.sources.entry(peer).and_modify(|flights| *flights += 1);
            self.flights.push(self.flight(peer, load, Arc::clone(&layout), Some(Arc::clone(&kept))));
        }
    }

    fn flight(&self, peer: PeerId, load: Vec<Stretch>, layout: Arc<Layout>, kept: Option<Kept>) -> Flight {
        let (shared, name) = (Arc::clone(&self.shared), self.name);
        Box::pin(async move {
            let came = ask_for(&shared, peer, name, load.clone(), layout, kept).await;
            (peer, load, came)
        })
    }

    fn land(&mut self, peer: PeerId, load: Vec<Stretch>, came: Came) -> Result<(), FetchError> {
        if let Some(length) = self.claims.remove(&peer) {
            return Ok(self.land_claim(peer, length, came)?);
        }
        if let Some(flights) = self.sources.get_mut(&peer) {
            *flights = flights.saturating_sub(1);
        }
        match came {
            Came::Good(found) => {
                let bytes: u64 = found.iter().flatten().map(|(_, bytes)| bytes.len() as u64).sum();
                self.shared.counters.fetched_bytes.inc_by(bytes);
                return Ok(());
            }
            Came::Later => {}
            Came::Absent | Came::Gone => drop(self.sources.remove(&peer)),
            Came::Lie(refused) => self.refuse(peer, refused),
            Came::Disk(error) => return Err(error.into()),
        }
        load.into_iter().rev().for_each(|stretch| self.queue.push_front(stretch));
        Ok(())
    }

    /// The last stretch of plain bytes came: it proves the length, or shows that it was made up.
    fn land_claim(&mut self, peer: PeerId, length: u64, came: Came) -> io::Result<()> {
        match came {
            Came::Good(found) => self.take_proved(peer, length, &found.concat()),
            // Another source proves it meanwhile, or the next round asks again.
            Came::Later | Came::Gone => Ok(()),
            // Who has a blob has its last part.
            Came::Lie(_) | Came::Absent => {
                self.refuse(peer, Refused::BlobLength);
                Ok(())
            }
            Came::Disk(error) => Err(error),
        }
    }

    fn take_proved(&mut self, peer: PeerId, length: u64, leaves: &[(u64, Bytes)]) -> io::Result<()> {
        let layout = Layout::bytes(self.name, length);
        let stretch = Layout::last_stretch(&layout.parts[0]);
        let is_first = self.kept.is_none();
        self.begin(layout)?;
        self.sources.insert(peer, 0);
        if let Some(kept) = self.kept.as_ref().filter(|_| is_first) {
            lock(kept).keep(stretch, leaves)?;
            self.queue = lock(kept).missing().into();
        }
        Ok(())
    }

    fn save(&mut self) {
        if let Some(kept) = &self.kept
            && let Err(error) = lock(kept).save()
        {
            tracing::warn!(blob = %self.name, %error, "the map of a partial blob was not written");
        }
    }

    /// True once the blob is in its place.
    async fn finish(&mut self) -> Result<bool, FetchError> {
        let Some(kept) = self.kept.clone() else { return Ok(false) };
        let blob = self.shared.board.blobs().path(&self.name);
        let finish = move || lock(&kept).finish(&blob);
        let finished = tokio::task::spawn_blocking(finish).await.map_err(io::Error::other)??;
        if !finished {
            self.queue = self.kept.as_ref().map(|kept| lock(kept).missing()).unwrap_or_default().into();
        }
        Ok(finished)
    }
}

fn lock(kept: &Kept) -> std::sync::MutexGuard<'_, Partial> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks one source for some stretches; what comes is verified, and written if there is a file for it.
async fn ask_for(
    shared: &Arc<Shared>,
    peer: PeerId,
    name: Digest,
    stretches: Vec<Stretch>,
    layout: Arc<Layout>,
    kept: Option<Kept>,
) -> Came {
    let encoded = match shared.ask(peer, &Blob::Slices { name, stretches: stretches.clone() }).await {
        Ok(BlobAnswer::Slices { encoded }) if encoded.len() == stretches.len() => encoded,
        Ok(BlobAnswer::Busy) => {
            tokio::time::sleep(LATER).await;
            return Came::Later;
        }
        Ok(BlobAnswer::Absent) => return Came::Absent,
        Err(Unanswered::Gone | Unanswered::Late) => return Came::Gone,
        Ok(_) => return Came::Lie(Refused::OtherAnswer),
        // Whoever is refused for its frame was blamed already; it is no source any more.
        Err(Unanswered::Refused(_)) => return Came::Gone,
    };
    let check = move || check(&layout, &stretches, &encoded, kept.as_ref());
    tokio::task::spawn_blocking(check).await.unwrap_or(Came::Gone)
}

/// Verifies every stretch, then writes them.
fn check(layout: &Layout, stretches: &[Stretch], encoded: &[Vec<u8>], kept: Option<&Kept>) -> Came {
    let mut found = Vec::with_capacity(encoded.len());
    for (stretch, encoded) in stretches.iter().zip(encoded) {
        let Some(part) = layout.parts.get(stretch.part as usize) else { return Came::Gone };
        let Ok(leaves) = slice::decode(part, *stretch, encoded) else { return Came::Lie(Refused::BlobBytes) };
        found.push(leaves);
    }
    let Some(kept) = kept else { return Came::Good(found) };
    let mut partial = lock(kept);
    for (stretch, leaves) in stretches.iter().zip(&found) {
        if let Err(error) = partial.keep(*stretch, leaves) {
            return Came::Disk(error);
        }
    }
    Came::Good(found)
}
