// Answers one client, once, in upper case. Make of it what the assignment asks for.
//
//     node server.js 8080
'use strict';
const net = require('net');

const port = Number(process.argv[2] || process.env.PORT || 8080);

const server = net.createServer((connection) => {
  // Your work begins here: one client, one message, and the server ends.
  connection.once('data', (data) => {
    connection.end(data.toString('latin1').toUpperCase(), 'latin1');
    server.close();
  });
});
server.listen(port);
