#![no_main]
//! See `sw8_extension` of the library for what is asserted.

libfuzzer_sys::fuzz_target!(|input: &[u8]| rum_trace_fuzz::sw8_extension(input));
