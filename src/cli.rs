//! The command line of hollow itself. Nothing outside this file sees clap.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::num::NonZero;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::action::{Action, Deps, Explain, Options, Remedy};
use crate::process::Seeds;
use crate::rustc::{CommandLine, Settings, response_file};
use crate::{action, cargo, doctor, inspect, interface, link, print, worker};

/// What hollow was asked to do.
#[derive(Debug)]
pub enum Command {
    /// `hollow metadata`, `hollow compile` and `hollow link`.
    Action(ActionRequest),
    /// `hollow seal`.
    Seal {
        /// The full rlib.
        full: PathBuf,
        /// The hollow rlib.
        with: PathBuf,
        /// Where the sealed rlib goes; the full rlib itself unless said otherwise.
        output: PathBuf,
    },
    /// `hollow RUSTC ARGS...`, as Cargo calls its wrapper.
    Wrap {
        /// The rustc, as it was given.
        rustc: OsString,
        /// Its arguments.
        arguments: Vec<OsString>,
    },
    /// `hollow process-wrapper`, with its arguments: its grammar is not clap's.
    ProcessWrapper(Vec<OsString>),
    /// `hollow rustc-action`, likewise.
    RustcAction(Vec<OsString>),
    /// `hollow worker --persistent_worker`.
    Worker(worker::Options),
    /// `hollow worker` for one action, with its arguments.
    WorkOnce(Vec<OsString>),
    /// `hollow interface`.
    Interface(InterfaceRequest),
    /// `hollow doctor`.
    Doctor(DoctorRequest),
    /// `hollow inspect`.
    Inspect {
        /// The files.
        rlibs: Vec<PathBuf>,
        /// The form of the report.
        format: inspect::Format,
    },
}

/// What `cargo hollow` was asked to do.
#[derive(Debug)]
pub enum CargoCommand {
    /// Run Cargo.
    Run {
        /// What was said before Cargo's subcommand.
        options: cargo::Options,
        /// Cargo's arguments, beginning with the subcommand.
        arguments: Vec<OsString>,
    },
    /// `cargo hollow why`.
    Why {
        /// The workspace.
        workspace: cargo::Workspace,
        /// Only units of this package.
        package: Option<String>,
    },
    /// `cargo hollow clean`.
    Clean {
        /// The workspace.
        workspace: cargo::Workspace,
    },
}

/// One of the two actions, with everything that was said about it.
#[derive(Debug)]
pub struct ActionRequest {
    /// Which one.
    pub action: Action,
    /// How.
    pub options: Options,
    /// Print the command and run nothing.
    pub print: Option<print::Format>,
    explain: bool,
    doctor_report: Option<PathBuf>,
    /// rustc and its arguments, as they came.
    rustc: Vec<OsString>,
}

impl ActionRequest {
    /// The path of the rustc to run. An error if there is none, so that nothing is touched then.
    pub fn rustc(&self) -> Result<PathBuf> {
        rustc(&self.rustc)
    }

    /// How, for the crate of this command line.
    pub fn options(&self, line: &CommandLine) -> Result<Options> {
        let mut options = self.options.clone();
        if let Some(report) = &self.doctor_report {
            options.remedy = Remedy::of(report, &Settings::of(line).crate_name_or_derived())?;
        }
        Ok(options)
    }

    /// rustc's arguments as they came.
    pub fn arguments(&self) -> &[OsString] {
        self.rustc.get(1..).unwrap_or_default()
    }

    /// rustc's arguments, response files expanded.
    pub fn command_line(&self) -> Result<CommandLine> {
        command_line(&self.rustc)
    }

    /// Who listens to the decisions.
    pub fn explain(&self) -> Explain {
        if self.explain { Explain::Stderr } else { Explain::Silent }
    }
}

/// `hollow doctor`, with everything that was said about it.
#[derive(Debug)]
pub struct DoctorRequest {
    /// How.
    pub request: doctor::Request,
    rustc: Vec<OsString>,
}

