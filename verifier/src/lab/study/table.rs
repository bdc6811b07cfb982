//! The study as a table for people: the paper's detection beside the game's finding (V-4.9).

use super::{Stage, Studied, Study};
use std::fmt;

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Forward => "forward",
            Stage::Backward => "backward",
            Stage::Optimizer => "optimizer",
        })
    }
}

impl Studied {
    /// The stages in words.
    pub fn who(&self) -> String {
        let stages: Vec<String> = self.stages.iter().map(usize::to_string).collect();
        if stages.is_empty() { "challenger".into() } else { stages.join(" and ") }
    }

    /// What the game made of it, in words.
    pub fn ours(&self) -> String {
        match &self.finding {
            Some(f) => {
                let link = f.link.map_or_else(String::new, |link| format!(", link {link}"));
                format!("convicted at {}, element {}{link}", self.label, f.element)
            }
            None if self.attributed => "the accused wins".into(),
            None => "not convicted".into(),
        }
    }
}

impl fmt::Display for Study {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = ["what", "stages", "does", "per the paper", "here"].map(String::from);
        let rows = self
            .rows
            .iter()
            .map(|row| [row.stage.to_string(), row.who(), row.does.into(), row.paper.into(), row.ours()]);
        let lines: Vec<[String; 5]> = std::iter::once(titles).chain(rows).collect();
        let width = |at: usize| lines.iter().map(|line| line[at].len()).max().unwrap_or(0);
        let [a, b, c, d, _] = [0, 1, 2, 3, 4].map(width);
        for [what, who, does, paper, here] in &lines {
            writeln!(f, "{what:<a$}  {who:<b$}  {does:<c$}  {paper:<d$}  {here}")?;
        }
        Ok(())
    }
}
