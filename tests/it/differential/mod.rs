//! Programs made at random, each a program over two libraries, built by plain rustc and by interface: they must end alike and print the same.
//! After an edit that promises to leave the hollow rlib as it is, the relinked program is compared, too.
//!
//! `cargo bench --bench differential -- SEED COUNT` goes over many; the test over a few.

// A bench uses this, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod build;
mod grammar;
mod program;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use build::{BY_INTERFACE, End, Workshop};
use fastrand::Rng;
use grammar::Grammar;
use program::Program;

/// One in so many programs is edited.
const EDITED: u64 = 2;

/// What is wrong with a program.
#[derive(Clone, Debug)]
struct Failure {
    way: &'static str,
    edit: Option<Edit>,
    plain: End,
    hollow: End,
}

/// An edit of the library at the bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    /// Another number in the body of a function.
    Body(u64),
    Comments,
    Helper,
}

/// How it went.
#[derive(Debug, Default)]
pub struct Tally {
    pub compared: AtomicUsize,
    pub edited: AtomicUsize,
    pub relinked: AtomicUsize,
    /// Nothing was left of them, or they crash by themselves.
    pub skipped: AtomicUsize,
    pub failed: AtomicUsize,
}

fn generate(seed: u64) -> Program {
    let mut grammar = Grammar::new(seed);
    let base = grammar.library("base", &["mac"]);
    let middle = grammar.library("middle", &["base", "base", "base", "mac"]);
    let main = grammar.program(&["base", "base", "middle", "middle", "mac"]);
    Program { crates: [base, middle, main] }
}

/// Goes over the programs of these seeds, as many at a time as there are cores, and tells of each failure as a fixture. So many that are alike
/// are made small; those after them are written as they are.
pub fn go_over(hollow: &str, seeds: Range<u64>, small: usize, report: impl Fn(u64, String) + Sync) -> Tally {
    let workshop = Workshop::new(hollow);
    let (tally, next) = (Tally::default(), AtomicU64::new(seeds.start));
    let kinds = Mutex::new(HashMap::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    if seed > seeds.start && (seed - seeds.start).is_multiple_of(50) {
                        println!("{tally:?}");
                    }
                    if let Some((program, failure)) = check(&workshop, seed, &tally) {
                        add(&tally.failed);
                        let alike = {
                            let mut kinds = kinds.lock().unwrap();
                            let alike = kinds.entry(failure.hollow.kind()).or_insert(0);
                            *alike += 1;
                            *alike
                        };
                        report(
                            seed,
                            if alike > small { failure.fixture(&program) } else { minimise(&workshop, program, failure) },
                        );
                    }
                }
            });
        }
    });
    tally
}

