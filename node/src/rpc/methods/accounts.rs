//! `GET /v1/accounts`: all accounts, by key.

use super::account::{Account, words};
use crate::rpc::asked::{AFTER, Asked, LIMIT};
use crate::rpc::door::Door;
use crate::rpc::refused::Refused;
use crate::rpc::row::Row;
use retrace_verifier::signature::PeerKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Accounts, by key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Accounts {
    /// The accounts.
    pub accounts: Vec<Account>,
    /// The `after` of the next page; none at the end.
    pub next: Option<String>,
}

pub(in crate::rpc) fn row() -> Row {
    Row::look("/v1/accounts", "All accounts, by key", &[LIMIT, AFTER], look)
}

fn look(door: &Door, asked: &Asked) -> Result<Accounts, Refused> {
    let page = asked.page()?;
    let after = page.after_digest()?.map(|digest| PeerKey(digest.0));
    let mut accounts: Vec<Account> = door.board.read(|state| {
        let later = state.accounts().skip_while(|(key, _)| Some(*key) <= after);
        later.take(page.limit + 1).map(|(key, account)| words(state, &key, account)).collect()
    });
    let more = accounts.len() > page.limit;
    accounts.truncate(page.limit);
    let next = accounts.last().filter(|_| more).map(|account| account.key.clone());
    Ok(Accounts { accounts, next })
}
