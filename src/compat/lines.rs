//! Cutting a stream of bytes into lines, in bounded memory.

use memchr::memchr;

/// A longer line is held only if it may be JSON, since JSON can't be judged in parts.
const HELD: usize = 64 * 1024;

/// Cuts a stream into lines. Holds no more than one line that looks like JSON, or the first 64 KiB of another.
#[derive(Debug, Default)]
pub struct Lines {
    held: Vec<u8>,
    /// The beginning of the current line has been passed on already.
    within: bool,
}

/// What a stream consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A line with its end, if it has one: the last line of a stream may not.
    Line(&'a [u8]),
    /// A part of a long line that is no JSON.
    Part(&'a [u8]),
}

impl Lines {
    /// Takes the next bytes, and yields what they complete.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(Piece<'_>)) {
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end + 1);
            bytes = rest;
            if std::mem::take(&mut self.within) {
                each(Piece::Part(line));
            } else if self.held.is_empty() {
                each(Piece::Line(line));
            } else {
                self.held.extend_from_slice(line);
                each(Piece::Line(&self.held));
                self.held.clear();
                self.held.shrink_to(HELD);
            }
        }
        if self.within {
            return each(Piece::Part(bytes));
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() > HELD && !may_be_json(&self.held) {
            each(Piece::Part(&self.held));
            self.held.clear();
            self.within = true;
        }
    }

    /// Yields what is left at the end of the stream.
    pub fn finish(self, each: impl FnOnce(Piece<'_>)) {
        if !self.held.is_empty() {
            each(Piece::Line(&self.held));
        }
    }
}

fn may_be_json(line: &[u8]) -> bool {
    line.trim_ascii_start().first() == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of a stream that comes in chunks of this size, `|` between them and `+` after a part.
    fn pieces(stream: &[u8], chunk: usize) -> String {
        let mut lines = Lines::default();
        let mut out = String::new();
        let mut each = |piece: Piece<'_>| match piece {
            Piece::Line(line) => out += &format!("{}|", String::from_utf8_lossy(line)),
            Piece::Part(part) => out += &format!("{}+", part.len()),
        };
        stream.chunks(chunk).for_each(|chunk| lines.feed(chunk, &mut each));
        lines.finish(each);
        out
    }

    #[test]
    fn lines_are_whole_however_they_come() {
        for chunk in [1, 2, 3, 100] {
            assert_eq!(pieces(b"a\n\n{\"b\": 1}\r\nc", chunk), "a\n|\n|{\"b\": 1}\r\n|c|", "{chunk}");
        }
        assert_eq!(pieces(b"", 1), "");
    }

    #[test]
    fn a_long_line_is_held_only_if_it_may_be_json() {
        let long = vec![b'x'; HELD];
        let mut text = [&long[..], b"yz\nnext\n"].concat();
        assert_eq!(pieces(&text, HELD + 1), format!("{}+2+next\n|", HELD + 1));
        text[0] = b'{';
        assert_eq!(pieces(&text, HELD + 1).len(), text.len() + 2);
    }
}