impl DoctorRequest {
    /// The path of the rustc to run.
    pub fn rustc(&self) -> Result<PathBuf> {
        rustc(&self.rustc)
    }

    /// rustc's arguments, response files expanded.
    pub fn command_line(&self) -> Result<CommandLine> {
        command_line(&self.rustc)
    }
}

/// `hollow interface`, with everything that was said about it.
#[derive(Debug)]
pub struct InterfaceRequest {
    /// How.
    pub request: interface::command::Request,
    rustc: Vec<OsString>,
}

impl InterfaceRequest {
    /// rustc's arguments, response files expanded.
    pub fn command_line(&self) -> Result<CommandLine> {
        command_line(&self.rustc)
    }
}

fn rustc(rustc: &[OsString]) -> Result<PathBuf> {
    let name = rustc.first().context("there is no rustc command line: give the one of an ordinary compilation after `--`")?;
    which::which(name).map_err(|_| {
        let name = Path::new(name);
        let path = name.display();
        match name.metadata() {
            _ if !name.as_os_str().as_bytes().contains(&b'/') => {
                anyhow!("cannot find rustc as `{path}`: there is no such program in PATH")
            }
            Ok(_) => anyhow!("cannot run `{path}` as rustc: it is not an executable file"),
            Err(error) => anyhow!("cannot find rustc as `{path}`: {error}"),
        }
    })
}

fn command_line(rustc: &[OsString]) -> Result<CommandLine> {
    let arguments = rustc.iter().skip(1).cloned();
    Ok(CommandLine::parse(response_file::expand(arguments, &mut |path| std::fs::read(path))?))
}

/// Reads the arguments of this process, or prints help or what is wrong with them and ends it.
///
/// What follows the first `--` is rustc's and never seen by clap: there may be hundreds of thousands of arguments, of any bytes.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Command {
    let mut own: Vec<OsString> = arguments.into_iter().collect();
    if let Some(drop_in) = drop_in(&mut own) {
        return drop_in;
    }
    if own.get(1).is_some_and(|first| is_rustc(first)) {
        let arguments = own.split_off(2);
        return Command::Wrap { rustc: own.swap_remove(1), arguments };
    }
    if let Some(arguments) = one_action(&own) {
        return Command::WorkOnce(arguments);
    }
    let rustc = split_off_rustc(&mut own);
    let hint = hint(&own, takes_rustc(&own) && rustc.is_empty());
    command(Cli::try_parse_from(own).unwrap_or_else(|error| stop(&error, hint.as_deref())).command, rustc)
}

/// The action that these arguments (without a program's name) ask for, for somebody who runs it in this process. `None` if it is another command, or
/// one that a `hollow` of its own would complain about.
pub fn parse_action(arguments: Vec<OsString>) -> Option<worker::Asked> {
    let mut own = vec!["hollow".into()];
    own.extend(arguments);
    let rustc = split_off_rustc(&mut own);
    let Command::Action(request) = command(Cli::try_parse_from(own).ok()?.command, rustc) else { return None };
    if request.print.is_some() || request.explain {
        return None;
    }
    let (program, line) = (request.rustc().ok()?, request.command_line().ok()?);
    Some(worker::Asked { action: request.action, options: request.options, program, line })
}

fn takes_rustc(own: &[OsString]) -> bool {
    own.get(1).is_none_or(|command| command != "inspect" && command != "seal")
}

/// What follows the first `--`, where that is rustc's.
fn split_off_rustc(own: &mut Vec<OsString>) -> Vec<OsString> {
    match own.iter().position(|argument| argument == "--").filter(|_| takes_rustc(own)) {
        Some(end) => {
            let rustc = own.split_off(end + 1);
            own.truncate(end);
            rustc
        }
        None => Vec::new(),
    }
}

