//! What a link plan says, for people and programs.

use std::fmt::Write;

use anyhow::Result;
use serde::Serialize;

use super::manifest::{Content, Piece, Rlib};
use super::plan::LinkPlan;

/// The report on a link plan.
#[derive(Debug, Serialize)]
pub struct Description {
    /// Where it is.
    pub path: String,
    /// `link plan`.
    pub kind: &'static str,
    #[serde(rename = "crate")]
    crate_name: String,
    hollow: String,
    output: String,
    /// Why it is an unsplit plan, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    unsplit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rustc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    linker: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    arguments: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rlibs: Vec<Rlib>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<super::PlanFile>,
}

impl Description {
    /// Describes a plan.
    pub fn of(plan: &LinkPlan) -> Self {
        let manifest = plan.manifest();
        let mut description = Self {
            path: plan.path().display().to_string(),
            kind: "link plan",
            crate_name: manifest.crate_name.clone(),
            hollow: manifest.hollow.clone(),
            output: manifest.output.clone(),
            unsplit: None,
            rustc: None,
            linker: None,
            arguments: Vec::new(),
            rlibs: Vec::new(),
            files: Vec::new(),
        };
        match &manifest.content {
            Content::Unsplit(reason) => description.unsplit = Some(reason.clone()),
            Content::Split(call) => {
                description.rustc = Some(call.rustc.clone());
                description.linker = Some(call.linker.to_os_string().to_string_lossy().into_owned());
                description.arguments = call.arguments.iter().map(|argument| shown(argument, &call.rlibs)).collect();
                description.rlibs = call.rlibs.clone();
                description.files = call.files.clone();
            }
        }
        description
    }

    /// For people: what it links, and of the arguments those that are neither files of the plan nor rlibs.
    pub fn text(&self) -> Result<String> {
        let mut text = format!("{}: link plan\n", self.path);
        let line = |text: &mut String, name: &str, value: &str| writeln!(text, "  {name:<9}{value}");
        line(&mut text, "crate", &self.crate_name)?;
        line(&mut text, "output", &self.output)?;
        if let Some(reason) = &self.unsplit {
            line(&mut text, "unsplit", &format!("the link action runs rustc: {reason}"))?;
        }
        if let (Some(rustc), Some(linker)) = (&self.rustc, &self.linker) {
            line(&mut text, "rustc", rustc)?;
            line(&mut text, "linker", linker)?;
        }
        for (index, argument) in self.arguments.iter().enumerate() {
            line(&mut text, if index == 0 { "arguments" } else { "" }, &format!(" {argument}"))?;
        }
        for (index, rlib) in self.rlibs.iter().enumerate() {
            line(&mut text, if index == 0 { "rlibs" } else { "" }, &format!(" {}  {}", rlib.file, rlib.identity))?;
        }
        for (index, file) in self.files.iter().enumerate() {
            line(&mut text, if index == 0 { "files" } else { "" }, &format!("{:>10}  {}", file.size, file.name))?;
        }
        Ok(text)
    }
}

/// An argument with names in the place of paths.
fn shown(argument: &[Piece], rlibs: &[Rlib]) -> String {
    let file = |number: usize| rlibs.get(number).map_or("?", |rlib| &rlib.file);
    let pieces = argument.iter().map(|piece| match piece {
        Piece::Text(text) => text.to_os_string().to_string_lossy().into_owned(),
        Piece::Plan(name) => format!("<plan>/{name}"),
        Piece::Rlib(number) => format!("<rlib>/{}", file(*number)),
        Piece::Packed { rlib, member } => format!("<rlib>/{}({member})", file(*rlib)),
        Piece::Sysroot => "<sysroot>".into(),
        Piece::Output => "<output>".into(),
        Piece::Directory => "<directory>".into(),
    });
    pieces.collect()
}

impl LinkPlan {
    /// The parts in which two plans differ, each as one line; none if they would link the same.
    pub fn differences(&self, other: &Self) -> Result<Vec<String>> {
        let (one, two) = (Description::of(self), Description::of(other));
        let mut differences = Vec::new();
        if self.manifest() == other.manifest() {
            for file in &one.files {
                if self.content(&file.name)? != other.content(&file.name)? {
                    differences.push(format!("{} differs", file.name));
                }
            }
            return Ok(differences);
        }
        let mut compare = |what: &str, same: bool| {
            if !same {
                differences.push(format!("{what} differs"));
            }
        };
        compare("the command line", self.manifest().command_line == other.manifest().command_line);
        compare("the crate's name", one.crate_name == two.crate_name);
        compare("the output's name", one.output == two.output);
        compare("whether or why it is unsplit", one.unsplit == two.unsplit);
        compare("rustc", one.rustc == two.rustc);
        compare("the linker", one.linker == two.linker);
        compare("the linker's command line", one.arguments == two.arguments);
        for rlib in &one.rlibs {
            compare(&format!("the metadata of {}", rlib.file), two.rlibs.contains(rlib));
        }
        for file in &one.files {
            let same = two.files.contains(file) && self.content(&file.name)? == other.content(&file.name)?;
            compare(&file.name, same);
        }
        if differences.is_empty() {
            differences.push("the rest of the manifest differs".into());
        }
        Ok(differences)
    }
}
