//! The published vectors of specs/digests.md: written by `RETRACE_WRITE_VECTORS=1`, else read and checked.

use std::fs;
use std::path::PathBuf;

use retrace_verifier::digest::{
    Digest, Dtype, Entry, ListKind, ListPath, ListTree, Node, NodeValue, TensorPath, TensorTree, Tree,
    delta_root, list_root, state_root, tensor_digest,
};
use serde_json::{Value, json};

/// Byte `i` is `(i * 31 + 7) mod 256`.
fn pattern(len: u64) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + 7) as u8).collect()
}

/// Leaf `i` is `i` as u32, little-endian.
fn leaves(count: u32) -> Vec<[u8; 4]> {
    (0..count).map(u32::to_le_bytes).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn values(siblings: &[NodeValue]) -> Vec<String> {
    siblings.iter().map(|value| hex(value)).collect()
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../specs/vectors/digests.json")
}

fn tensors() -> Value {
    let sizes = [0, 1, 64, 1023, 1024, 1025, 2048, 2049, 3072, 5000, 10_240, 262_144, 262_145, 300_001];
    sizes.map(|len| json!({ "len_bytes": len, "digest": tensor_digest(&pattern(len)).to_string() })).into()
}

fn lists() -> Value {
    let of_kind = |kind: ListKind, counts: &[u32]| {
        let row = |&count: &u32| {
            let root = list_root(kind, leaves(count)).to_string();
            json!({ "kind": kind.word(), "count": count, "root": root })
        };
        counts.iter().map(row).collect::<Vec<_>>()
    };
    let rest = ListKind::ALL[1..].iter().flat_map(|&kind| of_kind(kind, &[0, 1, 3]));
    of_kind(ListKind::Ops, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 255, 256, 257, 1000])
        .into_iter()
        .chain(rest)
        .collect()
}

fn entries() -> Value {
    let cases = [
        ("scalar", Dtype::F32, vec![]),
        ("block.0.attention.query", Dtype::F32, vec![16, 24]),
        ("tokens", Dtype::U32, vec![2, 128]),
        ("bytes", Dtype::U8, vec![1025]),
        ("é", Dtype::F32, vec![3, 0, 5]),
    ];
    let row = |(name, dtype, shape): (&str, Dtype, Vec<u32>)| {
        let mut entry = Entry { name: name.into(), dtype, shape, digest: Digest([0; 32]) };
        let len_bytes = entry.len_bytes().unwrap();
        entry.digest = tensor_digest(&pattern(len_bytes));
        json!({
            "name": entry.name, "dtype": entry.dtype as u8, "shape": entry.shape, "len_bytes": len_bytes,
            "digest": entry.digest.to_string(), "leaf": hex(&entry.leaf_bytes()),
            "state_root": state_root(std::slice::from_ref(&entry)).to_string(),
            "delta_root": delta_root(std::slice::from_ref(&entry)).to_string(),
        })
    };
    cases.map(row).into()
}

fn tensor_paths() -> Value {
    let mut rows = Vec::new();
    for (len, chunk) in [(0, 0), (700, 0), (1025, 1), (5000, 0), (5000, 4), (10_240, 9), (300_001, 200)] {
        let tree = TensorTree::new(pattern(len));
        let siblings = tree.path(chunk).unwrap().siblings;
        let row = |len: u64, chunk: u64, siblings: &[NodeValue], accepted: bool| {
            json!({
                "len_bytes": len, "chunk": chunk, "chunk_bytes": hex(tree.chunk(chunk).unwrap_or(&[])),
                "siblings": values(siblings), "digest": tree.digest().to_string(), "accepted": accepted,
            })
        };
        rows.push(row(len, chunk, &siblings, true));
        rows.push(row(len, chunk, &[&siblings[..], &[[0; 32]]].concat(), false));
        // Another length shows at the last chunk only, so the length is the caller's to know.
        rows.push(row(len + 1024, chunk, &siblings, chunk + 1 < tree.tree().units()));
        rows.push(row(len, chunk + 1, &siblings, false));
    }
    rows.into()
}

fn list_paths() -> Value {
    let mut rows = Vec::new();
    for (kind, count, index) in [(ListKind::Ops, 1, 0), (ListKind::Ops, 7, 6), (ListKind::StepRoots, 300, 77)]
    {
        let tree = ListTree::new(kind, leaves(count));
        let siblings = tree.path(index).unwrap().siblings;
        let row = |kind: ListKind, count: u32, index: u64, accepted: bool| {
            json!({
                "kind": kind.word(), "count": count, "index": index,
                "leaf": hex(&(index as u32).to_le_bytes()),
                "siblings": values(&siblings), "root": tree.root().to_string(), "accepted": accepted,
            })
        };
        rows.push(row(kind, count, index, true));
        rows.push(row(kind, count + 1, index, false));
        rows.push(row(kind, count, index + 1, false));
        rows.push(row(ListKind::Delta, count, index, false));
    }
    rows.into()
}