fn command(command: Commands, rustc: Vec<OsString>) -> Command {
    match command {
        Commands::Metadata(MetadataOptions { common, interface, expression_macros }) => {
            let mut request = common.into_request(Action::Metadata, rustc);
            let expression_macros = expression_macros.into_iter().collect();
            request.options.interface =
                interface.map(|lines| action::InterfaceOptions { lines: lines.into(), expression_macros });
            Command::Action(request)
        }
        Commands::Compile(CompileOptions { common, plan_format }) => {
            let mut request = common.into_request(Action::Compile, rustc);
            request.options.plan_format = plan_format.into();
            Command::Action(request)
        }
        Commands::Link(LinkOptions { common, plan, deps, verify_against, seal_with }) => {
            let mut request = common.into_request(Action::Link, rustc);
            request.options = Options { link_plan: plan, deps: deps.into(), verify_against, seal_with, ..request.options };
            Command::Action(request)
        }
        Commands::ProcessWrapper { arguments } => Command::ProcessWrapper(arguments),
        Commands::RustcAction { arguments } => Command::RustcAction(arguments),
        Commands::Worker { protocol, jobs, persistent_worker: _ } => Command::Worker(worker::Options {
            protocol: protocol.map(ProtocolChoice::into),
            ask: parse_action,
            jobs: jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get),
        }),
        Commands::Interface(options) => Command::Interface(InterfaceRequest { request: options.into(), rustc }),
        Commands::Doctor { runs, format } => {
            Command::Doctor(DoctorRequest { request: doctor::Request { runs, format: format.into() }, rustc })
        }
        Commands::Seal { full, with, output } => Command::Seal { output: output.unwrap_or_else(|| full.clone()), full, with },
        Commands::Inspect { rlibs, format } => Command::Inspect { rlibs, format: format.into() },
    }
}

/// What to say to two mistakes that are easily made, if the arguments are no good.
fn hint(own: &[OsString], lacks_rustc: bool) -> Option<String> {
    let mut pairs = own.iter().zip(own.iter().skip(1));
    if let Some((_, lines)) = pairs.find(|(option, lines)| *option == "--interface" && (*lines == "keep" || *lines == "drop")) {
        return Some(format!("the value follows an `=`: write --interface={}", lines.display()));
    }
    let command = own.get(1)?.to_str().filter(|command| lacks_rustc && own.len() > 2 && TAKE_RUSTC.contains(command))?;
    Some(format!("rustc and its arguments go after `--`: hollow {command} [OPTIONS] -- rustc ARGS..."))
}

/// The commands that are followed by a rustc command line.
const TAKE_RUSTC: [&str; 3] = ["metadata", "link", "interface"];

/// Prints help or what is wrong with the arguments, and ends this process.
fn stop(error: &clap::Error, hint: Option<&str>) -> ! {
    // A reader that has gone away is no reason for another status.
    let _ = error.print();
    if let Some(hint) = hint.filter(|_| error.use_stderr()) {
        let _ = writeln!(std::io::stderr(), "\nhint: {hint}");
    }
    std::process::exit(error.exit_code())
}

/// Reads the arguments of `cargo hollow`, which Cargo starts as `cargo-hollow hollow ARGS...`. Ends the process for `--help` and bad usage.
pub fn parse_cargo(arguments: impl IntoIterator<Item = OsString>) -> CargoCommand {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.get(1).is_some_and(|first| first == "hollow") {
        arguments.remove(1);
    }
    let CargoCli { lines, explain, command } = CargoCli::parse_from(arguments);
    match command {
        CargoCommands::Why { package, workspace } => CargoCommand::Why { workspace: workspace.into(), package },
        CargoCommands::Clean { workspace } => CargoCommand::Clean { workspace: workspace.into() },
        CargoCommands::Cargo(arguments) => {
            CargoCommand::Run { options: cargo::Options { lines: lines.map(LinesChoice::into), explain }, arguments }
        }
    }
}

