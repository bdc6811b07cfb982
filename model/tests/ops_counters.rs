//! Ops whose elements depend on their place: the rotary table turns, and dropout keeps the share it promises.
#![allow(clippy::disallowed_methods)] // the judge is plain binary64 with the platform's functions

mod support;

use retrace_model::Words;
use retrace_model::op::Kind;
use retrace_model::program::{Home, Operand, Range, Row, Scalar};
use support::{REFERENCE, engines, run_row, view};

fn row(kind: Kind, shape: [u32; 4], operands: Vec<Operand>, scalars: &[u32]) -> Row {
    let scalars = scalars.iter().map(|bits| Scalar::Bits(*bits)).collect();
    let (terms, range) = support::NO_TERMS;
    Row { kind, shape, terms, range, masked: false, start: None, operands, scalars, home: Home::Trace(0) }
}

/// The table of a context and head at base 10000.
fn table(tokens: u32, context: u32, head: u32) -> Words {
    let rate = -2.0 * 10_000f64.ln() / f64::from(head);
    let high = rate as f32;
    let low = (rate - f64::from(high)) as f32;
    let scalars = [high.to_bits(), low.to_bits(), context];
    let row = row(Kind::RotaryTable, [tokens, 2, 2, head / 2], vec![], &scalars);
    let words = run_row(&row, &[], &REFERENCE);
    for engine in engines() {
        assert_eq!(run_row(&row, &[], &engine), words, "{engine:?}");
    }
    words
}

/// M-3.12: every entry against plain binary64, over two sequences.
#[test]
fn the_rotary_table_holds_sines_and_cosines() {
    let (context, head) = (300, 8);
    let words = table(2 * context, context, head);
    for (at, entry) in words.chunks_exact(head as usize / 2).enumerate() {
        let (position, half, k) = ((at / 4) % context as usize, at / 2 % 2, at % 2);
        for (lane, word) in entry.iter().enumerate() {
            let angle = position as f64 * 10_000f64.powf(-2.0 * lane as f64 / f64::from(head));
            let expected = [[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]][half][k];
            let found = f64::from(f32::from_bits(*word));
            // The angle is rounded to binary32 twice.
            assert!((found - expected).abs() <= 2e-7 * (1.0 + angle), "{position} {half} {k} {lane}");
        }
    }
}

/// M-3.12: a turn is a column dot of two terms; the transposed turn takes it back, and lengths stay.
#[test]
fn rotary_turns_are_undone_by_their_gradient() {
    let (tokens, head) = (9u32, 6u32);
    let half = head / 2;
    let words = table(tokens, tokens, head);
    let x: Words = (0..tokens * head).map(|i| ((i as f32 * 0.37).sin()).to_bits()).collect();
    let lanes = u64::from(half);
    let turn = |x: &Words, transposed: bool| {
        let (across, term) = if transposed { (lanes, 2 * lanes) } else { (2 * lanes, lanes) };
        let by = view(1, words.len() as u64, [4 * lanes, across, 0, 1], term);
        let from = view(0, x.len() as u64, [2 * lanes, 0, 0, 1], lanes);
        let mut row = row(Kind::ColumnDot, [tokens, 2, 1, half], vec![from, by], &[]);
        (row.terms, row.range) = (2, Range::Full);
        run_row(&row, &[x.clone(), words.clone()], &REFERENCE)
    };
    let turned = turn(&x, false);
    let back = turn(&turned, true);
    let number = |w: &Words, i: usize| f64::from(f32::from_bits(w[i]));
    assert_ne!(turned, x);
    for i in 0..x.len() {
        assert!((number(&back, i) - number(&x, i)).abs() < 1e-6, "{i}");
    }
}

/// M-3.13: about the promised share stays, each kept element is a times the scale, and the mask depends on the key,
/// the site and the place alone.
#[test]
fn dropout_keeps_the_promised_share() {
    let shape = [2, 3, 50, 80];
    let count = 2 * 3 * 50 * 80;
    let x: Words = (0..count).map(|i| (1.0 + i as f32).to_bits()).collect();
    let dropped = |scalars: [u32; 5], x: &Words| {
        let dense = view(0, count, [12_000, 4000, 80, 1], 0);
        let row = row(Kind::Dropout, shape, vec![dense], &scalars);
        run_row(&row, std::slice::from_ref(x), &REFERENCE)
    };
    let scale = 1.25f32.to_bits();
    let scalars = [7, 8, 3, (0.8 * 4_294_967_296.0) as u32, scale];
    let first = dropped(scalars, &x);
    let kept: Vec<bool> = first.iter().map(|word| *word != 0).collect();
    let share = kept.iter().filter(|is_kept| **is_kept).count() as f64 / count as f64;
    // Three deviations of a binomial with this many draws.
    assert!((share - 0.8).abs() < 3.0 * (0.8 * 0.2 / count as f64).sqrt(), "{share}");
    for (at, word) in first.iter().enumerate() {
        assert!(*word == 0 || *word == (f32::from_bits(x[at]) * 1.25).to_bits());
    }
    let gradient: Words = x.iter().map(|w| (-f32::from_bits(*w)).to_bits()).collect();
    let mask = |words: Words| words.iter().map(|word| *word != 0).collect::<Vec<_>>();
    assert_eq!(mask(dropped(scalars, &gradient)), kept);
    for other in [[6, 8, 3], [7, 9, 3], [7, 8, 2]] {
        let scalars = [other[0], other[1], other[2], scalars[3], scale];
        let moved = mask(dropped(scalars, &x));
        let same = moved.iter().zip(&kept).filter(|(a, b)| a == b).count() as f64 / count as f64;
        // Independent masks agree in 0.8^2 + 0.2^2 of all places.
        assert!((same - 0.68).abs() < 0.02, "{other:?}: {same}");
    }
    assert!(dropped([7, 8, 3, 0, scale], &x).iter().all(|word| *word == 0));
}
