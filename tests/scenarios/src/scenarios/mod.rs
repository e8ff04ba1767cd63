//! The scenarios, by topic. Each takes a server that has served nothing yet.

pub mod lifecycle;
