//! Claims about work that was done elsewhere, on something else, or signed by nobody (V-4.9).

use super::super::LabError;
use super::super::bench::{Bench, Case};
use super::{Answer, Stand, Strategy, convict};
use crate::digest::Digest;
use crate::docket::{Claim, Docket};
use crate::evidence::{self, Bundle};
use crate::game::Game;
use crate::replay::{Task, Witness};
use crate::segment::{Assignment, Honest, conducted};
use crate::signature::peer_key;
use crate::unit::Unit;
use retrace_model::program::{Home, parameter_count};
use retrace_model::{Backend, Engine};

const BASE: &str = "the base of a round";
const CLAIM: &str = "what is signed";

/// The table of these strategies.
pub(super) const STRATEGIES: [Strategy; 12] = [
    ("stale-base", BASE, "trains from another base than the round's", stale_base),
    ("copied-work", "copied work", "commits a neighbor slot's honest work as its own", copied_work),
    ("carried-moments", BASE, "starts a segment from the moments of the one before", carried_moments),
    (
        "spliced-segment",
        ZHANG,
        "starts a step from another state than it claimed after the one before",
        spliced,
    ),
    (
        "amortized-steps",
        "amortized over the checkpoint interval",
        "makes up a state between two honest ones",
        amortized,
    ),
    ("omitted-delta", BASE, "merges as if an accepted delta were zero", omitted_delta),
    ("doubled-delta", BASE, "merges one delta twice and another not at all", doubled_delta),
    ("chosen-base", BASE, "names a base of its own", |_| {
        Ok(Answer::Impossible("a commitment names no base: the docket takes the ledger's (V-3.3, V-3.5)"))
    }),
    ("own-hash-sampling", "re-rolled until missed", "commits again until no false step is drawn", |_| {
        Ok(Answer::Impossible("the draw's beacon is one that nobody knew when they committed (V-5.1)"))
    }),
    ("put-into-a-mouth", CLAIM, "disputes a claim that the accused never signed", put_into_a_mouth),
    ("other-network", CLAIM, "brings a claim from another network", other_network),
    ("other-program", CLAIM, "proves a lie against a program that the run does not have", other_program),
];

const ZHANG: &str = "Zhang 2022, synthesized data";
const FIRST: Unit = Unit::Step(0);
/// A moment that is not zero.
const MOMENT: u32 = 0x3A83_126F;

fn engine() -> Engine {
    Engine { backend: Backend::best(), threads: 1 }
}

fn run(task: Task) -> Witness {
    let scalars = task.scalars();
    conducted(task, scalars, &engine(), &Honest)
}

fn stale_base(stand: &Stand) -> Result<Answer, LabError> {
    let bench = &stand.plain;
    let mut stale = bench.base().to_vec();
    stale.iter_mut().flatten().for_each(|word| *word ^= 1);
    let own = Assignment { base: &stale, ..bench.assignment() };
    convict(bench, &bench.case_under(FIRST, &Honest, &own)?)
}

fn copied_work(stand: &Stand) -> Result<Answer, LabError> {
    let bench = &stand.plain;
    let at = bench.assignment();
    convict(bench, &bench.case_under(FIRST, &Honest, &Assignment { slot: at.slot + 1, ..at })?)
}

fn carried_moments(stand: &Stand) -> Result<Answer, LabError> {
    let bench = &stand.plain;
    let mut task = bench.honest(FIRST)?.task.clone();
    let parameters = parameter_count(&bench.spec().model) as usize;
    task.pre.iter_mut().skip(parameters).flatten().for_each(|word| *word = MOMENT);
    convict(bench, &bench.case_of(run(task))?)
}

fn spliced(stand: &Stand) -> Result<Answer, LabError> {
    let bench = &stand.plain;
    let mut task = bench.honest(Unit::Step(2))?.task.clone();
    task.pre.clone_from(&bench.honest(Unit::Step(1))?.task.pre);
    convict(bench, &bench.case_of(run(task))?)
}

fn amortized(stand: &Stand) -> Result<Answer, LabError> {
    let bench = &stand.plain;
    let mut accused = (*bench.honest(Unit::Step(1))?).clone();
    let next = bench.honest(Unit::Step(3))?;
    for (row, words) in accused.program.rows.iter().zip(&mut accused.outputs) {
        if let Home::Post(entry) = row.home {
            // A state that looks like one: that of two steps later.
            words.clone_from(&next.task.pre[entry as usize]);
        }
    }
    convict(bench, &bench.case_of(accused)?)
}

fn omitted_delta(stand: &Stand) -> Result<Answer, LabError> {
    let mut task = stand.plain.merge_task();
    task.deltas[1].iter_mut().flatten().for_each(|word| *word = 0);
    convict(&stand.plain, &stand.plain.merge_case(run(task))?)
}

fn doubled_delta(stand: &Stand) -> Result<Answer, LabError> {
    let mut task = stand.plain.merge_task();
    task.deltas[1] = task.deltas[0].clone();
    convict(&stand.plain, &stand.plain.merge_case(run(task))?)
}

fn honest(bench: &Bench) -> Result<Case, LabError> {
    bench.case(Unit::Step(1), &Honest)
}

fn not_opened(docket: Docket) -> Answer {
    match Game::open(docket) {
        Ok(_) => Answer::Survived("the dispute was opened".into()),
        Err(error) => Answer::Refused(error.to_string()),
    }
}

fn put_into_a_mouth(stand: &Stand) -> Result<Answer, LabError> {
    let mut docket = honest(&stand.plain)?.docket;
    let [_, challenger] = stand.plain.keys();
    if let Claim::Segment(signed) = &mut docket.claim {
        // The false claim is the challenger's own, under the name of another.
        let trainer = signed.commitment.trainer;
        signed.commitment.trainer = peer_key(challenger);
        signed.commitment.mean_loss ^= 1;
        *signed = crate::commitment::SignedCommitment::new(signed.commitment, challenger);
        signed.commitment.trainer = trainer;
    }
    Ok(not_opened(docket))
}

fn other_network(stand: &Stand) -> Result<Answer, LabError> {
    let mut docket = honest(&stand.plain)?.docket;
    docket.facts.network = Digest([7; 32]);
    Ok(not_opened(docket))
}

/// The forger holds both keys, and so can play a whole dispute under a program that it made up.
fn other_program(stand: &Stand) -> Result<Answer, LabError> {
    let lie = super::super::Lie { unit: Unit::Step(1), row: 0, element: 0, mask: 1 };
    let case = stand.plain.case(lie.unit, &lie)?;
    let mut bundle: Bundle = stand.plain.judge(&case)?.bundle;
    bundle.docket.facts.program.rows += 1;
    Ok(match evidence::judge(&bundle) {
        Ok(_) => Answer::Survived("the bundle was believed".into()),
        Err(error) => Answer::Refused(error.to_string()),
    })
}
