//! The command line of `rustc_action.py`: Python's argparse, with argument files.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::compat::arguments::split;
use crate::compat::hollow::Hollow;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// `--help`.
    Help,
    /// To run a compiler, or to echo its command line.
    Run(Box<Request>),
}

/// A compiler to run, and what to do around it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `--diag-json`; `-` is standard output.
    pub diag_json: Option<PathBuf>,
    /// `--diag-txt`, likewise.
    pub diag_txt: Option<PathBuf>,
    /// `--env`, not yet unescaped.
    pub env: Vec<(OsString, OsString)>,
    /// `--path-env`.
    pub path_env: Vec<(OsString, OsString)>,
    /// `--remap-cwd-prefix`.
    pub remap_cwd_prefix: Option<OsString>,
    /// `--crate-map`: names of crates and their targets.
    pub crate_map: Vec<(OsString, OsString)>,
    /// `--buck-target`.
    pub buck_target: Option<OsString>,
    /// `--failure-filter`.
    pub failure_filter: Option<PathBuf>,
    /// `--required-output`: short name, path.
    pub required_outputs: Vec<(OsString, PathBuf)>,
    /// `--echo`.
    pub echo: Option<PathBuf>,
    /// `--hollow` and the options of the actions.
    pub hollow: Hollow,
    /// The compiler and what follows it, the separator included.
    pub command: Vec<OsString>,
}

/// The options, how many values each takes, and what they are for.
const OPTIONS: [(&str, usize, &str); 11] = [
    ("--help", 0, ""),
    ("--diag-json", 1, "FILE: JSON messages, one a line; - is standard output"),
    ("--diag-txt", 1, "FILE: their text, which goes to standard error, too"),
    ("--env", 1, "NAME=VALUE: set a variable; \\n and \\r in VALUE are line ends"),
    ("--path-env", 1, "NAME=PATH: set a variable to an absolute path"),
    ("--remap-cwd-prefix", 1, "PREFIX: call the working directory PREFIX"),
    ("--crate-map", 1, "CRATE=TARGET: for reports on unused dependencies"),
    ("--buck-target", 1, "TARGET: likewise"),
    ("--failure-filter", 1, "FILE: gets the build status; errors with diagnostics become successes"),
    ("--required-output", 2, "SHORT PATH: an output that is made, empty, when a failure becomes a success"),
    ("--echo", 1, "FILE: gets the command line, one argument a line; nothing is run"),
];

/// What separates the compiler from its arguments.
pub const SEPARATOR: &str = "--rustc-action-separator";

/// What `--help` says.
pub fn help() -> String {
    let mut text = String::from(
        "Runs a compiler as Buck2's rustc_action.py does.\n\nUsage: hollow rustc-action [OPTIONS] COMPILER [ARGS...] --rustc-action-separator [ARGS...]\n\n",
    );
    for (option, _, what) in &OPTIONS[1..] {
        text += &format!("  {option} {what}\n");
    }
    text + "  --hollow=metadata|compile|link: the action that the command becomes, with its own options\n\n\
            @FILE stands for the lines of FILE, everywhere; $(cat FILE) for its content and $(abspath PATH) for an absolute path.\n"
}

/// Reads the command line, argument files expanded. `evaluate` is for values with `$(...)` in them. The error says which option is wrong,
/// and why.
pub fn parse(arguments: Vec<OsString>, evaluate: &dyn Fn(OsString) -> Result<OsString, String>) -> Result<Asked, String> {
    let mut request = Request::default();
    let mut arguments = arguments.into_iter().peekable();
    while let Some(token) = arguments.next_if(|token| token.as_bytes().starts_with(b"-") && token != "-" && token != "--") {
        let (name, joined) = split(&token);
        // Here `--remap-cwd` is short for `--remap-cwd-prefix`, which does the same.
        if name != "--remap-cwd" && request.hollow.take(&token)? {
            continue;
        }
        let (name, wanted) = option(name)?;
        let mut values: Vec<OsString> = joined.into_iter().collect();
        if name == "--help" {
            return Ok(Asked::Help);
        }
        if values.len() > wanted || wanted == 2 && !values.is_empty() {
            return Err(format!("argument {name}: expected {wanted} arguments, separately"));
        }
        values.extend(arguments.by_ref().take(wanted - values.len()));
        let [first, rest @ ..] = &values[..] else { return Err(format!("argument {name}: expected one argument")) };
        let pair = |evaluated: OsString| match split(&evaluated) {
            (key, Some(value)) => Ok((key.to_owned(), value)),
            _ => Err(format!("argument {name}: expected the form `key=value` for `{}`", evaluated.display())),
        };
        match (name, rest) {
            ("--diag-json", _) => request.diag_json = Some(first.into()),
            ("--diag-txt", _) => request.diag_txt = Some(first.into()),
            ("--env", _) => request.env.push(pair(evaluate(first.clone())?)?),
            ("--path-env", _) => request.path_env.push(pair(evaluate(first.clone())?)?),
            ("--remap-cwd-prefix", _) => request.remap_cwd_prefix = Some(first.clone()),
            ("--crate-map", _) => request.crate_map.push(pair(evaluate(first.clone())?)?),
            ("--buck-target", _) => request.buck_target = Some(first.clone()),
            ("--failure-filter", _) => request.failure_filter = Some(first.into()),
            ("--echo", _) => request.echo = Some(first.into()),
            (_, [path]) => request.required_outputs.push((first.clone(), path.into())),
            _ => return Err(format!("argument {name}: expected 2 arguments")),
        }
    }
    request.command = arguments.map(evaluate).collect::<Result<_, _>>()?;
    request.hollow = request.hollow.checked()?;
    Ok(Asked::Run(Box::new(request)))
}

