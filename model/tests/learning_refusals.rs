//! What is refused, by name: rows that no op could be, run specifications outside their limits.

mod support;

use retrace_model::op::Kind;
use retrace_model::program::{
    Home, Leaf, Lookup, Operand, Range, Row, RowError, Scalar, TERMS_MAX, delta_program, evaluation_program,
    loss_program, merge_program, step_program,
};
use retrace_model::{
    AdamWSpec, Architecture, Decay, F32Bits, GptSpec, OptimizerSpec, RunSpec, SgdSpec, SpecError, selftest,
};
use support::view;

fn set_heads(spec: &mut RunSpec, heads: u32) {
    spec.model.architecture = Architecture::Gpt(GptSpec::new(heads));
}

fn product() -> Row {
    let operands = vec![view(0, 6, [0, 0, 3, 0], 1), view(1, 12, [0, 0, 0, 1], 4)];
    let (kind, shape, home) = (Kind::MatMul, [1, 1, 2, 4], Home::Trace(0));
    Row {
        kind,
        shape,
        terms: 3,
        range: Range::Full,
        masked: false,
        start: None,
        operands,
        scalars: vec![],
        home,
    }
}

fn sum() -> Row {
    let operands = vec![view(0, 8, [0, 0, 4, 1], 0), view(1, 4, [0, 0, 0, 1], 0)];
    Row { kind: Kind::Add, terms: 0, operands, ..product() }
}

fn refused(row: Row, change: impl Fn(&mut Row)) -> RowError {
    let mut row = row;
    assert_eq!(row.check(), Ok(()));
    change(&mut row);
    row.check().expect_err("this row is refused")
}

/// M-4.1, M-3.4: every reason, in the order of the checks.
#[test]
fn rows_are_refused_by_name() {
    let arity = refused(sum(), |row| row.operands.truncate(1));
    assert_eq!(arity, RowError::Arity { expected: 2, found: 1 });
    let scalars = refused(sum(), |row| row.scalars = vec![Scalar::Bits(0); 6]);
    assert_eq!(scalars, RowError::Scalars { found: 6 });
    let extents: [&dyn Fn(&mut Row); 4] = [
        &|row| row.shape[1] = 0,
        &|row| row.shape = [u32::MAX; 4],
        &|row| row.terms = TERMS_MAX + 1,
        &|row| row.terms = 0,
    ];
    for change in extents {
        assert_eq!(refused(product(), change), RowError::Extent);
    }
    assert_eq!(refused(sum(), |row| row.terms = 1), RowError::Extent);
    assert_eq!(refused(product(), |row| row.range = Range::UpTo(4)), RowError::Range);
    assert_eq!(refused(sum(), |row| row.range = Range::From(2)), RowError::Range);
    assert_eq!(refused(sum(), |row| row.start = Some(view(2, 1, [0; 4], 0))), RowError::Range);
}

/// M-4.2: views that reach outside their leaf, and look-ups by an operand that is not before them.
#[test]
fn views_are_refused_by_operand() {
    let by = |operand, bound| Some(Lookup { operand, stride: 4, bound });
    type Change<'a> = &'a dyn Fn(&mut Operand);
    let changes: [(usize, Change); 7] = [
        (0, &|view| view.length = 5),
        (1, &|view| view.offset = 1),
        (1, &|view| view.strides[2] = 1),
        (0, &|view| view.term_stride = u64::MAX),
        (0, &|view| view.lookup = by(0, 1)),
        (1, &|view| view.lookup = by(1, 1)),
        (1, &|view| view.lookup = by(0, 2)),
    ];
    for (operand, change) in changes {
        assert_eq!(refused(product(), |row| change(&mut row.operands[operand])), RowError::View { operand });
    }
    let start = refused(product(), |row| row.start = Some(view(2, 3, [0, 0, 0, 1], 0)));
    assert_eq!(start, RowError::View { operand: 2 });
}

/// M-4.3, M-4.2: every output has a home of its own, and rows read only what rows before them wrote.
#[test]
fn every_output_has_one_home() {
    let spec = selftest::golden_spec();
    let programs = [
        step_program(&spec),
        evaluation_program(&spec, 2),
        delta_program(&spec),
        loss_program(&spec),
        merge_program(&spec, 2),
    ];
    for program in programs {
        let mut homes: Vec<Home> = Vec::new();
        for row in &program.rows {
            for view in row.operands.iter().chain(&row.start) {
                let home = match view.leaf {
                    Leaf::Trace(at) => Home::Trace(at),
                    Leaf::Post(at) => Home::Post(at),
                    Leaf::Batch => Home::Batch,
                    _ => continue,
                };
                assert!(homes.contains(&home), "{row:?} reads {home:?} before it is there");
            }
            assert!(!homes.contains(&row.home), "{row:?} has another row's home");
            homes.push(row.home);
        }
        let traced = homes.iter().filter(|home| matches!(home, Home::Trace(_))).count();
        assert_eq!(traced, program.trace_leaves as usize);
    }
}

