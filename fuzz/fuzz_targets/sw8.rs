#![no_main]
//! See `sw8` of the library for what is asserted.

libfuzzer_sys::fuzz_target!(|input: &[u8]| rum_trace_fuzz::sw8(input));
