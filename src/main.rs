//! The executable: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    forebay::run_from_args(std::env::args_os())
}
