//! The referee's integers against the machine's floating-point unit: every op, ordinary and special words.

use retrace_model::arithmetic::{CANONICAL_NAN, Real32};
use retrace_model::op::{Arguments, Form, KINDS, Kind, LANES};
use retrace_model::soft::Soft32;
use retrace_model::{element_value, lane_total, next_accumulator};

const CASES_OF_A_KIND: u32 = 12_000;

const SPECIAL: [u32; 24] = [
    0x0000_0000,
    0x8000_0000,
    0x0000_0001,
    0x8000_0001,
    0x007F_FFFF,
    0x807F_FFFF,
    0x0080_0000,
    0x8080_0000,
    0x3F80_0000,
    0xBF80_0000,
    0x3F7F_FFFF,
    0x3F80_0001,
    0x7F7F_FFFF,
    0xFF7F_FFFF,
    0x7F80_0000,
    0xFF80_0000,
    0x7FC0_0000,
    0xFFC0_0000,
    0x7F80_0001,
    0xFFFF_FFFF,
    0x42B1_7218,
    0xC2CF_F1B5,
    0x3F00_0000,
    0x4B80_0000,
];

struct Words(u64);

impl Words {
    fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) as u32
    }

    /// One in four special, one in four any bits, else a number of everyday size.
    fn word(&mut self) -> u32 {
        let (choice, bits) = (self.bits(), self.bits());
        match choice % 4 {
            0 => SPECIAL[bits as usize % SPECIAL.len()],
            1 => bits,
            _ => (bits & 0x807F_FFFF) | ((0x70 + (choice >> 8) % 0x1C) << 23),
        }
    }
}

fn arguments<F: Real32>(words: [u32; 3], s: [u32; 5], index: [u64; 4]) -> Arguments<F> {
    Arguments { x: words.map(F::from_bits), words, s: s.map(F::from_bits), index }
}

fn is_canonical(bits: u32) -> bool {
    bits == CANONICAL_NAN || bits & 0x7FFF_FFFF <= 0x7F80_0000
}

fn one_case(kind: Kind, draw: &mut Words) {
    let mut words = [(); 3].map(|()| draw.word());
    let (s, accumulator) = ([(); 5].map(|()| draw.word()), draw.word());
    let index = [0, 0, u64::from(draw.bits() % 4), u64::from(draw.bits() % 4)];
    // Ids that sometimes are the row or column asked for.
    let id = draw.bits() % 4;
    match kind {
        Kind::EmbeddingBackward => words[0] = id,
        Kind::CrossEntropyBackward => words[2] = id,
        _ => {}
    }
    let (soft, hard) = match kind.form() {
        Form::Element => (
            element_value::<Soft32>(kind, arguments(words, s, index)),
            element_value::<f32>(kind, arguments(words, s, index)),
        ),
        _ => {
            let soft = Soft32::from_bits(accumulator);
            let hard = <f32 as Real32>::from_bits(accumulator);
            (
                next_accumulator(kind, soft, arguments(words, s, index)).to_bits(),
                Real32::to_bits(next_accumulator(kind, hard, arguments(words, s, index))),
            )
        }
    };
    assert_eq!(soft, hard, "{kind:?} of {words:08x?}, scalars {s:08x?}, accumulator {accumulator:08x}");
    assert!(is_canonical(soft), "{kind:?}: {soft:08x}");
}

/// V-4.6: one element or one term has the same bits in integers as on the hardware, whatever the words.
#[test]
fn every_kind_agrees_with_the_hardware() {
    for kind in KINDS {
        let mut draw = Words(kind as u64);
        (0..CASES_OF_A_KIND).for_each(|_| one_case(kind, &mut draw));
    }
    println!("{} cases over {} kinds", KINDS.len() as u32 * CASES_OF_A_KIND, KINDS.len());
}

/// V-4.4, V-4.6: lane totals are joined to the same bits; an op without lanes joins to nothing that matters.
#[test]
fn lane_totals_agree_with_the_hardware() {
    for kind in KINDS.into_iter().filter(|kind| kind.form() == Form::Lanes) {
        let mut draw = Words(0x1A2E ^ kind as u64);
        for _ in 0..CASES_OF_A_KIND {
            let totals = [(); LANES].map(|()| draw.word());
            let soft = lane_total(kind, totals.map(Soft32::from_bits));
            let hard = lane_total(kind, totals.map(<f32 as Real32>::from_bits));
            assert_eq!(soft, hard, "{kind:?} of {totals:08x?}");
            assert!(is_canonical(soft), "{kind:?}: {soft:08x}");
        }
    }
}

/// V-4.6: every special word against every other, in every op of at most two operands and in every chain.
#[test]
fn special_words_meet_each_other() {
    let mut cases = 0;
    for kind in KINDS {
        for a in SPECIAL {
            for b in SPECIAL {
                for third in [SPECIAL[cases % SPECIAL.len()], 0, 0x3F80_0000] {
                    let s = [0x3F00_0000, third, a, b, 0];
                    let (soft, hard) = if kind.form() == Form::Element {
                        (
                            element_value::<Soft32>(kind, arguments([a, b, third], s, [0; 4])),
                            element_value::<f32>(kind, arguments([a, b, third], s, [0; 4])),
                        )
                    } else {
                        let next = next_accumulator::<f32>(
                            kind,
                            Real32::from_bits(third),
                            arguments([a, b, 0], s, [0; 4]),
                        );
                        let soft =
                            next_accumulator(kind, Soft32::from_bits(third), arguments([a, b, 0], s, [0; 4]));
                        (soft.to_bits(), Real32::to_bits(next))
                    };
                    assert_eq!(soft, hard, "{kind:?} of {a:08x} {b:08x} {third:08x}");
                    cases += 1;
                }
            }
        }
    }
    println!("{cases} cases");
}