/// The drop-in that the program's file name or the first argument names.
fn drop_in(own: &mut Vec<OsString>) -> Option<Command> {
    let (make, arguments): (fn(Vec<OsString>) -> Command, usize) =
        match (Path::new(own.first()?).file_stem()?.to_str(), own.get(1).and_then(|first| first.to_str())) {
            (Some("process_wrapper"), _) => (Command::ProcessWrapper, 1),
            (Some("rustc_action"), _) => (Command::RustcAction, 1),
            (_, Some("process-wrapper")) => (Command::ProcessWrapper, 2),
            (_, Some("rustc-action")) => (Command::RustcAction, 2),
            _ => return None,
        };
    Some(make(own.split_off(arguments)))
}

/// The arguments of the action that `hollow worker` is to run, if it is to run one: Bazel ends a worker's command line with `--persistent_worker`.
fn one_action(own: &[OsString]) -> Option<Vec<OsString>> {
    let mut rest = own.get(2..).filter(|_| own[1] == "worker")?;
    if rest.iter().any(|argument| argument == "--persistent_worker") {
        return None;
    }
    while let [option, following @ ..] = rest
        && let Some(option) = option.to_str().filter(|option| option.starts_with("--jobs") || option.starts_with("--protocol"))
    {
        rest = if option.contains('=') { following } else { following.get(1..)? };
    }
    rest.first().filter(|first| *first != "--help" && *first != "-h")?;
    Some(rest.to_vec())
}

/// Whether the first argument is the rustc of Cargo's wrapper protocol: a name that ends in `rustc`, or `clippy-driver`, or the path of any
/// program, since `RUSTC` may have any name, and wrappers may follow each other.
fn is_rustc(first: &OsStr) -> bool {
    let bytes = first.as_bytes();
    bytes.ends_with(b"rustc") || bytes == b"clippy-driver" || bytes.contains(&b'/') && which::which(first).is_ok()
}

/// Pipelined Rust builds: one library compile becomes two actions.
///
/// The metadata action makes a hollow rlib (metadata and MIR, no object code), from which dependents start. The link action makes
/// the full rlib, or links a program. Both take the ordinary rustc command line and do the rewriting themselves.
#[derive(Parser)]
#[command(name = "hollow", bin_name = "hollow", version, max_term_width = 80, after_help = EXAMPLE)]
struct Cli {
    #[command(subcommand)]
    command: Commands,
}

const EXAMPLE: &str = "\
Example: a library `a` and a program that uses it
  hollow metadata -- rustc --crate-type=lib --out-dir=out a.rs
  hollow link     -- rustc --crate-type=lib --out-dir=out a.rs
  hollow link     -- rustc --extern=a=out/liba.rlib --out-dir=out main.rs

Exit status: rustc's own; 128 and the signal's number if rustc was killed;
1 if --verify-against failed; 2 if hollow itself stopped the action.";

const METADATA_EXAMPLE: &str = "\
Example: makes out/_hollow/liba_meta.rlib
  hollow metadata -- rustc --crate-type=lib --out-dir=out a.rs";

const COMPILE_EXAMPLE: &str = "\
Example: makes out/_hollow/main.plan, and out/main from that
  main=\"rustc --extern=a=out/liba.rlib --out-dir=out main.rs\"
  hollow compile -- $main
  hollow link --plan out/_hollow/main.plan -- $main";

const LINK_EXAMPLE: &str = "\
Examples: make out/liba.rlib, then a program from it
  hollow link -- rustc --crate-type=lib --out-dir=out a.rs
  hollow link -- rustc --extern=a=out/liba.rlib --out-dir=out main.rs";

const SEAL_EXAMPLE: &str = "\
Example: whatever the two actions saw, these two agree now
  hollow seal out/liba.rlib --with out/_hollow/liba_meta.rlib

Both must come from one rustc, with the same --target, crate name and -Cmetadata;
that is checked. RUSTC_BOOTSTRAP, -Copt-level, -Cpanic, -Ctarget-cpu, sanitizers
and -Csymbol-mangling-version must be the same, too, and the metadata doesn't tell.";
const INTERFACE_EXAMPLE: &str = "\
Example: which bodies stay, and why?
  hollow interface --explain -- rustc --crate-type=lib src/lib.rs";

