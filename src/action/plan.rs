//! From an ordinary rustc command line to the action's own: DESIGN's table as code.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::names::{HOLLOW_DIRECTORY, file_name, hollow_directory, hollow_twin, in_hollow_directory, link_plan};
use super::{Action, After, Deps, Explain, Options, Plan, Refusal, Remedy, Split, World, interface, outputs, reach};
use crate::link;
use crate::process::Seeds;
use crate::rustc::{
    Codegen, CommandLine, CrateType, Edit, EmitKind, Extern, Name, Opt, SearchKind, SearchPath, Settings, bootstrap, output,
    unstable,
};

/// Thinks an action through: what rustc is to be told, what comes out and what follows. Refuses what would give a wrong or useless
/// result.
pub fn plan(
    action: Action,
    line: CommandLine,
    options: &Options,
    world: &dyn World,
    explain: &mut Explain,
) -> Result<Plan, Refusal> {
    let settings = Settings::of(&line);
    let crate_name = settings.crate_name_or_derived().into_owned();
    let unit =
        Unit { action, crate_name: &crate_name, product: Product::of(&settings, &crate_name, action)?, settings: &settings };
    explain.note(format_args!("{action} of {}", unit.describe()));

    unit.check_emits()?;
    unit.check_unstable_options(&line)?;
    unit.check_error_format(&line, options)?;
    let env = unit.environment(world, explain)?;
    let (output, dep_info) = unit.outputs(options, explain)?;
    let split = unit.split(&line, options, &output, explain)?;
    if unit.product.is_linked() && split == Split::Whole {
        reach::check(&line, &unit.describe(), world)?;
    }
    let fingerprint = match split {
        Split::Whole => String::new(),
        _ => link::fingerprint(&line, &world.working_directory()),
    };
    let remedy = remedy(options, explain);
    let after = unit.follow_ups(options, remedy, &output, explain)?;

    let mut line = unit.emit(line, &output, dep_info.as_deref());
    if action != Action::Link || !unit.product.is_linked() {
        line = match options.deps {
            Deps::Full if action == Action::Link => unit.compile_against_full(line, world, explain),
            _ => unit.compile_against_hollow(line, world, explain),
        };
    }
    if action == Action::Metadata {
        if !options.one_rustc {
            line = separate_incremental(line, explain);
        }
        line.push(Opt::new(Name::Unstable, "no-codegen"));
    }
    if options.deny_unstable_features && unstable(&line, "allow-features").is_none() {
        explain.note(format_args!("-Zallow-features= added: RUSTC_BOOTSTRAP opens no nightly feature to this crate"));
        line.push(Opt::new(Name::Unstable, "allow-features="));
    }
    if let Some(prefix) = &options.remap_cwd {
        remap_working_directory(&mut line, prefix, world)?;
    }
    if options.diagnostics.is_some() {
        line.push(Opt::new(Name::ErrorFormat, "json"));
    }
    if remedy == Some(Remedy::CrossThread) {
        line.push(Remedy::cross_thread());
    }
    let obstacle = match remedy {
        Some(Remedy::Plain) => Some("a macro of it expands differently each time".into()),
        _ => interface::obstacle(&line, &settings),
    };
    let interface = match (&options.interface, obstacle) {
        (Some(_), Some(obstacle)) => {
            explain.note(format_args!("plain hollow rlib, not by interface: {obstacle}"));
            None
        }
        (interface, _) => interface.clone(),
    };
    let links = unit.product.is_linked();
    let one_rustc = options.one_rustc && !links;
    if one_rustc {
        unit.check_one_rustc(&line, dep_info.as_deref())?;
    }
    let diagnostics = options.diagnostics.clone();
    Ok(Plan {
        action,
        line,
        env,
        output,
        dep_info,
        diagnostics,
        interface,
        one_rustc,
        seeds: options.seeds,
        needs_fixed_seeds: remedy == Some(Remedy::CrossThread),
        links,
        after,
        crate_name,
        split,
        fingerprint,
    })
}

