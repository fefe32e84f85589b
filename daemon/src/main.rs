//! The binary. Everything is in the library, where tests can reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Two TLS libraries in one process would each pick a provider and panic at first use; one is named before all else.
    // An error here means it was named already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    watchfire::cli::main()
}
