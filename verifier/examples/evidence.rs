//! Writes bundles of evidence from the lab to a folder, or judges bundles: how `specs/vectors/evidence` is made.
//!
//! ```text
//! evidence DIR              writes DIR/NAME.bin for every case, and DIR/expected.json
//! evidence --judge FILE...  prints a class and the file: 0 proven, 1 disproven, 2 unreadable, 3 of the ledger's clock
//! ```

use ed25519_dalek::SigningKey;
use retrace_model::op::{KINDS, Kind};
use retrace_model::program::{Leaf, Program, Row, delta_program, loss_program, merge_program, step_program};
use retrace_model::selftest::golden_spec;
use retrace_model::{
    Activation, Architecture, Backend, Decay, Engine, F32Bits, GptSpec, LlamaSpec, MlpSpec, OptimizerSpec,
    RunSpec, SgdSpec, initial_parameters,
};
use retrace_verifier::commitment::SignedCommitment;
use retrace_verifier::delegation::{Delegation, SignedDelegation};
use retrace_verifier::digest::{Digest, tensor_digest};
use retrace_verifier::docket::{Claim, Docket, Facts, Shard};
use retrace_verifier::evidence::{self, Bundle, Contradiction, Kind as Proof, Proven, Testimony};
use retrace_verifier::lab::{Bench, Ending, Lie, play};
use retrace_verifier::segment::{Assignment, Honest};
use retrace_verifier::signature::peer_key;
use retrace_verifier::state::{StateKind, root_of};
use retrace_verifier::{Move, Player, Side, SignedMove, Unit, Witness, program_pin};
use serde_json::{Value, json};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

type Failure = Box<dyn Error>;

/// A lie to tell, in the row of a kind that has the longest chain; the last one of equals.
struct Case {
    name: String,
    unit: Unit,
    kind: Kind,
    spec: RunSpec,
}

fn small_spec() -> RunSpec {
    let mut spec = golden_spec();
    // The head's chain over 300 ids takes two openings of accumulators.
    spec.model.vocabulary = 300;
    (spec.model.context, spec.model.width) = (5, 4);
    spec.model.architecture = Architecture::Gpt(GptSpec::new(2));
    (spec.model.layers, spec.model.hidden, spec.batch) = (1, 6, 2);
    spec
}

fn case(name: &str, unit: Unit, kind: Kind) -> Case {
    Case { name: name.into(), unit, kind, spec: spec_with(kind) }
}

/// A small run whose programs have this op.
fn spec_with(kind: Kind) -> RunSpec {
    let bits = |x: f32| F32Bits(x.to_bits());
    let mut spec = small_spec();
    let gpt = |activation| Architecture::Gpt(GptSpec { activation, ..GptSpec::new(2) });
    match kind {
        Kind::GeluErf | Kind::GeluErfBackward => spec.model.architecture = gpt(Activation::GeluErf),
        Kind::Relu | Kind::ReluBackward => {
            (spec.model.tied, spec.accumulation) = (false, 2);
            spec.model.architecture = Architecture::Mlp(MlpSpec { activation: Activation::Relu });
        }
        Kind::Silu | Kind::SiluBackward | Kind::RotaryTable => {
            let (rope_base, norm_epsilon) = (bits(10_000.0), bits(1e-5));
            let own = LlamaSpec { heads: 2, key_value_heads: 1, rope_base, norm_epsilon };
            spec.model.architecture = Architecture::Llama(own);
        }
        Kind::Dropout => (spec.model.dropout, spec.model.tied) = (bits(0.25), false),
        Kind::SgdMomentum | Kind::SgdParameter => {
            let (momentum, weight_decay, clip_norm) = (bits(0.9), bits(0.1), bits(1.0));
            spec.optimizer = OptimizerSpec::Sgd(SgdSpec { momentum, weight_decay, clip_norm });
            spec.schedule.decay = Decay::Linear { floor: bits(0.1) };
        }
        _ => {}
    }
    spec
}

/// `MatMul` becomes `matmul`, `RowSum` becomes `row_sum`.
fn snake(kind: Kind) -> String {
    let name = format!("{kind:?}").replace("MatMul", "Matmul");
    let parts = name.char_indices().map(|(at, c)| {
        let gap = if at > 0 && c.is_uppercase() { "_" } else { "" };
        format!("{gap}{}", c.to_ascii_lowercase())
    });
    parts.collect()
}

