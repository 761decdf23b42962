"""Who talks to the server: reference clients that never block, and the journal of what they did and saw."""
