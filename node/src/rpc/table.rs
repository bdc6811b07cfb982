//! The table of methods: one row each, and nothing is served that is not here (W-3.1).

use super::methods::{
    account, accounts, amnesties, block, blocks, commitment, commitments, dispute, disputes, download,
    events, evidence, fate, find, health, metrics, rewards, round, run, runs, slashes, status, stream,
    submit, upload, verdicts,
};
use super::row::Row;

/// All methods.
pub fn rows() -> Vec<Row> {
    vec![
        status::row(),
        blocks::row(),
        block::row(),
        block::bytes(),
        accounts::row(),
        account::row(),
        runs::row(),
        run::row(),
        amnesties::row(),
        round::row(),
        commitments::row(),
        commitment::row(),
        verdicts::row(),
        disputes::row(),
        dispute::row(),
        evidence::row(),
        slashes::list(),
        slashes::row(),
        rewards::row(),
        events::row(),
        stream::row(),
        submit::row(),
        fate::row(),
        download::row(),
        upload::row(),
        find::row(),
        health::health(),
        health::ready(),
        metrics::row(),
    ]
}