fn cases() -> Vec<Case> {
    let of_merge = [Kind::NesterovMomentum, Kind::NesterovParameter];
    let mut cases: Vec<Case> = KINDS
        .into_iter()
        .filter(|kind| *kind != Kind::Subtract)
        .map(|kind| {
            let unit = if of_merge.contains(&kind) { Unit::Merge } else { Unit::Step(1) };
            case(&snake(kind), unit, kind)
        })
        .collect();
    cases.push(case("first_step_moment", Unit::Step(0), Kind::AdamFirst));
    cases.push(case("first_step_parameter", Unit::Step(0), Kind::AdamParameter));
    cases.push(case("delta", Unit::Delta, Kind::Subtract));
    cases.push(case("loss", Unit::Loss, Kind::Scale));
    cases.push(case("loss_sum", Unit::Loss, Kind::RowSum));
    cases.push(case("merge_sum", Unit::Merge, Kind::Add));
    cases.push(case("first_step_sgd", Unit::Step(0), Kind::SgdMomentum));
    let mut deep = case("deep_list", Unit::Step(1), Kind::Gelu);
    deep.spec.model.layers = 3;
    cases.push(deep);
    cases
}

fn program(case: &Case) -> Program {
    match case.unit {
        Unit::Step(_) => step_program(&case.spec),
        Unit::Delta => delta_program(&case.spec),
        Unit::Loss => loss_program(&case.spec),
        Unit::Merge => merge_program(&case.spec, 2),
    }
}

fn shards() -> Vec<Vec<u8>> {
    let shard = |n: u32, k: u32| (0..n).map(|i| (i * i / 7 + i * k) as u8).collect();
    vec![shard(900, 3), shard(2_700, 13)]
}

/// The definition itself: vectors owe nothing to a fast path.
fn engine() -> Engine {
    Engine { backend: Backend::Reference, threads: 1 }
}

/// The first lie of this case that changes what is claimed.
fn convict(case: &Case) -> Result<(Bundle, Proven), Failure> {
    let bench = Bench::new(case.spec, shards(), engine());
    let program = program(case);
    let rows = program.rows.iter().enumerate().filter(|(_, row)| row.kind == case.kind);
    let (row, shape) = rows.max_by_key(|(_, row)| row.terms).ok_or("no such row")?;
    let elements = (0..shape.elements()).rev().filter(|at| !shape.is_masked(shape.index(*at)));
    for element in elements {
        for mask in [1, 0x0040_0000, 0x8000_0000] {
            let lie = Lie { unit: case.unit, row, element: element as usize, mask };
            if let Ending::Judged(trial) = bench.tell(lie)? {
                let proven = evidence::judge(&trial.bundle)?;
                return Ok((trial.bundle, proven));
            }
        }
    }
    Err(format!("{}: every lie was absorbed", case.name).into())
}

/// A lie in `row`, played by hand: the accused's own run may be made to contradict itself, and nothing is absorbed.
fn convict_by_hand(
    spec: RunSpec,

    row: usize,
    element: usize,
    tamper: fn(&mut Witness),
) -> Result<(Bundle, Proven), Failure> {
    let (shards, unit) = (shards(), Unit::Step(1));
    let mut base = initial_parameters(&spec);
    base.extend(base.clone());
    let at = Assignment { spec: &spec, beacon: &[0x5A; 32], round: 1, slot: 1, shards: &shards, base: &base };
    let lie = Lie { unit, row, element, mask: 1 << 22 };
    let segment = at.train(&engine(), &lie, |_| {}).ok_or("no data")?;
    let task = at.task(unit, segment.before(unit), &segment.lists).ok_or("no unit")?;
    let honest = at.witness(task.clone(), &engine(), &Honest);
    let mut accused = at.witness(task, &engine(), &lie);
    tamper(&mut accused);
    let keys = [SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32])];
    let (network, run) = (Digest([1; 32]), Digest([2; 32]));
    let commitment = segment.commitment(network, run, &at, peer_key(&keys[0]));
    let manifest = shards.iter().map(|s| Shard { digest: tensor_digest(s), bytes: s.len() as u64 }).collect();
    let program = program_pin(&honest.program);
    let (beacon, base, deltas) = (*at.beacon, root_of(StateKind::Outer, &spec, &base), vec![]);
    let facts = Facts { network, run, spec, manifest, program, round: 1, beacon, base, deltas };
    let claim = Claim::Segment(SignedCommitment::new(commitment, &keys[0]));
    let opening = segment.lists.opening(unit).ok_or("no unit")?;
    let docket =
        Docket { facts, claim, unit, opening, challenger: peer_key(&keys[1]), nonce: Digest([3; 32]) };
    let shards = Arc::new(shards);
    let player = |side, witness| Player::new(side, witness, Arc::clone(&shards));
    let players = [player(Side::Accused, accused), player(Side::Challenger, honest)];
    let trial = play(docket, players, [&keys[0], &keys[1]])?;
    let proven = evidence::judge(&trial.bundle)?;
    Ok((trial.bundle, proven))
}

