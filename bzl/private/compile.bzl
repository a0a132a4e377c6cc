"""The actions. A crate is described once (`crate_of`), and its command line written once (`_rustc_arguments`), for both actions.

| | inputs | makes |
|---|---|---|
| RustcMetadata | sources, hollow rlibs of the dependencies | the hollow rlib |
| Rustc of a library | the same, and its own hollow rlib | the full rlib, sealed |
| RustcCompile of anything linked | sources, hollow rlibs of the dependencies | the link plan |
| RustcLink of anything linked | the link plan, full rlibs of the dependencies | the program or shared library |
| Rustc of anything linked, with `split_link` off | sources, full rlibs of the dependencies | the program or shared library |

Each also writes rustc's diagnostics as JSON, one object a line, beside its output.

A hollow rlib is in `_hollow/`, a full one in the directory above, a proc-macro in `_macro/`: so no search path has two kinds of them, with or
without a sandbox."""

load(":providers.bzl", "RustLibraryInfo", "RustProcMacroInfo")
load(":settings.bzl", "setting")
load(":toolchain.bzl", "TOOLCHAIN_TYPE")

def crate_of(ctx, crate_type, default_root, base = None):
    """Describes the crate of a target.

    Args:
      ctx: the rule context.
      crate_type: as rustc calls it.
      default_root: the name of the file that is the crate's root if nothing else is said.
      base: for a test, the crate that is tested.

    Returns:
      A struct with all that enters the crate's command line."""
    deps = [dep[RustLibraryInfo] for dep in ctx.attr.deps]
    macros = [dep[RustProcMacroInfo] for dep in ctx.attr.proc_macro_deps]
    aliases = {target.label: name for target, name in ctx.attr.aliases.items()}
    externs = [
        _extern(aliases.get(target.label, dep.name), dep.hollow, dep.full)
        for target, dep in zip(ctx.attr.deps, deps)
    ] + [
        _extern(aliases.get(target.label, dep.name), dep.library, dep.library)
        for target, dep in zip(ctx.attr.proc_macro_deps, macros)
    ]
    toolchain = ctx.toolchains[TOOLCHAIN_TYPE]
    srcs = _in_one_tree(ctx, ctx.files.srcs)
    compile_data = _in_one_tree(ctx, ctx.files.compile_data, srcs)
    name = ctx.attr.crate_name or (base.name if base else ctx.label.name.rpartition("/")[2].replace("-", "_"))
    return struct(
        compile_data = depset(compile_data + ctx.files.compile_data, transitive = [base.compile_data] if base else []),
        edition = ctx.attr.edition or (base.edition if base else toolchain.default_edition),
        env = dict(
            _cargo_environment(ctx, name),
            **dict(base.env if base else {}, **_expanded(ctx, ctx.attr.rustc_env))
        ),
        externs = (base.externs if base else []) + externs,
        features = (base.features if base else []) + ctx.attr.crate_features,
        flags = (base.flags if base else []) + [ctx.expand_location(flag, ctx.attr.compile_data) for flag in ctx.attr.rustc_flags],
        full_rlibs = depset(transitive = ([base.full_rlibs] if base else []) + [dep.full_rlibs for dep in deps]),
        hollow_rlibs = depset(transitive = ([base.hollow_rlibs] if base else []) + [dep.hollow_rlibs for dep in deps]),
        id = _identity(ctx.label),
        name = name,
        proc_macros = depset(
            [macro.library for macro in macros],
            transitive = ([base.proc_macros] if base else []) + [dep.proc_macros for dep in deps],
        ),
        proc_macro = crate_type == "proc-macro" or (base != None and base.proc_macro),
        root = base.root if base and not srcs else _root(ctx, srcs, default_root),
        sources = depset(srcs, transitive = [base.sources] if base else []),
        type = crate_type,
    )

