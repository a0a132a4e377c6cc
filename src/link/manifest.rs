//! What a link plan says: the linker's call, in which everything that may be elsewhere next time has a name of its own.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use serde::{Deserialize, Serialize};

/// The head of a link plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The hollow that made it. Another version's plans are not read.
    pub hollow: String,
    /// The crate's name.
    #[serde(rename = "crate")]
    pub crate_name: String,
    /// The program's file name, which shared libraries know of themselves.
    pub output: String,
    /// What of the command line decides the program: [`fingerprint`](super::fingerprint).
    pub command_line: String,
    /// The linker's call, or why there is none.
    #[serde(flatten)]
    pub content: Content,
}

/// What is to be done to link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// The linker is called so.
    Split(Call),
    /// Compilation and link are one action, for this reason: the link action runs rustc.
    Unsplit(String),
}

/// A call of the linker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The rustc that made the call, as its metadata say it.
    pub rustc: String,
    /// The program, as rustc would have started it.
    pub linker: Text,
    /// Its arguments.
    pub arguments: Vec<Vec<Piece>>,
    /// The directories that rustc puts in front of `PATH`.
    pub path: Vec<Vec<Piece>>,
    /// The other variables that rustc sets.
    pub environment: Vec<(String, Text)>,
    /// The rlibs that are linked, in the order of their arguments.
    pub rlibs: Vec<Rlib>,
    /// The plan's own files, sorted by name.
    pub files: Vec<PlanFile>,
    /// The plan's own directories, sorted.
    pub directories: Vec<String>,
}

/// A part of an argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// This text.
    Text(Text),
    /// The path of a file or directory of the plan.
    Plan(String),
    /// The path of the full rlib with this number in [`Call::rlibs`].
    Rlib(usize),
    /// The path of a native library that rustc has packed into that rlib, taken out of it again.
    Packed {
        /// Its number in [`Call::rlibs`].
        rlib: usize,
        /// The name of its member.
        member: String,
    },
    /// The path of rustc's sysroot.
    Sysroot,
    /// The path of the output.
    Output,
    /// The path of the working directory.
    Directory,
}

/// An rlib that is linked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rlib {
    /// The file name of the full rlib.
    pub file: String,
    /// What tells its metadata from others: [`rlib::Identity`](crate::rlib::Identity).
    pub identity: String,
}

/// A file of the plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlanFile {
    /// Its path in the plan.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

/// Text of any bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// UTF-8, as nearly all is.
    Utf8(String),
    /// Anything else.
    Bytes(Vec<u8>),
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Utf8(text.to_owned()),
            Err(_) => Self::Bytes(bytes.to_vec()),
        }
    }
}

impl From<&OsStr> for Text {
    fn from(text: &OsStr) -> Self {
        text.as_bytes().into()
    }
}

impl Text {
    /// As the system takes it.
    pub fn to_os_string(&self) -> OsString {
        match self {
            Self::Utf8(text) => text.into(),
            Self::Bytes(bytes) => OsString::from_vec(bytes.clone()),
        }
    }
}

impl Manifest {
    /// The call, unless it can't be made without rustc.
    pub fn call(&self) -> Result<&Call, &str> {
        match &self.content {
            Content::Split(call) => Ok(call),
            Content::Unsplit(reason) => Err(reason),
        }
    }
}
