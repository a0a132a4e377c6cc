"""Runs a .bzl file of Buck2's with stand-ins for what Buck2 and its prelude define, makes a toolchain, and prints its rustc_action and the rest.

    buck2_rules.py FILE RULE PROVIDER FIELD...
"""

import json
import sys

file, rule_name, provider_name, *fields = sys.argv[1:]


class Provider:
    """What provider() returns: called with all its fields, it makes an instance that dir() and getattr() look into."""

    def __init__(self, name, fields):
        self.name, self.fields = name, fields

    def __call__(self, **values):
        assert sorted(values) == sorted(self.fields), (self.name, sorted(values))
        return Instance(self, values)


class Instance:
    def __init__(self, provider, values):
        self.__dict__ = {"_provider": provider, **values}

    def __dir__(self):
        return list(self._provider.fields)


class Attrs:
    """`attrs`: every attribute is its kind and what it was given."""

    def __getattr__(self, kind):
        return lambda *args, **kwargs: {"kind": kind, "args": args, **kwargs}


class Namespace:
    def __init__(self, **values):
        self.__dict__ = values


def flat(args):
    return [text for arg in args for text in (flat(arg) if isinstance(arg, list) else [arg])]


INFO = Provider(provider_name, fields)
RUN_INFO = Provider("RunInfo", ["args"])
CLONED = {}


def clone_rule(rule, extra_attrs={}, impl_override=None):
    CLONED[rule] = extra_attrs
    return rule


def fail(text):
    raise SystemExit("fail: " + text)


PRELUDE = {
    ("@prelude//:rules.bzl", "clone_rule"): clone_rule,
    ("@prelude//rust/tools:attrs.bzl", "RustInternalToolsInfo"): INFO,
    ("@prelude//rust:rust_toolchain.bzl", "RustToolchainInfo"): INFO,
}


def load(path, *names):
    for name in names:
        module[name] = PRELUDE[path, name]


module = {
    "attrs": Attrs(),
    "cmd_args": lambda *args: flat(list(args)),
    "DefaultInfo": Provider("DefaultInfo", []),
    "fail": fail,
    "load": load,
    "rule": lambda **definition: definition,
    "RunInfo": RUN_INFO,
}
exec(compile(open(file).read(), file, "exec"), module)

definition = module[rule_name]
base = {INFO: INFO(**{field: "prelude's " + field for field in fields})}
printed = {"attrs": sorted(definition["attrs"]), "toolchain": definition["is_toolchain_rule"], "cloned": CLONED, "made": []}
for hollow in [None, {RUN_INFO: ["path/to/hollow"]}]:
    ctx = Namespace(attrs=Namespace(base=base, _base=base, hollow=hollow))
    default, info = definition["impl"](ctx)
    values = {field: getattr(info, field) for field in fields}
    values["rustc_action"] = values["rustc_action"].args
    printed["made"].append(values)
print(json.dumps(printed))
