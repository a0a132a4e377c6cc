//! `--hollow=metadata|compile|link`: the wrapped command line becomes an action.
//!
//! The command that is run is then `hollow ACTION OPTIONS -- COMMAND`, from the same file as this process. So everything that a drop-in
//! does for a compiler (environment, arguments, diagnostics, outputs) it does for the action, and the action is no other than from a shell.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// The options of the actions that can be given with `--hollow`, and whether they have a value, which follows an `=`.
const OPTIONS: [(&str, Value); 16] = [
    ("--deny-unstable-features", Value::None),
    ("--deps", Value::Some),
    ("--diagnostics", Value::Some),
    ("--doctor-report", Value::Some),
    ("--explain", Value::None),
    ("--expression-macros", Value::Some),
    ("--interface", Value::Optional),
    ("--one-rustc", Value::None),
    ("--output", Value::Some),
    ("--plan", Value::Some),
    ("--plan-format", Value::Some),
    ("--print", Value::Some),
    ("--random-seeds", Value::None),
    ("--remap-cwd", Value::Some),
    ("--seal-with", Value::Some),
    ("--verify-against", Value::Some),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    None,
    Some,
    Optional,
}

/// Which action a wrapped command line becomes, if it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hollow {
    action: Option<OsString>,
    options: Vec<OsString>,
}

impl Hollow {
    /// Takes an argument, if it is one of these options. The error says what is wrong with it.
    pub fn take(&mut self, argument: &OsStr) -> Result<bool, String> {
        let bytes = argument.as_bytes();
        let (name, value) = match bytes.iter().position(|&byte| byte == b'=') {
            Some(at) => (&bytes[..at], Some(&bytes[at + 1..])),
            None => (bytes, None),
        };
        if name == b"--hollow" {
            let action = value.filter(|value| [&b"metadata"[..], b"compile", b"link"].contains(value));
            let action = action
                .ok_or_else(|| format!("`{}`: write --hollow=metadata, --hollow=compile or --hollow=link", argument.display()))?;
            self.action = Some(OsStr::from_bytes(action).to_owned());
            return Ok(true);
        }
        let Some((name, kind)) = OPTIONS.iter().find(|(known, _)| known.as_bytes() == name) else { return Ok(false) };
        match (kind, value) {
            (Value::None, Some(_)) => Err(format!("{name} takes no value")),
            (Value::Some, None) => Err(format!("{name} needs a value: write {name}=VALUE")),
            _ => {
                self.options.push(argument.to_owned());
                Ok(true)
            }
        }
    }

    /// Whether the drop-ins take this option of an action.
    #[cfg(test)]
    pub(crate) fn knows(option: &str) -> bool {
        OPTIONS.iter().any(|(known, _)| *known == option)
    }

    /// The same, when all options are known.
    pub fn checked(self) -> Result<Self, String> {
        match self.options.first() {
            Some(option) if self.action.is_none() => {
                Err(format!("`{}` needs --hollow=metadata, --hollow=compile or --hollow=link", option.display()))
            }
            _ => Ok(self),
        }
    }

    /// Starts the command line: what comes before the wrapped command's own arguments.
    pub fn command(&self, program: &OsStr) -> Command {
        let Some(action) = &self.action else { return Command::new(program) };
        let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("hollow"));
        let mut command = Command::new(own);
        // The file may be called as the drop-in is, and then it would be the drop-in again.
        command.arg0("hollow").arg(action).args(&self.options).arg("--").arg(program);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(arguments: &[&str]) -> Result<Hollow, String> {
        let mut hollow = Hollow::default();
        for argument in arguments {
            assert!(hollow.take(OsStr::new(argument))?, "{argument}");
        }
        hollow.checked()
    }

    #[test]
    fn options_are_passed_on_as_they_are() {
        let hollow = take(&["--interface", "--hollow=metadata", "--interface=drop", "--output=a=b"]).unwrap();
        let command = hollow.command(OsStr::new("rustc"));
        let line: Vec<_> = command.get_args().collect();
        assert_eq!(line, ["metadata", "--interface", "--interface=drop", "--output=a=b", "--", "rustc"]);
        assert!(take(&["--hollow=link", "--diagnostics=said", "--print=json"]).is_ok());
        assert_eq!(take(&[]).unwrap().command(OsStr::new("rustc")).get_program(), "rustc");
        assert_eq!(Hollow::default().take(OsStr::new("--hollowed=link")), Ok(false));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let said = |arguments: &[&str]| take(arguments).unwrap_err();
        assert_eq!(said(&["--hollow"]), "`--hollow`: write --hollow=metadata, --hollow=compile or --hollow=link");
        assert_eq!(said(&["--hollow=full"]), "`--hollow=full`: write --hollow=metadata, --hollow=compile or --hollow=link");
        assert_eq!(said(&["--hollow=link", "--seal-with"]), "--seal-with needs a value: write --seal-with=VALUE");
        assert_eq!(said(&["--hollow=link", "--explain=1"]), "--explain takes no value");
        assert_eq!(said(&["--interface=drop"]), "`--interface=drop` needs --hollow=metadata, --hollow=compile or --hollow=link");
    }
}
