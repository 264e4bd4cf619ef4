//! The program `acewatch`: parses the command line, runs the command, gives the exit code.

use std::process::ExitCode;

use acewatch::cli::Cli;
use clap::Parser;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