/// What is done about macros that expand differently each time. A thread for each call is no help with other seeds each time.
fn remedy(options: &Options, explain: &mut Explain) -> Option<Remedy> {
    let remedy = options.remedy?;
    if remedy == Remedy::CrossThread && options.seeds == Seeds::Random {
        return Some(Remedy::Plain);
    }
    if remedy == Remedy::CrossThread {
        explain.note(format_args!("each macro call on a thread of its own, because a macro expands differently each time"));
    }
    Some(remedy)
}

/// One crate in one action.
struct Unit<'a> {
    action: Action,
    crate_name: &'a str,
    product: Product,
    settings: &'a Settings,
}

/// What an action makes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Product {
    Rlib,
    Test,
    Linked(CrateType),
}

impl Product {
    fn of(settings: &Settings, crate_name: &str, action: Action) -> Result<Self, Refusal> {
        if let [_, _, ..] = settings.crate_types[..] {
            let types: Vec<String> = settings.crate_types.iter().map(CrateType::to_string).collect();
            return Err(Refusal::new(format!(
                "crate `{crate_name}` has several crate types ({}): run one action for each",
                types.join(", ")
            )));
        }
        let product = match settings.crate_types.first() {
            _ if settings.test => Self::Test,
            Some(CrateType::Rlib) => Self::Rlib,
            Some(crate_type) => Self::Linked(crate_type.clone()),
            None => Self::Linked(CrateType::Bin),
        };
        if action == Action::Compile && product == Self::Rlib {
            return Err(Refusal::new(format!(
                "crate `{crate_name}` is an rlib, and only what is linked has a link plan: use `hollow metadata` and `hollow link`"
            )));
        }
        if action == Action::Metadata && product != Self::Rlib {
            let remedy = match settings.crate_types[..] {
                [] if !settings.test => "pass `--crate-type=lib` if it is a library, otherwise use `hollow link` alone",
                _ => "use `hollow link` alone",
            };
            return Err(Refusal::new(format!(
                "crate `{crate_name}` is {}, and only a `lib` or `rlib` has a hollow twin: {remedy}",
                product.article()
            )));
        }
        Ok(product)
    }

    fn is_linked(&self) -> bool {
        *self != Self::Rlib
    }

    fn crate_type(&self) -> CrateType {
        match self {
            Self::Rlib => CrateType::Rlib,
            Self::Test => CrateType::Bin,
            Self::Linked(crate_type) => crate_type.clone(),
        }
    }

    fn article(&self) -> String {
        match self {
            Self::Rlib => "an rlib".into(),
            Self::Test => "a test".into(),
            Self::Linked(CrateType::Bin) => "a program".into(),
            Self::Linked(crate_type) => format!("a {crate_type}"),
        }
    }
}

