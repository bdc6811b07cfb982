//! A peer that says what it likes: it speaks the protocols, and answers and asks with bytes of the test's choosing.

use super::super::names::Names;
use super::super::wire::Channel;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::identity::Keypair;
use libp2p::request_response::{Codec, Config, Event, Message, ProtocolSupport};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, gossipsub, identify, noise, ping, request_response, tcp, yamux,
};
use retrace_verifier::digest::Digest;
use std::io;
use tokio::sync::mpsc;

/// Bytes as they are on the wire.
#[derive(Clone, Default)]
struct Raw;

async fn read_all<T: AsyncRead + Unpin>(io: &mut T) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io.take(8 << 20).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

impl Codec for Raw {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_all(io).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_all(io).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await
    }
}

#[derive(NetworkBehaviour)]
struct Parts {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    gossip: gossipsub::Behaviour,
    talk: request_response::Behaviour<Raw>,
    blocks: request_response::Behaviour<Raw>,
    blobs: request_response::Behaviour<Raw>,
}

/// The lying peer.
pub(super) struct Liar {
    pub(super) address: String,
    asks: mpsc::UnboundedSender<Said>,
}

/// What it says unasked.
enum Said {
    /// A question, as raw bytes.
    Question(Channel, Vec<u8>),
    /// Gossip.
    Gossip(Vec<u8>),
}

/// A frame around bytes.
pub(super) fn framed(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_le_bytes()[..], bytes].concat()
}

/// What it answers: the raw bytes for a question's bytes, none for silence.
pub(super) type Answers = Box<dyn FnMut(Channel, &[u8]) -> Option<Vec<u8>> + Send>;

impl Liar {
    /// A liar that listens on its own address, and answers as told.
    pub(super) async fn start(network: &Digest, ip: &str, answers: Answers) -> Liar {
        Liar::start_as(&Names::of(network).identity(), network, ip, answers).await
    }

    /// One that says that it is of another network.
    pub(super) async fn start_as(identity: &str, network: &Digest, ip: &str, answers: Answers) -> Liar {
        let mut swarm = swarm(identity, &Names::of(network));
        swarm.listen_on(format!("/ip4/{ip}/tcp/0").parse().unwrap()).unwrap();
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break format!("{address}/p2p/{}", swarm.local_peer_id());
            }
        };
        let (asks, said) = mpsc::unbounded_channel();
        tokio::spawn(run(swarm, answers, Names::of(network), said));
        Liar { address, asks }
    }

    /// Asks whoever it is connected to, with these very bytes.
    pub(super) fn ask(&self, channel: Channel, raw: Vec<u8>) {
        self.asks.send(Said::Question(channel, raw)).unwrap();
    }

    /// Gossips these very bytes.
    pub(super) fn gossip(&self, bytes: Vec<u8>) {
        self.asks.send(Said::Gossip(bytes)).unwrap();
    }
}

fn swarm(identity: &str, names: &Names) -> Swarm<Parts> {
    let questions = |channel: Channel| {
        let name = names.protocol(channel.name()).unwrap();
        request_response::Behaviour::<Raw>::new([(name, ProtocolSupport::Full)], Config::default())
    };
    libp2p::SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|key| Parts {
            identify: identify::Behaviour::new(identify::Config::new(identity.into(), key.public())),
            ping: ping::Behaviour::default(),
            gossip: gossip(names, key),
            talk: questions(Channel::Talk),
            blocks: questions(Channel::Blocks),
            blobs: questions(Channel::Blobs),
        })
        .unwrap()
        .with_swarm_config(|c| c.with_idle_connection_timeout(std::time::Duration::from_secs(60)))
        .build()
}

/// Gossip without any check of its own.
fn gossip(names: &Names, key: &Keypair) -> gossipsub::Behaviour {
    let config = gossipsub::ConfigBuilder::default()
        .protocol_id_prefix(names.gossip())
        .message_id_fn(|message| super::super::parts::message_id(&message.data))
        .build()
        .unwrap();
    let mut gossip =
        gossipsub::Behaviour::new(gossipsub::MessageAuthenticity::Signed(key.clone()), config).unwrap();
    gossip.subscribe(&names.topic()).unwrap();
    gossip
}

async fn run(
    mut swarm: Swarm<Parts>,
    mut answers: Answers,
    names: Names,
    mut said: mpsc::UnboundedReceiver<Said>,
) {
    loop {
        tokio::select! {
            event = swarm.select_next_some() => {
                let SwarmEvent::Behaviour(event) = event else { continue };
                let (channel, event) = match event {
                    PartsEvent::Talk(event) => (Channel::Talk, event),
                    PartsEvent::Blocks(event) => (Channel::Blocks, event),
                    PartsEvent::Blobs(event) => (Channel::Blobs, event),
                    PartsEvent::Identify(_) | PartsEvent::Ping(_) | PartsEvent::Gossip(_) => continue,
                };
                if let Event::Message { message: Message::Request { request, channel: to, .. }, .. } = event
                    && let Some(answer) = answers(channel, request.get(4..).unwrap_or_default())
                {
                    drop(part(&mut swarm, channel).send_response(to, answer));
                }
            }
            said = said.recv() => match said {
                None => return,
                Some(Said::Gossip(bytes)) => {
                    swarm.behaviour_mut().gossip.publish(names.topic(), bytes).unwrap();
                }
                Some(Said::Question(channel, raw)) => {
                    let peers: Vec<PeerId> = swarm.connected_peers().copied().collect();
                    for peer in peers {
                        part(&mut swarm, channel).send_request(&peer, raw.clone());
                    }
                }
            },
        }
    }
}

fn part(swarm: &mut Swarm<Parts>, channel: Channel) -> &mut request_response::Behaviour<Raw> {
    let parts = swarm.behaviour_mut();
    match channel {
        Channel::Talk => &mut parts.talk,
        Channel::Blocks => &mut parts.blocks,
        Channel::Blobs => &mut parts.blobs,
    }
}

/// An address of an honest node, for whoever dials by hand.
pub(super) fn socket_of(address: &str) -> std::net::SocketAddr {
    use libp2p::multiaddr::Protocol;
    let address: Multiaddr = address.parse().unwrap();
    let mut parts = address.iter();
    match (parts.next(), parts.next()) {
        (Some(Protocol::Ip4(ip)), Some(Protocol::Tcp(port))) => (ip, port).into(),
        other => panic!("{other:?}"),
    }
}
