//! The `campaigner` binary: hands the command line to [`campaigner::cli`] and ends with its code.

fn main() -> std::process::ExitCode {
    campaigner::cli::main()
}
