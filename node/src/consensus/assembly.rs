//! Blocks put together from parts, within fixed bounds for each peer and for all of them (W-1.4).

use super::context::{Init, PART_BYTES, Part, PartRefused};
use malachite_app_channel::app::streaming::{StreamContent, StreamMessage};
use malachite_app_channel::app::types::PeerId;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Streams of one publisher that may be incomplete; a further one ends the oldest.
const STREAMS_PER_PEER: usize = 2;
/// Incomplete streams of all publishers.
const STREAMS_MAX: usize = 32;
/// Bytes of all incomplete streams.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// An incomplete stream is forgotten after this.
const AGE_MAX: Duration = Duration::from_secs(10);
/// Streams that are over and remembered, so that a late copy of a part begins no new one.
const OVER_MAX: usize = 128;
/// Bytes of a stream's id.
const ID_BYTES_MAX: usize = 32;

/// Names a stream: who published it, and the id it gave it.
type Name = (PeerId, Vec<u8>);

/// A stream that is not complete.
struct Stream {
    born: Instant,
    init: Option<Init>,
    data: BTreeMap<u64, Vec<u8>>,
}

/// A block's bytes with their beginning. Nothing but counts and lengths was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembled {
    /// The beginning.
    pub init: Init,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// All streams that are not complete.
#[derive(Default)]
pub struct Assembly {
    streams: BTreeMap<Name, Stream>,
    over: VecDeque<Name>,
}

impl Assembly {
    /// Takes one part; gives the block's bytes if it was the last one missing. A stream with a part that has no
    /// place in it is over.
    pub fn take(
        &mut self,
        publisher: PeerId,
        message: StreamMessage<Part>,
        now: Instant,
        is_welcome: impl FnOnce(&Init) -> Result<(), PartRefused>,
    ) -> Result<Option<Assembled>, PartRefused> {
        let name = (publisher, message.stream_id.to_bytes().to_vec());
        if name.1.len() > ID_BYTES_MAX {
            return Err(PartRefused::StreamId);
        }
        if self.over.contains(&name) {
            return Err(PartRefused::Over);
        }
        self.make_room(&name, now);
        let stream = self.streams.entry(name.clone()).or_insert_with(|| Stream {
            born: now,
            init: None,
            data: BTreeMap::new(),
        });
        let taken = stream.take(message, is_welcome);
        if taken.is_err() || stream.is_complete() {
            let stream = self.end(name);
            taken?;
            return Ok(stream.and_then(Stream::assembled));
        }
        Ok(None)
    }

    /// How many bytes are kept.
    pub fn bytes(&self) -> usize {
        self.streams.values().map(Stream::bytes).sum()
    }

    fn end(&mut self, name: Name) -> Option<Stream> {
        let stream = self.streams.remove(&name);
        if self.over.len() == OVER_MAX {
            self.over.pop_front();
        }
        self.over.push_back(name);
        stream
    }

    /// Forgets what is too old, then the oldest streams, until one more part of this stream fits.
    fn make_room(&mut self, name: &Name, now: Instant) {
        self.streams.retain(|_, stream| now.duration_since(stream.born) < AGE_MAX);
        let is_new = !self.streams.contains_key(name);
        let of_peer = |assembly: &Assembly| assembly.oldest(|other| other.0 == name.0);
        while is_new && self.streams.keys().filter(|other| other.0 == name.0).count() >= STREAMS_PER_PEER {
            let Some(oldest) = of_peer(self) else { break };
            self.end(oldest);
        }
        while (is_new && self.streams.len() >= STREAMS_MAX) || self.bytes() + PART_BYTES > BYTES_MAX {
            let Some(oldest) = self.oldest(|other| other != name) else { break };
            self.end(oldest);
        }
    }

    fn oldest(&self, is_meant: impl Fn(&Name) -> bool) -> Option<Name> {
        let meant = self.streams.iter().filter(|(name, _)| is_meant(name));
        meant.min_by_key(|(_, stream)| stream.born).map(|(name, _)| name.clone())
    }
}

impl Stream {
    fn take(
        &mut self,
        message: StreamMessage<Part>,
        is_welcome: impl FnOnce(&Init) -> Result<(), PartRefused>,
    ) -> Result<(), PartRefused> {
        let sequence = message.sequence;
        match message.content {
            StreamContent::Data(Part::Init(init)) if sequence == 0 && self.init.is_none() => {
                if !init.is_possible() {
                    return Err(PartRefused::Length { found: init.value.bytes });
                }
                is_welcome(&init)?;
                self.init = Some(init);
            }
            // Parts may overtake the beginning; what they cannot do is to be more, or longer, than any block's.
            StreamContent::Data(Part::Data(bytes, _)) if is_place(sequence) && bytes.len() <= PART_BYTES => {
                if self.data.insert(sequence, bytes).is_some() {
                    return Err(PartRefused::Place { sequence });
                }
            }
            _ => return Err(PartRefused::Place { sequence }),
        }
        let Some(init) = &self.init else { return Ok(()) };
        let misfit = self.data.iter().find(|(sequence, bytes)| {
            **sequence > init.parts() as u64 || bytes.len() != init.part_bytes(**sequence as usize)
        });
        misfit.map_or(Ok(()), |(sequence, _)| Err(PartRefused::Place { sequence: *sequence }))
    }

    fn is_complete(&self) -> bool {
        self.init.is_some_and(|init| self.data.len() == init.parts())
    }

    fn bytes(&self) -> usize {
        self.data.values().map(Vec::len).sum()
    }

