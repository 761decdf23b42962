/* Includes what it must not read; the errors quote it. */
#include "neighbour/server.py"
#include "/etc/shadow"
