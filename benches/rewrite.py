"""What `hollow link` does for a library, as the script that a build system would have instead: the peer of benches/overhead.rs."""

import os
import sys


def twin(path):
    directory, name = os.path.split(path)
    return os.path.join(directory, "_hollow", name.removesuffix(".rlib") + "_meta.rlib")


def expanded(arguments):
    for argument in arguments:
        if argument.startswith("@"):
            with open(argument[1:], encoding="utf-8") as lines:
                yield from expanded(lines.read().splitlines())
        else:
            yield argument


def main():
    rustc, *arguments = sys.argv[1:]
    name = extra = directory = ""
    rewritten = []
    for argument in expanded(arguments):
        if argument.startswith("--crate-name="):
            name = argument.removeprefix("--crate-name=")
        elif argument.startswith("-Cextra-filename="):
            extra = argument.removeprefix("-Cextra-filename=")
        elif argument.startswith("--out-dir="):
            directory = argument.removeprefix("--out-dir=")
        elif argument.startswith("--extern="):
            dependency, _, path = argument.partition("=")[2].partition("=")
            if path.endswith(".rlib") and os.path.isfile(twin(path)):
                argument = f"--extern={dependency}={twin(path)}"
        elif argument.startswith("-Ldependency="):
            hollow = os.path.join(argument.removeprefix("-Ldependency="), "_hollow")
            if os.path.isdir(hollow):
                argument = f"-Ldependency={hollow}"
        elif argument.startswith("--emit="):
            continue
        rewritten.append(argument)
    os.makedirs(directory, exist_ok=True)
    rewritten.append(f"--emit=link={os.path.join(directory, f'lib{name}{extra}.rlib')}")
    os.environ["RUSTC_BOOTSTRAP"] = "1"
    os.execvp(rustc, [rustc, *rewritten])


main()