def compile_library(ctx, crate):
    """Makes the rlibs of a library.

    Args:
      ctx: the rule context.
      crate: from `crate_of`.

    Returns:
      A RustLibraryInfo."""
    full = ctx.actions.declare_file("lib%s-%s.rlib" % (crate.name, crate.id))
    hollow = ctx.actions.declare_file("_hollow/lib%s-%s_meta.rlib" % (crate.name, crate.id))
    if setting(ctx, "pipelining") == "off":
        # Whoever compiles against hollow rlibs searches only where those are.
        ctx.actions.symlink(output = hollow, target_file = full)
        diagnostics = [_act(
            ctx,
            crate,
            "Rustc",
            "Compiling library `%s` (%s)" % (crate.name, ctx.label),
            "link",
            ["--deps=full"],
            full,
            transitive = [crate.full_rlibs, crate.sources],
        )]
    else:
        interface = setting(ctx, "interface")
        one_rustc = ["--one-rustc"] if setting(ctx, "worker_pipelining") == "on" and interface == "off" else []
        diagnostics = [_act(
            ctx,
            crate,
            "RustcMetadata",
            "Making the hollow rlib of `%s` (%s)" % (crate.name, ctx.label),
            "metadata",
            one_rustc + (["--interface=" + interface] if interface != "off" else []),
            hollow,
            transitive = [crate.hollow_rlibs, crate.sources],
            # The same lints would be reported by the other action. One rustc for both has one command line, and hollow sees to that.
            flags = [] if one_rustc else ["--cap-lints=allow"],
        ), _act(
            ctx,
            crate,
            "Rustc",
            "Compiling library `%s` (%s)" % (crate.name, ctx.label),
            "link",
            one_rustc + [_agreement(ctx, interface, one_rustc), hollow],
            full,
            transitive = [crate.hollow_rlibs, crate.sources],
            direct = [hollow],
        )]
    return RustLibraryInfo(
        diagnostics = depset(diagnostics),
        full = full,
        full_rlibs = depset([full], transitive = [crate.full_rlibs], order = "preorder"),
        hollow = hollow,
        hollow_rlibs = depset([hollow], transitive = [crate.hollow_rlibs], order = "preorder"),
        name = crate.name,
        proc_macros = crate.proc_macros,
    )

def link(ctx, crate, output, what, flags = []):
    """Makes a program or library that is linked: compiled from hollow rlibs, then linked with full ones.

    With `split_link` off, both is one action, which takes full rlibs.

    Args:
      ctx: the rule context.
      crate: from `crate_of`.
      output: the File to make.
      what: for people, such as "program".
      flags: more arguments for rustc.

    Returns:
      An OutputGroupInfo, with rustc's diagnostics."""
    flags = flags + ["-Clinker=" + ctx.toolchains[TOOLCHAIN_TYPE].linker]

    # No linker runs for a static library: rustc itself puts the objects of the dependencies into it.
    if crate.type == "staticlib" or "off" in [setting(ctx, "split_link"), setting(ctx, "pipelining")]:
        diagnostics = _act(
            ctx,
            crate,
            "Rustc",
            "Linking %s `%s` (%s)" % (what, crate.name, ctx.label),
            "link",
            [],
            output,
            transitive = [crate.full_rlibs, crate.sources],
            flags = flags,
            linked = output,
        )
        return OutputGroupInfo(diagnostics = depset([diagnostics]))
    plan = ctx.actions.declare_file("_hollow/%s.plan" % output.basename, sibling = output)
    compiled = _act(
        ctx,
        crate,
        "RustcCompile",
        "Compiling %s `%s` (%s)" % (what, crate.name, ctx.label),
        "compile",
        [],
        plan,
        transitive = [crate.hollow_rlibs, crate.sources],
        flags = flags,
        linked = output,
    )
    linked = _act(
        ctx,
        crate,
        "RustcLink",
        "Linking %s `%s` (%s)" % (what, crate.name, ctx.label),
        "link",
        ["--plan", plan],
        output,
        transitive = [crate.full_rlibs],
        direct = [plan],
        flags = flags,
        linked = output,
    )
    return OutputGroupInfo(diagnostics = depset([compiled, linked]))

