import socket
s = sokcet.socket()
