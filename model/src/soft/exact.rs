//! Sum, product, quotient and root of exact values, before any rounding (M-1.1, M-1.2).
//!
//! A result that does not fit keeps at least two bits more than binary64 needs, and its lowest bit is
//! "sticky": it is set when anything nonzero lay below. Rounding such a result rounds the true one.

/// What the bits of a format stand for.
#[derive(Clone, Copy)]
pub(super) enum Value {
    Nan,
    Infinity { negative: bool },
    Finite(Finite),
}

/// `significand * 2^exponent` with a sign; a significand of 0 is a signed zero.
#[derive(Clone, Copy)]
pub(super) struct Finite {
    pub negative: bool,
    pub exponent: i32,
    pub significand: u128,
}

/// `x / 2^count` with every dropped bit folded into the lowest one.
pub(super) fn shift_right_sticky(x: u128, count: u32) -> u128 {
    if count > 127 {
        return u128::from(x != 0);
    }
    let kept = x >> count;
    kept | u128::from(kept << count != x)
}

/// The same nonzero value with its top bit at `top`; no bit may be lost on the way.
fn with_top_bit_at(x: Finite, top: u32) -> Finite {
    let up = top - x.significand.ilog2();
    Finite { exponent: x.exponent - up as i32, significand: x.significand << up, ..x }
}

/// `a + b`.
pub(super) fn sum(a: Value, b: Value) -> Value {
    match (a, b) {
        (Value::Nan, _) | (_, Value::Nan) => Value::Nan,
        (Value::Infinity { negative: x }, Value::Infinity { negative: y }) => {
            if x == y {
                a
            } else {
                Value::Nan
            }
        }
        (Value::Infinity { .. }, Value::Finite(_)) => a,
        (Value::Finite(_), Value::Infinity { .. }) => b,
        (Value::Finite(x), Value::Finite(y)) => Value::Finite(finite_sum(x, y)),
    }
}

fn finite_sum(a: Finite, b: Finite) -> Finite {
    match (a.significand, b.significand) {
        // Zeros of unlike sign make +0.
        (0, 0) => Finite { negative: a.negative && b.negative, ..a },
        (0, _) => b,
        (_, 0) => a,
        _ => nonzero_sum(a, b),
    }
}

fn nonzero_sum(a: Finite, b: Finite) -> Finite {
    // A product has 106 bits: with the top bit at 126 there is room for a carry, and 20 bits below.
    let a = with_top_bit_at(a, 126);
    let b = with_top_bit_at(b, 126);
    let a_is_larger = (a.exponent, a.significand) >= (b.exponent, b.significand);
    let (large, small) = if a_is_larger { (a, b) } else { (b, a) };
    let aligned = shift_right_sticky(small.significand, large.exponent.abs_diff(small.exponent));
    if large.negative == small.negative {
        return Finite { significand: large.significand + aligned, ..large };
    }
    let significand = large.significand - aligned;
    // An exact cancellation is +0.
    Finite { negative: large.negative && significand != 0, significand, ..large }
}

/// `a * b`, exact: two significands of at most 53 bits.
pub(super) fn product(a: Value, b: Value) -> Value {
    match (a, b) {
        (Value::Nan, _) | (_, Value::Nan) => Value::Nan,
        (Value::Infinity { negative: x }, Value::Infinity { negative: y }) => {
            Value::Infinity { negative: x != y }
        }
        (Value::Infinity { negative }, Value::Finite(finite))
        | (Value::Finite(finite), Value::Infinity { negative }) => {
            if finite.significand == 0 {
                return Value::Nan;
            }
            Value::Infinity { negative: negative != finite.negative }
        }
        (Value::Finite(x), Value::Finite(y)) => Value::Finite(Finite {
            negative: x.negative != y.negative,
            exponent: x.exponent + y.exponent,
            significand: x.significand * y.significand,
        }),
    }
}

/// `a / b`.
pub(super) fn quotient(a: Value, b: Value) -> Value {
    match (a, b) {
        (Value::Nan, _) | (_, Value::Nan) => Value::Nan,
        (Value::Infinity { .. }, Value::Infinity { .. }) => Value::Nan,
        (Value::Infinity { negative }, Value::Finite(y)) => {
            Value::Infinity { negative: negative != y.negative }
        }
        (Value::Finite(x), Value::Infinity { negative }) => {
            Value::Finite(Finite { negative: x.negative != negative, exponent: 0, significand: 0 })
        }
        (Value::Finite(x), Value::Finite(y)) => finite_quotient(x, y),
    }
}

fn finite_quotient(a: Finite, b: Finite) -> Value {
    let negative = a.negative != b.negative;
    match (a.significand, b.significand) {
        (0, 0) => return Value::Nan,
        (0, _) => return Value::Finite(Finite { negative, ..a }),
        (_, 0) => return Value::Infinity { negative },
        _ => {}
    }
    // 128 bits over at most 53 leave a quotient of at least 75.
    let dividend = with_top_bit_at(a, 127);
    let whole = dividend.significand / b.significand;
    let inexact = whole * b.significand != dividend.significand;
    let exponent = dividend.exponent - b.exponent;
    Value::Finite(Finite { negative, exponent, significand: whole | u128::from(inexact) })
}

/// The square root of `a`; that of -0 is -0.
pub(super) fn root(a: Value) -> Value {
    match a {
        Value::Finite(x) if x.significand == 0 => a,
        Value::Finite(x) if !x.negative => Value::Finite(finite_root(x)),
        Value::Infinity { negative: false } => a,
        _ => Value::Nan,
    }
}

fn finite_root(a: Finite) -> Finite {
    // An even exponent halves exactly; 126 bits or more leave a root of at least 63.
    let high = with_top_bit_at(a, 126);
    let odd = high.exponent & 1;
    let radicand = high.significand >> odd;
    let exponent = (high.exponent + odd) / 2;
    let whole = radicand.isqrt();
    let inexact = whole * whole != radicand;
    Finite { negative: false, exponent, significand: whole | u128::from(inexact) }
}

/// `-a`.
pub(super) fn negated(a: Value) -> Value {
    match a {
        Value::Nan => Value::Nan,
        Value::Infinity { negative } => Value::Infinity { negative: !negative },
        Value::Finite(x) => Value::Finite(Finite { negative: !x.negative, ..x }),
    }
}
