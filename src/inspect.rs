//! `hollow inspect`: what an rlib or a link plan is.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::link::{Description, LinkPlan};
use crate::rlib::{Error, Kind, Rlib};

/// In which form to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

/// Reports on each file, and on whether the metadata of two agree. The status is 1 if one of them is no rlib, or if two disagree.
pub fn inspect(paths: &[PathBuf], format: Format) -> Result<ExitCode> {
    if paths.iter().all(|path| LinkPlan::is_one(path)) {
        return inspect_plans(paths, format);
    }
    let read: Vec<_> = paths.iter().map(|path| (path.as_path(), Rlib::read(path))).collect();
    let mut rlibs = Vec::new();
    for (path, rlib) in read {
        match rlib {
            Err(Error::Unreadable(..)) => return Err(rlib.err().context("unreadable")?.into()),
            other => rlibs.push((path, other)),
        }
    }
    let agreement = match &rlibs[..] {
        [(_, Ok(one)), (_, Ok(other))] => Some(one.metadata() == other.metadata()),
        _ => None,
    };
    let sealed = match &rlibs[..] {
        [(_, Ok(one)), (_, Ok(other))] => agreement.filter(|_| one.kind != other.kind),
        _ => None,
    };
    let all_rlibs = rlibs.iter().all(|(_, rlib)| rlib.is_ok());
    let reports: Vec<Report> = rlibs.iter().map(|(path, rlib)| Report::of(path, rlib)).collect();
    let text = match format {
        Format::Text => as_text(&reports, agreement, sealed)?,
        Format::Json => {
            let document = Document { rlibs: reports, same_metadata: agreement, sealed_pair: sealed };
            format!("{}\n", serde_json::to_string_pretty(&document)?)
        }
    };
    crate::print_out(text.as_bytes(), "the report")?;
    Ok(ExitCode::from(u8::from(!all_rlibs || agreement == Some(false))))
}

/// The same for link plans. The status is 1 if two of them would not link the same.
fn inspect_plans(paths: &[PathBuf], format: Format) -> Result<ExitCode> {
    let plans = paths.iter().map(|path| LinkPlan::read(path)).collect::<Result<Vec<_>>>()?;
    let differences = match &plans[..] {
        [one, other] => Some(one.differences(other)?),
        _ => None,
    };
    let descriptions: Vec<Description> = plans.iter().map(Description::of).collect();
    let text = match format {
        Format::Text => {
            let mut text = descriptions.iter().map(Description::text).collect::<Result<String>>()?;
            match differences.as_deref() {
                Some([]) => text.push_str("the same plan: both link the same program from the same rlibs\n"),
                Some(differences) => writeln!(text, "different plans: {}", differences.join(", "))?,
                None => {}
            }
            text
        }
        Format::Json => {
            let same = differences.as_ref().map(Vec::is_empty);
            let document = PlanDocument { plans: descriptions, same_plan: same, differences: differences.clone() };
            format!("{}\n", serde_json::to_string_pretty(&document)?)
        }
    };
    crate::print_out(text.as_bytes(), "the report")?;
    Ok(ExitCode::from(u8::from(differences.is_some_and(|differences| !differences.is_empty()))))
}

#[derive(Serialize)]
struct PlanDocument {
    plans: Vec<Description>,
    /// Of two plans: whether they link the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_plan: Option<bool>,
    /// In what they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    differences: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Document {
    rlibs: Vec<Report>,
    /// Of two rlibs: whether their `lib.rmeta` are byte-identical.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_metadata: Option<bool>,
    /// Of a full and a hollow rlib: the same, which makes them a sealed pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed_pair: Option<bool>,
}

#[derive(Serialize)]
struct Report {
    path: String,
    /// `hollow`, `full` or `not an rlib`.
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(rename = "crate", skip_serializing_if = "Option::is_none")]
    crate_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    svh: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rustc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<Member>,
}

#[derive(Serialize)]
struct Member {
    name: String,
    size: u64,
}

impl Report {
    fn of(path: &Path, rlib: &Result<Rlib, Error>) -> Self {
        let mut report = Self {
            path: path.display().to_string(),
            kind: "not an rlib".into(),
            reason: None,
            crate_name: None,
            svh: None,
            rustc: None,
            target: None,
            members: Vec::new(),
        };
        match rlib {
            Ok(rlib) => {
                report.kind = rlib.kind.to_string();
                report.members = rlib.members.iter().map(|m| Member { name: m.name.clone(), size: m.size }).collect();
                if let Some(header) = rlib.header() {
                    let from_file = || name_from_file(path, header.extra_filename.as_deref()?, rlib.kind);
                    report.crate_name = header.crate_name.clone().or_else(from_file);
                    report.svh = Some(header.svh.to_string());
                    report.rustc = Some(header.rustc);
                    report.target = Some(header.target);
                } else {
                    report.reason = Some("its metadata has a layout that this version of hollow does not know".into());
                }
            }
            Err(Error::NotAnRlib(_, reason)) => report.reason = Some(reason.clone()),
            Err(error @ Error::Unreadable(..)) => report.reason = Some(error.to_string()),
        }
        report
    }
}

/// The name of a crate that rustc knew beforehand (`core`, `libc`), whose metadata does not spell it out.
fn name_from_file(path: &Path, extra_filename: &str, kind: Kind) -> Option<String> {
    let stem = path.file_stem()?.to_str()?.strip_prefix("lib")?;
    let stem = if kind == Kind::Hollow { stem.strip_suffix("_meta").unwrap_or(stem) } else { stem };
    stem.strip_suffix(extra_filename).map(str::to_owned)
}

fn as_text(reports: &[Report], agreement: Option<bool>, sealed: Option<bool>) -> Result<String> {
    let mut text = String::new();
    for report in reports {
        let kind = if report.members.is_empty() { report.kind.clone() } else { format!("{} rlib", report.kind) };
        write!(text, "{}: {kind}", report.path)?;
        if let Some(reason) = &report.reason {
            write!(text, ", {reason}")?;
        }
        text.push('\n');
        let fields = [("crate", &report.crate_name), ("SVH", &report.svh), ("rustc", &report.rustc), ("target", &report.target)];
        for (name, value) in fields.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            writeln!(text, "  {name:<8}{value}")?;
        }
        for (index, member) in report.members.iter().enumerate() {
            let title = if index == 0 { "members" } else { "" };
            writeln!(text, "  {title:<8}{:>10}  {}", member.size, member.name)?;
        }
    }
    match agreement {
        Some(true) if sealed.is_some() => {
            text.push_str("same metadata, a sealed pair: a dependent may be compiled against either\n");
        }
        Some(true) => text.push_str("same metadata: a dependent may be compiled against either\n"),
        Some(false) if sealed.is_some() => text.push_str(
            "different metadata, no sealed pair: a dependent compiled against one will not accept the other (E0460); see `hollow seal`\n",
        ),
        Some(false) => text.push_str("different metadata: a dependent compiled against one will not accept the other (E0460)\n"),
        None => {}
    }
    Ok(text)
}