fn add(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn check(workshop: &Workshop, seed: u64, tally: &Tally) -> Option<(Program, Failure)> {
    let place = workshop.place();
    let mut program = generate(seed);
    let plain = workshop.build_plainly(place.path(), &mut program, true);
    if !is_usable(&plain) {
        add(&tally.skipped);
        return None;
    }
    add(&tally.compared);
    let mut explained = [String::new(), String::new()];
    for (way, explained) in BY_INTERFACE.into_iter().zip(&mut explained) {
        let (hollow, text) = workshop.build_by_interface(place.path(), &program, way);
        *explained = text;
        if hollow != plain {
            return Some((program, Failure { way, edit: None, plain, hollow }));
        }
    }
    let mut random = Rng::with_seed(seed);
    let way = random.usize(0..2);
    if !seed.is_multiple_of(EDITED) {
        return None;
    }
    let edit = Edit::random(&mut program, &mut random)?;
    add(&tally.edited);
    let failure = relink(workshop, place.path(), &program, BY_INTERFACE[way], edit, &explained[way], tally)?;
    Some((program, failure))
}

/// Whether there is something to compare with.
fn is_usable(plain: &End) -> bool {
    matches!(plain, End::Ran { code: Some(_), stdout, .. } if !stdout.is_empty())
}

/// Edits a program that was built in this way, and makes of it what the promise says.
fn relink(
    workshop: &Workshop,
    place: &Path,
    program: &Program,
    way: &'static str,
    edit: Edit,
    explained: &str,
    tally: &Tally,
) -> Option<Failure> {
    let mut edited = program.clone();
    let is_promised = edit.apply(&mut edited, way, explained);
    let plain = workshop.build_plainly(place, &mut edited, false);
    if !is_usable(&plain) {
        return None;
    }
    let failure = |hollow| Some(Failure { way, edit: Some(edit), plain: plain.clone(), hollow });
    match workshop.relink(place, &edited, way) {
        None if is_promised => failure(End::Refused { what: "an equal hollow rlib".into(), said: String::new() }),
        None => None,
        Some(hollow) => {
            add(&tally.relinked);
            if hollow == plain { None } else { failure(hollow) }
        }
    }
}

impl Failure {
    fn fixture(&self, program: &Program) -> String {
        let edit = self.edit.map_or(String::new(), |edit| format!(", after the edit {edit:?}"));
        let prints = if let End::Ran { stdout, .. } = &self.plain { &**stdout } else { "" };
        let fixture = program.fixture("to be found out", prints);
        format!("{fixture}// with lines as in `{}`{edit}: {:?}\n", self.way, self.hollow)
    }
}

impl Edit {
    fn random(program: &mut Program, random: &mut Rng) -> Option<Self> {
        match random.u8(0..4) {
            0 => Some(Self::Comments),
            1 => Some(Self::Helper),
            _ => {
                let functions = program.functions(0);
                let numbers = functions.iter().flat_map(|(_, text)| text.split(|c: char| !c.is_ascii_digit()));
                let numbers: Vec<u64> =
                    numbers.filter(|number| number.len() == 6).map(|number| number.parse().unwrap()).collect();
                random.choice(numbers).map(Self::Body)
            }
        }
    }

    /// Whether it leaves the hollow rlib as it is, by what was said about the functions.
    fn apply(self, program: &mut Program, way: &str, explained: &str) -> bool {
        let is_plain = explained.contains("plain hollow rlib") || explained.contains("stays as it is");
        let is_canonical = way == "drop" && !is_plain && !explained.contains("lines are kept");
        match self {
            Self::Body(number) => {
                let functions = program.functions(0);
                let number = number.to_string();
                let Some((line, text)) = functions.into_iter().find(|(_, text)| text.contains(&number)) else { return false };
                *text = text.replace(&number, &format!("1{number}"));
                !is_plain && !explained.contains(&format!("base.rs:{line}: "))
            }
            Self::Comments => {
                let comment = program::Node::Text("// Another comment.\n\n".into());
                let end = program.crates[0].len();
                program.crates[0].insert(0, comment.clone());
                program.crates[0].insert(end / 2, comment);
                is_canonical
            }
            Self::Helper => {
                // It may hide something that a glob brings in, and a derive may name it.
                let source = program.source(0);
                let may_show = source.contains("*;") || source.contains("derives::");
                let helper = "fn helper_of_nobody() -> u64 {\n    1\n}\n".into();
                program.crates[0].push(program::Node::Function(helper));
                is_canonical && !may_show && !explained.contains("no private function is left out")
            }
        }
    }
}

/// Takes out what the failure does not need, and writes the rest as a fixture.
fn minimise(workshop: &Workshop, mut program: Program, mut failure: Failure) -> String {
    let mut parts = program.size() / 2;
    let mut seen = HashSet::new();
    while parts > 0 {
        let mut start = 0;
        while start < program.size() {
            let smaller = program.without(&(start..start + parts));
            let is_new = smaller != program && seen.insert(format!("{smaller:?}"));
            match is_new.then(|| still_fails(workshop, &smaller, &failure)).flatten() {
                Some(same) => (program, failure) = (smaller, same),
                None => start += parts,
            }
        }
        parts /= 2;
    }
    failure.fixture(&program)
}

fn still_fails(workshop: &Workshop, program: &Program, failure: &Failure) -> Option<Failure> {
    let place = workshop.place();
    let mut program = program.clone();
    let plain = workshop.build_plainly(place.path(), &mut program, false);
    if !is_usable(&plain) {
        return None;
    }
    let (hollow, explained) = workshop.build_by_interface(place.path(), &program, failure.way);
    let Some(edit) = failure.edit else {
        let same = hollow != plain && hollow.kind() == failure.hollow.kind();
        return same.then(|| Failure { plain, hollow, ..failure.clone() });
    };
    if hollow != plain {
        return None;
    }
    let same = relink(workshop, place.path(), &program, failure.way, edit, &explained, &Tally::default())?;
    (same.hollow.kind() == failure.hollow.kind()).then_some(same)
}
