//! The error function (M-2.6).

use super::exp64::expm1_parts;
use super::polynomial::horner;
use crate::arithmetic::{Real32, Real64, canonical};

/// 4: `erf` of it and of everything above rounds to 1.
const HIGHEST: u32 = 0x4080_0000;
const SIGN: u32 = 0x8000_0000;
const ONE: u64 = 0x3FF0_0000_0000_0000;

/// `-ln(1 - erf a) / a` on [0, 4] in powers of `a`: a minimax fit of degree 20 in the relative error of `erf`,
/// which it bounds by 2^-52.
const COEFFICIENTS: [u64; 21] = [
    0x3FF2_0DD7_5042_9B6C,
    0x3FE4_5F30_6DC9_CB5F,
    0x3FBA_4F4E_2A15_FFA9,
    0xBF93_9668_5761_F56D,
    0xBF2B_6B74_0857_8F49,
    0x3F5B_CA72_23FD_2328,
    0xBF43_56BA_9093_B93B,
    0x3EFB_4E40_2A67_391C,
    0x3F10_CCBC_685E_F3B2,
    0xBEFE_5DBC_EFC9_5837,
    0x3EC3_4B6C_55B1_B91A,
    0x3ED1_2498_D3A5_CE4A,
    0xBEC7_FE25_C38C_B68A,
    0x3EB2_FECC_F932_DECE,
    0xBE95_32E1_6145_794E,
    0x3E71_73ED_02D3_EE47,
    0xBE45_22A6_7812_56BD,
    0x3E12_368F_6677_46F7,
    0xBDD4_DB91_C32E_DBA3,
    0x3D8B_B00B_93B7_1E5E,
    0xBD2E_516D_71C5_A4AD,
];

/// `erf x`, within 2 ULP; that of -0 is -0 (M-2.6).
#[inline(always)]
pub fn erf<F: Real32>(x: F) -> F {
    let sign = x.to_bits() & SIGN;
    let magnitude = F::from_bits(x.to_bits() & !SIGN);
    // Written so that a NaN passes through.
    let highest = F::from_bits(HIGHEST);
    let magnitude = if highest.less(magnitude) { highest } else { magnitude };
    let wide = magnitude.widen();
    let exponent = wide * horner(wide, &COEFFICIENTS);
    // erf - 1 is -e^-exponent, so erf keeps its accuracy where it is small: there the scale is 1.
    let (scale, rest) = expm1_parts(F::Wide::from_bits(0) - exponent);
    let value = scale.fma(rest, scale - F::Wide::from_bits(ONE)).narrow();
    F::from_bits(canonical(F::from_bits(value.to_bits() & !SIGN | sign)))
}
