//! The `cargo-hollow` binary: `cargo hollow`.

use std::process::ExitCode;

use hollow::cli::{self, CargoCommand};
use hollow::{cargo, report};

/// The status when it is not Cargo that has failed.
const STOPPED: u8 = 2;

fn main() -> ExitCode {
    let done = match cli::parse_cargo(std::env::args_os()) {
        CargoCommand::Run { options, arguments } => cargo::run(options, arguments),
        CargoCommand::Why { workspace, package } => cargo::why(&workspace, package.as_deref()),
        CargoCommand::Clean { workspace } => cargo::clean(&workspace),
    };
    done.unwrap_or_else(|error| {
        report(format_args!("error: {error:#}"));
        ExitCode::from(STOPPED)
    })
}
