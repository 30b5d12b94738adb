//! `cargo run`: the whole system on this machine.

use mimalloc::MiMalloc;

/// An order makes thousands of small allocations, most of them for the tables' JSON; this allocator spends half of what
/// the system's does on them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    omniflow::cli::main()
}
