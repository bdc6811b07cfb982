//! The published vectors of every op: written by the reference, given by every backend.
//!
//! `RETRACE_WRITE_VECTORS=1 cargo test -p retrace-model --test ops_vectors` writes them anew.

mod support;

use retrace_model::op::{Form, KINDS, Kind};
use retrace_model::program::{Range, Row, Scalar};
use serde_json::{Value, json};
use support::json::{assert_all_read, hex, read_words, spell, take, unhex, vectors};
use support::rows::{Case, Size, case};
use support::{Generator, REFERENCE, engines, run_row};

/// Words that a vector may have, so that it can be followed by hand.
const WORDS_MAX: u64 = 160;
/// Vectors of each kind and trait of a row.
const EACH: usize = 2;

/// What a row has that others of its kind may lack.
fn features(row: &Row) -> [bool; 6] {
    let ranges = [matches!(row.range, Range::UpTo(_)), matches!(row.range, Range::From(_))];
    let lanes = row.kind.form() == Form::Lanes && row.terms > 16;
    [row.start.is_some(), row.masked, ranges[0], ranges[1], lanes, row.elements() == 1]
}

fn is_small(case: &Case) -> bool {
    let read: usize = case.leaves.iter().map(Vec::len).sum();
    read as u64 + case.row.elements() <= WORDS_MAX
}

/// Rows of one kind such that each feature that it can have occurs.
fn chosen(kind: Kind) -> Vec<Case> {
    let mut chosen: Vec<Case> = Vec::new();
    for seed in 0..2000 {
        let case = case(kind, Size::Small, &mut Generator(seed << 8 | kind as u64));
        let is_news = (0..6).any(|f| {
            let known = chosen.iter().filter(|c| features(&c.row)[f]).count();
            features(&case.row)[f] && known < EACH
        });
        let larger = chosen.iter().filter(|c| c.row.elements() > 1).count();
        if is_small(&case) && (is_news || case.row.elements() > 1 && larger < EACH) {
            chosen.push(case);
        }
    }
    chosen
}

fn make() -> Vec<Value> {
    let vector = |case: Case| {
        let bits = |scalar: &Scalar| if let Scalar::Bits(bits) = scalar { *bits } else { 0 };
        let scalars: Vec<u32> = case.row.scalars.iter().map(bits).collect();
        json!({
            "kind": format!("{:?}", case.row.kind),
            "row": hex(&borsh::to_vec(&case.row).expect("a row has bytes")),
            "leaves": case.leaves.iter().map(|words| spell(words)).collect::<Vec<_>>(),
            "scalars": spell(&scalars),
            "output": spell(&run_row(&case.row, &case.leaves, &REFERENCE)),
        })
    };
    KINDS.into_iter().flat_map(chosen).map(vector).collect()
}

/// M-3.1 to M-3.10, M-5.1, M-5.3: every backend gives every vector, every kind has some, nothing goes unread.
#[test]
fn every_backend_gives_the_published_words() {
    let mut seen = [0; KINDS.len()];
    for (at, mut vector) in vectors("ops.json", make).into_iter().enumerate() {
        let row: Row = borsh::from_slice(&unhex(&take(&mut vector, "row"))).expect("a row");
        assert_eq!(take(&mut vector, "kind"), json!(format!("{:?}", row.kind)));
        let leaves: Vec<_> =
            take(&mut vector, "leaves").as_array().expect("leaves").iter().map(read_words).collect();
        let scalars: Vec<Scalar> =
            read_words(&take(&mut vector, "scalars")).into_iter().map(Scalar::Bits).collect();
        assert_eq!(row.scalars, scalars);
        let output = read_words(&take(&mut vector, "output"));
        for engine in engines() {
            assert_eq!(run_row(&row, &leaves, &engine), output, "vector {at}, {engine:?}: {row:?}");
        }
        assert_all_read(&vector);
        seen[row.kind as usize] += 1;
    }
    let unseen: Vec<_> = KINDS.into_iter().filter(|kind| seen[*kind as usize] < EACH).collect();
    assert!(unseen.is_empty(), "kinds without vectors: {unseen:?}");
}
