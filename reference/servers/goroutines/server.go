// Goroutines: one for each client, written as if it blocked.
//
// Read and Write look like blocking calls, and the goroutine does wait in them. The thread below it does not: Go's
// runtime makes every socket nonblocking, parks the goroutine, and lets one thread wait for all sockets in epoll.
package main

import (
	"errors"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
)

const chunk = 4096

// serve answers one client until it stops sending, or its connection breaks.
func serve(connection net.Conn) {
	defer connection.Close()
	data := make([]byte, chunk)
	for {
		count, err := connection.Read(data)
		if err != nil {
			return // the end of what it sends is an error too, io.EOF
		}
		// Write goes on until all is sent.
		if _, err := connection.Write(upper(data[:count])); err != nil {
			return
		}
	}
}

// upper works on bytes, not on strings: what arrives may end in the middle of a character.
func upper(data []byte) []byte {
	for i, one := range data {
		if 'a' <= one && one <= 'z' {
			data[i] = one - 'a' + 'A'
		}
	}
	return data
}

func main() {
	port := "8080"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		log.Fatal(err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-stop
		listener.Close()
	}()
	for {
		connection, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		go serve(connection)
	}
}
