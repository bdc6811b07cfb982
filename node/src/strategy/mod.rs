//! Dishonest parties as named strategies: one file each, and a door that only test networks open.

mod false_challenge;
mod false_loss;
mod poisoned_gradient;
mod stale_step;
mod two_traces;
mod wrong_base;
mod wrong_batch;
mod wrong_delta;
mod wrong_rate;

use retrace_ledger::{Genesis, Role};
use retrace_model::RunSpec;
use retrace_verifier::digest::Digest;
use retrace_verifier::segment::Conduct;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Proof that a network is a test network: the only way to a dishonest conduct.
#[derive(Clone, Copy, Debug)]
pub struct TestNetwork(());

impl TestNetwork {
    /// The proof, where genesis says so.
    pub fn of(genesis: &Genesis) -> Option<TestNetwork> {
        genesis.test_network.then_some(TestNetwork(()))
    }
}

/// A way to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Negates an activation gradient in the middle layer.
    PoisonedGradient,
    /// Claims that a step changed nothing.
    StaleStep,
    /// Claims a delta that is not end less base.
    WrongDelta,
    /// Trains on a batch of its own choice.
    WrongBatch,
    /// Updates with twice the learning rate.
    WrongRate,
    /// Reports half the loss.
    FalseLoss,
    /// Posts a base that is not the merge.
    WrongBase,
    /// Shows each challenger another trace of a wrong step.
    TwoTraces,
    /// Disputes what is right.
    FalseChallenge,
}

/// All strategies with their names and what they do.
pub const STRATEGIES: [(Strategy, &str, &str); 9] = [
    (Strategy::PoisonedGradient, "poisoned-gradient", "negates an activation gradient in a middle layer"),
    (Strategy::StaleStep, "stale-step", "claims that a step changed nothing"),
    (Strategy::WrongDelta, "wrong-delta", "claims a delta that does not match the checkpoint"),
    (Strategy::WrongBatch, "wrong-batch", "trains on a batch of its own choice"),
    (Strategy::WrongRate, "wrong-rate", "updates with twice the learning rate"),
    (Strategy::FalseLoss, "false-loss", "reports half the loss"),
    (Strategy::WrongBase, "wrong-base", "posts a base that is not the merge of the deltas"),
    (Strategy::TwoTraces, "two-traces", "shows each challenger another trace of a step that is wrong"),
    (Strategy::FalseChallenge, "false-challenge", "as a verifier, disputes a unit that is right"),
];

/// A name that no strategy has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is no strategy; there are: {}", names())]
pub struct UnknownStrategy {
    /// What was asked for.
    pub name: String,
}

fn names() -> String {
    STRATEGIES.map(|(_, name, _)| name).join(", ")
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;
    fn from_str(name: &str) -> Result<Strategy, UnknownStrategy> {
        let found = STRATEGIES.into_iter().find(|(_, known, _)| *known == name);
        found.map(|(strategy, ..)| strategy).ok_or_else(|| UnknownStrategy { name: name.to_string() })
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = STRATEGIES.into_iter().find(|(strategy, ..)| strategy == self);
        f.write_str(found.map_or("", |(_, name, _)| name))
    }
}

impl Strategy {
    /// The role that lies so; in another one it changes nothing.
    pub fn role(self) -> Role {
        match self {
            Strategy::FalseChallenge => Role::Verifier,
            _ => Role::Trainer,
        }
    }

    /// The conduct, for a test network.
    pub fn conduct(self, _proof: TestNetwork, spec: &RunSpec) -> Arc<dyn Conduct> {
        match self {
            Strategy::PoisonedGradient => Arc::new(poisoned_gradient::PoisonedGradient::new(spec)),
            Strategy::StaleStep => Arc::new(stale_step::StaleStep),
            Strategy::WrongDelta => Arc::new(wrong_delta::WrongDelta),
            Strategy::WrongBatch => Arc::new(wrong_batch::WrongBatch),
            Strategy::WrongRate => Arc::new(wrong_rate::WrongRate),
            Strategy::FalseLoss => Arc::new(false_loss::FalseLoss),
            Strategy::WrongBase => Arc::new(wrong_base::WrongBase),
            Strategy::TwoTraces => Arc::new(two_traces::TwoTraces::claimed()),
            Strategy::FalseChallenge => Arc::new(false_challenge::FalseChallenge),
        }
    }

    /// The conduct by which it answers in a dispute, for a test network: what it did, unless it tells everybody
    /// something else.
    pub fn answering(self, proof: TestNetwork, spec: &RunSpec, dispute: &Digest) -> Arc<dyn Conduct> {
        match self {
            Strategy::TwoTraces => Arc::new(two_traces::TwoTraces::shown_in(dispute)),
            other => other.conduct(proof, spec),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use retrace_ledger::{Amount, GenesisAccount, Params, RegisteredKeys, VrfSecret};
    use retrace_verifier::signature::peer_key;

    fn genesis(test_network: bool) -> Genesis {
        let signing = ed25519_dalek::SigningKey::from_bytes(&[4; 32]);
        let key = peer_key(&signing);
        let (vrf, node) = (VrfSecret::from_seed(&[5; 32]).key(), [6; 32]);
        let registered = Some(RegisteredKeys { vrf, consensus: key, node });
        let (balance, bonded, role) = (Amount(1), Amount(1), Role::Validator);
        Genesis {
            name: "door".into(),
            test_network,
            time_ms: 0,
            accounts: vec![GenesisAccount { key, balance, bonded, role, registered }],
            params: Params::default(),
        }
    }

    /// Genesis opens the door, and nothing else does: the proof has no other constructor.
    #[test]
    fn strategies_are_reachable_only_on_test_networks() {
        assert!(TestNetwork::of(&genesis(false)).is_none());
        let proof = TestNetwork::of(&genesis(true)).expect("genesis says so");
        let spec = retrace_model::selftest::golden_spec();
        for (strategy, name, _) in STRATEGIES {
            assert_eq!(name.parse(), Ok(strategy));
            assert_eq!(strategy.to_string(), name);
            drop(strategy.conduct(proof, &spec));
            drop(strategy.answering(proof, &spec, &Digest([7; 32])));
        }
        assert!("honesty".parse::<Strategy>().is_err());
    }
}
