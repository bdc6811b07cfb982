//! `register`: an account takes a role and binds its other keys to its stake key (L-2.7).

use crate::amount::{Amount, Height};
use crate::event::Event;
use crate::fault::Fault;
use crate::genesis::Role;
use crate::keys::RegisteredKeys;
use crate::stage::{Origin, Stage};
use crate::state::{Account, State};
use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::SigningKey;
use retrace_verifier::digest::Digest;
use retrace_verifier::signature::{PeerKey, Signature, SignatureError, sign, verify};

const POSSESSION_CONTEXT: &str = "retrace v1 key possession";

/// The signer takes a role and registers keys, in place of those that it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Register {
    /// The role.
    pub role: Role,
    /// Keys; a validator needs them.
    pub keys: Option<RegisteredKeys>,
    /// The consensus key's signature of network and account: nobody registers a key that it does not have.
    pub possession: Option<Signature>,
}

/// In the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterInvalid {
    /// Claims or disputes rest on the account as it is.
    #[error("{locked} of the stake are locked")]
    Locked {
        /// Locked stake.
        locked: Amount,
    },
    /// Stake that still answers for what the account was.
    #[error("{unbonding} of the stake are unbonding")]
    Unbonding {
        /// Unbonding stake.
        unbonding: Amount,
    },
    /// A validator answers for its votes by the key that signed them.
    #[error("a validator registers anew when all its stake is back in its balance")]
    Validator,
    /// A validator without keys.
    #[error("a validator needs keys")]
    NoKeys,
    /// Keys without proof of possession, or a proof without keys.
    #[error("keys and the proof that they are the account's come together")]
    Pair,
    /// The VRF key is none.
    #[error("the VRF key is no key")]
    VrfKey,
    /// The consensus key is none, or did not sign for this account here.
    #[error("possession of the consensus key: {0}")]
    Possession(#[from] SignatureError),
    /// Another account has one of the keys.
    #[error("{account} has registered one of the keys")]
    Taken {
        /// Which account.
        account: PeerKey,
    },
}

/// The proof that whoever registers a consensus key for an account has it.
pub fn prove_possession(consensus: &SigningKey, network: &Digest, account: &PeerKey) -> Signature {
    sign(consensus, POSSESSION_CONTEXT, &(network, account))
}

impl Register {
    pub(super) fn check(&self, stage: &Stage<'_>, from: Origin) -> Result<(), RegisterInvalid> {
        if let Some(account) = stage.state.accounts.get(&from.signer) {
            check_freedom(account)?;
        }
        match (&self.keys, &self.possession) {
            (None, None) if self.role == Role::Validator => Err(RegisterInvalid::NoKeys),
            (None, None) => Ok(()),
            (Some(keys), Some(possession)) => check_keys(stage.state, &from.signer, keys, possession),
            _ => Err(RegisterInvalid::Pair),
        }
    }

    pub(super) fn apply(&self, stage: &mut Stage<'_>, from: Origin) -> Result<(), Fault> {
        let since = stage.now.height;
        stage.state.accounts.change(&from.signer, |account| {
            account.role = self.role;
            account.registered = self.keys;
            account.since = since;
        })?;
        let in_force: Height = since.after(u64::from(stage.state.params().key_delay));
        let (peer, role, keys) = (from.signer, self.role, self.keys);
        stage.say(Event::Registered { peer, role, keys, in_force });
        Ok(())
    }
}

/// Nothing may rest on the role and the keys that go.
fn check_freedom(account: &Account) -> Result<(), RegisterInvalid> {
    if account.locked > Amount::ZERO {
        return Err(RegisterInvalid::Locked { locked: account.locked });
    }
    if account.unbonding > Amount::ZERO {
        return Err(RegisterInvalid::Unbonding { unbonding: account.unbonding });
    }
    if account.role == Role::Validator && account.is_bonded() {
        return Err(RegisterInvalid::Validator);
    }
    Ok(())
}

