//! Dropout's rows: a place in the model is a site, and backward drops at the site again (M-4.8, M-3.13).

use super::builder::{Builder, Draft, Value, row_major};
use super::row::Scalar;
use super::sizes::Sizes;
use crate::op::Kind;
use crate::schedule::{keep_scale, keep_threshold};

/// A tensor where dropout is at work.
#[derive(Clone, Copy)]
pub(crate) struct Site {
    number: u32,
    shape: [u32; 4],
    masked: bool,
}

/// Drops elements of `x` at a new site; where nothing drops, `x` itself and no site.
pub(crate) fn drop_new(
    b: &mut Builder,
    s: &Sizes,
    x: Value,
    shape: [u32; 4],
    masked: bool,
) -> (Value, Option<Site>) {
    if !s.drops {
        return (x, None);
    }
    let site = Site { number: b.site(), shape, masked };
    (drop_again(b, s, x, Some(site)), Some(site))
}

/// Drops the elements that the site drops; the gradient of a dropped element is +0 too.
pub(crate) fn drop_again(b: &mut Builder, s: &Sizes, x: Value, site: Option<Site>) -> Value {
    let Some(Site { number, shape, masked }) = site else { return x };
    let draft = Draft::new(Kind::Dropout, shape, vec![x.view(row_major(shape), 0)]).derived(vec![
        Scalar::DropoutKeyLow,
        Scalar::DropoutKeyHigh,
        Scalar::Bits(number),
        Scalar::Bits(keep_threshold(s.model.dropout)),
        Scalar::Bits(keep_scale(s.model.dropout)),
    ]);
    b.trace(if masked { draft.masked() } else { draft })
}