# What Bazel is told of the actions. The protocol is protobuf, which is every Bazel's default. Sandboxes and cancellation go together: without the
# one, Bazel gives a sandbox to the next request while the old one still runs in it.
_WORKER = {"supports-workers": "1", "worker-key-mnemonic": "Rustc"}
_WORKERS = {
    "multiplex": dict(_WORKER, **{
        "supports-multiplex-sandboxing": "1",
        "supports-multiplex-workers": "1",
        "supports-worker-cancellation": "1",
    }),
    "off": {},
    "singleplex": dict(_WORKER, **{"supports-worker-cancellation": "1"}),
}

def _act(ctx, crate, mnemonic, progress_message, action, options, output, transitive, direct = [], flags = [], linked = None):
    toolchain = ctx.toolchains[TOOLCHAIN_TYPE]
    diagnostics = ctx.actions.declare_file(output.basename + ".diagnostics.jsonl", sibling = output)
    worker = setting(ctx, "worker")
    env = dict(crate.env)
    rustc = ctx.actions.args()
    rustc.set_param_file_format("multiline")
    if worker == "off":
        rustc.use_param_file("@%s")
        hollow = ctx.actions.args()
        arguments = [hollow, rustc]
    else:
        # What differs between actions is in the file. Before it is the worker's own command line, and actions with the same one share a process.
        rustc.use_param_file("@%s", use_always = True)
        hollow = rustc
        start = ctx.actions.args()
        start.add("worker")
        arguments = [start, rustc]
        hollow.add_all(["--env=%s=%s" % (name, value) for name, value in env.items() if "\n" not in value])
        env = {name: value for name, value in env.items() if "\n" in value}
    hollow.add(action)
    hollow.add_all(options)
    hollow.add("--output", output)
    hollow.add("--diagnostics", diagnostics)
    hollow.add("--remap-cwd", ".")
    hollow.add("--deny-unstable-features")
    hollow.add("--")
    hollow.add(toolchain.rustc)
    against_hollow = mnemonic in ["RustcMetadata", "RustcCompile"] or (mnemonic == "Rustc" and direct)
    _add_rustc_arguments(rustc, ctx, crate, transitive[0], against_hollow, flags, linked)
    ctx.actions.run(
        executable = toolchain.hollow,
        arguments = arguments,
        env = dict(toolchain.env, **env),
        execution_requirements = _WORKERS[worker],
        inputs = depset(direct + [toolchain.rustc], transitive = transitive + [crate.compile_data, crate.proc_macros, toolchain.sysroot]),
        mnemonic = mnemonic,
        outputs = [output, diagnostics],
        progress_message = progress_message,
    )
    return diagnostics

def _add_rustc_arguments(arguments, ctx, crate, rlibs, against_hollow, flags, linked):
    arguments.add(crate.root)
    arguments.add(crate.name, format = "--crate-name=%s")
    arguments.add(crate.type, format = "--crate-type=%s")
    arguments.add(crate.edition, format = "--edition=%s")
    arguments.add(crate.id, format = "-Cmetadata=%s")
    if linked and crate.type != "proc-macro":
        # A shared library knows its own name.
        arguments.add("-o", linked)
    else:
        arguments.add(crate.id, format = "-Cextra-filename=-%s")
    mode = ctx.var["COMPILATION_MODE"]
    arguments.add(ctx.toolchains[TOOLCHAIN_TYPE].opt_level.get(mode, "0"), format = "-Copt-level=%s")
    if mode == "dbg":
        arguments.add("-Cdebuginfo=2")
    arguments.add_all(crate.features, format_each = "--cfg=feature=\"%s\"")
    for extern in crate.externs:
        arguments.add(extern.hollow if against_hollow else extern.full, format = "--extern=%s=%%s" % extern.name)
    arguments.add_all(rlibs, map_each = _directory, format_each = "-Ldependency=%s", uniquify = True)
    arguments.add_all(crate.proc_macros, map_each = _directory, format_each = "-Ldependency=%s", uniquify = True)
    if crate.proc_macro:
        arguments.add("--extern=proc_macro")
    arguments.add_all(flags)
    arguments.add_all(crate.flags)

