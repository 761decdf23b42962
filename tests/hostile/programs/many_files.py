"""Makes empty files, which take no space and yet memory of the kernel."""

for number in range(100000):
    try:
        open(f"/tmp/{number}", "w").close()
    except OSError as error:
        print(error, flush=True)
        break

import right