/// M-6.1: products of sizes, at the limit and one above it.
#[test]
fn runs_are_refused_by_volume() {
    let with = |change: fn(&mut RunSpec)| {
        let mut spec = selftest::golden_spec();
        (spec.model.width, spec.model.layers) = (8, 1);
        set_heads(&mut spec, 1);
        change(&mut spec);
        spec.check()
    };
    let refused = |what, found, high| Err(SpecError::Volume { what, found, high });
    assert_eq!(with(|s| (s.batch, s.model.context) = (1 << 12, 1 << 12)), Ok(()));
    let tokens = with(|s| (s.batch, s.model.context) = (1 << 12, (1 << 12) + 1));
    assert_eq!(tokens, refused("tokens of a step", (1 << 24) + (1 << 12), 1 << 24));
    assert_eq!(with(|s| (s.batch, s.model.context) = (1 << 7, 1 << 15)), Ok(()));
    let scores = with(|s| (s.batch, s.model.context) = (129, 1 << 15));
    assert_eq!(scores, refused("attention scores of a step", 129 << 30, 1 << 37));
    let logits = with(|s| (s.batch, s.model.context, s.model.vocabulary) = (1 << 12, 1 << 8, (1 << 17) + 1));
    assert_eq!(logits, refused("logits of a step", (1 << 37) + (1 << 20), 1 << 37));
    let hidden = with(|s| (s.batch, s.model.context, s.model.hidden) = (1 << 12, 1 << 9, (1 << 16) + 1));
    assert_eq!(hidden, refused("hidden activations of a step", (1 << 37) + (1 << 21), 1 << 37));
    assert_eq!(with(|s| s.slots = 228), Ok(()));
    assert_eq!(with(|s| s.slots = 229), refused("rows of all merge programs", 20 * 229 * 229, 1 << 20));
}

/// M-6.1: the first value outside each limit, by the field's name.
#[test]
fn runs_are_refused_by_field() {
    type Change = fn(&mut RunSpec, u32);
    let sizes: [(&str, u32, u32, Change); 11] = [
        ("vocabulary", 256, 1 << 18, |s, n| s.model.vocabulary = n),
        ("context", 2, 1 << 15, |s, n| s.model.context = n),
        ("width", 1, 1 << 15, |s, n| {
            s.model.width = n;
            set_heads(s, 1);
        }),
        ("heads", 1, 1 << 10, |s, n| {
            s.model.width = n.clamp(1, 1 << 15);
            set_heads(s, n);
        }),
        ("layers", 1, 256, |s, n| s.model.layers = n),
        ("hidden", 1, 1 << 17, |s, n| s.model.hidden = n),
        ("batch", 1, 1 << 12, |s, n| s.batch = n),
        ("accumulation", 1, 1 << 12, |s, n| (s.batch, s.accumulation) = (n.clamp(1, 1 << 12), n)),
        ("steps", 4, 1 << 14, |s, n| s.steps = n),
        ("slots", 1, 256, |s, n| s.slots = n as u16),
        ("rounds", 1, 1 << 20, |s, n| s.rounds = n),
    ];
    for (field, low, high, change) in sizes {
        let with = |n| {
            let mut spec = selftest::golden_spec();
            change(&mut spec, n);
            spec.check()
        };
        // The largest size may be too much together with the others, but not by itself.
        assert_eq!(with(low), Ok(()), "{field}");
        assert!(matches!(with(high), Ok(()) | Err(SpecError::Volume { .. })), "{field}");
        for found in [low - 1, high + 1] {
            assert_eq!(with(found), Err(SpecError::Size { field, found, low, high }));
        }
    }
    let with = |change: &dyn Fn(&mut RunSpec)| {
        let mut spec = selftest::golden_spec();
        change(&mut spec);
        spec.check()
    };
    for found in [1, 2] {
        let old = with(&|s: &mut RunSpec| s.arithmetic_version = found);
        assert_eq!(old, Err(SpecError::Version { found }));
    }
    assert_eq!(with(&|s: &mut RunSpec| set_heads(s, 5)), Err(SpecError::Heads { heads: 5, width: 36 }));
    let [minus_zero, infinity, nan] = [0x8000_0000, 0x7F80_0000, 0x7FC0_0000].map(F32Bits);
    let beta1 = |bits| {
        move |s: &mut RunSpec| {
            let OptimizerSpec::AdamW(before) = s.optimizer else { panic!("AdamW, by default") };
            s.optimizer = OptimizerSpec::AdamW(AdamWSpec { beta1: F32Bits(bits), ..before });
        }
    };
    assert_eq!(with(&beta1(0x8000_0000)), Err(SpecError::Rate { field: "beta1" }));
    assert_eq!(with(&beta1(0x3F80_0000)), Err(SpecError::Share { field: "beta1" }));
    assert_eq!(with(&beta1(0x3F7F_FFFF)), Ok(()));
    let momentum = |s: &mut RunSpec| {
        let [momentum, weight_decay, clip_norm] = [0x3F80_0000, 0, 0x3F80_0000].map(F32Bits);
        s.optimizer = OptimizerSpec::Sgd(SgdSpec { momentum, weight_decay, clip_norm });
    };
    assert_eq!(with(&momentum), Err(SpecError::Share { field: "momentum" }));
    assert_eq!(
        with(&|s: &mut RunSpec| s.schedule.peak = F32Bits(0x7F80_0000)),
        Err(SpecError::Rate { field: "peak" })
    );
    let floor = |s: &mut RunSpec| s.schedule.decay = Decay::Cosine { floor: F32Bits(0x7FC0_0000) };
    assert_eq!(with(&floor), Err(SpecError::Rate { field: "decay floor" }));
    assert!([minus_zero, infinity, nan].iter().all(|rate| !rate.is_finite_positive_or_zero()));
}
