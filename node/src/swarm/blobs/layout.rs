//! How a blob lies in its file: one tree of bytes, or the tensors of a state with their lengths between them.
//!
//! ```text
//! bytes     part 0
//! tensors   count | words | part 0 | words | part 1 | ...          count and words: u32, little endian
//! ```

use super::super::limits::{GROUP_BYTES, SLICE_GROUPS_MAX, SLICES_BYTES_MAX, SLICES_MAX, TENSORS_MAX};
use super::super::wire::Stretch;
use retrace_model::RunSpec;
use retrace_model::program::parameter_table;
use retrace_verifier::digest::Digest;
use retrace_verifier::state::{StateKind, state_tree};

/// A tree of bytes inside a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its BLAKE3.
    pub(super) digest: Digest,
    /// Its bytes.
    pub(super) length: u64,
    /// Where it begins in the file.
    pub(super) offset: u64,
}

impl Part {
    /// Its chunk groups; a part without bytes has one too.
    pub(super) fn groups(&self) -> u64 {
        self.length.div_ceil(GROUP_BYTES).max(1)
    }

    /// The bytes that a stretch covers; none if the part has no such groups, or they are too many at once.
    pub(super) fn covered(&self, stretch: &Stretch) -> Option<u64> {
        let end = stretch.group.checked_add(u64::from(stretch.groups))?;
        if stretch.groups == 0 || stretch.groups > SLICE_GROUPS_MAX || end > self.groups() {
            return None;
        }
        Some(self.length.min(end * GROUP_BYTES) - stretch.group * GROUP_BYTES)
    }
}

/// A blob's parts in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The parts, in order.
    pub(super) parts: Vec<Part>,
    /// Bytes of the file.
    pub(super) file_length: u64,
    is_tensors: bool,
}

impl Layout {
    /// Plain bytes.
    pub(super) fn bytes(name: Digest, length: u64) -> Layout {
        let parts = vec![Part { digest: name, length, offset: 0 }];
        Layout { parts, file_length: length, is_tensors: false }
    }

    /// Tensors with these lengths.
    pub(super) fn of_tensors(tensors: impl IntoIterator<Item = (Digest, u64)>) -> Layout {
        let mut file_length = 4;
        let part = |(digest, length): (Digest, u64)| {
            let offset = file_length + 4;
            file_length = offset + length;
            Part { digest, length, offset }
        };
        let parts = tensors.into_iter().map(part).collect();
        Layout { parts, file_length, is_tensors: true }
    }

    /// The tensors of a state whose digests somebody claims; none if they do not give its name. Their lengths follow
    /// from the run and from nothing that was claimed.
    pub(super) fn tensors(
        name: &Digest,
        kind: StateKind,
        spec: &RunSpec,
        digests: &[Digest],
    ) -> Option<Layout> {
        let table = parameter_table(&spec.model);
        let count = kind.entries(spec);
        if count > TENSORS_MAX || digests.len() != count || state_tree(kind, spec, digests).root() != *name {
            return None;
        }
        let lengths = table.iter().cycle().map(|shape| shape.elements() * 4);
        Some(Layout::of_tensors(digests.iter().copied().zip(lengths)))
    }

    /// What lies between the parts, by offset.
    pub(super) fn headers(&self) -> Vec<(u64, [u8; 4])> {
        if !self.is_tensors {
            return Vec::new();
        }
        let as_u32 = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        let words = self.parts.iter().map(|part| (part.offset - 4, as_u32(part.length / 4)));
        std::iter::once((0, as_u32(self.parts.len() as u64))).chain(words).collect()
    }

    /// The last stretch of a part: only who knows the length can send it.
    pub(super) fn last_stretch(part: &Part) -> Stretch {
        Stretch { part: 0, group: part.groups() - 1, groups: 1 }
    }

    /// The bytes of all these stretches; none if there is one that the blob does not have, or they are too many.
    pub(super) fn covered(&self, stretches: &[Stretch]) -> Option<u64> {
        if stretches.len() > SLICES_MAX {
            return None;
        }
        let of = |s: &Stretch| self.parts.get(s.part as usize).and_then(|part| part.covered(s));
        let total = stretches.iter().map(of).try_fold(0, |sum: u64, covered| sum.checked_add(covered?));
        total.filter(|total| *total <= SLICES_BYTES_MAX)
    }

