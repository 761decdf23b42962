"""Takes memory as files in /dev/shm."""

for number in range(300):
    with open(f"/dev/shm/{number}", "wb") as file:
        file.write(bytes(1 << 20))

import right
