//! One published vector of an op: the row, what it reads, and what every backend must write.

use borsh::{BorshDeserialize, BorshSerialize, io};
use retrace_model::program::{Home, Program, Row};
use retrace_model::{Backend, Engine, Inputs, Observer, StepScalars, Words, execute};

/// A row with the leaves that its operands name, all of them entries of the pre-state.
pub struct Vector {
    /// The row.
    pub row: Row,
    /// The leaves.
    pub leaves: Vec<Words>,
    /// The words that it must write.
    pub output: Words,
}

/// What came of a vector.
pub enum Verdict {
    /// Every backend gave the published words.
    Same,
    /// One did not, or the row is not one; the text says more.
    Differs(String),
}

impl BorshDeserialize for Vector {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let row = Row::deserialize_reader(reader)?;
        let leaves = BorshDeserialize::deserialize_reader(reader)?;
        Ok(Self { row, leaves, output: BorshDeserialize::deserialize_reader(reader)? })
    }
}

impl BorshSerialize for Vector {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.row.serialize(writer)?;
        self.leaves.serialize(writer)?;
        self.output.serialize(writer)
    }
}

struct Kept(Words);

impl Observer for Kept {
    fn output(&mut self, _at: usize, _row: &Row, words: &mut Words) {
        self.0.clone_from(words);
    }
}

/// Runs the vector's row on every backend of this machine.
pub fn check(vector: &Vector) -> Verdict {
    let kind = vector.row.kind;
    if let Err(error) = vector.row.check() {
        return Verdict::Differs(format!("{kind:?}: {error}"));
    }
    let mut row = vector.row.clone();
    row.home = Home::Trace(0);
    let program = Program { rows: vec![row], trace_leaves: 1, post_entries: 0 };
    for backend in Backend::available() {
        let inputs = Inputs { pre: &vector.leaves, ..Inputs::default() };
        let engine = Engine { backend, threads: 1 };
        let mut kept = Kept(Words::new());
        execute(&program, inputs, &StepScalars::default(), &engine, &mut kept);
        if kept.0 != vector.output {
            let at = kept.0.iter().zip(&vector.output).position(|(a, b)| a != b).unwrap_or_default();
            let [is, should] =
                [&kept.0, &vector.output].map(|words| words.get(at).copied().unwrap_or_default());
            return Verdict::Differs(format!(
                "{kind:?} on {backend}: word {at} is {is:08x}, not {should:08x}"
            ));
        }
    }
    Verdict::Same
}