const WORKER_EXAMPLE: &str = "\
Example: what Bazel runs without and with a worker
  hollow worker @liba.params
  hollow worker --persistent_worker";

const DOCTOR_EXAMPLE: &str = "\
Example: which macros differ?
  hollow doctor -- rustc --crate-type=lib src/lib.rs

Exit status: 1 if a macro was found; 2 if the crate can't be expanded.";

const INSPECT_EXAMPLE: &str = "\
Example: do these two agree?
  hollow inspect out/liba.rlib out/_hollow/liba_meta.rlib

Exit status: 1 if a file is not an rlib, or if two rlibs or plans disagree; 2 if
a file can't be read.";

#[derive(Subcommand)]
enum Commands {
    /// Makes the hollow rlib of a library: metadata and MIR, no object code
    ///
    /// Takes the rustc command line that would make the full library. Dependencies are replaced by their hollow twins
    /// (`D/libx.rlib` by `D/_hollow/libx_meta.rlib`) where those exist, and `-Ldependency=D` by `D/_hollow`.
    #[command(override_usage = "hollow metadata [OPTIONS] -- RUSTC ARGS...", after_help = METADATA_EXAMPLE)]
    Metadata(MetadataOptions),
    /// Compiles a program, test or shared library without linking it, and makes its link plan
    ///
    /// Takes the rustc command line that would make the program. It is compiled against the hollow rlibs of its dependencies, so no full
    /// rlib need be there, and hollow stands in for its linker. `hollow link --plan` then runs the linker alone, with the full rlibs.
    ///
    /// What can't be split (LTO, a staticlib, packed debug information, some targets) gets an unsplit plan, with which the link action runs
    /// rustc; --explain says why.
    #[command(override_usage = "hollow compile [OPTIONS] -- RUSTC ARGS...", after_help = COMPILE_EXAMPLE)]
    Compile(CompileOptions),
    /// Makes the full rlib of a library, or links a program or shared library
    ///
    /// Takes the same rustc command line as the metadata action. An rlib is compiled against hollow rlibs; what is linked needs full
    /// ones, and a hollow rlib in its reach is refused.
    #[command(override_usage = "hollow link [OPTIONS] -- RUSTC ARGS...", after_help = LINK_EXAMPLE)]
    Link(LinkOptions),
    /// Gives a full rlib the metadata of its hollow twin, so that the two always agree
    ///
    /// Replaces the member `lib.rmeta` and keeps everything else. The result is a new file, renamed into place when it is complete;
    /// nothing is written if the two agree already.
    #[command(after_help = SEAL_EXAMPLE)]
    Seal {
        /// The full rlib
        full: PathBuf,
        /// The hollow rlib of the same crate
        #[arg(long, value_name = "HOLLOW")]
        with: PathBuf,
        /// Where the sealed rlib goes, in place of FULL itself
        #[arg(long, value_name = "PATH")]
        output: Option<PathBuf>,
    },
    /// Serves requests of Bazel's as its persistent worker, or runs one action as such a request would
    ///
    /// A request is the argument list of an action: `metadata ... -- rustc ...`, `link ...` and so on, with `--env NAME=VALUE` before it for
    /// variables of its own. Without `--persistent_worker`, which Bazel adds, the action is run at once.
    #[command(override_usage = "hollow worker [OPTIONS] --persistent_worker\n       hollow worker [--env NAME=VALUE]... ACTION ARGS...\n       hollow worker @FLAGFILE", after_help = WORKER_EXAMPLE)]
    Worker {
        /// How requests are written; without it, the first one tells
        #[arg(long, value_enum, value_name = "PROTOCOL")]
        protocol: Option<ProtocolChoice>,
        /// How many actions run at a time; without it, as many as there are processors
        #[arg(long, value_name = "NUMBER")]
        jobs: Option<NonZero<usize>>,
        /// Serve requests
        #[arg(long = "persistent_worker", required = true)]
        persistent_worker: bool,
    },
    /// Prints or writes the interface source of a library
    ///
    /// It is the source with every function body that no dependent can observe replaced by `loop {}`. A hollow rlib made from it
    /// does not change when only such bodies change.
    #[command(override_usage = "hollow interface [OPTIONS] -- RUSTC ARGS...", after_help = INTERFACE_EXAMPLE)]
    Interface(InterfaceOptions),
    /// Finds macros that expand differently each time
    ///
    /// Expands the crate several times, in processes of their own, and tells what its macros could use that differs. Give the report in JSON to
    /// --doctor-report of the two actions.
    #[command(override_usage = "hollow doctor [OPTIONS] -- RUSTC ARGS...", after_help = DOCTOR_EXAMPLE)]
    Doctor {
        /// How often to expand the crate; the order of few elements is often the same
        #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..))]
        runs: u16,
        /// How to report; JSON is one line for each crate
        #[arg(long, value_enum, default_value_t = InspectFormat::Text)]
        format: InspectFormat,
    },
    /// Tells what an rlib is (hollow or full, its crate, SVH, rustc and members) or a link plan
    ///
    /// Of a link plan it tells the linker, its arguments, the plan's files and the rlibs that it will link; of two plans whether they link the
    /// same.
    ///
    /// Of two rlibs it also says whether their metadata agrees, and of a full and a hollow one whether they are a sealed pair.
    #[command(after_help = INSPECT_EXAMPLE)]
    Inspect {
        /// The rlibs, or the link plans, to look at
        #[arg(required = true, value_name = "FILE")]
        rlibs: Vec<PathBuf>,
        /// How to report
        #[arg(long, value_enum, default_value_t = InspectFormat::Text)]
        format: InspectFormat,
    },
    /// Runs a program as rules_rust's process_wrapper does; `hollow process-wrapper --help` tells its flags
    ///
    /// A hollow whose file is called `process_wrapper` needs no first argument.
    ProcessWrapper {
        /// What process_wrapper takes
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Runs a compiler as Buck2's rustc_action.py does; `hollow rustc-action --help` tells its options
    ///
    /// A hollow whose file is called `rustc_action` needs no first argument.
    RustcAction {
        /// What rustc_action.py takes
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Cargo, but what an edit does not change for dependents is not compiled again.
///
/// Runs Cargo with hollow as the wrapper of rustc for workspace members. Libraries hand on metadata that are made from their interface, so that
/// after an edit of a body, a comment or a private function no dependent is compiled again. All of Cargo's subcommands and flags work as ever.
#[derive(Parser)]
#[command(name = "cargo-hollow", bin_name = "cargo hollow", version, max_term_width = 80, after_help = CARGO_EXAMPLE)]
#[command(
    override_usage = "cargo hollow [--lines LINES] [--explain] SUBCOMMAND ARGS...\n       cargo hollow why [PACKAGE]\n       cargo hollow clean"
)]
#[command(disable_help_subcommand = true)]
struct CargoCli {
    /// What becomes of lines in the interface
    #[arg(long, value_enum, value_name = "LINES")]
    lines: Option<LinesChoice>,
    /// Say on standard error what was decided on each unit
    #[arg(long)]
    explain: bool,
    #[command(subcommand)]
    command: CargoCommands,
}

const CARGO_EXAMPLE: &str = "\
Without --lines, HOLLOW_INTERFACE decides: drop (the default), keep or off.

Examples:
  cargo hollow check --workspace
  cargo hollow build
  cargo hollow why";

#[derive(Subcommand)]
enum CargoCommands {
    /// Tells what became of each unit that Cargo started in the last run, and why
    Why {
        /// Only units of this package
        package: Option<String>,
        #[command(flatten)]
        workspace: WorkspaceOptions,
    },
    /// Removes what hollow knows of earlier runs, and nothing else
    Clean {
        #[command(flatten)]
        workspace: WorkspaceOptions,
    },
    /// A subcommand of Cargo's, with its arguments
    #[command(external_subcommand)]
    Cargo(Vec<OsString>),
}

#[derive(Args)]
struct WorkspaceOptions {
    /// The workspace's Cargo.toml
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// The target directory
    #[arg(long, value_name = "DIRECTORY")]
    target_dir: Option<PathBuf>,
}

impl From<WorkspaceOptions> for cargo::Workspace {
    fn from(options: WorkspaceOptions) -> Self {
        let WorkspaceOptions { manifest_path, target_dir } = options;
        Self { manifest_path, target_dir }
    }
}

#[derive(Args)]
struct CommonOptions {
    /// Where the output goes, in place of the name derived from the rustc command line
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Call the working directory PREFIX in the outputs, so that they do not depend on it
    #[arg(long, value_name = "PREFIX")]
    remap_cwd: Option<OsString>,
    /// Add `-Zallow-features=`, so that RUSTC_BOOTSTRAP=1 opens no nightly feature to stable code
    #[arg(long)]
    deny_unstable_features: bool,
    /// Take the emit kinds with which one rustc serves both actions, as `hollow worker` has it; has to be given to both
    ///
    /// Warnings are those of the link action. What is linked is not concerned.
    #[arg(long, conflicts_with = "print")]
    one_rustc: bool,
    /// Write rustc's diagnostics to FILE as JSON, one object a line, and show them as ever; also if rustc fails
    #[arg(long, value_name = "FILE")]
    diagnostics: Option<PathBuf>,
    /// Print the rewritten command and run nothing
    #[arg(long, value_enum, value_name = "FORMAT")]
    print: Option<PrintFormat>,
    /// Let each process see other seeds of `HashMap`s in macros, as rustc by itself does
    #[arg(long)]
    random_seeds: bool,
    /// What `hollow doctor --format json` found, one crate a line: a crate with macros that expand differently each time is compiled so that they do not, or
    /// else made plain and verified, not sealed
    #[arg(long, value_name = "FILE")]
    doctor_report: Option<PathBuf>,
    /// Say on standard error what was decided, and why
    #[arg(long)]
    explain: bool,
}

#[derive(Args)]
struct MetadataOptions {
    #[command(flatten)]
    common: CommonOptions,
    /// Make the hollow rlib from the interface source, so that it does not change when only bodies change; the full rlib has to be sealed with it
    ///
    /// Where that can't be right (an opt-level above 0, instrumentation), and where the interface source does not compile, the plain hollow
    /// rlib is made; --explain says why.
    #[arg(long, value_enum, value_name = "LINES", num_args = 0..=1, require_equals = true, default_missing_value = "keep", conflicts_with = "one_rustc")]
    interface: Option<LinesChoice>,
    /// Macros that expand to expressions, besides the standard library's, so that bodies with them can go
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "interface")]
    expression_macros: Vec<String>,
}

