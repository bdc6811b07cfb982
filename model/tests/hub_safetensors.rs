//! The safetensors reader and writer: hostile files are named errors, equal tensors are equal bytes (M-7.1, M-7.2).

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_oneof, proptest};
use retrace_model::hub::{Dtype, HubError, Tensors, write_tensors};

/// Counts what each thread holds, so that tests beside this one do not show.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that is ending has no counters any more, and nobody asks for them.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        PEAK.try_with(|peak| peak.set(peak.get().max(held.get())))
    });
}

// SAFETY: every call goes to the system's allocator unchanged; the counters allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend_from_slice(data);
    file
}

fn refusal(header: &str, data: usize) -> HubError {
    Tensors::read(&file(header, &vec![0; data])).expect_err(header)
}

const GOOD: &str = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[],"data_offsets":[8,10]}}"#;

#[test]
fn a_good_file_is_read() {
    let bytes = file(GOOD, &[0, 0, 0x80, 0x3F, 0, 0, 0, 0x80, 0x40, 0xC0]);
    let tensors = Tensors::read(&bytes).expect("a good file");
    let names: Vec<&str> = tensors.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "b"]);
    let (a, b) = (tensors.get("a").expect("a"), tensors.get("b").expect("b"));
    assert_eq!((a.words("a"), &a.shape[..]), (Ok(vec![0x3F80_0000, 0x8000_0000]), &[2][..]));
    assert_eq!((b.words("b"), b.dtype), (Ok(vec![0xC040_0000]), Dtype::BF16));
    assert!(Tensors::read(&file("{}", &[])).expect("empty").iter().next().is_none());
    let empty = r#"{"a":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]}}   "#;
    assert_eq!(Tensors::read(&file(empty, &[])).expect("no elements").get("a").expect("a").bytes.len(), 0);
}

/// M-7.1: what the lengths at the beginning can lie about.
#[test]
fn hostile_lengths_are_named() {
    for short in 0..8 {
        assert_eq!(Tensors::read(&vec![1; short]), Err(HubError::TooShort { bytes: short }));
    }
    let with = |length: u64| Tensors::read(&[&length.to_le_bytes()[..], b"{}"].concat()).map(|_| ());
    assert_eq!(with(2), Ok(()));
    assert_eq!(with(3), Err(HubError::HeaderOutside { header: 3, bytes: 2 }));
    let high = 16 << 20;
    assert_eq!(with(high), Err(HubError::HeaderOutside { header: high, bytes: 2 }));
    for found in [high + 1, 100_000_000, u64::from(u32::MAX) + 1, u64::MAX] {
        assert_eq!(with(found), Err(HubError::HeaderTooLong { found }));
    }
    assert!(matches!(with(0), Err(HubError::Header { .. })));
    assert!(matches!(with(1), Err(HubError::Header { .. })));
}

/// M-7.1: places, shapes and types that do not fit each other.
#[test]
fn hostile_tensors_are_named() {
    let one = |dtype: &str, shape: &str, places: &str, data: usize| {
        refusal(&format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{places}}}}}"#), data)
    };
    let a = || "a".to_owned();
    let outside = |begin, end, bytes| HubError::Outside { name: a(), begin, end, bytes };
    let length = |expected, found| HubError::Length { name: a(), expected, found };
    let cases = [
        (one("F32", "[2]", "[0,8]", 7), outside(0, 8, 7)),
        (one("F32", "[2]", "[8,0]", 8), outside(8, 0, 8)),
        (one("F32", "[2]", "[0,18446744073709551615]", 8), outside(0, u64::MAX, 8)),
        (one("F32", "[2]", "[0,8]", 9), HubError::Trailing { bytes: 1 }),
        (one("F32", "[2]", "[1,9]", 9), HubError::Hole { name: a(), begin: 1, end: 0 }),
        (one("F32", "[3]", "[0,8]", 8), length(12, 8)),
        (one("F32", "[]", "[0,8]", 8), length(4, 8)),
        (one("F32", "[0]", "[0,8]", 8), length(0, 8)),
        (one("F32", "[4294967296,4294967296]", "[0,8]", 8), HubError::Overflow { name: a() }),
        (one("F64", "[2305843009213693952]", "[0,0]", 0), HubError::Overflow { name: a() }),
        (one("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]", 4), HubError::TooManyDimensions { name: a() }),
        (one("F4", "[2]", "[0,1]", 1), HubError::Dtype { name: a(), dtype: "F4".to_owned() }),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
        assert!(found.to_string().len() > 20, "{found}");
    }
    for (shape, places) in [
        ("[-1]", "[0,8]"),
        ("[2.0]", "[0,8]"),
        ("[1e9]", "[0,8]"),
        ("[18446744073709551616]", "[0,8]"),
        ("2", "[0,8]"),
        ("[2]", "[0]"),
        ("[2]", "[0,4,8]"),
        ("[2]", "{}"),
        ("[2]", "[-4,4]"),
        ("[\"2\"]", "[0,8]"),
    ] {
        assert!(matches!(one("F32", shape, places, 8), HubError::Header { .. }), "{shape} {places}");
    }
}

