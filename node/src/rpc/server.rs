//! Opens the door and closes it: a socket, the methods behind their guard, an orderly end (W-3.1).

use super::door::{Door, Gates, NodeInfo, Peers};
use super::guard::{broken, guard, nowhere, other_verb};
use super::history::{self, History};
use super::limits;
use super::listen::{Connection, Doorway};
use super::openapi::document;
use super::table::rows;
use crate::network::Board;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower_http::catch_panic::CatchPanicLayer;

/// A door that cannot be opened.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RpcError {
    /// The address cannot be listened on.
    #[error("cannot listen for RPC on {address}: {source}")]
    #[diagnostic(help(
        "another process may have the port: name another address with --rpc, or in config.toml"
    ))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// No thread to be had.
    #[error("cannot start the thread that keeps the history of rewards: {source}")]
    #[diagnostic(help("the machine is out of threads or memory"))]
    Thread {
        /// Why not.
        source: io::Error,
    },
}

/// An open door; dropping it closes it.
pub struct RpcHandle {
    address: SocketAddr,
    closing: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl RpcHandle {
    /// Where it listens: the port that was given out, if port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes it: streams end, requests at work get a moment, then their connections end too.
    pub async fn stop(self) {
        let RpcHandle { closing, mut serving, .. } = self;
        closing.send_replace(true);
        if tokio::time::timeout(limits::STOP_PATIENCE, &mut serving).await.is_err() {
            serving.abort();
        }
    }
}

/// Opens the door of a node on the runtime that it is called on. It is open when this returns.
pub async fn serve(
    board: Arc<Board>,
    about: NodeInfo,
    peers: Peers,
    listen: SocketAddr,
) -> Result<RpcHandle, RpcError> {
    let unheard = |source| RpcError::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(unheard)?;
    let address = listener.local_addr().map_err(unheard)?;
    let history = Arc::new(History::default());
    let followed = history::follow(Arc::clone(&board), Arc::clone(&history));
    followed.map_err(|source| RpcError::Thread { source })?;
    let (closing, closed) = watch::channel(false);
    let counted = Arc::clone(&board);
    let doorway = Doorway::new(listener, Box::new(move || counted.metrics().refused("rpc", "connections")));
    let gates = Gates::open();
    let door = Arc::new(Door { board, about, peers, history, gates, closing: closed.clone() });
    let service = app(door).into_make_service_with_connect_info::<Connection>();
    let serving = axum::serve(doorway, service).with_graceful_shutdown(ended(closed));
    let serving = tokio::spawn(async move { drop(serving.await) });
    Ok(RpcHandle { address, closing, serving })
}

/// Waits for the word to close, or for the end of whoever could say it.
async fn ended(mut closed: watch::Receiver<bool>) {
    drop(closed.wait_for(|closing| *closing).await);
}

/// All methods behind their guard.
fn app(door: Arc<Door>) -> Router {
    let rows = rows();
    let openapi = document(&rows, env!("CARGO_PKG_VERSION")).to_json().unwrap_or_default();
    let documented = move || async move { ([(CONTENT_TYPE, "application/json")], openapi) };
    let mut router = Router::new().route("/openapi.json", get(documented));
    for row in rows {
        router = router.route(row.path, row.route);
    }
    router
        .fallback(nowhere)
        .method_not_allowed_fallback(other_verb)
        .layer(CatchPanicLayer::custom(broken))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&door), guard))
        .with_state(door)
}
