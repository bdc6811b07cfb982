//! Names on the wire: every protocol's begins with the network's id, so two networks have none in common (W-2.1).

use libp2p::StreamProtocol;
use libp2p::gossipsub::IdentTopic;
use retrace_verifier::digest::Digest;

/// What one network calls its protocols.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn of(network: &Digest) -> Names {
        Names { prefix: format!("/retrace/{network}") }
    }

    /// What a peer says it is of, in `identify`.
    pub(super) fn identity(&self) -> String {
        self.prefix.clone()
    }

    /// The prefix of gossip's own protocol names.
    pub(super) fn gossip(&self) -> String {
        format!("{}/gossip", self.prefix)
    }

    /// The only topic.
    pub(super) fn topic(&self) -> IdentTopic {
        IdentTopic::new(format!("{}/transactions", self.prefix))
    }

    /// A protocol of questions and answers; none if the name is no protocol's.
    pub(super) fn protocol(&self, name: &str) -> Option<StreamProtocol> {
        StreamProtocol::try_from_owned(format!("{}/{name}/1", self.prefix)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Names;
    use retrace_verifier::digest::Digest;

    /// W-2.1: two networks share no protocol and no topic.
    #[test]
    fn two_networks_share_no_name() {
        let names = [1, 2].map(|byte| Names::of(&Digest([byte; 32])));
        let all = |n: &Names| [n.identity(), n.gossip(), n.topic().to_string()];
        let [first, second] = [all(&names[0]), all(&names[1])];
        assert!(first.iter().zip(&second).all(|(a, b)| a != b), "{first:?} {second:?}");
        for part in ["talk", "blocks", "blobs"] {
            let [a, b] = [&names[0], &names[1]].map(|n| n.protocol(part).unwrap().to_string());
            assert_ne!(a, b);
            assert!(a.starts_with("/retrace/0101") && a.ends_with(&format!("/{part}/1")), "{a}");
        }
    }
}