#[derive(Args)]
struct CompileOptions {
    #[command(flatten)]
    common: CommonOptions,
    /// What a link plan is on disk
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = PlanFormat::File)]
    plan_format: PlanFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum PlanFormat {
    /// One file, to be handed from action to action
    File,
    /// A directory, from which the linker reads without unpacking
    Directory,
}

impl From<PlanFormat> for link::Format {
    fn from(format: PlanFormat) -> Self {
        match format {
            PlanFormat::File => Self::File,
            PlanFormat::Directory => Self::Directory,
        }
    }
}

#[derive(Args)]
struct LinkOptions {
    #[command(flatten)]
    common: CommonOptions,
    /// Only run the linker, as this link plan of `hollow compile` says
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["verify_against", "seal_with"])]
    plan: Option<PathBuf>,
    /// What the rlib of a library is compiled against
    #[arg(long, value_enum, default_value_t = DepsChoice::Hollow)]
    deps: DepsChoice,
    /// Fail if the metadata of the full rlib differs from that of this hollow rlib
    #[arg(long, value_name = "HOLLOW")]
    verify_against: Option<PathBuf>,
    /// Give the full rlib the metadata of this hollow rlib, so that the two always agree; not together with --verify-against
    ///
    /// Needed where rustc does not see the same source in both actions, or a macro expands differently each time. If the two can't be
    /// sealed, the action fails and leaves no new full rlib.
    #[arg(long, value_name = "HOLLOW")]
    seal_with: Option<PathBuf>,
}

