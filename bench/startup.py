"""`jinzhi up` on an empty machine, after a stop, and when all is running; against PostgreSQL alone.

Packages are installed already; what is measured is the installation's own work. Without demonstration data.
"""

import os
import shutil
import subprocess
import sys
import time

from jinzhi.runtime import locations, testing
from jinzhi.runtime.postgres import Cluster


def seconds(action, *arguments) -> float:
    began = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - began


def main() -> None:
    folder = testing.open_folder()
    var = folder / "var"
    kept = testing.environment("jinzhi")
    kept |= {"JINZHI_VAR": str(var), "JINZHI_PORT": str(testing.free_port()), "JINZHI_DEMO": "0"}

    def jinzhi(command: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "jinzhi.cli", command],
            env=os.environ | kept,
            cwd=locations.ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    try:
        bare = Cluster(folder / "bare")
        alone = seconds(bare.start)
        bare.stop()
        cold = seconds(jinzhi, "up")
        again = seconds(jinzhi, "up")
        jinzhi("down")
        warm = seconds(jinzhi, "up")
        jinzhi("down")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"startup | initdb and start of PostgreSQL alone | {alone:.2f} s | 1.0x")
    for name, value in (("on an empty var/", cold), ("after a stop", warm), ("while running", again)):
        print(f"startup | jinzhi up {name} | {value:.2f} s | {value / alone:.1f}x")


if __name__ == "__main__":
    main()
