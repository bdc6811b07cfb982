//! Lays a view of a leaf out as lines of N neighbors, one line a term.

/// Packs lines that are contiguous in the leaf, one every `down` elements; positions from `live` on are +0.
#[inline(always)]
pub(super) fn pack_along<const N: usize>(leaf: &[f32], down: usize, live: usize, lines: &mut [[f32; N]]) {
    if live == N && down >= N {
        for (line, neighbors) in lines.iter_mut().zip(leaf.chunks(down)) {
            if let Some(whole) = neighbors.first_chunk() {
                *line = *whole;
            }
        }
        return;
    }
    for (k, line) in lines.iter_mut().enumerate() {
        line[live..].fill(0.0);
        line[..live].copy_from_slice(&leaf[k * down..][..live]);
    }
}

/// Packs a transposed view: position j of line k is the leaf's element `across * j + down * k`.
#[inline(always)]
pub(super) fn pack_across<const N: usize>(
    leaf: &[f32],
    [across, down]: [usize; 2],
    live: usize,
    lines: &mut [[f32; N]],
) {
    for j in 0..N {
        if j >= live {
            for line in lines.iter_mut() {
                line[j] = 0.0;
            }
        } else if down == 1 {
            let column = &leaf[j * across..j * across + lines.len()];
            for (line, x) in lines.iter_mut().zip(column) {
                line[j] = *x;
            }
        } else {
            for (k, line) in lines.iter_mut().enumerate() {
                line[j] = leaf[j * across + k * down];
            }
        }
    }
}