/// M-7.1: two tensors over one another, with a gap, or of one name; texts that are no header.
#[test]
fn hostile_headers_are_named() {
    let entry = |name: &str, begin: u64| {
        let end = begin + 4;
        format!(r#""{name}":{{"dtype":"F32","shape":[1],"data_offsets":[{begin},{end}]}}"#)
    };
    let two = |a: u64, b: u64| refusal(&format!("{{{},{}}}", entry("a", a), entry("b", b)), 12);
    assert_eq!(two(0, 2), HubError::Overlap { name: "b".into(), begin: 2, end: 4 });
    assert_eq!(two(0, 0), HubError::Overlap { name: "b".into(), begin: 0, end: 4 });
    assert_eq!(two(0, 8), HubError::Hole { name: "b".into(), begin: 8, end: 4 });
    assert_eq!(two(4, 0), HubError::Trailing { bytes: 4 });
    let twice = format!("{{{},{}}}", entry("a", 0), entry("a", 4));
    assert_eq!(refusal(&twice, 8), HubError::Duplicate { name: "a".into() });
    let long = "n".repeat(257);
    assert_eq!(refusal(&format!("{{{}}}", entry(&long, 0)), 4), HubError::NameTooLong { bytes: 257 });
    let metadata = r#"{"__metadata__":{},"__metadata__":{}}"#;
    assert_eq!(refusal(metadata, 0), HubError::Duplicate { name: "__metadata__".into() });
    let deep = "[".repeat(100_000);
    for text in [
        "",
        "[]",
        "null",
        "{",
        "{}x",
        "{\"a\":null}",
        "{\"a\":{}}",
        r#"{"a":{"dtype":"F32","shape":[1]}}"#,
        r#"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}"#,
        r#"{"a":{"dtype":1,"shape":[1],"data_offsets":[0,4]}}"#,
        &format!(r#"{{"__metadata__":{deep}}}"#),
        &format!(r#"{{"a":{deep}}}"#),
        "{\"\u{0}\":{}}",
    ] {
        assert!(matches!(refusal(text, 4), HubError::Header { .. }), "{text:.60}");
    }
    let mut bytes = file("{\"a?\":{}}", &[]);
    bytes[11] = 0xFF;
    assert!(matches!(Tensors::read(&bytes), Err(HubError::Header { .. })));
}

/// M-7.1: more tensors than any model has are refused while the header is read.
#[test]
fn the_number_of_tensors_is_bounded() {
    let header = |count: u64| {
        let entry = |at: u64| format!(r#""t{at}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#);
        format!("{{{}}}", (0..count).map(entry).collect::<Vec<_>>().join(","))
    };
    assert_eq!(refusal(&header((1 << 16) + 1), 0), HubError::TooManyTensors);
    assert!(Tensors::read(&file(&header(1 << 12), &[])).is_ok());
}

/// M-7.2: weights are finite, and of a type that is widened exactly.
#[test]
fn elements_are_checked() {
    let header = |dtype: &str| format!(r#"{{"a":{{"dtype":"{dtype}","shape":[2],"data_offsets":[0,8]}}}}"#);
    for word in [0x7F80_0000u32, 0xFF80_0000, 0x7FC0_0000, 0xFFC1_2345, 0x7F80_0001] {
        let bytes = file(&header("F32"), &[[0; 4], word.to_le_bytes()].concat());
        let tensors = Tensors::read(&bytes).expect("well formed");
        let refused = HubError::NotFinite { name: "a".into(), element: 1 };
        assert_eq!(tensors.get("a").expect("a").words("a"), Err(refused));
    }
    let bytes = file(&header("I32"), &[0; 8]);
    let tensors = Tensors::read(&bytes).expect("a known type");
    assert!(matches!(tensors.get("a").expect("a").words("a"), Err(HubError::Dtype { .. })));
}

/// M-7.1: equal tensors give equal bytes, the data is aligned, and odd names come back.
#[test]
fn the_writer_is_deterministic() {
    let tensors = [
        ("z".to_owned(), vec![2, 1], vec![1, 0x8000_0000]),
        ("a \"quoted\" \\ name".to_owned(), vec![], vec![0x3F80_0000]),
        ("none".to_owned(), vec![0], vec![]),
    ];
    let bytes = write_tensors(&tensors).expect("writable");
    assert_eq!(bytes, write_tensors(&tensors).expect("writable"));
    let header = u64::from_le_bytes(*bytes.first_chunk().expect("a length")) as usize;
    assert_eq!((header % 8, bytes.len()), (0, 8 + header + 12));
    let text = std::str::from_utf8(&bytes[8..8 + header]).expect("text");
    assert!(
        text.starts_with(r#"{"__metadata__":{"format":"pt"},"z":{"dtype":"F32","shape":[2, 1],"#),
        "{text}"
    );
    let read = Tensors::read(&bytes).expect("own file");
    for (name, shape, words) in &tensors {
        let tensor = read.get(name).expect(name);
        assert_eq!((&tensor.shape, tensor.words(name).as_ref()), (shape, Ok(words)));
    }
    let wrong = ("w".to_owned(), vec![3], vec![0; 2]);
    assert!(matches!(write_tensors(&[wrong]), Err(HubError::ParameterLength { expected: 3, found: 2, .. })));
    let same = || ("w".to_owned(), vec![1], vec![0]);
    assert_eq!(write_tensors(&[same(), same()]), Err(HubError::Duplicate { name: "w".into() }));
}

/// Headers near the format: pieces of good ones in any order, so that the reader is taken past its first check.
fn near_header() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(r#""dtype":"F32""#.to_owned()),
        Just(r#""shape":[2,3]"#.to_owned()),
        Just(r#"{"__metadata__":{"a":"b"},"#.to_owned()),
        (any::<u64>(), any::<u64>()).prop_map(|(a, b)| format!(r#""data_offsets":[{a},{b}]"#)),
        (0..64u64, 0..64u64).prop_map(|(a, b)| format!(
            r#""t{a}":{{"dtype":"F32","shape":[{b}],"data_offsets":[{a},{}]}}"#,
            a + 4 * b
        )),
        "[\\[\\]{},:\" 0-9a-z]{0,12}",
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just(",".to_owned()),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// What reading took at most, beside the file itself.
fn peak_of_reading(bytes: &[u8]) -> usize {
    let before = HELD.get();
    PEAK.set(before);
    let result = Tensors::read(bytes);
    drop(result);
    (PEAK.get() - before) as usize
}

proptest! {
    /// M-7.1: any bytes are read or refused, never a panic.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = Tensors::read(&bytes);
    }

    /// M-7.1: so are any headers near the format; a file that is read has each byte of its data in one tensor.
    #[test]
    fn any_header(header in near_header(), data in 0..300usize) {
        if let Ok(tensors) = Tensors::read(&file(&header, &vec![0; data])) {
            prop_assert!(tensors.iter().map(|(_, tensor)| tensor.bytes.len()).sum::<usize>() == data);
        }
    }

    /// M-7.1: a good file with one byte changed is read or refused, and what is read still covers the data.
    #[test]
    fn any_damage(at in 0..220usize, byte in any::<u8>()) {
        let mut bytes = file(GOOD, &[0; 10]);
        let at = at % bytes.len();
        bytes[at] = byte;
        let covered = Tensors::read(&bytes).map(|t| t.iter().map(|(_, tensor)| tensor.bytes.len()).sum::<usize>());
        prop_assert!(covered.is_err() || covered == Ok(10));
    }
}

/// M-7.1: the densest headers there are take a small multiple of the file's size.
#[test]
fn memory_follows_the_file() {
    let entries =
        (0..30_000u32).map(|at| format!(r#""{at}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#));
    let many = format!("{{{}}}", entries.collect::<Vec<_>>().join(","));
    let zeros = "0,".repeat(1 << 20);
    let wide = format!(r#"{{"a":{{"dtype":"F32","shape":[{zeros}0],"data_offsets":[0,0]}}}}"#);
    let name = format!("{{\"{}\":1}}", "\\u0041".repeat(1 << 18));
    let deep = format!("{{\"__metadata__\":{}1{}}}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    for header in [many, wide, name, deep] {
        let bytes = file(&header, &[]);
        let peak = peak_of_reading(&bytes);
        assert!(peak < 8 * bytes.len(), "{peak} bytes for a file of {}", bytes.len());
    }
}