/// The option that is meant: by its name, or by a beginning of it that no other has.
fn option(name: &OsStr) -> Result<(&'static str, usize), String> {
    let name = if name == "-h" { OsStr::new("--help") } else { name };
    let begins = |(known, ..): &&(&str, usize, &str)| name.len() > 2 && known.as_bytes().starts_with(name.as_bytes());
    let mut found: Vec<_> = OPTIONS.iter().filter(begins).map(|(known, wanted, _)| (*known, *wanted)).collect();
    if let Some(exact) = found.iter().position(|(known, _)| name == *known) {
        return Ok(found.swap_remove(exact));
    }
    match found[..] {
        [one] => Ok(one),
        [] => Err(format!("unrecognized option `{}`: see `hollow rustc-action --help`", name.display())),
        _ => {
            let names: Vec<_> = found.iter().map(|(known, _)| *known).collect();
            Err(format!("ambiguous option `{}`: it could be {}", name.display(), names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Asked, String> {
        parse(line.split(' ').map(OsString::from).collect(), &Ok)
    }

    fn request(line: &str) -> Request {
        match parse_line(line) {
            Ok(Asked::Run(request)) => *request,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn every_option_has_its_place() {
        let request = request(
            "--diag-json=j --diag-txt t --env A=b=c --env=D= --path-env P=q --remap-cwd-prefix . --crate-map a=//:a --buck-target //:b \
             --failure-filter f --required-output s p --required-output t q --echo e --hollow=link --deps=full rustc --diag-json x",
        );
        let pair = |key: &str, value: &str| (OsString::from(key), OsString::from(value));
        let expected = Request {
            diag_json: Some("j".into()),
            diag_txt: Some("t".into()),
            env: vec![pair("A", "b=c"), pair("D", "")],
            path_env: vec![pair("P", "q")],
            remap_cwd_prefix: Some(".".into()),
            crate_map: vec![pair("a", "//:a")],
            buck_target: Some("//:b".into()),
            failure_filter: Some("f".into()),
            required_outputs: vec![("s".into(), "p".into()), ("t".into(), "q".into())],
            echo: Some("e".into()),
            hollow: request.hollow.clone(),
            command: ["rustc", "--diag-json", "x"].map(OsString::from).to_vec(),
        };
        assert_eq!(request, expected);
        assert_ne!(request.hollow, Hollow::default());
    }

    #[test]
    fn options_may_be_abbreviated() {
        let request = request("--diag-j j --ec=e --remap-cwd . --req s p -");
        assert_eq!((request.diag_json, request.echo), (Some("j".into()), Some("e".into())));
        assert_eq!(request.remap_cwd_prefix, Some(".".into()));
        assert_eq!(request.required_outputs.len(), 1);
        assert_eq!(request.command, ["-"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_option() {
        for (line, expected) in [
            ("--nope x", "unrecognized option `--nope`: see `hollow rustc-action --help`"),
            ("-x", "unrecognized option `-x`: see `hollow rustc-action --help`"),
            ("--e A=b", "ambiguous option `--e`: it could be --env, --echo"),
            ("--diag x", "ambiguous option `--diag`: it could be --diag-json, --diag-txt"),
            ("--env", "argument --env: expected one argument"),
            ("--env A rustc", "argument --env: expected the form `key=value` for `A`"),
            ("--path-env=A", "argument --path-env: expected the form `key=value` for `A`"),
            ("--crate-map A", "argument --crate-map: expected the form `key=value` for `A`"),
            ("--required-output a", "argument --required-output: expected 2 arguments"),
            ("--required-output", "argument --required-output: expected one argument"),
            ("--required-output=a b", "argument --required-output: expected 2 arguments, separately"),
            ("--seal-with=x rustc", "`--seal-with=x` needs --hollow=metadata, --hollow=compile or --hollow=link"),
        ] {
            assert_eq!(parse_line(line), Err(expected.into()), "{line}");
        }
    }

    #[test]
    fn help_names_every_option() {
        assert_eq!(parse_line("--env A=b -h"), Ok(Asked::Help));
        assert_eq!(parse_line("--help"), Ok(Asked::Help));
        assert_eq!(request("-- --help").command, ["--", "--help"]);
        let help = help();
        assert!(OPTIONS[1..].iter().all(|(option, ..)| help.contains(option)), "{help}");
    }
}
