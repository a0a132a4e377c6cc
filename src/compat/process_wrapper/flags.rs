//! The command line of `process_wrapper`: its own grammar, which is no one else's.

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
    /// `--version`.
    Version,
    /// To run a program.
    Run(Box<Request>),
}

/// A program to run, and what to do around it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `--subst`: keys and values.
    pub substitutions: Vec<(OsString, OsString)>,
    /// `--stable-status-file` and `--volatile-status-file`, in this order.
    pub status_files: [Option<PathBuf>; 2],
    /// `--env-file`.
    pub env_files: Vec<PathBuf>,
    /// `--arg-file`.
    pub arg_files: Vec<PathBuf>,
    /// `--out-dir`.
    pub out_dir: Option<OsString>,
    /// `--touch-file`.
    pub touch_file: Option<PathBuf>,
    /// `--copy-output`: from, to.
    pub copy_output: Option<(PathBuf, PathBuf)>,
    /// `--stdout-file`.
    pub stdout_file: Option<PathBuf>,
    /// `--stderr-file`.
    pub stderr_file: Option<PathBuf>,
    /// `--output-file`.
    pub output_file: Option<PathBuf>,
    /// `--captured-exit-code-file`.
    pub exit_code_file: Option<PathBuf>,
    /// `--check-output-for-working-dir`.
    pub checked_outputs: Vec<PathBuf>,
    /// `--rustc-output-format`.
    pub format: Option<Format>,
    /// `--rustc-quit-on-rmeta`.
    pub quit_on_rmeta: bool,
    /// `--require-explicit-unstable-features`.
    pub explicit_unstable_features: bool,
    /// `--hollow` and the options of the actions.
    pub hollow: Hollow,
    /// What follows `--`: the program.
    pub program: OsString,
    /// And its arguments.
    pub arguments: Vec<OsString>,
}

/// What becomes of rustc's JSON messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// They stay.
    Json,
    /// Their text for people.
    Rendered,
}

/// The flags, whether they may come several times, and what they are for.
const FLAGS: [(&str, Arity, &str); 17] = [
    (
        "--subst",
        Many,
        "KEY=VALUE...: ${KEY} stands for VALUE; the values ${pwd}, ${output_base} and ${exec_root} are directories",
    ),
    ("--stable-status-file", One, "FILE: {KEY} in the environment stands for a value of Bazel's workspace status"),
    ("--volatile-status-file", One, "FILE: the same"),
    ("--env-file", Many, "FILE...: NAME=VALUE lines for the environment"),
    ("--arg-file", Many, "FILE...: lines that become arguments, after the others"),
    ("--out-dir", One, "DIR: OUT_DIR is ${pwd}/DIR, and ${out_dir} is DIR"),
    ("--touch-file", One, "FILE: made, or emptied, after a success"),
    ("--copy-output", Many, "FROM TO: copied after a success"),
    ("--stdout-file", One, "FILE: for standard output"),
    ("--stderr-file", One, "FILE: for standard error, processed"),
    ("--output-file", One, "FILE: for standard error, as it comes"),
    ("--captured-exit-code-file", One, "FILE: gets the exit status; this process's own is 0 then"),
    ("--check-output-for-working-dir", Many, "FILE...: fail if the working directory is in it"),
    ("--rustc-output-format", One, "json|rendered: what becomes of rustc's JSON messages"),
    ("--rustc-quit-on-rmeta", One, "true|false: end rustc when it has written the metadata"),
    ("--require-explicit-unstable-features", One, "true|false: add -Zallow-features= unless there is one"),
    ("--hollow", One, "metadata|compile|link (after an =): the action that the command becomes, with its own options"),
];

use Arity::{Many, One};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Arity {
    One,
    Many,
}

/// What `--help` says.
pub fn help() -> String {
    let mut text = String::from(
        "Runs a program as rules_rust's process_wrapper does.\n\nUsage: hollow process-wrapper [FLAG VALUE...]... -- PROGRAM ARGS...\n\n",
    );
    for (flag, _, what) in FLAGS {
        text += &format!("  {flag} {what}\n");
    }
    text + "\nEach FLAG takes all values up to the next argument that starts with `--`. FLAG=VALUE takes exactly this one.\n"
}

