//! Files of lines: environment, arguments, workspace status and parameters.

use std::borrow::Cow;

/// The lines of such a file, with their numbers. Empty ones don't count. A backslash at the end of a line escapes the line end, two stand
/// for one: half of the backslashes there stay, and after an odd number of them the line goes on. A carriage return before a line end is
/// part of it.
///
/// A backslash at the end of the file is a line end, too; the original loses such a line.
pub fn lines(content: &[u8]) -> Vec<(usize, Cow<'_, [u8]>)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, Vec<u8>)> = None;
    for (index, line) in content.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
        if line.is_empty() {
            continue;
        }
        let backslashes = line.iter().rev().take_while(|&&byte| byte == b'\\').count();
        if backslashes == 0 && open.is_none() {
            lines.push((index + 1, Cow::Borrowed(line)));
            continue;
        }
        let (_, text) = open.get_or_insert((index + 1, Vec::new()));
        text.extend_from_slice(&line[..line.len() - backslashes.div_ceil(2)]);
        if backslashes % 2 == 1 {
            text.push(b'\n');
        } else {
            lines.extend(open.take().map(|(number, text)| (number, Cow::Owned(text))));
        }
    }
    lines.extend(open.map(|(number, text)| (number, Cow::Owned(text))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_its_backslashes_say() {
        for (content, expected) in [
            ("", &[][..]),
            ("a\nb", &[(1, "a"), (2, "b")]),
            ("a\r\n\r\n\nb\r\n", &[(1, "a"), (4, "b")]),
            ("arg with\\\nnl\n", &[(1, "arg with\nnl")]),
            ("a\\\\\nb\n", &[(1, "a\\"), (2, "b")]),
            ("a\\\\\\\nb\\\\\\\\\n", &[(1, "a\\\nb\\\\")]),
            ("a\\\n\\\nb\n", &[(1, "a\n\nb")]),
            ("a\\\n\nb\n", &[(1, "a\nb")]),
            ("x\na\\\n", &[(1, "x"), (2, "a\n")]),
            ("in\\side \\ \n", &[(1, "in\\side \\ ")]),
        ] {
            let lines = lines(content.as_bytes());
            let lines: Vec<_> = lines.iter().map(|(number, line)| (*number, str::from_utf8(line).unwrap())).collect();
            assert_eq!(lines, expected, "{content:?}");
        }
    }
}