#[derive(Args)]
struct InterfaceOptions {
    /// What becomes of lines
    #[arg(long, value_enum, default_value_t = LinesChoice::Keep)]
    lines: LinesChoice,
    /// Macros that expand to expressions, so that bodies with them can go
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    expression_macros: Vec<String>,
    /// Write the files that differ to this directory, among links to the others
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Say on standard error which functions stay, and why
    #[arg(long)]
    explain: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum LinesChoice {
    /// Kept code stays on its lines
    Keep,
    /// Canonical: comments, formatting and private helpers do not show
    Drop,
}

impl From<LinesChoice> for interface::Lines {
    fn from(choice: LinesChoice) -> Self {
        match choice {
            LinesChoice::Keep => Self::Keep,
            LinesChoice::Drop => Self::Drop,
        }
    }
}

impl From<InterfaceOptions> for interface::command::Request {
    fn from(options: InterfaceOptions) -> Self {
        let InterfaceOptions { lines, expression_macros, output, explain } = options;
        Self { lines: lines.into(), expression_macros: expression_macros.into_iter().collect(), output, explain }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum DepsChoice {
    /// The hollow twins of its dependencies
    Hollow,
    /// The dependencies as they were given
    Full,
}

#[derive(Clone, Copy, ValueEnum)]
enum PrintFormat {
    /// A line for a POSIX shell
    Shell,
    /// argv, env and output as JSON
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
enum ProtocolChoice {
    /// Objects of JSON
    Json,
    /// Messages of protobuf, each after its length
    Proto,
}

impl From<ProtocolChoice> for worker::Protocol {
    fn from(choice: ProtocolChoice) -> Self {
        match choice {
            ProtocolChoice::Json => Self::Json,
            ProtocolChoice::Proto => Self::Proto,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum InspectFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

impl CommonOptions {
    fn into_request(self, action: Action, rustc: Vec<OsString>) -> ActionRequest {
        let Self {
            output,
            remap_cwd,
            deny_unstable_features,
            one_rustc,
            diagnostics,
            print,
            random_seeds,
            doctor_report,
            explain,
        } = self;
        let seeds = if random_seeds { Seeds::Random } else { Seeds::Fixed };
        let options = Options { output, deny_unstable_features, remap_cwd, diagnostics, one_rustc, seeds, ..Options::default() };
        ActionRequest { action, options, print: print.map(print::Format::from), explain, doctor_report, rustc }
    }
}

impl From<DepsChoice> for Deps {
    fn from(choice: DepsChoice) -> Self {
        match choice {
            DepsChoice::Hollow => Self::Hollow,
            DepsChoice::Full => Self::Full,
        }
    }
}

impl From<PrintFormat> for print::Format {
    fn from(format: PrintFormat) -> Self {
        match format {
            PrintFormat::Shell => Self::Shell,
            PrintFormat::Json => Self::Json,
        }
    }
}

impl From<InspectFormat> for inspect::Format {
    fn from(format: InspectFormat) -> Self {
        match format {
            InspectFormat::Text => Self::Text,
            InspectFormat::Json => Self::Json,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_option_of_an_action_can_be_given_to_the_drop_ins() {
        let cli = Cli::command();
        for action in ["metadata", "compile", "link"] {
            let options = cli.find_subcommand(action).unwrap().get_arguments().filter_map(|argument| argument.get_long());
            for option in options.filter(|option| *option != "help") {
                assert!(crate::compat::hollow::Hollow::knows(&format!("--{option}")), "--{option} of {action}");
            }
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
        CargoCli::command().debug_assert();
    }
}
