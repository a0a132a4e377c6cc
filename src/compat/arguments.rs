//! Arguments: taken apart, and on their way into response files.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tempfile::TempPath;

use crate::rustc::response_file;

/// Arguments that belong into response files. What such a file can't hold (a line end, bytes that are no UTF-8) goes onto the command line
/// itself, in its place.
#[derive(Debug, Default)]
pub struct Arguments {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    /// The content of a response file.
    File(Vec<u8>),
    Argument(OsString),
}

impl Arguments {
    /// Adds one.
    pub fn push(&mut self, argument: &OsStr) {
        if !response_file::is_representable(argument) {
            return self.pieces.push(Piece::Argument(argument.to_owned()));
        }
        if !matches!(self.pieces.last(), Some(Piece::File(_))) {
            self.pieces.push(Piece::File(Vec::new()));
        }
        if let Some(Piece::File(content)) = self.pieces.last_mut() {
            content.extend_from_slice(argument.as_bytes());
            content.push(b'\n');
        }
    }

    /// Whether a response file with this content stands for them.
    pub fn are(&self, content: &[u8]) -> bool {
        match &self.pieces[..] {
            [] => content.is_empty(),
            [Piece::File(own)] => !content.is_empty() && (own == content || own.strip_suffix(b"\n") == Some(content)),
            _ => false,
        }
    }

    /// Writes the response files, in `directory`, and yields the command line with its references to them. There is one at least.
    pub fn write(mut self, directory: &Path, prefix: &str, suffix: &str) -> io::Result<(Vec<OsString>, Vec<TempPath>)> {
        if self.pieces.is_empty() {
            self.pieces.push(Piece::File(Vec::new()));
        }
        let (mut line, mut files) = (Vec::new(), Vec::new());
        for piece in self.pieces {
            match piece {
                Piece::Argument(argument) => line.push(argument),
                Piece::File(content) => {
                    let mut file = tempfile::Builder::new().prefix(prefix).suffix(suffix).tempfile_in(directory)?;
                    file.write_all(&content)?;
                    let path = file.into_temp_path();
                    let mut reference = OsString::from("@");
                    reference.push(&path);
                    line.push(reference);
                    files.push(path);
                }
            }
        }
        Ok((line, files))
    }
}

/// Splits at the first `=`.
pub fn split(text: &OsStr) -> (&OsStr, Option<OsString>) {
    let bytes = text.as_bytes();
    match memchr::memchr(b'=', bytes) {
        Some(at) => (OsStr::from_bytes(&bytes[..at]), Some(OsStr::from_bytes(&bytes[at + 1..]).to_owned())),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(all: &[&str]) -> Arguments {
        let mut arguments = Arguments::default();
        all.iter().for_each(|argument| arguments.push(OsStr::new(argument)));
        arguments
    }

    #[test]
    fn what_no_response_file_can_hold_stays_on_the_command_line() {
        let directory = tempfile::tempdir().unwrap();
        let (line, files) = arguments(&["-a", "", "x\ny", "-b"]).write(directory.path(), "args-", ".txt").unwrap();
        let [first, second] = &files[..] else { panic!("{files:?}") };
        assert_eq!(line, [format!("@{}", first.display()), "x\ny".into(), format!("@{}", second.display())].map(OsString::from));
        assert_eq!(std::fs::read_to_string(first).unwrap(), "-a\n\n");
        assert_eq!(std::fs::read_to_string(second).unwrap(), "-b\n");
        drop(files);
        assert!(directory.path().read_dir().unwrap().next().is_none());
    }

    #[test]
    fn a_file_that_says_the_same_will_do() {
        assert!(arguments(&["a", "b"]).are(b"a\nb\n") && arguments(&["a", "b"]).are(b"a\nb") && arguments(&[]).are(b""));
        assert!(!arguments(&["a", "b"]).are(b"a\r\nb\n") && !arguments(&["a\nb"]).are(b"a\nb\n") && !arguments(&[""]).are(b""));
    }
}