    fn assembled(self) -> Option<Assembled> {
        let init = self.init?;
        Some(Assembled { init, bytes: self.data.into_values().flatten().collect() })
    }
}

/// The numbers that a part of bytes can have in any block.
fn is_place(sequence: u64) -> bool {
    (1..=retrace_ledger::limits::BLOCK_BYTES_MAX.div_ceil(PART_BYTES) as u64).contains(&sequence)
}

#[cfg(test)]
mod tests {
    use super::super::context::{BlockId, Height, Value};
    use super::*;
    use ed25519_dalek::SigningKey;
    use malachite_app_channel::app::streaming::StreamId;
    use retrace_verifier::digest::Digest;

    fn peer(seed: u8) -> PeerId {
        let keypair = malachite_app_channel::app::types::Keypair::ed25519_from_bytes([seed; 32]).unwrap();
        PeerId::from_bytes(&keypair.public().to_peer_id().to_bytes()).unwrap()
    }

    fn parts(bytes: &[u8], once: u64) -> Vec<StreamMessage<Part>> {
        let value = Value { block: BlockId(Digest([1; 32])), bytes: bytes.len() as u32 };
        let key = SigningKey::from_bytes(&[7; 32]);
        Part::stream(Init::sign(&Digest([2; 32]), &key, (Height(1), 0, None), value, bytes), bytes, once)
    }

    fn block(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|at| at as u8).collect()
    }

    fn take(assembly: &mut Assembly, part: StreamMessage<Part>) -> Result<Option<Assembled>, PartRefused> {
        assembly.take(peer(1), part, Instant::now(), |_| Ok(()))
    }

    /// W-1.3: parts of 131,072 bytes; they may arrive in any order.
    #[test]
    fn a_block_is_put_together_from_parts_in_any_order() {
        for length in [1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES + 5, 1024 * 1024] {
            let bytes = block(length);
            let mut messages = parts(&bytes, length as u64);
            assert_eq!(messages.len(), 1 + length.div_ceil(PART_BYTES));
            messages.reverse();
            let mut assembly = Assembly::default();
            let last = messages.pop().unwrap();
            for message in messages {
                assert_eq!(take(&mut assembly, message), Ok(None));
            }
            assert_eq!(take(&mut assembly, last).unwrap().unwrap().bytes, bytes);
            assert_eq!(assembly.bytes(), 0);
        }
    }

    /// W-1.4: copies, parts without a place and impossible lengths end their stream.
    #[test]
    fn what_has_no_place_ends_the_stream() {
        let bytes = block(2 * PART_BYTES);
        let refused = |messages: Vec<StreamMessage<Part>>| {
            let mut assembly = Assembly::default();
            let results: Vec<_> = messages.into_iter().map(|part| take(&mut assembly, part)).collect();
            results.into_iter().find_map(Result::err)
        };
        let good = parts(&bytes, 1);
        assert_eq!(
            refused(vec![good[0].clone(), good[1].clone(), good[1].clone()]),
            Some(PartRefused::Place { sequence: 1 })
        );
        assert_eq!(refused(vec![good[0].clone(), good[0].clone()]), Some(PartRefused::Place { sequence: 0 }));
        let mut far = good[1].clone();
        far.sequence = 9;
        assert_eq!(refused(vec![far]), Some(PartRefused::Place { sequence: 9 }));
        let mut beyond = good[1].clone();
        beyond.sequence = 3;
        assert_eq!(refused(vec![beyond, good[0].clone()]), Some(PartRefused::Place { sequence: 3 }));
        let mut huge = good[0].clone();
        if let StreamContent::Data(Part::Init(init)) = &mut huge.content {
            init.value.bytes = u32::MAX;
        }
        assert_eq!(refused(vec![huge]), Some(PartRefused::Length { found: u32::MAX }));
        let mut named = good[0].clone();
        named.stream_id = StreamId::new(vec![0; 33].into());
        assert_eq!(refused(vec![named]), Some(PartRefused::StreamId));
        assert_eq!(
            refused(vec![good[1].clone(), good[1].clone(), good[0].clone()]),
            Some(PartRefused::Place { sequence: 1 })
        );
    }

    /// W-1.4: however much one peer sends, what is kept stays under the bound, and others are served.
    #[test]
    fn memory_is_bounded() {
        let bytes = block(1024 * 1024);
        let mut assembly = Assembly::default();
        for seed in 0..40 {
            for once in 0..4 {
                for part in parts(&bytes, once).into_iter().take(8) {
                    drop(assembly.take(peer(seed), part, Instant::now(), |_| Ok(())));
                    assert!(assembly.bytes() <= BYTES_MAX);
                }
            }
        }
        assert!(assembly.streams.len() <= STREAMS_MAX && assembly.over.len() <= OVER_MAX);
        let complete = parts(&bytes, 99).into_iter().filter_map(|part| take(&mut assembly, part).unwrap());
        assert_eq!(complete.count(), 1);
        let late = Instant::now() + AGE_MAX + Duration::from_secs(1);
        drop(assembly.take(peer(200), parts(&bytes, 5).remove(0), late, |_| Ok(())));
        assert_eq!(assembly.streams.len(), 1);
    }

    #[test]
    fn an_unwelcome_beginning_keeps_nothing() {
        let mut assembly = Assembly::default();
        let part = parts(&block(10), 1).remove(0);
        let refused = assembly.take(peer(1), part.clone(), Instant::now(), |_| Err(PartRefused::Sender));
        assert_eq!(refused, Err(PartRefused::Sender));
        assert_eq!(take(&mut assembly, part), Err(PartRefused::Over));
    }
}
