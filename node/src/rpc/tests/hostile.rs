//! Clients that are slow, loud, many or malformed: each is told no by name, and the node answers others meanwhile.

use super::world::World;
use crate::rpc::limits::{BODY_BYTES_MAX, CONNECTIONS_MAX, HEAD_BYTES_MAX, HEAD_PATIENCE, STREAMS_MAX};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn connect(world: &World) -> TcpStream {
    let stream = TcpStream::connect(world.client.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(HEAD_PATIENCE + Duration::from_secs(10))).unwrap();
    stream
}

/// All that comes back for these bytes, up to the connection's end.
fn answer(world: &World, bytes: &[u8]) -> String {
    let mut stream = connect(world);
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// W-3.2, W-3.3: garbage, long heads, long bodies and other HTTP methods are refused, and the next call is answered.
#[test]
fn malformed_requests_are_refused() {
    let world = World::new();
    assert!(answer(&world, b"\x00\x01\x02\x03 garbage\r\n\r\n").starts_with("HTTP/1.1 400"));
    let head = format!("GET /v1/status HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(HEAD_BYTES_MAX));
    let said = answer(&world, head.as_bytes());
    assert!(!said.contains("200 OK"), "{said}");
    let length = BODY_BYTES_MAX + 1;
    let mut long =
        format!("POST /v1/transactions HTTP/1.1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n")
            .into_bytes();
    long.resize(long.len() + length, 7);
    let said = answer(&world, &long);
    assert!(said.starts_with("HTTP/1.1 413") && said.contains("\"too_long\""), "{said}");
    let said = answer(&world, b"DELETE /v1/status HTTP/1.1\r\nconnection: close\r\n\r\n");
    assert!(said.starts_with("HTTP/1.1 405") && said.contains("\"no_method\""), "{said}");
    let said = answer(
        &world,
        b"POST /v1/transactions HTTP/1.1\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc",
    );
    assert!(said.starts_with("HTTP/1.1 400") && said.contains("\"malformed\""), "{said}");
    assert!(world.client.status().is_ok());
}

/// W-3.2: a head that drips is cut off after its patience, and costs nobody else anything.
#[test]
fn dripping_heads_are_cut() {
    let world = World::new();
    let mut slow = connect(&world);
    let since = Instant::now();
    slow.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut ended = false;
    for byte in b"GET /v1/status HTTP/1.1\r\nx: ".iter().chain([b'y'].iter().cycle()) {
        let wrote = slow.write_all(&[*byte]);
        let mut one = [0; 64];
        ended = wrote.is_err() || matches!(slow.read(&mut one), Ok(0));
        if ended || since.elapsed() > HEAD_PATIENCE + Duration::from_secs(5) {
            break;
        }
    }
    assert!(ended, "still open after {:?}", since.elapsed());
    assert!(world.client.status().is_ok());
}

/// W-3.2: one connection too many is told so, is counted, and those before it go on; so it is with streams.
#[test]
fn connections_and_streams_are_counted() {
    let world = World::new();
    let idle: Vec<TcpStream> = (0..CONNECTIONS_MAX).map(|_| connect(&world)).collect();
    let since = Instant::now();
    let said = loop {
        let said = answer(&world, b"GET /health HTTP/1.1\r\nconnection: close\r\n\r\n");
        if said.starts_with("HTTP/1.1 503") || since.elapsed() > Duration::from_secs(10) {
            break said;
        }
    };
    assert!(said.contains("\"name\":\"busy\""), "{said}");
    assert!(world.board.metrics().refusals("rpc", "connections") > 0);
    drop(idle);
    let again = Instant::now();
    while world.client.status().is_err() {
        assert!(again.elapsed() < Duration::from_secs(10), "room comes back");
    }
    let streams: Vec<_> = (0..STREAMS_MAX).map(|_| world.client.follow(None).unwrap()).collect();
    let refused = world.client.follow(None).map(drop).unwrap_err();
    assert!(refused.to_string().contains("busy"), "{refused}");
    drop(streams);
}
