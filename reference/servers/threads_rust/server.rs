//! Threads: one for each client, each in blocking calls of its own.
//!
//! The main thread accepts. Whoever connects gets a thread, which owns the connection: when the thread ends, however
//! it ends, the connection is closed. Nothing is shared, so nothing needs a lock.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use std::{env, io, process, thread};

const CHUNK: usize = 4096;

/// Answer one client until it stops sending.
fn serve(mut connection: TcpStream) -> io::Result<()> {
    let mut chunk = [0; CHUNK];
    loop {
        let count = connection.read(&mut chunk)?;
        if count == 0 {
            return Ok(()); // the client has finished
        }
        // write_all() goes on until the kernel has taken everything; write() may take less.
        connection.write_all(&chunk[..count].to_ascii_uppercase())?;
    }
}

fn main() {
    let port = env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(8080);
    let listener = TcpListener::bind(("0.0.0.0", port)).unwrap_or_else(|error| {
        eprintln!("cannot listen on port {port}: {error}");
        process::exit(1);
    });
    for accepted in listener.incoming() {
        match accepted {
            // A client that resets its connection ends its own thread with an error, and nothing else.
            Ok(connection) => drop(thread::spawn(move || serve(connection))),
            Err(error) => {
                // With no descriptor left the next one would fail at once.
                eprintln!("cannot accept: {error}");
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}
