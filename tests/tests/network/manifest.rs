//! Manifests: four validators, and what else a test says of its network, its nodes, its run and what is done to them.

use std::fmt::{self, Display, Formatter};

/// A devnet's manifest that is being put together; its text is TOML.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    network: String,
    nodes: String,
    run: String,
    perturbations: String,
}

impl Manifest {
    /// Validators and nothing to train: every test of consensus alone begins with four of them.
    pub fn validators(count: usize) -> Manifest {
        Manifest::default().nodes("validator", count).run("open = false")
    }

    /// Four validators, and a run of a preset, of so many rounds of so many steps.
    pub fn training(preset: &str, rounds: u32, steps: u32) -> Manifest {
        let run = format!("preset = \"{preset}\"\nrounds = {rounds}\nsteps = {steps}");
        Manifest::default().nodes("validator", 4).run(&run)
    }

    /// Lines of the network's section.
    pub fn network(mut self, lines: &str) -> Manifest {
        self.network += &format!("{lines}\n");
        self
    }

    /// Lines of the run's section.
    pub fn run(mut self, lines: &str) -> Manifest {
        self.run += &format!("{lines}\n");
        self
    }

    /// Nodes of a role, honest ones.
    pub fn nodes(self, role: &str, count: usize) -> Manifest {
        self.node(role, &format!("count = {count}"))
    }

    /// One that lies in this way.
    pub fn liar(self, role: &str, strategy: &str) -> Manifest {
        self.node(role, &format!("strategy = \"{strategy}\""))
    }

    /// Verifiers that dispute what is right: the only one is called accuser, several are numbered.
    pub fn accusers(self, count: usize) -> Manifest {
        self.node("verifier", &format!("name = \"accuser\"\nstrategy = \"false-challenge\"\ncount = {count}"))
    }

    fn node(mut self, role: &str, lines: &str) -> Manifest {
        self.nodes += &format!("\n[[node]]\nrole = \"{role}\"\n{lines}\n");
        self
    }

    /// Something that is done to nodes, by lines that say when, what and for how long.
    pub fn perturbed(mut self, nodes: &str, lines: &str) -> Manifest {
        self.perturbations += &format!("\n[[perturb]]\nnode = \"{nodes}\"\n{lines}\n");
        self
    }
}

impl Display for Manifest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Manifest { network, nodes, run, perturbations } = self;
        write!(f, "[network]\n{network}{nodes}\n[run]\n{run}{perturbations}")
    }
}