/// Reads the command line. The error says which flag is wrong, and why.
pub fn parse(arguments: Vec<OsString>) -> Result<Asked, String> {
    let mut request = Request::default();
    let mut given: Vec<(&str, Vec<OsString>)> = FLAGS.iter().map(|(name, ..)| (*name, Vec::new())).collect();
    let mut arguments = arguments.into_iter().peekable();
    while let Some(token) = arguments.next_if(|token| token != "--") {
        match token.to_str() {
            Some("--help") => return Ok(Asked::Help),
            Some("--version") => return Ok(Asked::Version),
            _ => {}
        }
        if request.hollow.take(&token)? {
            continue;
        }
        let (name, joined) = split(&token);
        let mut values: Vec<OsString> = joined.into_iter().collect();
        if values.is_empty() && name.as_bytes().starts_with(b"--") {
            while let Some(value) = arguments.next_if(|value| !value.as_bytes().starts_with(b"--")) {
                values.push(value);
            }
            if values.is_empty() {
                return Err(format!(
                    "flag \"{}\" missing parameter(s): a value, or {0}=VALUE if it starts with `--`",
                    name.display()
                ));
            }
        }
        let known = given.iter_mut().zip(&FLAGS).find(|((known, _), _)| name == *known);
        let Some(((_, before), (name, arity, _))) = known else {
            return Err(format!("unknown flag \"{}\": see `hollow process-wrapper --help`", name.display()));
        };
        before.extend(values);
        if *arity == One && before.len() > 1 {
            let values: Vec<_> = before.iter().map(|value| value.to_string_lossy()).collect();
            return Err(format!("flag \"{name}\" can only appear once, and takes one value: not {}", values.join(" ")));
        }
    }
    let mut child = arguments.skip(1);
    request.program = child.next().ok_or("at least one argument after -- is required (the child process path)")?;
    request.arguments = child.collect();
    given.into_iter().try_for_each(|(name, values)| request.set(name, values))?;
    request.hollow = request.hollow.checked()?;
    Ok(Asked::Run(Box::new(request)))
}

impl Request {
    fn set(&mut self, name: &str, values: Vec<OsString>) -> Result<(), String> {
        if name == "--copy-output" && !values.is_empty() {
            self.copy_output = Some(copy(values)?);
            return Ok(());
        }
        for value in values {
            match name {
                "--subst" => {
                    let (key, Some(replacement)) = split(&value) else {
                        return Err(format!("empty key for substitution '{}': write --subst KEY=VALUE", value.display()));
                    };
                    self.substitutions.push((key.to_owned(), replacement));
                }
                "--stable-status-file" => self.status_files[0] = Some(value.into()),
                "--volatile-status-file" => self.status_files[1] = Some(value.into()),
                "--env-file" => self.env_files.push(value.into()),
                "--arg-file" => self.arg_files.push(value.into()),
                "--out-dir" => self.out_dir = Some(value),
                "--touch-file" => self.touch_file = Some(value.into()),
                "--stdout-file" => self.stdout_file = Some(value.into()),
                "--stderr-file" => self.stderr_file = Some(value.into()),
                "--output-file" => self.output_file = Some(value.into()),
                "--captured-exit-code-file" => self.exit_code_file = Some(value.into()),
                "--check-output-for-working-dir" => self.checked_outputs.push(value.into()),
                "--rustc-output-format" => {
                    self.format = Some(match value.to_str() {
                        Some("json") => Format::Json,
                        Some("rendered") => Format::Rendered,
                        _ => return Err(format!("invalid --rustc-output-format '{}': json or rendered", value.display())),
                    });
                }
                "--rustc-quit-on-rmeta" => self.quit_on_rmeta = switch(name, &value)?,
                _ => self.explicit_unstable_features = switch(name, &value)?,
            }
        }
        Ok(())
    }
}

fn copy(values: Vec<OsString>) -> Result<(PathBuf, PathBuf), String> {
    let [from, to] = <[OsString; 2]>::try_from(values)
        .map_err(|values| format!("\"--copy-output\" needs exactly 2 parameters, {} provided: FROM and TO", values.len()))?;
    if from == to {
        return Err(format!("\"--copy-output\" source ({}) and dest ({}) need to be different.", from.display(), to.display()));
    }
    Ok((from.into(), to.into()))
}

