//! Where one object of JSON ends in a stream and the next begins.

use std::io::{self, BufRead};

/// The bytes of the next object; `None` at the end of the input.
///
/// What is no JSON ends with its line, and is given back for the reader to complain about. What is cut off by the end of the input is nobody's
/// request.
pub fn next_object(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut object = Vec::new();
    let mut scan = Scan::default();
    loop {
        let chunk = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            chunk => chunk?,
        };
        if chunk.is_empty() {
            return Ok(None);
        }
        let mut used = 0;
        let mut complete = false;
        for &byte in chunk {
            used += 1;
            if object.is_empty() && byte != b'{' {
                // White space, or rubbish before an object.
                continue;
            }
            object.push(byte);
            complete = scan.ends_with(byte) || byte == b'\n' && is_hopeless(&object);
            if complete {
                break;
            }
        }
        input.consume(used);
        if complete {
            return Ok(Some(object));
        }
    }
}

/// Whether no continuation can make this an object.
fn is_hopeless(start: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(start).is_err_and(|error| !error.is_eof())
}

/// The id in something that is no request otherwise.
pub fn request_id(object: &[u8]) -> Option<i32> {
    let text = String::from_utf8_lossy(object);
    let (_, rest) = text.split_once("\"requestId\"")?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

/// Follows the nesting of an object.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    /// Whether the object ends with this byte.
    fn ends_with(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b'{' => self.depth += 1,
            b'}' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}