impl Unit<'_> {
    /// Such as "the rlib `a`".
    fn describe(&self) -> String {
        let kind = self.product.article();
        let kind = kind.split_once(' ').map_or(kind.as_str(), |(_, kind)| kind);
        format!("the {kind} `{}`", self.crate_name)
    }

    fn check_emits(&self) -> Result<(), Refusal> {
        for emit in &self.settings.emits {
            if let EmitKind::Other(kind) = &emit.kind {
                return Err(Refusal::new(format!(
                    "`--emit={kind}` of crate `{}` would change its SVH in one pass only: ask rustc itself for {kind}, \
                     outside the two actions",
                    self.crate_name
                )));
            }
        }
        Ok(())
    }

    fn check_unstable_options(&self, line: &CommandLine) -> Result<(), Refusal> {
        let crate_name = self.crate_name;
        if self.product == Product::Rlib && unstable(line, "embed-metadata").is_some_and(is_no) {
            return Err(Refusal::new(format!(
                "`-Zembed-metadata=no` leaves no metadata in the rlib of crate `{crate_name}`, and that is what dependents need: remove it"
            )));
        }
        if self.action != Action::Metadata && unstable(line, "no-codegen").is_some_and(|value| !is_no(value)) {
            return Err(Refusal::new(format!(
                "`-Zno-codegen` would leave crate `{crate_name}` without object code: remove it, `hollow metadata` adds it by itself"
            )));
        }
        Ok(())
    }

    /// rustc takes one error format, and with `--diagnostics` that is JSON.
    fn check_error_format(&self, line: &CommandLine, options: &Options) -> Result<(), Refusal> {
        match line.values(Name::ErrorFormat).next() {
            Some(format) if options.diagnostics.is_some() => Err(Refusal::new(format!(
                "--diagnostics has rustc report in JSON, and the command line of crate `{}` says `--error-format={}`: remove one of them",
                self.crate_name,
                format.display()
            ))),
            _ => Ok(()),
        }
    }

    /// rustc writes somewhere else first, and only what an action declares is moved from there.
    fn check_one_rustc(&self, line: &CommandLine, dep_info: Option<&Path>) -> Result<(), Refusal> {
        if dep_info == Some(Path::new("-")) {
            return Err(Refusal::new(format!(
                "--one-rustc can't send the dep-info of crate `{}` to standard output: give it a file, `--emit=dep-info=PATH`",
                self.crate_name
            )));
        }
        let keeps = line.options().find(|option| option.name() == Name::Codegen && outputs::is_kept_beside(option));
        keeps.map_or(Ok(()), |option| {
            Err(Refusal::new(format!(
                "--one-rustc would lose what `{}` has rustc write beside the rlib of crate `{}`: remove one of them",
                option.display(),
                self.crate_name
            )))
        })
    }

    /// `RUSTC_BOOTSTRAP` enters the SVH and the symbol names, so it is on for every action, or the two passes of a crate would differ.
    fn environment(&self, world: &dyn World, explain: &mut Explain) -> Result<Vec<(OsString, OsString)>, Refusal> {
        let set = (bootstrap::VARIABLE.into(), "1".into());
        match world.variable(bootstrap::VARIABLE) {
            None => {
                explain.note(format_args!("RUSTC_BOOTSTRAP=1 set, as on every action"));
                Ok(vec![set])
            }
            Some(value) if bootstrap::is_on(&value, self.settings.crate_name.as_deref()) => {
                Ok(vec![(bootstrap::VARIABLE.into(), value)])
            }
            Some(value) if bootstrap::is_on(&value, Some(self.crate_name)) => Err(Refusal::new(format!(
                "RUSTC_BOOTSTRAP is `{}`, where rustc looks for the name in --crate-name, and there is none: pass --crate-name={}, or set \
                 it to 1 on all actions",
                value.to_string_lossy(),
                self.crate_name
            ))),
            Some(value) => Err(Refusal::new(format!(
                "RUSTC_BOOTSTRAP is `{}`, which keeps unstable options from crate `{}`: unset it, or set it to 1 on all actions",
                value.to_string_lossy(),
                self.crate_name
            ))),
        }
    }

    /// Where the output and the dep-info go.
    fn outputs(&self, options: &Options, explain: &mut Explain) -> Result<(PathBuf, Option<PathBuf>), Refusal> {
        let full = output::link(self.settings, self.crate_name, &self.product.crate_type());
        let dep_info = output::dep_info(self.settings, self.crate_name);
        let derived = match self.action {
            Action::Link | Action::Compile => full,
            Action::Metadata => hollow_twin(&full).unwrap_or(full),
        };
        let dep_info = match self.action {
            Action::Link | Action::Compile => dep_info,
            // Both passes ask for dep-info, because the set of emit kinds enters the SVH, and each writes its own file.
            Action::Metadata => {
                dep_info.map(|path| if path == Path::new("-") { path } else { in_hollow_directory(&path).unwrap_or(path) })
            }
        };
        // That of a compile action is its plan.
        let given = options.output.clone().filter(|_| self.action != Action::Compile);
        let output = given.unwrap_or(derived);
        explain.note(format_args!("output {}", output.display()));
        let name = file_name(&output).as_bytes();
        if self.action == Action::Metadata && !(name.starts_with(b"lib") && name.ends_with(b".rlib")) {
            return Err(Refusal::new(format!(
                "rustc would not take `{}` as a dependency: call the hollow rlib `lib*.rlib` (see --output)",
                output.display()
            )));
        }
        for path in [Some(&output), dep_info.as_ref()].into_iter().flatten() {
            if path.as_os_str().as_bytes().contains(&b',') {
                return Err(Refusal::new(format!(
                    "rustc can't be told to write `{}`, because a comma ends a path in `--emit`: choose another path",
                    path.display()
                )));
            }
        }
        if output == Path::new("-") {
            return Err(Refusal::new(format!("{} can't go to standard output: give it a file", self.describe())));
        }
        Ok((output, dep_info))
    }

    /// The part that a link plan has.
    fn split(&self, line: &CommandLine, options: &Options, output: &Path, explain: &mut Explain) -> Result<Split, Refusal> {
        if self.action == Action::Compile {
            let plan = options.output.clone();
            let plan = plan.unwrap_or_else(|| link_plan(output, self.crate_name, &self.settings.extra_filename));
            let obstacle = link::split::obstacle(line, self.settings, &self.product.crate_type());
            explain.note(format_args!("link plan {}", plan.display()));
            return Ok(Split::Compile { plan, format: options.plan_format, obstacle });
        }
        match &options.link_plan {
            Some(_) if !self.product.is_linked() => Err(Refusal::new(format!(
                "--plan links what `hollow compile` has compiled, and {} is not linked: leave it out",
                self.describe()
            ))),
            Some(plan) => Ok(Split::Link { plan: plan.clone() }),
            None => Ok(Split::Whole),
        }
    }

    fn follow_ups(
        &self,
        options: &Options,
        remedy: Option<Remedy>,
        output: &Path,
        explain: &mut Explain,
    ) -> Result<Vec<After>, Refusal> {
        let mut after = Vec::new();
        if let Some(hollow) = &options.verify_against {
            if self.action == Action::Metadata || self.product.is_linked() {
                return Err(Refusal::new(format!(
                    "--verify-against compares a full rlib with its hollow twin, and {} is none: use it on the link action of a library",
                    self.describe()
                )));
            }
            after.push(After::Verify(hollow.clone()));
        }
        if let Some(hollow) = &options.seal_with {
            if self.action == Action::Metadata || self.product.is_linked() {
                return Err(Refusal::new(format!(
                    "--seal-with gives a full rlib the metadata of its hollow twin, and {} has none: use it on the link action of a library",
                    self.describe()
                )));
            }
            if options.verify_against.is_some() {
                return Err(Refusal::new(
                    "--seal-with makes the metadata agree, so --verify-against could only check what sealing repairs: use one of them",
                ));
            }
            if remedy == Some(Remedy::Plain) {
                explain.note(format_args!("not sealed, but verified: a macro of it expands differently each time"));
                after.push(After::Verify(hollow.clone()));
            } else {
                explain.note(format_args!("sealed with {}", hollow.display()));
                after.push(After::Seal(hollow.clone()));
            }
        }
        if self.action == Action::Link
            && self.product == Product::Linked(CrateType::ProcMacro)
            && let Some(published) = in_hollow_directory(output)
        {
            explain.note(format_args!("proc-macro published as {}", published.display()));
            after.push(After::Publish(published));
        }
        Ok(after)
    }

    /// Says what to emit and where, in the place of the first `--emit`. `metadata` is dropped, because the hollow rlib replaces it; `-o` is
    /// dropped, because the paths are explicit now.
    fn emit(&self, line: CommandLine, output: &Path, dep_info: Option<&Path>) -> CommandLine {
        let mut emits = vec![Opt::new(Name::Emit, path_value("link=", output))];
        emits.extend(dep_info.map(|path| Opt::new(Name::Emit, path_value("dep-info=", path))));
        let mut line = line.rewrite(|option| match option.name() {
            Name::Emit => Edit::Replace(std::mem::take(&mut emits)),
            Name::Output => Edit::Drop,
            _ => Edit::Keep,
        });
        emits.into_iter().for_each(|emit| line.push(emit));
        line
    }

    /// Turns each dependency into its hollow twin, and each search path into the `_hollow` directory in it.
    fn compile_against_hollow(&self, line: CommandLine, world: &dyn World, explain: &mut Explain) -> CommandLine {
        line.rewrite(|option| match option.name() {
            Name::Extern => hollow_extern(option, world, explain),
            Name::LibraryPath => hollow_search_path(option, world, explain),
            _ => Edit::Keep,
        })
    }

    /// Leaves the dependencies as they were given, but for the `.rmeta` files that Cargo names: nobody makes those here.
    fn compile_against_full(&self, line: CommandLine, world: &dyn World, explain: &mut Explain) -> CommandLine {
        line.rewrite(|option| {
            if option.name() != Name::Extern {
                return Edit::Keep;
            }
            let dependency = Extern::parse(option.value());
            let Some(rmeta) = dependency.path.as_deref().filter(|path| path.extension().is_some_and(|e| e == "rmeta")) else {
                return Edit::Keep;
            };
            let rlib = rmeta.with_extension("rlib");
            if !world.is_file(&rlib) {
                return Edit::Keep;
            }
            explain.note(format_args!("{}: {} in place of the .rmeta", dependency.name.display(), rlib.display()));
            Edit::Replace(vec![option.with_value(dependency.with_path(rlib).to_value())])
        })
    }
}

