//! Reads machine code: which functions of a built library do floating-point arithmetic.
//!
//! A word check sees what is written; this sees what the compiler made of it, dependencies' generics included.
//! Moves and bit operations on vector registers are no arithmetic and are left alone. A small leaf function has
//! no code in its own library (it is compiled where it is called), so this net and the word check of
//! [`super::purity`] hang one behind the other: neither replaces the other.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

/// SSE and AVX operations whose name ends in one of [`WIDTHS`]; AVX's have a `v` in front.
const VECTOR_OPERATIONS: &[&str] = &[
    "add", "sub", "mul", "div", "sqrt", "max", "min", "hadd", "hsub", "addsub", "dp", "rcp", "rsqrt",
    "round", "ucomi", "comi", "rndscale", "scalef", "range", "reduce", "getexp", "getmant", "rcp14",
    "rsqrt14", "fixupimm",
];

const WIDTHS: &[&str] = &["ss", "sd", "ps", "pd", "sh", "ph"];

/// Families that are floating-point whatever follows.
const FAMILIES: &[&str] = &[
    "cvt", "vcvt", "fma", "vfma", "vfms", "vfnma", "vfnms", "vfmadd", "cmpeq", "cmplt", "cmple", "cmpunord",
];

/// The x87 unit: any use of it, loads and stores too, since it rounds on its own.
const X87: &[&str] = &[
    "fadd", "fsub", "fmul", "fdiv", "fsqrt", "fild", "fist", "fcom", "fucom", "fprem", "fsin", "fcos",
    "fptan", "fpatan", "fyl2x", "f2xm1", "frndint", "fscale", "fiadd", "fisub", "fimul", "fidiv", "fld",
    "fst", "fchs", "fabs",
];

/// Functions seen in a disassembly, and the floating-point instructions in them.
#[derive(Debug, Default)]
pub struct Disassembly {
    /// Demangled names, in order.
    pub functions: Vec<String>,
    /// (function, mnemonic), one entry per instruction.
    pub float_uses: Vec<(String, String)>,
}

/// Disassembles an object or archive with objdump.
///
/// # Errors
/// When objdump is missing; the text says how to install it.
pub fn disassemble(library: &Path) -> Result<Disassembly, String> {
    let output = Command::new("objdump")
        .args(["--disassemble", "--no-show-raw-insn", "--demangle"])
        .arg(library)
        .output()
        .map_err(|error| format!("objdump: {error}; install binutils, or run `make test`, which does"))?;
    // An rlib also holds metadata, at which objdump exits with 1; callers check that functions were seen.
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

/// The newest `lib{name}-*.rlib` in a folder.
pub fn newest_rlib(folder: &Path, name: &str) -> Option<PathBuf> {
    let prefix = format!("lib{name}-");
    let is_wanted = |path: &PathBuf| {
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        file.starts_with(&prefix) && file.ends_with(".rlib")
    };
    let entries = fs::read_dir(folder).ok()?;
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_wanted).max_by_key(|path| modified(path))
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Reads objdump's text: `address <function>:` headings, then `address:<tab>mnemonic operands`.
pub fn parse(listing: &str) -> Disassembly {
    let mut seen = Disassembly::default();
    for line in listing.lines() {
        if let Some(name) = heading(line) {
            seen.functions.push(name.to_owned());
        } else if let Some(mnemonic) = mnemonic(line).filter(|mnemonic| is_float(mnemonic)) {
            let function = seen.functions.last().cloned().unwrap_or_default();
            seen.float_uses.push((function, mnemonic.to_owned()));
        }
    }
    seen
}

fn heading(line: &str) -> Option<&str> {
    let (address, name) = line.strip_suffix(">:")?.split_once(" <")?;
    address.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(name)
}

fn mnemonic(line: &str) -> Option<&str> {
    let (address, rest) = line.split_once(":\t")?;
    let is_address = address.trim().bytes().all(|byte| byte.is_ascii_hexdigit());
    is_address.then(|| rest.split_whitespace().next())?
}

fn is_float(mnemonic: &str) -> bool {
    let begins = |families: &[&str]| families.iter().any(|family| mnemonic.starts_with(family));
    let plain = mnemonic.strip_prefix('v').unwrap_or(mnemonic);
    let operation = WIDTHS.iter().find_map(|width| plain.strip_suffix(width));
    begins(X87)
        || begins(FAMILIES)
        || plain.starts_with("cmp") && operation.is_some_and(|operation| operation.len() > 3)
        || operation.is_some_and(|operation| VECTOR_OPERATIONS.contains(&operation))
}

#[cfg(test)]
mod tests {
    use super::{is_float, parse};

    const LISTING: &str = "\
0000000000000000 <retrace_ledger::apply>:
   0:\tpush   %rax
   1:\tmovss  (%rdi),%xmm0
   5:\taddss  %xmm1,%xmm0
   9:\tcall   e <retrace_ledger::apply+0xe>
   e:\tret

0000000000000010 <retrace_ledger::hash>:
  10:\tpxor   %xmm0,%xmm0
  14:\tret
";

    #[test]
    fn a_planted_addition_is_found() {
        let seen = parse(LISTING);
        assert_eq!(seen.functions, ["retrace_ledger::apply", "retrace_ledger::hash"]);
        assert_eq!(seen.float_uses, [("retrace_ledger::apply".to_owned(), "addss".to_owned())]);
    }

    #[test]
    fn arithmetic_is_told_from_moves_and_integers() {
        for float in [
            "mulsd",
            "vdivps",
            "sqrtpd",
            "vfmadd231ss",
            "vfnmsub213pd",
            "cvtsi2ss",
            "vcvttps2dq",
            "ucomiss",
            "vcomisd",
            "cmpltss",
            "vcmpneqps",
            "fadd",
            "fmulp",
            "fldt",
            "fstpl",
            "fildll",
            "maxss",
            "roundss",
            "vaddph",
        ] {
            assert!(is_float(float), "{float}");
        }
        for other in [
            "add",
            "sub",
            "mul",
            "div",
            "movss",
            "vmovaps",
            "xorps",
            "vandpd",
            "unpcklps",
            "shufps",
            "paddd",
            "cmp",
            "cmpl",
            "cmpsb",
            "cmpxchg",
            "pcmpeqd",
            "vpcmpgtd",
            "fs",
            "cmovs",
            "adds",
            "punpcklqdq",
            "movlhps",
            "pmuludq",
        ] {
            assert!(!is_float(other), "{other}");
        }
    }
}