    /// Takes from the front of a queue what one question may ask for.
    pub(super) fn load(&self, queue: &mut std::collections::VecDeque<Stretch>) -> Vec<Stretch> {
        let mut load = Vec::new();
        while let Some(next) = queue.front() {
            load.push(*next);
            if load.len() > 1 && self.covered(&load).is_none() {
                load.pop();
                break;
            }
            queue.pop_front();
        }
        load
    }

    /// All stretches of a part, aligned to their greatest size.
    pub(super) fn stretches(index: usize, part: &Part) -> impl Iterator<Item = Stretch> + use<> {
        let (index, groups) = (u32::try_from(index).unwrap_or(u32::MAX), part.groups());
        let stretch = move |group| {
            let left = groups - group;
            let groups = u32::try_from(left).unwrap_or(u32::MAX).min(SLICE_GROUPS_MAX);
            Stretch { part: index, group, groups }
        };
        (0..groups).step_by(SLICE_GROUPS_MAX as usize).map(stretch)
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;
    use retrace_model::Words;
    use retrace_verifier::digest::Digest;
    use retrace_verifier::segment::tensors_blob;
    use retrace_verifier::state::{StateKind, state_tree, words_digest};

    /// W-2.10: the parts and what lies between them are the file that a publisher writes.
    #[test]
    fn a_layout_is_the_published_file() {
        let tensors: Vec<Words> = vec![vec![1, 2, 3], vec![], vec![7; 5000]];
        let file = tensors_blob(&tensors);
        let layout = Layout::of_tensors(tensors.iter().map(|t| (words_digest(t), 4 * t.len() as u64)));
        assert_eq!(layout.file_length, file.len() as u64);
        for (offset, header) in layout.headers() {
            assert_eq!(file[offset as usize..][..4], header);
        }
        for part in &layout.parts {
            let bytes = &file[part.offset as usize..][..part.length as usize];
            assert_eq!(Digest::from(blake3::hash(bytes)), part.digest);
        }
        let mut queue = (0..3).flat_map(|i| Layout::stretches(i, &layout.parts[i])).collect();
        let load = layout.load(&mut queue);
        assert_eq!(
            load.iter().map(|s| (s.part, s.group, s.groups)).collect::<Vec<_>>(),
            [(0, 0, 1), (1, 0, 1), (2, 0, 2)]
        );
        assert_eq!(layout.covered(&load), Some(12 + 20_000));
    }

    /// W-2.10: a question asks for 128 KiB or 64 stretches at most, and only for what there is.
    #[test]
    fn loads_are_bounded() {
        let layout = Layout::bytes(Digest([1; 32]), 1 << 20);
        let mut queue = Layout::stretches(0, &layout.parts[0]).collect();
        assert_eq!(layout.load(&mut queue).len(), 1, "one stretch of 128 KiB fills a question");
        assert_eq!(queue.len(), 7);
        let many = Layout::of_tensors((0..1000).map(|i| (Digest([i as u8; 32]), 64)));
        let mut queue = many.parts.iter().enumerate().flat_map(|(i, p)| Layout::stretches(i, p)).collect();
        assert_eq!(many.load(&mut queue).len(), super::SLICES_MAX);
        let stretch = |part, group, groups| super::Stretch { part, group, groups };
        for wrong in [
            stretch(1, 0, 1),
            stretch(0, 64, 1),
            stretch(0, 63, 2),
            stretch(0, 0, 9),
            stretch(0, u64::MAX, 2),
        ] {
            assert_eq!(layout.covered(&[wrong]), None, "{wrong:?}");
        }
        assert_eq!(layout.covered(&[stretch(0, 0, 8), stretch(0, 8, 1)]), None, "too many bytes");
    }

    /// W-2.10: digests that do not give the name are no layout, whatever their number.
    #[test]
    fn digests_must_give_the_name() {
        let spec = retrace_model::selftest::golden_spec();
        let count = StateKind::Delta.entries(&spec);
        let digests: Vec<Digest> = (0..count).map(|i| Digest([i as u8; 32])).collect();
        let name = state_tree(StateKind::Delta, &spec, &digests).root();
        let layout = Layout::tensors(&name, StateKind::Delta, &spec, &digests).unwrap();
        assert_eq!(layout.parts.len(), count);
        let mut wrong = digests.clone();
        wrong[3] = Digest([255; 32]);
        assert_eq!(Layout::tensors(&name, StateKind::Delta, &spec, &wrong), None);
        assert_eq!(Layout::tensors(&name, StateKind::Delta, &spec, &digests[1..]), None);
        assert_eq!(Layout::tensors(&name, StateKind::Inner, &spec, &digests), None);
    }
}