/// Entry of the pre-state from which a row's sum starts, a bias.
fn bias(row: &Row) -> Option<usize> {
    match row.start.as_ref()?.leaf {
        Leaf::Pre(entry) => Some(entry as usize),
        _ => None,
    }
}

/// The accused blames the start value of a sum, which is its first link.
fn start_value() -> Result<(Bundle, Proven), Failure> {
    let program = step_program(&small_spec());
    let row = program.rows.iter().rposition(|row| bias(row).is_some()).ok_or("no such row")?;
    convict_by_hand(small_spec(), row, 1, |accused| {
        let entry = accused.program.rows.iter().rev().find_map(bias).unwrap_or(0);
        accused.task.pre[entry][1] ^= 1 << 24;
    })
}

/// An element above the causal mask: nothing reads it, and it is +0 by definition.
fn masked() -> Result<(Bundle, Proven), Failure> {
    let program = step_program(&small_spec());
    let row = program.rows.iter().rposition(|row| row.masked).ok_or("no such row")?;
    convict_by_hand(small_spec(), row, 1, |_| {})
}

/// An output of more than 256 tiles: its tree is opened twice.
fn wide_tensor() -> Result<(Bundle, Proven), Failure> {
    let mut spec = small_spec();
    (spec.model.vocabulary, spec.model.width) = (260, 260);
    let program = step_program(&spec);
    let row = program.rows.iter().rposition(|row| row.kind == Kind::MatMul).ok_or("no such row")?;
    convict_by_hand(spec, row, 40_000, |_| {})
}

/// The lab's keys: seeds of 32 bytes 1 (accused), 2 (challenger), 3 and 4 (their defense keys).
fn lab_key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn keys(delegations: &[Delegation]) -> Vec<String> {
    delegations.iter().map(|d| d.key.to_string()).collect()
}

/// The same moves in this docket, each signed by the key that `seed` gives for its side.
fn signed_again(docket: &Docket, moves: &[SignedMove], seed: impl Fn(&SignedMove) -> u8) -> Vec<SignedMove> {
    let sign =
        |m: &SignedMove| SignedMove::new(&lab_key(seed(m)), docket.id(), m.number, m.side, m.body.clone());
    moves.iter().map(sign).collect()
}

/// Delegations of both sides; the accused has changed its key once.
fn delegations() -> Vec<SignedDelegation> {
    let of = |account: u8, key: u8, serial| {
        let (account, key) = (lab_key(account), peer_key(&lab_key(key)));
        let delegation = Delegation { network: Digest([1; 32]), account: peer_key(&account), key, serial };
        SignedDelegation::new(delegation, &account)
    };
    vec![of(1, 3, 1), of(1, 5, 2), of(2, 4, 7)]
}

/// A dispute whose later moves are signed by defense keys.
fn defended() -> Result<(Bundle, Proven), Failure> {
    let (bundle, _) = convict(&case("defended", Unit::Step(1), Kind::MatMul))?;
    let seed = |m: &SignedMove| match (m.side, m.number) {
        (Side::Accused, 0) => 1,
        (Side::Accused, 1..=6) => 3,
        (Side::Accused, _) => 5,
        (Side::Challenger, 0..=4) => 2,
        (Side::Challenger, _) => 4,
    };
    let moves = signed_again(&bundle.docket, &bundle.moves, seed);
    let bundle = Bundle::defended(bundle.docket, moves, &delegations());
    let proven = evidence::judge(&bundle)?;
    Ok((bundle, proven))
}

/// What an accused says that has forgotten what it said: nothing fixes it but its own run.
fn other(body: &Move) -> Option<Move> {
    Some(match body {
        Move::Trace(root) => Move::Trace(Digest(root.0.map(|byte| !byte))),
        Move::Totals(totals) => {
            // In another order the lanes still join to the same sum here: the tree adds n and n + 8 first.
            let mut totals = *totals;
            totals.rotate_left(8);
            Move::Totals(totals)
        }
        Move::Partials(words) => {
            let mut words = words.clone();
            *words.first_mut()? ^= 1;
            Move::Partials(words)
        }
        _ => return None,
    })
}

