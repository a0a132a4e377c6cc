//! `--diagnostics`: rustc's diagnostics twice, as JSON for tools and rendered for people.

/// What rustc has said, told apart by whom it is for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Its diagnostics, one JSON object a line, byte for byte.
    pub diagnostics: Vec<u8>,
    /// The same diagnostics rendered, as rustc would have without JSON, and in their place among them everything that is no diagnostic, byte for
    /// byte: messages on outputs (`--json=artifacts`), a panic of the compiler or of a macro.
    pub rendered: Vec<u8>,
}

impl Said {
    /// Takes apart what rustc says on standard error with `--error-format=json`.
    pub fn of(stderr: &[u8]) -> Self {
        let mut said = Self::default();
        for line in stderr.split_inclusive(|&byte| byte == b'\n') {
            if let Some(text) = rendering(line) {
                said.diagnostics.extend_from_slice(line);
                said.rendered.extend_from_slice(text.as_bytes());
            } else {
                said.rendered.extend_from_slice(line);
            }
        }
        said
    }
}

/// The text of a diagnostic; `None` if the line is no diagnostic.
fn rendering(line: &[u8]) -> Option<String> {
    if !line.starts_with(b"{") {
        return None;
    }
    let message: serde_json::Value = serde_json::from_slice(line).ok()?;
    (message["$message_type"] == "diagnostic").then(|| message["rendered"].as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_are_rendered_and_everything_else_stays_in_its_place() {
        let diagnostics = [
            "{\"$message_type\":\"diagnostic\",\"rendered\":\"error: x\\n\\n\"}\n",
            "{\"$message_type\":\"diagnostic\",\"rendered\":\"error: aborting\\n\"}\n",
        ];
        let others = ["thread panicked\n", "{\"$message_type\":\"artifact\",\"artifact\":\"a\"}\n", "{ cut short"];
        let stderr = [others[0], diagnostics[0], others[1], diagnostics[1], others[2]].concat();
        let said = Said::of(stderr.as_bytes());
        assert_eq!(said.diagnostics, diagnostics.concat().as_bytes());
        let rendered = [others[0], "error: x\n\n", others[1], "error: aborting\n", others[2]].concat();
        assert_eq!(String::from_utf8(said.rendered).unwrap(), rendered);
        assert_eq!(Said::of(b""), Said::default());
    }
}