fn hollow_extern(option: &Opt, world: &dyn World, explain: &mut Explain) -> Edit {
    let dependency = Extern::parse(option.value());
    let name = dependency.name.display();
    let Some(path) = &dependency.path else { return Edit::Keep };
    match hollow_twin(path) {
        Some(twin) if world.is_file(&twin) => {
            explain.note(format_args!("{name}: hollow twin {}", twin.display()));
            Edit::Replace(vec![option.with_value(dependency.with_path(twin).to_value())])
        }
        Some(twin) => {
            explain.note(format_args!("{name}: kept {}, there is no {}", path.display(), twin.display()));
            Edit::Keep
        }
        None => {
            explain.note(format_args!("{name}: kept {}", path.display()));
            Edit::Keep
        }
    }
}

fn hollow_search_path(option: &Opt, world: &dyn World, explain: &mut Explain) -> Edit {
    let search = SearchPath::parse(option.value());
    if !search.kind.finds_crates() {
        return Edit::Keep;
    }
    let Some(hollow) = hollow_directory(&search.path) else { return Edit::Keep };
    if !world.is_directory(&hollow) {
        explain.note(format_args!("{}: kept, there is no {HOLLOW_DIRECTORY} in it", option.display()));
        return Edit::Keep;
    }
    explain.note(format_args!("{}: {} instead", option.display(), hollow.display()));
    let mut replaced = vec![option.with_value(search.with_path(hollow).to_value())];
    if search.kind == SearchKind::All {
        // Native libraries are still found where they were.
        replaced.push(option.with_value(SearchPath::new(SearchKind::Native, search.path).to_value()));
    }
    Edit::Replace(replaced)
}

