//! `cargo run`: the whole system on this machine.

use mimalloc::MiMalloc;

/// An order makes thousands of small allocations, most of them for the JSON of tables. mimalloc spends half
/// the time on them that the system's allocator does.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    omniflow::cli::main()
}
