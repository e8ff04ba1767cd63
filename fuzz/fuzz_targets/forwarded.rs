#![no_main]
//! See `forwarded` of the library for what is asserted.

libfuzzer_sys::fuzz_target!(|input: &[u8]| rum_trace_fuzz::forwarded(input));