/// The two passes can't share an incremental cache: rustc would find the other pass's dependency graph in it.
pub(super) fn separate_incremental(line: CommandLine, explain: &mut Explain) -> CommandLine {
    line.rewrite(|option| {
        let codegen = Codegen::parse(option.value());
        match codegen.value {
            Some(cache) if option.name() == Name::Codegen && codegen.name == "incremental" => {
                let cache = Path::new(cache).join(HOLLOW_DIRECTORY);
                explain.note(format_args!("incremental cache {}: the link action has its own", cache.display()));
                Edit::Replace(vec![option.with_value(path_value("incremental=", &cache))])
            }
            _ => Edit::Keep,
        }
    })
}

fn remap_working_directory(line: &mut CommandLine, prefix: &OsStr, world: &dyn World) -> Result<(), Refusal> {
    // rustc splits `--remap-path-prefix` at its last `=`.
    if prefix.as_bytes().contains(&b'=') {
        return Err(Refusal::new(format!(
            "--remap-cwd {}: rustc can't map to a prefix with an `=`: choose another",
            prefix.display()
        )));
    }
    for directory in world.working_directory() {
        let mut mapping = directory.into_os_string();
        mapping.push("=");
        mapping.push(prefix);
        line.push(Opt::new(Name::RemapPathPrefix, mapping));
    }
    Ok(())
}

/// `PREFIX` and a path as one value.
pub fn path_value(prefix: &str, path: &Path) -> OsString {
    let mut value = OsString::from(prefix);
    value.push(path);
    value
}

/// How rustc spells a switch that is off.
fn is_no(value: &OsStr) -> bool {
    ["no", "n", "off", "false"].iter().any(|no| value == *no)
}