fn openings() -> Value {
    let row = |node: Node, children: &[NodeValue], accepted: bool| {
        json!({
            "len_bytes": match node.tree() { Tree::Tensor { len_bytes } => json!(len_bytes), _ => Value::Null },
            "kind": match node.tree() { Tree::List { kind, .. } => json!(kind.word()), _ => Value::Null },
            "units": node.tree().units(), "start": node.start(), "count": node.count(),
            "value": hex(node.value()), "children": values(children), "accepted": accepted,
        })
    };
    let mut rows = Vec::new();
    for len in [1025, 5000, 300_001] {
        let tree = TensorTree::new(pattern(len));
        let (mut node, mut children) = (tree.root_node(), tree.open(&tree.root_node()).unwrap());
        if len > 5000 {
            node = node.child(&children, 3).unwrap();
            children = tree.open(&node).unwrap();
        }
        rows.push(row(node, &children, true));
        children[0][0] ^= 1;
        rows.push(row(node, &children, false));
    }
    for count in [2, 5] {
        let tree = ListTree::new(ListKind::Ops, leaves(count));
        let node = tree.root_node();
        let children = tree.open(&node).unwrap();
        rows.push(row(node, &children, true));
        rows.push(row(node, &children[1..], false));
    }
    rows.into()
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

fn node_values(row: &Value, field: &str) -> Vec<NodeValue> {
    let texts = row[field].as_array().unwrap().iter();
    texts.map(|value| value.as_str().unwrap().parse::<Digest>().unwrap().0).collect()
}

fn kind_of(row: &Value) -> ListKind {
    ListKind::ALL.into_iter().find(|kind| kind.word() == text(row, "kind")).unwrap()
}

fn number(row: &Value, field: &str) -> u64 {
    row[field].as_u64().unwrap()
}

/// What the verifying side says of a row, from the row's own fields.
fn accepts(group: &str, row: &Value) -> bool {
    match group {
        "tensor_paths" => {
            let path = TensorPath { siblings: node_values(row, "siblings") };
            let digest = text(row, "digest").parse().unwrap();
            let chunk = bytes(text(row, "chunk_bytes"));
            path.verify(&digest, number(row, "len_bytes"), number(row, "chunk"), &chunk).is_ok()
        }
        "list_paths" => {
            let path = ListPath { siblings: node_values(row, "siblings") };
            let root = text(row, "root").parse().unwrap();
            let leaf = bytes(text(row, "leaf"));
            path.verify(kind_of(row), &root, number(row, "count"), number(row, "index"), &leaf).is_ok()
        }
        _ => {
            let tree = match row["len_bytes"].as_u64() {
                Some(len_bytes) => Tree::Tensor { len_bytes },
                None => Tree::List { kind: kind_of(row), count: number(row, "units") },
            };
            let value = text(row, "value").parse::<Digest>().unwrap();
            let node = Node::new(tree, number(row, "start"), number(row, "count"), value.0).unwrap();
            node.open_check(&node_values(row, "children")).is_ok()
        }
    }
}

// V-1.1, V-1.2, V-1.3, V-2.1, V-2.2
#[test]
fn published_vectors_hold() {
    let made = json!({
        "pattern": "byte i of a tensor is (i * 31 + 7) mod 256; leaf i of a list is i as u32, little-endian",
        "tensors": tensors(), "lists": lists(), "entries": entries(),
        "tensor_paths": tensor_paths(), "list_paths": list_paths(), "openings": openings(),
    });
    if std::env::var_os("RETRACE_WRITE_VECTORS").is_some_and(|value| value == "1") {
        fs::create_dir_all(file().parent().unwrap()).unwrap();
        fs::write(file(), serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    let read: Value = serde_json::from_str(&fs::read_to_string(file()).unwrap()).unwrap();
    assert_eq!(read, made, "specs/vectors/digests.json is not what this code makes");
    for group in ["tensor_paths", "list_paths", "openings"] {
        for (at, row) in read[group].as_array().unwrap().iter().enumerate() {
            assert_eq!(row["accepted"], json!(accepts(group, row)), "{group} {at}");
        }
    }
}
