#![no_main]
//! See `fuzzing` of rum-trace-cli for what is asserted.

libfuzzer_sys::fuzz_target!(|input: &[u8]| rum_trace_cli::fuzzing::answer(input));