fn check_keys(
    state: &State,
    signer: &PeerKey,
    keys: &RegisteredKeys,
    possession: &Signature,
) -> Result<(), RegisterInvalid> {
    if !keys.vrf.is_valid() {
        return Err(RegisterInvalid::VrfKey);
    }
    verify(&keys.consensus, POSSESSION_CONTEXT, &(state.network(), signer), possession)?;
    let shares = |other: &RegisteredKeys| {
        other.vrf == keys.vrf || other.consensus == keys.consensus || other.node == keys.node
    };
    let has_one = |account: &Account| account.registered.as_ref().is_some_and(shares);
    let mut others = state.accounts.iter().filter(|(key, _)| key != signer);
    match others.find(|(_, account)| has_one(account)) {
        Some((account, _)) => Err(RegisterInvalid::Taken { account }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Register, RegisterInvalid, prove_possession};
    use crate::tests::fixture::{
        AUDITOR, NOBODY, SPONSOR, VALIDATOR, World, commit, count, genesis_of, key, registered, validator,
    };
    use crate::transaction::{Body, Stake, TransactionInvalid, Unbond};
    use crate::{Amount, Event, Height, RegisteredKeys, Role, VrfKey};
    use retrace_verifier::digest::Digest;
    use retrace_verifier::signature::{PeerKey, SignatureError};

    /// `name` takes a role with keys of its own.
    fn register(world: &World, name: u8, role: Role) -> Register {
        let possession = prove_possession(&validator(name).signing, &world.chain.network(), &key(name));
        Register { role, keys: Some(registered(name)), possession: Some(possession) }
    }

    fn change(good: Register, edit: impl FnOnce(&mut RegisteredKeys)) -> Register {
        let mut keys = good.keys.unwrap();
        edit(&mut keys);
        Register { keys: Some(keys), ..good }
    }

    /// L-2.7: each reason that lies in the keys, in the order of the checks.
    #[test]
    fn each_reason_has_a_row() {
        let mut world = World::new();
        let good = register(&world, AUDITOR, Role::Validator);
        let network = world.chain.network();
        let prove = |signer, network: &Digest, account| {
            let possession = prove_possession(&validator(signer).signing, network, &key(account));
            Register { possession: Some(possession), ..good }
        };
        let bad =
            RegisterInvalid::Possession(SignatureError::Signature { key: registered(AUDITOR).consensus });
        let unusable = RegisterInvalid::Possession(SignatureError::Key { key: PeerKey([0; 32]) });
        let theirs = registered(VALIDATOR);
        let taken = RegisterInvalid::Taken { account: key(VALIDATOR) };
        let as_theirs = change(prove(VALIDATOR, &network, AUDITOR), |k| k.consensus = theirs.consensus);
        let rows = [
            (Register { keys: None, possession: None, ..good }, RegisterInvalid::NoKeys),
            (Register { keys: None, ..good }, RegisterInvalid::Pair),
            (Register { possession: None, ..good }, RegisterInvalid::Pair),
            (change(good, |k| k.vrf = VrfKey([0; 32])), RegisterInvalid::VrfKey),
            (change(good, |k| k.consensus = PeerKey([0; 32])), unusable),
            (prove(SPONSOR, &network, AUDITOR), bad),
            (prove(AUDITOR, &Digest([7; 32]), AUDITOR), bad),
            (prove(AUDITOR, &network, SPONSOR), bad),
            (change(good, |k| k.vrf = theirs.vrf), taken),
            (change(good, |k| k.node = theirs.node), taken),
            (as_theirs, taken),
        ];
        for (row, (body, expected)) in rows.into_iter().enumerate() {
            let found = world.refusal(AUDITOR, Body::Register(Box::new(body)));
            assert_eq!(found, Some(TransactionInvalid::Register(expected)), "row {row}");
        }
        // The same keys again are the account's own.
        world.play(AUDITOR, Body::Register(Box::new(Register { role: Role::Verifier, ..good })));
        assert_eq!(world.refusal(AUDITOR, Body::Register(Box::new(good))), None);
        // Any other role does without keys, and then has none.
        let bare = Register { role: Role::Trainer, keys: None, possession: None };
        world.play(AUDITOR, Body::Register(Box::new(bare)));
        assert_eq!(world.account(AUDITOR).registered, None);
    }

    /// L-2.7, L-2.8: nobody drops a role that it still answers for; a validator has to unbond all first, and the last one stays.
    #[test]
    fn a_bound_account_keeps_its_role() {
        let mut world = World::of(genesis_of(&[(VALIDATOR, 30_000), (101, 40_000)]));
        let bare = Body::Register(Box::new(Register { role: Role::Auditor, keys: None, possession: None }));
        let refused = |world: &mut World, name, expected| {
            let found = world.refusal(name, bare.clone());
            assert_eq!(found, Some(TransactionInvalid::Register(expected)));
        };
        let run = world.training();
        let (name, signed) = world.commitment(&run, 0, 7);
        world.play(name, commit(signed));
        refused(&mut world, name, RegisterInvalid::Locked { locked: Amount(10_000) });
        refused(&mut world, VALIDATOR, RegisterInvalid::Validator);
        world.play(VALIDATOR, Body::Unbond(Unbond { amount: Amount(30_000) }));
        refused(&mut world, VALIDATOR, RegisterInvalid::Unbonding { unbonding: Amount(30_000) });
        world.wait(121);
        let events = world.play(VALIDATOR, bare.clone());
        let in_force = world.height().after(8);
        let (peer, role) = (key(VALIDATOR), Role::Auditor);
        assert_eq!(count(&events, |e| *e == Event::Registered { peer, role, keys: None, in_force }), 1);
        refused(&mut world, 101, RegisterInvalid::Validator);
    }

    /// L-2.6, L-2.7, L-9.1: a stranger is paid, stakes, registers, and votes when its keys are in force.
    #[test]
    fn a_stranger_becomes_a_validator() {
        let mut world = World::new();
        let transfer = crate::Transfer { to: key(NOBODY), amount: Amount(60_000) };
        world.play(SPONSOR, Body::Transfer(transfer));
        world.play(NOBODY, Body::Stake(Stake { amount: Amount(60_000) }));
        let body = register(&world, NOBODY, Role::Validator);
        world.play(NOBODY, Body::Register(Box::new(body)));
        assert_eq!(world.account(NOBODY).since, Height(3));
        // In force at height 11: the set of that height is the first with it.
        world.wait(6);
        assert_eq!(world.validators(), [VALIDATOR]);
        world.wait(1);
        let mut names = world.validators();
        names.sort_unstable();
        assert_eq!((names, world.height()), (vec![NOBODY, VALIDATOR], Height(10)));
        world.wait(5);
    }
}