def _directory(file):
    return file.dirname

def _extern(name, hollow, full):
    return struct(name = name, hollow = hollow, full = full)

def _agreement(ctx, interface, one_rustc):
    if one_rustc:
        # Metadata and objects come from one process. Where they do not, two macro expansions that differ must not meet in one program.
        return "--verify-against"
    if setting(ctx, "sealing") == "on":
        return "--seal-with"
    if interface != "off":
        fail("%s: hollow rlibs made by interface have to be sealed: set `interface` to off, or `sealing` to on" % ctx.label)
    return "--verify-against"

def _identity(label):
    # Two crates of one name in one program differ in this. It has no path and no configuration in it.
    text = "%s//%s:%s" % (label.workspace_name, label.package, label.name)
    return ("%d%d" % (hash(text), hash(text[::-1]))).replace("-", "_")

def _root(ctx, srcs, default):
    if ctx.file.crate_root:
        # It may be in the tree of all sources.
        same = [file for file in srcs if file.short_path.endswith("/" + ctx.file.crate_root.short_path)]
        return same[0] if len(same) == 1 else ctx.file.crate_root
    if len(srcs) == 1:
        return srcs[0]
    roots = [file for file in srcs if file.basename in [default, ctx.label.name + ".rs"]]
    if len(roots) != 1:
        fail("%s: %d of its sources could be the crate's root: name it with `crate_root`" % (ctx.label, len(roots)))
    return roots[0]

def _in_one_tree(ctx, files, sources = None):
    """Lays files out in one tree if some files of the crate are generated.

    rustc looks for a module's file, and for an included one, beside the file that names it, and Bazel has generated files in another place.

    Args:
      ctx: the rule context.
      files: the files.
      sources: the crate's sources as they were laid out, if these are other files.

    Returns:
      The files, in their order."""
    generated = [file for file in ctx.files.srcs + ctx.files.compile_data if not file.is_source]
    if not generated:
        return files
    tree = "_sources/%s" % ctx.label.name
    laid_out = []
    for file in files:
        path = file.short_path
        link = ctx.actions.declare_file("%s/%s" % (tree, path[len("../"):] if path.startswith("../") else path))
        if sources and link in sources:
            continue
        ctx.actions.symlink(output = link, target_file = file)
        laid_out.append(link)
    return laid_out

def _expanded(ctx, env):
    # `include_str!` takes a relative path for one that begins at the source file.
    here = ctx.toolchains[TOOLCHAIN_TYPE].working_directory
    expanded = {}
    for name, value in env.items():
        for path in ["$(location ", "$(execpath "]:
            value = value.replace(path, here + path)
        expanded[name] = ctx.expand_make_variables("rustc_env", ctx.expand_location(value, ctx.attr.compile_data), {})
    return expanded

def _cargo_environment(ctx, crate_name):
    numbers, _, pre = ctx.attr.version.partition("-")
    numbers = (numbers.split(".") + ["0", "0"])[:3]
    directory = "/".join([part for part in [ctx.label.workspace_root, ctx.label.package] if part])
    here = ctx.toolchains[TOOLCHAIN_TYPE].working_directory
    return {
        "CARGO_CRATE_NAME": crate_name,
        "CARGO_MANIFEST_DIR": (here + directory) or ".",
        "CARGO_PKG_NAME": ctx.label.name,
        "CARGO_PKG_VERSION": ctx.attr.version,
        "CARGO_PKG_VERSION_MAJOR": numbers[0],
        "CARGO_PKG_VERSION_MINOR": numbers[1],
        "CARGO_PKG_VERSION_PATCH": numbers[2],
        "CARGO_PKG_VERSION_PRE": pre,
    }