/// Two disputes up to the last move of this name, which is another in the second one.
fn contradict(bundle: &Bundle, name: &str) -> Result<Contradiction, Failure> {
    let is_it = |m: &SignedMove| format!("{:?}", m.body.kind()) == name;
    let end = bundle.moves.iter().rposition(is_it).ok_or("no such move")? + 1;
    let (docket, moves) = (bundle.docket.clone(), bundle.moves[..end].to_vec());
    let mut second = docket.clone();
    second.nonce = Digest([4; 32]);
    let mut altered = moves.clone();
    let last = altered.last_mut().ok_or("no move")?;
    last.body = other(&last.body).ok_or("no statement")?;
    // The second dispute is defended by another key.
    let seed = |m: &SignedMove| if m.side == Side::Accused { 3 } else { 2 };
    let altered = signed_again(&second, &altered, seed);
    let needed = evidence::needed_delegations(&second, &altered, &delegations());
    Ok(Contradiction::new(
        Testimony { docket, delegations: vec![], moves },
        Testimony { docket: second, delegations: needed, moves: altered },
    ))
}

fn contradictions() -> Result<Vec<(&'static str, Contradiction)>, Failure> {
    let (sums, _) = convict(&case("totals", Unit::Loss, Kind::RowSum))?;
    let (chain, _) = convict(&case("partials", Unit::Step(1), Kind::MatMul))?;
    Ok(vec![
        ("contradiction_trace", contradict(&chain, "Trace")?),
        ("contradiction_totals", contradict(&sums, "Totals")?),
        ("contradiction_partials", contradict(&chain, "Partials")?),
    ])
}

fn expected_contradiction(found: &Contradiction, bytes: usize) -> Result<Value, Failure> {
    let shown = evidence::judge_contradiction(found)?;
    Ok(json!({
        "kind": Proof::Contradiction.to_string(),
        "accused": shown.accused.to_string(),
        "network": shown.network.to_string(),
        "unit": shown.unit.to_string(),
        "disputes": shown.disputes.map(|id| id.to_string()),
        "question": shown.question.to_string(),
        "delegations": keys(&shown.delegations),
        "bytes": bytes,
    }))
}

fn expected(bundle: &Bundle, proven: &Proven, bytes: usize) -> Value {
    let finding = &proven.finding;
    let kinds: Vec<String> = bundle.moves.iter().map(|signed| format!("{:?}", signed.body.kind())).collect();
    json!({
        "kind": Proof::Arithmetic.to_string(),
        "accused": proven.accused.to_string(),
        "network": proven.network.to_string(),
        "delegations": keys(&proven.delegations),
        "dispute": proven.dispute.to_string(),
        "unit": proven.unit.to_string(),
        "row": finding.row,
        "op": format!("{:?}", finding.kind),
        "element": finding.element,
        "link": finding.link,
        "claimed": format!("{:08X}", finding.claimed_bits),
        "right": format!("{:08X}", finding.right_bits),
        "moves": kinds,
        "bytes": bytes,
    })
}

fn write(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    let mut all = serde_json::Map::new();
    let mut keep = |name: String, (bundle, proven): (Bundle, Proven)| -> Result<(), Failure> {
        let bytes = borsh::to_vec(&bundle)?;
        fs::write(folder.join(format!("{name}.bin")), &bytes)?;
        all.insert(name, expected(&bundle, &proven, bytes.len()));
        Ok(())
    };
    for case in cases() {
        let convicted = convict(&case)?;
        keep(case.name, convicted)?;
    }
    keep("start_value".to_owned(), start_value()?)?;
    keep("masked".to_owned(), masked()?)?;
    keep("wide_tensor".to_owned(), wide_tensor()?)?;
    keep("defended".to_owned(), defended()?)?;
    for (name, found) in contradictions()? {
        let bytes = borsh::to_vec(&found)?;
        fs::write(folder.join(format!("{name}.bin")), &bytes)?;
        all.insert(name.to_owned(), expected_contradiction(&found, bytes.len())?);
    }
    let text = serde_json::to_string_pretty(&Value::Object(all))?;
    fs::write(folder.join("expected.json"), text + "\n")?;
    Ok(())
}

fn class(path: &str) -> Result<u8, Failure> {
    let bytes = fs::read(path)?;
    let is_proven = match Proof::of(&bytes) {
        Ok(Proof::Arithmetic) => evidence::read(&bytes).map(|b| evidence::judge(&b).is_ok()),
        Ok(Proof::Contradiction) => {
            evidence::read_contradiction(&bytes).map(|found| evidence::judge_contradiction(&found).is_ok())
        }
        Ok(Proof::Clock) => return Ok(3),
        Err(reason) => Err(reason),
    };
    Ok(is_proven.map_or(2, |is_proven| u8::from(!is_proven)))
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, files)) if first == "--judge" => {
            for file in files {
                println!("{} {file}", class(file)?);
            }
            Ok(())
        }
        Some((folder, [])) => write(Path::new(folder)),
        _ => Err("usage: evidence DIR | evidence --judge FILE...".into()),
    }
}
