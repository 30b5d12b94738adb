//! The runtime that the tests start: the same program as `cargo run`, built together with the tests so that
//! it is always up to date.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    omniflow_e2e::prepare_tls();
    omniflow::cli::main()
}
