// Answers one client, once, in upper case. Make of it what the assignment asks for.
//
//	go run server.go 8080
package main

import (
	"bytes"
	"log"
	"net"
	"os"
)

func main() {
	port := "8080"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		log.Fatal(err)
	}

	// Your work begins here: one client, one message, and the server ends.
	connection, err := listener.Accept()
	if err != nil {
		log.Fatal(err)
	}
	buffer := make([]byte, 4096)
	length, _ := connection.Read(buffer)
	connection.Write(bytes.ToUpper(buffer[:length]))
	connection.Close()
}