fn switch(name: &str, value: &OsStr) -> Result<bool, String> {
    match value.to_str() {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => Err(format!("{name} is true or false, not '{}'", value.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Asked, String> {
        parse(line.split_whitespace().map(OsString::from).collect())
    }

    fn request(line: &str) -> Request {
        match parse_line(line) {
            Ok(Asked::Run(request)) => *request,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_flag() {
        for (line, expected) in [
            ("", "at least one argument after -- is required (the child process path)"),
            ("--", "at least one argument after -- is required (the child process path)"),
            ("--touch-file a", "at least one argument after -- is required (the child process path)"),
            (
                "--touch-file --",
                "flag \"--touch-file\" missing parameter(s): a value, or --touch-file=VALUE if it starts with `--`",
            ),
            ("--nope", "flag \"--nope\" missing parameter(s): a value, or --nope=VALUE if it starts with `--`"),
            ("--nope a -- x", "unknown flag \"--nope\": see `hollow process-wrapper --help`"),
            ("a --touch-file b -- x", "unknown flag \"a\": see `hollow process-wrapper --help`"),
            ("-x -- x", "unknown flag \"-x\": see `hollow process-wrapper --help`"),
            ("--touch-file a b -- x", "flag \"--touch-file\" can only appear once, and takes one value: not a b"),
            ("--out-dir a --out-dir b -- x", "flag \"--out-dir\" can only appear once, and takes one value: not a b"),
            ("--subst a -- x", "empty key for substitution 'a': write --subst KEY=VALUE"),
            ("--copy-output a -- x", "\"--copy-output\" needs exactly 2 parameters, 1 provided: FROM and TO"),
            ("--copy-output a b c -- x", "\"--copy-output\" needs exactly 2 parameters, 3 provided: FROM and TO"),
            ("--copy-output a a -- x", "\"--copy-output\" source (a) and dest (a) need to be different."),
            ("--rustc-output-format v -- x", "invalid --rustc-output-format 'v': json or rendered"),
            ("--rustc-quit-on-rmeta yes -- x", "--rustc-quit-on-rmeta is true or false, not 'yes'"),
            ("--require-explicit-unstable-features 1 -- x", "--require-explicit-unstable-features is true or false, not '1'"),
            ("--interface=drop -- x", "`--interface=drop` needs --hollow=metadata, --hollow=compile or --hollow=link"),
            ("--hollow metadata -- x", "`--hollow`: write --hollow=metadata, --hollow=compile or --hollow=link"),
        ] {
            assert_eq!(parse_line(line), Err(expected.into()), "{line}");
        }
    }

    #[test]
    fn flags_take_all_values_up_to_the_next_and_keep_their_order() {
        let request = request(
            "--subst a=1 b= c=x=y --env-file e -dash --subst pwd=${pwd} --env-file=--f --arg-file g --touch-file t \
             --rustc-output-format json --rustc-quit-on-rmeta true -- prog -- --touch-file u",
        );
        let pairs = [("a", "1"), ("b", ""), ("c", "x=y"), ("pwd", "${pwd}")];
        assert_eq!(request.substitutions, pairs.map(|(key, value)| (key.into(), value.into())));
        assert_eq!(request.env_files, ["e", "-dash", "--f"].map(PathBuf::from));
        assert_eq!(request.touch_file, Some("t".into()));
        assert_eq!((request.format, request.quit_on_rmeta), (Some(Format::Json), true));
        assert_eq!(request.program, "prog");
        assert_eq!(request.arguments, ["--", "--touch-file", "u"]);
    }

    #[test]
    fn every_flag_has_its_place() {
        let request = request(
            "--stable-status-file s --volatile-status-file v --out-dir o --copy-output a b --stdout-file 1 --stderr-file 2 --output-file 3 \
             --captured-exit-code-file 4 --check-output-for-working-dir 5 6 --require-explicit-unstable-features true \
             --rustc-quit-on-rmeta false --hollow=link --deps=full -- p",
        );
        let expected = Request {
            status_files: [Some("s".into()), Some("v".into())],
            out_dir: Some("o".into()),
            copy_output: Some(("a".into(), "b".into())),
            stdout_file: Some("1".into()),
            stderr_file: Some("2".into()),
            output_file: Some("3".into()),
            exit_code_file: Some("4".into()),
            checked_outputs: vec!["5".into(), "6".into()],
            explicit_unstable_features: true,
            hollow: request.hollow.clone(),
            program: "p".into(),
            ..Request::default()
        };
        assert_eq!(request, expected);
        assert_ne!(request.hollow, Hollow::default());
    }

    #[test]
    fn help_names_every_flag() {
        assert_eq!(parse_line("--touch-file a --help"), Ok(Asked::Help));
        assert_eq!(parse_line("--version"), Ok(Asked::Version));
        assert_eq!(request("--touch-file a -- --help").arguments, [] as [&str; 0]);
        let help = help();
        assert!(FLAGS.iter().all(|(flag, ..)| help.contains(flag)), "{help}");
    }
}
