"""A minimal action wrapper: substitutes in a parameter file, runs a program and shows the text of its JSON messages.

    wrap.py KEY=VALUE... -- PROGRAM ARGS...
"""

import json
import os
import subprocess
import sys
import tempfile

end = sys.argv.index("--")
substitutions = [pair.split("=", 1) for pair in sys.argv[1:end]]
command, temporary = [], []
for argument in sys.argv[end + 1 :]:
    if argument.startswith("@"):
        with open(argument[1:]) as file:
            text = file.read()
        for key, value in substitutions:
            text = text.replace("${" + key + "}", value)
        with tempfile.NamedTemporaryFile("w", delete=False) as file:
            file.write(text)
        argument = "@" + file.name
        temporary.append(file.name)
    command.append(argument)
child = subprocess.Popen(command, stderr=subprocess.PIPE)
for line in child.stderr:
    sys.stderr.write(json.loads(line).get("rendered", ""))
for file in temporary:
    os.unlink(file)
sys.exit(child.wait())
