//! The runtime that the tests start: the very program of `cargo run`, built together with the tests so that it is
//! never an old one.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    omniflow_e2e::prepare_tls();
    omniflow::cli::main()
}
