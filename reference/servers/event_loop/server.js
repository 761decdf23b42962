/*
 * Event loop: the runtime waits for all sockets at once, and calls us when something has happened.
 *
 * There is no loop to be seen here, it is that of libuv, below Node. What we write are the answers to events; each must
 * be short, because while it runs nobody else is served.
 */
'use strict';

const net = require('node:net');

const PORT = Number(process.argv[2] ?? 8080);
const BACKLOG = 128;

/** On bytes, not on strings: what arrives may end in the middle of a character. */
function upper(chunk) {
  for (let i = 0; i < chunk.length; i++) {
    if (chunk[i] >= 0x61 && chunk[i] <= 0x7a) {
      chunk[i] -= 0x20;
    }
  }
  return chunk;
}

function serve(connection) {
  connection.on('data', (chunk) => {
    // write() keeps what the kernel does not take yet; when that is much, we stop reading until it has gone.
    if (!connection.write(upper(chunk))) {
      connection.pause();
      connection.once('drain', () => connection.resume());
    }
  });
  // A client that has finished sending still gets the rest of its replies, and then the end.
  connection.on('end', () => connection.end());
  // A reset is the end of one connection, not of the server; 'close' follows by itself.
  connection.on('error', () => {});
}

const server = net.createServer({ allowHalfOpen: true }, serve);
server.listen({ port: PORT, host: '0.0.0.0', backlog: BACKLOG });
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => process.exit(0));
